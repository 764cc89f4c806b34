"""Checkpoints: weights as safetensors, everything else as words in the same file's header. No pickle: a file can be wrong, never run.

The header holds the format version, the net's name and config, the domain and its sizes, the heads trained, the prior's
temperature, the heuristic to whose value the net's is added, and where the net came from (seed, revision, command, metrics).
`load` builds nothing before all of it fits.
"""

import json
import math
import os
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor

from astarzero.envs.domain import Domain
from astarzero.nets import NETS
from astarzero.nets.evaluator import check_heads
from astarzero.nets.resnet import Net

FORMAT = 2  # raised when the header's meaning changes
SIZES = ("num_words", "num_features", "num_actions")
KEYS = ("format", "net", "config", "domain", *SIZES, "heads", "temperature", "baseline", "seed", "revision", "command", "metrics")
DTYPES = {torch.float32: "F32", torch.int64: "I64"}  # as safetensors names them; batches seen by a normalisation are counted
ROOT = Path(__file__).resolve().parents[1]
WEIGHTS = Path(__file__).resolve().parent / "weights"  # nets that come with the package


class CheckpointError(ValueError):
    """A file that is not a usable checkpoint for what it was asked for; one sentence says why."""


@dataclass(frozen=True)
class Checkpoint:
    """A net and where it came from."""

    net: Net  # on the CPU, in eval mode
    net_name: str  # in NETS
    domain: str  # Domain.name
    heads: tuple[str, ...]  # those it was trained on
    temperature: float  # divides the prior's logits
    baseline: str  # the domain's heuristic whose value is added to the net's, or ""
    seed: int
    revision: str  # git commit of the code, or "unknown"
    command: str  # that made it
    metrics: dict[str, Any]


def revision() -> str:
    """The commit this code stands at, 40 hex digits, with "-dirty" after it when tracked files differ; "unknown" outside a checkout."""
    if not (ROOT / ".git").exists():
        return "unknown"
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def save(
    path: str | Path,
    net: Net,
    domain: Domain,
    *,
    heads: Iterable[str],
    temperature: float = 1.0,
    baseline: str = "",
    seed: int = 0,
    command: str = "",
    metrics: Mapping[str, Any] | None = None,
) -> None:
    """Write a checkpoint, whole or not at all (to a neighbour, then renamed). ValueError when the net does not fit or is not finite."""
    names = [name for name, build in NETS.items() if type(net) is build]
    if not names:
        raise ValueError(f"A {type(net).__name__} is in no line of nets.NETS, so no checkpoint of it could be read again; add it there.")
    check_sizes(net.config, domain, "This net")
    if baseline and (baseline not in domain.heuristics or check_heads(heads) != ("value",)):
        raise ValueError(f"The baseline '{baseline}' must be a heuristic of {domain.name}, and value the only head.")
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in net.state_dict().items()}
    check_finite(tensors, "This net")
    header = {
        "format": str(FORMAT),
        "net": names[0],
        "config": json.dumps(asdict(net.config)),
        "domain": domain.name,
        **{size: str(getattr(domain, size)) for size in SIZES},
        "heads": json.dumps(check_heads(heads)),
        "temperature": repr(float(temperature)),
        "baseline": baseline,
        "seed": str(int(seed)),
        "revision": revision(),
        "command": command,
        "metrics": json.dumps(metrics or {}),
    }
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(beside, "wb") as file:
            file.write(to_bytes(tensors, header))
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def load(path: str | Path, domain: Domain) -> Checkpoint:
    """The checkpoint at `path` (or of that name among WEIGHTS), made for `domain`.

    CheckpointError, one sentence, when it is missing, malformed or for something else.
    """
    if not Path(path).is_file() and (WEIGHTS / f"{path}.safetensors").is_file():
        path = WEIGHTS / f"{path}.safetensors"
    if not Path(path).is_file():
        names = ", ".join(sorted(file.stem for file in WEIGHTS.glob("*.safetensors")))
        raise CheckpointError(f"There is no checkpoint at {path}; give a file that `astarzero train` wrote, or one of {names}.")
    try:
        with safe_open(path, framework="pt") as file:
            return read(file, f"Checkpoint {path}", domain)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"Checkpoint {path} is not a whole safetensors file ({error}); copy or train it again.") from None


def read(file: Any, who: str, domain: Domain) -> Checkpoint:
    """A checkpoint from an open safetensors file; every check comes before the step that would trip over what it finds."""
    header = file.metadata() or {}
    missing = [key for key in KEYS if key not in header]
    if missing:
        raise CheckpointError(f"{who} has no '{missing[0]}' in its header, so it was not written by astarzero; train the net again.")
    if header["format"] != str(FORMAT):
        raise CheckpointError(f"{who} has format {header['format']}, but only {FORMAT} is read here; use the astarzero that wrote it.")
    if header["domain"] != domain.name:
        raise CheckpointError(f"{who} was trained on {header['domain']}, not on {domain.name}; give a net of that world and size.")
    for size in SIZES:
        if header[size] != str(getattr(domain, size)):
            change = f"{size} was {header[size]} and is now {getattr(domain, size)}"
            raise CheckpointError(f"{who} was trained on another encoding of {domain.name} ({change}); train the net again.")
    if header["net"] not in NETS:
        raise CheckpointError(f"{who} holds a net '{header['net']}', not one of {', '.join(NETS)}; use the astarzero that wrote it.")
    if header["baseline"] not in ("", *domain.heuristics):
        raise CheckpointError(f"{who} needs the heuristic '{header['baseline']}', which {domain.name} does not have; train the net again.")
    build: Any = NETS[header["net"]]
    try:
        config = build.config_type(**json.loads(header["config"]))
        heads = check_heads(json.loads(header["heads"]))
        temperature, seed, metrics = float(header["temperature"]), int(header["seed"]), dict(json.loads(header["metrics"]))
        if not 0 < temperature < math.inf:
            raise ValueError(f"the temperature {temperature} is not above 0")
    except (ValueError, TypeError, RecursionError) as error:
        raise CheckpointError(f"{who} has a garbled header ({str(error).rstrip('.')}); train the net again.") from None
    check_sizes(config, domain, who)
    with torch.device("meta"):  # shapes without memory
        net: Net = build(config)
    wanted = {name: (tuple(tensor.shape), DTYPES[tensor.dtype]) for name, tensor in net.state_dict().items()}
    if sorted(file.keys()) != sorted(wanted):
        odd = min(set(file.keys()) ^ set(wanted))
        raise CheckpointError(f"{who} and its config disagree about the tensor '{odd}'; train the net again.")
    for name, (shape, dtype) in wanted.items():
        part = file.get_slice(name)
        if (tuple(part.get_shape()), part.get_dtype()) != (shape, dtype):
            found = f"{part.get_dtype()} {part.get_shape()}"
            raise CheckpointError(f"{who} holds '{name}' as {found}, but its config says {dtype} {list(shape)}; train the net again.")
    weights = {name: file.get_tensor(name) for name in wanted}
    check_finite(weights, who)
    net.load_state_dict(weights, assign=True)
    about = heads, temperature, header["baseline"], seed, header["revision"], header["command"], metrics
    return Checkpoint(net.eval(), header["net"], header["domain"], *about)


def check_sizes(config: Any, domain: Domain, who: str) -> None:
    """CheckpointError when a net of this config does not take the domain's features and give its actions."""
    for size in ("num_features", "num_actions"):
        if getattr(config, size) != getattr(domain, size):
            sizes = f"its {size} is {getattr(config, size)}, not {getattr(domain, size)}"
            raise CheckpointError(f"{who} does not fit {domain.name}: {sizes}; give a net of that size.")


def check_finite(weights: Mapping[str, Tensor], who: str) -> None:
    """CheckpointError when a weight is NaN or infinite."""
    for name, tensor in weights.items():
        if not torch.isfinite(tensor).all():
            raise CheckpointError(f"{who} has a weight in '{name}' that is not finite; train it again with a lower learning rate.")
