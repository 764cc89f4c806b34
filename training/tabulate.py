"""A net's answers for every state of an enumerable world, once, so that searches read a table instead of a net.

The table makes a budget-swept contest cheap; what a call would have cost is charged by a measured model (SCIENCE.md, section 3).
"""

import numpy as np

from astarzero.envs.evaluation import Evaluation, Evaluator


def tabulate(evaluator: Evaluator, states: np.ndarray, chunk: int = 65_536) -> Evaluation:
    """`evaluator`'s answers for all rows of `states` [N, W]: float32 value [N], q and prior_logits [N, A], None where the head is absent.

    The evaluator is asked `chunk` states at a time, which bounds what it holds beside the answers.
    """
    parts = [evaluator.evaluate(states[start : start + chunk]) for start in range(0, max(len(states), 1), chunk)]
    if len(parts) == 1:
        return parts[0]
    heads = zip(*parts, strict=True)
    return Evaluation(*(None if any(part is None for part in head) else np.concatenate(head) for head in heads))
