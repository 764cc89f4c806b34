"""The numbers behind a verdict, in numpy alone: scores over budgets, paired bootstrap intervals, the three verdicts.

The primary number of an arm on an instance is its `budget_score`: how much of the (logarithmic) budget range is left once
the instance is solved. Its mean over instances is the area under the curve of solve rate against log budget, so one number
stands for the whole curve and, being a mean, can be paired and resampled.

Intervals are 95 %, by a hierarchical bootstrap (seeds, then instances) that resamples every arm with the same draws, so
that what two arms share cancels. Percentile intervals of a handful of seeds are somewhat too narrow; five are the least.

Source: SCIENCE.md section 3, rules 2, 3 and 7; Wilson (1927); Davison & Hinkley (1997), section 3.8, for resampling
nested data. Read next: verdicts.py.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

MARGIN = 0.02  # differences of budget score inside +-MARGIN do not matter
CHUNK = 1 << 22  # resampling counts held at once


class Interval(NamedTuple):
    """A mean with its 95 % interval."""

    mean: float
    low: float
    high: float


NO_INTERVAL = Interval(np.nan, np.nan, np.nan)


def budget_score(spent: np.ndarray, lowest: float, highest: float) -> np.ndarray:
    """Area under the solve indicator against log budget over [lowest, highest], scaled to 0..1; [N] -> float64 [N].

    `spent` is what solving each instance took, `inf` when unsolved. Spent <= lowest scores 1, spent >= highest or unsolved 0,
    and each factor of ten counts the same in between.
    """
    spent = np.asarray(spent, np.float64)
    if not 0 < lowest < highest < np.inf:
        raise ValueError(f"A budget range needs 0 < lowest < highest, which {lowest} and {highest} are not.")
    if np.isnan(spent).any():
        raise ValueError("What an instance took must be a number: write inf for an unsolved one, never NaN.")
    inside = np.clip(spent, lowest, highest)
    return (np.log(highest) - np.log(inside)) / (np.log(highest) - np.log(lowest))


def solve_rate(spent: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """The share of instances solved within each budget of the grid; [N], [G] -> float64 [G]."""
    finite = np.sort(np.asarray(spent, np.float64))
    return np.searchsorted(finite, grid, side="right") / max(len(finite), 1)


def resampled_means(values: Sequence[np.ndarray], rng: np.random.Generator, samples: int) -> np.ndarray:
    """Bootstrap means of K quantities at once, under the same draws: one [K, N_s] array a seed -> [samples, K].

    Seeds are drawn first, then instances. When all seeds have the same number of instances, one draw of instances serves
    every seed, as the seeds were tested on the same set; for different sets of that size this has the same variance, as
    nothing is then shared between the seeds. Sets of different size are drawn seed by seed.
    """
    seeds, sizes = len(values), [array.shape[1] for array in values]
    drawn = rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=samples)  # [samples, S]: how often each seed was drawn
    means = np.empty((samples, seeds, values[0].shape[0]))
    step = max(1, CHUNK // max(sizes))
    for start in range(0, samples, step):
        part = slice(start, min(start + step, samples))
        counts = None
        for seed, array in enumerate(values):
            if counts is None or len(set(sizes)) > 1:
                counts = _draw_counts(sizes[seed], part.stop - part.start, rng)
            means[part, seed] = counts @ array.T / sizes[seed]
    return np.einsum("bs,bsk->bk", drawn / seeds, means)


def _draw_counts(instances: int, samples: int, rng: np.random.Generator) -> np.ndarray:
    """How often each instance is drawn, [samples, N]: n draws out of n with replacement, a row a sample."""
    drawn = rng.integers(instances, size=(samples, instances)) + instances * np.arange(samples)[:, None]
    return np.bincount(drawn.ravel(), minlength=samples * instances).reshape(samples, instances).astype(np.float64)


def interval(mean: float, resampled: np.ndarray) -> Interval:
    """The mean with the 95 % percentile interval of its resampled values; NaNs among them (nothing solved) are left out."""
    resampled = resampled[~np.isnan(resampled)]
    if np.isnan(mean) or not len(resampled):
        return NO_INTERVAL
    low, high = np.percentile(resampled, (2.5, 97.5))
    return Interval(float(mean), float(low), float(high))


def mean_over_seeds(values: Sequence[np.ndarray]) -> np.ndarray:
    """The mean over seeds of the means over instances, every seed counting the same: one [K, N_s] array a seed -> [K]."""
    return np.mean([array.mean(axis=1) for array in values], axis=0)


def paired_difference(left: Sequence[np.ndarray], right: Sequence[np.ndarray], rng: np.random.Generator, samples: int = 2000) -> Interval:
    """Mean of left - right with its interval; one [N_s] array a seed on each side, paired by instance."""
    if [len(array) for array in left] != [len(array) for array in right] or not len(left):
        raise ValueError("A paired difference needs the same instances on both sides, seed by seed.")
    differences = [(np.asarray(one, np.float64) - np.asarray(other, np.float64))[None] for one, other in zip(left, right, strict=True)]
    return interval(mean_over_seeds(differences)[0], resampled_means(differences, rng, samples)[:, 0])


def verdict(mean: float, low: float, high: float, margin: float = MARGIN) -> tuple[str, int]:
    """("tie", 0) when the interval lies inside +-margin, else ("win", sign of the mean) when it excludes 0, else ("undecided", 0)."""
    if -margin <= low and high <= margin:
        return "tie", 0
    if low > 0 or high < 0:
        return "win", 1 if mean > 0 else -1
    return "undecided", 0


def wilson(successes: float, trials: int, z: float = 1.959963984540054) -> Interval:
    """A proportion with Wilson's 95 % interval, which stays inside 0..1 and is never empty."""
    if not 0 <= successes <= trials or trials == 0:
        raise ValueError(f"A proportion needs 0 <= successes <= trials and a trial, which {successes} of {trials} is not.")
    rate = successes / trials
    shrink = 1 + z * z / trials
    centre = (rate + z * z / (2 * trials)) / shrink
    half = z / shrink * float(np.sqrt(rate * (1 - rate) / trials + z * z / (4 * trials * trials)))
    low, high = (0.0 if successes == 0 else centre - half), (1.0 if successes == trials else centre + half)  # exactly so
    return Interval(rate, low, high)


def elo(rate: float) -> float:
    """By how many points of Elo a player is stronger who scores `rate`; infinite at 0 and 1."""
    if rate in (0.0, 1.0):
        return np.inf if rate else -np.inf
    return float(400 * np.log10(rate / (1 - rate)))


def bootstrap(values: np.ndarray, statistic: Callable[..., Any], rng: np.random.Generator, samples: int = 2000) -> Interval:
    """A statistic (np.mean, np.median) of independent values [N] with its 95 % interval; NO_INTERVAL of none."""
    values, step = np.asarray(values, np.float64), max(1, CHUNK // max(1, len(values)))
    if not len(values):
        return NO_INTERVAL
    sizes = [min(step, samples - start) for start in range(0, samples, step)]
    drawn = [statistic(values[rng.integers(len(values), size=(size, len(values)))], axis=1) for size in sizes]
    return interval(float(statistic(values)), np.concatenate(drawn))


def clustered_rate(hits: Sequence[Sequence[bool]], rng: np.random.Generator, samples: int = 2000) -> Interval:
    """The share of hits with an interval that resamples whole groups (worlds), as hits within one world go together.

    One group says nothing about the next: its interval is 0..1.
    """
    totals = np.array([[sum(group), len(group)] for group in hits if len(group)], np.float64)  # [groups, 2]
    if not len(totals):
        return NO_INTERVAL
    rate = totals[:, 0].sum() / totals[:, 1].sum()
    if len(totals) == 1:
        return Interval(float(rate), 0.0, 1.0)
    drawn = _draw_counts(len(totals), samples, rng) @ totals  # [samples, 2]
    return interval(rate, drawn[:, 0] / drawn[:, 1])
