"""Evaluators that need no net: a heuristic, nothing, tables (exact, noisy, or a net's answers written down once), and two made of others.

Each can be asked from Python in batches and runs inside kernels; the contract is ../envs/evaluation.py. A *tabulated* net is
asked once for all states of an enumerable world; searches then read the table, at the price in evaluations of the net itself.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from astarzero.envs.compile import Rules, hook
from astarzero.envs.domain import Domain, Heuristic, cost_to_go, value_of
from astarzero.envs.evaluation import Evaluation, Evaluator, uniform_prior, unknown_q
from astarzero.envs.oracles import ExactTable
from astarzero.envs.state_table import EMPTY, SLOT, copy_row, find_rows, find_slot, index_rows

# --- a heuristic -----------------------------------------------------------------------------------------------------------


@hook
def heuristic(state, context):
    """h of a row; see envs/domain.py."""
    raise NotImplementedError


@hook
def heuristic_of_child(parent, parent_h, action, child, context):
    """h of a child from its parent's."""
    raise NotImplementedError


@hook
def heuristic_context(context, tables):
    """What the heuristic's rules read: the domain's context, or its own tables."""
    raise NotImplementedError


def of_the_domain(context, tables):
    return context


def of_its_own(context, tables):
    return tables


def value_from_heuristic(state, parent, parent_value, action, context, tables):
    return value_of(heuristic(state, heuristic_context(context, tables)))


def value_from_parent(state, parent, parent_value, action, context, tables):
    if action < 0:
        return value_of(heuristic(state, heuristic_context(context, tables)))
    return value_of(heuristic_of_child(parent, cost_to_go(parent_value), action, state, heuristic_context(context, tables)))


def heuristic_batch(states, context, value):
    """Kernel: the values of rows [B, W] into float32 [B]."""
    for index in range(states.shape[0]):
        value[index] = value_of(heuristic(states[index], context))


def from_heuristic(domain: Domain, name: str | None = None) -> Evaluator:
    """The domain's heuristic `name` (default: its first) as an evaluator of value = -h. ValueError when there is none of that name."""
    name = name or next(iter(domain.heuristics))
    if name not in domain.heuristics:
        raise ValueError(f"{domain.name} has no heuristic '{name}'; choose one of {', '.join(domain.heuristics)}.")
    if name == "blind":
        return blind(domain)
    entry: Heuristic = domain.heuristics[name]
    value_rule = value_from_parent if entry.child_rule else value_from_heuristic
    read_from = of_its_own if entry.tables else of_the_domain
    rules: Rules = {
        "node_value": value_rule, "node_prior": uniform_prior, "node_q": unknown_q, "heuristic": entry.rule, "heuristic_context": read_from
    }  # fmt: skip
    if entry.child_rule:
        rules = {**rules, "heuristic_of_child": entry.child_rule}

    own = entry.tables() if entry.tables else None

    def evaluate(states: np.ndarray) -> Evaluation:
        value = np.empty(len(states), np.float32)
        domain.bind(heuristic_batch, heuristic=entry.rule)(states, domain.context if own is None else own, value)
        return Evaluation(value=value)

    descent = entry.descent() if entry.descent else None
    judge = Evaluator(name, frozenset({"value"}), evaluate, rules, admissible=entry.admissible, whole=entry.whole, descent=descent)
    return judge if own is None else replace(judge, tables=own)


def default_evaluator(domain: Domain) -> Evaluator:
    """What a search uses when none is given: the domain's first heuristic."""
    return from_heuristic(domain)


# --- tables: (rows uint64 [N, W], slots uint32, value float32 [N], prior_logits float32 [N, A], q float32 [N, A]); no rows: head absent


def value_from_table(state, parent, parent_value, action, context, tables):
    rows, slots, value, _, _ = tables
    if value.shape[0] == 0:
        return 0.0
    _, index = find_slot(state, rows, slots, slots.shape[0] - 1)
    return value[index] if index != EMPTY else np.nan


def row_from_table(state, rows, slots, table, answer):
    """Write the row of `table` that belongs to `state`; zeros when the head is absent, nan when the state is."""
    if table.shape[0] == 0:
        answer[:] = 0.0
        return
    _, index = find_slot(state, rows, slots, slots.shape[0] - 1)
    if index == EMPTY:
        answer[:] = np.nan
    else:
        copy_row(answer, table[index])


def prior_from_table(state, context, tables, prior_logits):
    rows, slots, _, prior, _ = tables
    row_from_table(state, rows, slots, prior, prior_logits)


def q_from_table(state, context, tables, q):
    rows, slots, _, _, table = tables
    row_from_table(state, rows, slots, table, q)


TABLE_RULES: Rules = {"node_value": value_from_table, "node_prior": prior_from_table, "node_q": q_from_table}
TABLE_HEADS = ("value", "prior", "q")  # in the order of `tables`, after rows and slots


def empty_heads(tables: tuple[np.ndarray, ...], kept: frozenset[str]) -> tuple[np.ndarray, ...]:
    """The same tables without the heads that are not kept; one set of kernels serves every mask."""
    return (*tables[:2], *(table if head in kept else table[:0] for head, table in zip(TABLE_HEADS, tables[2:], strict=True)))


def tabulated(
    domain: Domain, states: np.ndarray, answers: Evaluation, name: str, *, slots: np.ndarray | None = None, admissible: bool = False
) -> Evaluator:
    """An evaluator that reads `answers`, one row for each of the distinct `states` [N, W].

    `slots` (see state_table.py) may be shared by many tables over the same states. Tabulate whole closures (envs/oracles.py):
    a search that meets a state outside the table ends with a ValueError.
    """
    states = domain.check_states(states)
    shared = index_rows(states) if slots is None else slots
    given = {"value": answers.value, "prior": answers.prior_logits, "q": answers.q}
    heads = frozenset(head for head, array in given.items() if array is not None)
    for head, array in given.items():
        wanted = (len(states),) if head == "value" else (len(states), domain.num_actions)
        if array is not None and np.shape(array) != wanted:
            raise ValueError(f"The table '{name}' has {head} of shape {np.shape(array)}, but its {len(states)} states need {wanted}.")
    absent = {"value": np.zeros(0), "prior": np.zeros((0, domain.num_actions)), "q": np.zeros((0, domain.num_actions))}
    value, prior, q = (np.ascontiguousarray(given[head] if head in heads else absent[head], np.float32) for head in TABLE_HEADS)

    def evaluate(batch: np.ndarray) -> Evaluation:
        indices = np.empty(len(batch), np.int64)
        domain.bind(find_rows)(np.ascontiguousarray(batch), states, shared, indices)
        if (indices < 0).any():
            stranger = domain.format(batch[int(np.argmin(indices))])
            raise ValueError(f"The table '{name}' does not hold {stranger}; tabulate every state the search can reach.")
        return Evaluation(
            prior_logits=prior[indices] if "prior" in heads else None,
            value=value[indices] if "value" in heads else None,
            q=q[indices] if "q" in heads else None,
        )

    return Evaluator(name, heads, evaluate, TABLE_RULES, (states, shared, value, prior, q), admissible, mask_tables=empty_heads)


def empty_tables(domain: Domain) -> tuple[np.ndarray, ...]:
    """Tables that hold nothing: every head is absent."""
    absent = np.zeros((0, domain.num_actions), np.float32)
    return np.zeros((1, domain.num_words), np.uint64), np.zeros(2, SLOT), np.zeros(0, np.float32), absent, absent


def blind(domain: Domain) -> Evaluator:
    """Knows nothing: value 0, every action alike. Costs no evaluations, since no head carries information."""
    tables = empty_tables(domain)
    return Evaluator(
        "blind", frozenset(), lambda states: Evaluation(), TABLE_RULES, tables, admissible=True, whole=True, mask_tables=empty_heads
    )


def kernel_face(domain: Domain, evaluator: Evaluator) -> tuple[Rules, tuple[np.ndarray, ...]]:
    """The hooks and tables to bind for `evaluator`.

    One that only Python can call borrows those of an empty table, which the kernel never asks: nets and tables share kernels.
    """
    return (TABLE_RULES, empty_tables(domain)) if evaluator.rules is None else (evaluator.rules, evaluator.tables)


def exact_answers(table: ExactTable) -> Evaluation:
    """What a perfect net would say: V = -h*, q = -(cost + h*), and a policy uniform over the optimal actions (logits 0, others -30).

    Dead ends have value and q -inf; illegal q are -inf too; a state without optimal actions has a uniform policy.
    """
    everything = np.arange(len(table.states))
    optimal, q = table.optimal_actions(everything), table.q(everything)
    return Evaluation(
        prior_logits=np.where(optimal | ~optimal.any(axis=1, keepdims=True), 0.0, -30.0).astype(np.float32),
        value=value_of(table.cost_to_go).astype(np.float32),
        q=np.where(np.isnan(q), -np.inf, q).astype(np.float32),
    )


def exact_oracle(table: ExactTable) -> Evaluator:
    """The ceiling: exact V, Q and pi of every state of `table`."""
    return tabulated(table.domain, table.states, exact_answers(table), "exact", slots=table.graph.slots, admissible=True)


def noisy_oracle(table: ExactTable, value_noise: float, prior_noise: float, seed: int, dead_cost: float | None = None) -> Evaluator:
    """The exact answers blurred by independent normal noise: `value_noise` in units of cost on V and Q, `prior_noise` in nats on logits.

    Noise is one draw a state (and action), so asking twice gives the same answer. Values stay <= 0. A dead end counts as
    `dead_cost` (default: twice the dearest solvable state), since a noisy judge cannot be sure of one.
    """
    rng = np.random.default_rng(seed)
    exact = exact_answers(table)
    finite = table.cost_to_go[np.isfinite(table.cost_to_go)]
    floor = np.float32(value_of(2.0 * float(finite.max(initial=0.5)) if dead_cost is None else dead_cost))
    assert exact.value is not None and exact.q is not None and exact.prior_logits is not None
    blurred = Evaluation(
        prior_logits=np.maximum(exact.prior_logits, -5.0) + prior_noise * rng.standard_normal(exact.prior_logits.shape, np.float32),
        value=np.minimum(0.0, np.maximum(exact.value, floor) + value_noise * rng.standard_normal(exact.value.shape, np.float32)),
        q=np.minimum(0.0, np.maximum(exact.q, floor) + value_noise * rng.standard_normal(exact.q.shape, np.float32)),
    )
    return tabulated(table.domain, table.states, blurred, f"noisy {value_noise:g}/{prior_noise:g}", slots=table.graph.slots)


# --- made of others ----------------------------------------------------------------------------------------------------------------


@hook
def first_value(state, parent, parent_value, action, context, tables):
    """node_value of the first of two evaluators."""
    raise NotImplementedError


@hook
def second_value(state, parent, parent_value, action, context, tables):
    """node_value of the second."""
    raise NotImplementedError


def lesser_value(state, parent, parent_value, action, context, tables):
    one = first_value(state, parent, parent_value, action, context, tables[0])
    other = second_value(state, parent, parent_value, action, context, tables[1])
    return one if one < other or one != one else other


def maximum(first: Evaluator, second: Evaluator) -> Evaluator:
    """The larger h of the two, state by state (that is, the lesser value). Admissible if both are: the truth is above either.

    It has a value head alone and costs one evaluation a state, whatever the two would. It runs inside kernels when both do and
    their rules do not meet under one name, as those of two heuristics would; else Python asks the two. ValueError without a value.
    """
    for judge in (first, second):
        if "value" not in judge.heads:
            raise ValueError(f"Evaluator {judge.name} has no value head to take a maximum with; give one that estimates costs.")

    def evaluate(states: np.ndarray) -> Evaluation:
        one, other = first.evaluate(states).value, second.evaluate(states).value
        assert one is not None and other is not None
        return Evaluation(value=np.minimum(one, other))

    return Evaluator(
        f"max({first.name}, {second.name})", frozenset({"value"}), evaluate, joined_rules(first, second), (first.tables, second.tables),
        admissible=first.admissible and second.admissible, whole=first.whole and second.whole,
    )  # fmt: skip


def joined_rules(first: Evaluator, second: Evaluator) -> Rules | None:
    """The rules of `maximum`, or None when one of the two has none or a name is brought twice."""
    if first.rules is None or second.rules is None:
        return None
    # a heuristic that goes by its parent's h would be handed the larger of the two
    values = (judge["node_value"] for judge in (first.rules, second.rules))
    one, other = (value_from_heuristic if rule is value_from_parent else rule for rule in values)
    rules: dict[str, Callable[..., Any]] = {
        "node_value": lesser_value, "first_value": one, "second_value": other, "node_prior": uniform_prior, "node_q": unknown_q
    }  # fmt: skip
    for brought in (first.rules, second.rules):
        inner = {name: rule for name, rule in brought.items() if name not in TABLE_RULES}
        if rules.keys() & inner.keys():
            return None
        rules |= inner
    return rules


def lowered(evaluator: Evaluator, offset: float) -> Evaluator:
    """`evaluator` with h less `offset`, but never below 0: a calibrated margin taken off. Its value head alone, asked from Python."""
    if "value" not in evaluator.heads:
        raise ValueError(f"Evaluator {evaluator.name} has no value head to lower; give one that estimates costs.")

    def evaluate(states: np.ndarray) -> Evaluation:
        value = evaluator.evaluate(states).value
        assert value is not None
        return Evaluation(value=np.minimum(value + np.float32(offset), np.float32(0.0)))

    return Evaluator(f"{evaluator.name} - {offset:.3g}", frozenset({"value"}), evaluate, admissible=evaluator.admissible and offset >= 0)
