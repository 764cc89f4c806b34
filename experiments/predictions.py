"""Predictions against outcomes: who said before the run which side would win, and who was right.

A prediction counts only if the commit that the results were made from already held it, word for word, in
experiments/predictions.toml: then it was written before the run. That is read from git, never from dates, and whatever
cannot be shown is "not counted" with the reason. The worlds of the pilots are scored apart, as their predictions have seen
data; "always value" and "always policy" are scored beside every predictor on the same cells; and intervals resample worlds,
because cells of one world are right or wrong together.

Source: SCIENCE.md section 3, rule 8. Read next: predictions.toml (the format), verdicts.py (the outcomes).
"""

import datetime
import subprocess
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from astarzero.experiments.results import AXES
from astarzero.experiments.statistics import Interval, clustered_rate
from astarzero.experiments.verdicts import Cell

FILE = Path(__file__).resolve().with_name("predictions.toml")
LABELS = ("full", "matched", "exact")
WINNERS = ("value", "policy", "tie")
BASELINES = {"always value": "value", "always policy": "policy"}


@dataclass(frozen=True)
class Prediction:
    """One entry of predictions.toml; its head explains the fields."""

    world: str
    labels: str
    axis: str
    predictor: str
    winner: str
    date: datetime.date
    reason: str
    pilot: bool
    size: int | None = None  # the largest that was run

    @property
    def name(self) -> str:
        return f"{self.predictor} on {self.world}, {self.labels}, {self.axis}" + ("" if self.size is None else f", {self.size} states")


@dataclass(frozen=True)
class Outcome:
    """A prediction beside what happened. `right` is None when it does not count; `note` then says why."""

    prediction: Prediction
    verdict: str  # of the cell, or "" when there is no such cell
    right: bool | None
    note: str


@dataclass(frozen=True)
class Tally:
    """How often one predictor, and the two baselines on the very same cells, were right."""

    predictor: str
    pilot: bool
    counted: int
    right: int
    rate: Interval  # resampled by world
    baselines: Mapping[str, int]  # how many of these cells each baseline had right


def parse(text: str, source: str = "predictions.toml") -> list[Prediction]:
    """The entries of a predictions file. ValueError, one sentence, names the entry and the field that is wrong."""
    try:
        entries = tomllib.loads(text).get("prediction", [])
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{source} is not TOML: {error}.") from error
    return [_parse_entry(entry, f"{source}, prediction {number}") for number, entry in enumerate(entries, 1)]


def _parse_entry(entry: Mapping[str, object], place: str) -> Prediction:
    known = {item.name for item in fields(Prediction)}
    if wrong := sorted(entry.keys() ^ known - ({"size"} - entry.keys())):
        trouble = "no field" if wrong[0] in entry else "missing"
        raise ValueError(f"{place}: {wrong[0]} is {trouble}; an entry has {', '.join(sorted(known))}.")
    for name, choices in (("labels", LABELS), ("axis", AXES), ("winner", WINNERS)):
        if entry[name] not in choices:
            raise ValueError(f"{place}: {name} must be one of {', '.join(choices)}, not {entry[name]!r}.")
    for name, kind, example in (("date", datetime.date, "2026-01-31"), ("pilot", bool, "true or false"), ("size", int, "2000")):
        if name in entry and not isinstance(entry[name], kind):
            raise ValueError(f"{place}: {name} must be like {example}; it is {entry[name]!r}.")
    return Prediction(**entry)  # type: ignore[arg-type]


def load(path: Path = FILE) -> list[Prediction]:
    """The predictions as they stand now; none when the file is not there (an installed wheel does not carry it)."""
    return parse(path.read_text(encoding="utf-8"), path.name) if path.exists() else []


def committed(revision: str, path: Path = FILE) -> list[Prediction]:
    """The predictions that the commit `revision` holds. ValueError, one sentence, when git cannot show them.

    A revision that ends in "-dirty" or "+" stands for its commit: what was not committed then is not counted.
    """
    commit = revision.removesuffix("-dirty").removesuffix("+")
    if not commit or not commit.isalnum():
        raise ValueError(f"the results name no commit (their revision is {revision!r}), so nothing shows what came first")
    try:
        inside = _git(path.parent, "rev-parse", "--is-inside-work-tree").stdout.strip() == "true"
    except FileNotFoundError:
        inside = False
    if not inside:
        raise ValueError("this is not a git checkout, so nothing shows that the prediction was written before the run")
    if _git(path.parent, "merge-base", "--is-ancestor", commit, "HEAD").returncode:
        raise ValueError(f"the commit {commit[:12]} of the results is no ancestor of this checkout, or the clone is shallow")
    shown = _git(path.parent, "show", f"{commit}:./{path.name}")
    if shown.returncode:
        raise ValueError(f"{path.name} is not in the commit {commit[:12]} of the results")
    return parse(shown.stdout, f"{path.name} at {commit[:12]}")


def _git(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, encoding="utf-8")


def score(cells: Sequence[Cell], revisions: Mapping[str, Sequence[str]], path: Path = FILE) -> list[Outcome]:
    """Every prediction about a world of the results, beside its cell. `revisions`, by world, are those of `Results`: all must hold it."""
    shown: dict[str, list[Prediction] | str] = {}
    for revision in {revision for of_world in revisions.values() for revision in of_world}:
        try:
            shown[revision] = committed(revision, path)
        except ValueError as error:
            shown[revision] = str(error)
    outcomes = []
    for prediction in (prediction for prediction in load(path) if prediction.world in revisions):
        cell = _cell_of(prediction, cells)
        reason = _reason_not_to_count(prediction, cell, [shown[revision] for revision in revisions[prediction.world]])
        right = None if reason or cell is None else cell.verdict == prediction.winner
        outcomes.append(Outcome(prediction, cell.verdict if cell else "", right, f"not counted: {reason}" if reason else ""))
    return outcomes


def _cell_of(prediction: Prediction, cells: Sequence[Cell]) -> Cell | None:
    place = (prediction.world, prediction.labels, prediction.axis)
    found = [cell for cell in cells if (cell.world, cell.labels, cell.axis) == place and prediction.size in (None, cell.size)]
    return max(found, key=lambda cell: cell.size, default=None)


def _reason_not_to_count(prediction: Prediction, cell: Cell | None, shown: Sequence[list[Prediction] | str]) -> str:
    if cell is None:
        return "no such cell in these results"
    for at_revision in shown:
        if isinstance(at_revision, str):
            return at_revision
        if prediction not in at_revision:
            return "this entry is not in predictions.toml at the commit of the results, so it was not written before the run"
    if cell.verdict not in WINNERS:
        return f"the cell is {cell.verdict}"
    return ""


def tally(outcomes: Sequence[Outcome], samples: int = 2000, seed: int = 0) -> list[Tally]:
    """One line a predictor, pilots apart and last; predictions that do not count are left out."""
    groups: dict[tuple[bool, str], list[Outcome]] = {}
    for outcome in outcomes:
        if outcome.right is not None:
            groups.setdefault((outcome.prediction.pilot, outcome.prediction.predictor), []).append(outcome)
    tallies = []
    for (pilot, predictor), ours in sorted(groups.items()):
        worlds = sorted({outcome.prediction.world for outcome in ours})
        hits = [[bool(outcome.right) for outcome in ours if outcome.prediction.world == world] for world in worlds]
        rate = clustered_rate(hits, np.random.default_rng(seed), samples)
        baselines = {name: sum(outcome.verdict == winner for outcome in ours) for name, winner in BASELINES.items()}
        tallies.append(Tally(predictor, pilot, len(ours), sum(map(sum, hits)), rate, baselines))
    return tallies
