"""Sliding-tile boards as text and as pictures, without a font: digits have seven segments."""

import numpy as np

INK, TILE, TABLE = (60, 52, 40), (236, 226, 206), (44, 44, 52)


def render_text(tiles: list[int], width: int) -> str:
    """The board in rows, the blank a dot."""
    rows = [tiles[start : start + width] for start in range(0, len(tiles), width)]
    return "\n".join(" ".join(f"{tile or '.':>2}" for tile in row) for row in rows)


SEGMENTS = ("abcdef", "bc", "abged", "abgcd", "fgbc", "afgcd", "afgedc", "abc", "abcdefg", "abcdfg")  # of a seven-segment digit


def draw_digit(canvas: np.ndarray, digit: int, top: int, left: int, size: int, ink: tuple[int, int, int]) -> None:
    """A seven-segment digit 2*size high and size wide, for pictures without a font."""
    thick = max(2, size // 5)
    bars = {
        "a": (0, 0, thick, size), "g": (size - thick // 2, 0, thick, size), "d": (2 * size - thick, 0, thick, size),
        "f": (0, 0, size, thick), "b": (0, size - thick, size, thick), "e": (size, 0, size, thick), "c": (size, size - thick, size, thick),
    }  # fmt: skip
    for name in SEGMENTS[digit]:
        down, right, height, width = bars[name]
        canvas[top + down : top + down + height, left + right : left + right + width] = ink


def render_picture(tiles: list[int], width: int, pixels: int = 64) -> np.ndarray:
    """The board as uint8 [height * pixels, width * pixels, 3]: tiles in warm grey, digits in ink, the blank dark."""
    canvas = np.full((len(tiles) // width * pixels, width * pixels, 3), TABLE, np.uint8)
    size = pixels // 4
    for cell, tile in enumerate(tiles):
        top, left = cell // width * pixels, cell % width * pixels
        if tile:
            canvas[top + 2 : top + pixels - 2, left + 2 : left + pixels - 2] = TILE
            digits = str(tile)
            start = left + (pixels - len(digits) * size - (len(digits) - 1) * size // 2) // 2
            for place, digit in enumerate(digits):
                draw_digit(canvas, int(digit), top + pixels // 4, start + place * (size + size // 2), size, INK)
    return canvas
