"""The contrast as two tables: which heads of which net a search may see, which search reads them, with which knobs.

A referee reads REGIMES (puzzles) and GAME_REGIMES (games of two) and nothing else to know what is compared. Same rules, same
budgets, one trunk shape; between a value arm and a policy arm only the mask and the search differ. The value side and the policy
side have the same number of trials (arm x knob), so that neither is tuned harder; a test holds that.

Nets: V, Q and pi are trained on one head each, VP on value and prior together; "half" is two nets of half the size, one on each.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NETS: Mapping[str, tuple[tuple[str, ...], ...]] = {  # net -> the heads each of its parts is trained on; a second part is a second net
    "V": (("value",),),
    "Q": (("q",),),
    "pi": (("prior",),),
    "VP": (("value", "prior"),),
    "half": (("value",), ("prior",)),
}
WITHOUT_NET = ("nothing", "exact", "rollouts")  # uniform and zero everywhere; the exact oracle; one random game


@dataclass(frozen=True)
class Regime:
    """One arm: `search` of SEARCHES, in games of DECIDERS, reads `heads` of `net`, once for each of `knobs` (its keyword arguments)."""

    arm: str
    side: str  # value, policy, q, both, half, control, blind or oracle
    search: str
    net: str
    heads: tuple[str, ...]
    knobs: tuple[Mapping[str, Any], ...] = ({},)


def knob_name(knob: Mapping[str, Any]) -> str:
    """{'weight': 2} -> 'weight=2', as rows and tables print it."""
    return " ".join(f"{name}={value:g}" for name, value in knob.items())


def each(name: str, *values: float) -> tuple[Mapping[str, Any], ...]:
    return tuple({name: value} for value in values)


V, Q, PI, BOTH = ("value",), ("q",), ("prior",), ("value", "prior")
EXPLORATION = tuple({"c_puct": c, "temperature": t} for t in (1.0, 2.0) for c in (0.5, 1.25, 3.0))

REGIMES = (
    # value only
    Regime("greedy V", "value", "value_greedy", "V", V),
    Regime("A* V", "value", "astar", "V", V, each("weight", 1, 1.5, 2, 5)),
    Regime("best-first V", "value", "greedy_best_first", "V", V),
    Regime("beam V", "value", "value_beam", "V", V, each("width", 4, 16)),
    # policy only
    Regime("argmax pi", "policy", "policy_argmax", "pi", PI),
    Regime("sampling pi", "policy", "policy_sampling", "pi", PI, each("temperature", 0.5, 1)),
    Regime("beam pi", "policy", "policy_beam", "pi", PI, each("width", 4, 16)),
    Regime("Levin pi", "policy", "levin", "pi", PI, each("weight", 0.5, 1, 2)),
    # Q only
    Regime("greedy Q", "q", "q_greedy", "Q", Q),
    Regime("Q* Q", "q", "qstar", "Q", Q, each("weight", 1, 1.5, 2, 5)),
    Regime("beam Q", "q", "q_beam", "Q", Q, each("width", 4, 16)),
    # both; the half-size control stands beside each
    Regime("PUCT V+pi", "both", "puct", "VP", BOTH, EXPLORATION),
    Regime("Gumbel V+pi", "both", "gumbel", "VP", BOTH, each("temperature", 1, 2)),
    Regime("PHS* V+pi", "both", "phs_star", "VP", BOTH, each("weight", 1, 2, 5)),
    Regime("beam V+pi", "both", "value_policy_beam", "VP", BOTH, each("width", 4, 16)),
    Regime("PUCT half", "half", "puct", "half", BOTH, EXPLORATION),
    Regime("Gumbel half", "half", "gumbel", "half", BOTH, each("temperature", 1, 2)),
    Regime("PHS* half", "half", "phs_star", "half", BOTH, each("weight", 1, 2, 5)),
    Regime("beam half", "half", "value_policy_beam", "half", BOTH, each("width", 4, 16)),
    # MCTS on one head. Neither side is given it: its bandit explores for the value what A* looks at at once, and for the policy what Levin
    # search ranks, so as a trial of a side it would mix the search with what the head knows; here it tells the two apart.
    Regime("UCT V only", "control", "uct", "V", V, each("c_puct", 0.2, 0.5, 1.4)),
    Regime("PUCT V only", "control", "puct", "V", V, each("c_puct", 0.5, 1.25, 3)),
    Regime("PUCT pi only", "control", "puct", "pi", PI, each("c_puct", 0.5, 1.25, 3)),
    # blind baselines and oracle ceilings
    Regime("uniform cost", "blind", "uniform_cost", "nothing", ()),
    Regime("uniform Levin", "blind", "levin", "nothing", ()),
    Regime("random walks", "blind", "policy_sampling", "nothing", ()),
    Regime("A* exact V", "oracle", "astar", "exact", V),
    Regime("argmax exact pi", "oracle", "policy_argmax", "exact", PI),
)


# Games of two. A* has no textbook meaning there; the value-driven counterpart is unbounded best-first minimax, which begins as one ply of
# V. A policy alone has no search either: it names a move, or one is drawn from it. What searches with the value masked is a control, as
# MCTS on V alone is. "UCT, random games" judges a position by one random game, which counts as an evaluation.
EXPLORE_GAMES = each("c_puct", 0.5, 1.25, 3)
GAME_REGIMES = (
    Regime("one-ply V", "value", "one_ply", "V", V),
    Regime("best-first minimax V", "value", "ubfm", "V", V),
    Regime("alpha-beta V", "value", "alpha_beta", "V", V),
    Regime("argmax pi", "policy", "argmax", "pi", PI),
    Regime("sampling pi", "policy", "sampling", "pi", PI, each("temperature", 0.5, 1)),
    Regime("argmax Q", "q", "q_argmax", "Q", Q),
    Regime("PUCT V+pi", "both", "puct", "VP", BOTH, EXPLORE_GAMES),
    Regime("Gumbel V+pi", "both", "gumbel", "VP", BOTH, each("temperature", 1, 2)),
    Regime("PUCT half", "half", "puct", "half", BOTH, EXPLORE_GAMES),
    Regime("Gumbel half", "half", "gumbel", "half", BOTH, each("temperature", 1, 2)),
    Regime("UCT V only", "control", "uct", "V", V, EXPLORE_GAMES),
    Regime("PUCT V only", "control", "puct", "V", V, EXPLORE_GAMES),
    Regime("PUCT pi only", "control", "puct", "pi", PI, EXPLORE_GAMES),
    Regime("random move", "blind", "argmax", "nothing", ()),
    Regime("UCT, random games", "blind", "uct", "rollouts", V, each("c_puct", 0.5)),
    Regime("one-ply exact V", "oracle", "one_ply", "exact", V),
    Regime("argmax exact pi", "oracle", "argmax", "exact", PI),
)
TABLES: Mapping[int, tuple[Regime, ...]] = {1: REGIMES, 2: GAME_REGIMES}  # by the number of players


def trials(side: str, regimes: tuple[Regime, ...] = REGIMES) -> int:
    """How many (arm x knob) pairs a side may choose among."""
    return sum(len(regime.knobs) for regime in regimes if regime.side == side)
