"""A forest: B search trees that search together (long because arrays, growth, limits and answers are one record), asked as one batch.

`Forest.run` does so many simulations in every tree; `advance` makes a move and goes on in its subtree; the rest tells what was
found. What a tree finds follows from its root, seed and options alone, not from the trees beside it, nor from the number of threads:
many forests may run in as many threads, since the kernel holds no lock.

Read first: tree.py (the three verbs), selection.py (the rules), simulate.py (the loop). Read next: mcts.py (one tree as a search).
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

from astarzero.envs.compile import as_records, bind, direct
from astarzero.envs.domain import Domain
from astarzero.envs.evaluation import Evaluator
from astarzero.search.desk import desk_of, refuse
from astarzero.search.evaluator import default_evaluator, kernel_face
from astarzero.search.game_nodes import lines_of
from astarzero.search.pages import slots_for, wider, zeros
from astarzero.search.replant import replant
from astarzero.search.result import UNLIMITED, Budget, Status
from astarzero.search.selection import RULES, conclude_gumbel

from astarzero.search.simulate import (  # isort: skip
    ANSWERED, ASK, ASKED, BAD_ANSWER, CHARGED, CONTROL_CELLS, DESCENDING, DONE, INLINE, LEAVES, MAX_EVALUATIONS, MAX_EXPANSIONS, MAX_NODES,
    NODE_OF, PER_TREE, PHASE, ROOM, SLICE, TREE_OF, simulate_kernel,
)  # fmt: skip
from astarzero.search.tree import (  # isort: skip
    CELLS, EDGE, EDGES, ENTRY, EXHAUSTED_TREE, LIMIT, LINE, NODE, NODES, ROOT, SEED, SIMULATIONS, SOLVED_TREE, STATE,
)  # fmt: skip
from astarzero.search.tree_config import TreeConfig
from astarzero.search.tree_expand import refill_tables

ARRAYS: dict[str, tuple[str, Any]] = {  # name -> (what it has one of for each, dtype); in the order of Trees
    "counts": ("cells", np.int64), "bounds": ("bounds", np.float64), "states": ("nodes", np.uint64), "nodes": ("nodes", NODE),
    "edges": ("edges", EDGE), "table": ("slots", ENTRY), "line": ("keys", np.uint64), "plan": ("steps", np.int16),
    "gumbel": ("actions", np.float32),
}  # fmt: skip
FIRST_NODES, FIRST_STEPS = 64, 32
FORESEEN = 1 << 30  # bytes of edges up to which room is taken at once
GROWTH = (2.0, 1.5, 1.2, 1.05)  # tried in this order, where memory is limited
SLICE_SIMULATIONS = 1 << 12  # descents between two looks at the clock


class Forest:
    """B trees. `arrays` holds every array of tree.Trees by name; beside options and counters there is nothing else.

    states: rows [B, W], the roots. seeds: one a tree, or one for all: the order in which equals are tried, and noise.
    lines: for worlds with a past that matters, for each tree the keys of its game up to and with the root (Line.keys); without them
    a game begins at its root.
    budget: expansions, evaluations and nodes are limits of each tree, bytes and seconds of the forest (seconds: of each run).
    """

    def __init__(
        self, domain: Domain, states: np.ndarray, evaluator: Evaluator | None = None, config: TreeConfig | None = None, *,
        budget: Budget | None = None, seeds: Sequence[int] | int = 0, lines: Sequence[np.ndarray] | None = None,
    ) -> None:  # fmt: skip
        self.domain, self.evaluator = domain, evaluator or default_evaluator(domain)
        self.config, self.budget = config or TreeConfig(), budget or Budget()
        self.two_players = domain.discount < 0
        self.duplicates = self.config.duplicates_in(domain)
        roots = domain.check_states(states)
        fixed = {"cells": CELLS, "bounds": 2}
        self.arrays = {
            name: np.zeros((len(roots), fixed.get(each, 1), domain.num_words)[: 3 if name == "states" else 2], kind)
            for name, (each, kind) in ARRAYS.items()
        }
        self._heads = self.evaluator.heads & set(RULES[self.config.rule].heads)  # those that inform this search
        self.numbers, self.control, self._buffers = self.config.numbers(domain), self._make_control(), domain.expansion_buffers()
        rules, self.tables = kernel_face(domain, self.evaluator.only(self._heads))
        self._hooks = self.config.hooks(domain)
        self._kernel = domain.bind(simulate_kernel, **rules, **self._hooks)
        self._entry: Callable[..., Any] | None = None  # its machine code; no array ever changes its type
        waiting = len(roots) * self.config.leaves
        self.path, self.leaves = np.zeros((waiting, 1, 2), np.int32), np.zeros((waiting, 3), np.int32)
        self.desk = desk_of(domain, self.evaluator, self._heads, waiting)
        self._logits, self._chances = np.zeros((2, domain.num_actions), np.float32)
        self.peak_bytes, self.sizes = 0, {"nodes": 0, "edges": 0, "slots": 0, "keys": 0, "steps": 0}
        self._plant(roots, seeds, self._games(roots, lines))

    # --- making ---------------------------------------------------------------------------------------------------------------------

    def _make_control(self) -> np.ndarray:
        control, informed = np.zeros(CONTROL_CELLS, np.int64), bool(self._heads)
        control[PHASE], control[PER_TREE], control[SLICE] = DESCENDING, self.config.leaves, SLICE_SIMULATIONS
        control[CHARGED], control[INLINE] = informed, self.evaluator.rules is not None or not informed
        control[MAX_EXPANSIONS], control[MAX_EVALUATIONS] = self.budget.expansions, self.budget.evaluations
        control[MAX_NODES] = self.budget.nodes
        return control

    def begin(self, states: np.ndarray, seeds: Sequence[int] | int = 0, lines: Sequence[np.ndarray] | None = None) -> None:
        """Turn to other roots, as many as before: as a new forest would, but in the memory at hand. To be the first to touch memory costs
        as much as a short search. ValueError for another number of roots."""
        roots = self.domain.check_states(states)
        if len(roots) != len(self.arrays["counts"]):
            trees = len(self.arrays["counts"])
            raise ValueError(f"{len(roots)} roots were given to a forest of {trees} trees; give as many, or make a new forest.")
        games = self._games(roots, lines)
        self.control[:] = self._make_control()
        for name in ("counts", "table", "plan"):  # all else is written before it is read
            self.arrays[name].view(np.uint8)[...] = 0
        self._plant(roots, seeds, games)

    def _games(self, roots: np.ndarray, lines: Sequence[np.ndarray] | None) -> list[np.ndarray]:
        """The keys of each root's game, where the past matters."""
        if not self.domain.keeps_history:
            return []
        given: Sequence[np.ndarray | None] = [None] * len(roots) if lines is None else lines
        if len(given) != len(roots):
            raise ValueError(f"{len(given)} lines of keys were given for {len(roots)} roots; give one a root, such as Line.keys.")
        return lines_of(self.domain, roots, given)

    def _plant(self, roots: np.ndarray, seeds: Sequence[int] | int, games: Sequence[np.ndarray]) -> None:
        """Put the roots and their games into the room there is, at the least the first."""
        self.calls, self.evaluator_seconds, self.seconds = 0, 0.0, 0.0
        self.stopped = Status.BUDGET  # why the last run ended, for a tree that could have gone on
        edges, longest = 4 * FIRST_NODES + 8 * self.domain.num_actions, max(map(len, games), default=1)
        first = {
            "nodes": min(FIRST_NODES, self.budget.nodes), "edges": edges, "slots": slots_for(edges), "steps": FIRST_STEPS,
            "keys": longest + FIRST_STEPS,
        }  # fmt: skip
        self.fits = self.resize({name: max(size, first[name]) for name, size in self.sizes.items()})
        if not self.fits:
            return
        self.noisy, self.moves = False, 0
        self.arrays["states"][:, 0] = roots
        self.arrays["bounds"][:] = np.inf, -np.inf
        counts, line = self.arrays["counts"], self.arrays["line"]
        counts[:, SEED], counts[:, LINE] = seeds, 1
        if self.domain.keeps_history:
            for tree, keys in enumerate(games):
                line[tree, : len(keys)], counts[tree, LINE] = keys, len(keys)
        self._draw_gumbels()

    # --- room -----------------------------------------------------------------------------------------------------------------------

    def _is_used(self, name: str) -> bool:
        """Arrays that this search has no use for have one cell a tree."""
        used = {"table": self.duplicates != "keep", "line": self.domain.keeps_history, "plan": not self.two_players}
        return {**used, "gumbel": self.config.rule == "gumbel"}.get(name, True)

    def _length(self, name: str, sizes: Mapping[str, int]) -> int:
        kind = ARRAYS[name][0]
        return {**sizes, "cells": CELLS, "bounds": 2, "actions": self.domain.num_actions}[kind] if self._is_used(name) else 1

    def _used(self, name: str) -> int:
        """How many columns of an array are worth a copy: a table is filled anew, and the root stands there before it is a node."""
        counts = self.arrays["counts"]
        used = {"states": max(1, int(counts[:, NODES].max())), "nodes": int(counts[:, NODES].max()), "edges": int(counts[:, EDGES].max())}
        return {**used, "table": 0}.get(name, self.arrays[name].shape[1])

    @property
    def bytes(self) -> int:
        """Bytes of the forest's arrays, without the evaluator's desk."""
        fixed = (self.leaves, self._logits, self._chances, *self._buffers)
        return sum(array.nbytes for array in (*self.arrays.values(), self.path, *fixed))

    def resize(self, sizes: Mapping[str, int]) -> bool:
        """Grow to `sizes`; False when that is above the limit of bytes."""
        if sizes == self.sizes:
            return True
        lengths = {name: self._length(name, sizes) for name in ARRAYS}
        more = [array[:, :1].nbytes * lengths[name] - array.nbytes for name, array in self.arrays.items()]
        more.append(self.path[:, :1].nbytes * sizes["steps"] - self.path.nbytes)
        copied = max(array.nbytes for array in (*self.arrays.values(), self.path))
        if self.bytes + sum(more) + copied > self.budget.bytes:
            return False
        old = self.arrays["table"]
        for name, array in self.arrays.items():
            if lengths[name] != array.shape[1]:
                self.arrays[name] = wider(array, lengths[name], self._used(name))
        if self.arrays["table"] is not old:
            bind(refill_tables, {})(as_records(old), as_records(self.arrays["table"]))
        self.path = wider(self.path, sizes["steps"], self.path.shape[1])
        self.sizes = dict(sizes)
        self.peak_bytes = max(self.peak_bytes, self.bytes + copied)
        return True

    def _foresee(self, simulations: int) -> None:
        """Where memory is not limited, take room for all nodes to come at once; only what is written takes memory."""
        nodes = int(self.arrays["counts"][:, NODES].max()) + min(simulations, self.budget.expansions, self.budget.nodes) + 1
        edges = int(self.arrays["counts"][:, EDGES].max()) + nodes * self.domain.num_actions
        if simulations < UNLIMITED == self.budget.bytes and len(self.leaves) * edges * EDGE.itemsize <= FORESEEN:
            more = {"nodes": nodes, "edges": edges, "slots": slots_for(edges)}
            self.resize({name: max(size, more.get(name, 0)) for name, size in self.sizes.items()})

    def _grow(self) -> bool:
        """Make room for a node more in every tree; False when the limit of bytes forbids it."""
        counts = self.arrays["counts"]
        nodes, edges = int(counts[:, NODES].max()) + 1, int(counts[:, EDGES].max()) + self.domain.num_actions
        short = {"nodes": nodes > self.sizes["nodes"], "edges": edges > self.sizes["edges"], "slots": 2 * edges > self.sizes["slots"]}
        for factor in GROWTH:
            sizes = dict(self.sizes)
            for name, needed in (("nodes", nodes), ("edges", edges)):
                if short[name]:
                    sizes[name] = min(max(needed, int(factor * sizes[name])), self.budget.nodes if name == "nodes" else UNLIMITED)
            if short["slots"]:
                sizes["slots"] = slots_for(max(edges, sizes["edges"]))
            if not any(short.values()):
                sizes["steps"], sizes["keys"] = 2 * sizes["steps"], sizes["keys"] + sizes["steps"]
            if self.resize(sizes):
                return True
        return False

    # --- chance ---------------------------------------------------------------------------------------------------------------------

    def _generators(self) -> list[np.random.Generator]:
        """One a tree, from its seed and the number of moves made."""
        return [np.random.default_rng([int(seed) % 2**63, self.moves]) for seed in self.arrays["counts"][:, SEED]]

    def _draw_gumbels(self) -> None:
        if self.config.rule == "gumbel":
            draws = [rng.gumbel(size=self.domain.num_actions) for rng in self._generators()]
            self.arrays["gumbel"][:] = self.config.gumbel_scale * np.array(draws).reshape(self.arrays["gumbel"].shape)

    def _add_noise(self) -> None:
        """Mix Dirichlet noise into the prior of every root that was judged."""
        share, counts = self.config.noise, self.arrays["counts"]
        for tree, rng in enumerate(self._generators()):
            edges = self.arrays["edges"][tree, self.edges(tree)]
            if counts[tree, NODES] and len(edges):
                noise = np.empty(len(edges))  # it belongs to actions, however the edges stand
                noise[np.argsort(edges["action"])] = rng.dirichlet(np.full(len(edges), self.config.noise_alpha or 10.0 / len(edges)))
                edges["prior"] = (1 - share) * edges["prior"] + share * noise
                rest = edges[self.arrays["nodes"]["tried"][tree, ROOT] :]  # of them the likeliest stands first
                if len(rest):
                    likeliest = int(rest["prior"].argmax())
                    rest[[0, likeliest]] = rest[[likeliest, 0]]
        self.noisy = True

    # --- searching ------------------------------------------------------------------------------------------------------------------

    def run(self, simulations: int = UNLIMITED, at_once: bool = True) -> None:
        """Do up to so many simulations more in every tree; a new root is judged first, which is none. `status` tells how a tree stands.

        Ctrl-C, `Budget.stop` and the limits end it cleanly: another call goes on where it stood. at_once: take room for all of them before
        the first, where memory is not limited, so that no array grows on the way. A game with circles may never end: give a limit.

        ValueError when the evaluator's answer has the wrong shape, holds nan, or puts no weight on any legal action.
        """
        if simulations < 0:
            raise ValueError(f"{simulations} simulations were asked for; give a number of at least 0.")
        if not self.fits:
            self.stopped = Status.MEMORY
            return
        counts, control = self.arrays["counts"], self.control
        if control[PHASE] == ASKED:  # the last run was interrupted while they waited
            self._ask_again()
        if self.config.noise and simulations and not self.noisy:
            self.run(0)
            self._add_noise()
        counts[:, LIMIT] = counts[:, SIMULATIONS] + min(simulations, self.budget.expansions)
        if at_once:
            self._foresee(simulations)
        started, arguments, stop, cells = time.perf_counter(), self._arguments(), self.budget.stop, control.data
        self._entry = kernel = self._entry or direct(self._kernel, arguments)
        deadline, judge = started + self.budget.seconds, self._ask
        try:
            with self.desk.session():
                while True:
                    code = kernel(*arguments)
                    if code == ASK:
                        judge(cells[LEAVES])
                    elif code == DONE:
                        self.stopped = Status.BUDGET
                        break
                    elif code == BAD_ANSWER:
                        self._refuse()
                    elif code == ROOM:
                        if not self._grow():
                            self.stopped = Status.MEMORY
                            break
                        arguments = self._arguments()
                    if time.perf_counter() >= deadline:
                        self.stopped = Status.BUDGET
                        break
                    if stop and stop.is_set():
                        self.stopped = Status.INTERRUPTED
                        break
        except KeyboardInterrupt:
            self.stopped = Status.INTERRUPTED
        self.seconds += time.perf_counter() - started

    def _arguments(self) -> tuple[Any, ...]:
        """What the kernel is called with, until arrays grow."""
        return (
            self.control, self.numbers, self.domain.context, self.tables, *map(as_records, self.arrays.values()), self.path, self.leaves,
            self.desk.papers, self._logits, self._chances, *self._buffers,
        )  # fmt: skip

    def _ask(self, waiting: int) -> None:
        """Have the evaluator judge what the kernel wrote on its desk."""
        before = time.perf_counter()
        self.desk.judge(waiting)
        self.control[PHASE] = ANSWERED
        self.evaluator_seconds += time.perf_counter() - before
        self.calls += 1

    def _ask_again(self) -> None:
        """Ask about the leaves that wait, at a desk that may be another than that on which the kernel wrote them."""
        rows = self._waiting()
        self.desk.states[: len(rows)] = rows
        if len(self.desk.features):
            self.desk.features[: len(rows)] = self.domain.features(rows)
        with self.desk.session():
            self._ask(len(rows))

    def _waiting(self) -> np.ndarray:
        """The rows of the leaves that wait."""
        leaves = self.leaves[: self.control[LEAVES]]
        return self.arrays["states"][leaves[:, TREE_OF], leaves[:, NODE_OF]]

    def _refuse(self) -> NoReturn:
        """ValueError about an answer that is none."""
        what = "a value or logit that is not a number, or no weight to any legal action"
        refuse(self.domain, self.evaluator, self._waiting(), what)

    def status(self, tree: int = 0) -> Status:
        """SOLVED (a plan, or for two players the root's exact value), EXHAUSTED, or what ended the last run."""
        state = int(self.arrays["counts"][tree, STATE])
        return {SOLVED_TREE: Status.SOLVED, EXHAUSTED_TREE: Status.EXHAUSTED}.get(state, self.stopped)

    # --- going on -------------------------------------------------------------------------------------------------------------------

    def advance(self, actions: Sequence[int]) -> None:
        """Make one move in every tree, and keep the subtree it leads to; what was learnt there stays, everything else is let go.

        With the rule gumbel, whose root has a plan of its own, a new tree is begun. ValueError when a move is illegal.
        """
        if self.control[LEAVES]:
            self.run(0)
        moves, counts = np.asarray(actions, np.int64), self.arrays["counts"]
        if moves.shape != (len(counts),):
            raise ValueError(f"{moves.size} actions were given for {len(counts)} trees; give one a tree.")
        sizes = {**self.sizes, "keys": max(self.sizes["keys"], int(counts[:, LINE].max()) + 1 + FIRST_STEPS)}
        if not self.resize(sizes):
            raise MemoryError("The limit of bytes leaves no room for another move; give a larger one.")
        old = tuple(map(as_records, self.arrays.values()))
        new = {name: zeros(array.shape, array.dtype) for name, array in self.arrays.items()}
        refused = self.domain.bind(replant, **self._hooks)(
            moves, self.config.rule != "gumbel", self.domain.context, *old, *map(as_records, new.values()), self._buffers[0][0]
        )
        if refused >= 0:
            root = self.domain.format(self.arrays["states"][refused, ROOT])
            raise ValueError(f"Action {moves[refused]} is illegal in tree {refused}: {root}.")
        self.arrays, self.moves, self.noisy = new, self.moves + 1, False
        self._draw_gumbels()

    # --- what was found -------------------------------------------------------------------------------------------------------------

    def edges(self, tree: int = 0, node: int = ROOT) -> slice:
        """Where the edges of a node stand in its tree's array `edges`."""
        place = self.arrays["nodes"][tree, node]
        return slice(int(place["first"]), int(place["first"] + place["count"]))

    def at_root(self, name: str, empty: float = 0.0) -> np.ndarray:
        """A field of the edges at every root by action: float64 [B, A], `empty` where there is no edge."""
        table = np.full((len(self.arrays["counts"]), self.domain.num_actions), empty)
        for tree in range(len(table)):
            if self.arrays["counts"][tree, NODES]:
                edges = self.arrays["edges"][tree, self.edges(tree)]
                table[tree, edges["action"]] = edges[name]
        return table

    @property
    def visit_counts(self) -> np.ndarray:
        """How often each action was taken at the root: int64 [B, A]."""
        return self.at_root("visits").astype(np.int64)

    @property
    def qvalues(self) -> np.ndarray:
        """Mean (or best) return of each action at the root for its player: float64 [B, A]; nan where untried, -inf where lost or dead."""
        return np.where(self.visit_counts > 0, self.at_root("q"), np.nan)

    @property
    def prior(self) -> np.ndarray:
        """The root's prior: float64 [B, A], 0 for illegal actions."""
        return self.at_root("prior")

    @property
    def value(self) -> np.ndarray:
        """The backed-up value of each root for its player: float64 [B]; nan where it was not judged."""
        judged = self.arrays["counts"][:, NODES] > 0
        return np.where(judged, self.arrays["nodes"]["value"][:, ROOT].astype(np.float64), np.nan)

    @property
    def action_weights(self) -> np.ndarray:
        """What each root recommends: float64 [B, A], visits over their sum, or for the rule gumbel the one action that survived; of a
        root whose outcome is proven, the moves that prove it. Rows of zeros where nothing was tried."""
        visits, q = self.visit_counts.astype(np.float64), self.at_root("q", -np.inf)
        ended = (self.arrays["counts"][:, STATE] == SOLVED_TREE) & self.two_players
        best = (visits > 0) & (q == np.where(visits > 0, q, -np.inf).max(1, keepdims=True))
        tried = self._conclude_gumbel()[0] if self.config.rule == "gumbel" else np.where(q > -np.inf, visits, 0.0)
        weights = np.where(ended[:, None], best, tried)
        return weights / np.maximum(1.0, weights.sum(1, keepdims=True))

    @property
    def improved_policy(self) -> np.ndarray:
        """With the rule gumbel, what to teach: float64 [B, A], prior * exp(sigma(completed q)), normalised. ValueError with another."""
        if self.config.rule != "gumbel":
            raise ValueError(f"The rule {self.config.rule} has no improved policy; read action_weights, or search with the rule gumbel.")
        return self._conclude_gumbel()[1]

    def _conclude_gumbel(self) -> tuple[np.ndarray, np.ndarray]:
        """(survivors, improved policies), float64 [B, A] each."""
        survivors, policies = np.zeros((2, len(self.arrays["counts"]), self.domain.num_actions))
        self.domain.bind(conclude_gumbel, **self._hooks)(self.numbers, *map(as_records, self.arrays.values()), survivors, policies)
        return survivors, policies
