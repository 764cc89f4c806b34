"""Probes: what a head knows, measured against an exact oracle before any search.

Choice regret removed (SCIENCE.md, section 4): 1 - regret(argmax) / regret(random), the common unit of V, Q and pi. 1 is
perfect, 0 is random, below 0 is worse than random.
"""

import numpy as np

from astarzero.envs.domain import cost_to_go, value_of
from astarzero.envs.evaluation import Evaluation
from astarzero.envs.oracles import ExactTable


def choice_regret(scores: np.ndarray, regrets: np.ndarray, legal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Expected regret by state of (the highest score, a random legal action): float64 [B], float64 [B].

    scores, regrets [B, A] and legal bool [B, A]; entries that are not legal are ignored. Equal highest scores share the choice
    evenly, so that ties are never broken by action number. ValueError where a state has no legal action or a legal score is NaN.
    """
    if not legal.any(1).all():
        raise ValueError(f"State number {int(np.flatnonzero(~legal.any(1))[0])} has no legal action to choose; leave such states out.")
    if np.isnan(scores[legal]).any():
        raise ValueError("A legal action has the score NaN, which cannot be compared; mend the scores.")
    masked = np.where(legal, scores, -np.inf)
    best = legal & (masked == masked.max(1, keepdims=True))
    clean = np.where(legal, regrets, 0.0)
    return (clean * best).sum(1) / best.sum(1), clean.sum(1) / legal.sum(1)


def regret_removed(chosen: np.ndarray, random: np.ndarray) -> float:
    """1 - regret(argmax) / regret(random) over states; NaN where a random choice does no harm, so that nothing can be measured."""
    return float(1.0 - chosen.sum() / random.sum()) if random.sum() > 0 else float("nan")


def action_regrets(table: ExactTable, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Exact regret of every action of solvable states by index: (regrets float64 [B, A], legal bool [B, A]).

    In a world without dead ends: cost above the optimum. With dead ends no finite cost can be named for a lost cause, so the
    regret is 1 when the choice leaves a solvable state for a dead end and 0 otherwise. The choice follows the whole table.
    """
    q = table.q(indices)
    legal, cost = ~np.isnan(q), cost_to_go(q)
    if np.isfinite(table.cost_to_go).all():
        regrets = cost - table.cost_to_go[indices][:, None]
    else:
        regrets = np.isinf(cost).astype(np.float64)
    return np.where(legal, regrets, 0.0), legal


def choice_scores(table: ExactTable, answers: Evaluation, head: str, indices: np.ndarray) -> np.ndarray:
    """How `head` ranks the actions of states by index: float64 [B, A], higher is better, -inf where illegal.

    `answers` cover the whole table (training.tabulate). value applies each action and asks V about the result, -(cost + h(s')),
    where a goal has h = 0 and a terminal row h = inf without asking, as in a search. q and prior are read off at the state itself.
    """
    answer = {"value": answers.value, "q": answers.q, "prior": answers.prior_logits}[head]
    if answer is None:
        raise ValueError(f"The answers hold no {head} head, so its choices cannot be scored; ask an evaluator that has it.")
    if head == "value":
        h = np.where(table.graph.goal, 0.0, np.where(table.graph.dead, np.inf, cost_to_go(answer.astype(np.float64))))
        return table.by_action(indices, value_of(table.graph.cost + h[table.graph.child]), -np.inf)
    return np.where(table.successors(indices) >= 0, answer[indices].astype(np.float64), -np.inf)
