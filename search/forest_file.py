"""A forest kept in a file, so that a long search goes on another day, or elsewhere, as if it had never stopped.

What is kept: every cell that is in use, the options and the limits, and the leaves that wait, with their judgement when
it has come. Not the world nor the evaluator: they are given again. The file is NumPy's .npz, without pickle.

Read first: forest.py.
"""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from astarzero.envs.domain import Domain
from astarzero.envs.evaluation import Evaluator
from astarzero.search.forest import ARRAYS, Forest, TreeConfig
from astarzero.search.result import Budget, Status
from astarzero.search.simulate import CHARGED, INLINE
from astarzero.search.tree import EDGES, NODES, ROOT, SEED

FORMAT = 2  # of the file; a change of what tree.py's arrays mean needs another
IN_USE = {"nodes": NODES, "edges": EDGES}  # what an array has one of for each -> the cell that counts them; the rest is zeros
COUNTERS = ("calls", "evaluator_seconds", "seconds", "peak_bytes", "moves")


def save(forest: Forest, path: Path | str) -> None:
    """Write the forest to `path`, in one stroke. ValueError when the limit of bytes left it no room to begin."""
    if not forest.fits:
        raise ValueError(f"A forest that {forest.budget.bytes} bytes do not hold cannot be kept; give it a larger limit.")
    path, counts = Path(path), forest.arrays["counts"]
    arrays: dict[str, Any] = {name: forest.arrays[name][:, : used(counts, kind)] for name, (kind, _) in ARRAYS.items()}
    about = {
        "format": FORMAT, "domain": forest.domain.name, "evaluator": forest.evaluator.name, "config": asdict(forest.config),
        "budget": asdict(replace(forest.budget, stop=None)), "sizes": forest.sizes, "stopped": forest.stopped, "noisy": forest.noisy,
        **{name: getattr(forest, name) for name in COUNTERS},
    }  # fmt: skip
    partial = path.with_name(path.name + ".partial")
    with partial.open("wb") as file:
        np.savez_compressed(file, **arrays, **under_way(forest), about=np.array(json.dumps(about)))
    partial.replace(path)


def under_way(forest: Forest) -> dict[str, Any]:
    """Where the loop stands: the leaves that wait, how they were reached, and what the evaluator has said of them."""
    desk = forest.desk
    return {"control": forest.control, "path": forest.path, "leaves": forest.leaves, "value": desk.value, "prior_logits": desk.prior_logits}


def used(counts: np.ndarray, kind: str) -> int | None:
    """How many columns of an array that has one for each of `kind` are in use; None: all. A root stands there before it is a node."""
    return max(1, int(counts[:, IN_USE[kind]].max())) if kind in IN_USE else None


def load(path: Path | str, domain: Domain, evaluator: Evaluator | None = None) -> Forest:
    """The forest of a file; it continues as the one that was saved would have, when its world and its evaluator are given again.

    ValueError in one sentence when the file is none of `save`, or of another world or evaluator.
    """
    kept, about = read(Path(path))
    if about["domain"] != domain.name:
        raise ValueError(f"{path} is a forest of {about['domain']}, but {domain.name} was given; give that world.")
    roots, seeds = kept["states"][:, ROOT], kept["counts"][:, SEED].tolist()
    budget = Budget(**about["budget"])
    forest = Forest(domain, roots, evaluator, TreeConfig(**about["config"]), budget=budget, seeds=seeds)
    if about["evaluator"] != forest.evaluator.name:
        raise ValueError(f"{path} was searched by '{about['evaluator']}', but '{forest.evaluator.name}' was given; give that evaluator.")
    if not forest.resize(about["sizes"]):
        raise ValueError(f"{path} needs more than the {budget.bytes} bytes that its search was allowed.")
    for name in ARRAYS:
        forest.arrays[name][:, : kept[name].shape[1]] = kept[name]
    face = forest.control[[CHARGED, INLINE]]  # of the evaluator, which may now run in the kernel, or no longer
    for name, array in under_way(forest).items():
        array[:] = kept[name]
    forest.control[[CHARGED, INLINE]] = face
    forest.stopped, forest.noisy = Status(about["stopped"]), about["noisy"]
    for name in COUNTERS:
        setattr(forest, name, about[name])
    return forest


def read(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """(arrays, what is said about them) of a file of `save`."""
    try:
        with np.load(path, allow_pickle=False) as file:
            kept = {name: file[name] for name in file.files}
        about = json.loads(str(kept["about"]))
        known = about["format"] == FORMAT and all(kept[name].dtype == kind for name, (_, kind) in ARRAYS.items())
    except OSError as problem:
        raise ValueError(f"{path} cannot be read ({problem.strerror or problem}).") from None
    except (ValueError, KeyError, TypeError, EOFError, BadZipFile):
        raise ValueError(f"{path} is not a forest that was saved; give a file of forest_file.save.") from None
    if not known:
        raise ValueError(f"{path} was saved by another version; give a file that this one saved.")
    return kept, about
