"""Result files: one shard a world and training seed, one JSON object a line, per-instance arrays inside.

A shard `DIR/<world>-seed<K>.jsonl` opens with a header (command, revision, versions, seed, config, date). Then follow, in
the order they were measured:

    row         one trial (arm x knob) on one split: per-instance arrays, and its clock times apart under "timing"
    cost_model  what a call of a net, by the number of its states, and an expansion take here, with the runs that validate it
    match       the points of a pair of players in a game without a table, game by game
    choice      how much regret one step of a head removes, by stage, and how much of what V judges so was among its labels
    resumed     the run was taken up again under another revision
    done        a unit of work is complete

A shard is only ever appended to, one flush a line, so a killed run leaves at most one torn line, which the next opening
drops. A killed and resumed run then equals an uninterrupted one but for its clock; `untimed` removes the clock.

Read next: verdicts.py (rows -> cells), report.py (cells -> pages).
"""

import base64
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

AXES = ("expansions", "evaluations", "seconds")
SIDES = ("value", "policy", "q", "both", "half", "control", "blind", "oracle")
SPLITS = ("validation", "test")
ARRAYS = {  # what a row of a puzzle holds, per instance
    "solved": np.dtype("bool"),
    "cost": np.dtype("float32"),  # of the plan found; inf when unsolved
    "optimal": np.dtype("float32"),
    "expansions": np.dtype("int32"),  # this and the next two: counted when the search ended
    "evaluations": np.dtype("int32"),
    "calls": np.dtype("int32"),
}
DECISIONS = {  # what a row of a game holds, per instance and look at a search that goes on
    "saved": np.dtype("float32"),  # what the move decided on gives away less than `chance`; may be negative
    "chance": np.dtype("float32"),  # what a random legal move gives away, the same at every look
    "family": np.dtype("int32"),  # a number for problems that are alike, the same at every look: they are resampled together
    **{name: np.dtype("int32") for name in ("expansions", "evaluations", "calls")},  # spent by then, never less than at the look before
}
IDENTITY = ("kind", "world", "labels", "size", "seed", "split", "side", "arm", "knob", "head", "unit")
# fields that may differ between two equal runs
CLOCK = ("timing", "date", "a", "second_head", "net", "c", "rollout", "measured", "predicted")


@dataclass(frozen=True)
class Row:
    """One trial on one split. Arrays have an entry for each instance, in the same order in every row of a (seed, split).

    A puzzle's arrays, ARRAYS, are [N]; a game's, DECISIONS, are [N, G], and G is a matter of the arm.
    """

    world: str
    labels: str  # "full", "matched", or "exact" when no net is involved
    size: int  # labelled states the nets were trained on
    seed: int
    split: str
    side: str
    arm: str  # search x heads, a short name
    knob: str  # as in "weight=2"
    heads: tuple[str, ...]
    collapsed: bool  # a net of this trial gives constant outputs
    arrays: Mapping[str, np.ndarray]
    timing: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.side not in SIDES or self.split not in SPLITS:
            raise ValueError(f"{self.name}: the side must be one of {', '.join(SIDES)} and the split one of {', '.join(SPLITS)}.")
        needed, axes = (DECISIONS, 2) if self.of_a_game else (ARRAYS, 1)
        if missing := [name for name in needed if name not in self.arrays]:
            raise ValueError(f"{self.name} lacks the array {missing[0]}: a row holds {', '.join(needed)}.")
        if len({np.shape(array) for array in (*self.arrays.values(), *self.timing.values())}) != 1 or np.ndim(self.arrays["calls"]) != axes:
            each = "number per instance" if axes == 1 else "number per instance and look"
            raise ValueError(f"{self.name}: its arrays differ in shape, but each must hold one {each}.")

    @property
    def of_a_game(self) -> bool:
        """Does it hold decisions rather than solutions?"""
        return "saved" in self.arrays

    @property
    def instances(self) -> int:
        return len(self.arrays["calls"])

    @property
    def trial(self) -> str:
        """Arm and knob, as tables print them."""
        return f"{self.arm} {self.knob}".strip()

    @property
    def name(self) -> str:
        return f"row {self.world} {self.labels} {self.size} seed {self.seed} {self.split} {self.side} {self.trial}"

    def to_record(self) -> dict[str, Any]:
        """The line of this row. Arrays are cast to their agreed types; the clock comes last."""
        plain = {name: getattr(self, name) for name in ("world", "labels", "size", "seed", "split", "side", "arm", "knob")}
        kinds = DECISIONS if self.of_a_game else ARRAYS
        arrays = {name: pack(np.asarray(array, kinds.get(name))) for name, array in self.arrays.items()}
        timing = {name: pack(array) for name, array in self.timing.items()}
        return {"kind": "row", **plain, "heads": list(self.heads), "collapsed": bool(self.collapsed), "arrays": arrays, "timing": timing}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Row":
        plain = {name: value for name, value in record.items() if name not in ("kind", "heads", "arrays", "timing")}
        unpacked = [{name: unpack(packed) for name, packed in record.get(group, {}).items()} for group in ("arrays", "timing")]
        return cls(**plain, heads=tuple(record["heads"]), arrays=unpacked[0], timing=unpacked[1])


def pack(array: np.ndarray) -> dict[str, Any]:
    """An array as JSON: dtype, shape, and its little-endian bytes, deflated, in base64. Lossless; same array, same text."""
    array = np.asarray(array)
    array = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).reshape(array.shape)
    text = base64.b64encode(zlib.compress(array.tobytes(), 9)).decode("ascii")
    return {"dtype": array.dtype.str, "shape": list(array.shape), "zlib64": text}


def unpack(packed: Mapping[str, Any]) -> np.ndarray:
    """The array that `pack` wrote, in this machine's byte order."""
    stored = np.frombuffer(zlib.decompress(base64.b64decode(packed["zlib64"])), packed["dtype"]).reshape(packed["shape"])
    return stored.astype(stored.dtype.newbyteorder("="))


def finite_or_none(number: float) -> float | None:
    """A number that JSON can hold: None for inf and nan."""
    return float(number) if np.isfinite(number) else None


def key(record: Mapping[str, Any]) -> tuple:
    """What makes a line of a shard the one it is; works on a partial record, as in `key({"kind": "row", "world": ...})`."""
    return tuple(record.get(name) for name in IDENTITY)


def untimed(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record without what a clock wrote: two runs of the same seed agree on this."""
    return {name: value for name, value in record.items() if name not in CLOCK}


class Shard:
    """The writer of one shard; opens it, or takes it up where a killed run left it.

    `done` holds the keys of all its lines. Use it as a context manager. Raises ValueError, in one sentence, when the file
    belongs to another contest (its header's seed or config differ) or is no shard.
    """

    def __init__(self, path: Path, header: Mapping[str, Any]):
        """Header: command, revision, versions, seed, config (what must agree for the shard to be resumed) and date."""
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        header = {"kind": "header", **json.loads(_line(header))}  # as it reads back: tuples are lists, keys are text
        records = list(read_records(self.path)) if self.path.exists() else []
        if records:
            _check_header(self.path, records[0], header)
            with self.path.open("rb+") as file:
                file.truncate(file.read().rfind(b"\n") + 1)  # a torn last line goes
        self._stored = {key(record): record for record in records[1:]}
        self.done = set(self._stored)
        self._file = self.path.open("a" if records else "w", encoding="utf-8", newline="\n")
        if not records:
            self._write(header)
        else:
            revision = [record["revision"] for record in records if record["kind"] in ("header", "resumed")][-1]
            if revision != header["revision"]:
                self._write({"kind": "resumed", "revision": header["revision"], "date": header.get("date")})

    def find(self, wanted: Mapping[str, Any]) -> dict[str, Any] | None:
        """The line that an earlier run wrote under the key of `wanted`, or None."""
        return self._stored.get(key(wanted))

    def append(self, record: Row | Mapping[str, Any]) -> None:
        """Add one line and flush it. A second line with the same key is an error."""
        record = record.to_record() if isinstance(record, Row) else dict(record)
        if (identity := key(record)) in self.done:
            words = " ".join(str(part) for part in identity if part is not None)
            raise ValueError(f"{self.path.name} already holds {words}: look into `done` before appending.")
        self._write(record)
        self.done.add(identity)

    def _write(self, record: Mapping[str, Any]) -> None:
        self._file.write(_line(record) + "\n")
        self._file.flush()

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> "Shard":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _line(record: Mapping[str, Any]) -> str:
    try:
        return json.dumps(record, separators=(",", ":"), allow_nan=False, ensure_ascii=False, default=_as_plain)
    except ValueError as error:
        raise ValueError(f"A {record.get('kind', 'header')} line holds NaN or infinity, which JSON lacks: write null instead.") from error


def _as_plain(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot stand in a line of results: use numbers, text, lists and dicts.")


def _check_header(path: Path, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    for name in ("seed", "config"):
        if old.get(name) != new.get(name):
            raise ValueError(
                f"{path} was made with another {name} ({_first_difference(old.get(name), new.get(name))}): "
                "give the same options again, or another --out folder."
            )


def _first_difference(old: Any, new: Any) -> str:
    if isinstance(old, dict) and isinstance(new, dict):
        name = next(name for name in sorted({*old, *new}) if old.get(name) != new.get(name))
        return f"{name}: {_first_difference(old.get(name), new.get(name))}"
    return f"{json.dumps(old)} there, {json.dumps(new)} now"


def read_records(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a shard, header first, without a torn last one. ValueError, naming file and line, when it is no shard."""
    lines = path.read_bytes().split(b"\n")[:-1]  # what follows the last newline is a torn line, or nothing
    for number, line in enumerate(lines, 1):
        try:
            record = json.loads(line)
            kind = record["kind"]
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"{path}, line {number} is not a line of results: delete the file and run the contest again.") from error
        if (kind == "header") != (number == 1):
            raise ValueError(f"{path}, line {number}: a shard has one header, its first line; delete the file and run the contest again.")
        yield record


@dataclass(frozen=True)
class Results:
    """All that a folder of shards holds."""

    headers: tuple[dict[str, Any], ...]
    rows: tuple[Row, ...]
    cost_models: tuple[dict[str, Any], ...]
    choices: tuple[dict[str, Any], ...]
    revisions: Mapping[str, tuple[str, ...]]  # by world: every revision that wrote a line of it
    matches: tuple[dict[str, Any], ...] = ()

    @property
    def worlds(self) -> list[str]:
        return list(dict.fromkeys(row.world for row in self.rows))

    def grid(self, world: str, axis: str) -> tuple[float, float]:
        """The lowest and the highest budget of the axis, fixed in the header before the run."""
        found = {tuple(header["config"].get("grid", {}).get(world, {}).get(axis, ())) for header in self.headers} - {()}
        if len(found) != 1:
            trouble = "different ranges" if found else "no range"
            raise ValueError(f"The headers give {trouble} of {axis} for {world}: every shard of a folder must come from one contest.")
        lowest, highest = found.pop()
        return float(lowest), float(highest)

    def cost_model(self, world: str, seed: int) -> dict[str, Any] | None:
        """The cost model of this world, from the shard of this seed: see `clock_of`."""
        return next((model for model in self.cost_models if (model["world"], model["seed"]) == (world, seed)), None)


def clock_of(model: Mapping[str, Any], calls: np.ndarray, evaluations: np.ndarray, expansions: np.ndarray, heads: int = 1) -> np.ndarray:
    """Seconds that so many calls of a net, on so many states in all, and so many expansions take: float64, of the shape of the counts.

    A call on n states takes a + net(n), and `second_head` for each of its `heads` but one; an expansion takes c. net(n) is measured at
    `sizes`, linear between them, and proportional to n beyond; all calls are taken to be of their mean size.
    """
    if "net" not in model:
        raise ValueError("A cost model of an earlier kind lies there, so its seconds are unknown; run the contest into another folder.")
    calls, sizes, seconds = np.asarray(calls, np.float64), model["sizes"], model["net"]
    size = evaluations / np.maximum(calls, 1.0)
    call = model["a"] + model["second_head"] * (heads - 1) + np.interp(size, sizes, seconds) * np.maximum(1.0, size / sizes[-1])
    return calls * call + model["c"] * np.asarray(expansions, np.float64)


def read(directory: Path) -> Results:
    """Every shard of a folder, in the order of world and seed. Raises ValueError when there is none."""
    directory = Path(directory)
    shards = [list(read_records(path)) for path in sorted(directory.glob("*.jsonl"))]
    shards = sorted((shard for shard in shards if shard), key=lambda shard: shard[0]["seed"])
    if not shards:
        raise ValueError(f"{directory} holds no results (*.jsonl): run `astarzero contest --out {directory}` first.")
    lines = [record for shard in shards for record in shard[1:]]
    revisions: dict[str, tuple[str, ...]] = {}
    for shard in shards:
        wrote = [record["revision"] for record in shard if record["kind"] in ("header", "resumed")]
        for world in {record["world"] for record in shard if "world" in record}:
            revisions[world] = tuple(dict.fromkeys((*revisions.get(world, ()), *wrote)))
    return Results(
        headers=tuple(shard[0] for shard in shards),
        rows=tuple(sorted((Row.from_record(record) for record in lines if record["kind"] == "row"), key=lambda row: (row.world, row.seed))),
        cost_models=tuple(record for record in lines if record["kind"] == "cost_model"),
        choices=tuple(record for record in lines if record["kind"] == "choice"),
        revisions=revisions,
        matches=tuple(record for record in lines if record["kind"] == "match"),
    )
