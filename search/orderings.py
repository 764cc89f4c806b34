"""Orderings of best-first search: which open node is the best, and which of two paths to one state is better. A page to read.

Each line of ORDERINGS is a pair of rules bound into the loop of best_first.py, with the heads that they read. Products and powers
are ordered by their logarithms, so that no path is too unlikely to be told from another.

Sources: Hart, Nilsson, Raphael 1968 (A*); Pohl 1970 (weighted A*); Orseau, Lelis, Lattimore, Weber 2018 (Levin tree search: cost
depth / pi, at most depth(goal) / pi(goal) expansions); Orseau, Lelis 2021, "Policy-guided heuristic search with guarantees" (PHS
and PHS*: with eta >= 1 the losses of all nodes expanded sum to at most the highest eta g / pi on the way to the goal; the loss
of a node is here the cost of its step, the expansion itself at unit costs).
Read next: best_first.py.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from astarzero.envs.compile import hook


@hook
def priority(g, h, depth, log_prob, weights):
    """The smaller, the earlier a node is expanded. `weights` are the search's numbers: (weight of g, weight of h)."""
    raise NotImplementedError


@hook
def path_rank(g, depth, log_prob):
    """Of two paths to one state, the one with the smaller rank is better."""
    raise NotImplementedError


@hook
def reads_prior():
    """Does the ordering need the policy of a node when it is expanded?"""
    raise NotImplementedError


def weighted_sum(g, h, depth, log_prob, weights):
    """w_g g + w_h h: (1, 1) is A*, (1, w) weighted A*, (0, 1) greedy, (1, 0) uniform cost."""
    return weights[0] * g + weights[1] * h


def by_cost(g, depth, log_prob):
    return g


def log_or_least(number):
    """log in float64; -inf at 0, where the root stands."""
    return math.log(np.float64(number)) if number > 0 else -math.inf


def by_levin(g, depth, log_prob):
    """log of depth / pi(path) (Orseau et al. 2018, eq. 3); the root, at depth 0, comes first."""
    return log_or_least(depth) - log_prob


def by_loss(g, depth, log_prob):
    """log of g / pi(path): what PHS pays for a path before h has a say.

    Not by PHS* itself: under it the way back to a state through a loop may be the better one, and a plan would never end.
    """
    return log_or_least(g) - log_prob


def levin(g, h, depth, log_prob, weights):
    """The rank of the path is the priority: nothing is estimated."""
    return by_levin(g, depth, log_prob)


def phs(g, h, depth, log_prob, weights):
    """log of eta g / pi(path) with eta = 1 + w h / g (Orseau & Lelis 2021): Levin's cost, by g in place of depth, stretched by h."""
    return log_or_least(weights[0] * g + weights[1] * h) - log_prob


def phs_star(g, h, depth, log_prob, weights):
    """The same with eta = (1 + w h / g) / pi(path)^(w h / g): the policy is taken to go on as likely a unit of cost as so far.

    In all, log of (g + w h) / pi(path)^((g + w h) / g). The root, where g = 0 and pi = 1, is alone when it is pushed.
    """
    total = weights[0] * g + weights[1] * h
    return log_or_least(total) - (log_prob * (total / g) if g > 0 else 0.0)


def log_sum_exp(logits, actions, count, temperature):
    """log of the sum of exp(logits / temperature) over the legal actions, so that the policy is normalised over them.

    Nan when a logit is nan or none is above -inf: then there is no policy to normalise.
    """
    if count == 0:
        return 0.0
    highest = -np.inf
    for number in range(count):
        highest = max(highest, logits[actions[number]])
    total = 0.0
    for number in range(count):
        total += math.exp((logits[actions[number]] - highest) / temperature)
    return highest / temperature + math.log(total)


def yes():
    return True


def no():
    return False


@dataclass(frozen=True)
class Ordering:
    """A line of the table of orderings: the two rules, the heads that are read, the default weights of g and h, and re-opening."""

    priority: Callable[..., float]
    path_rank: Callable[..., float]
    heads: tuple[str, ...]  # of "value" and "prior"; none: blind
    weights: tuple[float, float] = (0.0, 0.0)
    reopen: bool = True  # take a closed node up again when a better path to it is found


ORDERINGS = {
    "astar": Ordering(weighted_sum, by_cost, ("value",), (1.0, 1.0)),
    "greedy": Ordering(weighted_sum, by_cost, ("value",), (0.0, 1.0), reopen=False),
    "uniform_cost": Ordering(weighted_sum, by_cost, (), (1.0, 0.0)),
    "levin": Ordering(levin, by_levin, ("prior",)),
    "phs": Ordering(phs, by_loss, ("value", "prior"), (1.0, 1.0)),
    "phs_star": Ordering(phs_star, by_loss, ("value", "prior"), (1.0, 1.0)),
}
