"""A* guided by a value against MCTS guided by a policy, on worlds whose answers are known exactly.

This folder only makes one import package of the five real folders at the top of the repository (envs, search, nets,
training, experiments): it links to them. Read `envs/` first, then `search/`.
"""

from pathlib import Path

__version__ = "0.1.0"

for _floor in ("envs", "search", "nets", "training", "experiments"):
    if not Path(__file__).with_name(_floor).is_dir():
        raise ImportError(
            f"astarzero/{_floor} is not a folder because git checked out its symbolic link as a text file: run "
            "`git config core.symlinks true && git checkout -- src` in the clone and install again "
            "(on Windows turn on Developer Mode first)."
        )
