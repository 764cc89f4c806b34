"""How an arm decides on a move at every budget: the searches of a game of two, stopped after 1, 2, 4, ... expansions.

A puzzle is solved after so many expansions, and one run tells the rest. A game has no such moment: a decision must be had at each budget.
So each search is looked at (trees) or run afresh (the others, and Gumbel's, whose plan depends on its length) at the budgets of a
ladder, and each look notes what was spent by then on the axes of the contest, and which moves are recommended, equals alike.

Before an arm has judged anything it moves at random; a tree that has no visit yet takes the likeliest move of its prior.

Read next: game_trials.py (what a decision is worth).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from astarzero.envs.evaluation import Evaluator
from astarzero.search import SEARCHES, Budget
from astarzero.search.forest import Forest
from astarzero.search.tree import EVALUATIONS, EXPANSIONS
from astarzero.search.tree_config import TreeConfig
from astarzero.training.game_labels import SolvedGame


@dataclass(frozen=True)
class Decisions:
    """What was recommended, and spent, at each of G looks at N problems; spending never falls from one look to the next."""

    weights: np.ndarray  # float64 [N, G, A], sums to 1
    expansions: np.ndarray  # int64 [N, G]
    evaluations: np.ndarray
    calls: np.ndarray


def ladder(most: float) -> list[int]:
    """1, 2, 4, ... up to `most` expansions."""
    return [1 << power for power in range(int(most).bit_length()) if 1 << power <= most]


def shared(scores: np.ndarray, legal: np.ndarray) -> np.ndarray:
    """Scores [..., A] -> weights of the best legal actions, equal ones alike."""
    masked = np.where(legal, scores, -np.inf)
    best = legal & (masked == masked.max(-1, keepdims=True))
    return best / best.sum(-1, keepdims=True)


def one_look(weights: np.ndarray, evaluations: np.ndarray) -> Decisions:
    """A decision [N, A] after one expansion and one call, where anything was evaluated."""
    spent = evaluations[:, None].astype(np.int64)
    return Decisions(weights[:, None], np.ones_like(spent), spent, np.minimum(spent, 1))


# --- without a tree ----------------------------------------------------------------------------------------------------------------


def argmax(game: SolvedGame, problems: np.ndarray, judge: Evaluator, budgets: list[int], seed: int, *, head: str) -> Decisions:
    """The action that the prior or q of the position itself likes best."""
    scores, evaluations = scores_of(game, problems, judge, head)
    return one_look(shared(scores, game.after[problems] >= 0), evaluations)


def sampling(game: SolvedGame, problems: np.ndarray, judge: Evaluator, budgets: list[int], seed: int, *, temperature: float) -> Decisions:
    """An action drawn from the prior at a temperature: its weights are its probabilities, so that no luck is in it."""
    logits, evaluations = scores_of(game, problems, judge, "prior")
    scaled = np.where(game.after[problems] >= 0, logits / temperature, -np.inf)
    likely = np.exp(scaled - scaled.max(1, keepdims=True))
    return one_look(likely / likely.sum(1, keepdims=True), evaluations)


def scores_of(game: SolvedGame, problems: np.ndarray, judge: Evaluator, head: str) -> tuple[np.ndarray, np.ndarray]:
    """(scores [N, A] of a head at the positions themselves, evaluations [N]); zeros of a head that is absent, at no evaluation."""
    answers = judge.evaluate(game.states[problems])
    scores = answers.q if head == "q" else answers.prior_logits
    if scores is None:
        return np.zeros((len(problems), game.domain.num_actions)), np.zeros(len(problems), np.int64)
    return scores.astype(np.float64), np.ones(len(problems), np.int64)


def one_ply(game: SolvedGame, problems: np.ndarray, judge: Evaluator, budgets: list[int], seed: int) -> Decisions:
    """The action whose successor is worst for the opponent by V; a game that is over is seen as it is, without an evaluation."""
    after = game.after[problems]
    asked = (after >= 0) & ~game.over[after]
    worth = game.value[after]  # where the game is over, what it came to
    answer = judge.evaluate(game.states[after[asked]]).value
    worth[asked] = 0.0 if answer is None else answer
    return one_look(shared(-worth, after >= 0), asked.sum(1) if "value" in judge.heads else np.zeros(len(problems), np.int64))


def minimax(game: SolvedGame, problems: np.ndarray, judge: Evaluator, budgets: list[int], seed: int, *, search: str) -> Decisions:
    """A search of SEARCHES for two players, run afresh under each budget; once it has proven the outcome it is not run again."""
    shape = (len(problems), len(budgets))
    weights, spent = np.empty((*shape, game.domain.num_actions)), np.empty((3, *shape), np.int64)
    for number, problem in enumerate(problems):
        legal, result = game.after[problem] >= 0, None
        for look, expansions in enumerate(budgets):
            if result is None or not result.solved:
                budget, seed_of = Budget(expansions=expansions), 1000 * seed + number
                result = SEARCHES[search](game.domain, game.states[problem], judge, budget=budget, seed=seed_of)
            liked = np.zeros(len(legal)) if result.action_weights is None else result.action_weights
            weights[number, look] = shared(liked, legal)
            spent[:, number, look] = result.expansions, result.evaluations, result.evaluator_calls
    return Decisions(weights, *np.maximum.accumulate(spent, axis=2))


# --- trees -------------------------------------------------------------------------------------------------------------------------


def tree(
    game: SolvedGame, problems: np.ndarray, judge: Evaluator, budgets: list[int], seed: int, *, rule: str, c_puct: float | None = None,
    temperature: float = 1.0,
) -> Decisions:  # fmt: skip
    """MCTS by a rule of RULES, all problems as one forest: what a tree finds does not follow from the trees beside it."""
    legal, seeds = game.after[problems] >= 0, 1000 * seed + np.arange(len(problems))
    config = TreeConfig(rule, c_puct, temperature=temperature)

    def planted() -> Forest:
        return Forest(game.domain, game.states[problems], judge, config, seeds=seeds)  # type: ignore[arg-type]

    forest, done, looks, spent = planted(), 0, [], []
    for simulations in (budget - 1 for budget in budgets):  # the first expansion is the root's, which is no simulation
        if rule == "gumbel" and simulations:
            forest, done = planted(), 0
        forest.run(simulations - done)
        done = simulations
        weights, counts = forest.action_weights, forest.arrays["counts"]
        untried = weights.sum(1) == 0
        weights[untried] = forest.prior[untried]
        looks.append(shared(weights, legal))
        spent.append(counts[:, [EXPANSIONS, EVALUATIONS, EVALUATIONS]])  # it asks for one state at a time
    return Decisions(np.stack(looks, 1), *np.maximum.accumulate(np.stack(spent, 1), axis=1).transpose(2, 0, 1))


# --- the table ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Decider:
    """A line of the table: called as run(game, problems, judge, budgets, seed, **knobs) -> Decisions."""

    heads: tuple[str, ...]  # what it reads of an evaluator
    run: Callable[..., Decisions]
    fixed: Mapping[str, Any]

    def __call__(self, *arguments: Any, **knobs: Any) -> Decisions:
        return self.run(*arguments, **self.fixed, **knobs)


DECIDERS = {
    "argmax": Decider(("prior",), argmax, {"head": "prior"}),
    "q_argmax": Decider(("q",), argmax, {"head": "q"}),
    "sampling": Decider(("prior",), sampling, {}),
    "one_ply": Decider(("value",), one_ply, {}),
    "ubfm": Decider(("value",), minimax, {"search": "ubfm"}),
    "alpha_beta": Decider(("value",), minimax, {"search": "alpha_beta"}),
    "uct": Decider(("value",), tree, {"rule": "uct"}),
    "puct": Decider(("value", "prior"), tree, {"rule": "puct"}),
    "gumbel": Decider(("value", "prior"), tree, {"rule": "gumbel"}),
}
