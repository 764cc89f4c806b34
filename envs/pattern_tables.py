"""Which tiles form the patterns of a board, and their databases: built when first asked for, kept on disk, checked when read.

The folder is $ASTARZERO_CACHE, else the user's own cache folder. One file a pattern: a line of JSON that says what it is,
with the SHA-256 of the rest, then one byte a placement. A file that is not what it should be is built again.
Read next: pattern_rules.py (what the tables mean), pattern_build.py (the search that makes them).
"""

import hashlib
import json
import os
import sys
import time
import warnings
from math import perm
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from astarzero.envs.pattern_build import build, crossing_weights, rank_weights

FORMAT = 1  # raised when ranks or values change their meaning
MOST_CELLS = 25
WORTH_KEEPING = 1 << 16  # placements; a smaller table is built sooner than it is read
WORTH_A_WORD = 1 << 20  # placements; a smaller table is built before anybody wonders

# Drawn over the goal with the blank last; turned by 180 degrees for the blank first. A board's first partition is its default.
PARTITIONS: dict[tuple[int, int], dict[str, tuple[str, ...]]] = {
    (4, 4): {
        "6-6-3": ("ACCC", "AABB", "AABB", "ABB."),
        "7-7-1": ("CBBB", "BBBB", "AAAA", "AAA."),
        "7-8": ("BBBB", "BBBB", "AAAA", "AAA."),
    },
    (5, 5): {
        "5-5-5-5-4": ("AABBB", "AABBC", "ADDDC", "EDDCC", "EEEC."),
        "6-6-6-6": ("DDDCC", "DDDCC", "BBACC", "BBAAA", "BBAA."),
    },
}


def partitions(height: int, width: int) -> tuple[str, ...]:
    """The names of a board's partitions, its default first; () for boards with more than MOST_CELLS cells."""
    if height * width > MOST_CELLS:
        return ()
    return tuple(PARTITIONS.get((height, width), {"-".join(str(len(part)) for part in slices(height, width)): ()}))


def slices(height: int, width: int) -> list[list[int]]:
    """Patterns for a board without a drawing: runs of goal cells of nearly equal length, at most 4 or, on more than 12 cells, 5."""
    cells = height * width
    count = -(-(cells - 1) // (4 if cells <= 12 else 5))
    return [part.tolist() for part in np.array_split(np.arange(cells - 1), count)]


def pattern_cells(height: int, width: int, name: str, blank_last: bool) -> list[list[int]]:
    """The goal cells of each pattern's tiles, ascending."""
    drawing = "".join(PARTITIONS.get((height, width), {}).get(name, ()))
    letters = sorted(set(drawing) - {"."})
    patterns = [[cell for cell, one in enumerate(drawing) if one == letter] for letter in letters] or slices(height, width)
    last = height * width - 1
    return patterns if blank_last else [sorted(last - cell for cell in pattern) for pattern in patterns]


def pattern_context(
    context: tuple[np.ndarray, ...], height: int, goal_tiles: list[int], name: str, folder: Path | None = None
) -> tuple[np.ndarray, ...]:
    """The context of pattern_rules.py: the domain's and the databases of partition `name`, read from `folder` or built and left there."""
    cells = len(goal_tiles)
    width = cells // height
    patterns = pattern_cells(height, width, name, goal_tiles[-1] == 0)
    turned = np.arange(cells).reshape(1, -1)
    if height == width:
        turned = np.concatenate([turned, turned.reshape(height, width).T.reshape(1, -1)])
    shape, longest = (len(turned), cells), max(map(len, patterns))
    tiles, weights = np.zeros((len(turned), len(patterns), longest), np.int64), np.zeros((len(patterns), longest), np.int64)
    pattern_of, crossings = np.zeros(shape, np.int64), np.zeros((*shape, cells), np.int64)
    for pattern, homes in enumerate(patterns):
        weight = rank_weights(cells, len(homes))
        change = crossing_weights(weight)[:, :-1] + np.diag(weight)
        weights[pattern, : len(homes)] = weight
        for orientation in range(len(turned)):
            members = [goal_tiles[turned[orientation, home]] for home in homes]
            tiles[orientation, pattern, : len(homes)] = members
            pattern_of[orientation, members] = pattern
            crossings[orientation][np.ix_(members, members)] = change
    starts = np.cumsum([0, *(perm(cells, len(homes)) for homes in patterns)])
    values = databases(height, goal_tiles, patterns, name, folder or cache_folder())
    return (*context, turned, tiles, weights, starts[:-1], values, pattern_of, crossings)


# --- databases, kept ------------------------------------------------------------------------------------------------------


def cache_folder() -> Path:
    """Where tables are kept: $ASTARZERO_CACHE, else `astarzero` in the platform's folder for caches."""
    if "ASTARZERO_CACHE" in os.environ:
        return Path(os.environ["ASTARZERO_CACHE"])
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "astarzero" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "astarzero"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "astarzero"


def databases(height: int, goal_tiles: list[int], patterns: list[list[int]], name: str, folder: Path) -> np.ndarray:
    """The databases of all patterns end to end: uint8 [placements]. Building a large one is told on stderr."""
    cells = len(goal_tiles)
    sizes = [perm(cells, len(homes)) for homes in patterns]
    values, started, built = np.empty(sum(sizes), np.uint8), time.perf_counter(), 0
    goal = f"sliding-{height}x{cells // height}-blank-{'last' if goal_tiles[-1] == 0 else 'first'}"
    for number, (homes, size) in enumerate(zip(patterns, sizes, strict=True)):
        table = values[sum(sizes[:number]) :][:size]
        words = {"format": FORMAT, "goal": goal, "tiles": [goal_tiles[home] for home in homes], "placements": size}
        file = folder / f"{goal}-{'.'.join(str(goal_tiles[home]) for home in homes)}.pdb"
        if size < WORTH_KEEPING or not read_table(file, words, table):
            title = f"pattern {number + 1} of {name}, {goal}"
            table[:] = build_watched(title, height, cells // height, homes, goal_tiles.index(0))
            built += size
            if size >= WORTH_KEEPING:
                keep_table(file, words, table)
    if built >= WORTH_A_WORD:
        seconds = time.perf_counter() - started
        print(f"Pattern database {name} of {goal}: {built / 1e6:.1f} MB built in {seconds:.1f} s, kept in {folder}.", file=sys.stderr)
    return values


def build_watched(title: str, height: int, width: int, homes: list[int], blank_home: int) -> np.ndarray:
    """`build`, with a progress bar on stderr where it takes more than a moment."""
    size = perm(height * width, len(homes))
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    quiet = size < WORTH_A_WORD or not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=quiet, refresh_per_second=2) as progress:
        task = progress.add_task(title, total=size)
        return build(height, width, homes, blank_home, lambda known: progress.update(task, completed=known))


def read_table(file: Path, words: dict[str, object], table: np.ndarray) -> bool:
    """Fill `table` from its file if that is whole and says the same `words`; a file that is there and is not gets one sentence."""
    try:
        with open(file, "rb") as source:
            header = json.loads(source.readline(1 << 12))
            if not isinstance(header, dict) or {**header, "sha256": 0} != {**words, "sha256": 0}:
                raise ValueError("its header is not that of this table")
            if source.readinto(table.data) != table.nbytes or source.read(1):
                raise ValueError("its length is wrong")
        if header["sha256"] != hashlib.sha256(table.data).hexdigest():
            raise ValueError("its checksum is wrong")
        return True
    except FileNotFoundError:
        return False
    except (OSError, ValueError, RecursionError) as problem:
        warnings.warn(f"The pattern database {file} cannot be used ({problem}), so it is built again.", RuntimeWarning, stacklevel=2)
        return False


def keep_table(file: Path, words: dict[str, object], table: np.ndarray) -> None:
    """Write a table, whole or not at all (to a neighbour, then renamed); one sentence where that cannot be."""
    header = json.dumps({**words, "sha256": hashlib.sha256(table.data).hexdigest()})
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            with open(beside, "wb") as target:
                target.write(header.encode() + b"\n")
                target.write(table.data)
                target.flush()
                os.fsync(target.fileno())
            os.replace(beside, file)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as problem:
        warnings.warn(f"The pattern database {file} could not be kept ({problem}); set ASTARZERO_CACHE.", RuntimeWarning, stacklevel=2)
