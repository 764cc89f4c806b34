"""Exact values of every position of a small Go board at once, by retrograde analysis: an oracle for regret and for errors of value.

Ko rule: simple ko, with or without suicide, as the domain has it. Simple ko lets some games go on for ever. Such a game has no result
and here it is worth `no_result` points to Black, 0 unless told otherwise. The game is then determined, and playing without a
memory is enough, for it is a game of reaching the ends (Zermelo 1913; Ehrenfeucht and Mycielski 1979).
Hence a rule that ends the game at the first repetition of stones, ko, passes and side to move, worth `no_result`, gives the same values.

Method: v0 = `no_result` wherever the game goes on, the area score where it is over; v(k+1) = best move's -v(k). v(k) is the value
of a game stopped after k moves and worth `no_result` then, so a value that has left `no_result` never comes back: it moves only away,
and the first k that changes nothing has the values of the endless game.

Values are area scores in points *for the player to move*, without komi; `black_values` are Black's. Known so, under simple ko without
suicide: 3x3 +9 whatever `no_result` is; 3x4 +4 while it is 4 or less; 1x5, 2x2 and 2x3 `no_result` itself. With suicide every board from
1x3 on is an endless game, since one stone that kills itself is a pass that ends nothing. Superko has no such table: a value then depends
on the whole line, see go_solver.py. 3x3 has 12,675 positions and 76,818 rows (with side, ko and passes), 3x4 1,953,602 rows.
"""

import functools
import math
from dataclasses import dataclass

import numpy as np

from astarzero.envs.domain import Domain, is_terminal
from astarzero.envs.go_rules import FOREVER, KO_RULE, ONE, SIMPLE, forget, info_of
from astarzero.envs.oracles import ExactTable, Graph, reachable
from astarzero.envs.two_players import margin


def forget_komi_too(row, context):
    """Strip a row of what decides no points under simple ko: what `forget` strips, and komi."""
    forget(row, context)
    row[row.shape[0] - 2] &= ~FOREVER


def first_values_kernel(states, context, no_result, values):
    """Kernel: v0 of rows [N, W] for the player to move, float64 [N]; `no_result` in Black's points."""
    for index in range(states.shape[0]):
        if is_terminal(states[index], context):
            values[index] = margin(states[index], context)
        else:
            values[index] = -no_result if info_of(states[index]) & ONE else no_result


def next_values_kernel(first_edge, child, before, after):
    """Kernel: `after` = v(k+1) from `before` = v(k), float64 [N]; returns how many changed."""
    changed = 0
    for index in range(before.shape[0]):
        best = before[index]
        if first_edge[index] < first_edge[index + 1]:
            best = -np.inf
            for edge in range(first_edge[index], first_edge[index + 1]):
                best = max(best, -before[child[edge]])
        after[index] = best
        changed += best != before[index]
    return changed


@dataclass(frozen=True)
class GoTable:
    """Values of all positions of a board under simple ko. Rows [B, W] are the domain's own; past and komi make no difference."""

    graph: Graph  # rows that `forget_komi_too` made
    no_result: float  # what a game without end is worth to Black
    value: np.ndarray  # float64 [N], points for the player to move, without komi
    plies: np.ndarray  # int32 [N], moves until the score is forced; 0 at an end, and where a game without end is as good as any

    def index(self, states: np.ndarray) -> np.ndarray:
        """Rows [B, W] -> int64 [B]. ValueError names a row that no game on this board reaches."""
        return self.graph.index(self.graph.domain.positions(states))

    def values(self, states: np.ndarray) -> np.ndarray:
        """Exact points for the player to move, komi left out: float64 [B]."""
        return self.value[self.index(states)]

    def black_values(self, states: np.ndarray) -> np.ndarray:
        """Exact points for Black, komi left out: float64 [B]."""
        indices = self.index(states)
        return np.where(self.graph.states[indices, -2] & ONE, -1.0, 1.0) * self.value[indices]

    def q(self, states: np.ndarray) -> np.ndarray:
        """Exact points for the player to move after each action: float64 [B, A], nan where illegal."""
        return self._edges.by_action(self.index(states), -self.value[self.graph.child], np.nan)

    def optimal_actions(self, states: np.ndarray) -> np.ndarray:
        """Actions that give nothing away: bool [B, A]. Who should do better than `no_result` must also get on, see `winning_actions`."""
        return self.q(states) == self.values(states)[:, None]

    def winning_actions(self, states: np.ndarray) -> np.ndarray:
        """Optimal actions that bring the forced score nearer: bool [B, A]. Always playing one secures the value; () where plies is 0."""
        indices = self.index(states)
        nearer = self._edges.by_action(indices, self.plies[self.graph.child], 2**31 - 1) < self.plies[indices][:, None]
        return self.optimal_actions(states) & nearer

    @functools.cached_property
    def _edges(self) -> ExactTable:
        return ExactTable(self.graph, self.value)  # for its view by action


def go_graph(domain: Domain, max_states: int = 50_000_000) -> Graph:
    """Every legal position of a Go domain with simple ko, either player to move, and all that follows; past and komi forgotten."""
    if domain.world != "go" or domain.context[2][KO_RULE] != SIMPLE:
        raise ValueError(f"A table was asked for {domain.name}, but only Go with ko=simple has one: under superko the past decides too.")
    forgetful = domain.with_(forget=forget_komi_too)
    empty_board = np.zeros((1, domain.num_words), np.uint64)
    roots = reachable(forgetful, empty_board, max_states, forgetful=True).states  # every position
    roots[:, -2] = 0  # Black to move, no ko, no pass
    white_to_move = roots.copy()
    white_to_move[:, -2] = ONE
    return reachable(forgetful, np.concatenate([roots, white_to_move]), max_states, forgetful=True)


def solve_go_graph(graph: Graph, no_result: float = 0.0) -> GoTable:
    """The values of a `go_graph`: see the opening. `no_result`: points to Black of a game without end; -inf and inf bound all rules."""
    if math.isnan(no_result):
        raise ValueError("A game without end is worth nan points here; give a number of points to Black, such as 0.")
    value, following = np.empty(len(graph.states)), np.empty(len(graph.states))
    plies = np.zeros(len(graph.states), np.int32)
    graph.domain.bind(first_values_kernel)(graph.states, graph.domain.context, float(no_result), value)
    kernel, rounds = graph.domain.bind(next_values_kernel), 0
    while kernel(graph.first_edge, graph.child, value, following):
        rounds += 1
        plies[value != following] = rounds
        value, following = following, value
    return GoTable(graph, float(no_result), value, plies)


def go_table(domain: Domain, no_result: float = 0.0, max_states: int = 50_000_000) -> GoTable:
    """The exact table of a Go domain with simple ko. ValueError when it is another domain or has more than `max_states` rows."""
    return solve_go_graph(go_graph(domain, max_states), no_result)
