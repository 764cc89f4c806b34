"""The desk at which a search asks an evaluator that only Python can call: who lends it, and what an answer must be.

So every search pays the same for a call of a net, and the contest can set one price for it (../experiments/cost_model.py).
Read first: ../envs/evaluation.py (`Desk`). Read next: questions.py (a kernel's side of it), drive.py (who calls both).
"""

from collections.abc import Iterable
from typing import NoReturn

import numpy as np

from astarzero.envs.domain import Domain
from astarzero.envs.evaluation import Desk, Evaluation, Evaluator

STATES, FEATURES, VALUE, PRIOR, Q = range(5)  # of `Desk.papers`
ANSWERS = {"value": VALUE, "prior": PRIOR, "q": Q}


def desk_of(domain: Domain, evaluator: Evaluator, heads: Iterable[str], rows: int) -> Desk:
    """A desk with `rows` rows where `evaluator` answers with those of `heads` that it has.

    Its own where it lends one. Else one made of its `evaluate`, which is handed a copy of the states; ValueError within `judge` when its
    arrays have the wrong shapes. Of one that needs no asking, since it runs inside kernels or knows nothing, a desk where nobody sits.
    """
    wanted = evaluator.heads & set(heads)
    if evaluator.rules is None and wanted and evaluator.desk:
        return evaluator.desk(rows, wanted)
    states, per_action = np.zeros((rows, domain.num_words), np.uint64), (rows, domain.num_actions)
    answers = np.zeros(rows, np.float32), np.zeros(per_action, np.float32), np.zeros(per_action, np.float32)
    bare = Desk(states, np.zeros((0, 1), np.float32), *answers)

    def judge(asked: int) -> None:
        answer = with_shape(evaluator.evaluate(states[:asked].copy()), asked, domain, evaluator)
        given = {"value": answer.value, "prior": answer.prior_logits, "q": answer.q}
        for head in wanted:
            told = given[head]
            bare.papers[ANSWERS[head]][:asked] = 0.0 if told is None else told

    return bare if evaluator.rules is not None or not wanted else bare._replace(judge=judge)


def with_shape(answer: Evaluation, count: int, domain: Domain, evaluator: Evaluator) -> Evaluation:
    """The answer for `count` rows, when its arrays have the right shapes; ValueError otherwise."""
    per_action, per_state = (count, domain.num_actions), (count,)
    for name, array in zip(Evaluation._fields, answer, strict=True):
        if array is None:
            continue
        shape = array.shape if isinstance(array, np.ndarray) else np.shape(array)
        wanted = per_state if name == "value" else per_action
        if shape != wanted:
            raise ValueError(nonsense(evaluator, f"{name} of shape {shape} for {count} states, not {wanted}"))
    return answer


def refuse(domain: Domain, evaluator: Evaluator, states: np.ndarray, what: str) -> NoReturn:
    """Ends a search that met no number, by a ValueError: the evaluator, asked once more about `states`, may tell better `what` is wrong."""
    if evaluator.rules is None and len(states):
        answer = with_shape(evaluator.evaluate(states.copy()), len(states), domain, evaluator)
        for name, array in zip(Evaluation._fields, answer, strict=True):
            if array is not None and np.isnan(array.min(initial=0.0)):
                raise ValueError(nonsense(evaluator, f"{name} that is not a number"))
    raise ValueError(nonsense(evaluator, what))


def nonsense(evaluator: Evaluator, what: str) -> str:
    """The sentence about an answer that is none."""
    return f"Evaluator {evaluator.name} gave {what}; mend the net or table (-inf marks a dead end, nan nothing)."
