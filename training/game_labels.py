"""Labels from an exact table of Go: the same two regimes as labels.py, for a game that is won, drawn or lost.

Roots are positions up to the symmetries of the board: a position and its mirror image are one root, so none is in train and test at once.
Their successors may be: different positions lead to the same one, so a test asks V about much that it was taught (see game_trials.py).
Labelled states are random images of random roots. Values and q are outcomes for the player to move: 1 won, 0 drawn, -1 lost.

    full     pi: all actions that keep the result; Q: every legal action; V: every successor at which the game is not over.
    matched  one label a state for every head; Q and V see the same successor (V the state itself, where that ends the game).

Read next: ../envs/go_tables.py (the values, and what a game without end is worth).
"""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from astarzero.envs.domain import Domain, cost_to_go
from astarzero.envs.go_tables import GoTable
from astarzero.envs.oracles import ExactTable
from astarzero.training.labels import Labels, choose_one


@dataclass(frozen=True)
class SolvedGame:
    """Every position of a small board as won, drawn or lost for the player to move, without komi. Positions are indices into `states`."""

    table: GoTable

    @property
    def domain(self) -> Domain:
        return self.table.graph.domain

    @property
    def states(self) -> np.ndarray:
        """Rows uint64 [N, W] without past and komi."""
        return self.table.graph.states

    @property
    def over(self) -> np.ndarray:
        """Where the rule book has ended the game: bool [N]."""
        return self.table.graph.dead

    @functools.cached_property
    def value(self) -> np.ndarray:
        """Outcome for the player to move: float64 [N]."""
        return np.sign(self.table.value)

    @functools.cached_property
    def q(self) -> np.ndarray:
        """Outcome of each action for the player to move: float64 [N, A], nan where illegal."""
        return np.sign(self.table.q(self.states))

    @functools.cached_property
    def after(self) -> np.ndarray:
        """The position that each action leads to: int64 [N, A], -1 where illegal."""
        return self.view.successors(np.arange(len(self.states)))

    @functools.cached_property
    def view(self) -> ExactTable:
        """The graph with values, as tabulation takes it."""
        return ExactTable(self.table.graph, cost_to_go(self.value))

    @functools.cached_property
    def images(self) -> np.ndarray:
        """The position that each symmetry of the board makes of each: int64 [S, N]."""
        symmetries = self.domain.symmetries
        return np.array([self.table.graph.index(symmetries.of_states(self.states, which)) for which in range(len(symmetries))])

    @functools.cached_property
    def roots(self) -> np.ndarray:
        """One position of each class of images, Black to move, at which the game goes on: int64 [R].

        White's are the same with colours changed, since nothing is given for komi.
        """
        first = self.images.min(axis=0) == np.arange(len(self.states))
        return np.flatnonzero(first & ~self.over & ~(self.states[:, -2] & np.uint64(1)).astype(bool))

    def at_stake(self, indices: np.ndarray) -> np.ndarray:
        """Which positions [B] have a move that gives the result away: bool [B]."""
        return (self.q[indices] < self.value[indices][:, None]).any(axis=1)


def sample_positions(game: SolvedGame, roots: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """`count` random images of random roots of `roots` (indices [R]): int64 [count], with repetitions."""
    return game.images[rng.integers(len(game.images), size=count), roots[rng.integers(len(roots), size=count)]]


def full_outcomes(game: SolvedGame, indices: np.ndarray, rng: np.random.Generator) -> Labels:
    """Every label that the table has for the positions `indices` [S]."""
    q, legal, best = answers_at(game, indices)
    after = game.after[indices][legal]
    after = after[~game.over[after]]
    prior = (best / best.sum(1, keepdims=True)).astype(np.float32)
    return labels_of("full", game, indices, legal, prior, q, legal, after)


def matched_outcomes(game: SolvedGame, indices: np.ndarray, rng: np.random.Generator) -> Labels:
    """One label a position and head: an action that keeps the result; the q of a random legal action; the value of where it leads."""
    q, legal, best = answers_at(game, indices)
    known = choose_one(legal, rng)
    after = game.after[indices][known]
    judged = np.where(game.over[after], indices, after)
    return labels_of("matched", game, indices, legal, choose_one(best, rng).astype(np.float32), np.where(known, q, 0), known, judged)


OUTCOME_LABELS: Mapping[str, Callable[..., Labels]] = {"full": full_outcomes, "matched": matched_outcomes}


def answers_at(game: SolvedGame, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(q float32 [S, A], 0 where illegal; legal bool [S, A]; actions that keep the result, bool [S, A])."""
    exact = game.q[indices]
    legal = ~np.isnan(exact)
    return np.where(legal, exact, 0.0).astype(np.float32), legal, exact == game.value[indices][:, None]


def labels_of(
    regime: str, game: SolvedGame, indices: np.ndarray, legal: np.ndarray, prior: np.ndarray, q: np.ndarray, known: np.ndarray,
    judged: np.ndarray,
) -> Labels:  # fmt: skip
    """The label set; a game has no dead ends, so nothing stands for their cost."""
    value = game.value[judged].astype(np.float32)
    return Labels(regime, game.states[indices], legal, prior, q, known, game.states[judged], value, dead_cost=1.0)
