"""An audit in a terminal: one table a kind of record, each with the sentence that says how to read it."""

from collections.abc import Callable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from astarzero.experiments.audit_searches import Record


def print_audit(records: Sequence[Record], console: Console) -> None:
    """Every table that these records fill, in reading order."""
    for kind, draw in TABLES:
        ours = [record for record in records if record["kind"] == kind]
        if ours:
            table, words = draw(ours)
            console.print(table, highlight=False)
            console.print(words, style="dim", highlight=False)
            console.print()


def share(number: float | None) -> str:
    """A share in per cent to one decimal; what is not quite none or all says so; a dash for None."""
    if number is None:
        return "–"
    if number in (0.0, 1.0):
        return f"{100 * number:.0f} %"
    return f"{100 * number:.1f} %" if 0.0005 <= number < 0.9995 else "< 0.1 %" if number < 0.5 else "> 99.9 %"


def number(value: float | None, decimals: int = 2) -> str:
    """A number with its decimals and thousands apart; a dash for None."""
    return "–" if value is None else f"{value:,.{decimals}f}"


def span(interval: Sequence[float] | None) -> str:
    """A share with its 95 % interval; a dash for None."""
    if interval is None:
        return "–"
    return f"{share(interval[0])} [{100 * interval[1]:.1f} {100 * interval[2]:.1f}]"


def grid(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """A titled table; the first column is words, the others are numbers."""
    table = Table(title=title, title_justify="left", title_style="bold", box=box.HORIZONTALS, padding=(0, 1, 0, 0), collapse_padding=True)
    for place, column in enumerate(columns):
        table.add_column(column, justify="right" if place else "left", no_wrap=not place)
    for row in rows:
        table.add_row(*row)
    return table


def title_of(record: Record) -> str:
    """An estimate by name; what was done to it is indented under it."""
    return f"  {record['knob']}" if record["knob"] else record["arm"]


def estimates(records: Sequence[Record]) -> tuple[Table, str]:
    columns = ("h", "h > h*", "mean over", "max over", "mean h", "bad edges", "worst", "certified")
    rows = [
        (title_of(one), share(one["over_share"]), number(one["over_mean"]), number(one["over_max"]), number(one["mean_h"]),
         share(one["edge_share"]), number(one["edge_worst"]), share(one["certified"]))
        for one in records
    ]  # fmt: skip
    if "judged" in records[0]:
        most, left_out = max(one["judged"] + one["unsettled"] for one in records), sum(one["unsettled"] for one in records)
        told = (
            f"Judged: at most {most} of the states that A* popped, and the edges that leave them; {left_out} were left out because the "
            "solver did not settle them: these are the far ones. Certified: problems"
        )
    else:
        told = f"Judged: all {records[0]['states']:,} solvable states and all edges (no sample, so no interval). Certified: states"
    words = (
        "Over: h - h* where it is above 0; mean h stands beside it since h = 0 is perfectly admissible. Bad edge: h(s) > cost + h(s'); "
        f"worst: by how much. {told} for which some optimal path is overestimated by less than any excess could be, so that A* must find "
        "the optimum. Both: less the margin, then the maximum. Clipped and pathmax take the whole table: no search can afford them."
    )
    return grid("Admissibility ledger", columns, rows), words


def searches(records: Sequence[Record]) -> tuple[Table, str]:
    columns = ("A* (w = 1) with h", "popped: h > h*", "optimal", "excess", "most", "bound", "broken", "expanded", "evaluated", "re-opened")
    rows = [
        (title_of(one), span(one.get("popped_over")), span(one["optimal_share"]), number(one["excess_mean"]), number(one["excess_max"]),
         number(one["bound_mean"]), str(one["violations"]), number(one["expansions"], 0), number(one["evaluations"], 0),
         number(one["reopened"], 1))
        for one in records
    ]  # fmt: skip
    solved = min(one["solved"] for one in records)
    words = (
        f"{records[0]['problems']} problems, at least {solved} solved; means, shares with 95 % intervals. Excess: cost found - C*. The "
        "theorem keeps it at or below the bound, the greatest h - h* along an optimal path; broken counts searches where it did not (0 "
        "unless the code is wrong). Re-opened: closed states that a better path took up again, the price of inconsistency."
    )
    return grid("What A* does with it", columns, rows), words


def conformal(records: Sequence[Record]) -> tuple[Table, str]:
    columns = ("h", "margin", "promised", "kept without", "kept: fresh", "over calibrations", "kept: popped", "certified")
    rows = [
        (one["arm"], number(one["margin"]), f">= {share(one['promised'])}", share(one["plain_kept"]), share(one["fresh_kept"]),
         span(one["draws_kept"]), span(one["popped_kept"]), share(one["certified"]))
        for one in records
    ]  # fmt: skip
    words = (
        f"The margin, never below 0, is calibrated on {records[0]['calibration']:,} uniform states and taken off h. Kept: the share with "
        f"h <= h*; fresh: of the {records[0]['fresh']:,} states neither trained nor calibrated on. The promise is about the mean over "
        "calibrations; 95 % of single ones fall into the brackets. Popped: the states that A* with this h expanded. It chose them by h "
        "itself, so they are not exchangeable with the calibration states and nothing is promised for them. Certified, as in the ledger: "
        "an optimal plan needs a whole path, not one state."
    )
    return grid("What a conformal margin promises and keeps", columns, rows), words


def scramble(records: Sequence[Record]) -> tuple[Table, str]:
    columns = ("h, calibrated on", "mean h*", "margin", "promised", "kept: such scrambles", "kept: uniform states")
    rows = [
        (f"{one['arm']}, {one['knob']}", number(one["mean_exact"], 1), number(one["margin"]), f">= {share(one['promised'])}",
         share(one["same_kept"]), share(one["every_kept"]))
        for one in records
    ]  # fmt: skip
    return grid("Calibration on scramble depth certifies nothing", columns, rows), (
        "The same margin, calibrated on states a number of random moves from the goal. It keeps its promise on such states, up to the luck "
        "of the draw; of uniform states it promises nothing, and what is kept there is whatever the net happens to do far from the goal."
    )


def levin(records: Sequence[Record]) -> tuple[Table, str]:
    columns = ("policy", "solved", "expanded", "depth / pi, own", "spent of it", "broken", "depth / pi, best", "spent of it", "above")
    rows = []
    for one in records:
        best = (number(one.get("best_bound_median"), 0), share(one.get("best_tightness")), str(one.get("best_violations", "–")))
        own = (number(one["own_bound_median"], 0), share(one["own_tightness"]), str(one["own_violations"]))
        rows.append((one["arm"], f"{one['solved']} of {one['problems']}", number(one["expansions"], 0), *own, *best))
    return grid("Levin's bound", columns, rows), (
        "Levin tree search, one node at a time: expansions <= depth / pi of the path found (own) and, in a tree, of every path to a goal "
        "(best, where every path is known). Medians over solved problems; broken counts searches above their own bound (0 unless the "
        "code is wrong), above those over the best one, which keeping one path a state does not strictly exclude."
    )


def calibration(records: Sequence[Record]) -> tuple[Table, str]:
    rows = [(one["arm"], number(one["margin"]), f"{one['calibration']:,}", f"{one['unsettled']:,}") for one in records]
    return grid("Margins", ("h", "margin", "calibrated on", "left out as too far"), rows), (
        "Calibrated on uniform states that the solver settled; nothing is promised for the far ones that it did not."
    )


def problems(records: Sequence[Record]) -> tuple[Table, str]:
    rows = [(one["arm"], f"{one['asked']:,}", f"{one['settled']:,}", number(one["mean_exact"], 1)) for one in records]
    return grid("Problems", ("solved by A* with", "asked", "settled", "mean C*"), rows), (
        "Every table is about the settled ones: solved within the solver's budget, and no goals. They are the easier ones."
    )


TABLES: tuple[tuple[str, Callable[[Sequence[Record]], tuple[Table, str]]], ...] = (  # kind of record, how it is told
    ("problems", problems),
    ("ledger", estimates),
    ("ledger", searches),
    ("conformal", conformal),
    ("calibration", calibration),
    ("scramble", scramble),
    ("levin", levin),
)
