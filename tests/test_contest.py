"""Planted winners come out as planted, a killed contest goes on as if it had not been, and the table of regimes is fair."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from astarzero.envs import sliding
from astarzero.envs.evaluation import Evaluation
from astarzero.envs.oracles import exact_table
from astarzero.experiments import contest
from astarzero.experiments.arenas import ARENAS, QUICK, Arena, arena_of
from astarzero.experiments.regimes import NETS, REGIMES, WITHOUT_NET, Regime, trials
from astarzero.experiments.results import Shard, read, read_records, untimed
from astarzero.experiments.trials import Judge, judge_of, oracle_judges, run_trials, split_problems
from astarzero.experiments.verdicts import judge
from astarzero.search import SEARCHES, tabulated
from astarzero.search.evaluator import exact_answers

ARENA = Arena("tiny", "sliding", {"size": "2x3"}, {"expansions": (1, 1000), "evaluations": (1, 1000), "seconds": (1e-4, 1.0)}, max_steps=50)
CONFIG = dataclasses.replace(QUICK, worlds=("tiny",), seeds=2, validation=30, test=80)
PRICES = {"a": 1e-4, "second_head": 2e-5, "net": [1e-5, 1e-4], "c": 1e-6, "sizes": [1, 10], "measured": [1.0], "predicted": [1.0]}
MODEL = {"kind": "cost_model", "world": "tiny", **PRICES}


@pytest.fixture(scope="module")
def table():
    return exact_table(sliding.make("2x3"))


def header(seed: int, config: dict) -> dict:
    return {"command": "test", "revision": "none", "versions": {}, "seed": seed, "date": "", "config": config}


def hold(table, directory: Path, judges: dict[str, Judge], regimes=REGIMES) -> dict[str, str]:
    """A contest of ready-made judges; the verdict by axis."""
    for seed in range(CONFIG.seeds):
        split = split_problems(table, table.states, CONFIG, seed)
        with Shard(directory / f"tiny-seed{seed}.jsonl", header(seed, {"grid": {"tiny": dict(ARENA.grid)}})) as shard:
            shard.append(MODEL | {"seed": seed})
            run_trials(table, split, judges | oracle_judges(table), ARENA, shard, MODEL, labels="full", size=1, seed=seed, regimes=regimes)
    return {cell.axis: cell.verdict for cell in judge(read(directory))}


def planted(table, value: np.ndarray, prior: np.ndarray) -> dict[str, Judge]:
    """Judges V and pi with these answers, one a state, declared sound: a planted constant is meant."""
    answers = {"V": Evaluation(value=value.astype(np.float32)), "pi": Evaluation(prior_logits=prior.astype(np.float32))}
    return {name: Judge(tabulated(table.domain, table.states, answer, name, slots=table.graph.slots)) for name, answer in answers.items()}


@pytest.fixture(scope="module")
def answers(table):
    exact = exact_answers(table)
    states, actions = exact.prior_logits.shape
    constants = {"constant V": np.full(states, -7.0), "uniform pi": np.zeros((states, actions))}
    return {"exact V": exact.value, "exact pi": exact.prior_logits, **constants}


def test_exact_value_beats_a_uniform_policy(table, answers, tmp_path):
    verdicts = hold(table, tmp_path, planted(table, answers["exact V"], answers["uniform pi"]))
    assert verdicts == {"expansions": "value", "evaluations": "value", "seconds": "value"}


def test_exact_policy_beats_a_constant_value(table, answers, tmp_path):
    verdicts = hold(table, tmp_path, planted(table, answers["constant V"], answers["exact pi"]))
    assert verdicts == {"expansions": "policy", "evaluations": "policy", "seconds": "policy"}


def test_identical_arms_tie(table, answers, tmp_path):
    same = [Regime("A*", side, "astar", "V", ("value",), ({"weight": 1},)) for side in ("value", "policy")]
    verdicts = hold(table, tmp_path, planted(table, answers["exact V"], answers["uniform pi"]), regimes=same)
    assert verdicts == {"expansions": "tie", "evaluations": "tie", "seconds": "tie"}


@pytest.mark.parametrize(("value", "prior"), [("constant V", "exact pi"), ("exact V", "uniform pi")])
def test_a_constant_net_is_collapsed_and_never_beaten(table, answers, tmp_path, value, prior):
    judges = {
        "V": judge_of(table, Evaluation(value=answers[value].astype(np.float32)), "V"),
        "pi": judge_of(table, Evaluation(prior_logits=answers[prior].astype(np.float32)), "pi"),
    }
    assert judges["V"].collapsed == (value == "constant V") and judges["pi"].collapsed == (prior == "uniform pi")
    assert set(hold(table, tmp_path, judges).values()) == {"COLLAPSED"}


def test_a_policy_that_is_the_same_everywhere_is_collapsed(table):
    same_everywhere = np.tile(np.array([0.3, 0.1, -0.2, 0.0], np.float32), (len(table.states), 1))
    assert judge_of(table, Evaluation(prior_logits=same_everywhere), "pi").collapsed


def test_both_sides_have_the_same_number_of_trials():
    assert trials("value") == trials("policy") > 0


@pytest.mark.parametrize("regime", REGIMES, ids=lambda regime: regime.arm)
def test_every_regime_reads_heads_that_its_search_reads_and_its_net_has(regime):
    assert set(regime.heads) <= set(SEARCHES[regime.search].heads)
    assert regime.net in WITHOUT_NET or set(regime.heads) <= {head for part in NETS[regime.net] for head in part}


@pytest.mark.parametrize("name", ARENAS)
def test_every_arena_has_problems_and_a_budget_for_each_axis(name):
    arena = arena_of(name)
    assert all(0 < low < high for low, high in arena.grid.values()) and set(arena.grid) == {"expansions", "evaluations", "seconds"}


def test_an_unknown_world_is_refused_in_one_sentence():
    with pytest.raises(ValueError, match="World 'chess' was not found"):
        arena_of("chess")


@pytest.fixture
def small(monkeypatch):
    """A real but small contest: one world, one seed, one regime of labels, nets of 30 steps."""
    monkeypatch.setitem(ARENAS, "tiny", ARENA)
    monkeypatch.setattr("astarzero.nets.checkpoint.revision", lambda: "test")  # a commit during the test is no other contest
    monkeypatch.setattr(contest, "measure_model", lambda *_: PRICES)
    return dataclasses.replace(CONFIG, seeds=1, labels=("full",), sizes=(300,), steps=30, width=16)


def test_a_killed_contest_goes_on_as_if_it_had_not_been(small, tmp_path, monkeypatch):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    contest.run_unit("tiny", 0, small, whole, "test")
    shard = "tiny-seed0.jsonl"
    expected = [untimed(record) for record in read_records(whole / shard)]
    lines = (whole / shard).read_bytes().splitlines(keepends=True)
    killed.mkdir()
    for kept, torn in ((3, 40), (len(lines) // 2, 200), (len(lines) - 2, 1)):
        (killed / shard).write_bytes(b"".join(lines[:kept]) + lines[kept][:torn])
        contest.run_unit("tiny", 0, small, killed, "test")
        assert [untimed(record) for record in read_records(killed / shard)] == expected


def test_another_config_is_refused_in_one_sentence(small, tmp_path):
    Shard(tmp_path / "tiny-seed0.jsonl", header(0, {"grid": {}})).close()
    with pytest.raises(ValueError):
        contest.run_unit("tiny", 0, small, tmp_path, "test")
