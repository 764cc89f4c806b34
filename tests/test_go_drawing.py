"""Pictures of Go: SVG and pixels are one drawing, they show what is on the board, and `astarzero draw` numbers moves like a book."""

import re
import struct
import xml.etree.ElementTree as xml
import zlib

import numpy as np
import pytest
import toys
import vl_convert
from go_games import after, go

from astarzero.envs.go import draw_picture
from astarzero.envs.go_drawing import CELL, MARGIN, STRIP, draw_board, star_points
from astarzero.envs.picture import Box, Disc, Paint, Picture, Stroke, plain
from astarzero.envs.stroke_font import SIGNS, written
from astarzero.experiments.__main__ import main
from astarzero.experiments.draw import pictures
from astarzero.experiments.game_records import Record

SVG = "{http://www.w3.org/2000/svg}"


def read_png(data: bytes) -> np.ndarray:
    """A PNG file of 8-bit channels, not interlaced, laid over white: float [H, W, 3]."""
    place, chunks = 8, []
    while place < len(data):
        length, kind = struct.unpack(">I4s", data[place : place + 8])
        chunks.append((kind, data[place + 8 : place + 8 + length]))
        place += 12 + length
    width, height, depth, colours = struct.unpack(">IIBB", chunks[0][1][:10])
    channels = {2: 3, 6: 4}[colours]
    assert depth == 8 and chunks[0][1][12] == 0
    data, stride = zlib.decompress(b"".join(part for kind, part in chunks if kind == b"IDAT")), channels * width
    above = [0] * (stride + channels)  # with a column to the left, as every row
    rows = []
    for start in range(0, len(data), stride + 1):
        row = [0] * channels
        for place in range(stride):
            left, up, corner = row[place], above[place + channels], above[place]
            nearest = min((left, up, corner), key=lambda sign: abs(left + up - corner - sign))
            row.append((data[start + 1 + place] + (0, left, up, (left + up) // 2, nearest)[data[start]]) % 256)
        rows.append(row[channels:])
        above = row
    picture = np.array(rows, float).reshape(height, width, channels)
    opacity = picture[..., 3:] / 255 if channels == 4 else 1.0
    return picture[..., :3] * opacity + 255 * (1 - opacity)


def pixel(picture: np.ndarray, row: int, column: int) -> np.ndarray:
    """What stands on a point of the board."""
    return picture[int(MARGIN + CELL * row), int(MARGIN + CELL * column)].astype(int)


# --- one drawing, twice ----------------------------------------------------------------------------------------------------------


def test_pixels_are_what_another_program_makes_of_the_svg():
    domain = go(3, ko="simple")
    line = after(domain, "B2 A2 C1 pass B3")
    policy = np.array([0.3, 0, 0.1, 0, 0, 0.2, 0.05, 0, 0, 0.35])
    picture = draw_picture(line.state, domain, policy=policy, value=-0.5, numbers={1: 5, 3: 27})
    theirs, ours = read_png(vl_convert.svg_to_png(picture.svg())), picture.pixels()
    assert theirs.shape == ours.shape == (2 * MARGIN + 2 * CELL + 2 * STRIP, 2 * MARGIN + 2 * CELL, 3)
    differences = np.abs(theirs - ours).max(-1)
    assert np.mean(differences) < 2 and np.mean(differences > 24) < 0.005, (np.mean(differences), np.mean(differences > 24))


def test_svg_is_xml_whose_references_lead_somewhere():
    domain = go("4x6")
    picture = draw_picture(after(domain, "C3 D2 B2").state, domain, policy=np.full(25, 0.04), value=0.0)
    text = picture._repr_svg_()
    root = xml.fromstring(text)
    assert root.find(f"{SVG}title").text == domain.format(after(domain, "C3 D2 B2").state)
    assert set(re.findall(r"url\(#(.*?)\)", text)) == {element.get("id") for element in root.iter(f"{SVG}radialGradient")}
    assert (float(root.get("width")), float(root.get("height"))) == (picture.width, picture.height)


def test_pixels_scale_and_cover_edges_in_part():
    picture = Picture("", 10, 4, (), (Box(1, 1, 3.5, 2, plain("#000000")), Disc(8, 2, 1.5, plain("#ff0000", 0.5))))
    small, large = picture.pixels(), picture.pixels(4)
    assert small.shape == (4, 10, 3) and large.shape == (16, 40, 3)
    assert small[2, :, 0].tolist()[:6] == [255, 0, 0, 0, 128, 255] and small[2, 8].tolist() == [255, 128, 128]
    assert np.abs(large.reshape(4, 4, 10, 4, 3).mean((1, 3)) - small).max() < 30


def test_a_gradient_runs_from_its_centre():
    paint = Paint(((0.0, "#000000", 1.0), (1.0, "#ffffff", 1.0)), (0.0, 0.5), 1.0)
    row = Picture("", 256, 8, (), (Box(0, 0, 256, 8, paint),)).pixels()[4, :, 0].astype(int)
    assert (np.diff(row) >= 0).all() and row[0] < 20 and row[-1] > 245


def test_words_have_a_middle_and_every_sign_its_own_shape():
    shapes = {}
    for sign in SIGNS:
        stroke = written(sign + sign, 50, 50, 40, plain("#000000"))
        if sign != " ":
            left, top, right, bottom = stroke.bounds
            assert abs(left + right - 100) < 0.5 and 29.5 < top < bottom < 73, sign
        shapes[stroke.lines] = sign
    assert len(shapes) == len(SIGNS)
    with pytest.raises(ValueError, match="'z' in 'Az' has no strokes") as error:
        written("Az", 0, 0, 1, plain("#000000"))
    toys.one_sentence(error)


# --- what a board shows ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 2), (9, 9), (19, 19)])
def test_every_stone_is_where_the_points_say(height, width):
    points = np.random.default_rng(0).integers(3, size=height * width).tolist()
    picture = draw_board(points, height, width, title="").pixels()
    assert picture.shape == (2 * MARGIN + CELL * (height - 1), 2 * MARGIN + CELL * (width - 1), 3)
    for point, stone in enumerate(points):
        colour = pixel(picture, *divmod(point, width))
        assert (colour.min() > 215, colour.max() < 75 and np.ptp(colour) < 12) == (stone == 2, stone == 1), (point, colour)


def test_the_last_move_and_ko_are_marked_and_a_pass_is_not():
    domain = go(5, ko="simple")
    line = after(domain, "B3 C3 C4 D4 C2 D2 A1 E3 D3")
    shown = draw_picture(line.state, domain)
    marks = [shape for shape in shown.shapes if isinstance(shape, Stroke)]
    corner = MARGIN + CELL * 2, MARGIN + CELL * 2  # C3, which White may not take back; the last move was D3
    middles = [tuple(np.mean([mark.bounds[:2], mark.bounds[2:]], 0).round(1).tolist()) for mark in marks]
    assert middles == [(corner[0] + CELL, corner[1]), corner]
    line.play(25)
    assert not [shape for shape in draw_picture(line.state, domain).shapes if isinstance(shape, Stroke)]


@pytest.mark.parametrize("to_move", ["black", "white"])
def test_policy_and_value(to_move):
    """The heaviest empty point is the bluest, an occupied one is not shown, and the bar is Black's share of the chances."""
    domain = go(3)
    row = domain.parse(f".X./.../..O to={to_move}")
    policy = np.array([0.1, 9, 0, 0, 0.2, 0, 0.4, 0, 9, 0.3])
    picture, plain_picture = draw_picture(row, domain, policy=policy, value=0.5).pixels(), draw_picture(row, domain).pixels()
    change = np.abs(picture[: len(plain_picture)].astype(int) - plain_picture).max(-1)
    areas = [(change[y : y + 40, x : x + 40] > 8).sum() for y in (26, 66, 106) for x in (26, 66, 106)]
    assert np.argsort(areas)[-3:].tolist() == [0, 4, 6] and areas[1] == areas[2] == areas[8] == 0
    assert areas[6] / areas[4] == pytest.approx(2, rel=0.2)
    bar = picture[-int(STRIP / 2) + 6, :, 0]
    assert (bar < 100).mean() == pytest.approx(0.75 if to_move == "black" else 0.25, abs=0.04)


@pytest.mark.parametrize("wrong", [{"policy": np.ones(9)}, {"policy": np.full(10, np.nan)}, {"policy": -np.ones(10)}, {"value": 1.5}])
def test_what_is_no_policy_or_value_is_one_sentence(wrong):
    with pytest.raises(ValueError, match=r"policy|value") as error:
        draw_picture(go(3).instance_sets["start"]()[0], go(3), **wrong)
    toys.one_sentence(error)


def test_star_points_are_the_usual_ones():
    counts = {size: len(star_points(size, size)) for size in (1, 3, 4, 5, 6, 8, 9, 13, 18, 19)}
    assert counts == {1: 0, 3: 0, 4: 0, 5: 1, 6: 0, 8: 4, 9: 5, 13: 9, 18: 4, 19: 9}
    assert {(3, 3), (9, 9), (15, 3), (9, 15)} <= set(star_points(19, 19)) and len(star_points(9, 13)) == 5
    assert draw_board([0] * 81, 9, 9, title="").ground == draw_board([1] + [0] * 80, 9, 9, title="").ground


# --- games -----------------------------------------------------------------------------------------------------------------------

GAME = Record(3, 6.25, [(0, 4), (1, 1), (0, 0), (1, 3), (0, 9), (1, 2), (1, 0), (0, 8)], names=("A <b>", ""), result="B+R")  # 7 retakes 3


def test_moves_are_numbered_since_the_picture_before():
    domain, names = go(3, ko="simple", suicide=True, komi=0), "B2 B3 A3 A2 pass C3"
    first, second, third = pictures(GAME, (2, 6, 8))
    line = after(domain, names)
    assert first == draw_picture(line.rows[2], domain, numbers={4: 1, 1: 2})
    assert second == draw_picture(line.state, domain, numbers={3: 4, 2: 6}), "move 3 was taken, move 5 was a pass"
    assert third.title.startswith("OOO/OX./..X to=white") and {7, 8} == set(numbered(third))
    assert set(numbered(pictures(GAME, (8,))[0])) == {1, 2, 4, 6, 7, 8}
    assert set(numbered(pictures(GAME, (8,), numbers=3)[0])) == {6, 7, 8} and not numbered(pictures(GAME, (8,), numbers=0)[0])


def numbered(picture: Picture) -> list[int]:
    """The numbers written on stones."""
    discs = {(shape.x, shape.y) for shape in picture.shapes if isinstance(shape, Disc)}
    known = {written(str(number), x, y, 14.0, plain("#000000")).lines: number for number in range(1, 9) for x, y in discs}
    return [known[shape.lines] for shape in picture.shapes if isinstance(shape, Stroke) and shape.lines in known]


def test_a_game_is_drawn_from_its_file(tmp_path, capsys):
    path = tmp_path / "game.sgf"
    GAME.save(path)
    assert main(["draw", str(path)]) == 0
    assert main(["draw", str(path), "--move", "2", "--move", "8", "--out", str(tmp_path / "two.svg")]) == 0
    one, two = (xml.fromstring((tmp_path / name).read_text()) for name in ("game.svg", "two.svg"))
    assert len(one.findall(f".//{SVG}title")) == 1 and len(two.findall(f".//{SVG}title")) == 2
    assert [text.text for text in one.iter(f"{SVG}text")] == ["● A <b>", "B+R, 8 moves, komi 6.25"]
    assert [text.text for text in two.iter(f"{SVG}text")][:2] == ["after move 2", "after move 8"]
    assert main(["draw", str(path), "--out", str(tmp_path / "game.png")]) == 0
    assert (tmp_path / "game.png").read_bytes().startswith(b"\x89PNG")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--out", "game.gif"], "give a name that ends in .svg or .png"), (["--move", "9"], "has 8 moves and cannot be drawn after 9"),
        (["--move", "4", "--move", "2"], "give growing numbers"), (["--move", "-1"], "cannot be drawn after -1"),
        (["--out", "/no/such/folder/game.svg"], "cannot be written"),
    ],
)  # fmt: skip
def test_bad_wishes_are_one_sentence(words, sentence, tmp_path, capsys):
    GAME.save(tmp_path / "game.sgf")
    assert main(["draw", str(tmp_path / "game.sgf"), *words]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and sentence in captured.err and captured.err.count("\n") == 1


def test_a_file_that_is_no_game_is_one_sentence(tmp_path, capsys):
    (tmp_path / "game.sgf").write_text("(;GM[1]SZ[3];B[aa];W[aa])")
    assert main(["draw", str(tmp_path / "game.sgf")]) == 2 and "Move 2, white at A3, is illegal" in capsys.readouterr().err
    assert main(["draw", str(tmp_path / "none.sgf")]) == 2 and "cannot be read" in capsys.readouterr().err
