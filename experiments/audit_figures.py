"""Where h is above h*, as pictures: h against h* with the diagonal, and overestimates by h*, the nets side by side.

Drawn from an audit's records alone. Read next: drawing.py (the look), audit_tables.py (the same in numbers).
"""

from collections.abc import Sequence
from typing import Any

import altair as alt

from astarzero.experiments.audit_searches import Record
from astarzero.experiments.drawing import GREY, chart
from astarzero.experiments.figures import Figure

ABOVE, BELOW = "#D55E00", "#2B83C6"
SIDE = 250  # pixels
CAPTIONS = {
    "where": "All states of the world by true cost-to-go h* and by what the net says, h, both in whole moves; darker is more states. "
    "Above the diagonal the net overestimates, and A* may miss the best plan.",
    "strata": "The share of states that are overestimated, by true cost-to-go h*: over all states, and over those that A* popped. "
    "A search pops what looks cheap, so h is less often too high there: popped states are no fair sample of all.",
    "scramble": "A margin calibrated on states so many random moves from the goal: the share that it then keeps at or below h*, on such "
    "states and on uniform ones. Dashed: what it promises.",
}


def audit_figures(records: Sequence[Record]) -> list[Figure]:
    """Every picture that these records fill."""
    pairs = [one for one in records if one["kind"] == "pairs"]
    plain = {one["arm"]: one for one in records if one["kind"] == "ledger" and not one["knob"]}
    scrambles = [one for one in records if one["kind"] == "scramble"]
    made = []
    if pairs:
        made.append(Figure("where-above", "Where h > h*", CAPTIONS["where"], where_above(pairs)))
        made.append(Figure("strata", "Overestimates by distance", CAPTIONS["strata"], strata(pairs, plain)))
    if scrambles:
        made.append(Figure("scramble", "Calibration on scramble depth", CAPTIONS["scramble"], scramble(scrambles)))
    return made


def where_above(records: Sequence[Record]) -> alt.HConcatChart:
    """One square a net: h upwards, h* to the right, a cell a pair of whole numbers, on one logarithmic scale of states."""
    top = max(max(cell[:2]) for one in records for cell in one["cells"]) + 1
    most = max(cell[2] for one in records for cell in one["cells"])
    panels: list[Any] = []
    for one in records:
        cells = [
            {"x": exact - 0.5, "x2": exact + 0.5, "y": h - 0.5, "y2": h + 0.5, "states": count, "above": h > exact}
            for exact, h, count in one["cells"]
        ]
        over = sum(stratum["over_share"] * stratum["states"] for stratum in one["strata"])
        share = 100 * over / sum(stratum["states"] for stratum in one["strata"])
        scale = alt.Scale(domain=[-0.5, top], nice=False)
        x = alt.X("x:Q", scale=scale, title="h*, moves to go", axis=alt.Axis(tickCount=6))
        y = alt.Y("y:Q", scale=scale, title=None if panels else "h, what the net says", axis=alt.Axis(tickCount=6))
        opacity = alt.Opacity("states:Q", scale=alt.Scale(type="log", domain=[1, most], range=[0.15, 1]), legend=None)
        colour = alt.Color("above:N", scale=alt.Scale(domain=[True, False], range=[ABOVE, BELOW]), legend=None)
        squares = chart(cells).mark_rect().encode(x=x, x2="x2:Q", y=y, y2="y2:Q", color=colour, opacity=opacity)
        ends = [{"x": 0, "y": 0}, {"x": top, "y": top}]
        diagonal = chart(ends).mark_line(color=GREY, strokeWidth=1.2).encode(x=x, y=y)
        note = chart([{"x": 0.5, "y": top - 1, "text": f"{share:.1f} % above"}]).mark_text(align="left", color=ABOVE, fontWeight=600)
        panels.append(
            alt.layer(squares, diagonal, note.encode(x=x, y=y, text="text:N")).properties(width=SIDE, height=SIDE, title=one["arm"])
        )
    return alt.hconcat(*panels, spacing=20)


def strata(records: Sequence[Record], plain: dict[str, Record]) -> alt.HConcatChart:
    """One panel a net: P(h > h*) by h*, over all states and over popped ones."""
    panels: list[Any] = []
    names = {"strata": "all states", "popped": "popped by A*"}
    for one in records:
        lines = {"strata": one["strata"], "popped": plain[one["arm"]]["popped_strata"]}
        points = [(names[line], stratum) for line, part in lines.items() for stratum in part]
        rows = [{"exact": stratum["exact"], "share": stratum["over_share"], "of": name} for name, stratum in points]
        x = alt.X("exact:Q", title="h*, moves to go", axis=alt.Axis(tickCount=6))
        axis = alt.Axis(format=".0%", values=[0, 0.25, 0.5, 0.75, 1])
        y = alt.Y("share:Q", scale=alt.Scale(domain=[0, 1]), title=None if panels else "share with h > h*", axis=axis)
        legend = alt.Legend(title=None, orient="bottom") if not panels else None
        colour = alt.Color("of:N", scale=alt.Scale(domain=list(names.values()), range=[BELOW, ABOVE]), legend=legend)
        line = chart(rows).mark_line(strokeWidth=2, point={"size": 22, "filled": True}).encode(x=x, y=y, color=colour)
        panels.append(line.properties(width=SIDE, height=170, title=one["arm"]))
    return alt.hconcat(*panels, spacing=20)


def scramble(records: Sequence[Record]) -> alt.HConcatChart:
    """One panel a net: what a margin keeps, by the length of the scrambles it was calibrated on."""
    panels: list[Any] = []
    names = {"same_kept": "on such scrambles", "every_kept": "on uniform states"}
    for arm in dict.fromkeys(one["arm"] for one in records):
        ours = [one for one in records if one["arm"] == arm]
        rows = [{"moves": one["moves"], "kept": one[line], "of": name} for one in ours for line, name in names.items()]
        ticks = alt.Axis(values=[one["moves"] for one in ours], title="random moves from the goal")
        x = alt.X("moves:Q", scale=alt.Scale(type="log", nice=False, padding=10), axis=ticks)
        low = min(0.5, *(row["kept"] for row in rows))
        scale = alt.Scale(domain=[low, 1], nice=False)
        y = alt.Y("kept:Q", scale=scale, title=None if panels else "share with h <= h*", axis=alt.Axis(format=".0%", tickCount=5))
        legend = alt.Legend(title=None, orient="bottom") if not panels else None
        colour = alt.Color("of:N", scale=alt.Scale(domain=list(names.values()), range=[BELOW, ABOVE]), legend=legend)
        line = chart(rows).mark_line(strokeWidth=2, point={"size": 30, "filled": True}).encode(x=x, y=y, color=colour)
        promise = chart([{"kept": ours[0]["promised"]}]).mark_rule(strokeDash=[5, 3]).encode(y=y)
        panels.append(alt.layer(line, promise).properties(width=SIDE, height=170, title=arm))
    return alt.hconcat(*panels, spacing=20)
