"""Which edge of a node to take: one function a rule, `(tree, node, numbers) -> edge`. `RULES` is the table of them.

Every rule weighs the mean return of an edge, q, against how little is known of it. For one player q is scaled to 0..1 by the least and
greatest return met in this tree (Schrittwieser et al. 2020); for two it is -1..1 as it is. An edge that was never taken has
the value that *first-play urgency* gives it: share * (value of the node) + shift. Edges stand in a seeded order
(tree.seeded_order), so the first of equals is taken. Edges with q = -inf are lost or dead and never taken.

Read next: gumbel.py (a rule with a plan for the root).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from astarzero.search.tree import (
    C_BASE,
    FPU_SHARE,
    FPU_SHIFT,
    GREATEST,
    LEAST,
    VIRTUAL_LOSS,
    C,
    counts_flying,
    two_players,
)


def puct(tree, node, numbers):
    """q + c * prior * sqrt(N) / (1 + n); N and n: visits of node and edge. c grows by log((1 + N + base) / base) when a base is given.

    Rosin 2011; Silver et al. 2018. N counts the node's own evaluation, so that the prior speaks at the first choice too.
    """
    first, end, least, per_span, untried = frame(tree, node, numbers)
    visits = np.float64(tree.nodes[node].visits + flying_through(tree, first, end))
    c = numbers[C] + (math.log((1.0 + visits + numbers[C_BASE]) / numbers[C_BASE]) if numbers[C_BASE] > 0.0 else 0.0)
    explore, highest, chosen = np.float32(c * math.sqrt(visits)), np.float32(-np.inf), -1
    for edge in range(first, end):
        q, tried = seen(tree, edge, untried, least, numbers)
        score = (q - least) * per_span + explore * tree.edges[edge].prior / np.float32(1 + tried)
        if score > highest:
            highest, chosen = score, edge
    return chosen


def uct(tree, node, numbers):
    """q + c * sqrt(log N / n); an edge that was never taken comes first (Kocsis & Szepesvari 2006). The prior is not read."""
    first, end, least, per_span, untried = frame(tree, node, numbers)
    log_visits = math.log(max(1.0, np.float64(tree.nodes[node].visits + flying_through(tree, first, end))))
    highest, chosen = -np.inf, -1
    for edge in range(first, end):
        q, tried = seen(tree, edge, untried, least, numbers)
        if tried == 0:
            return edge
        score = (q - least) * per_span + numbers[C] * math.sqrt(log_visits / tried)
        if score > highest:
            highest, chosen = score, edge
    return chosen


def greedy(tree, node, numbers):
    """The edge of best q; an edge that was never taken counts by first-play urgency, and among equals the likeliest is taken."""
    first, end, least, _, untried = frame(tree, node, numbers)
    highest, chosen = np.float32(-np.inf), -1
    for edge in range(first, end):
        q, _ = seen(tree, edge, untried, least, numbers)
        if q > highest or (q == highest > -np.inf and tree.edges[edge].prior > tree.edges[chosen].prior):
            highest, chosen = q, edge
    return chosen


# --- what the rules share ---------------------------------------------------------------------------------------------------------------


def frame(tree, node, numbers):
    """(first edge, end of the edges, least return, 1 / span of returns, value of an untried edge)."""
    first = np.int64(tree.nodes[node].first)
    untried = np.float32(numbers[FPU_SHARE] * tree.nodes[node].value + numbers[FPU_SHIFT])
    least, per_span = scale(tree)
    return first, first + np.int64(tree.nodes[node].count), least, per_span, untried


def scale(tree):
    """(offset, factor) that bring q to the scale of the exploration term."""
    if two_players():
        return np.float32(0.0), np.float32(1.0)
    least, span = np.float32(tree.bounds[LEAST]), np.float32(tree.bounds[GREATEST] - tree.bounds[LEAST])
    return least, np.float32(1.0) / span if span > 0.0 else np.float32(1.0)


def seen(tree, edge, untried, least, numbers):
    """(q, visits) of an edge as a rule should see them: descents that are under way count as visits, and by a share as lost ones."""
    tried = np.int64(tree.edges[edge].visits)
    q = tree.edges[edge].q if tried > 0 else untried
    if counts_flying():
        flying = np.int64(tree.edges[edge].flying)
        if flying > 0:
            worst = np.float32(-1.0) if two_players() else least
            q -= np.float32(numbers[VIRTUAL_LOSS]) * (q - worst) * np.float32(flying / (tried + flying))
            tried += flying
    return q, tried


def flying_through(tree, first, end):
    """Descents under way through a node."""
    total = 0
    if counts_flying():
        for edge in range(first, end):
            total += np.int64(tree.edges[edge].flying)
    return total


# --- the table --------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rule:
    """A line of the table of rules."""

    name: str
    choose: Callable[..., Any]  # (tree, node, numbers) -> edge
    c: float  # default weight of exploration
    about: str
    at_root: Callable[..., Any] | None = None  # the rule of the root, where it is another


RULES = {
    rule.name: rule
    for rule in (
        Rule("puct", puct, 1.25, "q + c prior sqrt(N) / (1 + n): AlphaZero's"),
        Rule("uct", uct, 1.4, "q + c sqrt(log N / n): needs no prior"),
        Rule("greedy", greedy, 0.0, "the best q so far"),
    )
}
