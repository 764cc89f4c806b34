"""`astarzero draw`: a game of Go from its SGF file as a picture, for a page (SVG) or a paper (PNG).

Moves are numbered as in books: each picture numbers those since the picture before it, on the stones that are still there. In a
notebook `draw_picture` of ../envs/go.py shows any position. Read next: ../envs/go_drawing.py.
"""

import dataclasses
from collections.abc import Sequence
from html import escape
from pathlib import Path

import vl_convert
from rich.console import Console

from astarzero.envs import make
from astarzero.envs.go import draw_picture
from astarzero.envs.picture import Picture
from astarzero.experiments.drawing import FONT, GREY
from astarzero.experiments.game_records import Record, load_record, replay

ACROSS, GAP, LINE = 3, 20.0, 20.0  # pictures in a row, the space between them, and the height of a line of words
PNG_SCALE = 2
LETTER = 0.56  # the mean width of a letter, in sizes of its font


def draw(file: Path, *, move: tuple[int, ...] = (), numbers: int | None = None, out: Path | None = None) -> int:
    """Draw a game of Go from an SGF file, by its main line.

    Exit status: 0 when the picture was written, 2 on bad input.

    Parameters
    ----------
    file
        The game; square boards from 1x1 to 19x19.
    move
        Draw the position after so many moves; may be repeated for several pictures beside one another. Default: the end.
    numbers
        How many moves before each picture are numbered; default: those since the picture before. 0 marks the last move instead.
    out
        Where to, ending in .svg or .png; default: beside the game, as .svg.
    """
    out = file.with_suffix(".svg") if out is None else out
    if out.suffix not in (".svg", ".png"):
        raise ValueError(f"A picture cannot be kept as {out}; give a name that ends in .svg or .png.")
    record = load_record(file)
    ends = move or (len(record.moves),)
    if list(ends) != sorted(set(ends)) or not 0 <= ends[0] <= ends[-1] <= len(record.moves):
        wanted = ", ".join(map(str, ends))
        raise ValueError(f"{file} has {len(record.moves)} moves and cannot be drawn after {wanted}; give growing numbers from 0 to that.")
    page = sheet(record, pictures(record, ends, numbers), ends)
    try:
        out.write_bytes(vl_convert.svg_to_png(page, scale=PNG_SCALE) if out.suffix == ".png" else page.encode())
    except OSError as problem:
        raise ValueError(f"{out} cannot be written ({problem.strerror}); give another name behind --out.") from None
    Console(stderr=True).print(f"Drawn in {out}.", highlight=False, markup=False, soft_wrap=True)
    return 0


def pictures(record: Record, ends: Sequence[int], numbers: int | None = None) -> list[Picture]:
    """The positions after so many moves, with as many numbers as `draw` says. ValueError names an illegal move."""
    domain = make("go", size=record.size, ko="simple", suicide=True, komi=0)  # what any rules of a file allow, and no komi is shown
    drawn = []
    for before, end in zip((0, *ends), ends):
        moves = record.moves[:end]
        first = before if numbers is None else max(end - numbers, 0)
        placed = {action: number for number, (_, action) in enumerate(moves, 1) if number > first}
        drawn.append(draw_picture(replay(dataclasses.replace(record, moves=moves, komi=0.0), domain).state, domain, numbers=placed))
    return drawn


def sheet(record: Record, drawn: Sequence[Picture], ends: Sequence[int]) -> str:
    """The pictures in rows, what each shows, and who played and won, as one SVG."""
    width, height = drawn[0].width, drawn[0].height + LINE * (len(drawn) > 1)
    across, down = min(len(drawn), ACROSS), -(-len(drawn) // ACROSS)
    right, bottom = across * (width + GAP) - GAP, down * (height + GAP)
    body = []
    for number, (picture, end) in enumerate(zip(drawn, ends)):
        left, top = number % ACROSS * (width + GAP), number // ACROSS * (height + GAP)
        body.append(f'<g transform="translate({left:g} {top:g})">{picture.svg()}</g>')
        if len(drawn) > 1:
            body.append(words(f"after move {end}", left + width / 2, top + picture.height + LINE * 0.75, width))
    for line in caption(record):
        body.append(words(line, right / 2, bottom, right))
        bottom += LINE
    bottom -= LINE / 2
    size = f'width="{right:g}" height="{bottom:g}" viewBox="0 0 {right:g} {bottom:g}"'
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" {size}>', *body, "</svg>"])


def caption(record: Record) -> list[str]:
    """Who played, and how it ended."""
    names = [f"{sign} {name}" for sign, name in zip("●○", record.names) if name]
    ending = record.ending.partition(": ")[0]
    result = [part for part in (record.result, ending, f"{len(record.moves)} moves", f"komi {record.komi:g}") if part]
    return [*names, ", ".join(result)]


def words(line: str, x: float, y: float, room: float) -> str:
    """A line of words around x, smaller where there is not enough room."""
    size = min(13.0, room / (LETTER * max(len(line), 1)))
    return f'<text x="{x:g}" y="{y:g}" font-family="{FONT}" font-size="{size:.3g}" fill="{GREY}" text-anchor="middle">{escape(line)}</text>'
