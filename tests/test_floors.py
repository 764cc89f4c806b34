"""The floors hold: who may import whom, which library lives where, how long a file may be and what none is called.

Every file of the five folders is parsed, never imported. `offences` is the whole rule book; the planted sources at the end
show that each rule can fail.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FLOOR = {"envs": 1, "search": 2, "nets": 2, "training": 3, "experiments": 4}
LIVES_IN = {  # a library not named here may be used anywhere
    "gymnasium": {"envs"},
    "pettingzoo": {"envs"},
    "numba": {"envs", "search"},
    "torch": {"nets", "training"},
    "altair": {"experiments"},
    "vl_convert": {"experiments"},
}
FORBIDDEN_NAMES = {"utils", "util", "common", "base", "core", "helpers", "helper", "misc"}
LONGEST = 350  # lines; a longer file says why: its first line has the words "long because"


def imported(tree: ast.AST, package: str) -> Iterator[str]:
    """Every dotted name that a file of `package` may load, relative imports resolved, `import_module("...")` included."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (name.name for name in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                above = package.split(".")[: len(package.split(".")) + 1 - level] if level else []
                origin = ".".join([*above, *([module] if module else [])])
                yield origin
                yield from (f"{origin}.{name.name}" for name in names)
            case ast.Call(
                func=ast.Attribute(attr="import_module" | "__import__") | ast.Name(id="import_module" | "__import__"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                yield name


def offences(path: str, source: str) -> list[str]:
    """What the file at `path` (relative to the root, as in "search/mcts.py") does wrong, one sentence each."""
    folders, stem = path.split("/")[:-1], Path(path).stem
    floor = folders[0]
    found = []
    for name in sorted(set(imported(ast.parse(source), ".".join(["astarzero", *folders])))):
        top, _, rest = name.partition(".")
        other = rest.split(".")[0] if top == "astarzero" else ""
        if other in FLOOR and other != floor and FLOOR[other] >= FLOOR.get(floor, 5):
            found.append(f"{path} imports {name}, but {floor} stands on floor {FLOOR[floor]} and {other} on floor {FLOOR[other]}")
        if floor not in LIVES_IN.get(top, {floor}):
            found.append(f"{path} imports {name}, but {top} lives only in {' and '.join(sorted(LIVES_IN[top]))}")
    for name in (*folders, stem):
        if name in FORBIDDEN_NAMES or re.search(r"_v\d+$", name):
            found.append(f"{path}: {name} does not say what is inside")
    lines = source.splitlines()
    if len(lines) > LONGEST and "long because" not in lines[0].lower():
        found.append(f"{path} has {len(lines)} lines, more than {LONGEST}, and its first line does not say 'long because ...'")
    return found


FILES = sorted(str(file.relative_to(ROOT)) for floor in FLOOR for file in (ROOT / floor).rglob("*.py"))


@pytest.mark.parametrize("path", FILES)
def test_a_file_keeps_the_rules(path):
    assert not (found := offences(path, (ROOT / path).read_text(encoding="utf-8"))), "\n".join(found)


def test_every_floor_has_files():
    assert {path.split("/")[0] for path in FILES} == set(FLOOR)


PLANTED = [
    ("envs/sliding.py", "from astarzero.search import astar", "envs stands on floor 1 and search on floor 2"),
    ("envs/sliding.py", "from ..search import astar", "envs stands on floor 1 and search on floor 2"),
    ("envs/sliding.py", "def f():\n    import astarzero.experiments.contest", "experiments on floor 4"),
    ("search/mcts.py", "from astarzero import nets", "search stands on floor 2 and nets on floor 2"),
    ("search/mcts.py", "from .. import nets", "search stands on floor 2 and nets on floor 2"),
    ("search/deep/mcts.py", "from ...nets import mlp", "search stands on floor 2 and nets on floor 2"),
    ("nets/mlp.py", "from astarzero.search.result import Budget", "nets stands on floor 2 and search on floor 2"),
    ("training/labels.py", "import importlib\nimportlib.import_module('astarzero.experiments')", "experiments on floor 4"),
    ("search/mcts.py", "import gymnasium as gym", "gymnasium lives only in envs"),
    ("training/arena.py", "from pettingzoo import AECEnv", "pettingzoo lives only in envs"),
    ("nets/mlp.py", "from numba import njit", "numba lives only in envs and search"),
    ("search/mcts.py", "try:\n    import torch.nn\nexcept ImportError:\n    pass", "torch lives only in nets and training"),
    ("experiments/contest.py", "import torch", "torch lives only in nets and training"),
    ("training/arena.py", "import altair", "altair lives only in experiments"),
    ("search/utils.py", "", "utils does not say what is inside"),
    ("search/core/mcts.py", "", "core does not say what is inside"),
    ("search/mcts_v2.py", "", "mcts_v2 does not say what is inside"),
    ("envs/go.py", '"""Go."""\n' + "x = 1\n" * LONGEST, "more than 350"),
]


@pytest.mark.parametrize(("path", "source", "sentence"), PLANTED)
def test_each_rule_can_fail(path, source, sentence):
    assert any(sentence in offence for offence in offences(path, source))


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("training/selfplay.py", "import torch\nfrom astarzero import envs, nets, search\nfrom . import replay\nfrom ..search import mcts"),
        ("experiments/contest.py", "import altair\nfrom astarzero.training.labels import full"),
        ("search/mcts.py", "import numba\nimport numpy\nfrom .result import Budget\nfrom ..envs.domain import Domain"),
        ("envs/go.py", '"""Go: long because its rules are one idea."""\n' + "x = 1\n" * LONGEST),
    ],
)
def test_what_is_allowed_is_not_reported(path, source):
    assert offences(path, source) == []
