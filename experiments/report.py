"""A folder of results as pages: tables in the terminal, one self-contained report.html, and the figures as PNGs.

The page holds everything it needs, the vega libraries included, and its content policy forbids it any network; it follows
the reader's light or dark preference. Nothing in it is computed here: cells come from verdicts.py, words from tables.py,
pictures from figures.py, outcomes from predictions.py.
"""

import json
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any

import altair as alt
import vl_convert
from rich.console import Console

from astarzero.experiments import predictions
from astarzero.experiments.drawing import theme
from astarzero.experiments.figures import Figure, figures
from astarzero.experiments.predictions import Outcome, Tally
from astarzero.experiments.results import SIDES, Results, read
from astarzero.experiments.tables import (
    COLOURS,
    LEGEND,
    MATCH_HEADINGS,
    NAMES,
    bracketed,
    caveats,
    clock_notes,
    extent,
    match_lines,
    match_table,
    memory_notes,
    place,
    print_tables,
    reading,
    refusals,
    right_words,
    tally_sentences,
    verdict_words,
)
from astarzero.experiments.verdicts import Cell, judge

VEGA_LITE = ".".join(alt.SCHEMA_VERSION.lstrip("v").split(".")[:2])  # the version that altair writes is the one bundled
POLICY = "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data: blob:"
PNG_SCALE = 1.5

QUESTION = """
A search can be guided by a <em>value</em> (how far is this state from the goal?) or by a <em>policy</em> (which action looks
right here?). A* needs only the first, a policy-guided search only the second, AlphaZero's tree search uses both. Which one is
worth more depends on the world, on what the nets were taught, and on what is counted as the price. So every search here
runs on the same instances, with nets of the same size and training, and is charged three ways: by <em>expansions</em> (nodes opened),
by <em>evaluations</em> (states put through a net) and by <em>seconds</em>.
"""

STYLE = """
:root { color-scheme: light dark; --ink: #222; --faint: #666; --line: #ddd; --page: #fff; --wash: #f6f6f4; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e6e6; --faint: #a8a8a8; --line: #3a3a3a; --page: #161616; --wash: #202020; } }
body { font: 16px/1.55 system-ui, "Segoe UI", "Helvetica Neue", sans-serif; color: var(--ink); background: var(--page);
  max-width: 1380px; margin: 0 auto; padding: 2rem 1.5rem 5rem; }
p, ul { max-width: 75ch; } h1 { line-height: 1.2; margin-bottom: .3em; } h2 { margin-top: 2.4em; border-bottom: 1px solid var(--line); }
h3 { margin: 1.6em 0 .3em; } h3 small, .faint, figcaption { color: var(--faint); font-weight: normal; font-size: .9rem; }
.answer li { margin: .4em 0; } .caveat { border-left: 4px solid #c99700; padding: .2em 0 .2em 1em; }
.scroll { overflow-x: auto; } figure { margin: 1.6em 0; } figcaption { max-width: 85ch; margin: .2em 0 .8em; }
table { border-collapse: collapse; font-size: .86rem; font-variant-numeric: tabular-nums; margin: .6em 0; }
th, td { text-align: left; vertical-align: top; padding: .35em .9em .35em 0; border-bottom: 1px solid var(--line); white-space: nowrap; }
tr.new td { border-top: 2px solid var(--line); } td small { display: block; color: var(--faint); white-space: normal; max-width: 24ch; }
b.chip { color: #fff; padding: .1em .6em; border-radius: .8em; background: #808080; font-weight: 600; }
pre { background: var(--wash); padding: 1em; overflow-x: auto; font-size: .8rem; } summary { cursor: pointer; color: var(--faint); }
"""

SCRIPT = """
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const actions = { export: true, source: false, compiled: false, editor: false };
function draw() {
  for (const [name, spec] of Object.entries(SPECS))
    vegaEmbed("#" + name, spec, { renderer: "svg", actions, config: dark.matches ? THEMES.dark : THEMES.light }).catch(console.error);
}
dark.addEventListener("change", draw);
draw();
"""


def report(directory: Path, console: Console, samples: int = 2000) -> Path:
    """Print the tables of a folder of results and write `report.html` and `figures/*.png` into it; returns the page's path.

    Raises ValueError, in one sentence, when the folder holds no results or not those of one contest.
    """
    directory = Path(directory)
    results = read(directory)
    cells = judge(results, samples)
    outcomes = predictions.score(cells, results.revisions)
    tallies = predictions.tally(outcomes)
    print_tables(cells, outcomes, tallies, console)
    for note in notes_on(results):
        console.print(note, style="yellow", highlight=False)
    if results.matches:
        console.print(match_table(results.matches))
    drawn = figures(results, cells)
    (directory / "figures").mkdir(exist_ok=True)
    for figure in drawn:
        (directory / "figures" / f"{figure.name}.png").write_bytes(png(figure))
    path = directory / "report.html"
    path.write_text(page(results, cells, outcomes, tallies, drawn), encoding="utf-8")
    return path


def notes_on(results: Results) -> list[str]:
    """What to know of the results themselves, a sentence each: what V had been taught, and where the cost model missed the clock."""
    return [*memory_notes(results.choices), *clock_notes(results.cost_models)]


def png(figure: Figure) -> bytes:
    """The figure on white, for READMEs and papers."""
    return vl_convert.vegalite_to_png(figure.chart.to_dict(), vl_version=VEGA_LITE, scale=PNG_SCALE, config=theme(dark=False))


def page(results: Results, cells: Sequence[Cell], outcomes: Sequence[Outcome], tallies: Sequence[Tally], drawn: Sequence[Figure]) -> str:
    """The whole page as one string of HTML."""
    body = [
        "<h1>Value or policy: which guides a search better, and at what price?</h1>",
        f"<p class=faint>{escape(', '.join(results.worlds))}</p><p>{QUESTION}</p>",
        "<h2>What came out</h2>",
        _items(reading(cells), "answer"),
        *(f"<p class=caveat>{escape(note)}</p>" for note in (*caveats(cells), *notes_on(results))),
        *(_verdicts(cells, world) for world in dict.fromkeys(cell.world for cell in cells)),
        f"<p class=faint>{escape(LEGEND)}</p>",
        "<h2>The pictures</h2>",
        *(
            f"<figure><h3>{escape(figure.title)}</h3><figcaption>{escape(figure.caption)}</figcaption>"
            f'<div class=scroll><div id="{_id(figure)}" role=img aria-label="{escape(figure.title)}"></div></div></figure>'
            for figure in drawn
        ),
        "<noscript><p>The pictures need JavaScript; the same ones stand as PNGs in the folder figures/ beside this page.</p></noscript>",
        "<h2>Every side of every cell</h2>",
        f"<details><summary>Scores, shares solved and cost / optimal, with 95 % intervals</summary>{_sides(cells)}</details>",
        *(["<h2>Matches, where no table is</h2>", _matches(results)] if results.matches else []),
        "<h2>Predictions</h2>",
        _predictions(outcomes, tallies),
        "<h2>Where this comes from</h2>",
        _provenance(results),
    ]
    specs = {_id(figure): figure.chart.to_dict() for figure in drawn}
    themes = {"light": {**theme(dark=False), "background": "transparent"}, "dark": theme(dark=True)}
    scripts = [
        vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=VEGA_LITE),
        f"const SPECS = {_json(specs)}; const THEMES = {_json(themes)};{SCRIPT}",
    ]
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>astarzero: value or policy</title>',
            f'<meta name="viewport" content="width=device-width"><meta http-equiv="Content-Security-Policy" content="{POLICY}">',
            f"<style>{STYLE}</style></head><body>",
            *body,
            *(f'<script type="module">{script}</script>' for script in scripts),
            "</body></html>",
        ]
    )


def _json(value: Any) -> str:
    """JSON that may stand inside a script element."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).replace("</", "<\\/")


def _id(figure: Figure) -> str:
    return "figure-" + "".join(letter if letter.isalnum() else "-" for letter in figure.name)


def _items(sentences: Iterable[str], name: str) -> str:
    return f"<ul class={name}>" + "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences) + "</ul>"


def _table(headings: Sequence[str], rows: Iterable[tuple[str, Sequence[str]]]) -> str:
    """Headings and cells are HTML already; each row comes with its class."""
    head = "".join(f"<th>{heading}</th>" for heading in headings)
    body = "".join(f'<tr class="{name}">' + "".join(f"<td>{text}</td>" for text in row) + "</tr>" for name, row in rows)
    return f"<div class=scroll><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"


def _coloured(side: str) -> str:
    return f'<span style="color:{COLOURS[side]}">{escape(NAMES[side])}</span>'


def _verdicts(cells: Sequence[Cell], world: str) -> str:
    """The table of one world: what a reader came for."""
    shown = ("value", "policy", "both", "blind", "oracle")
    names = [_coloured(side) for side in shown]
    headings = ["labels", "axis", *names[:2], "value - policy", "verdict", *names[2:]]
    rows, previous = [], ""
    for cell in (cell for cell in cells if cell.world == world):
        chip = f'<b class=chip style="background:{COLOURS.get(cell.verdict, "#808080")}">{escape(verdict_words(cell))}</b>'
        sides = [_trial(cell, side) for side in shown]
        new = place(cell) != previous
        label = escape(place(cell)) if new else ""
        rows.append(("new" if new else "", [label, cell.axis, *sides[:2], bracketed(cell.difference, sign=True), chip, *sides[2:]]))
        previous = place(cell)
    return f"<h3>{escape(world)} <small>{escape(extent(cells, world))}</small></h3>" + _table(headings, rows)


def _trial(cell: Cell, side: str) -> str:
    if side not in cell.sides:
        return "–"
    result = cell.sides[side]
    agree = sum(trial == result.trial for trial in result.trials)
    title = f"chosen by {agree} of {len(result.trials)} seeds"
    return f'{bracketed(result.score)}<small title="{title}">{escape(result.trial)}</small>'


def _sides(cells: Sequence[Cell]) -> str:
    rows, previous = [], ""
    for cell in cells:
        for side in (side for side in SIDES if side in cell.sides):
            result = cell.sides[side]
            trials = ", ".join(dict.fromkeys(result.trials))
            numbers = [bracketed(result.score), bracketed(result.solved), bracketed(result.quality)]
            rows.append(("" if cell.name == previous else "new", [escape(cell.name), _coloured(side), escape(trials), *numbers]))
            previous = cell.name
    return _table(["cell", "side", "trials chosen on validation", "budget score", "solved (games: regret removed)", "cost / optimal"], rows)


def _matches(results: Results) -> str:
    return _table(MATCH_HEADINGS, (("", [escape(text) for text in line]) for line in match_lines(results.matches)))


def _predictions(outcomes: Sequence[Outcome], tallies: Sequence[Tally]) -> str:
    if not outcomes:
        return "<p>None were registered before this run, so nothing here was foretold.</p>"
    rows = []
    for outcome in outcomes:
        said = outcome.prediction
        words = [said.predictor, said.world, said.labels, said.axis, said.winner, str(said.date), outcome.verdict or "–"]
        rows.append(("", [escape(word) for word in (*words, right_words(outcome))]))
    headings = ["predictor", "world", "labels", "axis", "predicted", "written", "came out", "right?"]
    return _items((*tally_sentences(tallies), *refusals(outcomes)), "tally") + _table(headings, rows)


def _provenance(results: Results) -> str:
    """What made the results: commands, revisions, versions, seeds, and the whole configuration."""
    first = results.headers[0]
    several = {name: sorted({str(header.get(name, "")) for header in results.headers}) for name in ("command", "seed", "date")}
    revisions = list(dict.fromkeys(revision for of_world in results.revisions.values() for revision in of_world))
    facts = [
        ("command", ", ".join(several["command"])),
        ("revision", ", ".join(revisions)),
        ("versions", ", ".join(f"{name} {version}" for name, version in first["versions"].items())),
        ("training seeds", ", ".join(several["seed"])),
        ("dates", ", ".join(several["date"])),
        ("rows", f"{len(results.rows):,} in {len(results.headers)} shards"),
    ]
    config = json.dumps(first["config"], indent=1)
    table = _table(["", ""], [("", [escape(name), escape(text)]) for name, text in facts])
    return f"{table}<details><summary>Configuration</summary><pre>{escape(config)}</pre></details>"
