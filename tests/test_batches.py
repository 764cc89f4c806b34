"""`astarzero batches`: the batch changes the effort, never the promise; and A* stays optimal at every batch."""

import json

import numpy as np
import pytest
import toys
from toys import PROBLEMS, asked, problem, wild

from astarzero.envs import make
from astarzero.experiments.__main__ import main
from astarzero.experiments.batches import admissible_floors, ratio, summary
from astarzero.experiments.instances import Instance
from astarzero.nets.checkpoint import save
from astarzero.nets.mlp import MLPConfig, ResidualMLP, build_seeded
from astarzero.search import SearchResult, Status

BOARDS = ["batches", "sliding", "--size", "2x3", "--problems", "40", "--check", "--json"]


def run(capsys, *words: str) -> list[dict]:
    assert main([*BOARDS, *words]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize("batch", [2, 5, 50])
def test_an_admissible_h_stays_optimal_at_every_batch(batch):
    """Inconsistent ones too, in the compiled drive and in the one that asks."""
    for instance in [problem(wild(seed)) for seed in range(1, 9)] + [PROBLEMS[name]() for name in PROBLEMS if name.startswith("2x3")]:
        for luck in range(4):
            guide = toys.unfair(instance.table, luck)
            for judge in (guide, asked(guide)):
                result = instance.solve("astar", judge, batch=batch)
                assert result.cost == instance.optimum == pytest.approx(result.lower_bound)
                heavy = instance.solve("astar", judge, batch=batch, weight=2)
                assert heavy.cost <= 2 * min(instance.optimum, heavy.lower_bound) * (1 + 1e-6)


def test_costs_stay_and_effort_grows_with_the_batch(capsys):
    rows = run(capsys, *(word for batch in (1, 10, 1000) for word in ("--batch", str(batch))))
    assert [row["batch"] for row in rows] == [1, 10, 1000]
    assert all((row["solved"], row["optimal"], row["excess"], row["worst_ratio"]) == (40, 40, 0, 1) for row in rows)
    assert all(row["promise"] == 1 and row["kept"] for row in rows)
    efforts = [row["expansions"] for row in rows]
    assert efforts == sorted(efforts) and efforts[0] < efforts[-1]


def test_a_weight_is_promised_and_the_excess_measured(capsys):
    rows = run(capsys, "--weight", "3", "--batch", "1", "--batch", "20")
    assert all(row["promise"] == 3 and row["kept"] and 1 <= row["mean_ratio"] <= row["worst_ratio"] <= 3 for row in rows)
    assert rows[0]["excess"] > 0 and rows[0]["optimal"] < 40


def test_a_net_is_promised_nothing_and_called_less_often_for_larger_batches(capsys, tmp_path):
    domain, path = make("sliding", size="2x3"), tmp_path / "net.safetensors"
    net = build_seeded(ResidualMLP, MLPConfig(domain.num_features, domain.num_actions, width=8), seed=0)
    save(path, net, domain, heads=("value",))
    one, many = run(capsys, "--evaluator", f"net:{path}", "--batch", "1", "--batch", "50")
    assert one["promise"] is one["kept"] is None
    assert many["evaluator_calls"] < one["evaluator_calls"] and many["evaluations"] >= one["evaluations"]
    assert one["evaluator_seconds"] > 0


def test_a_limit_ends_with_1_and_counts_what_is_solved(capsys):
    assert main([*BOARDS, "--batch", "1", "--max-expansions", "10"]) == 1
    (row,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert 0 < row["solved"] < 40 and row["expansions"] <= 400


def test_a_broken_promise_is_seen():
    row = np.zeros(1, np.uint64)
    results = [SearchResult(Status.SOLVED, cost=cost, lower_bound=bound) for cost, bound in ((4.0, 4.0), (6.0, 2.0), (0.0, 0.0))]
    problems = [Instance("", row, optimal) for optimal in (4.0, 5.0, 0.0)]
    facts = summary(7, 2.0, 2.0, problems, results, [0.0, 0.0, 0.0])
    assert (facts["kept"], facts["worst_ratio"], facts["optimal"], facts["excess"]) == (False, 3.0, 2, 1.0)
    assert summary(7, 2.0, 2.0, problems, results, [0.0, 3.0, 0.0])["kept"]  # the world's own heuristic knows better
    assert ratio(3.0, 0.0) == np.inf and summary(7, 2.0, None, problems, results, [0.0] * 3)["kept"] is None


def test_floors_are_the_worlds_admissible_heuristic():
    domain = make("sliding", size="2x3")
    rows = np.array([domain.parse(board) for board in ("0 1 2 3 4 5", "3 1 2 4 0 5")])
    assert admissible_floors(domain, rows).tolist() == [0.0, 2.0]


def test_instances_may_come_from_a_file_and_a_table_is_drawn(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    path = tmp_path / "boards.csv"
    path.write_text("tiles (goal=1..N 0)\n1 2 3 4 0 5\n0 4 5 1 2 3\n")
    assert main(["batches", "sliding", "--size", "2x3", "--instances", str(path), "--batch", "1", "--batch", "4"]) == 0
    printed = capsys.readouterr().out
    assert "2 problems of sliding-2x3-blank-last" in printed and printed.count("yes") == 2
