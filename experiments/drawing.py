"""What all pictures share: the fixed colour of each side, the look on a light and a dark page, labels that do not collide.

Colours of text and grid come from `theme` alone, so that a page can follow its reader. Read next: figures.py.
"""

import json
from collections.abc import Sequence
from typing import Any

import altair as alt

from astarzero.experiments.tables import COLOURS

DASHES = {"blind": [2, 3], "oracle": [7, 3]}  # yardsticks are dashed, so they are told apart without colour too
GREY = "#8A8A8A"
FONT = "system-ui, 'Segoe UI', 'Helvetica Neue', 'DejaVu Sans', sans-serif"


def theme(dark: bool) -> dict[str, Any]:
    """The vega-lite config: fonts, and the colours of text and grid for a light or a dark page."""
    ink, faint, line = ("#E6E6E6", "#B5B5B5", "#3A3A3A") if dark else ("#222222", "#555555", "#E3E3E3")
    label = {"labelColor": faint, "titleColor": faint, "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal"}
    return {
        "font": FONT,
        "background": "transparent" if dark else "white",
        "view": {"stroke": None},
        "axis": {**label, "labelFlush": False, "gridColor": line, "domainColor": line, "tickColor": line},
        "title": {"color": ink, "fontSize": 14, "fontWeight": 600, "anchor": "start", "subtitleColor": faint, "subtitleFontSize": 12},
        "text": {"fill": ink, "fontSize": 12},
        "rule": {"stroke": faint},
        "concat": {"spacing": 24},
    }


def chart(rows: Sequence[dict[str, Any]]) -> alt.Chart:
    """A chart of plain rows, carried as text: altair copies and checks its data at every step, which for text takes no time."""
    return alt.Chart(alt.InlineData(values=json.dumps(rows, allow_nan=False), format=alt.JsonDataFormat(type="json")))


def side_colour(channel: Any = alt.Color) -> Any:
    """The fixed colour of each side, without a legend. Every chart names all sides, since charts side by side share this scale."""
    return channel("side:N", scale=alt.Scale(domain=list(COLOURS), range=list(COLOURS.values())), legend=None)


def side_dash() -> alt.StrokeDash:
    """Solid lines for what is compared, dashed ones for yardsticks."""
    dashes = [DASHES.get(side, [1, 0]) for side in COLOURS]
    return alt.StrokeDash("side:N", scale=alt.Scale(domain=list(COLOURS), range=dashes), legend=None)


def spread_labels(heights: Sequence[float], gap: float) -> list[float]:
    """Where to write labels that want these heights (0..1, lowest label first) so that none are nearer than `gap`.

    Labels that would touch are merged and centred on their mean height, as in isotonic regression, so each moves little.
    """
    groups: list[list[float]] = []  # of wanted heights
    for height in heights:
        groups.append([height])
        while len(groups) > 1 and _middle(groups[-1], gap) - _middle(groups[-2], gap) < gap * (len(groups[-1]) + len(groups[-2])) / 2:
            groups[-2:] = [groups[-2] + groups[-1]]
    return [_middle(group, gap) + gap * (position - (len(group) - 1) / 2) for group in groups for position in range(len(group))]


def _middle(group: Sequence[float], gap: float) -> float:
    """The mean of the wanted heights, moved so that the whole group stays in 0..1 (upwards only, when it is too tall)."""
    half = gap * (len(group) - 1) / 2
    return max(min(sum(group) / len(group), 1 - half), half)
