"""What merging costs where the past decides (superko): lines that a search takes for one, and their exact values.

A tree search that merges takes two lines for one when they end in the same position with the same legal moves (`key_of`,
../search/tree_expand.py). What else they passed may forbid a move later, so their values may differ: the *history error*. It is
measured on boards small enough to solve each line with all its past (../envs/go_solver.py): from positions of random games random lines
of equal length are grouped as a search would merge them, by position and moves, and for comparison by position alone; of each group a
pair is solved. Then the same UCT is run with merging and without, and its moves are judged by the exact outcomes after them.

Read first: unfold.py.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from astarzero.envs.domain import Domain
from astarzero.envs.go import start
from astarzero.envs.go_solver import solve_go
from astarzero.envs.line import Line
from astarzero.experiments.statistics import bootstrap, paired_difference, wilson
from astarzero.experiments.unfold_searches import GAMES, MOST_POINTS, grid, komi_of, nullable
from astarzero.search import Budget
from astarzero.search.forest import Forest
from astarzero.search.go_evaluators import rollout
from astarzero.search.mcts import result_of
from astarzero.search.tree_config import TreeConfig

Position = tuple[np.ndarray, np.ndarray]  # a row [W] and the line of keys up to it
DEPTHS = (4, 6, 8, 12)  # moves of a line; both of a pair have the same root, as in a search
WALKS, PAIRS = 300, 4  # random lines from a root to a depth; pairs of them that are solved
LONGEST = 40  # moves before a root, at most
MOST_NODES, TABLE_BITS = 300_000, 16  # of one solution
TRIES = 10  # positions looked at for each that is kept
ARMS = {"kept": "keep", "merged": "merge"}  # of UCT: what becomes of duplicates


def can_solve_lines(domain: Domain) -> bool:
    """Is this Go under superko, on a board whose lines are solved in no time?"""
    return domain.world == "go" and domain.keeps_history and domain.num_actions <= MOST_POINTS + 1


def history_errors(domain: Domain, count: int, seed: int, say: Callable[[str], None]) -> Iterator[dict[str, Any]]:
    """A record a depth and way to merge: of pairs taken for one, how many differ in exact points, and in who wins at the domain's komi."""
    rng = np.random.default_rng(seed)
    games = [random_game(domain, rng) for _ in range(count)]
    for depth in DEPTHS:
        drawn: dict[str, list[list[Position]]] = {"moves": [], "position": []}
        for game in games:
            lines = [end for end in (random_end(game, depth, rng) for _ in range(WALKS)) if end is not None]
            for merged_by, pairs in drawn.items():
                pairs += pairs_of(lines, merged_by == "moves", rng)
        for merged_by, pairs in drawn.items():
            say(f"lines of {depth} moves, merged by {merged_by}")
            values = [[points_of(domain, *line) for line in pair] for pair in pairs]
            solved = np.array([pair for pair in values if None not in pair], np.float64).reshape(-1, 2)
            yield {"kind": "history", "merged_by": merged_by, "depth": depth, "roots": count, "pairs": len(pairs), **errors(domain, solved)}


def errors(domain: Domain, points: np.ndarray) -> dict[str, Any]:
    """What pairs of exact values [N, 2], in Black's points, show; None where there is no pair."""
    if not len(points):
        return {"solved": 0, "differ": None, "winner_differs": None, "mean": None, "worst": None}
    gaps, winners = np.abs(points[:, 0] - points[:, 1]), np.sign(points - komi_of(domain))
    return {
        "solved": len(points), "differ": list(wilson(int((gaps > 0).sum()), len(points))),
        "winner_differs": list(wilson(int((winners[:, 0] != winners[:, 1]).sum()), len(points))),
        "mean": float(gaps.mean()), "worst": float(gaps.max()),
    }  # fmt: skip


def random_game(domain: Domain, rng: np.random.Generator) -> Line:
    """A game of 0 to LONGEST random moves that is not over."""
    while True:
        line = Line(domain, start(domain))
        if walk(line, int(rng.integers(LONGEST + 1)), rng):
            return line


def walk(line: Line, moves: int, rng: np.random.Generator) -> bool:
    """Play random moves, a pass only where nothing else is legal; False when the game has ended."""
    for _ in range(moves):
        if line.over:
            return False
        legal = np.flatnonzero(line.action_mask())
        line.play(int(rng.choice(legal[:-1] if len(legal) > 1 else legal)))
    return not line.over


def random_end(game: Line, depth: int, rng: np.random.Generator) -> tuple[Position, bytes, bytes] | None:
    """Where a random line of `depth` moves ends, with the names of its position and of its legal moves; the game is as it was after it."""
    before = len(game.rows)
    found = None
    if walk(game, depth, rng):
        position = game.domain.positions(game.state[None])[0].tobytes()
        found = (game.state.copy(), game.keys.copy()), position, game.action_mask().tobytes()
    while len(game.rows) > before:
        game.undo()
    return found


def pairs_of(lines: Sequence[tuple[Position, bytes, bytes]], by_moves: bool, rng: np.random.Generator) -> list[list[Position]]:
    """Up to PAIRS pairs of lines that are taken for one and passed different positions, no two of one group."""
    groups: dict[tuple[bytes, ...], dict[frozenset[int], Position]] = {}
    for end, position, moves in lines:
        passed = frozenset(end[1].tolist())
        groups.setdefault((position, moves) if by_moves else (position,), {})[passed] = end
    several = [list(group.values()) for group in groups.values() if len(group) > 1]
    chosen = rng.permutation(len(several))[:PAIRS]
    return [[several[number][place] for place in rng.permutation(len(several[number]))[:2]] for number in chosen]


def points_of(domain: Domain, state: np.ndarray, keys: np.ndarray) -> int | None:
    """Black's exact points after a line; None where the limit ends the solver."""
    return solve_go(domain, state, keys, max_nodes=MOST_NODES, table_bits=TABLE_BITS).value


# --- the same search with merging and without ----------------------------------------------------------------------------------


def compare_merging(domain: Domain, count: int, most: int, seed: int, say: Callable[[str], None]) -> Iterator[dict[str, Any]]:
    """A record an arm of UCT with random games: what its moves give away, 0 to 2 (a win for a loss), by budget of evaluations.

    On positions of random games in which some move gives something away. Proofs are off in both arms: merging has none.
    """
    rng = np.random.default_rng(seed)
    problems: list[tuple[Position, np.ndarray]] = []
    for _ in range(TRIES * count):
        say(f"exact outcomes, position {len(problems) + 1} of {count}")
        game = random_game(domain, rng)
        given_away = regrets_of(game)
        if given_away is not None and np.nanmax(given_away) > 0:
            problems.append(((game.state.copy(), game.keys.copy()), given_away))
        if len(problems) == count:
            break
    if not problems:  # by this komi no move is ever wrong
        return
    budgets, regrets = [budget for budget in grid(most) if budget > domain.num_actions], {}
    for name, duplicates in ARMS.items():
        judge, config, results = rollout(domain, GAMES, seed=seed), TreeConfig("uct", duplicates=duplicates, prove=False), []
        for budget in budgets:
            say(f"UCT, {name}, {budget} evaluations")
            limit, row = Budget(evaluations=budget, expansions=4 * budget), []
            for number, ((state, keys), given_away) in enumerate(problems):
                forest = Forest(domain, state[None], judge, config, budget=limit, seeds=seed + number, lines=[keys])
                forest.run(4 * budget, at_once=False)
                action = result_of(forest).action
                row.append(given_away[action] if action is not None else np.nan)
            results.append(row)
        regrets[name] = np.array(results)
        base = regrets["kept"]
        yield {
            "kind": "merging", "arm": "uct", "knob": name, "judge": judge.name, "problems": len(problems),
            "regrets": [[budget, *bootstrap(given, np.mean, rng)] for budget, given in zip(budgets, regrets[name], strict=True)],
            "against": [nullable(paired_difference([given], [kept], rng)) for given, kept in zip(regrets[name], base, strict=True)],
        }  # fmt: skip


def regrets_of(game: Line) -> np.ndarray | None:
    """What each action gives away in outcome, float64 [A], nan where illegal; None where a line after it is not solved."""
    domain, komi, outcomes = game.domain, komi_of(game.domain), np.full(game.domain.num_actions, np.nan)
    sign = 1 if game.side == 0 else -1
    for action in np.flatnonzero(game.action_mask()):
        game.play(int(action))
        points = points_of(domain, game.state, game.keys)
        game.undo()
        if points is None:
            return None
        outcomes[action] = sign * np.sign(points - komi)
    return np.nanmax(outcomes) - outcomes
