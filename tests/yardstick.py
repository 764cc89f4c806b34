"""Searches and random games of ours once more in C++ (benchmarks/yardsticks), compiled where a compiler is, and Korf's instances.

What is compiled stays in the folder for temporary files, under a name made of its source and compiler: it is compiled once.
"""

import csv
import functools
import hashlib
import json
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

SOURCES = Path(__file__).resolve().parent / "benchmarks" / "yardsticks"
KORF = Path(__file__).resolve().parents[2] / "shared" / "data" / "korf100.csv"
FLAGS = ("-std=c++17", "-O3", "-march=native")
VARIANTS = {"astar15-plain": ("astar15", ("-DPLAIN",))}  # programs that are another program's source with more flags

needs_korf = pytest.mark.skipif(not KORF.exists(), reason=f"Korf's instances are not at {KORF}")


@functools.cache
def korf() -> dict[int, dict[str, str]]:
    """Korf's instances by number: the columns of the file, `tiles` the board."""
    with KORF.open(newline="") as file:
        return {int(row["korf"]): {name.partition("(")[0]: value for name, value in row.items()} for row in csv.DictReader(file)}


def compiler() -> str | None:
    """The C++ compiler that there is."""
    return next((path for path in map(shutil.which, ("g++", "clang++")) if path), None)


def compiler_version() -> str:
    """Its own words, or that there is none."""
    path = compiler()
    return "none" if path is None else subprocess.run([path, "--version"], capture_output=True, text=True).stdout.partition("\n")[0]


@functools.cache
def build(name: str) -> Path:
    """The program of `yardsticks/NAME.cpp`, or one of VARIANTS. The test is skipped without a compiler."""
    path = compiler()
    if path is None:
        pytest.skip("there is no C++ compiler (g++ or clang++) to build the yardstick with")
    file, flags = VARIANTS.get(name, (name, ()))
    source, flags = SOURCES / f"{file}.cpp", (*FLAGS, *flags)
    mark = hashlib.sha256(source.read_bytes() + " ".join((*flags, compiler_version())).encode()).hexdigest()[:16]
    program = Path(tempfile.gettempdir()) / f"astarzero-yardstick-{name}-{mark}"
    if not program.exists():
        with tempfile.TemporaryDirectory() as folder:
            built = Path(folder) / name
            subprocess.run([path, *flags, source, "-o", built], check=True)
            shutil.move(built, program)
    return program


def measure(name: str, works: list[str]) -> list[dict[str, float]]:
    """What the yardstick says of each piece of work, given as the head of its source says: numbers by name, cpu_seconds among them."""
    answer = subprocess.run([build(name), *works], check=True, capture_output=True, text=True)
    return [json.loads(line) for line in answer.stdout.splitlines()]
