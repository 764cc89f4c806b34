"""The evaluator: where a search meets a net, a heuristic or a table. `states -> prior_logits, value, q`, any of them absent.

Searches (floor 2) read evaluators and nets (floor 2) make them; neither imports the other, so the contract stands here.
Builders: ../search/evaluator.py (heuristic, blind, tabulated, exact and noisy oracle) and ../nets/evaluator.py (a net).

An evaluator has two faces. `evaluate(states)` answers a batch from Python. `rules` are the same answers as compiled hooks
that a kernel calls inline, with `tables` handed to them; None when only Python can answer (a net), and then the kernel stops and asks
at a `Desk`. A net lends one at which it reads what the kernel wrote for it, without a copy: what it costs to ask is then next to nothing.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from astarzero.envs.compile import hook
from astarzero.envs.descent import Descent

HEADS = ("value", "q", "prior")


class Evaluation(NamedTuple):
    """One answer for a batch of B states; an absent head is None. Returns are for the player to move, so costs count negative."""

    prior_logits: np.ndarray | None = None  # float32 [B, A], unnormalised; illegal actions are masked by the search, not here
    value: np.ndarray | None = None  # float32 [B], expected return; -inf at a dead end
    q: np.ndarray | None = None  # float32 [B, A], expected return of an action: -(cost + cost-to-go of its successor)


class Desk(NamedTuple):
    """Where a kernel and Python meet: the kernel writes the states in question, Python calls `judge`, the kernel reads the answers.

    There is a row for each state that is asked about. What was not asked for is 0.
    """

    states: np.ndarray  # uint64 [C, W]
    features: np.ndarray  # float32 [C, F], what a net sees of the states (`encode`); without rows where the evaluator goes by the states
    value: np.ndarray  # float32 [C], expected return; -inf at a dead end, of which one that goes by features knows nothing
    prior_logits: np.ndarray  # float32 [C, A], unnormalised, illegal actions included
    q: np.ndarray  # float32 [C, A], expected return of an action; likewise
    judge: Callable[[int], None] = lambda asked: None  # writes the answers for the first so many rows
    session: Callable[[], AbstractContextManager[object]] = nullcontext  # `judge` is called within one, entered once a search

    @property
    def papers(self) -> tuple[np.ndarray, ...]:
        """What a kernel is handed: states, features, value, prior_logits, q."""
        return self[:5]


@hook
def node_value(state, parent, parent_value, action, context, tables):
    """The value of `state`, reached from `parent` (whose value is known) by `action`; for a root, action is -1 and parent is the state."""
    raise NotImplementedError


@hook
def node_prior(state, context, tables, prior_logits):
    """Write prior logits [A] of `state`."""
    raise NotImplementedError


@hook
def node_q(state, context, tables, q):
    """Write q [A] of `state`."""
    raise NotImplementedError


def unknown_value(state, parent, parent_value, action, context, tables):
    """A masked value head: 0 everywhere."""
    return 0.0


def uniform_prior(state, context, tables, prior_logits):
    """A masked policy head: every action alike."""
    prior_logits[:] = 0.0


def unknown_q(state, context, tables, q):
    """A masked Q head: 0 everywhere."""
    q[:] = 0.0


MASKED: Mapping[str, tuple[str, Callable[..., Any]]] = {
    "value": ("node_value", unknown_value),
    "q": ("node_q", unknown_q),
    "prior": ("node_prior", uniform_prior),
}


@dataclass(frozen=True)
class Evaluator:
    """Estimates for a search. `heads` says which of HEADS carry information; a search that reads another sees 0 or uniform."""

    name: str
    heads: frozenset[str]
    evaluate: Callable[[np.ndarray], Evaluation]  # uint64 [B, W] -> Evaluation
    rules: Mapping[str, Callable[..., Any]] | None = None  # hooks node_value, node_prior, node_q; None: ask `evaluate`
    tables: tuple[Any, ...] = field(default_factory=lambda: (np.zeros(1),))  # arrays, or tuples of them, handed to the hooks
    admissible: bool = False  # neither -value nor -q is ever above the true cost
    whole: bool = False  # -value is always a whole number or inf
    descent: Descent | None = None  # how IDA* walks fast by the same values
    desk: Callable[[int, Iterable[str]], Desk] | None = None  # one of so many rows for such heads, as `evaluate` says: replace both or none
    mask_tables: Callable[[tuple[np.ndarray, ...], frozenset[str]], tuple[np.ndarray, ...]] | None = None  # hides heads; rules stay

    def only(self, heads: Iterable[str]) -> "Evaluator":
        """The same evaluator with every other head masked: the contrast between regimes is this mask and nothing else."""
        wanted = frozenset((heads,) if isinstance(heads, str) else heads)
        if not wanted <= frozenset(HEADS):
            raise ValueError(f"Heads {sorted(wanted)} are not known: give some of {', '.join(HEADS)}.")
        kept = self.heads & wanted
        rules, tables = self.rules, self.tables
        if self.mask_tables:
            tables = self.mask_tables(tables, kept)
        elif rules is not None:
            rules = {**rules, **dict(MASKED[head] for head in HEADS if head not in kept)}

        def evaluate(states: np.ndarray) -> Evaluation:
            answer = self.evaluate(states)
            return Evaluation(
                prior_logits=answer.prior_logits if "prior" in kept else None,
                value=answer.value if "value" in kept else None,
                q=answer.q if "q" in kept else None,
            )

        descent, desk = self.descent if "value" in kept else None, self.desk if kept else None
        return replace(self, heads=kept, evaluate=evaluate, rules=rules, tables=tables, descent=descent, desk=desk)
