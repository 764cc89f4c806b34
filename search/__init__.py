"""Floor 2, searches: A* and its orderings, Q*-search, policy rollouts and MCTS, all under one budget and one accounting.

Every search returns the `SearchResult` of `result.py` and asks its guidance from the evaluator of `evaluator.py`; read
these two, then `best_first.py`. This floor imports `envs` only; it never imports `nets` and never loads torch.
"""

if __name__ != "astarzero.search":
    raise ImportError(f"{__name__!r} is a folder of the package astarzero: run `make setup` once and write `import astarzero.search`.")

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from astarzero.envs.domain import Domain
from astarzero.envs.evaluation import Evaluation, Evaluator
from astarzero.search.alpha_beta import alpha_beta
from astarzero.search.anytime import anytime_astar
from astarzero.search.beam import beam_search
from astarzero.search.best_first import best_first
from astarzero.search.evaluator import blind, exact_oracle, from_heuristic, noisy_oracle, tabulated
from astarzero.search.focal import focal
from astarzero.search.ida import ida
from astarzero.search.mcts import mcts
from astarzero.search.partial_expansion import partial_expansion
from astarzero.search.q_best_first import q_best_first
from astarzero.search.result import Budget, SearchResult, Status
from astarzero.search.unbounded_minimax import ubfm
from astarzero.search.walk import walk


@dataclass(frozen=True)
class Search:
    """A line of the table of searches: called as search(domain, state, evaluator=None, *, budget, seed, **options) -> SearchResult."""

    name: str
    heads: tuple[str, ...]  # what it reads of an evaluator; a head that is absent reads 0 or uniform
    run: Callable[..., SearchResult]
    about: str
    players: tuple[int, ...] = (1,)  # which worlds it is for: of one player, with costs and goals; of two, whose turn passes

    def __call__(self, domain: Domain, state: np.ndarray, evaluator: Evaluator | None = None, **options: Any) -> SearchResult:
        if domain.players not in self.players:
            worlds = {1: "worlds of one player", 2: "games of two"}
            meant = " and ".join(worlds[number] for number in self.players)
            others = ", ".join(search.name for search in SEARCHES.values() if domain.players in search.players)
            raise ValueError(f"Search '{self.name}' is for {meant}, which {domain.name} is not; choose one of {others}.")
        return self.run(domain, state, evaluator, **options)


SEARCHES = {
    search.name: search
    for search in (
        Search("astar", ("value",), partial(best_first, ordering="astar"), "A*, and weighted A* with weight > 1: g + w h"),
        Search("greedy_best_first", ("value",), partial(best_first, ordering="greedy"), "greedy best-first search: h alone"),
        Search("uniform_cost", (), partial(best_first, ordering="uniform_cost"), "uniform-cost search, breadth-first at unit cost: g"),
        Search("levin", ("prior",), partial(best_first, ordering="levin"), "Levin tree search: depth / pi; weight is a temperature"),
        Search("ida", ("value",), ida, "IDA*: depth-first under a rising bound on g + w h; holds one path"),
        Search("phs", ("value", "prior"), partial(best_first, ordering="phs"), "policy-guided heuristic search, PHS: (g + w h) / pi"),
        Search("phs_star", ("value", "prior"), partial(best_first, ordering="phs_star"), "PHS*: (g + w h) / pi^((g + w h) / g)"),
        Search("partial_expansion_astar", ("value",), partial_expansion, "A* that stores a successor only when its f is due: less memory"),
        Search("qstar", ("q",), q_best_first, "Q*-search: g + w (-q) over pairs of node and action, one evaluation a state"),
        Search("focal", ("value",), focal, "focal search: V picks the node, an admissible bound proves cost <= weight * optimum"),
        Search("anytime_astar", ("value",), anytime_astar, "anytime weighted A*: goes on after the first plan until it is proven optimal"),
        Search("policy_argmax", ("prior",), partial(walk, head="prior"), "the likeliest action each time, never a state twice"),
        Search("policy_sampling", ("prior",), partial(walk, head="prior", temperature=1.0), "sampled actions, restarts; needs a budget"),
        Search("policy_beam", ("prior",), partial(beam_search, head="prior"), "beam search on the probability of the path"),
        Search("value_greedy", ("value",), partial(walk, head="value"), "the successor of least cost + h each time (one ply)"),
        Search("value_beam", ("value",), partial(beam_search, head="value"), "beam search on g + w h"),
        Search("q_greedy", ("q",), partial(walk, head="q"), "the action of best q each time"),
        Search("q_beam", ("q",), partial(beam_search, head="q"), "beam search on g + w (-q)"),
        Search("value_policy_beam", ("value", "prior"), partial(beam_search, head="value", mix=0.5), "beam search on both keys mixed"),
        Search("q_policy_beam", ("q", "prior"), partial(beam_search, head="q", mix=0.5), "beam search on both keys mixed"),
        Search("puct", ("value", "prior"), mcts, "MCTS with PUCT: value and policy together, or either alone", (1, 2)),
        Search("uct", ("value",), partial(mcts, rule="uct"), "MCTS with UCT: value alone", (1, 2)),
        Search("gumbel", ("value", "prior"), partial(mcts, rule="gumbel"), "MCTS with Gumbel's root and improved policy", (1, 2)),
        Search("ubfm", ("value",), ubfm, "unbounded best-first minimax with proofs: what A* is in games of two", players=(2,)),
        Search("alpha_beta", ("value",), alpha_beta, "alpha-beta, a ply deeper at a time: the yardstick in games of two", players=(2,)),
    )
}
astar, greedy_best_first, uniform_cost = SEARCHES["astar"], SEARCHES["greedy_best_first"], SEARCHES["uniform_cost"]
levin, qstar, puct = SEARCHES["levin"], SEARCHES["qstar"], SEARCHES["puct"]

__all__ = [
    "SEARCHES", "Budget", "Evaluation", "Evaluator", "Search", "SearchResult", "Status", "anytime_astar", "astar", "blind", "exact_oracle",
    "focal", "from_heuristic", "greedy_best_first", "levin", "noisy_oracle", "puct", "qstar", "tabulated", "uniform_cost",
]  # fmt: skip
