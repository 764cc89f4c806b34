"""The contest on a solved game: problems, judges, what a decision is worth, and the regret that one look removes.

A problem is a position, Black to move, at which some move gives the result away. No board within a ply of one is within a ply of a
labelled position, and what is new to V is as new to pi: on 3x3 a stone away from the nearest board that it was taught. To keep labels so
clear problems come in families of positions that are alike, some 30 a seed, on validation some 15: intervals resample families. Labels
then lack the emptiest boards, at most two stones, which problems do not: there judges extrapolate.

Results are won, drawn or lost, not points: searches of games prove results, and a player who has proven a win is right to be indifferent
between winning by one point and by nine. Over the problems a random legal move gives away so much of a game; the share that an arm does
not give away is the regret it *removes*: 0 like chance, 1 perfect, below 0 worse than chance.

Read first: trials.py. Read next: decisions.py (the arms), ../training/game_labels.py (the labels), verdicts.py.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from astarzero.envs.domain import Domain
from astarzero.envs.evaluation import Evaluation
from astarzero.envs.go_tables import go_table
from astarzero.experiments.arenas import Arena, ContestConfig
from astarzero.experiments.decisions import DECIDERS, ladder, one_ply, scores_of, shared
from astarzero.experiments.probes import regret_removed
from astarzero.experiments.regimes import Regime
from astarzero.experiments.results import finite_or_none
from astarzero.experiments.trials import Judge, Kind, Split
from astarzero.search import blind
from astarzero.search.go_evaluators import exact_go, rollout, tabulated_go
from astarzero.training.game_labels import OUTCOME_LABELS, SolvedGame, sample_positions, split_apart
from astarzero.training.labels import Labels

STAGES = ((0, 2), (3, 4), (5, 6), (7, 9))  # stones on the board


def solve_game(domain: Domain, arena: Arena) -> SolvedGame:
    """The game of an arena, solved by its exact table."""
    return SolvedGame(go_table(domain))


def label_positions(
    game: SolvedGame, roots: np.ndarray, labels: str, count: int, rng: np.random.Generator, dead_cost: float | None
) -> Labels:
    """Labels of `count` random images of `roots`; a game has no dead ends."""
    return OUTCOME_LABELS[labels](game, sample_positions(game, roots, count, rng), rng)


def split_positions(game: SolvedGame, arena: Arena, config: ContestConfig, seed: int) -> Split:
    """Roots for labels, and problems: positions where something is at stake, all parts more than a ply from each other's."""
    validation, test = min(config.validation, arena.most_validation), min(config.test, arena.most_test)
    return Split(*split_apart(game, validation, test, np.random.default_rng(seed)))


def judge_of_game(game: SolvedGame, answers: Evaluation, name: str) -> Judge:
    """A judge that answers with `answers` [N, ...], one row for each position of `game`."""
    from astarzero.training.tabulate import constant_heads

    return Judge(tabulated_go(game.table, answers, name), collapsed=bool(constant_heads(game.view, answers)))


def game_judges(game: SolvedGame) -> dict[str, Judge]:
    """The judges that need no training."""
    games = rollout(game.domain, games=1)
    return {"exact": Judge(exact_go(game.table)), "nothing": Judge(blind(game.domain)), "rollouts": Judge(games)}


def given_away(game: SolvedGame, problems: np.ndarray) -> np.ndarray:
    """What each action gives away, as a share of a game (a win lost is 1, drawn 0.5): float64 [N, A], 0 where illegal."""
    return np.nan_to_num((game.value[problems][:, None] - game.q[problems]) / 2)


def chance_of(game: SolvedGame, problems: np.ndarray) -> np.ndarray:
    """What a random legal move gives away: float64 [N]."""
    return given_away(game, problems).sum(1) / (game.after[problems] >= 0).sum(1)


def run_decisions(
    game: SolvedGame, regime: Regime, knob: Mapping[str, Any], judge: Judge, problems: np.ndarray, arena: Arena, seed: int
) -> dict[str, np.ndarray]:
    """One arm with one knob on the problems [N]: the arrays [N, G] of a result row."""
    budgets = ladder(arena.grid["expansions"][1])
    made = DECIDERS[regime.search](game, problems, judge.evaluator.only(regime.heads), budgets, seed, **knob)
    chance = chance_of(game, problems)[:, None].astype(np.float32)
    regret = np.einsum("nga,na->ng", made.weights, given_away(game, problems))
    return {
        "saved": (chance - regret).astype(np.float32),
        "chance": np.repeat(chance, regret.shape[1], axis=1),
        "family": np.repeat(game.families[problems][:, None].astype(np.int32), regret.shape[1], axis=1),
        "expansions": made.expansions.astype(np.int32),
        "evaluations": made.evaluations.astype(np.int32),
        "calls": made.calls.astype(np.int32),
    }


def look_records(
    game: SolvedGame, split: Split, by_head: Mapping[str, Evaluation], judges: Mapping[str, Judge], taught: Labels, **identity: Any
) -> list[dict[str, Any]]:
    """How much regret one look of each head removes on the test problems, by stones on the board; V looks at the successors.

    What a look asks about is new to every head (`split_apart`). Searches look further: a second share is of what they meet after two moves.
    """
    problems, names = split.test, {"value": "V", "q": "Q", "prior": "pi"}
    stones = game.num_stones[problems]
    chance, regrets = chance_of(game, problems), given_away(game, problems)
    shares = labelled_shares(game, problems, taught)
    records = []
    for head in by_head:
        judge = judges[names[head]].evaluator
        if head == "value":
            weights = one_ply(game, problems, judge, [], 0).weights[:, 0]
        else:
            weights = shared(scores_of(game, problems, judge, head)[0], game.after[problems] >= 0)
        chosen = (weights * regrets).sum(1)
        masks = {f"{low}-{high} stones": (stones >= low) & (stones <= high) for low, high in STAGES}
        stages = {stage: finite_or_none(regret_removed(chosen[mask], chance[mask])) for stage, mask in masks.items()}
        record = {"regret_removed": finite_or_none(regret_removed(chosen, chance)), "stages": stages, "stage_name": "stones on the board"}
        records.append({"kind": "choice", **identity, "head": head, **record, **shares, "collapsed": judges[names[head]].collapsed})
    return records


def labelled_shares(game: SolvedGame, problems: np.ndarray, taught: Labels) -> dict[str, float | None]:
    """Of what V is asked about one move and two moves after `problems` [N], the shares whose board was among its labels."""
    boards = game.boards[game.table.index(taught.value_states)]
    first = game.followers(problems)
    second = game.followers(first[first >= 0])
    return {
        name: finite_or_none(np.isin(game.boards[after[after >= 0]], boards).mean() if (after >= 0).any() else np.nan)
        for name, after in (("successors_labelled", first), ("two_plies_labelled", second))
    }


GAMES = Kind(
    solve_game, split_positions, label_positions, judge_of_game, game_judges, run_decisions, look_records, view=lambda game: game.view
)
