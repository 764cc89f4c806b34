"""`astarzero audit` as a whole: what it says of known estimates, its files, its exit status, and what it refuses."""

import json

import numpy as np
import pytest
import toys

from astarzero.envs import make, sliding
from astarzero.experiments import audit as verb
from astarzero.experiments import audit_elsewhere, audit_enumerable, ledger
from astarzero.experiments.__main__ import main
from astarzero.experiments.arenas import ARENAS, Arena
from astarzero.experiments.audit_figures import audit_figures
from astarzero.experiments.audit_searches import AuditConfig
from astarzero.experiments.results import read_records
from astarzero.search import from_heuristic, noisy_oracle

SMALL = ["--problems", "12", "--calibration", "60"]
QUICK = [*SMALL, "--states", "120", "--steps", "60"]


def silent(words):
    pass


@pytest.fixture(scope="module")
def puzzle():
    return toys.table_of(make("sliding", size="2x3"))


def records_of(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def of_kind(records, kind):
    return {(record["arm"], record.get("knob", "")): record for record in records if record["kind"] == kind}


# --- the command -----------------------------------------------------------------------------------------------------------------


def test_a_newcomers_command_trains_audits_and_writes(tmp_path, capsys):
    assert main(["audit", "sliding", "--size", "2x3", *QUICK, "--json", "--out", str(tmp_path)]) == 0
    printed = records_of(capsys)
    header, *written = read_records(tmp_path / "audit.jsonl")
    assert written == printed and {"command", "revision", "versions", "seed", "config"} <= header.keys()
    assert header["config"]["calibration"] == 60 and header["config"]["world"] == "sliding"
    found = of_kind(printed, "ledger")
    for name in ("h = 0", "manhattan", "linear-conflict", "exact h*"):
        row = found[name, ""]
        assert (row["over_share"], row["edge_share"], row["certified"], row["optimal_share"][0], row["reopened"]) == (0, 0, 1, 1, 0)
    assert found["h = 0", ""]["mean_h"] == found["h = 0", ""]["evaluations"] == 0 and found["manhattan", ""]["evaluations"] > 0
    exact = found["exact h*", ""]
    assert exact["mean_h"] == exact["mean_exact"] == pytest.approx(13.5, abs=1) and exact["states"] == 360
    nets = {arm for arm, _ in of_kind(printed, "pairs")}
    assert nets == {"V squared", "V quantile", "V asymmetric"}
    assert all(row["violations"] == 0 and row["solved"] == 12 for row in found.values())
    for net in nets:
        assert found[net, "- margin"]["over_share"] <= found[net, ""]["over_share"]
        assert found[net, "max manhattan"]["mean_h"] >= max(found[net, ""]["mean_h"], found["manhattan", ""]["mean_h"]) - 1e-6
        assert found[net, "pathmax"]["mean_h"] >= found[net, ""]["mean_h"] >= found[net, "clipped"]["mean_h"]
        assert (found[net, "clipped"]["over_share"], found[net, "clipped"]["edge_share"]) == (0, 0)
    assert of_kind(printed, "levin")["policy", ""]["own_violations"] == 0
    pictures = {"where-above", "strata", "scramble"}
    assert {path.stem for path in tmp_path.glob("*.png")} == pictures == {figure.name for figure in audit_figures(written)}
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in tmp_path.glob("*.png"))


def test_a_checkpoint_and_a_heuristic_are_audited_by_name(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(ARENAS, "tiny", Arena("tiny", "sliding", {"size": "2x3"}))
    words = ["--heads", "value", "--heads", "prior", "--value-loss", "quantile", "--value-level", "0.2", "--steps", "30", "--width", "16"]
    assert main(["train", "tiny", *words, "--states", "200", "--out", str(tmp_path)]) == 0
    (path,) = tmp_path.glob("*.safetensors")
    assert path.stem == "tiny-value-prior-quantile-seed0"
    capsys.readouterr()
    assert main(["audit", "tiny", "--evaluator", f"net:{path}", "--evaluator", "manhattan", *SMALL]) == 0
    told = " ".join(capsys.readouterr().out.split())
    titles = ("Admissibility ledger", "What A* does with it", "What a conformal margin", "Calibration on scramble depth", "Levin's bound")
    assert all(title in told for title in titles) and path.stem in told and "all 360 solvable states" in told


def test_a_broken_theorem_is_exit_status_1(monkeypatch, capsys):
    """The bound is planted as 0: any excess of the noisy judge then breaks it."""
    monkeypatch.setattr(ledger, "path_bounds", lambda table, h: np.zeros(len(h)))
    monkeypatch.setattr(verb, "named_judge", lambda domain, text, device: noisy_oracle(toys.table_of(domain), 6.0, 0.0, 0))
    assert main(["audit", "sliding", "--size", "2x3", "--evaluator", "noisy", "--problems", "60", "--calibration", "60", "--json"]) == 1
    assert sum(record.get("violations", 0) for record in records_of(capsys)) > 0


# --- solved worlds ---------------------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_records_and_a_margin_is_calibrated_on_states_no_net_saw(puzzle):
    labelled = np.arange(0, 200)
    config = AuditConfig(problems=10, calibration=50)
    ground = audit_enumerable.prepare(puzzle, labelled, config)
    assert not np.isin(ground.calibration, labelled).any() and not np.isin(ground.fresh, labelled).any()
    assert len(ground.fresh) == np.sum(~puzzle.graph.goal[200:]) - 50
    assert not np.isin(ground.calibration, ground.fresh).any() and len(ground.calibration) == 50
    judges = {"noisy": noisy_oracle(puzzle, 2.0, 1.0, 0)}
    first, again = (list(audit_enumerable.audit_everything(ground, judges, silent)) for _ in range(2))
    assert first == again
    with pytest.raises(ValueError, match="too few to calibrate") as error:
        audit_enumerable.prepare(puzzle, labelled, AuditConfig(calibration=160))
    toys.one_sentence(error)


def test_scrambles_are_drawn_as_the_world_scrambles(puzzle):
    """Three moves from the goal: the exact distribution, by the walk's matrix, and both ways of drawing from it."""
    count, start = len(puzzle.states), int(np.flatnonzero(puzzle.graph.goal)[0])
    step = np.zeros((count, count))
    ways = np.diff(puzzle.graph.first_edge)
    step[puzzle.graph.edge_parent, puzzle.graph.child] = 1 / ways[puzzle.graph.edge_parent]
    expected = np.linalg.matrix_power(step, 3)[start]
    rng = np.random.default_rng(0)
    many = np.bincount(audit_enumerable.scrambled(puzzle, 3, 40_000, rng), minlength=count) / 40_000
    one_by_one = puzzle.graph.index(np.array([sliding.scramble(puzzle.domain, rng, 3) for _ in range(2000)]))
    assert np.abs(many - expected).max() < 0.012  # five standard errors
    assert np.abs(np.bincount(one_by_one, minlength=count) / 2000 - expected).max() < 0.055


def test_dead_ends_have_a_place_in_the_ledger():
    table = toys.dealt()
    judges = {"noisy": noisy_oracle(table, 0.5, 0.5, 0)}
    ground = audit_enumerable.prepare(table, np.zeros(0, np.int64), AuditConfig(alpha=0.4, calibration=3))
    records = [verb.as_json(record) for record in audit_enumerable.audit_everything(ground, judges, silent)]
    row = of_kind(records, "ledger")["noisy", ""]
    assert row["states"] == np.isfinite(table.cost_to_go).sum() < len(table.states) and row["violations"] == 0
    assert not of_kind(records, "scramble")  # nothing can be undone here
    assert json.dumps(records, allow_nan=False)


# --- worlds too large to solve -----------------------------------------------------------------------------------------------------


def test_sampled_audit_agrees_with_the_whole_table(puzzle):
    """The judge is 4 above the truth in the upper half of distances; every popped state is judged, so the shares are exact."""
    domain, noisy = puzzle.domain, noisy_oracle(puzzle, 3.0, 1.0, 1)
    roots = puzzle.states[np.flatnonzero(puzzle.cost_to_go > 12)[:15]]
    config = AuditConfig(judged=100_000, calibration=60)
    records = list(audit_elsewhere.audit_sampled(domain, roots, {"noisy": noisy}, config, silent))
    row = of_kind(records, "ledger")["noisy", ""]
    h = ledger.judged_costs(puzzle, noisy.evaluate(puzzle.states))
    searches = audit_elsewhere.search_all(domain, roots, noisy, config.budget(), 0)
    popped = puzzle.graph.index(np.concatenate(searches.popped))
    assert row["over_share"] == pytest.approx(np.mean(h[popped] > puzzle.cost_to_go[popped])) and row["unsettled"] == 0
    assert row["states"] == row["popped"] == len(popped) and row["violations"] == 0
    assert row["excess_mean"] == pytest.approx(np.mean([r.cost for r in searches.results] - puzzle.costs(roots)))
    assert row["bound_mean"] >= ledger.path_bounds(puzzle, h)[puzzle.graph.index(roots)].mean() - 1e-6  # one path, not the best
    assert set(of_kind(records, "ledger")) == {("noisy", form) for form in ("", "- margin", "max pdb")}
    assert of_kind(records, "calibration")["noisy", ""]["calibration"] == 60
    assert of_kind(records, "levin")["noisy", ""]["own_violations"] == 0


def test_what_the_solver_cannot_settle_is_left_out_and_counted(puzzle):
    rows = puzzle.states[np.argsort(puzzle.cost_to_go)][[20, 60, 340]]
    config = AuditConfig(solver_expansions=15)
    told, row = audit_elsewhere.audit_sampled(puzzle.domain, rows, {"manhattan": from_heuristic(puzzle.domain)}, config, silent)
    assert (told["kind"], told["asked"], told["settled"], row["problems"]) == ("problems", 3, 2, 2)
    assert row["unsettled"] + row["judged"] == row["popped"] and row["over_share"] == 0
    with pytest.raises(ValueError, match="None of the problems") as error:
        list(audit_elsewhere.audit_sampled(puzzle.domain, rows[2:], {}, AuditConfig(solver_expansions=1), silent))
    toys.one_sentence(error)


def test_a_world_without_a_list_of_its_states_is_audited_through_the_command(tmp_path, capsys):
    path = tmp_path / "boards.csv"
    path.write_text('tiles\n"1 2 3 7 4 5 6 11 8 9 10 0"\n"4 1 2 3 5 6 7 11 8 9 0 10"\n')
    words = ["--size", "3x4", "--evaluator", "manhattan", "--evaluator", "blind", "--instances", str(path), "--max-expansions", "500"]
    assert main(["audit", "sliding", *words, "--judged", "30", "--json"]) == 0
    manhattan, nothing = (row for row in records_of(capsys) if row["kind"] == "ledger")
    assert manhattan["over_share"] == nothing["over_share"] == 0 and manhattan["mean_h"] > nothing["mean_h"] == 0
    assert manhattan["certified"] == 1 and manhattan["reopened"] == 0 and 0 < manhattan["judged"] <= 30
    assert main(["audit", "sliding", *words, "--judged", "30"]) == 0
    assert "were left out because the solver did not settle them" in " ".join(capsys.readouterr().out.split())


# --- bad input -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["sliding", "--size", "4"], "give --evaluator net:FILE.safetensors or one of its heuristics"),
        (["sliding-3x3", "--size", "3"], "World 'sliding-3x3' has its options built in, so it takes no --size"),
        (["sliding", "--size", "2x3", "--alpha", "1.5"], "alpha is 1.5, but a share"),
        (["sliding", "--size", "2x3", "--level", "0"], "level is 0.0, but a share"),
        (["sliding", "--size", "2x3", "--calibration", "10"], "calibration is 10, but alpha = 0.05 needs 19 states"),
        (["sliding", "--size", "2x3", "--problems", "-1"], "problems is -1, but it must be at least 0"),
        (["sliding", "--size", "2x3", "--judged", "0"], "judged is 0, but it must be at least 1"),
        (["sliding", "--size", "2x3", "--evaluator", "euclid"], "Evaluator 'euclid' is not known"),
        (["sliding", "--size", "2x3", "--evaluator", "net:none.safetensors"], "none.safetensors"),
        (["sliding", "--size", "2x3", "--instances", "some.csv"], "is judged at every state, so --instances has no place"),
        (["sliding", "--size", "4", "--evaluator", "manhattan", "--instances", "none.csv"], "none.csv cannot be read"),
        (["chess"], "World 'chess' was not found"),
    ],
)
def test_bad_input_is_one_sentence(words, expected, capsys):
    assert main(["audit", *words]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and expected in captured.err and captured.err.count("\n") == 1, captured.err
