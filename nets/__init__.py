"""Floor 2, networks: one trunk for the three heads V, Q and pi (mlp.py, resnet.py), their checkpoints, and the evaluator made of them.

A net meets a search only as an evaluator (states in; prior logits, values and Q values out), so this floor imports
`envs` and torch, and never `search`.
"""

if __name__ != "astarzero.nets":
    raise ImportError(f"{__name__!r} is a folder of the package astarzero: run `make setup` once and write `import astarzero.nets`.")

from astarzero.nets.mlp import ResidualMLP  # below the guard, so that the bare name fails with its sentence
from astarzero.nets.resnet import ResNet

# name -> builder; a builder takes its `config_type` and every net answers `forward(features, heads)`
NETS: dict[str, type[ResidualMLP] | type[ResNet]] = {"mlp": ResidualMLP, "resnet": ResNet}
