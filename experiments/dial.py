"""`astarzero dial`: turn the dial from one preset to another, a switch at a time, and see what each turn does.

The path is a sequence of *legs*, each turning one switch: one that is a number in equal steps, any other at once. The order of the
legs is part of the question, since a switch may help beside one setting and hurt beside another; it is an option. At every point the
same problems are searched under the same budget, so that neighbours are compared problem by problem.

A simulation that ends in a finished game or in a state that was judged before costs no evaluation; so that none runs on for ever, the
budget bounds expansions (simulations) too, by PATIENCE times the number.

Read next: ../search/dial.py (the switches), dial_grounds.py (problems, judges, regret), dial_figures.py.
"""

import dataclasses
import json as json_text
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

from astarzero.experiments.audit_tables import grid
from astarzero.experiments.contest import header_of, wide_console
from astarzero.experiments.dial_grounds import Ground, ground_of
from astarzero.experiments.results import Shard, pack, unpack
from astarzero.experiments.statistics import bootstrap, paired_difference, wilson
from astarzero.search import Budget
from astarzero.search.dial import CHOICES, PATIENCE, PRESETS, Dial, dial_search, preset

Record = dict[str, Any]
ORDER = ("goal_test", "proofs", "backup", "exploration", "c_puct", "decide", "expand", "prior", "value", "cost", "tie", "duplicates")
GAMES_ONLY, PUZZLES_ONLY = ("proofs", "decide"), ("goal_test", "cost", "duplicates")
QUICK = (40, 5, 300)  # instances, steps, evaluations


class Point(NamedTuple):
    """A place on the dial: `at` along the path, where a leg of numbers is 1 long and another half as long."""

    leg: str
    at: float
    dial: Dial


def dial(
    world: str,
    *,
    from_: str = "astar",
    to: str = "alphazero",
    order: tuple[str, ...] = ORDER,
    steps: int = 9,
    instances: int = 200,
    max_evaluations: int = 1000,
    value_noise: float = 0.2,
    prior_noise: float = 2.0,
    size: str | None = None,
    seed: int = 0,
    quick: bool = False,
    json: bool = False,
    out: Path | None = None,
) -> int:
    """Sweep one tree search from a preset to another, leg by leg: solve rate, evaluations and regret along the way.

    Exit status: 0 done, 2 on bad input.

    Parameters
    ----------
    world
        sliding-3x3, countdown-24 or another contest world, go, or a world that lists all its problems.
    from_
        The preset to begin with: astar, greedy, value-mcts, policy-mcts or alphazero.
    to
        The preset to end with.
    order
        The switches in the order in which they are turned; repeat the option. Those not named are turned last.
    steps
        Points of a leg that turns a number, both ends included.
    instances
        Problems, the same at every point.
    max_evaluations
        Of each problem.
    value_noise
        Of the noisy judge's values, as a share of the mean cost-to-go (Go: of the board).
    prior_noise
        Of the noisy judge's logits, in nats.
    size
        Of a board, where the world takes one.
    seed
        Of problems, noise, ties and intervals.
    quick
        At most 40 problems, 5 steps and 300 evaluations.
    json
        One JSON object a line (a point) on standard output, and nothing else there.
    out
        Folder for dial-WORLD.jsonl and dial-WORLD.png, which are replaced.
    """
    if quick:
        instances, steps, max_evaluations = (min(pair) for pair in zip((instances, steps, max_evaluations), QUICK, strict=True))
    for name, number, least in (("instances", instances, 2), ("steps", steps, 2), ("max-evaluations", max_evaluations, 1)):
        if number < least:
            raise ValueError(f"Option {name} is {number}, but it must be at least {least}.")
    for name in (from_, to):
        if name not in PRESETS:
            raise ValueError(f"Preset '{name}' is not known; give one of {', '.join(PRESETS)}.")
    for name in order:
        if name not in ORDER:
            raise ValueError(f"Switch '{name}' is not known; give some of {', '.join(ORDER)}.")
    if not (value_noise >= 0 and prior_noise >= 0):
        raise ValueError(f"Noises are {value_noise} and {prior_noise}, but they must be at least 0.")
    with Console(stderr=True).status("solving the world") as status:
        ground = ground_of(world, size, instances, value_noise, prior_noise, seed)
        path = points(preset(from_, ground.domain), preset(to, ground.domain), order, steps, ground.domain.discount < 0)
        records: list[Record] = []
        for record in sweep(ground, path, Budget(evaluations=max_evaluations, expansions=PATIENCE * max_evaluations), seed):
            records.append({"world": ground.domain.name, "from": from_, "to": to, "unit": len(records), **record})
            status.update(f"{record['judge']}: {record['leg']} {record['at']:.2f}")
            if json:
                sys.stdout.write(json_text.dumps({name: value for name, value in records[-1].items() if name != "arrays"}) + "\n")
    if not json:
        for table in tables(records):
            wide_console().print(table, highlight=False)
    if out is not None:
        config = {
            "world": world, "from": from_, "to": to, "order": list(order), "steps": steps, "instances": instances, "size": size,
            "max_evaluations": max_evaluations, "value_noise": value_noise, "prior_noise": prior_noise,
        }  # fmt: skip
        write(out, ground.domain.name, records, header_of(shlex.join(["astarzero", *sys.argv[1:]]), seed, config))
    return 0


def points(start: Dial, end: Dial, order: Sequence[str], steps: int, two: bool) -> list[Point]:
    """The path from one setting to another. Switches that mean nothing to so many players stay as they are."""
    idle = PUZZLES_ONLY if two else GAMES_ONLY
    turned = [name for name in (*order, *(name for name in ORDER if name not in order)) if name not in idle]
    made, at = [Point("start", 0.0, start)], 0.0
    for name in turned:
        before, after = getattr(start, name), getattr(end, name)
        if before == after:
            continue
        if name in CHOICES or isinstance(before, bool):
            at, start = at + 0.5, dataclasses.replace(start, **{name: after})
            made.append(Point(f"{name} {after}".replace("proofs False", "no proofs"), at, start))
            continue
        for share in np.linspace(0, 1, steps)[1:]:
            value = after if share == 1 else round(float(before + share * (after - before)), 9)
            setting: Record = {name: value}
            made.append(Point(name, at + float(share), dataclasses.replace(start, **setting)))
        at, start = at + 1, made[-1].dial
    return made


def sweep(ground: Ground, path: Sequence[Point], budget: Budget, seed: int) -> Iterator[Record]:
    """A record a judge and point: rates and means with 95 % intervals over problems, and what the turn since the last leg did."""
    two = ground.domain.discount < 0
    for name, judge in ground.judges.items():
        ended: dict[str, np.ndarray] = {}  # the arrays where the last leg ended
        for place, point in enumerate(path):
            results = [dial_search(ground.domain, root, judge, dial=point.dial, budget=budget, seed=seed) for root in ground.roots]
            arrays = {
                "solved": np.array([bool(result.plan) or (two and result.solved) for result in results]),
                "evaluations": np.array([result.evaluations for result in results], np.int32),
                "spent": np.array([result.evaluations if result.solved else budget.evaluations for result in results], np.int32),
                "expansions": np.array([result.expansions for result in results], np.int32),
                "regret": np.array([ground.regret(number, result) for number, result in enumerate(results)]),
            }
            rng = np.random.default_rng((seed, place))
            known = arrays["regret"][~np.isnan(arrays["regret"])]
            last = place + 1 == len(path) or path[place + 1].leg != point.leg
            record: Record = {
                "kind": "point", "judge": name, "leg": point.leg, "at": round(point.at, 6), "dial": dataclasses.asdict(point.dial),
                "instances": len(results), "solved": wilson(int(arrays["solved"].sum()), len(results)),
                "spent": bootstrap(arrays["spent"], np.mean, rng),
                "regret": bootstrap(known, np.mean, rng) if len(known) else None, "regret_of": len(known),
                "regret_unit": ground.unit, "chance": ground.chance,
                "turn": turn(ended, arrays, rng) if last and ended else None,
                "arrays": {field: pack(array) for field, array in arrays.items()},
            }  # fmt: skip
            if last:
                ended = arrays
            yield record


def turn(before: Record, after: Record, rng: np.random.Generator) -> Record:
    """What a whole leg changed, problem by problem, with 95 % intervals; regret over the problems that both ends decided."""
    both = ~np.isnan(before["regret"]) & ~np.isnan(after["regret"])
    changes = {name: paired_difference([after[name]], [before[name]], rng) for name in ("solved", "spent")}
    regret = paired_difference([after["regret"][both]], [before["regret"][both]], rng) if both.any() else None
    return {**changes, "regret": regret}


def write(directory: Path, name: str, records: Sequence[Record], header: Record) -> None:
    """dial-NAME.jsonl, its first line the header, and the picture."""
    from astarzero.experiments.dial_figures import dial_figure
    from astarzero.experiments.report import png

    path = directory / f"dial-{name}.jsonl"
    path.unlink(missing_ok=True)
    with Shard(path, header) as shard:
        for record in records:
            shard.append(record)
    (directory / f"dial-{name}.png").write_bytes(png(dial_figure(records)))


def tables(records: Sequence[Record]) -> Iterator[Table]:
    """A table a judge: where each leg ends, and what it changed."""
    for judge in dict.fromkeys(record["judge"] for record in records):
        ours = [record for record in records if record["judge"] == judge]
        first = ours[0]
        told = ("solved", "spent") if first["chance"] is None else ("solved", "regret")  # whose changes; games spend it all
        rows = []
        for record in ours:
            if record is first or record["turn"]:
                row = [record["leg"]]
                for name in ("solved", "spent", "regret"):
                    row.append(span(record[name], whole=name == "spent"))
                    if name in told:
                        row.append(span((record["turn"] or {}).get(name), "+", whole=name == "spent"))
                rows.append(row)
        ends = [{name: unpack(array) for name, array in end["arrays"].items()} for end in (first, ours[-1])]
        whole = turn(ends[0], ends[1], np.random.default_rng(0))
        row = ["the whole way"]
        for name in ("solved", "spent", "regret"):
            row.extend(["", span(whole[name], "+", whole=name == "spent")] if name in told else [""])
        rows.append(row)
        names = {"solved": "solved" if first["chance"] is None else "value proven", "spent": "evaluations", "regret": "regret"}
        columns = [column for name, words in names.items() for column in ((words, "change") if name in told else (words,))]
        title = f"{first['world']}, {judge} judge, {first['instances']} problems, {way(first)}"
        yield grid(title, ("leg", *columns), rows)


def way(record: Record) -> str:
    """From where to where, and what regret is."""
    chance = "" if record["chance"] is None else f", {record['chance']:.2f} by a random move"
    return f"from {record['from']} to {record['to']}, where each leg ends; regret: {record['regret_unit']}{chance}"


def span(numbers: Sequence[float] | None, sign: str = "", whole: bool = False) -> str:
    """A number with its interval."""
    if numbers is None:
        return ""
    mean, low, high = (f"{number:{sign},.{0 if whole else 2}f}" for number in numbers)
    return f"{mean} [{low} {high}]"
