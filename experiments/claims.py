"""What a file of solutions claims: CSV with a header line, or JSON lines such as `astarzero solve --json` prints.

Columns are known by how their titles begin, so that other people's logs need no editing; of several that fit a field the first
of COLUMNS' order counts. Only the problem itself is needed, all else is checked where it is there. Bad files are one ValueError
sentence with the line; what a line *says* is for judging.py.
"""

import csv
import json
import math
import re
from dataclasses import dataclass
from pathlib import Path

COLUMNS = {  # field -> titles, the best first
    "state": (r"(state|tiles|problem|numbers|hand|cards)\b", r"(initial|start)[_ ]?(state|board)?\b", r"(puzzle|board)\b"),
    "plan": (r"(actions|plan|moves)\b", r"(solution|path|steps)\b", r"(expression|equation|answer|response|output)\b"),
    "cost": (r"cost\b", r"length\b|len\b", r"(solution|plan|path)[_ ](length|len|cost)\b", r"num[_ ](moves|steps)\b"),
    "nodes": (r"nodes", r"expan", r"evaluations", r"generated"),
    "optimal": (r"optim", r"best[_ ](cost|length)\b"),
    "bound": (r"lower_bound\b",),
    "target": (r"target\b",),
    "status": (r"status\b", r"solved\b", r"success\b"),
    "name": (r"instance\b", r"(id|idx|index|name|korf)\b"),
}
SOLVED = {"solved", "true", "yes", "1", "1.0", "ok", "success"}
UNSOLVABLE = {"unsolvable", "impossible"}  # EXHAUSTED too, where a lower bound was searched for and is infinite (null)
NOTHING = {"", "none", "null", "nan", "inf", "-1"}  # as a cost: no solution


@dataclass(frozen=True)
class Claim:
    """One line: a problem and what is said of it; None where nothing is."""

    line: int
    name: str
    state: str
    plan: str | None = None  # "" is the empty plan
    cost: float | None = None
    nodes: float | None = None
    optimal: float | None = None
    unsolvable: bool = False  # it says that there is no solution

    @property
    def solved(self) -> bool:
        """Does the line claim a solution?"""
        return not self.unsolvable and (self.plan is not None or self.cost is not None)


@dataclass(frozen=True)
class ClaimFile:
    """The lines of a file and the titles of what was read."""

    claims: list[Claim]
    titles: dict[str, str]  # field -> title


def read_claims(path: Path) -> ClaimFile:
    """Every line of a file. ValueError when it cannot be read, has no problems, or a line has not the header's fields."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as problem:
        raise ValueError(f"The file {path} cannot be read ({problem}); give CSV with a header line, or JSON lines.") from None
    records = json_records(path, text) if text.lstrip().startswith("{") else csv_records(path, text)
    if not records:
        raise ValueError(f"The file {path} has no solutions; it needs a header line and one line a problem.")
    titles = recognised(dict.fromkeys(title for _, record in records for title in record))
    if "state" not in titles:
        raise ValueError(f"The header of {path} names no column of problems; call one state, tiles, problem, numbers or hand.")
    if "plan" in titles and "cost" not in titles and counts(records, titles):
        titles["cost"] = titles.pop("plan")
    return ClaimFile([claim(path, line, record, titles) for line, record in records], titles)


def recognised(titles: dict[str, None]) -> dict[str, str]:
    """The title of each field that some title fits."""
    found: dict[str, str] = {}
    for field, patterns in COLUMNS.items():
        fitting = (title for pattern in patterns for title in titles if re.match(pattern, title.strip(), re.IGNORECASE))
        title = next((title for title in fitting if title not in found.values()), None)
        if title is not None:
            found[field] = title
    return found


def counts(records: list[tuple[int, dict[str, str]]], titles: dict[str, str]) -> bool:
    """Does the column of plans, called "moves" say, hold how many they are?"""
    values = [record.get(titles["plan"], "").strip() for _, record in records]
    numbers = [value for value in values if value.isdigit()]
    return any(len(number) > 1 for number in numbers) and all(value.isdigit() or value.lower() in NOTHING for value in values)


def csv_records(path: Path, text: str) -> list[tuple[int, dict[str, str]]]:
    """(number of its first line, title -> field) of every record; fields in quotes may have several lines."""
    lines = text.splitlines(keepends=True)
    delimiter = max(",;\t", key=(lines or [""])[0].count)
    reader, records, header = csv.reader(lines, delimiter=delimiter), [], None
    first = 1
    try:
        for fields in reader:
            if header is None:
                header = fields
            elif any(field.strip() for field in fields):
                if len(fields) != len(header):
                    raise ValueError(f"{path}, line {first} has {len(fields)} fields, but its header has {len(header)}; mend or remove it.")
                records.append((first, dict(zip(header, fields, strict=True))))
            first = reader.line_num + 1
    except csv.Error as problem:
        raise ValueError(f"{path}, line {first} is no CSV ({problem}); mend or remove it.") from None
    return records


def json_records(path: Path, text: str) -> list[tuple[int, dict[str, str]]]:
    """The same of JSON lines; a list becomes its items with spaces between, null nothing."""
    records = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                fields = json.loads(line)
                records.append((number, {str(title): as_text(value) for title, value in fields.items()}))
            except (ValueError, AttributeError):
                raise ValueError(f"{path}, line {number} is no JSON object; mend or remove it.") from None
    return records


def as_text(value: object) -> str:
    if value is None:
        return ""
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def claim(path: Path, line: int, record: dict[str, str], titles: dict[str, str]) -> Claim:
    """The fields of one record."""

    def text(field: str) -> str:
        return record.get(titles.get(field, ""), "").strip()

    def number(field: str) -> float | None:
        if text(field).lower() in NOTHING:
            return None
        try:
            value = float(text(field).replace("_", "x"))  # float("1_0") is 10
        except ValueError:
            raise ValueError(f"{path}, line {line}: {titles[field]} '{text(field)[:20]}' is no number; mend or remove the line.") from None
        return value if math.isfinite(value) else None

    status, plan, cost = text("status").lower(), text("plan"), number("cost")
    unsolvable = status in UNSOLVABLE or (status == "exhausted" and "bound" in titles and number("bound") is None)
    if status and status not in SOLVED:
        plan, cost = "", None
    said = plan not in ("", "[]") or cost == 0 or (status in SOLVED and cost is None and "plan" in titles)
    state = text("state") + (f" -> {text('target')}" if text("target") and "->" not in text("state") else "")
    return Claim(line, text("name") or state, state, plan if said else None, cost, number("nodes"), number("optimal"), unsolvable)
