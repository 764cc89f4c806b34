"""The contest in words and in a terminal: numbers with their intervals, what they say in plain sentences, and rich tables.

Everything here also serves the page of report.py, so a number or a verdict is worded in one place.
Read next: figures.py (the same cells as pictures).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from astarzero.experiments.predictions import Outcome, Tally
from astarzero.experiments.results import AXES
from astarzero.experiments.statistics import MARGIN, Interval, elo, wilson
from astarzero.experiments.verdicts import Cell

FEWEST_SEEDS, FEWEST_INSTANCES = 5, 500  # below these a table is a look, not a result (SCIENCE.md, rule 7)
CLOCK_MARGIN = 0.2  # by which the cost model may miss the clock (rule 2)
COLOURS = {  # one per side, everywhere; told apart in the common kinds of colour blindness, readable on white and on black
    "value": "#2B83C6",
    "policy": "#D55E00",
    "q": "#B65FA3",
    "both": "#009E73",
    "half": "#5FB89B",
    "control": "#8C6D31",
    "blind": "#808080",
    "oracle": "#A08A00",
}
NAMES = {
    "value": "value only",
    "policy": "policy only",
    "q": "Q only",
    "both": "policy + value",
    "half": "policy + value, half size each",
    "control": "MCTS, one head",
    "blind": "blind",
    "oracle": "oracle",
}
VERDICTS = {"value": "value wins", "policy": "policy wins", "tie": "tie", "undecided": "undecided"}  # other words stand as they are
LEGEND = (
    "Scores are the area under solve rate against log budget, from 0 to 1 (all solved within the lowest budget), on test instances; in "
    "games the area under the share of a random move's regret that the move decided on within the budget removes. They are by the trial "
    "that was best on validation (the one most seeds chose is named); brackets are 95 % intervals; a dash: that side spends nothing on "
    f"this axis. Verdicts: tie when the interval of value - policy lies inside ±{MARGIN:g}, else a win when it excludes 0, else undecided. "
    "A difference is worth f times the budget when the loser, given f times as much, would score the same."
)


def decimals(number: float, sign: bool = False) -> str:
    """Two decimals without the leading zero, as in .85 and +.02; a dash for NaN."""
    if np.isnan(number):
        return "–"
    text = f"{number:+.2f}" if sign else f"{number:.2f}"
    return text.replace("0.", ".", 1) if abs(number) < 0.995 else text


def bracketed(numbers: Interval, sign: bool = False) -> str:
    """Mean and interval, as in `.85 [.83 .87]`; ratios above 1 keep three decimals, since they live close to it."""
    if numbers.mean >= 1 and not sign and numbers.high > 1:
        return f"{numbers.mean:.3f} [{numbers.low:.3f} {numbers.high:.3f}]"
    if np.isnan(numbers.mean):
        return "–"
    return f"{decimals(numbers.mean, sign)} [{decimals(numbers.low, sign)} {decimals(numbers.high, sign)}]"


def verdict_words(cell: Cell) -> str:
    return VERDICTS.get(cell.verdict, cell.verdict)


def place(cell: Cell) -> str:
    """The labels and the size of a cell, as in "matched, 2,000 states"."""
    return "exact" if cell.labels == "exact" else f"{cell.labels}, {cell.size:,} states"


def factor(cell: Cell) -> float:
    """How much less budget the better side needs for the same score: (highest / lowest) ** |difference|."""
    return float((cell.budgets[-1] / cell.budgets[0]) ** abs(cell.difference.mean))


def reading(cells: Sequence[Cell]) -> list[str]:
    """What the verdicts say, one sentence a world."""
    sentences = []
    for world in dict.fromkeys(cell.world for cell in cells):
        parts = []
        for axis in AXES:
            ours = [cell for cell in cells if (cell.world, cell.axis) == (world, axis)]
            winners = {cell.verdict for cell in ours}
            if winners <= {"value", "policy"} and len(winners) == 1:
                factors = sorted(factor(cell) for cell in ours)
                span = f"{factors[0]:.1f}" if f"{factors[0]:.1f}" == f"{factors[-1]:.1f}" else f"{factors[0]:.1f} to {factors[-1]:.1f}"
                parts.append(f"by {axis} the {winners.pop()}-only side wins (worth {span} times the budget)")
            elif len(winners) == 1:
                parts.append(f"by {axis} every cell is {'a tie' if winners == {'tie'} else winners.pop()}")
            elif ours:
                count = [f"{sum(cell.verdict == word for cell in ours)} {words}" for word, words in _counted(winners)]
                parts.append(f"by {axis} it is mixed ({', '.join(count)})")
            if ours and all(_blind_leads(cell) for cell in ours):
                parts[-1] += ", yet blind search scores above both"
        sentences.append(f"{world}: " + "; ".join(parts) + ".")
    return sentences


def _blind_leads(cell: Cell) -> bool:
    """Does a search without any net score higher than both sides?"""
    sides = cell.sides
    return "blind" in sides and sides["blind"].score.mean > max(sides["value"].score.mean, sides["policy"].score.mean)


def _counted(winners: Iterable[str]) -> list[tuple[str, str]]:
    order = [*VERDICTS, "COLLAPSED", "incomplete"]
    return [(word, {"value": "for value", "policy": "for policy"}.get(word, word)) for word in sorted(winners, key=order.index)]


def caveats(cells: Sequence[Cell]) -> list[str]:
    """What a reader must know before quoting a number: too few seeds or instances, and whatever did not count."""
    judged = [cell for cell in cells if cell.seeds]
    seeds, instances = min((len(cell.seeds) for cell in judged), default=0), min((cell.instances for cell in judged), default=0)
    notes = []
    if judged and (seeds < FEWEST_SEEDS or instances < FEWEST_INSTANCES):
        notes.append(
            f"A look, not a result: {seeds} training seed{'s' * (seeds != 1)} and {instances:,} instances at the least, "
            f"where a result asks for {FEWEST_SEEDS} and {FEWEST_INSTANCES}."
        )
    return notes + list(dict.fromkeys(note for cell in cells for note in cell.notes))


def clock_notes(models: Sequence[Mapping[str, Any]]) -> list[str]:
    """A warning for each world whose cost model missed the clock by more than CLOCK_MARGIN in one of the runs that check it."""
    notes = []
    for world in dict.fromkeys(model["world"] for model in models):
        ours = [model for model in models if model["world"] == world and model.get("measured")]
        off = np.array([one / other - 1 for model in ours for one, other in zip(model["predicted"], model["measured"], strict=True)])
        if (abs(off) > CLOCK_MARGIN).any():
            good, worst = (abs(off) <= CLOCK_MARGIN).sum(), 100 * abs(off).max()
            notes.append(
                f"{world}: do not quote its seconds: the cost model was within {100 * CLOCK_MARGIN:.0f} % of the clock in {good} of "
                f"{len(off)} runs and {worst:.0f} % off in the worst; measure again on a quiet machine."
            )
    return notes


MEMORIES = {"successors_labelled": "one move", "two_plies_labelled": "two"}  # key of a choice row -> how far ahead V is asked


def memory_notes(choices: Sequence[Mapping[str, Any]]) -> list[str]:
    """How much of what V is asked about it was taught, a sentence for each world and label regime at its largest size, mean over seeds."""
    notes = []
    for world, labels in dict.fromkeys((choice["world"], choice["labels"]) for choice in choices):
        ours = [choice for choice in choices if (choice["world"], choice["labels"], choice["head"]) == (world, labels, "value")]
        largest = [choice for choice in ours if choice["size"] == max(one["size"] for one in ours)]
        shares = [
            f"{100 * np.mean([choice[name] for choice in largest]):.0f} % of the states {ahead}"
            for name, ahead in MEMORIES.items()
            if largest and all(choice.get(name) is not None for choice in largest)
        ]
        if shares:
            notes.append(f"{world}, {labels} labels: V had been taught {' and '.join(shares)} from those of the test.")
    return notes


def extent(cells: Sequence[Cell], world: str) -> str:
    """How many seeds and instances stand behind a world's cells."""
    ours = [cell for cell in cells if cell.world == world]
    ranges = [sorted({len(cell.seeds) for cell in ours}), sorted({cell.instances for cell in ours})]
    spans = [f"{numbers[0]:,}" if len(numbers) == 1 else f"{numbers[0]:,} to {numbers[-1]:,}" for numbers in ranges]
    return f"{spans[0]} training seeds, {spans[1]} test instances each"


def verdict_table(cells: Sequence[Cell], world: str) -> Table:
    """One world's cells, about 130 columns wide: each side's best trial above its score."""
    title = Text.assemble((world, "bold"), f"  {extent(cells, world)}")
    table = Table(title=title, title_justify="left", title_style="", box=box.HORIZONTALS, padding=(0, 1, 0, 0), collapse_padding=True)
    table.add_column("labels", style="dim", no_wrap=False, min_width=7)
    table.add_column("axis", min_width=11, no_wrap=True)
    for side in ("value", "policy", "both"):
        table.add_column(f"best {NAMES[side]}", header_style=f"bold {COLOURS[side]}", min_width=15, max_width=26)
    for side in ("blind", "oracle"):
        table.add_column(side, header_style=f"bold {COLOURS[side]}", min_width=10, no_wrap=True)
    table.add_column("value - policy", min_width=17, no_wrap=True)
    previous = ""
    for cell in (cell for cell in cells if cell.world == world):
        if previous and place(cell) != previous:
            table.add_section()
        label = "" if place(cell) == previous else place(cell).replace(", ", "\n")
        arms = [_trial_and_score(cell, side) for side in ("value", "policy", "both")]
        ends = [_score(cell, side) for side in ("blind", "oracle")]
        outcome = Text.assemble(
            (verdict_words(cell), f"bold {COLOURS.get(cell.verdict, '')}".strip()), "\n", bracketed(cell.difference, sign=True)
        )
        table.add_row(label, cell.axis, *arms, *ends, outcome)
        previous = place(cell)
    return table


def _trial_and_score(cell: Cell, side: str) -> Text:
    if side not in cell.sides:
        return Text("–", "dim")
    result = cell.sides[side]
    winner = "bold" if cell.verdict == side else ""
    return Text.assemble((result.trial, "dim"), "\n", (bracketed(result.score), winner))


def _score(cell: Cell, side: str) -> Text:
    if side not in cell.sides:
        return Text("–", "dim")
    numbers = cell.sides[side].score
    return Text(f"{decimals(numbers.mean)}\n[{decimals(numbers.low)} {decimals(numbers.high)}]", "dim")


MATCH_HEADINGS = ("world", "positions judged a move", "left", "right", "games", "W-D-L", "left scores", "Elo")


def match_lines(matches: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """The matches of all seeds as cells under MATCH_HEADINGS: Wilson's 95 % interval, a draw as half a game."""
    pooled: dict[tuple[str, int, str, str], list[float]] = {}
    for match in matches:
        pooled.setdefault((match["world"], match["budget"], match["left"], match["right"]), []).extend(match["points"])
    lines: list[tuple[str, ...]] = []
    for (world, budget, left, right), points in pooled.items():
        rate, counts = wilson(sum(points), len(points)), "-".join(str(points.count(value)) for value in (1.0, 0.5, 0.0))
        strength = " ".join(f"{elo(part):+.0f}" for part in rate)
        lines.append((world, f"{budget:,}", left, right, str(len(points)), counts, bracketed(rate), strength.replace(" ", " [", 1) + "]"))
    return lines


def match_table(matches: Sequence[Mapping[str, Any]]) -> Table:
    """Games without an exact table: who beats whom at equal budgets."""
    table = Table(title="Matches", title_justify="left", title_style="bold", box=box.HORIZONTALS, padding=(0, 1, 0, 0))
    for heading in MATCH_HEADINGS:
        table.add_column(heading)
    for line in match_lines(matches):
        table.add_row(*line)
    return table


def prediction_table(outcomes: Sequence[Outcome]) -> Table:
    """The predictions that count, beside their outcomes."""
    table = Table(title="Predictions", title_justify="left", title_style="bold", box=box.HORIZONTALS, padding=(0, 1, 0, 0))
    for heading in ("predictor", "world", "labels", "axis", "predicted", "came out", "right?"):
        table.add_column(heading)
    for outcome in (outcome for outcome in outcomes if outcome.right is not None):
        said = outcome.prediction
        table.add_row(said.predictor, said.world, said.labels, said.axis, said.winner, outcome.verdict or "–", right_words(outcome))
    return table


def right_words(outcome: Outcome) -> str:
    """Yes, no, or why it does not count."""
    if outcome.right is None:
        return outcome.note
    return ("yes" if outcome.right else "no") + (" (pilot)" if outcome.prediction.pilot else "")


def refusals(outcomes: Sequence[Outcome]) -> list[str]:
    """One sentence a reason for which predictions are not counted."""
    reasons = Counter(outcome.note for outcome in outcomes if outcome.right is None)
    return [f"{times} prediction{'s' * (times != 1)} {note}." for note, times in reasons.items()]


def tally_sentences(tallies: Sequence[Tally]) -> list[str]:
    """One sentence a predictor, with the baselines."""
    return [
        f"{line.predictor}{' on worlds that pilots had seen' if line.pilot else ''}: right in {line.right} of {line.counted} cells "
        f"({bracketed(line.rate)} resampling worlds); "
        + " and ".join(f'"{name}" would have been right in {right}' for name, right in line.baselines.items())
        + "."
        for line in tallies
    ]


def print_tables(cells: Sequence[Cell], outcomes: Sequence[Outcome], tallies: Sequence[Tally], console: Console) -> None:
    """The terminal's report: a table a world, what it says, and what to beware of."""
    for world in dict.fromkeys(cell.world for cell in cells):
        console.print(verdict_table(cells, world))
    console.print(Text(LEGEND, "dim"))
    for sentence in reading(cells):
        console.print(Text(sentence, "bold"))
    for note in caveats(cells):
        console.print(Text(note, "yellow"))
    if tallies:
        console.print(prediction_table(outcomes))
    for sentence in (*tally_sentences(tallies), *refusals(outcomes)):
        console.print(Text(sentence))
