"""A made-up contest whose winner is known, in the files a real one writes: two worlds, three seeds, two label regimes.

Every instance has a hardness; an arm solves it after hardness x (how slow its side is) x (how bad its knob is) expansions,
up to luck. So the faster side wins by construction, identical sides tie, and the numbers look like search results.
"""

from pathlib import Path

import numpy as np

from astarzero.experiments.results import Row, Shard, key

WORLDS = {"sliding-3x3": (2.7, 22.0), "countdown-4": (12.0, 3.0)}  # successors of a state, optimal cost
GRID = {
    "sliding-3x3": {"expansions": [5, 5000], "evaluations": [10, 20000], "seconds": [0.001, 2.0]},
    "countdown-4": {"expansions": [2, 2000], "evaluations": [5, 20000], "seconds": [0.0005, 2.0]},
}
ARMS = {  # side -> (arm, heads, knobs)
    "value": [("astar V", ["value"], ["weight=1", "weight=2", "weight=5"]), ("beam V", ["value"], ["width=4"])],
    "policy": [("levin pi", ["policy"], ["temperature=1", "temperature=2"]), ("sample pi", ["policy"], ["restarts=8", "restarts=64"])],
    "q": [("qstar Q", ["q"], ["weight=1", "weight=2"])],
    "both": [("puct pi+V", ["policy", "value"], ["c=1", "c=4"])],
    "half": [("puct pi+V half", ["policy", "value"], ["c=1", "c=4"])],
    "control": [("puct V", ["value"], ["c=1", "c=4"])],
    "blind": [("uniform cost", [], [""]), ("levin uniform", [], [""])],
    "oracle": [("astar h*", [], [""]), ("levin pi*", [], [""])],
}
SLOW = {"value": 1.0, "policy": 1.0, "q": 3.0, "both": 0.8, "half": 1.1, "control": 3.0, "blind": 60.0, "oracle": 0.05}
HANDICAP = {"full": 1.0, "matched": 1.5}  # how much slower a net is that saw one label a state
MODEL = {"a": 4e-5, "second_head": 1e-5, "net": [6e-6, 6e-4], "c": 1e-6, "sizes": [1, 100]}  # 6e-6 a state


def fabricate(
    directory: Path,
    slow: dict[str, float] | None = None,
    collapsed: tuple[str, ...] = (),
    seeds: int = 3,
    instances: int = 200,
    worlds: tuple[str, ...] = tuple(WORLDS),
    stop_after: int | None = None,
    luck: int = 0,
    sizes: tuple[int, ...] = (2000,),
) -> Path:
    """Write (or take up) the shards; `slow` says how slow a side is, `stop_after` kills the run after so many new lines.

    With luck, arms differ by chance too, else two arms that are equally fast are equal on every instance.
    """
    slow, written = SLOW | (slow or {}), 0
    for world in worlds:
        for seed in range(seeds):
            header = {
                "command": "astarzero contest --quick", "revision": "0" * 40, "versions": {"python": "3.11", "numpy": "2.0"},
                "seed": seed, "config": {"grid": GRID, "instances": instances}, "date": "2026-01-01",
            }  # fmt: skip
            with Shard(directory / f"{world}-seed{seed}.jsonl", header) as shard:
                for record in lines(world, seed, slow, collapsed, instances, luck, sizes):
                    if key(record) in shard.done:
                        continue
                    if written == stop_after:
                        return directory
                    shard.append(record)
                    written += 1
    return directory


def lines(world, seed, slow, collapsed, instances, luck=0, sizes=(2000,)):
    """The lines of one shard, in order."""
    rng = np.random.default_rng([seed, 7])
    cost = {name: (np.array(MODEL[name]) * rng.uniform(0.9, 1.1)).tolist() for name in ("a", "second_head", "net", "c")}
    cost |= {"sizes": MODEL["sizes"]}
    predicted = np.geomspace(0.002, 1.5, 8)
    measured = predicted * rng.uniform(0.88, 1.14, 8)
    yield {"kind": "cost_model", "world": world, "seed": seed, **cost, "measured": measured.tolist(), "predicted": predicted.tolist()}
    for labels, handicap in HANDICAP.items():
        for head, level in (("value", 0.95), ("q", 0.7), ("policy", 0.75)):
            for size in sizes:
                removed = level / handicap**0.5 * (size / max(sizes)) ** 0.1 + float(rng.normal(0, 0.01))
                stages = {str(stage): removed - 0.03 * stage for stage in (1, 2, 3)}
                yield {"kind": "choice", "world": world, "labels": labels, "size": size, "seed": seed, "head": head,
                       "regret_removed": removed, "stages": stages, "collapsed": head in collapsed}  # fmt: skip
    for split in ("validation", "test"):
        yield from (row.to_record() for row in rows(world, seed, split, slow, collapsed, instances, luck, sizes))
    yield {"kind": "done", "world": world, "seed": seed}


def rows(world, seed, split, slow, collapsed, instances, luck=0, sizes=(2000,)):
    """One split of a shard: every trial. Instances are the same for every seed, luck is not."""
    branching, optimal = WORLDS[world]
    hardness = np.random.default_rng([split == "test", 11]).lognormal(3.3, 1.0, instances)
    learned = [(labels, size, worse * (max(sizes) / size) ** 0.4) for labels, worse in HANDICAP.items() for size in sizes]
    for labels, size, handicap in [("exact", 0, 1.0), *learned]:
        for side, arms in ARMS.items():
            if (side in ("blind", "oracle")) != (labels == "exact"):
                continue
            for arm, heads, knobs in arms:
                for number, knob in enumerate(knobs):
                    name = f"{arm} {knob}"
                    rng = np.random.default_rng([seed, number, len(labels), size, luck, *(name.encode() if luck else b"")])
                    slowness = slow[side] * (handicap if heads else 1.0) * (1.0 + 0.6 * number)
                    expansions = np.maximum(1, hardness * slowness * rng.lognormal(0, 0.5, instances)).astype(np.int32)
                    per_expansion = 1 if "policy" in heads else branching * bool(heads or side == "oracle")
                    evaluations = (expansions * per_expansion).astype(np.int32)
                    solved = (expansions < 20_000) & ((rng.random(instances) < 0.97) | (side in ("blind", "oracle")))
                    detour = 1 + np.floor(rng.random(instances) * 1.3) * 2 / optimal * (side not in ("blind", "oracle"))
                    arrays = {
                        "solved": solved,
                        "cost": np.where(solved, np.float32(optimal) * detour, np.inf),
                        "optimal": np.full(instances, optimal),
                        "expansions": expansions,
                        "evaluations": evaluations,
                        "calls": expansions * bool(heads),
                    }
                    yield Row(
                        world, labels, size, seed, split, side, arm, knob, tuple(heads),
                        side in collapsed, arrays, {"seconds": expansions * 1e-5},
                    )  # fmt: skip
