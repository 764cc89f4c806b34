"""Evaluators of Go that need no net: random games, the score as it stands, and the exact table of a small board.

All three run inside kernels and say the value for the player to move, from -1, lost, to 1, won. One state is one evaluation, however
many random games it takes. Read next: ../envs/go_rollouts.py (the games), ../envs/go_tables.py (the exact values).
"""

from collections.abc import Callable

import numpy as np

from astarzero.envs.compile import Rules
from astarzero.envs.domain import Domain
from astarzero.envs.evaluation import Evaluation, Evaluator, node_value, uniform_prior, unknown_q
from astarzero.envs.go_rollouts import POLICIES, first_random, play_out
from astarzero.envs.go_rules import forget, info_of, komi_of, margin
from astarzero.envs.go_tables import GoTable, forget_komi_too
from astarzero.envs.state_table import EMPTY, copy_row, find_slot, hash_row
from astarzero.search.evaluator import empty_heads

WORST_LOGIT = -30.0  # of an action that gives something away, under the exact policy


def value_batch(states, context, tables, value):
    """Kernel: node_value of rows [B, W] into float32 [B]."""
    for index in range(states.shape[0]):
        value[index] = node_value(states[index], states[index], 0.0, -1, context, tables)


def of_value(domain: Domain, name: str, rule: Callable[..., float], tables: tuple[np.ndarray, ...]) -> Evaluator:
    """An evaluator with a value head alone, from its rule."""
    if domain.world != "go":
        raise ValueError(f"Evaluator '{name}' knows Go alone, and was given {domain.name}; give a domain of Go.")
    rules: Rules = {"node_value": rule, "node_prior": uniform_prior, "node_q": unknown_q}

    def evaluate(states: np.ndarray) -> Evaluation:
        value = np.empty(len(states), np.float32)
        domain.bind(value_batch, node_value=rule)(domain.check_states(states).copy(), domain.context, tables, value)
        return Evaluation(value=value)

    return Evaluator(name, frozenset({"value"}), evaluate, rules, tables)


# --- random games; tables = (settings uint64 [3]: seed, games, does the policy spare eyes; record int16 [cap]) ---------------------


def value_by_rollouts(state, parent, parent_value, action, context, tables):
    """The mean outcome of games that follow from the seed and the position: its row is stripped to be named, and made whole again."""
    settings, record = tables
    place, whole = state.shape[0] - 2, info_of(state)
    forget(state, context)
    total, name = 0.0, hash_row(state)
    state[place] = whole
    for game in range(np.int64(settings[1])):
        lead, _, _ = play_out(state, context, first_random(settings[0], name, np.uint64(game)), record.shape[0], settings[2] != 0, record)
        total += np.sign(lead)
    return np.float32(total / np.float64(settings[1]))


def rollout(domain: Domain, games: int = 8, *, policy: str = "no-eyes", seed: int = 0, cap: int | None = None) -> Evaluator:
    """The mean outcome of `games` random games by simple ko; after `cap` moves (2 x points) they are scored as they stand."""
    limit = 2 * (domain.num_actions - 1) if cap is None else cap
    if policy not in POLICIES or games < 1 or limit < 1:
        raise ValueError(
            f"{games} games of at most {limit} moves by the policy '{policy}' were asked for; give at least 1, and {' or '.join(POLICIES)}."
        )
    settings = np.array([seed % (1 << 64), games, policy == "no-eyes"], np.uint64)
    return of_value(domain, f"{games} random games", value_by_rollouts, (settings, np.empty(limit, np.int16)))


# --- the score -----------------------------------------------------------------------------------------------------------------------


def value_by_area(state, parent, parent_value, action, context, tables):
    """The margin, were the game over now, as a share of the board and of komi."""
    return np.float32(margin(state, context) / (tables[0][0] + 0.5 * abs(komi_of(info_of(state)))))


def area(domain: Domain) -> Evaluator:
    """The area score as it stands, komi included, as a share of the greatest there is: cheap, and blind to what is alive."""
    return of_value(domain, "area score", value_by_area, (np.array([domain.num_actions - 1.0]),))


# --- tables, as in evaluator.py, of rows that know only stones, side, ko and passes ---------------------------------------------------


def find_in_table(state, context, rows, slots):
    """The index of a position in a table, or EMPTY. The row is stripped to be looked up, and made whole again."""
    place, whole = state.shape[0] - 2, info_of(state)
    forget_komi_too(state, context)
    _, index = find_slot(state, rows, slots, slots.shape[0] - 1)
    state[place] = whole
    return index


def exact_value(state, parent, parent_value, action, context, tables):
    rows, slots, value, _, _ = tables
    if value.shape[0] == 0:
        return np.float32(0.0)
    index = find_in_table(state, context, rows, slots)
    return value[index] if index != EMPTY else np.float32(np.nan)


def exact_row(state, context, rows, slots, table, answer):
    """Write the row of `table` for a position; zeros when the head is absent, nan when the position is."""
    if table.shape[0] == 0:
        answer[:] = 0.0
        return
    index = find_in_table(state, context, rows, slots)
    if index == EMPTY:
        answer[:] = np.nan
    else:
        copy_row(answer, table[index])


def exact_prior(state, context, tables, prior_logits):
    exact_row(state, context, tables[0], tables[1], tables[3], prior_logits)


def exact_q(state, context, tables, q):
    exact_row(state, context, tables[0], tables[1], tables[4], q)


def tabulated_go(table: GoTable, answers: Evaluation, name: str) -> Evaluator:
    """An evaluator that reads `answers`, one row for each position of `table`; the past and komi of a row make no difference to it."""
    states, actions = table.graph.states, table.graph.domain.num_actions
    given = {"value": answers.value, "prior": answers.prior_logits, "q": answers.q}
    heads = frozenset(head for head, array in given.items() if array is not None)
    empty = {"value": np.zeros(0), "prior": np.zeros((0, actions)), "q": np.zeros((0, actions))}
    value, prior, q = (np.ascontiguousarray(given[head] if head in heads else empty[head], np.float32) for head in ("value", "prior", "q"))
    rules: Rules = {"node_value": exact_value, "node_prior": exact_prior, "node_q": exact_q}

    def evaluate(rows: np.ndarray) -> Evaluation:
        indices = table.index(rows)
        return Evaluation(
            prior_logits=prior[indices] if "prior" in heads else None,
            value=value[indices] if "value" in heads else None,
            q=q[indices] if "q" in heads else None,
        )

    return Evaluator(name, heads, evaluate, rules, (states, table.graph.slots, value, prior, q), mask_tables=empty_heads)


def exact_go(table: GoTable, komi: float = 0.0) -> Evaluator:
    """The ceiling on a small board under simple ko: won, drawn or lost, by table, a policy uniform over what keeps the result, and q.

    komi: White's, in points; rows with another are judged by this one. Illegal actions have q -inf.
    """
    states = table.graph.states
    sign = np.where(states[:, -2] & np.uint64(1), 1.0, -1.0)  # of komi, for the player to move
    value = np.sign(table.value + sign * komi)
    points = table.q(states)
    q = np.where(np.isnan(points), -np.inf, np.sign(points + (sign * komi)[:, None]))
    best = (q == value[:, None]) | np.isneginf(q).all(axis=1, keepdims=True)
    return tabulated_go(table, Evaluation(value=value, prior_logits=np.where(best, 0.0, WORST_LOGIT), q=q), "exact")
