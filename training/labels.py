"""Labels from an exact oracle: what an expert's demonstrations would teach the heads V, Q and pi.

States are drawn stage by stage: a random solvable root, a random optimal path from it, a random state of that path. Then two
regimes, because "value is easier to learn" is half an artefact of V seeing more labels (SCIENCE.md, sections 2 and 3):

  full     pi: all optimal actions of the state; Q: every legal action; V: every successor that is neither goal nor terminal.
  matched  one label a state for every head; Q and V see the same successor.

V judges *afterstates*: a search applies the action and asks V about the result. Value and q labels are returns (<= 0).
Splits are by root, never by state. Read next: targets.py (losses), imitation.py (the loop).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from astarzero.envs.domain import cost_to_go, value_of
from astarzero.envs.oracles import ExactTable

DEAD_FACTOR = 2.0  # a dead end is labelled this many times the largest finite cost


@dataclass(frozen=True)
class Labels:
    """Targets for the three heads; features are encoded from the rows by whoever trains.

    `dead_cost` is the cost-to-go that stands for inf: DEAD_FACTOR times the largest finite cost among the train labels.
    """

    regime: str  # of LABELS
    states: np.ndarray  # uint64 [S, W], where pi and Q decide
    legal: np.ndarray  # bool [S, A]
    prior: np.ndarray  # float32 [S, A], a distribution over actions
    q: np.ndarray  # float32 [S, A], return of an action; 0 where it is not a label
    q_known: np.ndarray  # bool [S, A], which entries of q are labels
    value_states: np.ndarray  # uint64 [V, W], what V judges
    value: np.ndarray  # float32 [V], return
    dead_cost: float

    @property
    def cost_scale(self) -> float:
        """The mean size of the q labels, of one player the mean cost: the unit that brings a net's raw outputs to order one."""
        return float(np.mean(np.abs(self.q[self.q_known]), dtype=np.float64))

    @property
    def cost_spread(self) -> float:
        """The standard deviation of the q labels, the unit of errors: a loss of 1 is that of always answering the mean."""
        return float(np.std(self.q[self.q_known], dtype=np.float64)) or self.cost_scale

    @property
    def num_labels(self) -> dict[str, int]:
        """Labels by head: distributions for the prior, (state, action) pairs for q, states for the value."""
        return {"value": len(self.value), "q": int(self.q_known.sum()), "prior": len(self.prior)}


def split_roots(
    roots: np.ndarray, rng: np.random.Generator, fractions: tuple[float, float, float] = (0.6, 0.1, 0.3)
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(train, validation, test), a random partition of `roots` [R] (indices or rows) with those shares, rounded; none is empty."""
    if len(fractions) != 3 or min(fractions) <= 0 or abs(sum(fractions) - 1) > 1e-9:
        raise ValueError(f"The fractions {fractions} are no split: give three numbers above 0 that add up to 1.")
    if len(roots) < 3:
        raise ValueError(f"{len(roots)} roots cannot be split into train, validation and test; give at least 3.")
    train = min(max(round(fractions[0] * len(roots)), 1), len(roots) - 2)
    validation = min(max(round(fractions[1] * len(roots)), 1), len(roots) - train - 1)
    shuffled = roots[rng.permutation(len(roots))]
    return shuffled[:train], shuffled[train : train + validation], shuffled[train + validation :]


def sample_states(table: ExactTable, roots: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """`count` states as an expert's demonstrations show them: int64 [count], indices into `table`, with repetitions.

    Each is a uniformly random state, goal excluded, of an optimal path from a uniformly random root of `roots` (indices [R]; those
    that are solved or unsolvable are left out); the path takes each optimal action of a state alike. ValueError when no root is left.
    """
    usable = roots[np.isfinite(table.cost_to_go[roots]) & ~table.graph.goal[roots]]
    if not len(usable):
        raise ValueError(f"None of the {len(roots)} roots of {table.domain.name} is both solvable and not yet solved; give other roots.")
    edges = np.flatnonzero(table.edge_optimal)
    first = np.searchsorted(edges, table.graph.first_edge)  # optimal edges of state i: edges[first[i] : first[i + 1]]
    state = usable[rng.integers(len(usable), size=count)].astype(np.int64)
    sample, walking, length = state.copy(), np.arange(count), 1
    while len(walking):
        kept = rng.random(len(walking)) * length < 1.0  # reservoir of one: the t-th state replaces the sample with probability 1 / t
        sample[walking[kept]] = state[kept]
        choices = first[state + 1] - first[state]
        state = table.graph.child[edges[first[state] + (rng.random(len(state)) * choices).astype(np.int64)]].astype(np.int64)
        onward = ~table.graph.goal[state]
        walking, state, length = walking[onward], state[onward], length + 1
    return sample


def full_labels(table: ExactTable, indices: np.ndarray, rng: np.random.Generator, dead_cost: float | None = None) -> Labels:
    """Every label the oracle has for the states `indices` [S]. Validation and test labels take the train labels' `dead_cost`."""
    optimal, legal, q, dead_cost = exact_answers(table, indices, dead_cost)
    after = table.successors(indices)
    after = after[legal & ~ends(table, after)]  # [V]
    value = value_of(np.minimum(table.cost_to_go[after], dead_cost)).astype(np.float32)
    prior = (optimal / optimal.sum(1, keepdims=True)).astype(np.float32)
    return Labels("full", table.states[indices], legal, prior, q, legal, table.states[after], value, dead_cost)


def matched_labels(table: ExactTable, indices: np.ndarray, rng: np.random.Generator, dead_cost: float | None = None) -> Labels:
    """One label a state and head: an optimal action; the q of a random legal action; the value of that action's successor.

    Where the successor is a goal or terminal, which a search sees without an evaluation, V gets the state itself instead.
    """
    optimal, legal, q, dead_cost = exact_answers(table, indices, dead_cost)
    known = choose_one(legal, rng)
    after = table.successors(indices)[known]  # [S]
    judged = np.where(ends(table, after), indices, after)
    value = value_of(np.minimum(table.cost_to_go[judged], dead_cost)).astype(np.float32)
    prior = choose_one(optimal, rng).astype(np.float32)
    return Labels("matched", table.states[indices], legal, prior, np.where(known, q, 0), known, table.states[judged], value, dead_cost)


LABELS: Mapping[str, Callable[..., Labels]] = {"full": full_labels, "matched": matched_labels}


def exact_answers(table: ExactTable, indices: np.ndarray, dead_cost: float | None) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """(optimal bool [S, A], legal bool [S, A], q float32 [S, A] with dead ends made finite and 0 where illegal, dead_cost)."""
    optimal, exact = table.optimal_actions(indices), table.q(indices)
    if not optimal.any(1).all():
        odd = table.domain.format(table.states[indices[np.flatnonzero(~optimal.any(1))[0]]])
        raise ValueError(f"State {odd} is solved or a dead end, so no action of it is optimal; draw states with sample_states.")
    legal, cost = ~np.isnan(exact), cost_to_go(exact)
    if dead_cost is None:
        dead_cost = DEAD_FACTOR * float(cost[np.isfinite(cost)].max())
    return optimal, legal, np.where(legal, value_of(np.minimum(cost, dead_cost)), 0.0).astype(np.float32), dead_cost


def ends(table: ExactTable, indices: np.ndarray) -> np.ndarray:
    """Which states by index a search judges without an evaluation: goals and terminal rows. At index -1 the answer means nothing."""
    return table.graph.goal[indices] | table.graph.dead[indices]


def choose_one(mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One uniformly random True of each row of `mask` [S, A], each row holding one or more: bool [S, A]."""
    wanted = (rng.random(len(mask)) * mask.sum(1)).astype(np.int64)  # keep the True with this many before it
    return mask & (np.cumsum(mask, axis=1) == wanted[:, None] + 1)
