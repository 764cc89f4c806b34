"""From rows to cells: in each world, under each label regime and budget axis, does value-only or policy-only search win?

A **cell** is (world, labels, size, axis). In it, seed by seed and side by side, the trial (arm x knob) with the best mean
budget score on VALIDATION is chosen, and its TEST row is taken; nothing is ever chosen on test rows, but for blind baselines
and oracle ceilings that were not tried on validation. The value side's chosen trials are then compared with the policy
side's by the paired hierarchical bootstrap of statistics.py, and the other sides stand beside them.

What keeps it fair: both sides choose among the same number of trials (a seed in which they do not is left out, and a
sentence says so), and a cell whose chosen net is collapsed is COLLAPSED, never a win over it.

A puzzle is solved at one moment, a game's decisions get better by steps; both are `gains` at what was `spent`, so that one score, the
area under what was gained against log budget, serves both: of solve rate, or of the share of a random move's regret that is removed.

Seconds are not the clock of the run, which reads tabulated nets: they are calls and expansions at the prices of
the cost model that the same shard measured; what a blind arm evaluates is a random game, at `rollout` seconds each.
Source: SCIENCE.md section 3. Read next: report.py.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from astarzero.experiments.results import AXES, SIDES, Results, Row, clock_of
from astarzero.experiments.statistics import (
    NO_INTERVAL,
    Interval,
    budget_score,
    interval,
    mean_over_seeds,
    resampled_means,
    verdict,
)

WITHOUT_LABELS = ("blind", "oracle")  # sides that see no labels: one set of rows serves every cell of a world
CURVE_POINTS = 49


@dataclass(frozen=True)
class SideResult:
    """What a side's chosen trials did on the test instances of a cell."""

    trials: tuple[str, ...]  # the chosen trial of each seed
    score: Interval  # budget score, 0..1
    solved: Interval  # share solved, of a game share of regret removed, within the highest budget
    quality: Interval  # mean cost / optimal over the instances it solved within the highest budget; NaN when none, and in games
    curves: np.ndarray  # float64 [seeds, CURVE_POINTS], the same share at each of `Cell.budgets`
    collapsed: bool

    @property
    def trial(self) -> str:
        """The trial that most seeds chose."""
        return Counter(self.trials).most_common(1)[0][0]


@dataclass(frozen=True)
class Cell:
    """One comparison. `verdict` is value, policy (the winner), tie, undecided, COLLAPSED, or incomplete."""

    world: str
    labels: str
    size: int
    axis: str
    seeds: tuple[int, ...]
    instances: int  # of one seed; the fewest, when seeds differ
    sides: Mapping[str, SideResult]
    difference: Interval  # value - policy, in budget score
    verdict: str
    notes: tuple[str, ...]  # what kept a seed, or the cell, from counting
    budgets: np.ndarray  # float64 [CURVE_POINTS], even in the logarithm
    gained: str = "solved"  # what the shares are of: "solved" or, in games, "regret removed"

    @property
    def name(self) -> str:
        return f"{self.world}, {self.labels} labels, {self.size} states, {self.axis}"

    def to_record(self) -> dict[str, Any]:
        """The cell as one JSON object, without its curves; an interval is [mean, low, high], null where there is no number."""
        numbers = ("score", "solved", "quality")
        sides = {
            name: {"trials": list(side.trials), **{number: _listed(getattr(side, number)) for number in numbers}}
            for name, side in self.sides.items()
        }
        plain = {name: getattr(self, name) for name in ("world", "labels", "size", "axis", "verdict", "instances")}
        return {**plain, "seeds": list(self.seeds), "difference": _listed(self.difference), "sides": sides, "notes": list(self.notes)}


def _listed(numbers: Interval) -> list[float | None]:
    return [None if np.isnan(number) else number for number in numbers]


def spent(row: Row, axis: str, model: Mapping[str, Any] | None) -> np.ndarray:
    """What was spent on the axis: [N] to solve each instance, inf when unsolved; of a game [N, G], at each look.

    Seconds need the cost model (`clock_of`) and, where a blind arm plays random games, its "rollout".
    """
    if axis == "seconds":
        if model is None:
            raise ValueError(f"{row.world}, seed {row.seed} has no cost model, so its seconds are unknown; run the contest again.")
        calls, evaluations, expansions = (row.arrays[name] for name in ("calls", "evaluations", "expansions"))
        if row.side == "blind":
            used = model.get("rollout", 0.0) * evaluations + model["c"] * expansions.astype(np.float64)
        else:
            used = clock_of(model, calls, evaluations, expansions, max(1, len(row.heads)))
    else:
        used = row.arrays[axis].astype(np.float64)
    return used if row.of_a_game else np.where(row.arrays["solved"], used, np.inf)


def gains(row: Row) -> np.ndarray:
    """What each look adds, [N, G]: to the regret saved; of a puzzle 1 at its only one."""
    return np.diff(row.arrays["saved"].astype(np.float64), axis=1, prepend=0.0) if row.of_a_game else np.ones((row.instances, 1))


def at_stake(row: Row) -> np.ndarray:
    """What there is to gain in each instance, [N]: the regret of a random move, of a puzzle 1. Shares are of its mean."""
    return row.arrays["chance"][:, 0].astype(np.float64) if row.of_a_game else np.ones(row.instances)


def score(row: Row, axis: str, limits: tuple[float, float], model: Mapping[str, Any] | None) -> np.ndarray:
    """The budget score of each instance, [N], in a game as a share of the mean `at_stake`."""
    return _score(row, spent(row, axis, model), limits) / at_stake(row).mean()


def _score(row: Row, used: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    return (gains(row) * budget_score(used, *limits).reshape(row.instances, -1)).sum(axis=1)


def gained_within(row: Row, used: np.ndarray, budget: float) -> np.ndarray:
    """What each instance has gained within a budget, [N]."""
    return (gains(row) * (used <= budget).reshape(row.instances, -1)).sum(axis=1)


def curve(row: Row, used: np.ndarray, budgets: np.ndarray) -> np.ndarray:
    """The share gained within each budget, [G]."""
    return np.array([gained_within(row, used, budget).mean() for budget in budgets]) / at_stake(row).mean()


def choose(rows: Sequence[Row], axis: str, limits: tuple[float, float], model: Mapping[str, Any] | None) -> Row:
    """The row with the best mean budget score; of equal ones the first."""
    return max(rows, key=lambda row: score(row, axis, limits, model).mean())


def to_test(rows: Iterable[Row], grid: Mapping[str, tuple[float, float]], model: Mapping[str, Any] | None) -> list[Row]:
    """The validation rows of one seed and cell whose trials need a test row: the best knob of every arm on every axis of the grid."""
    arms: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if row.split == "validation":
            arms.setdefault((row.side, row.arm), []).append(row)
    best = [choose(trials, axis, limits, model) for trials in arms.values() for axis, limits in grid.items()]
    return list({(row.side, row.trial): row for row in best}.values())


def judge(results: Results, samples: int = 2000, seed: int = 0) -> list[Cell]:
    """Every cell that has a value side and a policy side, by world, labels, size and axis. Same results, same cells."""
    groups: dict[tuple[str, str, int], set[str]] = {}
    for row in results.rows:
        groups.setdefault((row.world, row.labels, row.size), set()).add(row.side)
    cells = []
    for (world, labels, size), sides in sorted(groups.items()):
        if {"value", "policy"} <= sides:
            rows = [row for row in results.rows if row.world == world and _belongs(row, labels, size)]
            cells += [_judge_cell(results, rows, (world, labels, size, axis), samples, seed) for axis in AXES]
    return cells


def _belongs(row: Row, labels: str, size: int) -> bool:
    return row.side in WITHOUT_LABELS or (row.labels == labels and row.size == size)


def _judge_cell(results: Results, rows: Sequence[Row], place: tuple[str, str, int, str], samples: int, seed: int) -> Cell:
    world, labels, size, axis = place
    limits = results.grid(world, axis)
    chosen: dict[int, dict[str, Row]] = {}  # by training seed, then side
    notes = []
    for training_seed in sorted({row.seed for row in rows}):
        try:
            ours = [row for row in rows if row.seed == training_seed]
            chosen[training_seed] = _chosen_of_a_seed(ours, axis, limits, results.cost_model(world, training_seed))
        except ValueError as error:
            notes.append(str(error))
    budgets = np.geomspace(*limits, CURVE_POINTS)
    if not chosen:
        return Cell(world, labels, size, axis, (), 0, {}, NO_INTERVAL, "incomplete", tuple(notes), budgets)

    names = [side for side in SIDES if all(side in of_seed for of_seed in chosen.values())]
    used = {seed: {side: spent(of_seed[side], axis, results.cost_model(world, seed)) for side in names} for seed, of_seed in chosen.items()}
    # Every quantity of every side is a mean over instances, resampled under the same draws, in games by family.
    values = [np.stack([_quantities(chosen[seed][side], used[seed][side], limits) for side in names]) for seed in chosen]  # [sides, 4, N]
    flat = [by_family(array.reshape(-1, array.shape[-1]), chosen[seed]["value"]) for seed, array in zip(chosen, values, strict=True)]
    mean = _shares(mean_over_seeds(flat).reshape(len(names), 4))
    draws = _shares(resampled_means(flat, np.random.default_rng(seed), samples).reshape(samples, len(names), 4))
    sides = {
        side: SideResult(
            trials=tuple(of_seed[side].trial for of_seed in chosen.values()),
            score=interval(mean[i, 0], draws[:, i, 0]),
            solved=interval(mean[i, 1], draws[:, i, 1]),
            quality=interval(float(_ratio(mean[i, 2], mean[i, 1])), _ratio(draws[:, i, 2], draws[:, i, 1])),
            curves=np.stack([curve(of_seed[side], used[seed][side], budgets) for seed, of_seed in chosen.items()]),
            collapsed=any(of_seed[side].collapsed for of_seed in chosen.values()),
        )
        for i, side in enumerate(names)
    }
    value, policy = names.index("value"), names.index("policy")
    difference = interval(mean[value, 0] - mean[policy, 0], draws[:, value, 0] - draws[:, policy, 0])
    word, sign = verdict(*difference)
    outcome = {1: "value", -1: "policy", 0: word}[sign]
    for side in ("value", "policy"):
        if sides[side].collapsed:
            outcome = "COLLAPSED"
            seeds = [str(seed) for seed in chosen if chosen[seed][side].collapsed]
            which = f"{world}, {labels} labels, {size} states"
            notes.append(f"{which}: the net of the {side} side gives constant outputs (seed {', '.join(seeds)}).")
    instances = min(array.shape[-1] for array in values)
    gained = "regret removed" if rows[0].of_a_game else "solved"
    return Cell(world, labels, size, axis, tuple(chosen), instances, sides, difference, outcome, tuple(notes), budgets, gained)


def _quantities(row: Row, used: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    """Per instance: score, gain within the highest budget, cost / optimal where solved, else 0 (games: NaN), stake; float64 [4, N]."""
    gained, stake = gained_within(row, used, limits[1]), at_stake(row)
    if row.of_a_game:
        return np.stack([_score(row, used, limits), gained, np.full(len(gained), np.nan), stake])
    solved = gained > 0
    cost, optimal = row.arrays["cost"].astype(np.float64), row.arrays["optimal"].astype(np.float64)
    ratio = np.divide(cost, optimal, out=np.ones_like(cost), where=solved & (optimal > 0))  # a start that is a goal counts 1
    return np.stack([_score(row, used, limits), gained, np.where(solved, ratio, 0.0), stake])


def by_family(values: np.ndarray, row: Row) -> np.ndarray:
    """Quantities [K, N] of a game's instances by family, [K, F], their mean over families that over instances; of a puzzle as they are.

    Families are drawn whole: what is alike goes together, else intervals would be too narrow.
    """
    if not row.of_a_game:
        return values
    names, family = np.unique(row.arrays["family"][:, 0], return_inverse=True)
    return np.stack([np.bincount(family, one, len(names)) for one in values]) * len(names) / len(family)


def _shares(means: np.ndarray) -> np.ndarray:
    """Means [..., 4] of `_quantities` -> score, gain and quality [..., 3] as shares of the stake, which is resampled with them."""
    return means[..., :3] / means[..., 3:]


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    above = np.asarray(above)
    return np.divide(above, below, out=np.full_like(above, np.nan), where=np.asarray(below) > 0)


def _chosen_of_a_seed(rows: Sequence[Row], axis: str, limits: tuple[float, float], model: Mapping[str, Any] | None) -> dict[str, Row]:
    """The test row of each side's best trial on validation. ValueError, one sentence, when the seed cannot count."""
    by_side: dict[str, dict[str, list[Row]]] = {}
    for row in rows:
        if axis == "evaluations" and row.side in WITHOUT_LABELS and not row.arrays["evaluations"].any():
            continue  # it spends nothing on this axis, so a score there would say nothing
        by_side.setdefault(row.side, {"validation": [], "test": []})[row.split].append(row)
    place = f"{rows[0].world}, seed {rows[0].seed}"
    counts = {side: len(by_side.get(side, {"validation": []})["validation"]) for side in ("value", "policy")}
    if counts["value"] != counts["policy"] or not counts["value"]:
        labels = next((f", {row.labels} labels, {row.size} states" for row in rows if row.side not in WITHOUT_LABELS), "")
        raise ValueError(
            f"{place}{labels} does not count: the value side has {counts['value']} trials (arm x knob) on validation and the policy side "
            f"{counts['policy']}, and both must have the same number; finish the contest, or mend regimes.py."
        )
    chosen = {}
    for side, splits in by_side.items():
        if not splits["validation"] and side not in WITHOUT_LABELS:
            raise ValueError(f"{place} does not count: the {side} side was never tried on validation; run the contest again to finish it.")
        best = choose(splits["validation"] or splits["test"], axis, limits, model)
        match = [row for row in splits["test"] if row.trial == best.trial]
        if not match:
            raise ValueError(
                f"{place} does not count by {axis}: the {side} side's best trial on validation, {best.trial}, has no test row; "
                "run the contest again to finish it."
            )
        chosen[side] = match[0]
    if len({row.instances for row in chosen.values()}) > 1:
        raise ValueError(f"{place} does not count: its test rows differ in their number of instances, so they cannot be paired.")
    return chosen
