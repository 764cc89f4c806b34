"""Pictures of nets without search, and of the clock: one-step choices by head and by stage, and the cost model's check.

Read next: figures.py, which collects them with those of the searches.
"""

import re
from collections.abc import Mapping
from typing import Any

import altair as alt
import numpy as np

from astarzero.experiments.drawing import GREY, chart, side_colour, spread_labels
from astarzero.experiments.results import Results
from astarzero.experiments.tables import COLOURS, decimals

FIFTHS = [0, 0.2, 0.4, 0.6, 0.8, 1]
HEADS = {"value": "V of the successor", "q": "Q head", "policy": "policy head"}


def _largest_choices(results: Results) -> list[dict[str, Any]]:
    """The choice rows of each world and label regime at its largest size; the head that gives a policy is called so."""
    largest: dict[tuple[str, str], int] = {}
    for choice in results.choices:
        where = (choice["world"], choice["labels"])
        largest[where] = max(largest.get(where, 0), choice["size"])
    return [
        {**choice, "head": "policy" if choice["head"] == "prior" else choice["head"]}
        for choice in results.choices
        if choice["size"] == largest[choice["world"], choice["labels"]]
    ]


def choices(results: Results) -> alt.VConcatChart:
    """Bars of the regret that one step removes, by head; a row a world, a column a label regime."""
    rows = _largest_choices(results)
    panels = []
    for world in dict.fromkeys(row["world"] for row in rows):
        line = []
        for labels in dict.fromkeys(row["labels"] for row in rows if row["world"] == world):
            ours = [row for row in rows if (row["world"], row["labels"]) == (world, labels) and row["regret_removed"] is not None]
            heads = [head for head in HEADS if any(row["head"] == head for row in ours)]
            seeds = [
                {"head": HEADS[row["head"]], "side": row["head"], "removed": row["regret_removed"]} for row in ours if row["head"] in HEADS
            ]
            bars = []
            for head in heads:
                removed = [row["regret_removed"] for row in ours if row["head"] == head]
                collapsed = any(row.get("collapsed") for row in ours if row["head"] == head)
                text = f"{decimals(float(np.mean(removed)))}{' COLLAPSED' if collapsed else ''}"
                bars.append({"head": HEADS[head], "side": head, "removed": float(np.mean(removed)), "text": text, "at": max(0.0, *removed)})
            y = alt.Y("head:N", sort=[HEADS[head] for head in heads], title=None, axis=alt.Axis(ticks=False, domain=False, labelLimit=160))
            low = min([0.0, *(row["removed"] for row in seeds)])
            x = alt.X("removed:Q", scale=alt.Scale(domain=[low, 1]), title="regret removed", axis=alt.Axis(format=".1~f", values=FIFTHS))
            colour, edge = side_colour(), side_colour(alt.Stroke)
            bar = chart(bars).mark_bar(height=20, opacity=0.85).encode(x=x, y=y, color=colour)
            ring = chart(seeds).mark_point(size=26, filled=True, fill="white", strokeWidth=1.5, opacity=1)
            dots = ring.encode(x="removed:Q", y=y, stroke=edge)
            text = chart(bars).mark_text(align="left", dx=8, fontWeight=600).encode(x="at:Q", y=y, text="text:N", color=colour)
            line.append(alt.layer(bar, dots, text).properties(width=330, height=alt.Step(34), title=f"{world}, {labels} labels"))
        panels.append(alt.hconcat(*line, spacing=40))
    return alt.vconcat(*panels, spacing=26)


def stages(results: Results) -> alt.VConcatChart:
    """The regret removed at each stage, a line a head; a row a world, a column a label regime."""
    rows = [choice for choice in _largest_choices(results) if choice.get("stages")]
    lines = []
    for world in dict.fromkeys(row["world"] for row in rows):
        panels = []
        for labels in dict.fromkeys(row["labels"] for row in rows if row["world"] == world):
            ours = [row for row in rows if (row["world"], row["labels"]) == (world, labels)]
            heads = [head for head in HEADS if any(row["head"] == head for row in ours)]
            points = [
                {"side": head, "stage": stage, "removed": float(np.mean(removed)), "low": min(removed), "high": max(removed)}
                for head in heads
                for stage in dict.fromkeys(stage for row in ours if row["head"] == head for stage in row["stages"])
                if (removed := [row["stages"][stage] for row in ours if row["head"] == head and row["stages"].get(stage) is not None])
            ]
            order = sorted({point["stage"] for point in points}, key=_stage_order)
            low, height = min([0.0, *(point["low"] for point in points)]), 170
            ended = sorted((point for point in points if point["stage"] == order[-1]), key=lambda point: point["removed"])
            at = spread_labels([(point["removed"] - low) / (1 - low) for point in ended], 15 / height)
            texts = [{**point, "removed": low + up * (1 - low), "text": HEADS[point["side"]]} for point, up in zip(ended, at, strict=True)]
            x = alt.X("stage:O", sort=order, title=ours[0].get("stage_name", "stage"), axis=alt.Axis(labelAngle=0, labelOverlap=True))
            y = alt.Y("removed:Q", scale=alt.Scale(domain=[low, 1]), title="regret removed")
            colour = side_colour()
            band = chart(points).mark_area(opacity=0.16).encode(x=x, y=alt.Y("low:Q"), y2="high:Q", color=colour)
            line = chart(points).mark_line(strokeWidth=2.2, point={"size": 45, "filled": True}).encode(x=x, y=y, color=colour)
            text = chart(texts).mark_text(align="left", dx=9, fontWeight=600).encode(x=x, y="removed:Q", text="text:N", color=colour)
            panels.append(alt.layer(band, line, text).properties(width=300, height=height, title=f"{world}, {labels} labels"))
        lines.append(alt.hconcat(*panels, spacing=30))
    return alt.vconcat(*lines, spacing=26)


def _stage_order(stage: str) -> tuple[float, str]:
    """Stages in the order of the first number in their name."""
    number = re.search(r"\d+", stage)
    return (float(number[0]) if number else np.inf, stage)


def _pairs(model: Mapping[str, Any]) -> list[tuple[float, float]]:
    """(predicted, measured) seconds of each validating run; both may be lists or single numbers."""
    predicted, measured = (np.atleast_1d(np.asarray(model[name], np.float64)).tolist() for name in ("predicted", "measured"))
    return list(zip(predicted, measured, strict=True))


def cost_models(results: Results) -> alt.HConcatChart:
    """Predicted against measured seconds, a panel a world, on logarithmic scales, with the diagonal and its band of 20 %."""
    panels = []
    for world in dict.fromkeys(model["world"] for model in results.cost_models):
        points = [
            {"seed": model["seed"], "predicted": predicted, "measured": measured, "off": predicted / measured - 1}
            for model in results.cost_models
            if model["world"] == world
            for predicted, measured in _pairs(model)
            if predicted > 0 and measured > 0
        ]
        if not points:
            continue
        every = [point[name] for point in points for name in ("predicted", "measured")]
        low, high = min(every) / 1.4, max(every) * 1.4
        near = [{"at": at, "low": at * 0.8, "high": at * 1.2} for at in (low, high)]  # predictions within 20 % of a clock reading
        outside = sum(abs(point["off"]) > 0.2 for point in points)
        ticks = alt.Axis(values=[10.0**power for power in range(-7, 5)], format="~g")
        scale = alt.Scale(type="log", domain=[low, high], nice=False)
        x = alt.X("measured:Q", scale=scale, axis=ticks, title="measured seconds")
        y = alt.Y("predicted:Q", scale=scale, axis=ticks, title="predicted seconds")
        colour = alt.condition("abs(datum.off) > 0.2", alt.value(COLOURS["policy"]), alt.value(COLOURS["value"]))
        tooltip = ["seed:O", "predicted:Q", "measured:Q", alt.Tooltip("off:Q", format="+.0%")]
        band = chart(near).mark_area(opacity=0.2, color=GREY, clip=True).encode(x="at:Q", y="low:Q", y2="high:Q")
        line = chart(near).mark_line(strokeWidth=1, color=GREY).encode(x="at:Q", y="at:Q")
        dots = chart(points).mark_point(size=60, filled=True, opacity=0.85).encode(x=x, y=y, color=colour, tooltip=tooltip)
        worst = max(abs(point["off"]) for point in points)
        within = f"{len(points) - outside} of {len(points)} runs within 20 %, the worst {100 * worst:.0f} % off"
        title = alt.TitleParams(world, subtitle=within)
        panels.append(alt.layer(band, line, dots).properties(width=300, height=300, title=title))
    return alt.hconcat(*panels, spacing=50)
