"""What a world is: a `Domain` record and a few compiled rules over packed states (long because every field of the record is a line).

A **state** is a row `uint64[W]` that holds everything the rules need (target, side to move, ...), so one batch may mix
problems. **Rules** are plain functions in Numba's subset of Python, bound into kernels by compile.py; the stubs below are
their signatures. A world must give `step` and `is_goal`; the rest has defaults. Tables that rules read travel in
`Domain.context`, a tuple of arrays that each world lays out as it likes.

Signs, written once: a *cost* is > 0 and reward = -cost; a *value* is the expected return for the player to move; a
*heuristic* is h(s) = -value(s) >= 0, `inf` at a dead end. `cost_to_go` and `value_of` are the only places that turn one into the other.

Worlds with two players, or with a past that matters, have more hooks: two_players.py.
Read next: sliding.py (the smallest complete world), oracles.py (exact tables for any enumerable world).
"""

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from astarzero.envs.compile import bind, hook
from astarzero.envs.descent import Descent
from astarzero.envs.state_table import copy_row
from astarzero.envs.symmetry import Symmetries, identity
from astarzero.envs.two_players import forget, forget_nothing, hash_of_row, never_repeats, no_outcome

# --- the hooks: signatures of a world's rules ------------------------------------------------------------------------


@hook
def step(state, action, context, successor):
    """Write the row reached by `action` into `successor` [W] and return its cost > 0, or return 0.0 when it is illegal."""
    raise NotImplementedError


@hook
def is_goal(state, context):
    """Is this row a solution?"""
    raise NotImplementedError


@hook
def is_terminal(state, context):
    """Does the rule book end the episode here? A terminal row that is no goal is a dead end: h = inf, known without an evaluation."""
    raise NotImplementedError


@hook
def expand(state, context, successors, actions, costs):
    """Write the n legal, distinct successors into rows 0..n-1 of `successors` [A, W], their actions and costs; return n."""
    raise NotImplementedError


@hook
def expand_onward(state, back, context, successors, actions, costs):
    """`expand` without the successor by the action `back`, which leads back to where the row came from; -1 leaves none out. A world whose
    `nth_onward` makes the successors may leave all but the count to that."""
    raise NotImplementedError


@hook
def nth_onward(number, state, back, context, successors, actions, costs):
    """The action and cost of successor `number` of those that `expand_onward` counted; its row is in `successors[number]` from here on."""
    raise NotImplementedError


@hook
def encode(state, context, features):
    """Write what a net sees of this row into `features`, float32 [num_features], zero on entry."""
    raise NotImplementedError


@hook
def num_words():
    """W, a constant of the compiled code: for a kernel that promises it, so that loops over a row's words unroll. Given by the record."""
    raise NotImplementedError


# --- defaults ---------------------------------------------------------------------------------------------------------


def expand_by_steps(state, context, successors, actions, costs):
    """`expand` from `step`: tries every action. Worlds with many illegal actions, or where two actions meet, write their own."""
    count = 0
    for action in range(actions.shape[0]):
        cost = step(state, action, context, successors[count])
        if cost > 0.0:
            actions[count] = action
            costs[count] = cost
            count += 1
    return count


def expand_all_but_back(state, back, context, successors, actions, costs):
    """`expand_onward` from `expand`, without a branch that nobody can predict: the way back is written over."""
    count, kept = expand(state, context, successors, actions, costs), 0
    if back < 0:
        return count
    for number in range(count):
        copy_row(successors[kept], successors[number])
        actions[kept], costs[kept] = actions[number], costs[number]
        kept += actions[number] != back
    return kept


def nth_written(number, state, back, context, successors, actions, costs):
    """`nth_onward` where `expand_onward` has written everything."""
    return actions[number], costs[number]


def way_back(last, inverse):
    """For kernels: the action that undoes `last`, which led to a row, -1 when there is none or nothing led there (-1)."""
    return inverse[last] if last >= 0 else np.int64(-1)


def write_onward(state, last, inverse, context, successors, actions, costs):
    """For kernels: `expand` of a row that was reached by the action `last`, without the way back."""
    back = way_back(last, inverse)
    count = expand_onward(state, back, context, successors, actions, costs)
    for number in range(count):
        made = nth_onward(number, state, back, context, successors, actions, costs)
        actions[number], costs[number] = made
    return count


def never_terminal(state, context):
    """`is_terminal` of worlds that end only at a goal."""
    return False


def encode_bits(state, context, features):
    """`encode` that knows nothing of the world: the row's bits, least significant first. num_features = 64 W."""
    for word in range(state.shape[0]):
        for bit in range(64):
            features[64 * word + bit] = (state[word] >> np.uint64(bit)) & np.uint64(1)


def cost_to_go(value):
    """h = -value for one player at unit discount. The one place where a value becomes a cost."""
    return -value


def value_of(cost):
    """The value of a cost still to pay: the inverse of `cost_to_go`."""
    return -cost


@functools.cache
def width_rule(width: int) -> Callable[[], int]:
    """`num_words` of rows of so many words: a default value, since a rule may not close over one."""

    def num_words(width=width):
        return width

    return num_words


# --- the record -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Heuristic:
    """An estimate of cost-to-go as compiled rules: `rule(state, context) -> float`, inf at a dead end.

    child_rule(parent, parent_h, action, child, context) -> float gives the child's h from its parent's, when that is cheaper.
    admissible: never above the true cost-to-go, so that A* with it keeps a valid lower bound.
    whole: always a whole number or inf; where costs are whole too, searches take a faster open list.
    tables: makes the tuple of arrays that the rules get as `context` when they have tables of their own (a pattern database).
    descent: makes the record by which IDA* walks fast, or None where the world can lend none.
    """

    rule: Callable[..., float]
    admissible: bool
    child_rule: Callable[..., float] | None = None
    whole: bool = False
    tables: Callable[[], tuple[np.ndarray, ...]] | None = None
    descent: Callable[[], Descent | None] | None = None


def no_estimate(state, context):
    """h = 0: admissible everywhere, informative nowhere."""
    return 0.0


BLIND = Heuristic(no_estimate, admissible=True, whole=True)


# fields of Domain
HOOKS = (
    "step", "is_goal", "is_terminal", "expand", "expand_onward", "nth_onward", "encode", "outcome", "margin", "position_key", "repeats",
    "forget",
)  # fmt: skip


@dataclass(frozen=True)
class Domain:
    """One world at one size. Sizes: W words a row, A actions, F features. See the module's opening for rules and signs."""

    world: str  # name in the table of worlds: "sliding"
    name: str  # world and settings: "sliding-3x3-blank-first"
    num_words: int  # W
    num_actions: int  # A
    step: Callable[..., float]
    is_goal: Callable[..., bool]
    context: tuple[np.ndarray, ...]  # tables for the rules
    parse: Callable[[str], np.ndarray]  # text -> row [W]; ValueError in one sentence
    format: Callable[[np.ndarray], str]  # row -> text that `parse` reads back
    random_state: Callable[[np.random.Generator], np.ndarray]  # a random problem, row [W]
    expand: Callable[..., int] = expand_by_steps
    expand_onward: Callable[..., int] = expand_all_but_back  # a world that has its own `expand` may give these two as well, to be faster
    nth_onward: Callable[..., tuple[int, float]] = nth_written
    is_terminal: Callable[..., bool] = never_terminal
    encode: Callable[..., None] = encode_bits
    num_features: int = 0  # F; 0 means 64 W, what encode_bits writes, or the product of feature_shape
    feature_shape: tuple[int, ...] = ()  # planes over a board: (C, height, width); () for a plain row of F
    plane_names: tuple[str, ...] = ()  # what each of the C planes says
    heuristics: Mapping[str, Heuristic] = field(default_factory=dict)  # the first is the default; "blind" is always there
    instance_sets: Mapping[str, Callable[[], np.ndarray]] = field(default_factory=dict)  # name -> rows [N, W]; "all" is every problem
    action_names: tuple[str, ...] = ()
    render: Callable[[np.ndarray], str] | None = None  # a drawing in text; default: `format`
    render_rgb: Callable[[np.ndarray], np.ndarray] | None = None  # uint8 [height, width, 3]
    explain_plan: Callable[[np.ndarray, tuple[int, ...]], str] | None = None  # (row, plan) -> the solution in the world's own words
    discount: float = 1.0  # -1 when the turn passes to the opponent
    sides: tuple[str, str] = ("first", "second")  # two players: what they are called
    side_to_move: Callable[[np.ndarray], int] | None = None  # row -> 0 or 1, whose turn it is; None: they take turns from the start
    opponents: Mapping[str, Any] = field(default_factory=dict)  # players without nets, by name, see players.py; the first is the usual one
    symmetries: Symmetries = None  # type: ignore[assignment]  # ways to rename states and actions; by default there is the identity
    outcome: Callable[..., float] = no_outcome  # what a terminal row is worth for the player to move
    margin: Callable[..., float] = no_outcome
    keeps_history: bool = False  # may the line of keys forbid a move that `step` allows?
    position_key: Callable[..., Any] = hash_of_row
    repeats: Callable[..., bool] = never_repeats
    forget: Callable[..., None] = forget_nothing
    list_moves: Callable[..., int] | None = None  # the actions of `expand_in_line` (line.py) without its rows, when that is cheaper
    whole_costs: bool = False  # every cost is a whole number
    inverse_actions: tuple[int, ...] = ()  # () when nobody says; else for each action the one that, where it is legal after it, always
    # leads back to the state before, or -1: searches do not make such a way back, so a wrong one costs them their proofs

    def __post_init__(self) -> None:
        if not isinstance(self.context, tuple) or not all(isinstance(table, np.ndarray) for table in self.context):
            raise TypeError(f"The context of {self.name} must be a tuple of NumPy arrays, such as (np.array([n]),), a single number too.")
        if self.action_names and len(self.action_names) != self.num_actions:
            names = len(self.action_names)
            raise ValueError(f"{self.name} has {self.num_actions} actions but {names} action names; give one name an action.")
        if len(self.inverse_actions) not in (0, self.num_actions):
            pairs = len(self.inverse_actions)
            raise ValueError(f"{self.name} has {self.num_actions} actions but {pairs} inverse actions; give one an action (-1 for none).")
        if not all(-1 <= action < self.num_actions for action in self.inverse_actions):
            last = self.num_actions - 1
            raise ValueError(f"The inverse actions of {self.name} are {self.inverse_actions}, but each must be one of 0..{last} or -1.")
        if self.num_words < 1 or self.num_actions < 1:
            raise ValueError(f"{self.name} has {self.num_words} words a row and {self.num_actions} actions; both must be at least 1.")
        object.__setattr__(self, "heuristics", {**self.heuristics, "blind": BLIND})
        shape = self.feature_shape or (self.num_features or 64 * self.num_words,)
        if (self.num_features and math.prod(shape) != self.num_features) or (self.plane_names and len(self.plane_names) != shape[0]):
            sizes = f"{self.num_features} features of shape {shape} and {len(self.plane_names)} plane names"
            raise ValueError(f"{self.name} has {sizes}, which do not agree; give the shape and one name a plane.")
        object.__setattr__(self, "num_features", math.prod(shape))
        object.__setattr__(self, "action_names", self.action_names or tuple(str(action) for action in range(self.num_actions)))
        object.__setattr__(self, "render", self.render or self.format)
        object.__setattr__(self, "symmetries", self.symmetries or identity(self.num_actions))
        if self.symmetries.actions.shape[1] != self.num_actions:
            renamed = self.symmetries.actions.shape[1]
            raise ValueError(f"{self.name} has {self.num_actions} actions, but its symmetries rename {renamed}; give its own symmetries.")

    @functools.cached_property
    def rules(self) -> dict[str, Callable[..., Any]]:
        """The rules by hook name, ready for `bind`."""
        return {**{name: getattr(self, name) for name in HOOKS}, "num_words": width_rule(self.num_words)}

    @property
    def players(self) -> int:
        """1, or 2 where the turn passes."""
        return 1 if self.discount > 0 else 2

    @property
    def inverse(self) -> np.ndarray:
        """The action that undoes each action, -1 for none: int64 [A]."""
        return np.array(self.inverse_actions or (-1,) * self.num_actions, np.int64)

    def bind(self, template: Callable[..., Any], **more: Callable[..., Any]) -> Callable[..., Any]:
        """`template` compiled with this domain's rules, and `more` hooks by name."""
        return bind(template, {**self.rules, **more})

    def with_(self, **changes: Any) -> "Domain":
        """A copy with some fields changed, for variations of a world in a notebook. Rules that say the same as a changed `expand` or
        `expand_onward` go back to their defaults, where they are not changed too."""
        if "expand" in changes:
            changes = {"expand_onward": expand_all_but_back, **changes}
        if "expand_onward" in changes:
            changes = {"nth_onward": nth_written, **changes}
        return replace(self, **changes)

    def check_states(self, states: np.ndarray) -> np.ndarray:
        """`states` as C-contiguous uint64 [B, W]; a single row becomes a batch of one. ValueError when the width is not W."""
        given = isinstance(states, np.ndarray) and states.dtype == np.uint64 and states.flags.c_contiguous
        if given and states.shape[1:] == (self.num_words,):
            return states  # at once: a search asks thousands of times a second
        rows = np.ascontiguousarray(np.atleast_2d(states), dtype=np.uint64)
        if rows.ndim != 2 or rows.shape[1] != self.num_words:
            raise ValueError(
                f"A state of {self.name} is a row of {self.num_words} uint64 words, but the array given has shape {np.shape(states)}; "
                "use domain.parse(text)."
            )
        return rows

    def successors(self, state: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """All legal successors of one row: (rows [n, W], actions int64 [n], costs float64 [n]). Kernels bind `expand` instead."""
        rows = np.zeros((self.num_actions, self.num_words), np.uint64)
        actions = np.zeros(self.num_actions, np.int64)
        costs = np.zeros(self.num_actions, np.float64)
        count = self.bind(expand_one)(self.check_states(state)[0], self.context, rows, actions, costs)
        return rows[:count], actions[:count], costs[:count]

    def positions(self, states: np.ndarray) -> np.ndarray:
        """Rows [B, W] stripped by `forget`: copies, equal where the positions are."""
        rows = self.check_states(states).copy()
        self.bind(forget_batch)(rows, self.context)
        return rows

    def goal_mask(self, states: np.ndarray) -> np.ndarray:
        """Which rows [B, W] are goals: bool [B]."""
        rows = self.check_states(states)
        mask = np.zeros(len(rows), np.bool_)
        self.bind(mark_goals)(rows, self.context, mask)
        return mask

    def features(self, states: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """What a net sees of rows [B, W]: float32 [B, F], written into `out` when given."""
        rows = self.check_states(states)
        features = np.empty((len(rows), self.num_features), np.float32) if out is None else out
        self.bind(encode_batch)(rows, self.context, features)
        return features

    def action_masks(self, states: np.ndarray) -> np.ndarray:
        """The actions that `expand` writes, for rows [B, W]: bool [B, A]. Of two actions that meet in one state only the first is legal."""
        rows = self.check_states(states)
        masks = np.zeros((len(rows), self.num_actions), np.bool_)
        self.bind(mark_actions)(rows, self.context, masks, *self.expansion_buffers())
        return masks

    def replay(self, state: np.ndarray, plan: tuple[int, ...]) -> tuple[np.ndarray, float]:
        """The row and cost reached from `state` by `plan`. ValueError names the first illegal action."""
        row, spare = self.check_states(state)[0].copy(), np.zeros(self.num_words, np.uint64)
        for number, action in enumerate(plan, 1):
            if not 0 <= action < self.num_actions:  # a rule may index a table with it
                last = self.num_actions - 1
                raise ValueError(f"Action {action} (number {number} of the plan) is none of 0..{last}, the actions of {self.name}.")
        actions = np.asarray(plan, np.int64)
        done, cost = self.bind(follow)(row, spare, self.context, actions)
        if done < len(actions):
            raise ValueError(f"Action {actions[done]} (number {done + 1} of the plan) is illegal in {self.format(row)}.")
        return row, cost

    def plan_cost(self, state: np.ndarray, plan: tuple[int, ...]) -> float:
        """What `plan` costs from `state`; ValueError when it is illegal."""
        return self.replay(state, plan)[1]

    def expansion_buffers(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Scratch that `expand` writes into: successors uint64 [A, W], actions int64 [A], costs float64 [A]."""
        return (
            np.zeros((self.num_actions, self.num_words), np.uint64),
            np.zeros(self.num_actions, np.int64),
            np.zeros(self.num_actions, np.float64),
        )


# --- kernels that every domain gets ------------------------------------------------------------------------------------


def expand_one(state, context, successors, actions, costs):
    """`expand` as a kernel of its own."""
    return expand(state, context, successors, actions, costs)


def follow(row, spare, context, actions):
    """Take `actions` from `row`, in place; returns how many were legal and what they cost."""
    cost = 0.0
    for number in range(actions.shape[0]):
        step_cost = step(row, actions[number], context, spare)
        if step_cost <= 0.0:
            return number, cost
        copy_row(row, spare)
        cost += step_cost
    return actions.shape[0], cost


def forget_batch(rows, context):
    for index in range(rows.shape[0]):
        forget(rows[index], context)


def mark_goals(states, context, mask):
    for index in range(states.shape[0]):
        mask[index] = is_goal(states[index], context)


def encode_row(state, context, features):
    """`encode` into a row of any content. For kernels."""
    for number in range(features.shape[0]):
        features[number] = 0.0
    encode(state, context, features)


def encode_batch(states, context, features):
    for index in range(states.shape[0]):
        encode_row(states[index], context, features[index])


def mark_actions(states, context, masks, successors, actions, costs):
    for index in range(states.shape[0]):
        for child in range(expand(states[index], context, successors, actions, costs)):
            masks[index, actions[child]] = True
