"""Labels from an exact table of Go: the same two regimes as labels.py, for a game that is won, drawn or lost.

Roots are positions up to the symmetries of the board: a position and its mirror image are one root. Labelled states are random images of
random roots. Values and q are outcomes for the player to move: 1 won, 0 drawn, -1 lost.

To split roots so that none is in two parts is not enough. V judges successors, and different positions lead to the same one: of those of
3x3's test problems a split by root had shown V 83 % among full labels and 67 % among matched ones, and pi half of the problems with
another pass or ko. `split_apart` keeps parts a ply away from each other.

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

    @functools.cached_property
    def boards(self) -> np.ndarray:
        """What stands on the board for the player to move, as a number: int64 [N]. Images have one board, whatever ko and passes."""
        return numbered(np.concatenate(self.stones, axis=1))[self.images].min(axis=0)

    @functools.cached_property
    def families(self) -> np.ndarray:
        """The opponent's stones, up to images, and how many the player to move has, as a number: int64 [N].

        Where a move neither captures nor passes it leaves the first as they are and adds one to the second, so only positions of one
        family come to the same board. A family is the smallest part that can be set apart at little loss.
        """
        own, other = self.stones
        return numbered(np.stack([numbered(other)[self.images].min(axis=0), np.bitwise_count(own).sum(axis=1, dtype=np.int64)], axis=1))

    @functools.cached_property
    def num_stones(self) -> np.ndarray:
        """How many stones stand on the board: int64 [N]."""
        return np.bitwise_count(self.states[:, :-2]).sum(axis=1, dtype=np.int64)

    @functools.cached_property
    def stones(self) -> tuple[np.ndarray, np.ndarray]:
        """Stones of the player to move and of the opponent, as bits: uint64 [N, words] each."""
        black, white = np.split(self.states[:, :-2], 2, axis=1)
        is_white = (self.states[:, -2:-1] & np.uint64(1)).astype(bool)
        return np.where(is_white, white, black), np.where(is_white, black, white)

    def followers(self, positions: np.ndarray) -> np.ndarray:
        """What a search asks about one move after `positions` [B]: positions int64 [B, A], -1 where illegal or the game is over."""
        after = self.after[positions]
        return np.where((after >= 0) & ~self.over[after], after, -1)

    def within_a_ply(self, positions: np.ndarray) -> np.ndarray:
        """The boards of `positions` [B] and of their followers: int64 [B, 1 + A], -1 where there is none."""
        after = self.followers(positions)
        return np.concatenate([self.boards[positions][:, None], np.where(after >= 0, self.boards[after], -1)], axis=1)

    def at_stake(self, indices: np.ndarray) -> np.ndarray:
        """Which positions [B] have a move that gives the result away: bool [B]."""
        return (self.q[indices] < self.value[indices][:, None]).any(axis=1)


def numbered(rows: np.ndarray) -> np.ndarray:
    """Equal rows of [N, K] get equal numbers: int64 [N], from 0."""
    return np.unique(rows, axis=0, return_inverse=True)[1].reshape(-1)


def split_apart(game: SolvedGame, validation: int, test: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(roots for labels, validation problems, test problems), no part within a ply of a board that is within a ply of another part.

    So no label of V, Q or pi is of a problem or of what a move makes of it, whichever colour moves and whatever the ko and the passes.
    Problems are roots at which something is at stake. They are drawn first, of each number of stones their share, one random family
    after the other; then what is within a ply of theirs is left out. One by one they would leave nothing; so, 250 test and 50 validation
    problems of 3x3 leave labels 980 to 1,300 of its 3,696 roots (in 8 images each), and 500 some 450. ValueError when a part falls short.
    """
    order = rng.permutation(game.families.max() + 1)  # of the families
    left = game.roots[np.argsort(order[game.families[game.roots]], kind="stable")]
    parts = []
    for count in (test, validation):
        problems = left[game.at_stake(left)]
        stones, shares = game.num_stones[problems], np.empty(len(problems))
        for number in np.unique(stones):
            shares[stones == number] = np.linspace(0, 1, np.count_nonzero(stones == number), endpoint=False)
        parts.append(rng.permutation(problems[np.argsort(shares, kind="stable")[:count]]))
        asked = game.within_a_ply(parts[-1])
        left = left[~np.isin(game.within_a_ply(left), asked[asked >= 0]).any(axis=1)]
    if not len(left) or [len(part) for part in parts] != [test, validation]:
        raise ValueError(
            f"{game.domain.name} has no room for {test} test and {validation} validation problems and labels clear of them; ask for fewer."
        )
    return left, parts[1], parts[0]


def sample_positions(game: SolvedGame, roots: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """`count` random images of random roots of `roots` (indices [R]): int64 [count], with repetitions."""
    return game.images[rng.integers(len(game.images), size=count), roots[rng.integers(len(roots), size=count)]]


def full_outcomes(game: SolvedGame, indices: np.ndarray, rng: np.random.Generator) -> Labels:
    """Every label that the table has for the positions `indices` [S]."""
    q, legal, best = answers_at(game, indices)
    after = game.followers(indices)
    prior = (best / best.sum(1, keepdims=True)).astype(np.float32)
    return labels_of("full", game, indices, legal, prior, q, legal, after[after >= 0])


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
