"""A board of Go to look at: wood with its grain, lines, star points, coordinates, and stones in the light of a window; and what a
player thinks of the position: where it would move, and who is ahead.

Lengths: 40 units from line to line. Read next: picture.py (the shapes, and how they become SVG and pixels), go.py (`draw_picture`).
"""

import functools
import math
from collections.abc import Mapping, Sequence

import numpy as np

from astarzero.envs.picture import Box, Disc, Paint, Picture, Shape, Stroke, plain
from astarzero.envs.stroke_font import written

LETTERS = "ABCDEFGHJKLMNOPQRST"  # columns; there is no I
CELL, MARGIN = 40.0, 46.0  # from line to line, and from the outer lines to the edge of the wood
STONE, SHADOW, STAR, LABELS = 19.1, 22.5, 3.6, 15.0  # radii; how far from the edge coordinates stand
STRIP, BAR = 28.0, 18.0  # below the board: a strip's height, and the bar's in it
NUMBER, LONG_NUMBER, COORDINATE = 14.0, 11.5, 10.5  # heights of signs: one and two on a stone, three on a stone, beside the board
RING, SQUARE = (10.0, 40, 2.4), (11.0, 4, 2.0)  # marks of the last move and of a ko: radius, corners, thickness
WIDE, NARROW = 13, 7  # lines from which the sides have star points too, and the corners
LEAST_SHOWN, LEAST_NAMED = 0.004, 0.3  # of the largest weight: what gets a disc, and what gets a number on it
SEED_OF_GRAIN = 9

WOOD = Paint(((0.0, "#f0cb8b", 1.0), (0.6, "#e2b671", 1.0), (1.0, "#d3a25c", 1.0)), (0.3, 0.2), 1.05)
GRAIN, LINE, DOT, LABEL = "#8a5420", plain("#3b2710", 0.85), plain("#2e1d0a"), plain("#5a3b18")
LIGHT = (0.34, 0.28)  # where on a stone it falls
STONES = (
    Paint(((0.0, "#85878c", 1.0), (0.22, "#4c4d52", 1.0), (0.6, "#222327", 1.0), (1.0, "#0a0a0c", 1.0)), LIGHT, 0.78),
    Paint(((0.0, "#ffffff", 1.0), (0.45, "#f6f4ef", 1.0), (0.8, "#dfdbd2", 1.0), (1.0, "#b3ada1", 1.0)), LIGHT, 0.8),
)
SHADE = Paint(((0.0, "#2a1704", 0.6), (0.62, "#2a1704", 0.5), (0.82, "#2a1704", 0.2), (1.0, "#2a1704", 0.0)))
ON_STONE, ON_LAST = (plain("#f4f4f4"), plain("#1a1a1a")), (plain("#ff8a78"), plain("#c4241a"))  # on black, on white
HEAT, ON_HEAT, BESIDE = plain("#1b5e9e", 0.85), plain("#ffffff"), plain("#7d7d7d")
SIDES = (plain("#26272b"), plain("#f4f2ec"))
RIM = plain("#8a8577")


def line_marks(length: int) -> tuple[int, int, int]:
    """Near, middle and far star line of a side, counted from 0."""
    edge = 3 if length >= WIDE else 2
    return edge, length // 2, length - 1 - edge


def draw_board(
    points: Sequence[int], height: int, width: int, *, title: str, last: int | None = None, ko: int | None = None,
    numbers: Mapping[int, int] | None = None, policy: np.ndarray | None = None, black_share: float | None = None,
) -> Picture:  # fmt: skip
    """A position as a picture. Points are actions, 0 at the top left.

    points: 0 empty, 1 black, 2 white. last: the last move's stone; ko: where none may be played now; None for nowhere.
    numbers: what is written on stones, by point; on `last` in red. policy: a weight for every action [A], the pass last; shown on
    empty points and for the pass, in parts of 100. black_share: Black's chances from 0 to 1, as a bar below the board.
    """
    places = {point: (MARGIN + CELL * (point % width), MARGIN + CELL * (point // width)) for point in range(height * width)}
    stones = [(point, points[point] - 1) for point in places if points[point]]
    shapes: list[Shape] = [Disc(places[point][0] + 1.8, places[point][1] + 2.6, SHADOW, SHADE) for point, _ in stones]
    shapes += [Disc(*places[point], STONE, STONES[side]) for point, side in stones]
    for point, side in stones:
        if numbers and point in numbers:
            words, ink = str(numbers[point]), ON_LAST if point == last else ON_STONE
            shapes.append(written(words, *places[point], NUMBER if len(words) < 3 else LONG_NUMBER, ink[side]))
        elif point == last:
            shapes.append(polygon(*places[point], RING, ON_STONE[side]))
    if ko is not None:
        shapes.append(polygon(*places[ko], SQUARE, LINE))
    ground, right, bottom = board(height, width)
    if policy is not None:
        shapes += heat(policy, {point: place for point, place in places.items() if not points[point]}, (right / 2, bottom + STRIP / 2))
        bottom += STRIP
    if black_share is not None:
        shapes += bar(black_share, right, bottom)
        bottom += STRIP
    return Picture(title, right, bottom, ground, tuple(shapes))


def polygon(x: float, y: float, mark: tuple[float, int, float], fill: Paint) -> Stroke:
    """An outline: a square of four corners, a ring of many; `mark` is its radius, corners and thickness."""
    radius, corners, thickness = mark
    turns = [2 * math.pi * (corner + 0.5) / corners for corner in range(corners + 1)]
    line = tuple((round(x + radius * math.cos(turn), 2), round(y + radius * math.sin(turn), 2)) for turn in turns)
    return Stroke((line,), thickness, fill)


def heat(policy: np.ndarray, places: Mapping[int, tuple[float, float]], below: tuple[float, float]) -> list[Shape]:
    """A disc on each empty point, its area by its weight, with its part of 100 where that can be read; the pass `below` the board."""
    total, shapes = float(np.sum(policy)) or 1.0, list[Shape]()
    most = max((float(policy[point]) for point in places), default=0.0)
    for point, (x, y) in places.items():
        weight = float(policy[point])
        if weight > LEAST_SHOWN * most:
            shapes.append(Disc(x, y, round(STONE * math.sqrt(weight / most), 1), HEAT))
        if weight > LEAST_NAMED * most:
            shapes.append(written(f"{100 * weight / total:.0f}", x, y, 12.0 * (weight / most) ** 0.4, ON_HEAT))
    shapes.append(written(f"PASS {100 * float(policy[-1]) / total:.0f}%", *below, 11.0, BESIDE))
    return shapes


def bar(black_share: float, right: float, top: float) -> list[Shape]:
    """Black's chances against White's, as a bar from edge to edge in the strip below `top`, the larger one in parts of 100."""
    y, cut = top + (STRIP - BAR) / 2, right * min(max(black_share, 0.0), 1.0)
    leader = int(black_share < 0.5)
    words = f"{100 * max(black_share, 1 - black_share):.0f}%"
    return [
        Box(0.5, y, right - 1, BAR, RIM, 4.0),
        Box(1.5, y + 1, right - 3, BAR - 2, SIDES[1], 3.0),
        Box(1.5, y + 1, max(cut - 1.5, 0.0), BAR - 2, SIDES[0], 3.0),
        written(words, (right - 30, 30.0)[1 - leader], y + BAR / 2, 10.0, ON_STONE[leader]),
    ]


# --- the empty board -------------------------------------------------------------------------------------------------------------


@functools.cache
def board(height: int, width: int) -> tuple[tuple[Shape, ...], float, float]:
    """The empty board, its width and its height."""
    right, bottom = 2 * MARGIN + CELL * (width - 1), 2 * MARGIN + CELL * (height - 1)
    shapes: list[Shape] = [Box(0.0, 0.0, right, bottom, WOOD, 5.0), *grain(right, bottom)]
    for column in range(width):
        x = MARGIN + CELL * column
        shapes.append(Stroke((((x, MARGIN), (x, bottom - MARGIN)),), 1.8 if column in (0, width - 1) else 1.1, LINE))
        shapes += [written(LETTERS[column], x, y, COORDINATE, LABEL) for y in (LABELS, bottom - LABELS)]
    for row in range(height):
        y = MARGIN + CELL * row
        shapes.append(Stroke((((MARGIN, y), (right - MARGIN, y)),), 1.8 if row in (0, height - 1) else 1.1, LINE))
        shapes += [written(str(height - row), x, y, COORDINATE, LABEL) for x in (LABELS, right - LABELS)]
    shapes += [Disc(MARGIN + CELL * column, MARGIN + CELL * row, STAR, DOT) for row, column in star_points(height, width)]
    return tuple(shapes), right, bottom


def star_points(height: int, width: int) -> list[tuple[int, int]]:
    """(row, column) of the dots: in the corners, in the middle where both sides are odd, and on large boards beside it too."""
    rows, columns, least = line_marks(height), line_marks(width), min(height, width)
    corners = [(row, column) for row in rows[::2] for column in columns[::2]]
    sides = [(rows[1], column) for column in columns[::2]] + [(row, columns[1]) for row in rows[::2]]
    odd = height % 2 == width % 2 == 1
    return corners * (least >= NARROW) + [(rows[1], columns[1])] * (odd and least >= 5) + sides * (odd and least >= WIDE)


def grain(width: float, height: float) -> list[Stroke]:
    """The grain of the wood: lines from top to bottom that sway together, some broad and faint, some fine."""
    rng, lines, x = np.random.default_rng(SEED_OF_GRAIN), list[Stroke](), 6.0
    while x < width - 6:
        broad = rng.random() < 0.25
        thickness, opacity = (rng.uniform(4, 12), rng.uniform(0.015, 0.04)) if broad else (rng.uniform(0.6, 1.6), rng.uniform(0.06, 0.2))
        down = np.linspace(thickness / 2, height - thickness / 2, 4 + round(height / 50))  # the pen is round
        across = np.clip(x + 5 * np.sin(down / 170 + x / 210) + 3 * np.sin(down / 61 + x / 90), thickness / 2, width - thickness / 2)
        points = tuple(zip(across.round(1).tolist(), down.round(1).tolist()))
        lines.append(Stroke((points,), round(thickness, 1), plain(GRAIN, round(opacity, 3))))
        x += rng.uniform(3, 12)
    return lines
