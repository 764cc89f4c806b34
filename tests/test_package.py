"""The package from outside: its guards, what a wheel holds, what an import loads, and that tools see each file once.

Each test starts a fresh interpreter or a fresh copy of the tree, because the running one has imported everything already.
"""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FLOORS = ("envs", "search", "nets", "training", "experiments")
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
needs_ruff = pytest.mark.skipif(find_spec("ruff") is None, reason="needs ruff, in the dev extra")
needs_build = pytest.mark.skipif(find_spec("build") is None, reason="needs build, in the dev extra")


def run(*command: str | Path, cwd: Path = ROOT, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command in `cwd`, with `path` first on the import path."""
    env = os.environ | ({} if path is None else {"PYTHONPATH": str(path)})
    return subprocess.run([str(word) for word in command], cwd=cwd, env=env, capture_output=True, text=True)


def python(code: str, cwd: Path = ROOT, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    return run(sys.executable, "-c", code, cwd=cwd, path=path)


def copy_tree(to: Path) -> Path:
    """A copy of what the package is built from, links kept as links, without results and caches."""
    to.mkdir()
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, to)
    for folder in ("src", *FLOORS):
        shutil.copytree(ROOT / folder, to / folder, symlinks=True, ignore=shutil.ignore_patterns("__pycache__", "results", "*.egg-info"))
    return to


# Guards: one sentence, naming the way out.


@pytest.mark.parametrize("floor", FLOORS)
def test_a_floor_imported_by_its_bare_name_is_refused(floor):
    answer = python(f"import {floor}")
    assert answer.returncode == 1
    assert answer.stderr.splitlines()[-1] == (
        f"ImportError: '{floor}' is a folder of the package astarzero: run `make setup` once and write `import astarzero.{floor}`."
    )


@pytest.mark.parametrize("floor", FLOORS)
def test_a_link_checked_out_as_a_text_file_is_refused(tmp_path, floor):
    tree = copy_tree(tmp_path / "tree")
    link = tree / "src" / "astarzero" / floor
    target = os.readlink(link)
    link.unlink()
    link.write_text(target)
    answer = python("import astarzero", cwd=tmp_path, path=tree / "src")
    assert answer.returncode == 1
    sentence = answer.stderr.splitlines()[-1]
    assert sentence.startswith(f"ImportError: astarzero/{floor} is not a folder")
    assert "git config core.symlinks true" in sentence and "Developer Mode" in sentence


@needs_git
def test_the_way_out_of_a_checkout_without_links_works(tmp_path):
    """Follow the sentence's own command, word for word, in a clone made with core.symlinks=false."""
    tree = copy_tree(tmp_path / "tree")
    me = ("-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false")
    for words in (("init", "-q"), ("add", "."), (*me, "commit", "-qm", "all")):
        assert run("git", *words, cwd=tree).returncode == 0
    clone = tmp_path / "clone"
    assert run("git", "clone", "-q", "-c", "core.symlinks=false", tree, clone, cwd=tmp_path).returncode == 0
    refusal = python("import astarzero", cwd=clone, path=clone / "src")
    assert "ImportError" in refusal.stderr
    command = re.search(r"run `(.*?)`", refusal.stderr.splitlines()[-1])[1]
    assert subprocess.run(command, shell=True, cwd=clone).returncode == 0
    healed = python("import astarzero.envs; print(astarzero.envs.__file__)", cwd=clone, path=clone / "src")
    assert Path(healed.stdout.strip()).resolve() == (clone / "envs" / "__init__.py").resolve()


# Building.


@needs_build
def test_a_wheel_built_from_the_sdist_holds_one_package_and_every_file(tmp_path):
    tree = copy_tree(tmp_path / "tree")
    answer = run(sys.executable, "-m", "build", "--no-isolation", tree, cwd=tmp_path)  # the sdist, then the wheel from it
    assert answer.returncode == 0, answer.stdout + answer.stderr
    (wheel,) = (tree / "dist").glob("*.whl")
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    ours = {f"astarzero/{file.relative_to(tree)}" for floor in FLOORS for file in (tree / floor).rglob("*.py")}
    weights = {f"astarzero/{file.relative_to(tree)}" for file in (tree / "nets" / "weights").iterdir()}
    assert weights and names == ours | weights | {"astarzero/__init__.py", "astarzero/__main__.py", "astarzero/py.typed"}
    assert {f"astarzero/{floor}/__init__.py" for floor in FLOORS} <= names


@needs_ruff
def test_the_linter_sees_each_file_once():
    seen = [Path(line) for line in run(sys.executable, "-m", "ruff", "check", "--show-files").stdout.splitlines()]
    files = Counter(file.resolve() for file in seen if file.suffix == ".py")
    assert set(files.values()) == {1}
    assert {file.resolve() for floor in FLOORS for file in (ROOT / floor).rglob("*.py")} <= set(files)


# What an import loads.

LOADED = "print(sorted({'torch', 'numba', 'gymnasium', 'altair'} & set(sys.modules)))"
EVERY_FILE_OF = """
import importlib, pkgutil, sys, {package}
for file in pkgutil.walk_packages({package}.__path__, "{package}."):
    importlib.import_module(file.name)
"""


def test_help_loads_nothing_heavy():
    help_then_look = f"""
import sys
from astarzero.__main__ import main
sys.argv = ["astarzero", "--help"]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
{LOADED}
"""
    answer = python(help_then_look)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.splitlines()[-1] == "[]"


def test_solving_loads_what_it_runs_and_no_more():
    """With the kernels on disk: three of them, none compiled, and nothing of the libraries that other verbs or a compiler want."""
    solve_then_look = """
import sys
from numba.core.event import install_recorder
from astarzero.envs import compile as binder
from astarzero.experiments.__main__ import main
with install_recorder("numba:compile") as compiled:
    assert main(["solve", "sliding", "--size", "3", "--state", "8 7 6 0 4 1 2 5 3", "--json"]) == 0
loaded = sum(sum(kernel.stats.cache_hits.values()) for kernel in binder._compiled.values() if hasattr(kernel, "stats"))
heavy = {"torch", "gymnasium", "altair", "pandas", "joblib", "pettingzoo", "safetensors", "vl_convert", "scipy.linalg", "numba.np.linalg"}
print(loaded, len(compiled.buffer), sorted(heavy & set(sys.modules)))
"""
    for _ in range(2):  # the first compiles what is not yet on disk
        answer = python(solve_then_look)
        assert answer.returncode == 0, answer.stderr
    assert answer.stdout.splitlines()[-1] == "3 0 []"


@pytest.mark.parametrize("package", ["astarzero.envs", "astarzero.search"])
def test_no_file_of_envs_or_search_loads_torch(package):
    answer = python(EVERY_FILE_OF.format(package=package) + LOADED)
    assert answer.returncode == 0, answer.stderr
    assert "torch" not in answer.stdout


def test_every_file_can_be_imported():
    answer = python(EVERY_FILE_OF.format(package="astarzero"))
    assert answer.returncode == 0, answer.stderr
