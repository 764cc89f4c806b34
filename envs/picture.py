"""A picture as a list of shapes, drawn twice: as SVG for pages and notebooks, and as pixels for Gymnasium, without any library.

Lengths are in SVG's user units, x to the right and y down; colours are "#rrggbb". Both drawings follow SVG 1.1: a shape is laid over
what is there already, by its opacity; a gradient's colours and opacities are interpolated apart. Pixels at an edge are covered in
part, as measured by the distance of their centre from it. Read next: stroke_font.py (words), go_drawing.py.
"""

import functools
import itertools
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from html import escape

import numpy as np

Point = tuple[float, float]

PAPER = 255.0  # what pixels show where no shape is; in SVG it is whatever page there is
Ink = Callable[[str], str]  # "fill" or "stroke" -> the attributes that paint it


@dataclass(frozen=True)
class Paint:
    """A radial gradient: `stops` (at, colour, opacity) by distance from `centre`, both in parts of the shape's bounding box."""

    stops: tuple[tuple[float, str, float], ...]
    centre: tuple[float, float] = (0.5, 0.5)
    reach: float = 0.5  # the distance where `at` is 1


def plain(colour: str, opacity: float = 1.0) -> Paint:
    """One colour everywhere."""
    return Paint(((0.0, colour, opacity),))


@dataclass(frozen=True)
class Box:
    """A rectangle with round corners."""

    x: float
    y: float
    width: float
    height: float
    fill: Paint
    corner: float = 0.0

    def svg(self, ink: Ink) -> str:
        corner = f' rx="{self.corner:g}"' if self.corner else ""
        return f'<rect x="{self.x:g}" y="{self.y:g}" width="{self.width:g}" height="{self.height:g}"{corner} {ink("fill")}/>'

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        return self.x, self.y, self.x + self.width, self.y + self.height

    def distance(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """How far outside the edge points are; negative inside. x [W], y [H, 1] -> [H, W]."""
        right = np.abs(x - self.x - self.width / 2) - self.width / 2 + self.corner
        down = np.abs(y - self.y - self.height / 2) - self.height / 2 + self.corner
        outside = np.hypot(np.maximum(right, 0.0), np.maximum(down, 0.0))
        return outside + np.minimum(np.maximum(right, down), 0.0) - self.corner


@dataclass(frozen=True)
class Disc:
    """A circle, filled."""

    x: float
    y: float
    radius: float
    fill: Paint

    def svg(self, ink: Ink) -> str:
        return f'<circle cx="{self.x:g}" cy="{self.y:g}" r="{self.radius:g}" {ink("fill")}/>'

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        return self.x - self.radius, self.y - self.radius, self.x + self.radius, self.y + self.radius

    def distance(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.hypot(x - self.x, y - self.y) - self.radius


@dataclass(frozen=True)
class Stroke:
    """Lines through points, drawn in one go with a round pen."""

    lines: tuple[tuple[Point, ...], ...]
    thickness: float
    fill: Paint

    def svg(self, ink: Ink) -> str:
        path = "".join("M" + "L".join(f"{x:.4g} {y:.4g}" for x, y in line) for line in self.lines)
        return f'<path d="{path}" fill="none" stroke-width="{self.thickness:.3g}" {ink("stroke")}/>'

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        points = [point for line in self.lines for point in line]
        (left, top), (right, bottom) = np.min(points, 0) - self.thickness / 2, np.max(points, 0) + self.thickness / 2
        return left, top, right, bottom

    def distance(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        nearest = np.full((len(y), len(x)), np.inf)
        for (x0, y0), (x1, y1) in (pair for line in self.lines for pair in itertools.pairwise(line)):
            first, last = np.searchsorted(y[:, 0], (min(y0, y1) - self.thickness - 4, max(y0, y1) + self.thickness + 4))
            right, down, above = x1 - x0, y1 - y0, y[first:last]  # rows that are too far away are left out
            along = np.clip(((x - x0) * right + (above - y0) * down) / max(right * right + down * down, 1e-9), 0.0, 1.0)
            reached = np.hypot(x - x0 - along * right, above - y0 - along * down)
            np.minimum(nearest[first:last], reached, out=nearest[first:last])
        return nearest - self.thickness / 2


Shape = Box | Disc | Stroke


@dataclass(frozen=True)
class Picture:
    """Shapes on `width` x `height`, the last on top; a notebook shows it. `ground`: those below, which many pictures share."""

    title: str  # what it shows, for readers who cannot see it
    width: float
    height: float
    ground: tuple[Shape, ...]
    shapes: tuple[Shape, ...]

    def svg(self) -> str:
        """The picture as a document of its own, and as an element of a page."""
        gradients: dict[str, Paint] = {}  # named by what they are, so that two pictures on a page may share them

        def attributes(paint: Paint, what: str) -> str:
            if len(paint.stops) > 1:
                name = f"paint-{zlib.crc32(repr(paint).encode()):08x}"
                gradients[name] = paint
                return f'{what}="url(#{name})"'
            ((_, colour, opacity),) = paint.stops
            return f'{what}="{colour}"' + (f' {what}-opacity="{opacity:g}"' if opacity < 1 else "")

        body = [shape.svg(functools.partial(attributes, shape.fill)) for shape in (*self.ground, *self.shapes)]
        size = f'width="{self.width:g}" height="{self.height:g}" viewBox="0 0 {self.width:g} {self.height:g}"'
        pen = 'stroke-linecap="round" stroke-linejoin="round"'
        head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" {pen}>'
        defined = ["<defs>", *(define(name, paint) for name, paint in gradients.items()), "</defs>"]
        return "\n".join([head, f"<title>{escape(self.title)}</title>", *defined, *body, "</svg>"])

    def _repr_svg_(self) -> str:
        return self.svg()

    def pixels(self, scale: float = 1.0) -> np.ndarray:
        """The picture as uint8 [scale * height, scale * width, 3]."""
        canvas = painted(self.width, self.height, self.ground, scale).copy()
        lay(canvas, self.shapes, scale)
        return np.rint(canvas).astype(np.uint8)


def define(name: str, paint: Paint) -> str:
    """A gradient for SVG's list of definitions."""
    stops = "".join(f'<stop offset="{at:g}" stop-color="{colour}" stop-opacity="{opacity:g}"/>' for at, colour, opacity in paint.stops)
    return f'<radialGradient id="{name}" cx="{paint.centre[0]:g}" cy="{paint.centre[1]:g}" r="{paint.reach:g}">{stops}</radialGradient>'


# --- pixels ----------------------------------------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=8)
def painted(width: float, height: float, ground: tuple[Shape, ...], scale: float) -> np.ndarray:
    """The ground alone: float32 [H, W, 3], not to be written to."""
    canvas = np.full((round(scale * height), round(scale * width), 3), PAPER, np.float32)
    lay(canvas, ground, scale)
    return canvas


def lay(canvas: np.ndarray, shapes: tuple[Shape, ...], scale: float) -> None:
    """Paint shapes over float32 [H, W, 3], `scale` pixels to a unit."""
    for shape in shapes:
        left, top, right, bottom = (scale * side for side in shape.bounds)
        rows = slice(max(int(top) - 1, 0), min(int(bottom) + 2, canvas.shape[0]))
        columns = slice(max(int(left) - 1, 0), min(int(right) + 2, canvas.shape[1]))
        x, y = ((np.arange(part.start, part.stop) + 0.5) / scale for part in (columns, rows))  # centres of pixels
        covered = np.clip(0.5 - scale * shape.distance(x, y[:, None]), 0.0, 1.0)
        colour, opacity = mixed(shape, x, y[:, None])
        canvas[rows, columns] += (covered * opacity)[..., None] * (colour - canvas[rows, columns])


def mixed(shape: Shape, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The paint of a shape at points: colours [..., 3] from 0 to 255, opacities [...]."""
    at, colours, opacities = zip(*shape.fill.stops)
    levels = np.array([[int(colour[place : place + 2], 16) for place in (1, 3, 5)] for colour in colours], float)
    if len(at) == 1:
        return levels[0], np.asarray(opacities[0])
    left, top, right, bottom = shape.bounds
    across, down = (x - left) / (right - left) - shape.fill.centre[0], (y - top) / (bottom - top) - shape.fill.centre[1]
    far = np.hypot(across, down) / shape.fill.reach
    return np.stack([np.interp(far, at, levels[:, channel]) for channel in range(3)], -1), np.interp(far, at, opacities)
