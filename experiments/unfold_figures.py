"""Graph against tree as pictures: nodes by depth on a logarithmic scale, and solve rate against budget with and without a table.

Drawn from an unfolding's records alone. Read next: drawing.py (the look), unfold_tables.py (the same in numbers).
"""

from collections.abc import Sequence
from typing import Any

import altair as alt

from astarzero.experiments.drawing import chart
from astarzero.experiments.figures import Figure
from astarzero.experiments.unfold_tables import WORDS

TREE, GRAPH, BETWEEN, LAST = "#D55E00", "#2B83C6", "#7B8B3A", "#8E5AA8"
LINES = {"lines": ("tree nodes", TREE), "past": ("with their past", LAST), "moves": ("with their moves", BETWEEN)}
CAPTIONS = {
    "unfolding": "Nodes of the search tree and distinct positions at each depth, means over roots, on a logarithmic scale.",
    "duplicates": "Share of problems solved within a budget, with 95 % intervals, when the same search merges states by a table, drops "
    "those on its path, or keeps all.",
}


def unfold_figures(records: Sequence[dict[str, Any]]) -> list[Figure]:
    """Every picture that these records fill."""
    depths, searches = ([one for one in records if one["kind"] == kind] for kind in ("depth", "search"))
    made = []
    if depths:
        made.append(Figure("unfolding", f"Graph against tree: {depths[0]['world']}", CAPTIONS["unfolding"], unfolding(depths)))
    if searches:
        made.append(Figure("duplicates", "What merging states buys", CAPTIONS["duplicates"], duplicates(searches)))
    return made


def unfolding(records: Sequence[dict[str, Any]]) -> alt.Chart:
    """Counts by depth, a line each."""
    names = {**{name: line for name, line in LINES.items() if name == "lines" or records[0]["history"]}, "positions": ("positions", GRAPH)}
    rows = [
        {"depth": one["depth"], "count": one[name], "of": words}
        for one in records for name, (words, _) in names.items() if one[name] > 0
    ]  # fmt: skip
    colour = alt.Color(
        "of:N", scale=alt.Scale(domain=[words for words, _ in names.values()], range=[colour for _, colour in names.values()]),
        legend=alt.Legend(title=None, orient="top-left"), sort=None,
    )  # fmt: skip
    y = alt.Y("count:Q", scale=alt.Scale(type="log"), title="at this depth", axis=alt.Axis(format="~e", tickCount=6))
    dashes = alt.Scale(domain=[words for words, _ in names.values()], range=[[4, 4] if name == "past" else [1, 0] for name in names])
    dash = alt.StrokeDash("of:N", scale=dashes, legend=None)  # the tree's own line lies under it
    lines = chart(rows).mark_line(strokeWidth=2, point={"size": 22, "filled": True})
    return lines.encode(x=alt.X("depth:Q", title="moves from the root"), y=y, color=colour, strokeDash=dash).properties(
        width=420, height=260
    )


def duplicates(records: Sequence[dict[str, Any]]) -> alt.HConcatChart:
    """One panel a search: solve rate against budget, a line for each way to treat duplicates."""
    panels: list[Any] = []
    axis = records[0]["axis"]
    for arm in dict.fromkeys(one["arm"] for one in records):
        rows = [
            {"budget": budget, "rate": rate, "low": low, "high": high, "of": WORDS[one["knob"]]}
            for one in records if one["arm"] == arm for budget, rate, low, high in one["rates"]
        ]  # fmt: skip
        legend = alt.Legend(title=None, orient="bottom", columns=1) if not panels else None
        colour = alt.Color("of:N", scale=alt.Scale(domain=list(WORDS.values()), range=[GRAPH, BETWEEN, TREE]), legend=legend)
        x = alt.X("budget:Q", scale=alt.Scale(type="log", nice=False), title=axis, axis=alt.Axis(format="~s", tickCount=4))
        scale = alt.Scale(domain=[0, 1])
        y = alt.Y("rate:Q", scale=scale, title=None if panels else "solved", axis=alt.Axis(format=".0%", tickCount=5))
        band = chart(rows).mark_area(opacity=0.15).encode(x=x, y=alt.Y("low:Q", scale=scale), y2="high:Q", color=colour)
        line = chart(rows).mark_line(strokeWidth=2).encode(x=x, y=y, color=colour)
        panels.append(alt.layer(band, line).properties(width=270, height=210, title=arm))
    return alt.hconcat(*panels, spacing=20)
