"""The contest on a solved game: planted winners win, labels are a ply clear of problems, decisions and labels are what they say."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from astarzero.envs import make
from astarzero.envs.evaluation import Evaluation
from astarzero.envs.go import unpack
from astarzero.experiments.arenas import ARENAS, QUICK, Arena, arena_of
from astarzero.experiments.decisions import DECIDERS, ladder
from astarzero.experiments.game_trials import GAMES, chance_of, given_away, labelled_shares, look_records
from astarzero.experiments.regimes import GAME_REGIMES, NETS, TABLES, WITHOUT_NET, Regime, trials
from astarzero.experiments.results import Row, Shard, read
from astarzero.experiments.trials import Judge, run_trials
from astarzero.experiments.verdicts import by_family, curve, gained_within, judge, score, spent
from astarzero.search import SEARCHES, Budget
from astarzero.search.forest import Forest
from astarzero.search.go_evaluators import exact_go, tabulated_go
from astarzero.search.mcts import result_of
from astarzero.search.tree_config import TreeConfig
from astarzero.training.game_labels import OUTCOME_LABELS, sample_positions, split_apart
from astarzero.training.labels import Labels, split_roots

GRID = {"expansions": (1, 16), "evaluations": (1, 64), "seconds": (1e-5, 1e-2)}
ARENA = Arena("go-2x3", "go", {"size": "2x3", "ko": "simple", "komi": 0}, GRID)
CONFIG = dataclasses.replace(QUICK, worlds=("go-2x3",), seeds=2, validation=10, test=30)
PRICES = {"a": 1e-4, "second_head": 2e-5, "net": [1e-5, 1e-4], "c": 1e-6, "sizes": [1, 10], "rollout": 1e-6}
MODEL = {"kind": "cost_model", "world": "go-2x3", **PRICES, "measured": [1.0], "predicted": [1.0]}
ARMS = tuple(regime for regime in GAME_REGIMES if regime.search in ("one_ply", "ubfm", "argmax", "sampling") and regime.net != "rollouts")
FEW = (
    *(regime for regime in ARMS if regime.arm != "sampling pi"),
    Regime("sampling pi", "policy", "sampling", "pi", ("prior",), ({"temperature": 1},)),
)


@pytest.fixture(scope="module")
def game():
    return GAMES.solve(make("go", **ARENA.options), ARENA)


def hold(game, directory: Path, value: np.ndarray, prior: np.ndarray, regimes=FEW) -> dict[str, str]:
    """A contest of ready-made judges, declared sound; the verdict by axis."""
    judges = {
        "V": Judge(tabulated_go(game.table, Evaluation(value=value), "V")),
        "pi": Judge(tabulated_go(game.table, Evaluation(prior_logits=prior), "pi")),
        **{name: made for name, made in GAMES.untrained(game).items() if name != "rollouts"},
    }
    for seed in range(CONFIG.seeds):
        split = GAMES.split(game, ARENA, CONFIG, seed)
        header = {"command": "test", "revision": "none", "versions": {}, "seed": seed, "date": "", "config": {"grid": {"go-2x3": GRID}}}
        with Shard(directory / f"go-2x3-seed{seed}.jsonl", header) as shard:
            shard.append(MODEL | {"seed": seed})
            held = {"regimes": regimes, "run": GAMES.run}
            run_trials(game, split, judges, ARENA, shard, MODEL, labels="full", size=1, seed=seed, **held)
    cells = judge(read(directory), samples=400)
    assert {cell.gained for cell in cells} == {"regret removed"} and all(np.isnan(cell.sides["value"].quality.mean) for cell in cells)
    assert all(cell.sides["oracle"].solved == pytest.approx((1, 1, 1)) for cell in cells if "oracle" in cell.sides)
    return {cell.axis: cell.verdict for cell in cells}


def exact_prior(game) -> np.ndarray:
    return np.where(game.q == game.value[:, None], 0.0, -30.0)


def test_exact_value_beats_a_uniform_policy(game, tmp_path):
    assert set(hold(game, tmp_path, game.value, np.zeros_like(game.q)).values()) == {"value"}


def test_exact_policy_beats_a_constant_value(game, tmp_path):
    assert set(hold(game, tmp_path, np.full(len(game.value), 0.3), exact_prior(game)).values()) == {"policy"}


def test_identical_arms_tie(game, tmp_path):
    same = tuple(Regime("one-ply", side, "one_ply", "V", ("value",)) for side in ("value", "policy"))
    assert set(hold(game, tmp_path, game.value, exact_prior(game), same).values()) == {"tie"}


def test_both_sides_have_the_same_number_of_trials():
    assert trials("value", GAME_REGIMES) == trials("policy", GAME_REGIMES) > 0


@pytest.mark.parametrize("regime", GAME_REGIMES, ids=lambda regime: regime.arm)
def test_every_regime_reads_heads_that_its_search_reads_and_its_net_has(regime):
    assert set(regime.heads) <= set(DECIDERS[regime.search].heads)
    assert regime.net in WITHOUT_NET or set(regime.heads) <= {head for part in NETS[regime.net] for head in part}


@pytest.mark.parametrize("regimes", TABLES.values(), ids=["puzzles", "games"])
def test_each_arm_of_both_has_its_half_sized_control(regimes):
    arms = {side: [(regime.search, regime.knobs) for regime in regimes if regime.side == side] for side in ("both", "half")}
    assert arms["both"] == arms["half"] != []


def boards_of(domain, rows) -> list[bytes]:
    """What stands on the board of rows [B, W] for the player to move, the least of its images, by no rule of the code under test."""
    height, width, boards = domain.context[2][4], domain.context[2][5], []
    for row in rows:
        points, fields = unpack(row, domain)
        seen = np.array([0, 1, 2] if fields["to_move"] == 0 else [0, 2, 1])[points].reshape(height, width).astype(np.uint8)
        turned = (np.rot90(flip, times) for flip in (seen, seen.T) for times in range(4))
        boards.append(min(image.tobytes() for image in turned if image.shape == seen.shape))
    return boards


def label(game, roots, regime) -> Labels:
    return GAMES.label(game, roots, regime, 4000, np.random.default_rng(0), None)


def moved_on(domain, rows) -> np.ndarray:
    """What each move makes of each row, by the rules, where the game goes on then: rows, with repetitions."""
    after = np.concatenate([domain.successors(row)[0] for row in rows])
    return after[domain.action_masks(after).any(axis=1)]


def asked_about(domain, rows) -> set[bytes]:
    return {*boards_of(domain, rows), *boards_of(domain, np.unique(moved_on(domain, rows), axis=0))}


def test_boards_are_alike_where_the_mover_sees_alike(game):
    boards = boards_of(game.domain, game.states)
    assert len(set(boards)) == len(set(zip(boards, game.boards.tolist(), strict=True))) == len(set(game.boards.tolist()))
    assert len(game.images) == 4 and np.array_equal(game.value[game.images], np.tile(game.value, (4, 1)))


@pytest.mark.parametrize("regime", OUTCOME_LABELS)
@pytest.mark.parametrize("arena", [ARENA, ARENAS["go-3x3"]], ids=lambda arena: arena.name)
def test_no_label_is_of_what_a_ply_from_a_problem_asks_about(arena, regime):
    """Roots that are not set apart so, half of all, are a ply from most of it."""
    game = GAMES.solve(make(arena.world, **arena.options), arena)
    domain, config = game.domain, dataclasses.replace(CONFIG, validation=1000, test=1000) if arena is not ARENA else CONFIG
    split = GAMES.split(game, arena, config, 0)
    train, by_root = (label(game, roots, regime) for roots in (split.train, split_roots(game.roots, np.random.default_rng(0))[0]))
    labelled = set(boards_of(domain, np.unique(np.concatenate([train.states, train.value_states]), axis=0)))
    asked, validated = asked_about(domain, game.states[split.test]), asked_about(domain, game.states[split.validation])
    assert labelled and not labelled & (asked | validated) and not asked & validated
    assert len(split.test) == min(config.test, arena.most_test) and len(split.validation) == min(config.validation, arena.most_validation)
    drawn, every = (np.bincount(game.num_stones[part]) / len(part) for part in (split.test, game.roots[game.at_stake(game.roots)]))
    assert abs(drawn - every).max() < 1 / len(split.test)  # of each number of stones its share
    assert game.at_stake(split.test).all() and not (game.states[split.test, -2] & np.uint64(1)).any()
    assert labelled_shares(game, split.test, train)["successors_labelled"] == 0
    assert labelled_shares(game, split.test, by_root)["successors_labelled"] > 0.6


def test_shares_of_what_is_labelled_count_moves(game):
    """V taught what one move makes of a problem: all of it, and of two moves what happens to be among it; taught nothing near, nothing."""
    problems = GAMES.split(game, ARENA, CONFIG, 0).test
    labels = label(game, problems, "full")
    shares = labelled_shares(game, problems, labels)
    taught = set(boards_of(game.domain, labels.value_states))
    second = moved_on(game.domain, moved_on(game.domain, game.states[problems]))
    met = [board in taught for board in boards_of(game.domain, second)]
    assert shares == {"successors_labelled": 1.0, "two_plies_labelled": pytest.approx(np.mean(met))} and 0 < np.mean(met) < 1


def test_more_problems_than_a_board_has_room_for_are_refused_in_one_sentence(game):
    with pytest.raises(ValueError, match="go-2x3-simple-komi0 has no room for 200 test and 20 validation problems"):
        split_apart(game, 20, 200, np.random.default_rng(0))


def test_what_a_move_gives_away(game):
    """By hand from the definition, move by move."""
    for problem in GAMES.split(game, ARENA, CONFIG, 0).test[:10]:
        rows, actions, _ = game.domain.successors(game.states[problem])
        outcomes = -np.sign(game.table.values(rows))
        expected = (outcomes.max() - outcomes) / 2
        assert given_away(game, np.array([problem]))[0, actions] == pytest.approx(expected)
        assert chance_of(game, np.array([problem]))[0] == pytest.approx(expected.mean())


def test_a_look_costs_what_it_evaluates(game):
    problems, exact = GAMES.split(game, ARENA, CONFIG, 0).test, exact_go(game.table)
    one = DECIDERS["one_ply"](game, problems, exact.only(("value",)), [1], 0)
    assert one.evaluations[:, 0].tolist() == [
        int((~game.over[game.table.index(game.domain.successors(row)[0])]).sum()) for row in game.states[problems]
    ]
    chosen = (one.weights[:, 0] * given_away(game, problems)).sum(1)
    assert chosen == pytest.approx(0) and (one.expansions == 1).all() and (one.calls == 1).all()
    drawn = DECIDERS["sampling"](game, problems, exact.only(("prior",)), [1], 0, temperature=1.0)
    assert drawn.weights.sum(2) == pytest.approx(1) and (drawn.weights[:, 0][game.after[problems] < 0] == 0).all()
    nothing = DECIDERS["argmax"](game, problems, GAMES.untrained(game)["nothing"].evaluator, [1], 0)
    assert not nothing.evaluations.any() and (nothing.weights[:, 0] * given_away(game, problems)).sum(1) == pytest.approx(
        chance_of(game, problems)
    )


def test_spending_never_falls_and_a_forest_decides_as_a_tree_alone(game):
    problems, exact, budgets = GAMES.split(game, ARENA, CONFIG, 0).test[:8], exact_go(game.table), ladder(16)
    assert budgets == [1, 2, 4, 8, 16]
    for name in ("ubfm", "puct"):
        made = DECIDERS[name](game, problems, exact, budgets, 3)
        for used in (made.expansions, made.evaluations, made.calls):
            assert (np.diff(used, axis=1) >= 0).all()
        assert (made.expansions <= budgets).all() and made.weights.sum(2) == pytest.approx(1)
        for number, problem in enumerate(problems):
            if name == "ubfm":
                result = SEARCHES[name](game.domain, game.states[problem], exact, budget=Budget(expansions=16), seed=3000 + number)
            else:
                forest = Forest(game.domain, game.states[[problem]], exact, TreeConfig("puct"), seeds=3000 + number)
                forest.run(15)  # after the root's expansion
                result = result_of(forest)
            assert result.action_weights is not None and result.evaluations == made.evaluations[number, -1]
            assert np.array_equal(made.weights[number, -1] > 0, result.action_weights == result.action_weights.max())


def test_a_game_is_scored_by_steps():
    """Nothing at 1, half at 10, all at 100 of 1000: (0 + .5 + 1) / 3; within the lowest budget the whole is gained at once."""
    looks = np.array([[1, 10, 100], [1, 1, 1]])
    arrays = {"saved": np.array([[0, 0.2, 0.4], [0.4, 0.4, 0.4]]), "chance": np.full((2, 3), 0.4), "family": np.zeros((2, 3))}
    arrays |= {"expansions": looks, "evaluations": 2 * looks, "calls": looks}
    row = Row("go", "full", 1, 0, "test", "value", "a", "", ("value",), False, arrays)
    assert score(row, "expansions", (1, 1000), None) == pytest.approx([0.5, 1])
    assert gained_within(row, spent(row, "expansions", None), 99) == pytest.approx([0.2, 0.4])
    assert curve(row, spent(row, "expansions", None), np.array([1, 10, 100])) == pytest.approx([0.5, 0.75, 1])
    assert spent(row, "seconds", MODEL)[0] == pytest.approx(looks[0] * (1e-4 + 2e-5 + 1e-6))
    both = dataclasses.replace(row, heads=("value", "prior"))
    assert (spent(both, "seconds", MODEL) - spent(row, "seconds", MODEL))[0] == pytest.approx(looks[0] * 2e-5)
    blind = dataclasses.replace(row, side="blind", heads=())
    assert spent(blind, "seconds", MODEL)[0] == pytest.approx(looks[0] * (2e-6 + 1e-6))  # a random game costs no call of a net
    assert Row.from_record(row.to_record()).instances == 2
    with pytest.raises(ValueError, match="one number per instance and look"):
        dataclasses.replace(row, arrays={**arrays, "calls": np.ones(2)})
    with pytest.raises(ValueError, match="lacks the array evaluations"):
        dataclasses.replace(row, arrays={name: array for name, array in arrays.items() if name != "evaluations"})


def test_families_are_resampled_whole():
    """Four problems that are copies of one are one observation: the mean stays, the interval is that of the families."""
    rng = np.random.default_rng(0)
    each = rng.random((3, 20))
    looks, family = np.ones((80, 1), int), np.repeat(np.arange(20), 4)[rng.permutation(80)]
    arrays = {name: looks for name in ("saved", "chance", "expansions", "evaluations", "calls")} | {"family": family[:, None] + 7}
    row = Row("go", "full", 1, 0, "test", "value", "a", "", ("value",), False, arrays)
    assert by_family(each[:, family], row) == pytest.approx(each)
    uneven = by_family(np.array([[1.0, 2.0, 6.0]]), dataclasses.replace(row, arrays={name: array[:3] for name, array in arrays.items()} | {
        "family": np.array([[4], [4], [9]])}))  # fmt: skip
    assert uneven.tolist() == [[2.0, 4.0]] and uneven.mean() == 3.0


def test_positions_of_a_run_have_the_family_of_their_game(game):
    problems = GAMES.split(game, ARENA, CONFIG, 0).test
    regime = next(regime for regime in ARMS if regime.search == "one_ply")
    arrays = GAMES.run(game, regime, {}, GAMES.untrained(game)["exact"], problems, ARENA, 0)
    assert (arrays["family"] == game.families[problems][:, None]).all()


@pytest.mark.parametrize("regime", OUTCOME_LABELS)
def test_labels_are_the_tables_own(game, regime):
    rng = np.random.default_rng(0)
    roots = GAMES.split(game, ARENA, CONFIG, 0).train
    indices = sample_positions(game, roots, 200, rng)
    assert set(game.images[:, indices].min(axis=0)) <= set(roots)
    labels = OUTCOME_LABELS[regime](game, indices, rng)
    assert np.array_equal(labels.value, np.sign(game.table.values(labels.value_states)))
    assert np.array_equal(labels.q[labels.q_known], game.q[indices][labels.q_known].astype(np.float32))
    assert (
        labels.prior.sum(1) == pytest.approx(1)
        and (game.q[indices][labels.prior > 0] == np.repeat(game.value[indices], (labels.prior > 0).sum(1))).all()
    )
    if regime == "matched":
        assert labels.num_labels == {"value": 200, "q": 200, "prior": 200} and (labels.prior.max(1) == 1).all()
    else:
        assert labels.num_labels["q"] == (game.after[indices] >= 0).sum() > labels.num_labels["value"] > 200


def test_one_look_of_an_exact_head_removes_all_regret(game):
    split = GAMES.split(game, ARENA, CONFIG, 0)
    exact = Evaluation(value=game.value, prior_logits=exact_prior(game), q=np.nan_to_num(game.q))
    judges = {name: GAMES.judge(game, exact, name) for name in ("V", "Q", "pi")}
    heads = {"value": exact, "q": exact, "prior": exact}
    taught = label(game, split.train, "full")
    records = look_records(game, split, heads, judges, taught, world="go-2x3", labels="full", size=1, seed=0)
    assert [record["regret_removed"] for record in records] == pytest.approx([1, 1, 1]) and not any(
        record["collapsed"] for record in records
    )
    assert all(record["successors_labelled"] == 0 < record["two_plies_labelled"] < 1 for record in records)
    assert {stage for stage, removed in records[0]["stages"].items() if removed is not None} == {"0-2 stones", "3-4 stones", "5-6 stones"}
    constant = GAMES.judge(game, Evaluation(value=np.full(len(game.value), 0.2)), "constant")
    assert constant.collapsed


def test_a_game_that_is_not_solved_is_refused_in_one_sentence():
    with pytest.raises(ValueError, match="is a game of two, which the contest holds where it is solved"):
        arena_of("go")
