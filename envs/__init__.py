"""Floor 1, the worlds: their rules as compiled functions over packed states, exact oracles, and Gymnasium adapters.

A world is one file here (`sliding.py`, `countdown.py`) and one line in a table; `domain.py` says what it must provide and
`compile.py` binds its rules into kernels. This floor imports no other floor.
"""

if __name__ != "astarzero.envs":
    raise ImportError(f"{__name__!r} is a folder of the package astarzero: run `make setup` once and write `import astarzero.envs`.")

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from astarzero.envs.domain import Domain, Heuristic

WORLDS: dict[str, str] = {  # name -> where its `make(**options) -> Domain` lives
    "sliding": "astarzero.envs.sliding",
    "countdown": "astarzero.envs.countdown",
    "go": "astarzero.envs.go",
}


def find_world(world: str) -> Callable[..., Domain]:
    """The factory behind a name of WORLDS, "package.module" or "path/to/file.py"; ":name" picks another function than `make`.

    ValueError in one sentence when there is no such world or module.
    """
    place, colon, function = WORLDS.get(world, world).rpartition(":")
    if not colon or not function.isidentifier():  # no colon, or that of a Windows drive
        place, function = WORLDS.get(world, world), "make"
    try:
        if place.endswith(".py"):
            module = _load_file(Path(place).resolve())
        elif "." in place:
            module = importlib.import_module(place)
        else:
            raise ImportError("no world of that name")
        return getattr(module, function)
    except (ImportError, FileNotFoundError, AttributeError) as problem:
        raise ValueError(
            f"World '{world}' was not found ({problem}); give one of {', '.join(WORLDS)}, "
            "or your own as file.py or package.module, with a function make() in it."
        ) from None


def _load_file(path: Path) -> Any:
    """A world's file as a module, loaded once under a name of its own."""
    name = f"astarzero_world_{path.stem}"
    if name not in sys.modules or sys.modules[name].__file__ != str(path):
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None or not path.exists():
            raise FileNotFoundError(f"there is no file {path}")
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[name]  # half a module is worse than none
            raise
    return sys.modules[name]


def make(world: str, **options: Any) -> Domain:
    """The domain of `world` (see `find_world`) with the world's own options: make("sliding", size=4), make("countdown", rule="integer").

    ValueError when the world has no such option or a value is out of its range.
    """
    factory = find_world(world)
    known = inspect.signature(factory).parameters
    for option in options:
        if option not in known:
            raise ValueError(f"World '{world}' has no option '{option}'; it has {', '.join(known) or 'none'}.")
    return factory(**options)


__all__ = ["WORLDS", "Domain", "Heuristic", "find_world", "make"]
