"""Only what was committed before the run counts; the rest is refused with a sentence, and baselines stand beside."""

import shutil
import subprocess

import numpy as np
import pytest

from astarzero.experiments.predictions import FILE, committed, load, parse, score, tally
from astarzero.experiments.statistics import NO_INTERVAL
from astarzero.experiments.verdicts import Cell

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")

ENTRY = """
[[prediction]]
world = "{world}"
labels = "full"
axis = "{axis}"
predictor = "{predictor}"
winner = "{winner}"
date = 2026-01-31
reason = "a test"
pilot = {pilot}
"""


def entry(world="w", axis="expansions", predictor="H1", winner="value", pilot="false"):
    return ENTRY.format(world=world, axis=axis, predictor=predictor, winner=winner, pilot=pilot)


def cell(verdict, world="w", axis="expansions", size=100):
    return Cell(world, "full", size, axis, (0,), 10, {}, NO_INTERVAL, verdict, (), np.ones(2))


class Checkout:
    """A scratch repository with a predictions file."""

    def __init__(self, folder):
        self.path = folder / "predictions.toml"
        self.git("init", "-q")

    def git(self, *words):
        me = ("-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false")
        run = subprocess.run(["git", *me, *words], cwd=self.path.parent, capture_output=True, text=True, check=True)
        return run.stdout.strip()

    def commit(self, text):
        self.path.write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "x")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def checkout(tmp_path):
    return Checkout(tmp_path)


def test_the_file_of_this_project_is_well_formed():
    assert isinstance(load(FILE), list)


def test_a_prediction_committed_before_the_run_counts(checkout):
    revision = checkout.commit(entry())
    checkout.commit(entry() + entry(axis="seconds"))  # later commits take nothing back
    for name in (revision, revision + "-dirty"):
        first, late = score([cell("value"), cell("value", axis="seconds")], {"w": (name,)}, checkout.path)
        assert first.right is True and not first.note
        assert late.right is None and late.note.startswith("not counted: this entry is not in predictions.toml at the commit")


def test_an_entry_changed_afterwards_does_not_count(checkout):
    revision = checkout.commit(entry(winner="policy"))
    checkout.path.write_text(entry(winner="value"))
    (outcome,) = score([cell("value")], {"w": (revision,)}, checkout.path)
    assert outcome.right is None and "not written before the run" in outcome.note


def test_every_revision_that_wrote_a_shard_must_hold_it(checkout):
    before = checkout.commit("")
    after = checkout.commit(entry())
    (outcome,) = score([cell("value")], {"w": (after, before)}, checkout.path)
    assert outcome.right is None
    (outcome,) = score([cell("value")], {"w": (after,), "other": (before,)}, checkout.path)
    assert outcome.right is True


def test_a_commit_beside_this_branch_is_refused(checkout):
    start = checkout.commit("")
    aside = checkout.commit(entry())
    checkout.git("reset", "-q", "--hard", start)
    checkout.path.write_text(entry())
    (outcome,) = score([cell("value")], {"w": (aside,)}, checkout.path)
    assert "is no ancestor of this checkout" in outcome.note


def test_without_git_nothing_counts(tmp_path):
    path = tmp_path / "predictions.toml"
    path.write_text(entry())
    (outcome,) = score([cell("value")], {"w": ("0" * 40,)}, path)
    assert outcome.right is None and "this is not a git checkout" in outcome.note
    assert load(tmp_path / "nowhere.toml") == []


@pytest.mark.parametrize("revision", ["", "unknown revision", "--help"])
def test_results_without_a_commit_are_refused(checkout, revision):
    checkout.commit(entry())
    with pytest.raises(ValueError, match="name no commit"):
        committed(revision, checkout.path)


def test_the_largest_size_is_meant_unless_one_is_named(checkout):
    revision = checkout.commit(entry() + entry(predictor="small").replace("pilot", "size = 10\npilot"))
    large, small = score([cell("policy", size=10), cell("value", size=100)], {"w": (revision,)}, checkout.path)
    assert (large.verdict, small.verdict) == ("value", "policy")
    assert (large.right, small.right) == (True, False)


@pytest.mark.parametrize("verdict", ["undecided", "COLLAPSED", "incomplete"])
def test_a_cell_without_an_outcome_counts_for_nobody(checkout, verdict):
    revision = checkout.commit(entry())
    (outcome,) = score([cell(verdict)], {"w": (revision,)}, checkout.path)
    assert outcome.right is None and outcome.note == f"not counted: the cell is {verdict}"
    (nowhere,) = score([], {"w": (revision,)}, checkout.path)
    assert nowhere.note == "not counted: no such cell in these results"


def test_predictors_are_tallied_beside_the_baselines_and_pilots_apart(checkout):
    fresh_ones = [entry("a"), entry("b"), entry("c", winner="tie")]
    revision = checkout.commit("".join([*fresh_ones, entry("p", pilot="true")]))
    cells = [cell("value", "a"), cell("policy", "b"), cell("tie", "c"), cell("value", "p")]
    outcomes = score(cells, {world: (revision,) for world in "abcp"}, checkout.path)
    fresh, pilot = tally(outcomes)
    assert (fresh.pilot, fresh.counted, fresh.right) == (False, 3, 2)
    assert fresh.rate.mean == pytest.approx(2 / 3) and fresh.rate.low < 2 / 3 < fresh.rate.high
    assert fresh.baselines == {"always value": 1, "always policy": 1}
    assert (pilot.pilot, pilot.counted, pilot.right) == (True, 1, 1)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[[prediction", "is not TOML"),
        (entry(winner="both"), "prediction 1: winner must be one of value, policy, tie, not 'both'."),
        (entry(axis="nodes"), "axis must be one of expansions, evaluations, seconds"),
        (entry().replace("labels", "label"), "prediction 1: label is no field"),
        (entry() + entry().replace('reason = "a test"\n', ""), "prediction 2: reason is missing"),
        (entry().replace("2026-01-31", '"soon"'), "date must be like 2026-01-31; it is 'soon'."),
        (entry(pilot='"no"'), "pilot must be like true or false"),
    ],
)
def test_a_malformed_entry_is_refused_in_a_sentence(text, sentence):
    with pytest.raises(ValueError) as error:
        parse(text)
    assert sentence in str(error.value) and "\n" not in str(error.value)
