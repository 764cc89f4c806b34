"""What a net sees of a Go position: planes of numbers over the board, float32 [C, height, width], chosen by `GoPlanes`.

All from the view of the player to move, by default (C = 15; `GoPlanes().names` has the list of any choice):
    own stones, opponent's stones                                                 1 on the stones
    own, liberties 1, 2, 3 or more; opponent's, liberties 1, 2, 3 or more         1 on the stones of such chains
    last move, move before                                                        1 on the point; nothing for a pass
    ko                                                                            1 on the point that simple ko forbids
    black to move                                                                 1 everywhere, or 0
    komi                                                                          what it gives the player to move, everywhere, over 20
    last move a pass, move before a pass                                          1 everywhere, or 0
Plane c of point `action` is feature c * height * width + action. What superko forbids is not in a row and so in no plane.
The choice of planes travels in the context, so that all choices share one compiled `encode`.

Planes like these: Silver et al. 2016 (AlphaGo, extended data table 2); komi over 20 for the player to move: Wu 2019 (KataGo).
Read next: go_symmetries.py (turned boards).
"""

from dataclasses import asdict, astuple, dataclass, fields

import numpy as np

from astarzero.envs.bitboard import ONE, WORD_BITS, common, count, load, lowest, neighbours, some, union, without
from astarzero.envs.go_rules import BEFORE, KO, LAST, PASS, STRIDE, field, info_of, komi_of, lost_group, stones_of
from astarzero.envs.machine import lowest_bit

LIBERTIES, LAST_MOVES, KO_POINT, SIDE, KOMI_UNIT, PASSES = range(6)  # cells of `planes` in the context, the fields of GoPlanes
MOST = {"liberties": 8, "last_moves": 2, "ko": 1, "side": 1, "komi": 1000, "passes": 1}
MOVES = ("last move", "move before")


@dataclass(frozen=True)
class GoPlanes:
    """Which planes there are besides the stones: a number for each field, 0 for no such plane.

    liberties: planes for each colour: chains with 1, 2, ... liberties, the last plane for so many or more.
    last_moves: planes with one move each; a row keeps the last two.
    ko: 1 for the plane with the point that simple ko forbids.
    side: 1 for the plane that says whether Black is to move.
    komi: the points of komi that make 1.0 in its plane.
    passes: 1 for the two planes that say whether the last move was a pass, and the one before.
    """

    liberties: int = 3
    last_moves: int = 2
    ko: int = 1
    side: int = 1
    komi: int = 20
    passes: int = 1

    def __post_init__(self) -> None:
        for name, number in asdict(self).items():
            if not isinstance(number, int) or not 0 <= number <= MOST[name]:
                raise ValueError(f"Planes with {name}={number!r} were asked for, but {name} must be a whole number from 0 to {MOST[name]}.")

    @property
    def names(self) -> tuple[str, ...]:
        """The name of each plane, in order: as many as there are planes."""
        counts = [f"liberties {number}{' or more' * (number == self.liberties)}" for number in range(1, self.liberties + 1)]
        return (
            "own stones",
            "opponent's stones",
            *(f"{whose}, {words}" for whose in ("own", "opponent's") for words in counts),
            *MOVES[: self.last_moves],
            *("ko",) * self.ko,
            *("black to move",) * self.side,
            *("komi",) * (self.komi > 0),
            *(f"{move} a pass" for move in MOVES * self.passes),
        )

    @property
    def text(self) -> str:
        """What differs from the default, as `read_planes` takes it: "liberties=0,komi=0"; "" for the default."""
        return ",".join(f"{name}={number}" for name, number in asdict(self).items() if number != getattr(GoPlanes, name))

    @property
    def numbers(self) -> np.ndarray:
        """The fields, for the context: int64 [6]."""
        return np.array(astuple(self), np.int64)


def read_planes(text: "str | GoPlanes") -> GoPlanes:
    """'liberties=0,komi=0' -> the default planes with these changes. ValueError in one sentence."""
    if isinstance(text, GoPlanes):
        return text
    known, changes = [one.name for one in fields(GoPlanes)], {}
    for word in filter(None, text.split(",")):
        name, _, number = word.strip().partition("=")
        if name not in known or not number.isdecimal():
            raise ValueError(f"'{word[:40]}' says nothing about planes: give numbers for {', '.join(known)}, as in liberties=0,komi=0.")
        changes[name] = int(number)
    return GoPlanes(**changes)


# --- the rule ------------------------------------------------------------------------------------------------------------------


def encode(state, context, features):
    """Write the planes of a row into `features`, float32 [C * height * width], zero on entry."""
    planes, cells, info = context[7], context[2][PASS], info_of(state)
    own, enemy = stones_of(state, context)
    mark_points(own, 0, context, features)
    mark_points(enemy, 1, context, features)
    plane = 2
    if planes[LIBERTIES] > 0:
        empty = without(load(context[1], 0, context[0]), union(own, enemy))
        mark_liberties(own, empty, plane, context, features)
        mark_liberties(enemy, empty, plane + planes[LIBERTIES], context, features)
        plane += 2 * planes[LIBERTIES]
    moves = field(info, LAST), field(info, BEFORE)
    for number in range(planes[LAST_MOVES]):
        if 0 < moves[number] <= cells:
            features[plane * cells + moves[number] - 1] = 1.0
        plane += 1
    if planes[KO_POINT]:
        if field(info, KO) > 0:
            features[plane * cells + field(info, KO) - 1] = 1.0
        plane += 1
    if planes[SIDE]:
        fill_plane(0.0 if info & ONE else 1.0, plane, cells, features)
        plane += 1
    if planes[KOMI_UNIT] > 0:
        points = 0.5 * (komi_of(info) if info & ONE else -komi_of(info))
        fill_plane(points / planes[KOMI_UNIT], plane, cells, features)
        plane += 1
    if planes[PASSES]:
        for move in moves:
            fill_plane(1.0 if move == cells + 1 else 0.0, plane, cells, features)
            plane += 1


def mark_points(points, plane, context, features):
    """1.0 on a set of points."""
    actions, start = context[4], plane * context[2][PASS]
    for word in range(len(points)):
        left = points[word]
        while left:
            features[start + actions[WORD_BITS * word + lowest_bit(left)]] = 1.0
            left &= left - ONE


def mark_liberties(stones, empty, plane, context, features):
    """Chain by chain: 1.0 on its stones, in the plane of its number of liberties; `plane` is that of one liberty."""
    stride, most, nothing = context[2][STRIDE], context[7][LIBERTIES], without(empty, empty)
    while some(stones):
        chain, _ = lost_group(lowest(stones), stones, nothing, stride)
        stones = without(stones, chain)
        liberties = count(common(neighbours(chain, stride), empty))
        mark_points(chain, plane + min(liberties, most) - 1, context, features)


def fill_plane(number, plane, cells, features):
    """The same number everywhere."""
    if number != 0.0:
        for feature in range(plane * cells, (plane + 1) * cells):
            features[feature] = number
