"""Where the dial is turned: solved worlds with their problems, three judges, and what a result is worth against the truth.

One player: `regret` is cost / optimal - 1 of a plan. Go: the points that the chosen move gives away, exact, under simple ko with games
without end worth 0 to Black (../envs/go_tables.py); nothing but stones, side to move, ko and passes is remembered, komi is 0, and a
game is worth its points / points of the board, so that judges and the rule book speak of the same thing.

Judges: `exact` knows value and policy; `noisy` is exact with normal noise, one draw a state and action: on values a share of the mean
cost-to-go (Go: of the board), on logits in nats, where the best actions stand 5 above the others; `heuristic` is the world's own and
has no policy (Go: the area as the stones stand, as if the game were over).

Read next: dial.py.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from astarzero.envs import make
from astarzero.envs.domain import Domain
from astarzero.envs.evaluation import Evaluation, Evaluator
from astarzero.envs.go_rules import HEIGHT, WIDTH
from astarzero.envs.go_tables import GoTable, go_table
from astarzero.envs.oracles import ExactTable, exact_table
from astarzero.envs.two_players import margin
from astarzero.experiments.arenas import ARENAS
from astarzero.experiments.solve import make_domain
from astarzero.search import SearchResult, exact_oracle, from_heuristic, noisy_oracle, tabulated

GAP = 5.0  # nats by which the best actions of Go stand out
MOST_STATES = 3_000_000


@dataclass(frozen=True)
class Ground:
    """A solved world: `regret(i, result)` is what the result of problem i falls short of the best, nan when it decides nothing."""

    domain: Domain
    roots: np.ndarray  # uint64 [N, W], problems that can be solved, or positions where a move can be wrong
    judges: Mapping[str, Evaluator]
    regret: Callable[[int, SearchResult], float]
    unit: str  # of regret
    chance: float | None = None  # the mean regret of a random legal move, in games


def ground_of(world: str, size: str | None, instances: int, value_noise: float, prior_noise: float, seed: int) -> Ground:
    """The ground of a contest world, of Go on a small board, or of any world that lists its instance set "all"."""
    rng = np.random.default_rng(seed)
    if world == "go":
        table = go_table(make("go", size=size or 3, ko="simple", komi=0), max_states=MOST_STATES)
        return go_ground(table, instances, value_noise, prior_noise, rng)
    if world in ARENAS:
        if size is not None:
            raise ValueError(f"World '{world}' has its size built in, so it takes no --size; name the world itself, as in sliding.")
        domain = make(ARENAS[world].world, **ARENAS[world].options)
    else:
        domain = make_domain(world, size=size)
    if domain.discount < 0:
        raise ValueError(f"{domain.name} is a game whose exact values are not known here; the dial is turned on go and on puzzles.")
    return puzzle_ground(exact_table(domain), instances, value_noise, prior_noise, rng)


def puzzle_ground(table: ExactTable, instances: int, value_noise: float, prior_noise: float, rng: np.random.Generator) -> Ground:
    """Problems drawn from the instance set "all", without those that are solved or have no solution."""
    domain = table.domain
    known = table.graph.index(domain.instance_sets["all"]())
    usable = known[np.isfinite(table.cost_to_go[known]) & ~table.graph.goal[known]]
    chosen = rng.choice(usable, size=min(instances, len(usable)), replace=False)
    optima = table.cost_to_go[chosen]
    scale = float(table.cost_to_go[usable].mean())
    judges = {"exact": exact_oracle(table), "noisy": noisy_oracle(table, value_noise * scale, prior_noise, int(rng.integers(1 << 31)))}
    heuristics = [name for name in domain.heuristics if name != "blind"]
    if heuristics:
        value = from_heuristic(domain, heuristics[0]).evaluate(table.states).value
        judges["heuristic"] = tabulated(domain, table.states, Evaluation(value=value), heuristics[0], slots=table.graph.slots)

    def regret(number: int, result: SearchResult) -> float:
        return result.cost / float(optima[number]) - 1.0 if result.plan else np.nan

    return Ground(domain, table.states[chosen], judges, regret, "cost / optimal - 1")


def share_of_the_board(state, context):
    """`outcome`: the lead of the player to move as a share of all points."""
    return margin(state, context) / (context[2][HEIGHT] * context[2][WIDTH])


def go_ground(table: GoTable, instances: int, value_noise: float, prior_noise: float, rng: np.random.Generator) -> Ground:
    """Positions drawn from all legal ones, either side to move, where some move gives points away."""
    rows, points = table.graph.states, table.graph.domain.num_actions - 1
    domain = table.graph.domain.with_(outcome=share_of_the_board)
    q = table.q(rows)
    spread = np.nanmax(q, axis=1, initial=-np.inf, where=~np.isnan(q)) - np.nanmin(q, axis=1, initial=np.inf, where=~np.isnan(q))
    chosen = rng.choice(np.flatnonzero(spread > 0), size=instances, replace=False)
    best = np.where(q == table.value[:, None], 0.0, -GAP)
    exact = Evaluation(prior_logits=best, value=table.value / points)
    noise = value_noise * rng.standard_normal(len(rows)), prior_noise * rng.standard_normal(best.shape)
    blurred = Evaluation(prior_logits=best + noise[1], value=np.clip(table.value / points + noise[0], -1, 1))
    area = np.empty(len(rows))
    domain.bind(margins_kernel)(rows, domain.context, area)
    answers = {"exact": exact, "noisy": blurred, "heuristic": Evaluation(value=area / points)}
    judges = {name: tabulated(domain, rows, answer, name, slots=table.graph.slots) for name, answer in answers.items()}

    def regret(number: int, result: SearchResult) -> float:
        return float(table.value[chosen[number]] - q[chosen[number], result.action]) if result.action is not None else np.nan

    chance = float(np.nanmean(table.value[chosen, None] - q[chosen], axis=1).mean())
    return Ground(domain, rows[chosen], judges, regret, "points given away", chance)


def margins_kernel(states, context, margins):
    """Kernel: the lead of the player to move of rows [B, W], were the game over: float64 [B]."""
    for index in range(states.shape[0]):
        margins[index] = margin(states[index], context)
