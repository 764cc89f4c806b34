"""Exact tables for any world that can be enumerated: every reachable state, its optimal cost-to-go, all its optimal actions.

`reachable(domain, roots)` walks `expand` breadth-first from the roots and keeps the graph in compressed rows (CSR);
`solve(graph)` finds h* by sweeping Bellman's equation h(s) = min_a cost + h(s') to its fixed point, which needs no
inverse of the rules and holds for any positive costs. A state from which no goal can be reached has h* = inf.

Everything exact in this project (choice regret, audits, labels, oracle ceilings) stands on `ExactTable`.
"""

import functools
from dataclasses import dataclass

import numpy as np

from astarzero.envs.domain import Domain, expand, is_goal, is_terminal, value_of
from astarzero.envs.state_table import EMPTY, copy_row, fill_slot, find_rows, find_slot, index_rows, refill, slots_for
from astarzero.envs.two_players import forget, forget_nothing

FIRST_CAPACITY = 1 << 12


@dataclass(frozen=True)
class Graph:
    """States reachable from some roots, breadth-first, and their edges: state i has [first_edge[i], first_edge[i + 1])."""

    domain: Domain
    states: np.ndarray  # uint64 [N, W], distinct; the roots come first
    first_edge: np.ndarray  # int64 [N + 1]
    child: np.ndarray  # int32 [E], index of the successor
    action: np.ndarray  # int16 [E]
    cost: np.ndarray  # float32 [E]
    goal: np.ndarray  # bool [N]; a goal that is not terminal has edges too, so its closure is every state that moves connect to it
    dead: np.ndarray  # bool [N]; terminal and no goal

    @functools.cached_property
    def slots(self) -> np.ndarray:
        """Map from row to index, uint32 [power of two]; see state_table.py."""
        return index_rows(self.states)

    def index(self, states: np.ndarray) -> np.ndarray:
        """Index of each row of `states` [B, W]: int64 [B]. ValueError names a row that is not in the graph."""
        rows = self.domain.check_states(states)
        indices = np.empty(len(rows), np.int64)
        self.domain.bind(find_rows)(rows, self.states, self.slots, indices)
        if (indices < 0).any():
            stranger = self.domain.format(rows[np.flatnonzero(indices < 0)[0]])
            raise ValueError(
                f"State {stranger} is none of the {len(self.states)} states of this table; build the table from roots that reach it."
            )
        return indices

    @functools.cached_property
    def edge_parent(self) -> np.ndarray:
        """The state an edge leaves: int32 [E]."""
        return np.repeat(np.arange(len(self.states), dtype=np.int32), np.diff(self.first_edge))


def reachable(domain: Domain, roots: np.ndarray, max_states: int = 50_000_000, *, forgetful: bool = False) -> Graph:
    """The graph of everything `expand` reaches from `roots` [R, W]. ValueError when there are more than `max_states`.

    forgetful: rows are stripped by `forget`, so that a position stands in the graph once (where the line decides nothing).
    """
    closure = Enumeration(domain, roots, forgetful)
    if not closure.expand_until(None, max_states):
        raise ValueError(
            f"{domain.name} has more than {max_states:,} states from these roots; give a smaller size, fewer roots or more max_states."
        )
    return closure.graph()


class Enumeration:
    """A breadth-first enumeration under way. States are numbered as they are met; the first `done` of `count` have their edges."""

    def __init__(self, domain: Domain, roots: np.ndarray, forgetful: bool = False) -> None:
        self.domain = domain
        roots = np.unique(domain.positions(roots) if forgetful else domain.check_states(roots), axis=0)
        capacity = max(FIRST_CAPACITY, 2 * len(roots))
        self.states = np.zeros((capacity, domain.num_words), np.uint64)
        self.states[: len(roots)] = roots
        self.first_edge, self.kind = np.zeros(capacity + 1, np.int64), np.zeros(capacity, np.int8)
        self.child, self.action, self.cost = (np.zeros(capacity, kind) for kind in (np.int32, np.int16, np.float32))
        self.slots = slots_for(capacity)
        domain.bind(refill)(self.states, len(roots), self.slots, len(self.slots) - 1)
        self.progress = np.array([0, len(roots), 0], np.int64)  # next state to expand, states, edges
        self.kernel = domain.bind(enumerate_kernel, forget=domain.forget if forgetful else forget_nothing)
        self.buffers = domain.expansion_buffers()

    @property
    def done(self) -> int:
        return int(self.progress[0])

    @property
    def count(self) -> int:
        return int(self.progress[1])

    def expand_until(self, until: int | None, max_states: int) -> bool:
        """Expand the states before `until`, or all (None). False, and it ends, when there are more than `max_states`."""
        while True:
            last = np.iinfo(np.int64).max if until is None else until
            edges = (self.first_edge, self.kind, self.child, self.action, self.cost)
            self.kernel(self.progress, last, self.domain.context, self.states, *edges, self.slots, *self.buffers)
            if self.count > max_states:
                return False
            if self.done == min(self.count, last):
                return True
            self.grow()

    def grow(self) -> None:
        """Room for one more expansion at least."""
        if 2 * (self.count + self.domain.num_actions) > len(self.states):
            self.states, self.first_edge, self.kind = enlarge(self.states), enlarge(self.first_edge), enlarge(self.kind)
            self.slots = slots_for(len(self.states))
            self.domain.bind(refill)(self.states, self.count, self.slots, len(self.slots) - 1)
        if 2 * (int(self.progress[2]) + self.domain.num_actions) > len(self.child):
            self.child, self.action, self.cost = enlarge(self.child), enlarge(self.action), enlarge(self.cost)

    def graph(self) -> Graph:
        """What has been found, when all states are expanded."""
        count, edges = self.count, int(self.progress[2])
        return Graph(
            self.domain, self.states[:count].copy(), self.first_edge[: count + 1].copy(), self.child[:edges].copy(),
            self.action[:edges].copy(), self.cost[:edges].copy(), goal=self.kind[:count] == GOAL, dead=self.kind[:count] == DEAD,
        )  # fmt: skip


def enlarge(array: np.ndarray) -> np.ndarray:
    """`array` with twice the rows, the new ones zero."""
    return np.concatenate([array, np.zeros_like(array)])


GOAL, DEAD = 1, 2


def enumerate_kernel(progress, until, context, states, first_edge, kind, child, action, cost, slots, successors, actions, costs):
    """Breadth-first closure; returns when all before `until` are done or an array is nearly full, and is called again with larger ones."""
    index, count, edges = progress[0], progress[1], progress[2]
    num_actions, mask = actions.shape[0], slots.shape[0] - 1
    while index < min(count, until) and count + num_actions < states.shape[0] and edges + num_actions < child.shape[0]:
        first_edge[index] = edges
        if is_goal(states[index], context):
            kind[index] = GOAL
        elif is_terminal(states[index], context):
            kind[index] = DEAD
        if not is_terminal(states[index], context):
            for number in range(expand(states[index], context, successors, actions, costs)):
                forget(successors[number], context)
                slot, found = find_slot(successors[number], states, slots, mask)
                if found == EMPTY:
                    found = count
                    copy_row(states[count], successors[number])
                    fill_slot(slots, slot, successors[number], count, mask)
                    count += 1
                child[edges] = found
                action[edges] = actions[number]
                cost[edges] = costs[number]
                edges += 1
        index += 1
        first_edge[index] = edges
    progress[0], progress[1], progress[2] = index, count, edges


def sweep_kernel(first_edge, child, cost, goal, cost_to_go):
    """Bellman sweeps, backwards and forwards in turn, until nothing changes."""
    count = goal.shape[0]
    for index in range(count):
        cost_to_go[index] = 0.0 if goal[index] else np.inf
    changed, backwards = True, True
    while changed:
        changed = False
        for number in range(count):
            index = count - 1 - number if backwards else number
            best = cost_to_go[index]
            for edge in range(first_edge[index], first_edge[index + 1]):
                best = min(best, cost[edge] + cost_to_go[child[edge]])
            if best < cost_to_go[index]:
                cost_to_go[index] = best
                changed = True
        backwards = not backwards


@dataclass(frozen=True)
class ExactTable:
    """h* of every state of a graph and what follows from it. Costs float64, inf at dead ends; actions are those `expand` writes."""

    graph: Graph
    cost_to_go: np.ndarray  # float64 [N]

    @property
    def domain(self) -> Domain:
        return self.graph.domain

    @property
    def states(self) -> np.ndarray:
        return self.graph.states

    def costs(self, states: np.ndarray) -> np.ndarray:
        """h* of rows [B, W]: float64 [B]."""
        return self.cost_to_go[self.graph.index(states)]

    @functools.cached_property
    def edge_cost_to_go(self) -> np.ndarray:
        """Cost of taking an edge and going on optimally: float64 [E]."""
        return self.graph.cost + self.cost_to_go[self.graph.child]

    @functools.cached_property
    def edge_optimal(self) -> np.ndarray:
        """Does an edge begin an optimal solution? bool [E]; False on edges out of dead ends."""
        best = self.cost_to_go[self.graph.edge_parent]
        return np.isfinite(best) & (self.edge_cost_to_go <= best + 1e-6)

    def q(self, indices: np.ndarray) -> np.ndarray:
        """Exact q of states by index [B]: float64 [B, A], the value of (cost + h* of the successor), nan where illegal."""
        return self.by_action(indices, value_of(self.edge_cost_to_go), np.nan)

    def optimal_actions(self, indices: np.ndarray) -> np.ndarray:
        """All optimal actions of states by index [B]: bool [B, A]."""
        return self.by_action(indices, self.edge_optimal, False)

    def successors(self, indices: np.ndarray) -> np.ndarray:
        """Index of the successor by action of states by index [B]: int64 [B, A], -1 where illegal."""
        return self.by_action(indices, self.graph.child.astype(np.int64), -1)

    def by_action(self, indices: np.ndarray, per_edge: np.ndarray, default: float | bool | int) -> np.ndarray:
        """Values per edge, as a dense [B, A] table of the given states."""
        indices = np.asarray(indices, np.int64)
        first, last = self.graph.first_edge[indices], self.graph.first_edge[indices + 1]
        row = np.repeat(np.arange(len(indices)), last - first)
        edge = np.arange(len(row)) - np.repeat(np.cumsum(last - first) - (last - first), last - first) + np.repeat(first, last - first)
        dense = np.full((len(indices), self.domain.num_actions), default, per_edge.dtype)
        dense[row, self.graph.action[edge]] = per_edge[edge]
        return dense


def solve(graph: Graph) -> ExactTable:
    """The exact table of a graph."""
    cost_to_go = np.empty(len(graph.states), np.float64)
    graph.domain.bind(sweep_kernel)(graph.first_edge, graph.child, graph.cost, graph.goal, cost_to_go)
    return ExactTable(graph, cost_to_go)


def exact_table(domain: Domain, roots: np.ndarray | None = None) -> ExactTable:
    """The exact table of everything reachable from `roots`, by default from the domain's instance set "all"."""
    if roots is None:
        if "all" not in domain.instance_sets:
            raise ValueError(f"{domain.name} lists no instance set 'all'; give the roots whose reachable states should be solved.")
        roots = domain.instance_sets["all"]()
    return solve(reachable(domain, roots))
