"""A net's answers for every state of an enumerable world, once, so that searches read a table instead of a net.

The table makes a budget-swept contest cheap; what a call would have cost is charged by a measured model (SCIENCE.md, section 3).
"""

import numpy as np
import torch

from astarzero.envs.evaluation import Evaluation, Evaluator
from astarzero.envs.oracles import ExactTable
from astarzero.training.targets import collapsed


def tabulate(evaluator: Evaluator, states: np.ndarray, chunk: int = 65_536) -> Evaluation:
    """`evaluator`'s answers for all rows of `states` [N, W]: float32 value [N], q and prior_logits [N, A], None where the head is absent.

    The evaluator is asked `chunk` states at a time, which bounds what it holds beside the answers.
    """
    parts = [evaluator.evaluate(states[start : start + chunk]) for start in range(0, max(len(states), 1), chunk)]
    if len(parts) == 1:
        return parts[0]
    heads = zip(*parts, strict=True)
    return Evaluation(*(None if any(part is None for part in head) else np.concatenate(head) for head in heads))


def tabulate_table(evaluator: Evaluator, table: ExactTable) -> Evaluation:
    """`evaluator`'s answers for every state of `table`; goals and terminal rows, which no search asks about, get zeros."""
    asked = ~(table.graph.goal | table.graph.dead)
    answers = tabulate(evaluator, table.states[asked])

    def spread(answer: np.ndarray | None) -> np.ndarray | None:
        if answer is None:
            return None
        whole = np.zeros((len(asked), *answer.shape[1:]), answer.dtype)
        whole[asked] = answer
        return whole

    return Evaluation(*(spread(answer) for answer in answers))


def constant_heads(table: ExactTable, answers: Evaluation, sample: int = 4096) -> tuple[str, ...]:
    """The heads of `answers` (one row a state of `table`) that say the same of every state: collapsed nets.

    Looks at up to `sample` states that have successors, evenly spaced; values and q are compared in units of the mean cost.
    """
    with_successors = np.flatnonzero(np.diff(table.graph.first_edge) > 0)
    looked_at = with_successors[:: max(1, len(with_successors) // sample)]
    legal = torch.from_numpy(table.successors(looked_at) >= 0)
    scale = float(np.abs(table.cost_to_go[np.isfinite(table.cost_to_go)]).mean()) or 1.0
    outputs = {"value": answers.value, "q": answers.q, "prior": answers.prior_logits}
    found = []
    for head, output in outputs.items():
        if output is not None:
            numbers = torch.from_numpy(np.nan_to_num(output[looked_at], neginf=-1e6) / (1.0 if head == "prior" else scale))
            if collapsed(numbers, None if head == "value" else legal):
                found.append(head)
    return tuple(found)
