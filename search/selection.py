"""Which edge of a node to take: one function a rule, `(tree, node, numbers) -> edge`. `RULES` is the table of them.

Every rule weighs the mean return of an edge, q, against how little is known of it. For one player q is scaled to 0..1 by the least and
greatest return met in this tree (Schrittwieser et al. 2020); for two it is -1..1 as it is. An edge that was never taken has
the value that *first-play urgency* gives it: share * (value of the node) + shift; of them only the likeliest can be best, and it stands
next behind those that were taken (tree.line_up). Edges stand in a seeded order otherwise (tree_expand.seeded_order), so the first of
equals is taken. Edges with q = -inf are lost or dead and never taken.

Sources: those of each rule. Read next: simulate.py (the loop).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from astarzero.envs.machine import exponential, promise

from astarzero.search.tree import (  # isort: skip
    C, CONSIDERED, C_BASE, C_SCALE, C_VISIT, FPU_SHARE, FPU_SHIFT, GREATEST, LEAST, LIMIT, ROOT, SIMULATIONS, VIRTUAL_LOSS, Trees,
    counts_flying, tree_at, two_players,
)  # fmt: skip

SMALLEST_SPAN = 1e-8  # of the q of a node, below which they are taken for equal


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


def gumbel(tree, node, numbers):
    """argmax of pi' - n / (1 + N), where pi' is the improved policy: prior * exp(sigma(completed q)), normalised. Deterministic: visits
    come to lie in proportion to pi' (Danihelka et al. 2022, section 5)."""
    first, end = np.int64(tree.nodes[node].first), np.int64(tree.nodes[node].first) + np.int64(tree.nodes[node].count)
    completed, least, sigma, visits = complete(tree, node, first, end, numbers)
    total, highest, chosen = np.float32(0.0), np.float32(-np.inf), -1
    for edge in range(first, end):
        total += improved(tree, edge, completed, least, sigma)
    for edge in range(first, end):
        share = improved(tree, edge, completed, least, sigma) / total - np.float32(tree.edges[edge].visits) / np.float32(1 + visits)
        if share > highest and tree.edges[edge].q > -np.inf:
            highest, chosen = share, edge
    return chosen


def gumbel_at_root(tree, node, numbers):
    """Sequential halving: among the edges with as many visits as the plan says, argmax of g + log prior + sigma(completed q), where g is
    the Gumbel noise of the action; so of all legal actions the `considered` likeliest by g + log prior are tried first."""
    considered = min(np.int64(numbers[CONSIDERED]), np.int64(tree.nodes[node].live))
    planned = visits_planned(considered, tree.counts[LIMIT], tree.counts[SIMULATIONS])
    chosen = first_of_those_with(planned, tree, node, numbers)
    return chosen if chosen >= 0 else gumbel(tree, node, numbers)  # what was planned has been lost since


def first_of_those_with(visits, tree, node, numbers):
    """Among the edges with so many visits, argmax of g + log prior + sigma(completed q); -1 when there is none."""
    first, end = np.int64(tree.nodes[node].first), np.int64(tree.nodes[node].first) + np.int64(tree.nodes[node].count)
    completed, least, sigma, _ = complete(tree, node, first, end, numbers)
    highest, chosen = -np.inf, -1
    for edge in range(first, end):
        if tree.edges[edge].visits == visits and tree.edges[edge].q > -np.inf:
            score = gumbel_score(tree, edge, completed, least, sigma)
            if score > highest or chosen < 0:
                highest, chosen = score, edge
    return chosen


def conclude_gumbel(numbers, counts, bounds, states, nodes, edges, table, line, plan, gumbel, survivors, policies):
    """Kernel: what Gumbel's roots came to. survivors float64 [B, A]: 1 for the best by score of the actions with most visits; policies
    float64 [B, A]: the improved policy. Rows of roots where nothing was tried stay as they are."""
    trees = Trees(counts, bounds, states, nodes, edges, table, line, plan, gumbel)
    for which in range(counts.shape[0]):
        tree = tree_at(trees, which)
        first, most, total = np.int64(tree.nodes[ROOT].first), np.int64(0), 0.0
        end = first + np.int64(tree.nodes[ROOT].count)
        for edge in range(first, end):
            most = max(most, np.int64(tree.edges[edge].visits) if tree.edges[edge].q > -np.inf else np.int64(0))
        if most == 0:
            continue
        survivors[which, tree.edges[first_of_those_with(most, tree, ROOT, numbers)].action] = 1.0
        completed, least, sigma, _ = complete(tree, ROOT, first, end, numbers)
        for edge in range(first, end):
            total += improved(tree, edge, completed, least, sigma)
        for edge in range(first, end):
            policies[which, tree.edges[edge].action] = improved(tree, edge, completed, least, sigma) / total


def visits_planned(considered, simulations, number):
    """How many visits the edge of simulation `number` of `simulations` has, when `considered` edges are halved again and again."""
    if considered <= 1:
        return number
    rounds, base, width = np.int64(math.ceil(math.log2(considered))), np.int64(0), considered
    while True:
        each = max(1, simulations // (rounds * width))
        if number < each * width:
            return base + number // width
        number, base, width = number - each * width, base + each, max(2, width // 2)


def gumbel_score(tree, edge, completed, least, sigma):
    """g + log prior + sigma(completed q)."""
    q = tree.edges[edge].q if tree.edges[edge].visits > 0 else completed
    log_prior = math.log(tree.edges[edge].prior) if tree.edges[edge].prior > 0.0 else -np.inf
    return tree.gumbel[tree.edges[edge].action] + log_prior + sigma * (q - least)


def improved(tree, edge, completed, least, sigma):
    """prior * exp(sigma(completed q)), up to the factor that makes them sum to 1; 0 for an edge that is lost or dead."""
    q = tree.edges[edge].q if tree.edges[edge].visits > 0 else completed
    return tree.edges[edge].prior * exponential(np.float32(sigma) * (q - least)) if q > -np.inf else np.float32(0.0)


def complete(tree, node, first, end, numbers):
    """(q of untried edges, least q, sigma's factor, visits below the node).

    Untried edges have the mixture of the node's own judgement and the tried edges' q by prior and visits (Danihelka et al. 2022,
    appendix D). sigma(q) = (c_visit + most visits of an edge) * c_scale * (q scaled to 0..1 over the node's edges), as in their mctx.
    """
    visits, most, known, weighted = np.int64(0), np.int64(0), np.float32(0.0), np.float32(0.0)
    least, greatest, untried = np.float32(np.inf), np.float32(-np.inf), False
    for edge in range(first, end):
        tried, q = np.int64(tree.edges[edge].visits), tree.edges[edge].q
        if q == -np.inf:
            continue
        if tried == 0:
            untried = True
            continue
        visits, most, known = visits + tried, max(most, tried), known + tree.edges[edge].prior
        weighted += tree.edges[edge].prior * q
        least, greatest = min(least, q), max(greatest, q)
    mean = weighted / known if known > 0.0 else tree.nodes[node].own
    completed = np.float32((tree.nodes[node].own + visits * mean) / (visits + 1))
    if untried:
        least, greatest = min(least, completed), max(greatest, completed)
    span = np.float64(greatest - least)
    return completed, least, (numbers[C_VISIT] + most) * numbers[C_SCALE] / max(span, SMALLEST_SPAN), visits


# --- what the rules share ---------------------------------------------------------------------------------------------------------------


def frame(tree, node, numbers):
    """(first edge, end of the edges that may be best, least return, 1 / span of returns, value of an untried edge)."""
    first, tried, count = np.int64(tree.nodes[node].first), np.int64(tree.nodes[node].tried), np.int64(tree.nodes[node].count)
    promise(first >= 0)
    untried = np.float32(numbers[FPU_SHARE] * tree.nodes[node].value + numbers[FPU_SHIFT])
    least, per_span = scale(tree)
    return first, first + min(tried + 1, count), least, per_span, untried


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
    total = np.int64(0)
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
    heads: tuple[str, ...] = ("value", "prior")  # what it reads of an evaluator
    at_root: Callable[..., Any] | None = None  # the rule of the root, where it is another; it may read Tree.gumbel


RULES = {
    rule.name: rule
    for rule in (
        Rule("puct", puct, 1.25, "q + c prior sqrt(N) / (1 + n): AlphaZero's"),
        Rule("uct", uct, 1.4, "q + c sqrt(log N / n): needs no prior", heads=("value",)),
        Rule("gumbel", gumbel, 1.0, "Gumbel's: sequential halving at the root, improved policy below", at_root=gumbel_at_root),
        Rule("greedy", greedy, 0.0, "the best q so far"),
    )
}
