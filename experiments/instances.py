"""Problems to solve: from a line of text, a CSV file, or a domain's own set. Bad input is one ValueError sentence, with the line."""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from astarzero.envs.domain import Domain

STATE_COLUMN = re.compile(r"^(tiles|state|problem|numbers|hand)\b", re.IGNORECASE)
LENGTH_COLUMN = re.compile(r"^optimal", re.IGNORECASE)


@dataclass(frozen=True)
class Instance:
    """One problem: what to call it, its row [W], and its optimal cost where somebody knows it."""

    name: str
    state: np.ndarray
    optimal: float | None = None


def stated_goal(path: Path) -> str | None:
    """The goal layout that a tile file names in its header ("goal=0..15" or "goal=1..N,0"), as `--goal` spells it."""
    header = path.read_text(encoding="utf-8").partition("\n")[0] if path.is_file() else ""
    match = re.search(r"goal=([01])", header)
    return {"0": "blank-first", "1": "blank-last"}[match[1]] if match else None


def read_instances(domain: Domain, path: Path) -> list[Instance]:
    """The problems of a CSV file: a header line, a column that begins with tiles, state, problem, numbers or hand (or the only one);
    the first other column names an instance, a column that begins with "optimal" gives its cost."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError) as problem:
        raise ValueError(f"The instance file {path} cannot be read ({problem}); give a CSV file with a header line.") from None
    if len(rows) < 2:
        raise ValueError(f"The instance file {path} is empty; it needs a header line and one line a problem.")
    header = rows[0]
    places = [place for place, title in enumerate(header) if STATE_COLUMN.match(title.strip())] or ([0] if len(header) == 1 else [])
    if not places:
        raise ValueError(f"The header of {path} (line 1) names no column of problems; call one tiles, state, problem, numbers or hand.")
    lengths = [place for place, title in enumerate(header) if LENGTH_COLUMN.match(title.strip())]
    instances = []
    for number, row in enumerate(rows[1:], start=2):
        if not row:
            continue
        if len(row) != len(header):
            raise ValueError(f"{path}, line {number} has {len(row)} fields, but its header has {len(header)}; mend or remove the line.")
        try:
            state = domain.parse(row[places[0]])
            optimal = float(row[lengths[0]]) if lengths and row[lengths[0]].strip() else None
        except ValueError as problem:
            raise ValueError(f"{path}, line {number}: {problem}") from None
        instances.append(Instance(row[0] if places[0] != 0 else str(number - 1), state, optimal))
    return instances


def instance_set(domain: Domain, name: str) -> list[Instance]:
    """The domain's own set `name`, such as "all"."""
    if name not in domain.instance_sets:
        raise ValueError(f"{domain.name} has no instance set '{name}'; it has {', '.join(domain.instance_sets) or 'none'}.")
    return [Instance(domain.format(state), state) for state in domain.instance_sets[name]()]
