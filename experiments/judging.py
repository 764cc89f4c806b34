"""Is what a line claims true? Plans are replayed by the rules, costs compared with what is known of the optimum.

What is known of an optimum comes from the exact table where a world can be enumerated, else from an exact search within a
budget, which leaves a lower bound where it does not finish, else from the file itself; a word says which.
Read next: claims.py (what a line is), referee.py (the command).
"""

import math
import re
from dataclasses import dataclass, replace

import numpy as np

from astarzero.envs.domain import Domain, cost_to_go
from astarzero.envs.equations import plan_of
from astarzero.envs.oracles import exact_table
from astarzero.experiments.claims import Claim
from astarzero.search import SEARCHES, Budget, from_heuristic

SOLVERS = {"sliding": ("ida", "pdb")}  # the exact search behind an optimum, and its heuristic; else A* and the first
MOVES = ("blank", "tile")  # what a direction moves
SMALL = 4  # numbers of which everything that can be made is enumerated
CLOSE = 1e-6  # of costs
Known = tuple[float | None, float, str]  # optimum or None, lower bound, source


@dataclass(frozen=True)
class Verdict:
    """One line, judged. `fault` is None when everything it says is right."""

    claim: Claim
    state: np.ndarray | None = None  # row [W]; None when there is no such problem
    cost: float | None = None  # replayed, or claimed where there is no plan
    replayed: bool = False
    fault: str | None = None
    refuted: bool = False  # the fault is in the solution, not in what is said about the optimum
    optimum: float | None = None  # inf: there is no solution
    bound: float = 0.0  # no solution is cheaper
    source: str = "unknown"  # table, search, claimed or unknown

    @property
    def valid(self) -> bool | None:
        """Does the solution stand? None where none is claimed."""
        return False if self.refuted else True if self.claim.solved else None

    @property
    def excess(self) -> float | None:
        """What the solution costs above the optimum."""
        return self.cost - self.optimum if self.valid and self.cost is not None and self.optimum is not None else None

    def refute(self, fault: str) -> "Verdict":
        return replace(self, fault=fault, refuted=True)


# --- plans ------------------------------------------------------------------------------------------------------------------


def replayed(domain: Domain, claim: Claim, moves: str) -> Verdict:
    """The line's plan followed by the rules, and its cost compared. `moves`: see `read_plan`."""
    try:
        state = domain.parse(claim.state)
    except ValueError as problem:
        return Verdict(claim).refute(str(problem))
    verdict = Verdict(claim, state, claim.cost)
    if claim.plan is None:
        return verdict
    try:
        end, cost = domain.replay(state, read_plan(domain, state, claim.plan, moves))
    except ValueError as problem:
        return verdict.refute(str(problem))
    verdict = replace(verdict, cost=cost, replayed=True)
    if not domain.goal_mask(end)[0]:
        return verdict.refute(f"The plan ends at {domain.format(end)}, which is no solution.")
    if claim.cost is not None and abs(claim.cost - cost) > CLOSE:
        return verdict.refute(f"It claims a cost of {claim.cost:g}, but its plan costs {cost:g}.")
    return verdict


def read_plan(domain: Domain, state: np.ndarray, text: str, moves: str) -> tuple[int, ...]:
    """Actions by number, name (up, down, ...) or initial (U D L R, also without spaces), or the text of a number game.

    With moves "tile" every direction is the tile's, against the blank's. ValueError in one sentence.
    """
    words = re.findall(r"[^\s,;\[\]'\"]+", text)
    names = {name.lower(): action for action, name in enumerate(domain.action_names)}
    initials = {name[0]: action for name, action in names.items()}
    if len(initials) == len(names) and len(words) == 1 and set(words[0].lower()) <= set(initials) and words[0].lower() not in names:
        words = list(words[0])
    if len(initials) == len(names):
        names |= initials
    names |= {str(action): action for action in range(domain.num_actions)}
    strange = next((word for word in words if word.lower() not in names), None)
    if strange is None:
        plan = [names[word.lower()] for word in words]
        return tuple(int(domain.inverse[action]) for action in plan) if moves == "tile" else tuple(plan)
    if domain.world == "countdown":
        return plan_of(domain, state, text)
    raise ValueError(f"'{strange[:20]}' is no action: give {', '.join(domain.action_names[:6])}, initials or 0..{domain.num_actions - 1}.")


# --- optima -----------------------------------------------------------------------------------------------------------------

def with_optima(domain: Domain, verdicts: list[Verdict], budget: Budget) -> list[Verdict]:
    """The verdicts with what is known of each optimum."""
    rows = {verdict.state.tobytes(): verdict.state for verdict in verdicts if verdict.state is not None}
    if not rows:
        return verdicts
    if can_be_enumerated(domain):
        costs = exact_table(domain, np.array(list(rows.values()))).costs(np.array(list(rows.values())))
        known: dict[bytes, Known] = {key: (float(cost), float(cost), "table") for key, cost in zip(rows, costs, strict=True)}
    else:
        known = {key: searched(domain, row, budget) for key, row in rows.items()}
    return [known_of(verdict, *known[verdict.state.tobytes()]) if verdict.state is not None else verdict for verdict in verdicts]


def can_be_enumerated(domain: Domain) -> bool:
    return "all" in domain.instance_sets or (domain.world == "countdown" and domain.num_words <= SMALL + 1)


def searched(domain: Domain, row: np.ndarray, budget: Budget) -> Known:
    """What the exact search of SOLVERS finds out within its budget."""
    search, heuristic = SOLVERS.get(domain.world, ("astar", ""))
    judge = from_heuristic(domain, heuristic if heuristic in domain.heuristics else None)
    result = SEARCHES[search](domain, row, judge, budget=budget)
    closed = result.lower_bound >= result.cost - CLOSE  # solved and proven, or proven unsolvable
    return (result.cost, result.cost, "search") if closed else (None, result.lower_bound, "unknown")


def known_of(verdict: Verdict, optimum: float | None, bound: float, source: str) -> Verdict:
    """The verdict with the optimum, by the file's word where nobody else knows; a bound that the solution meets proves it."""
    claim = verdict.claim
    if optimum is None and verdict.replayed and not verdict.fault and verdict.cost is not None and bound >= verdict.cost - CLOSE:
        optimum, source = verdict.cost, "search"
    if optimum is None and claim.optimal is not None and claim.optimal >= bound - CLOSE:
        optimum, source = claim.optimal, "claimed"
    return replace(verdict, optimum=optimum, bound=bound, source=source)


def compared(domain: Domain, verdict: Verdict) -> Verdict:
    """The verdict with the first fault that the optimum shows."""
    claim, optimum, bound, cost = verdict.claim, verdict.optimum, verdict.bound, verdict.cost
    if verdict.fault or verdict.state is None:
        return verdict
    least = "there is no solution at all" if math.isinf(bound) else f"no solution is cheaper than {bound:g}"
    if claim.unsolvable and optimum is not None and math.isfinite(optimum):
        return verdict.refute(f"It claims that there is no solution, but one of cost {optimum:g} exists.")
    if cost is not None and cost < bound - CLOSE:
        return verdict.refute(f"It claims a cost of {cost:g}, but {least}.")
    if cost is not None and domain.world == "sliding" and (cost - first_estimate(domain, verdict.state)) % 2 > CLOSE:
        parity = "odd" if cost % 2 == 0 else "even"
        return verdict.refute(f"It claims a cost of {cost:g}, but every solution has an {parity} number of moves.")
    if claim.optimal is None:
        return verdict
    if claim.optimal < bound - CLOSE:
        return replace(verdict, fault=f"It claims an optimum of {claim.optimal:g}, but {least}.")
    shorter = min(math.inf if known is None else known for known in (optimum, cost))
    if shorter < claim.optimal - CLOSE:
        return replace(verdict, fault=f"It claims an optimum of {claim.optimal:g}, but a solution of cost {shorter:g} exists.")
    return verdict


def first_estimate(domain: Domain, row: np.ndarray) -> float:
    """The domain's first heuristic: on tiles of the parity of every solution, as each move changes Manhattan distance by one."""
    value = from_heuristic(domain).evaluate(domain.check_states(row)).value
    return 0.0 if value is None else float(cost_to_go(value[0]))
