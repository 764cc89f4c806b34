"""Planted winners: a contest made up with a known outcome comes out so, and an unfair or broken one does not count."""

import dataclasses

import numpy as np
import pytest
from fabricated import MODEL, fabricate

from astarzero.experiments.results import AXES, SIDES, Row, read
from astarzero.experiments.verdicts import judge, spent, to_test

SMALL = {"instances": 120, "worlds": ("sliding-3x3",)}


def verdicts(cells, axis="expansions"):
    return {cell.labels: cell.verdict for cell in cells if cell.axis == axis}


@pytest.mark.parametrize(("slow", "winner"), [({"policy": 4.0}, "value"), ({"value": 4.0}, "policy"), ({}, "tie")])
def test_the_planted_winner_wins(tmp_path, slow, winner):
    cells = judge(read(fabricate(tmp_path, slow, **SMALL)), samples=400)
    assert len(cells) == 2 * len(AXES)
    assert verdicts(cells) == {"full": winner, "matched": winner}
    for cell in cells:
        assert cell.seeds == (0, 1, 2) and cell.instances == 120 and not cell.notes
        assert set(cell.sides) == set(SIDES) - ({"blind"} if cell.axis == "evaluations" else set())  # a blind search evaluates nothing
        for side in cell.sides.values():
            for numbers in (side.score, side.solved, side.quality):
                assert numbers.low <= numbers.mean <= numbers.high
            assert side.quality.low >= 1
            # trapezoids of the curve against the exact area, for the mean over seeds
            curve = side.curves.mean(axis=0)
            assert np.mean((curve[1:] + curve[:-1]) / 2) == pytest.approx(side.score.mean, abs=0.02)
        assert cell.difference.mean == pytest.approx(cell.sides["value"].score.mean - cell.sides["policy"].score.mean)
        if "blind" in cell.sides:
            assert cell.sides["oracle"].score.mean > cell.sides["blind"].score.mean


def test_identical_arms_tie_exactly(tmp_path):
    """The same luck and the same speed on both sides: the difference is 0 on every instance."""
    cells = judge(read(fabricate(tmp_path, **SMALL)), samples=200)
    assert all(cell.difference == (0, 0, 0) for cell in cells if cell.axis == "expansions")


def test_the_winner_may_depend_on_the_axis(tmp_path):
    """A policy that needs twice the expansions, but one evaluation each, where V needs 12: value by one axis, policy by another."""
    cells = judge(read(fabricate(tmp_path, {"policy": 2.0}, worlds=("countdown-4",))), samples=400)
    assert verdicts(cells, "expansions") == {"full": "value", "matched": "value"}
    assert verdicts(cells, "evaluations") == {"full": "policy", "matched": "policy"}


def test_few_lucky_instances_decide_nothing(tmp_path):
    cells = judge(read(fabricate(tmp_path, {"policy": 1.05}, instances=12, worlds=("sliding-3x3",), luck=1)), samples=400)
    assert "undecided" in verdicts(cells).values()


@pytest.mark.parametrize("side", ["value", "policy"])
def test_a_collapsed_side_is_never_beaten(tmp_path, side):
    cells = judge(read(fabricate(tmp_path, {side: 30.0}, collapsed=(side,), **SMALL)), samples=200)
    assert {cell.verdict for cell in cells} == {"COLLAPSED"}
    assert f"the net of the {side} side gives constant outputs (seed 0, 1, 2)" in cells[0].notes[0]


def test_a_collapsed_bystander_changes_nothing(tmp_path):
    cells = judge(read(fabricate(tmp_path, {"policy": 4.0}, collapsed=("q",), **SMALL)), samples=200)
    assert verdicts(cells) == {"full": "value", "matched": "value"}


def test_trials_are_chosen_on_validation(tmp_path):
    """A trial that shines on test alone is not taken."""
    results = read(fabricate(tmp_path, **SMALL))
    rows = []
    for row in results.rows:
        if row.split == "test" and row.trial == "astar V weight=5":
            row = dataclasses.replace(row, arrays={**row.arrays, "expansions": np.ones(120, np.int32), "solved": np.ones(120, bool)})
        rows.append(row)
    cell = judge(dataclasses.replace(results, rows=tuple(rows)), samples=200)[0]
    assert cell.sides["value"].trial == "astar V weight=1" and cell.verdict == "tie"


def without(results, unwanted):
    return dataclasses.replace(results, rows=tuple(row for row in results.rows if not unwanted(row)))


def test_unequal_numbers_of_trials_do_not_count(tmp_path):
    results = read(fabricate(tmp_path, {"policy": 4.0}, **SMALL))
    in_one = judge(without(results, lambda row: row.trial == "beam V width=4" and row.seed == 1), samples=200)[0]
    assert in_one.seeds == (0, 2) and in_one.verdict == "value"
    assert in_one.notes[0].startswith("sliding-3x3, seed 1, full labels, 2000 states does not count: the value side has 3 trials")
    cells = judge(without(results, lambda row: row.trial == "beam V width=4"), samples=200)
    assert {cell.verdict for cell in cells} == {"incomplete"} and all(len(cell.notes) == 3 for cell in cells)


def test_a_missing_test_row_does_not_count(tmp_path):
    results = read(fabricate(tmp_path, **SMALL))
    cell = judge(without(results, lambda row: row.split == "test" and row.side == "value" and row.seed == 2), samples=200)[0]
    assert cell.seeds == (0, 1) and "has no test row; run the contest again to finish it." in cell.notes[0]


def test_without_a_cost_model_only_the_seconds_are_missing(tmp_path):
    results = dataclasses.replace(read(fabricate(tmp_path, **SMALL)), cost_models=())
    cells = judge(results, samples=200)
    assert {cell.axis: cell.verdict for cell in cells} == {"expansions": "tie", "evaluations": "policy", "seconds": "incomplete"}
    assert "has no cost model" in cells[-1].notes[0]


def test_the_same_results_give_the_same_cells(tmp_path):
    results = read(fabricate(tmp_path, **SMALL))
    one, other = ([(cell.difference, cell.sides["both"].score) for cell in judge(results, samples=200)] for _ in range(2))
    assert one == other


def test_seconds_follow_the_cost_model(tmp_path):
    row = next(row for row in read(fabricate(tmp_path, **SMALL)).rows if row.side == "value")
    seconds = spent(row, "seconds", MODEL)
    i = int(np.argmax(row.arrays["solved"]))
    calls, evaluations, expansions = (row.arrays[name][i] for name in ("calls", "evaluations", "expansions"))
    assert seconds[i] == pytest.approx(4e-5 * calls + 6e-6 * evaluations + 1e-6 * expansions)
    assert (np.isinf(seconds) == ~row.arrays["solved"]).all()


def test_every_trial_that_a_verdict_needs_is_put_to_the_test(tmp_path):
    results = read(fabricate(tmp_path, **SMALL))
    limits = {axis: results.grid("sliding-3x3", axis) for axis in AXES}
    kept: list[Row] = [row for row in results.rows if row.split == "validation" or row.labels == "exact"]
    for seed in range(3):
        for labels in ("full", "matched"):
            ours = [row for row in results.rows if (row.seed, row.labels) == (seed, labels)]
            wanted = {row.trial for row in to_test(ours, limits, results.cost_model("sliding-3x3", seed))}
            assert len(wanted) >= len({row.arm for row in ours})
            kept += [row for row in ours if row.split == "test" and row.trial in wanted]
    fewer = judge(dataclasses.replace(results, rows=tuple(kept)), samples=200)
    assert [(cell.verdict, cell.difference) for cell in fewer] == [(cell.verdict, cell.difference) for cell in judge(results, samples=200)]
