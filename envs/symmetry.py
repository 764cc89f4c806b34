"""Symmetries of a world: ways to rename its states and actions that leave its rules as they are.

Symmetry s makes of row x the row s(x), and of action a the action s(a), so that s(a) leads from s(x) to the image of where a leads
from x, at the same cost. Values are the same, and a policy is renamed as its actions are: one labelled state is worth as many as
there are symmetries, and a net may be asked about any image of a state. `Domain.symmetries` has them for every world: number 0
changes nothing, and most worlds have no other. Together they are a group; `table` and `inverses` say which is which.

`which` is the number of a symmetry, for all of a batch, or an array of numbers int64 [B], one a row. Example: sliding.py, go_symmetries.py.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Turn = Callable[[np.ndarray, np.ndarray], np.ndarray]  # (rows uint64 [B, W], which int64 [B]) -> new rows [B, W]
Which = int | np.ndarray


@dataclass(frozen=True, eq=False)
class Symmetries:
    """S symmetries of a world with A actions. ValueError when they are no group with the identity first, or two rename alike."""

    actions: np.ndarray  # int64 [S, A], what each makes of each action
    turn: Turn  # what each makes of rows
    cells: np.ndarray | None = None  # int64 [S, cells], where each puts the cells of a plane; None where features are no planes

    def __post_init__(self) -> None:
        first_changes_nothing = np.array_equal(self.actions[0], np.arange(self.actions.shape[1]))
        if not first_changes_nothing or (np.sort(self.table) != np.arange(len(self))).any():
            raise ValueError(f"{len(self)} renamings of actions were given that are no group; give all, each once, the identity first.")

    def __len__(self) -> int:
        return len(self.actions)

    @functools.cached_property
    def table(self) -> np.ndarray:
        """table[s, t] is the symmetry that does the same as s and then t: int64 [S, S]; -1 if there were none."""
        numbers = {tuple(images): number for number, images in enumerate(self.actions.tolist())}
        return np.array([[numbers.get(tuple(then[first]), -1) for then in self.actions] for first in self.actions], np.int64)

    @functools.cached_property
    def inverses(self) -> np.ndarray:
        """The symmetry that undoes each: int64 [S]."""
        return np.argmin(self.table, axis=1)

    def of_states(self, states: np.ndarray, which: Which) -> np.ndarray:
        """The images of rows [B, W]."""
        return self.turn(states, self._numbers(which, len(states)))

    def of_actions(self, actions: np.ndarray, which: Which) -> np.ndarray:
        """The images of actions [B]."""
        return self.actions[self._numbers(which, len(actions)), actions]

    def of_policies(self, policies: np.ndarray, which: Which) -> np.ndarray:
        """The images of what has a number for each action, such as prior logits, visit shares, masks or Q: [B, A]."""
        return np.take_along_axis(policies, self.actions[self.inverses[self._numbers(which, len(policies))]], axis=1)

    def of_planes(self, planes: np.ndarray, which: Which) -> np.ndarray:
        """The images of planes over the board, [B, C, height, width] or, as `Domain.features` has them, [B, F]."""
        if self.cells is None:
            raise ValueError("Planes were given to be turned, but the features of this world are no planes; turn its states instead.")
        flat = planes.reshape(len(planes), -1, self.cells.shape[1])
        places = self.cells[self.inverses[self._numbers(which, len(planes))]]
        return np.take_along_axis(flat, places[:, None], axis=2).reshape(planes.shape)

    def _numbers(self, which: Which, count: int) -> np.ndarray:
        """`which` as int64 [count]; ValueError when there is no such symmetry."""
        numbers = np.array(np.broadcast_to(which, count), np.int64)
        if ((numbers < 0) | (numbers >= len(self))).any():
            raise ValueError(f"Symmetry {which} is none of 0..{len(self) - 1}.")
        return numbers


def identity(num_actions: int) -> Symmetries:
    """The symmetry that every world has."""
    return Symmetries(np.arange(num_actions)[None], lambda states, which: states.copy())
