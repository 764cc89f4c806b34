"""Pages: the report opens without a network, says what the cells say, fits a terminal, and escapes what it is given."""

import io
import json
import re
from itertools import pairwise

import numpy as np
import pytest
from fabricated import fabricate
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from astarzero.experiments.drawing import spread_labels
from astarzero.experiments.figures import figures
from astarzero.experiments.results import SIDES, Results, read
from astarzero.experiments.statistics import NO_INTERVAL, Interval
from astarzero.experiments.tables import (
    COLOURS,
    NAMES,
    bracketed,
    caveats,
    clock_notes,
    decimals,
    memory_notes,
    print_tables,
    reading,
    verdict_words,
)
from astarzero.experiments.verdicts import Cell, judge


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return fabricate(tmp_path_factory.mktemp("results"), {"policy": 4.0}, instances=30, luck=1)


@pytest.fixture(scope="module")
def written(folder):
    """The folder after `report`, and what the terminal showed."""
    from astarzero.experiments.report import report

    stream = io.StringIO()
    path = report(folder, Console(file=stream, width=130), samples=100)
    return path, path.read_text(encoding="utf-8"), stream.getvalue()


def test_the_page_needs_no_network(written):
    _, html, _ = written
    own = re.sub(r"(?s)<script type=\"module\">.*?</script>", "", html)  # scripts name namespaces; the page's own tags name nothing
    assert "<script" not in own and not re.findall(r"(?:src|href)\s*=|@import|url\(", own)
    assert "default-src 'none'" in html  # the browser enforces it as well
    assert len(html) < 4_000_000


def test_the_page_holds_every_part(written):
    path, html, _ = written
    for heading in ("What came out", "The pictures", "Every side of every cell", "Predictions", "Where this comes from"):
        assert f"<h2>{heading}</h2>" in html
    assert "by expansions the value-only side wins" in html and "A look, not a result: 3 training seeds" in html
    assert "astarzero contest --quick" in html and "0" * 40 in html and "numpy 2.0" in html
    assert all(escaped in html for escaped in ("levin pi temperature=1", "puct pi+V half c=1", "puct V c=1", "qstar Q weight=1"))
    specs = json.loads(re.search(r"const SPECS = (.*?); const THEMES", html)[1])
    drawn = {name.removeprefix("figure-") for name in specs}
    assert drawn == {"differences", "curves-sliding-3x3", "curves-countdown-4", "choice", "stages", "quality", "cost-model"}
    for name in drawn:
        image = (path.parent / "figures" / f"{name}.png").read_bytes()
        assert image.startswith(b"\x89PNG") and len(image) > 10_000
        width = int.from_bytes(image[16:20])
        assert 400 < width < 3000


def test_the_terminal_s_tables_fit_and_agree(written):
    _, _, shown = written
    assert max(map(len, shown.splitlines())) <= 130
    for words in ("sliding-3x3", "countdown-4", "matched", "2,000 states", "oracle", "95 % intervals"):
        assert words in shown
    for cell in judge(read(written[0].parent), samples=100):
        assert verdict_words(cell) in shown and bracketed(cell.difference, sign=True) in shown
        assert bracketed(cell.sides["value"].score) in shown and cell.sides["policy"].trial.split()[0] in shown


@pytest.mark.parametrize("width", [100, 120, 140])
def test_other_terminals(folder, width):
    stream = io.StringIO()
    print_tables(judge(read(folder), samples=50), [], [], Console(file=stream, width=width))
    assert max(map(len, stream.getvalue().splitlines())) <= width and "…" not in stream.getvalue()


def test_cells_leave_as_json(folder):
    for cell in judge(read(folder), samples=50):
        record = json.loads(json.dumps(cell.to_record(), allow_nan=False))
        assert record["verdict"] == cell.verdict and set(record["sides"]) == set(cell.sides)


def cell(verdict="value", axis="expansions", world="w", difference=(0.1, 0.05, 0.15), notes=(), seeds=5, instances=500, labels="full"):
    budgets = np.geomspace(1, 1000, 4)
    return Cell(world, labels, 9, axis, tuple(range(seeds)), instances, {}, Interval(*difference), verdict, notes, budgets)


def test_the_reading_in_words():
    cells = [cell(), cell(labels="matched", difference=(0.2, 0.1, 0.3)), cell("tie", "evaluations"), cell("value", "seconds")]
    cells.append(cell("policy", "seconds", labels="matched"))
    assert reading(cells) == [
        "w: by expansions the value-only side wins (worth 2.0 to 4.0 times the budget); by evaluations every cell is a tie; "
        "by seconds it is mixed (1 for value, 1 for policy)."
    ]


def test_a_blind_search_that_leads_is_named(tmp_path):
    cells = judge(read(fabricate(tmp_path, {"blind": 0.1, "policy": 4.0}, worlds=("sliding-3x3",), seeds=2, instances=30)), samples=50)
    (sentence,) = reading(cells)
    assert "by expansions the value-only side wins (worth" in sentence and "yet blind search scores above both" in sentence


def test_caveats_name_what_is_too_small_and_what_did_not_count():
    assert caveats([cell()]) == []
    assert caveats([cell(seeds=1, instances=499)])[0].startswith("A look, not a result: 1 training seed and 499 instances")
    assert caveats([cell(notes=("one", "two")), cell(notes=("two",))]) == ["one", "two"]
    assert caveats([]) == []


@pytest.mark.parametrize(
    ("numbers", "sign", "text"),
    [
        ((0.5, 0.25, 1.0), False, ".50 [.25 1.00]"),
        ((-0.034, -0.05, -0.004), True, "-.03 [-.05 -.00]"),
        ((0.0, -0.01, 0.01), True, "+.00 [-.01 +.01]"),
        ((1.0123, 1.0, 1.02), False, "1.012 [1.000 1.020]"),
        (NO_INTERVAL, True, "–"),
    ],
)
def test_numbers_are_short_and_carry_their_interval(numbers, sign, text):
    assert bracketed(Interval(*numbers), sign) == text


def test_decimals_of_round_numbers():
    assert [decimals(number) for number in (0.0, 0.996, 1.0, np.nan)] == [".00", "1.00", "1.00", "–"]


@given(st.lists(st.floats(0, 1), max_size=8).map(sorted))
def test_labels_never_collide(heights):
    placed = spread_labels(heights, 0.07)
    assert len(placed) == len(heights)
    assert all(upper - lower >= 0.07 - 1e-9 for lower, upper in pairwise(placed))
    if all(upper - lower >= 0.07 + 1e-9 for lower, upper in pairwise(heights)):
        assert placed == pytest.approx(heights)


def test_more_sizes_make_one_more_picture_and_verdicts_a_size(tmp_path):
    results = read(fabricate(tmp_path, worlds=("sliding-3x3",), seeds=2, instances=10, sizes=(20, 200)))
    cells = judge(results, samples=20)
    assert {(cell.labels, cell.size) for cell in cells} == {(labels, size) for labels in ("full", "matched") for size in (20, 200)}
    drawn = {figure.name: figure.chart.to_dict() for figure in figures(results, cells)}
    assert "labelled states" in json.dumps(drawn["sizes-sliding-3x3"])
    assert "200 states" in json.dumps(drawn["curves-sliding-3x3"]) and "20 states, by" not in json.dumps(drawn["curves-sliding-3x3"])


def test_every_side_has_a_name_and_a_colour_of_its_own():
    assert set(NAMES) == set(COLOURS) == set(SIDES)
    assert len(set(COLOURS.values())) == len(SIDES)


def test_an_unfinished_contest_still_makes_a_page():
    from astarzero.experiments.report import page

    unfinished = cell("incomplete", seeds=0, difference=NO_INTERVAL, notes=("<b>nothing & nobody</b>",))
    header = {"command": "<script>", "revision": "a", "versions": {}, "seed": 0, "config": {"x": "</script>"}, "date": ""}
    results = Results((header,), (), (), (), {})
    assert figures(results, [unfinished]) == []
    html = page(results, [unfinished], [], [], [])
    assert "&lt;b&gt;nothing &amp; nobody" in html and "&lt;script&gt;" in html and "None were registered" in html
    stream = io.StringIO()
    print_tables([unfinished], [], [], Console(file=stream, width=120))
    assert "incomplete" in stream.getvalue()


def test_a_cost_model_that_misses_the_clock_is_said_so():
    good = {"world": "tiles", "measured": [1.0, 2.0], "predicted": [1.19, 1.7]}
    bad = {"world": "go", "measured": [1.0, 1.0], "predicted": [1.1, 1.5]}
    (note,) = clock_notes([good, bad, good])
    assert note.startswith("go: do not quote its seconds") and "in 1 of 2 runs and 50 % off" in note
    assert clock_notes([{"world": "tiles"}]) == []


def test_what_v_was_taught_of_the_test_is_said():
    common = {"world": "go", "labels": "full", "size": 9, "head": "value", "successors_labelled": 0.0}
    go = [common | {"two_plies_labelled": share} for share in (0.2, 0.3)]
    others = [common | {"head": "q", "successors_labelled": 1.0}, common | {"size": 4, "successors_labelled": 1.0}]
    tiles = {"world": "tiles", "labels": "matched", "size": 9, "head": "value"}
    assert memory_notes([*go, *others, tiles | {"successors_labelled": 0.5}]) == [
        "go, full labels: V had been taught 0 % of the states one move and 25 % of the states two from those of the test.",
        "tiles, matched labels: V had been taught 50 % of the states one move from those of the test.",
    ]
    assert memory_notes([tiles]) == []  # rows of before this was kept
    assert memory_notes([tiles | {"successors_labelled": None}]) == []  # every move ended the game, so V was asked about nothing
