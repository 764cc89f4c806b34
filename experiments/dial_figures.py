"""The picture of a dial: solve rate, evaluations and regret along the path, a column a judge, the legs named above.

Drawn from the records of dial.py alone. Read next: drawing.py (the look).
"""

import itertools
from collections.abc import Sequence
from typing import Any

import altair as alt

from astarzero.experiments.drawing import GREY, chart
from astarzero.experiments.figures import Figure

COLOURS = {"exact": "#2B83C6", "noisy": "#D55E00", "heuristic": "#009E73"}
CAPTION = (
    "One tree search, its switches turned one after another. Lines are means over the problems, bands their 95 % intervals. "
    "Evaluations are those spent until the search ended, the whole budget where it found nothing; regret is over the problems decided."
)
WIDTH, HEIGHT = 900, 170  # pixels
PANELS = {"solved": ("solved", ".0%"), "spent": ("evaluations", ",~f"), "regret": ("regret", "~g")}


def dial_figure(records: Sequence[dict[str, Any]]) -> Figure:
    """Three panels, one above the other, a line a judge."""
    first = records[0]
    judges = list(dict.fromkeys(record["judge"] for record in records))
    legs = legs_of([record for record in records if record["judge"] == judges[0]])
    shown = [name for name in PANELS if varies(records, name)]
    panels = [panel(records, name, legs, judges, name == shown[0]) for name in shown]
    chance = "" if first["chance"] is None else f", {first['chance']:.2f} by a random move"
    below = f"{first['instances']} problems; regret: {first['regret_unit']}{chance}"
    title = alt.TitleParams(f"{first['world']}: from {first['from']} to {first['to']}", subtitle=below, offset=26)
    return Figure(f"dial-{first['world']}", "The dial", CAPTION, alt.vconcat(*panels, spacing=12).properties(title=title))


def varies(records: Sequence[dict[str, Any]], name: str) -> bool:
    """Is there anything to see? In games all is spent, and without proofs none is ever solved: there only regret tells."""
    if records[0]["chance"] is not None:
        return name == "regret"
    return name == "spent" or len({record[name][0] for record in records if record[name] is not None}) > 1


def legs_of(records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Where each leg begins and ends along the path, and its name."""
    made: list[dict[str, Any]] = []
    for before, record in itertools.pairwise(records):
        if record["leg"] == before["leg"]:
            made[-1]["to"] = record["at"]
        else:
            made.append({"leg": record["leg"], "from": before["at"], "to": record["at"]})
    return [{**leg, "middle": (leg["from"] + leg["to"]) / 2, "words": leg["leg"].replace("_", " ")} for leg in made]


def panel(records: Sequence[dict[str, Any]], name: str, legs: Sequence[dict[str, Any]], judges: Sequence[str], first: bool) -> Any:
    """One quantity against the place on the dial."""
    title, words = PANELS[name]
    rows = [
        {"at": record["at"], "judge": record["judge"], "mean": record[name][0], "low": record[name][1], "high": record[name][2]}
        for record in records if record[name] is not None
    ]  # fmt: skip
    end = legs[-1]["to"] if legs else 1
    along = alt.Scale(domain=[0, end], nice=False)
    x = alt.X("at:Q", scale=along, axis=alt.Axis(labels=False, ticks=False, grid=False, title=None))
    scale = alt.Scale(domain=[0, 1]) if name == "solved" else alt.Scale(type="log") if name == "spent" else alt.Scale(zero=True)
    ticks = {"values": [1, 3, 10, 30, 100, 300, 1000, 3000, 10000]} if name == "spent" else {"tickCount": 5}
    y = alt.Y("mean:Q", scale=scale, axis=alt.Axis(format=words, title=title, **ticks))
    legend = alt.Legend(title=None, orient="bottom", symbolOpacity=1)
    colour = alt.Color("judge:N", scale=alt.Scale(domain=list(judges), range=[COLOURS[judge] for judge in judges]), legend=legend)
    borders = chart([{"at": leg["to"]} for leg in legs[:-1]]).mark_rule(color=GREY, strokeDash=[2, 3], opacity=0.7).encode(x=x)
    band = chart(rows).mark_area(opacity=0.2).encode(x=x, y=alt.Y("low:Q", scale=scale), y2="high:Q", color=colour)
    line = chart(rows).mark_line(strokeWidth=2, point={"size": 26, "filled": True}).encode(x=x, y=y, color=colour)
    layers: list[Any] = [borders, band, line]
    if first:
        names = [{**leg, "up": -16 if number % 2 else -3} for number, leg in enumerate(legs)]  # two rows, so that none runs into the next
        for up in (-3, -16):
            row = chart([name for name in names if name["up"] == up]).mark_text(baseline="bottom", fontSize=11, dy=up)
            layers.append(row.encode(x=alt.X("middle:Q", scale=along), y=alt.value(0), text="words:N"))
    return alt.layer(*layers).properties(width=WIDTH, height=HEIGHT)
