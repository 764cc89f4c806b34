"""Words without a font, the same on every machine: what stands beside a board and on its stones, as strokes of a round pen.

A sign is one unit high, its top at 0 and its foot at 1; lines are lists of points (right, down). Read next: picture.py.
"""

import math

from astarzero.envs.picture import Paint, Point, Stroke

GAP, PEN = 0.24, 0.15  # between two signs, and the thickness of their strokes; the height of a sign is 1
SPACE = 0.3


def arc(x: float, y: float, wide: float, high: float, begin: float, end: float) -> list[Point]:
    """Points on an ellipse around (x, y) with those half axes; degrees, clockwise from the right as one sees it."""
    steps = max(2, round(abs(end - begin) / 20))
    angles = [math.radians(begin + (end - begin) * step / steps) for step in range(steps + 1)]
    return [(x + wide * math.cos(angle), y + high * math.sin(angle)) for angle in angles]


SIX = [[*arc(0.42, 0.42, 0.4, 0.42, -70, -180), *arc(0.29, 0.69, 0.27, 0.31, 180, -180)]]
BOWL = [(0.0, 0.0), (0.27, 0.0), *arc(0.27, 0.27, 0.27, 0.27, -90, 90), (0.0, 0.54)]
RING = arc(0.4, 0.5, 0.4, 0.5, 0, 360)
STEM = [(0.0, 0.0), (0.0, 1.0)]

SIGNS: dict[str, list[list[Point]]] = {
    "A": [[(0.0, 1.0), (0.36, 0.0), (0.72, 1.0)], [(0.12, 0.67), (0.6, 0.67)]],
    "B": [[(0.0, 0.0), (0.28, 0.0), *arc(0.28, 0.24, 0.22, 0.24, -90, 90), (0.0, 0.48)], STEM,
          [(0.28, 0.48), *arc(0.3, 0.74, 0.26, 0.26, -90, 90), (0.0, 1.0)]],
    "C": [arc(0.4, 0.5, 0.4, 0.5, -48, -312)],
    "D": [STEM, [(0.0, 0.0), (0.2, 0.0), *arc(0.2, 0.5, 0.44, 0.5, -90, 90), (0.0, 1.0)]],
    "E": [[(0.5, 0.0), (0.0, 0.0), (0.0, 1.0), (0.5, 1.0)], [(0.0, 0.48), (0.44, 0.48)]],
    "F": [[(0.5, 0.0), (0.0, 0.0), (0.0, 1.0)], [(0.0, 0.48), (0.42, 0.48)]],
    "G": [[*arc(0.4, 0.5, 0.4, 0.5, -48, -360), (0.42, 0.54)]],
    "H": [STEM, [(0.62, 0.0), (0.62, 1.0)], [(0.0, 0.48), (0.62, 0.48)]],
    "J": [[(0.42, 0.0), *arc(0.2, 0.77, 0.22, 0.23, 0, 165)]],
    "K": [STEM, [(0.56, 0.0), (0.0, 0.62)], [(0.2, 0.42), (0.6, 1.0)]],
    "L": [[(0.0, 0.0), (0.0, 1.0), (0.48, 1.0)]],
    "M": [[(0.0, 1.0), (0.0, 0.0), (0.39, 0.7), (0.78, 0.0), (0.78, 1.0)]],
    "N": [[(0.0, 1.0), (0.0, 0.0), (0.62, 1.0), (0.62, 0.0)]],
    "O": [RING],
    "P": [STEM, BOWL],
    "Q": [RING, [(0.48, 0.74), (0.78, 1.06)]],
    "R": [STEM, BOWL, [(0.3, 0.54), (0.58, 1.0)]],
    "S": [[*arc(0.3, 0.25, 0.26, 0.25, -30, -270), *arc(0.3, 0.74, 0.29, 0.26, -90, 150)]],
    "T": [[(0.0, 0.0), (0.66, 0.0)], [(0.33, 0.0), (0.33, 1.0)]],
    "0": [arc(0.29, 0.5, 0.29, 0.5, 0, 360)],
    "1": [[(0.0, 0.22), (0.28, 0.0), (0.28, 1.0)]],
    "2": [[*arc(0.29, 0.29, 0.27, 0.29, -170, 40), (0.0, 1.0), (0.58, 1.0)]],
    "3": [[*arc(0.27, 0.25, 0.24, 0.25, -160, 90), *arc(0.27, 0.74, 0.28, 0.26, -90, 160)]],
    "4": [[(0.44, 1.0), (0.44, 0.0), (0.0, 0.7), (0.62, 0.7)]],
    "5": [[(0.5, 0.0), (0.08, 0.0), (0.04, 0.45), *arc(0.27, 0.67, 0.28, 0.33, -140, 150)]],
    "6": SIX,
    "7": [[(0.0, 0.0), (0.56, 0.0), (0.18, 1.0)]],
    "8": [arc(0.29, 0.24, 0.23, 0.24, 0, 360), arc(0.29, 0.74, 0.28, 0.26, 0, 360)],
    "9": [[(0.58 - right, 1.0 - down) for right, down in line] for line in SIX],
    "%": [arc(0.18, 0.22, 0.16, 0.2, 0, 360), arc(0.66, 0.78, 0.16, 0.2, 0, 360), [(0.68, 0.0), (0.16, 1.0)]],
    " ": [],
}  # fmt: skip


def written(words: str, x: float, y: float, size: float, fill: Paint) -> Stroke:
    """Words in signs of that height around the middle (x, y). ValueError for a sign that is not in the table."""
    lines: list[list[Point]] = []
    right = -GAP
    for sign in words:
        if sign not in SIGNS:
            raise ValueError(f"'{sign}' in '{words}' has no strokes; a picture's words are made of {''.join(SIGNS)}.")
        places = [point[0] for line in SIGNS[sign] for point in line] or [0.0, SPACE]
        left = right + GAP - min(places)
        lines += [[(left + across, down) for across, down in line] for line in SIGNS[sign]]
        right = left + max(places)
    unit = size * (1 - PEN)
    left, top = x - unit * right / 2, y - unit / 2
    drawn = tuple(tuple((round(left + unit * across, 1), round(top + unit * down, 1)) for across, down in line) for line in lines)
    return Stroke(drawn, round(size * PEN, 2), fill)
