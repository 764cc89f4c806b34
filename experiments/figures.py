"""The pictures of a contest, as altair charts: solve rate against budget, differences with intervals, choices, quality, cost.

Each function turns cells or rows into one chart; `figures` collects them with a title and the sentence that says how to
read them. A side has one colour everywhere (`tables.COLOURS`), lines are labelled where they end, and everything is drawn
from results alone.

Read next: drawing.py (what they share), head_figures.py (nets without search), report.py (the page and the PNGs).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import numpy as np

from astarzero.experiments.drawing import GREY, chart, side_colour, side_dash, spread_labels
from astarzero.experiments.head_figures import choices, cost_models, stages
from astarzero.experiments.results import AXES, SIDES, Results
from astarzero.experiments.statistics import MARGIN
from astarzero.experiments.tables import COLOURS, NAMES, bracketed, decimals, place, verdict_words
from astarzero.experiments.verdicts import Cell

DRAWN = ("value", "policy", "q", "both", "blind", "oracle")  # the sides of a curve panel, in the order of tables
DIRECTIONS = "←  policy ahead" + "\u00a0" * 12 + "value ahead  →"
UNITS = {"expansions": "expansions", "evaluations": "states evaluated", "seconds": "seconds (cost model, one problem at a time)"}
CAPTIONS = {
    "differences": "Each dot is one cell: the budget score of value-only search less that of policy-only search, with its 95 % interval. "
    f"Inside the band (±{MARGIN:g}) a difference does not matter; right of it the value side wins, left of it the policy side.",
    "curves": "Share of test instances solved (in games: of a random move's regret removed), against the budget on a logarithmic "
    "scale. Lines are means over training seeds, bands go from the lowest to the highest seed; each side shows the trial that was best on "
    "validation. The number at the end of a line is its budget score, the area under it. Dashed lines are yardsticks.",
    "sizes": "Budget score against the number of labelled states that the nets learned from, with 95 % intervals.",
    "choice": "The share of a random choice's regret that taking the best-looking action removes: 1 chooses perfectly, 0 like chance. "
    "Bars are means over seeds, dots single seeds.",
    "stages": "The same share by stage of the way to a solution. Lines are means over seeds, bands go from the lowest to the highest seed.",
    "quality": "Mean cost / optimal over the instances that a side solved (1 is optimal), with 95 % intervals, by the trials chosen for "
    "the expansions axis. Sides solve different instances, so read it beside the share solved, never alone.",
    "cost model": "Seconds that the cost model predicts for whole runs with real nets, against the clock. The band is ±20 %, which the "
    "model must keep for the seconds axis to mean anything.",
}


@dataclass(frozen=True)
class Figure:
    """A chart with what a reader needs beside it."""

    name: str  # of its PNG
    title: str
    caption: str
    chart: Any


def figures(results: Results, cells: Sequence[Cell]) -> list[Figure]:
    """Every picture that these results can give, in reading order."""
    made: list[Figure] = []
    judged = [cell for cell in cells if cell.seeds]
    if judged:
        made.append(Figure("differences", "Who is ahead, and by how much", CAPTIONS["differences"], differences(judged)))
    for world in dict.fromkeys(cell.world for cell in judged):
        ours = [cell for cell in judged if cell.world == world]
        made.append(Figure(f"curves-{world}", f"{world}: {ours[0].gained} within a budget", CAPTIONS["curves"], curves(ours)))
        learned = [cell for cell in ours if cell.labels != "exact"]
        if len({cell.size for cell in learned}) > 1:
            made.append(Figure(f"sizes-{world}", f"{world}: with more labels", CAPTIONS["sizes"], sizes(learned)))
    if results.choices:
        made.append(Figure("choice", "One step, no search: how good is the choice?", CAPTIONS["choice"], choices(results)))
        if any(choice.get("stages") for choice in results.choices):
            made.append(Figure("stages", "Where along the way the choices are good", CAPTIONS["stages"], stages(results)))
    if any(_detours(cell) for cell in judged):
        made.append(Figure("quality", "How good the solutions are", CAPTIONS["quality"], quality(judged)))
    if any(model.get("measured") for model in results.cost_models):
        made.append(Figure("cost-model", "Can the seconds axis be trusted?", CAPTIONS["cost model"], cost_models(results)))
    return made


def _budget_axis(cell: Cell) -> alt.X:
    """Budgets on a logarithmic scale, a tick at every power of ten."""
    low, high = float(cell.budgets[0]), float(cell.budgets[-1])
    ticks = [10.0**power for power in range(int(np.ceil(np.log10(low) - 1e-9)), int(np.floor(np.log10(high) + 1e-9)) + 1)]
    words = "~g" if cell.axis == "seconds" else ",~f"
    axis = alt.Axis(values=ticks, format=words, grid=True, title=UNITS[cell.axis])
    return alt.X("budget:Q", scale=alt.Scale(type="log", domain=[low, high], nice=False), axis=axis)


def curve_panel(cell: Cell, first: bool, width: int = 245, height: int = 210) -> Any:
    """What is gained against budget for the sides of one cell; only the first of a row names its y axis."""
    sides = [side for side in DRAWN if side in cell.sides]
    rows = [
        {"side": side, "budget": float(f"{budget:.5g}"), "rate": round(float(one.mean()), 4), "low": round(float(one.min()), 4),
         "high": round(float(one.max()), 4), "trial": cell.sides[side].trial}
        for side in sides
        for budget, one in zip(cell.budgets, cell.sides[side].curves.T, strict=True)
    ]  # fmt: skip
    x, colour = _budget_axis(cell), side_colour()
    percent = alt.Axis(format="%", values=[0, 0.25, 0.5, 0.75, 1], title=cell.gained if first else None)
    y = alt.Y("rate:Q", scale=alt.Scale(domain=[0, 1]), axis=percent)
    tooltip = ["side:N", "trial:N", alt.Tooltip("budget:Q", format=".4g"), alt.Tooltip("rate:Q", format=".1%")]
    band = chart(rows).mark_area(opacity=0.16).encode(x=x, y=alt.Y("low:Q"), y2="high:Q", color=colour)
    line = chart(rows).mark_line(strokeWidth=2.4).encode(x=x, y=y, color=colour, strokeDash=side_dash(), tooltip=tooltip)
    # Labels in the order in which the curves lie; where they meet at the right end, the score tells it.
    scores = {side: cell.sides[side].score.mean for side in sides}
    ends = {side: float(cell.sides[side].curves[:, -1].mean()) for side in sides}
    upwards = sorted(sides, key=lambda side: (round(ends[side], 1), scores[side]))
    labels = [
        {"side": side, "budget": float(cell.budgets[-1]), "rate": at, "text": f"{NAMES[side]} {decimals(scores[side])}"}
        for side, at in zip(upwards, spread_labels([ends[side] for side in upwards], 15 / height), strict=True)
    ]
    text = chart(labels).mark_text(align="left", dx=7, fontWeight=600, fontSize=12).encode(x=x, y="rate:Q", text="text:N", color=colour)
    title = alt.TitleParams(f"{place(cell)}, by {cell.axis}", subtitle=f"{verdict_words(cell)}, {bracketed(cell.difference, sign=True)}")
    return alt.layer(band, line, text).properties(width=width, height=height, title=title)


def curves(cells: Sequence[Cell]) -> alt.VConcatChart:
    """The panels of a world: a row a label regime (its largest size), a column an axis."""
    largest = {labels: max(cell.size for cell in cells if cell.labels == labels) for labels in {cell.labels for cell in cells}}
    rows = []
    for labels in sorted(largest):
        ours = [cell for cell in cells if (cell.labels, cell.size) == (labels, largest[labels])]
        rows.append(alt.hconcat(*(curve_panel(cell, first=cell is ours[0]) for cell in ours), spacing=14))
    return alt.vconcat(*rows, spacing=30)


def sizes(cells: Sequence[Cell]) -> alt.VConcatChart:
    """Budget score against labelled states: a row a label regime, a column an axis."""
    rows = []
    for labels in sorted({cell.labels for cell in cells}):
        panels = []
        for axis in AXES:
            ours = [cell for cell in cells if (cell.labels, cell.axis) == (labels, axis)]
            sides = [side for side in DRAWN[:4] if all(side in cell.sides for cell in ours)]
            values: list[dict[str, Any]] = [
                {"side": side, "size": cell.size, "score": cell.sides[side].score.mean, "low": cell.sides[side].score.low,
                 "high": cell.sides[side].score.high}
                for cell in ours for side in sides
            ]  # fmt: skip
            if not values:
                continue
            ticks = alt.Axis(values=sorted({cell.size for cell in ours}), format=",", title="labelled states")
            x = alt.X("size:Q", scale=alt.Scale(type="log", nice=False, padding=16), axis=ticks)
            y = alt.Y("score:Q", scale=alt.Scale(domain=[0, 1]), title="budget score")
            colour = side_colour()
            last = max(cell.size for cell in ours)
            ended = sorted((value for value in values if value["size"] == last), key=lambda value: value["score"])
            at = spread_labels([value["score"] for value in ended], 15 / 190)
            texts = [{**value, "score": height, "text": NAMES[value["side"]]} for value, height in zip(ended, at, strict=True)]
            panels.append(
                alt.layer(
                    chart(values).mark_rule(strokeWidth=2, opacity=0.5).encode(x=x, y=alt.Y("low:Q"), y2="high:Q", color=colour),
                    chart(values).mark_line(strokeWidth=2.2, point={"size": 45, "filled": True}).encode(x=x, y=y, color=colour),
                    chart(texts).mark_text(align="left", dx=9, fontWeight=600).encode(x=x, y="score:Q", text="text:N", color=colour),
                ).properties(width=230, height=190, title=f"{labels} labels, by {axis}")
            )
        rows.append(alt.hconcat(*panels, spacing=16))
    return alt.vconcat(*rows, spacing=30)


def differences(cells: Sequence[Cell]) -> alt.HConcatChart:
    """A dot and an interval a cell, a column an axis; coloured by the winner, grey when there is none."""
    panels: list[Any] = []
    names = list(dict.fromkeys(f"{cell.world}, {place(cell)}" for cell in cells))
    reach = max([0.1, *(abs(edge) for cell in cells for edge in cell.difference[1:])]) * 1.15
    for axis in AXES:
        rows = [
            {"cell": f"{cell.world}, {place(cell)}", "mean": cell.difference.mean, "low": cell.difference.low, "high": cell.difference.high,
             "colour": COLOURS.get(cell.verdict, GREY), "verdict": verdict_words(cell), "text": bracketed(cell.difference, sign=True),
             **_written_at(cell, reach)}
            for cell in cells if cell.axis == axis
        ]  # fmt: skip
        y = alt.Y("cell:N", sort=names, title=None, axis=None if panels else alt.Axis(labelLimit=260, ticks=False, domain=False))
        signed = alt.Axis(labelExpr="datum.value == 0 ? '0' : format(datum.value, '+.2~f')", tickCount=6)
        x = alt.X("mean:Q", scale=alt.Scale(domain=[-reach, reach], nice=False), title=DIRECTIONS, axis=signed)
        colour = alt.Color("colour:N", scale=None)
        tooltip = ["cell:N", "verdict:N", "text:N"]
        base = chart(rows)
        band = chart([{"low": -MARGIN, "high": MARGIN}]).mark_rect(color=GREY, opacity=0.18).encode(x="low:Q", x2="high:Q")
        zero = chart([{"mean": 0}]).mark_rule(strokeWidth=1).encode(x="mean:Q")
        line = base.mark_rule(strokeWidth=3).encode(x=alt.X("low:Q"), x2="high:Q", y=y, color=colour, tooltip=tooltip)
        dot = base.mark_point(size=95, filled=True, opacity=1).encode(x=x, y=y, color=colour, tooltip=tooltip)
        texts = [
            base.transform_filter(f"datum.align == '{align}'").mark_text(align=align, dy=-13, fontSize=11, fontWeight=600)
            .encode(x="at:Q", y=y, text="verdict:N", color=colour)
            for align in ("left", "right")
        ]  # fmt: skip
        panels.append(alt.layer(band, zero, line, dot, *texts).properties(width=270, height=alt.Step(44), title=f"by {axis}"))
    return alt.hconcat(*panels, spacing=28)


def _written_at(cell: Cell, reach: float) -> dict[str, Any]:
    """Where the verdict stands: above its interval, off the zero line and inside the panel."""
    mean, low, high = cell.difference
    if abs(mean) > reach / 2:  # no room outwards
        return {"align": "right", "at": high} if mean > 0 else {"align": "left", "at": low}
    return {"align": "left", "at": max(low, 0.0) + 0.01 * reach} if mean >= 0 else {"align": "right", "at": min(high, 0.0) - 0.01 * reach}


def _detours(cell: Cell) -> bool:
    """Is any side's mean cost measurably above the optimum?"""
    return any(side.quality.high > 1.0005 for side in cell.sides.values())


def quality(cells: Sequence[Cell]) -> alt.VConcatChart:
    """Mean cost / optimal of every side at the trials chosen by expansions; a row a world, a column a label regime (its largest size)."""
    rows = []
    for world in dict.fromkeys(cell.world for cell in cells if _detours(cell)):
        panels: list[Any] = []
        here = [cell for cell in cells if (cell.world, cell.axis) == (world, "expansions")]
        for labels in dict.fromkeys(cell.labels for cell in here):
            cell = max((cell for cell in here if cell.labels == labels), key=lambda cell: cell.size)
            sides = [side for side in SIDES if side in cell.sides and not np.isnan(cell.sides[side].quality.mean)]
            top = max([1.02, *(cell.sides[side].quality.high for side in sides)])
            values = [
                {"side": side, "name": NAMES[side], **cell.sides[side].quality._asdict(),
                 "text": f"{cell.sides[side].quality.mean:.3f}  ({100 * cell.sides[side].solved.mean:.0f} % solved)"}
                for side in sides
            ]  # fmt: skip
            axis = None if panels else alt.Axis(ticks=False, domain=False, labelLimit=220, offset=8)
            y = alt.Y("name:N", sort=[NAMES[side] for side in SIDES], title=None, axis=axis)
            scale = alt.Scale(domain=[1, 1 + 1.6 * (top - 1)], nice=False, zero=False)
            x = alt.X("mean:Q", scale=scale, title="cost / optimal", axis=alt.Axis(format=".2f", tickCount=5))
            colour = side_colour()
            line = chart(values).mark_rule(strokeWidth=3, opacity=0.6).encode(x=alt.X("low:Q"), x2="high:Q", y=y, color=colour)
            dot = chart(values).mark_point(size=70, filled=True, opacity=1).encode(x=x, y=y, color=colour)
            text = chart(values).mark_text(align="left", dx=8, fontSize=11).encode(x="high:Q", y=y, text="text:N", color=colour)
            title = f"{world}, {place(cell)}"
            panels.append(alt.layer(line, dot, text).properties(width=330, height=alt.Step(24), title=title))
        rows.append(alt.hconcat(*panels, spacing=30))
    return alt.vconcat(*rows, spacing=30)
