"""An unfolding in a terminal: a table by depth and a table of searches, each with the sentence that says how to read it."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from astarzero.experiments.audit_tables import grid, span

MERGED_BY = {"moves": "position and legal moves", "position": "position alone"}
WORDS = {"merged": "graph", "dropped_on_path": "tree without loops", "kept": "tree"}  # what a treatment of duplicates makes of the space


def print_unfolding(records: Sequence[dict[str, Any]], console: Console) -> None:
    """Every table that these records fill."""
    for kind, draw in (("depth", depths), ("search", searches), ("game", games), ("history", histories), ("merging", merging)):
        if ours := [record for record in records if record["kind"] == kind]:
            table, words = draw(ours)
            console.print(table, highlight=False)
            console.print(words, style="dim", highlight=False)
            console.print()


def amount(number: float) -> str:
    """A whole number with its thousands apart, a mean to three digits, in powers of ten where it is long."""
    return f"{number:,.0f}" if number < 1e12 and (number >= 1000 or number == int(number)) else f"{number:.4g}"


def factor(interval: Sequence[float] | None) -> str:
    """A ratio, with its interval where roots differ."""
    if interval is None:
        return "–"
    mean, low, high = (f"{number:,.0f}" if number >= 1000 else f"{number:.4g}" for number in interval)
    return mean if low == high else f"{mean} [{low} {high}]"


def depths(records: Sequence[dict[str, Any]]) -> tuple[Table, str]:
    history, one = records[0]["history"], records[-1]
    between = ("with its past", "with its moves") if history else ()
    columns = ("depth", "tree nodes", *between, "positions", "new ones", *(f"tree / {name}" for name in ("past", "moves") if history))
    rows = []
    for record in records:
        pairs = [amount(record[name]) for name in ("past", "moves")] if history else []
        ratios = [factor(record.get(f"factor_{name}")) for name in ("past", "moves", "fresh") if history or name == "fresh"]
        rows.append((str(record["depth"]), amount(record["lines"]), *pairs, amount(record["positions"]), amount(record["fresh"]), *ratios))
    words = (
        f"From {one['roots']} root{'s' if one['roots'] > 1 else ''}, counted exactly{', means' if one['roots'] > 1 else ''}; "
        + ("nothing new lies deeper. " if one["whole"] else "then a limit ended it. ")
        + "New ones: positions that no shorter line leads to. The last columns are of all nodes up to a depth: nodes of the tree for each "
        "distinct one, with 95 % intervals over roots."
    )
    if history:
        words += (
            " Superko makes moves depend on the line: told apart by position and the set of positions before (past) nothing is lost; by "
            "position and legal moves now, or by position alone, lines are merged that may differ later. Pairs count at every depth."
        )
    return grid(f"Graph against tree: {one['world']}", (*columns, "tree / positions"), rows), words


def searches(records: Sequence[dict[str, Any]]) -> tuple[Table, str]:
    most = records[0]["rates"][-1][0]
    shown = [rate[0] for rate in records[0]["rates"]][::-3][:3][::-1]
    columns = ("search", *(f"% in {budget:,}" for budget in shown), "score", "less graph's", "effort", "mean cost")
    rows: list[tuple[str, ...]] = []
    for record in records:
        rates = ["{:.0f} [{:.0f} {:.0f}]".format(*(100 * part for part in rate[1:])) for rate in record["rates"] if rate[0] in shown]
        against = "" if record["knob"] == "merged" else "{:.3f} [{:.3f} {:.3f}]".format(*record["against"])
        rows.append(
            (f"{record['arm']}, {WORDS[record['knob']]}", *rates, "{:.3f} [{:.3f} {:.3f}]".format(*record["score"]), against,
             factor(record["ratio"]), factor(record["cost"]))
        )  # fmt: skip
    return grid(f"What merging states buys: {records[0]['world']}, judged by {records[0]['judge']}", columns, rows), (
        f"{records[0]['problems']} problems, up to {most:,} {records[0]['axis']}; 95 % intervals. %: solved within so many. Score: share "
        "of the logarithmic range of budgets left when a problem is solved. Graph: a table merges states that meet; tree without loops: "
        "a state is dropped where it is on its own path; tree: all are kept. Effort: median ratio to the graph's where both solve; cost: "
        "over the "
        + ", ".join(f"{record['everywhere']} ({record['arm']})" for record in records if record["knob"] == "merged")
        + " problems that all three solve."
    )


def games(records: Sequence[dict[str, Any]]) -> tuple[Table, str]:
    budgets = [given[0] for given in records[0]["regrets"]]
    columns = ("search", "budget", "regret", "less graph's", "proven")
    rows: list[tuple[str, ...]] = []
    for record in records:
        for place, budget in enumerate(budgets):
            regret, less = record["regrets"][place][1:], record["against"][place]
            against = "" if record["knob"] == "merged" else "{:.3f} [{:.3f} {:.3f}]".format(*less)
            name = f"{record['arm']}, {WORDS[record['knob']]}" if place == 0 else ""
            rows.append((name, f"{budget:,}", "{:.3f} [{:.3f} {:.3f}]".format(*regret), against, span(record["proven"][place][1:])))
    return grid(f"What merging positions buys: {records[0]['world']}, judged by {records[0]['judge']}", columns, rows), (
        f"{records[0]['problems']} random positions; 95 % intervals. Regret: what the move gives away by the exact table, 0 to 2, a game "
        "without end being a draw. Proven: the outcome was. Budgets are evaluations."
    )


def histories(records: Sequence[dict[str, Any]]) -> tuple[Table, str]:
    columns = ("merged by", "moves", "pairs", "solved", "% other points", "% other winner", "mean gap", "worst")
    rows = [
        (MERGED_BY[record["merged_by"]], str(record["depth"]), str(record["pairs"]), str(record["solved"]), *(
            ("–",) * 4 if not record["solved"]
            else (span(record["differ"]), span(record["winner_differs"]), f"{record['mean']:.2g}", f"{record['worst']:g}")
        ))
        for record in sorted(records, key=lambda record: record["merged_by"])
    ]  # fmt: skip
    return grid(f"What merging loses: {records[0]['world']}", columns, rows), (
        f"Pairs of random lines of so many moves from {records[0]['roots']} positions of random games, which a search takes for one; both "
        "are solved with all their past. %: whose exact points, or whose winner at this komi, differ, with 95 % intervals; gaps in "
        "points. What the solver's limit left open, where the past may matter most, is in no percentage."
    )


def merging(records: Sequence[dict[str, Any]]) -> tuple[Table, str]:
    rows = [
        (f"{record['arm']}, {WORDS[record['knob']]}" if place == 0 else "", f"{regret[0]:,}", "{:.3f} [{:.3f} {:.3f}]".format(*regret[1:]),
         "" if record["knob"] == "kept" or less is None else "{:.3f} [{:.3f} {:.3f}]".format(*less))
        for record in records
        for place, (regret, less) in enumerate(zip(record["regrets"], record["against"], strict=True))
    ]  # fmt: skip
    columns = ("search", "budget", "regret", "less tree's")
    return grid(f"What merging buys: {records[0]['world']}, judged by {records[0]['judge']}", columns, rows), (
        f"{records[0]['problems']} positions of random games in which a move can be wrong; 95 % intervals. Regret: what the move gives "
        "away by exact outcomes, 0 to 2. Budgets are evaluations. Neither arm proves anything, since merging cannot."
    )
