"""Optimal labels for worlds too large to enumerate: random states are solved by IDA* with an admissible heuristic, path by path.

Every state of an optimal path is a label, since its cost-to-go is what is left of the path. But a search mostly judges states
beside optimal paths, where a heuristic lacks more. So most roots are *strays* (a state of a path solved before, and some random
steps from there; near the goal they cost almost nothing), and a path gives only a few of its states, its root always: a net taught
all states of all paths judged random 15-puzzles 2.1 moves too cheap on average.
Read next: labels.py (the record; there labels come from an exact table), imitation.py (the loop).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from astarzero.envs.domain import Domain, cost_to_go, step, value_of
from astarzero.envs.evaluation import Evaluator
from astarzero.envs.state_table import copy_row
from astarzero.search import Status, ida
from astarzero.training.labels import DEAD_FACTOR, Labels

Progress = Callable[[int], None]
ROUND = 50  # random roots between two looks at the count


@dataclass(frozen=True)
class Paths:
    """States of optimal paths, goals left out; the states of one path follow one another."""

    states: np.ndarray  # uint64 [N, W]
    cost: np.ndarray  # float64 [N], optimal cost-to-go
    action: np.ndarray  # int64 [N], an optimal action
    path: np.ndarray  # int64 [N], the number of the root it comes from


def follow_plan(row, plan, context, states, costs):
    """Kernel: the states before each action of `plan` into states [D, W], the price of each into costs [D]; `row` ends at the goal."""
    for number in range(plan.shape[0]):
        copy_row(states[number], row)
        costs[number] = step(states[number], plan[number], context, row)


def solve_paths(domain: Domain, roots: np.ndarray, judge: Evaluator, progress: Progress = lambda done: None) -> Paths:
    """The optimal paths from `roots` [R, W] by IDA* with `judge`, which must be admissible. `progress(roots done)` after each.

    ValueError when the judge may overestimate or a root has no solution; KeyboardInterrupt on Ctrl-C.
    """
    if not judge.admissible:
        raise ValueError(f"The evaluator {judge.name} may overestimate, so its plans are no optimal labels; give an admissible heuristic.")
    kernel, parts = domain.bind(follow_plan), []
    for number, root in enumerate(domain.check_states(roots)):
        result = ida(domain, root, judge)
        if result.status is Status.INTERRUPTED:
            raise KeyboardInterrupt
        if not result.solved:
            raise ValueError(f"State {domain.format(root)} of {domain.name} has no solution ({result.status}); give solvable roots.")
        plan = np.array(result.plan, np.int64)
        states, costs = np.zeros((len(plan), domain.num_words), np.uint64), np.zeros(len(plan))
        kernel(root.copy(), plan, domain.context, states, costs)
        parts.append((states, np.cumsum(costs[::-1])[::-1], plan, np.full(len(plan), number)))
        progress(number + 1)
    return Paths(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def joined(parts: Sequence[Paths]) -> Paths:
    """All paths of `parts` (one or more), numbered on from part to part."""
    starts = np.cumsum([0, *(part.path.max(initial=-1) + 1 for part in parts)])
    moved = [replace(part, path=part.path + start) for part, start in zip(parts, starts, strict=False)]
    return Paths(*(np.concatenate(column) for column in zip(*(vars(part).values() for part in moved), strict=True)))


def thinned(paths: Paths, most: int, rng: np.random.Generator) -> Paths:
    """At most so many states of each path: its root and random others."""
    starts = np.flatnonzero(np.diff(paths.path, prepend=-1))
    keys = rng.random(len(paths.path))
    keys[starts] = -1.0
    ranked = np.lexsort((keys, paths.path))  # path by path, the root first
    place = np.arange(len(ranked)) - np.repeat(starts, np.diff([*starts, len(ranked)]))
    kept = np.sort(ranked[place < most])
    return Paths(*(column[kept] for column in vars(paths).values()))


def stray(domain: Domain, paths: Paths, count: int, most_steps: int, rng: np.random.Generator) -> np.ndarray:
    """`count` rows, each 1 to `most_steps` random steps beside a random state of `paths`; a goal is left again: uint64 [count, W]."""
    rows = paths.states[rng.integers(len(paths.states), size=count)].copy()
    for number, steps in enumerate(rng.integers(1, most_steps + 1, size=count)):
        row = rows[number]
        while steps > 0 or domain.goal_mask(row)[0]:
            successors, _, _ = domain.successors(row)
            row, steps = successors[rng.integers(len(successors))], steps - 1
        rows[number] = row
    return rows


def sample_paths(
    domain: Domain,
    judge: Evaluator,
    *,
    states: int,
    strays: int = 2,
    most_steps: int = 20,
    most_of_a_path: int = 6,
    seed: int = 0,
    progress: Progress = lambda done: None,
) -> Paths:
    """Optimal paths with `states` labelled states or a few more: from random states of the world, and `strays` strays to each of these.

    Of a world with symmetries every image of a path is there too.
    `progress(labelled states)` is called now and then.
    """
    rng, parts, count = np.random.default_rng(seed), [], 0
    while count < states:
        fresh = solve_paths(domain, np.array([domain.random_state(rng) for _ in range(ROUND)]), judge)
        beside = solve_paths(domain, stray(domain, fresh, strays * ROUND, most_steps, rng), judge)
        parts.append(with_images(domain, thinned(joined([fresh, beside]), most_of_a_path, rng)))
        count += len(parts[-1].states)
        progress(count)
    return joined(parts)


def with_images(domain: Domain, paths: Paths) -> Paths:
    """The paths and all their images, one symmetry of the world after another: labels for nothing."""
    turned = domain.symmetries
    return joined([
        replace(paths, states=turned.of_states(paths.states, which), action=turned.of_actions(paths.action, which))
        for which in range(len(turned))
    ])  # fmt: skip


def path_labels(domain: Domain, paths: Paths, baseline: Evaluator | None = None, dead_cost: float | None = None) -> Labels:
    """One optimal action of every state, and its value; with `baseline`, only what the value adds to the baseline's.

    Such a net needs its baseline wherever it answers: see nets/evaluator.py. Only the value head may then be trained.
    """
    excess = paths.cost.astype(np.float32)
    if baseline is not None:
        known = baseline.evaluate(paths.states).value
        assert known is not None
        excess = excess - cost_to_go(known)
        if (excess < 0).any():
            raise ValueError(f"The baseline {baseline.name} overestimates some labelled state; give an admissible heuristic.")
    taken = np.arange(domain.num_actions) == paths.action[:, None]  # bool [N, A]
    value = value_of(excess)
    return Labels(
        "paths" if baseline is None else f"paths beyond {baseline.name}", paths.states, domain.action_masks(paths.states),
        taken.astype(np.float32), np.where(taken, value[:, None], 0).astype(np.float32), taken, paths.states, value,
        DEAD_FACTOR * float(excess.max()) if dead_cost is None else dead_cost,
    )  # fmt: skip
