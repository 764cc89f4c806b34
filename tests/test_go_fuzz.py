"""The fuzz of Go: it finds nothing in the rules as they are, meets what it is for, and finds every bug planted in them."""

import json
import types

import numpy as np
import pytest
import toys
from go_games import gnu_go

from astarzero.envs import go_rules
from astarzero.envs.bitboard import common, count, load, lowest, neighbours, some, union, without
from astarzero.envs.domain import Domain
from astarzero.envs.go import KO_RULES
from astarzero.envs.go_peers import GnuGo, Reference
from astarzero.envs.go_rules import LAST, PASS, field, info_of, joined, lost_group, stones_of
from astarzero.envs.go_rules import captured_by as all_captured_by
from astarzero.envs.go_rules import repeats as all_of_superko
from astarzero.experiments import fuzz as fuzzing
from astarzero.experiments.__main__ import main

SMALL = ("1x2", "1x3", "2x2", "2x3", "3x3", "3x4", "4x4", "5x5")


def test_the_reference_agrees_in_positions_full_of_captures_superko_and_suicide(capsys):
    assert main(["fuzz", "go", "--positions", "3000", "--against", "reference", "--seed", "1", "--json"]) == 0
    met = json.loads(capsys.readouterr().out)
    assert met["compared"] == {"reference": 3000} and met["positions"] == 3000
    for what in ("superko_bans", "captures", "multi_stone_captures", "suicides", "multi_stone_suicides"):
        assert met[what] > 20, what


@pytest.mark.parametrize("size", ["9", "11", "19"])
def test_the_reference_agrees_on_boards_of_two_three_and_six_words(size, capsys):
    assert main(["fuzz", "go", "--positions", "60", "--against", "reference", "--size", size, "--seed", "2"]) == 0
    assert "positions             60" in capsys.readouterr().out


@pytest.mark.parametrize("ko", KO_RULES)
def test_gnu_go_agrees(ko, capsys):
    gnu_go()
    assert main(["fuzz", "go", "--positions", "800", "--against", "gnugo", "--ko", ko, "--size", "4", "--json"]) == 0
    met = json.loads(capsys.readouterr().out)
    assert met["compared"] == {"gnugo": 800} and met["suicides"] > 0 and (met["superko_bans"] > 0) == (ko != "simple")


def test_gnu_go_says_what_it_does_not_understand():
    peer = GnuGo(gnu_go())
    peer.begin(next(fuzzing.random_worlds(("3x3",), ("simple",), (False,), 0)))
    with pytest.raises(ValueError, match="GNU Go answered") as error:
        peer.ask("play black Z99")
    toys.one_sentence(error)
    peer.close()


@pytest.mark.parametrize(("peer", "package"), [("openspiel", "pyspiel"), ("pettingzoo", "pettingzoo")])
def test_the_libraries_agree_on_what_they_have(peer, package, capsys):
    pytest.importorskip(package, reason=f"needs {package}, in the extra peers")
    assert main(["fuzz", "go", "--positions", "600", "--against", peer, "--size", "4", "--ko", "simple", "--no-suicide", "--json"]) == 0
    met = json.loads(capsys.readouterr().out)
    assert met["compared"][peer] > 300 and met["captures"] > 20
    assert main(["fuzz", "go", "--positions", "20", "--against", peer, "--size", "4", "--ko", "positional"]) == 1
    assert "not compared, since it has square boards" in " ".join(capsys.readouterr().out.split())


def test_without_gnu_go_the_fuzz_says_so_and_goes_on(capsys, monkeypatch):
    monkeypatch.setattr("astarzero.envs.go_peers.find_program", lambda name: None)
    assert main(["fuzz", "go", "--positions", "50", "--size", "3"]) == 0
    assert "gnugo: not compared, since there is no program gnugo" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("fuzz sliding", "World 'sliding' has no other implementation"), ("fuzz go --positions 0", "0 positions were asked for"),
        ("fuzz go --against fuego", "Peer 'fuego' is not known"), ("fuzz go --ko super", "Ko rule 'super' is not known"),
        ("fuzz go --empty-against", "There is nothing to compare with"), ("fuzz go --size 99", "Size 99x99 is out of range"),
    ],
)  # fmt: skip
def test_bad_input_gets_one_sentence(words, sentence, capsys):
    assert main(words.split()) == 2
    error = capsys.readouterr().err
    assert sentence in error and error.count("\n") == 1


# --- planted bugs -----------------------------------------------------------------------------------------------------------------


def planted(rule, **bugs):
    """A copy of a rule in which it, and every function of go_rules.py that it calls, calls `bugs` instead of what has their names."""
    changed = dict(bugs)
    for name in rule.__code__.co_names:
        called = rule.__globals__.get(name)
        if name not in bugs and isinstance(called, types.FunctionType) and called.__module__ == go_rules.__name__:
            changed[name] = planted(called, **bugs)
    return types.FunctionType(rule.__code__, {**rule.__globals__, **changed}, rule.__name__, rule.__defaults__)


def captures_only_the_first_group(point, enemy, free, stride):
    doubtful = without(common(neighbours(point, stride), enemy), neighbours(free, stride))
    group, lost = lost_group(lowest(doubtful), enemy, free, stride)
    return group if lost and some(doubtful) else without(enemy, enemy)


def captures_only_the_stones_it_touches(point, enemy, free, stride):
    return common(all_captured_by(point, enemy, free, stride), neighbours(point, stride))


def board_without_its_spare_column(points, stride):
    return neighbours(points, stride - 1)


def nobody_dies_by_suicide(point, own, free, stride):
    return without(point, point)


def no_ko(point, captured, own, free, stride):
    return without(point, point)


def ko_after_any_single_capture(point, captured, own, free, stride):
    return captured if count(captured) == 1 else without(point, point)


def one_pass_ends_it(state, context):
    return field(info_of(state), LAST) == context[2][PASS] + 1


def captured_stones_stay_in_the_key(points, keys):
    return np.uint64(0)


def situational_superko_forgets_who_is_to_move(state, context):
    return state[state.shape[0] - 1]


def superko_forgets_the_first_position(state, action, successor, keys, length, context):
    return length > 1 and all_of_superko(state, action, successor, keys[1:], length - 1, context)


def superko_looks_at_captures_only(state, action, successor, keys, length, context):
    own, enemy = stones_of(state, context)
    after_own, after_enemy = stones_of(successor, context)
    fewer = count(after_own) + count(after_enemy) <= count(own) + count(enemy)
    return fewer and all_of_superko(state, action, successor, keys, length, context)


def dame_count_for_who_moves(own, enemy, context):
    empty = without(load(context[1], 0, context[0]), union(own, enemy))
    theirs = without(joined(enemy, empty, context[2][0]), joined(own, empty, context[2][0]))
    return count(own) + count(joined(own, empty, context[2][0])) - count(enemy) - count(theirs)


BUGS = {
    "a second group is not captured": {"captured_by": captures_only_the_first_group},
    "only neighbours are captured": {"captured_by": captures_only_the_stones_it_touches},
    "the sides of the board are joined": {"neighbours": board_without_its_spare_column},
    "suicide kills nobody": {"lost_by": nobody_dies_by_suicide},
    "no ko": {"ko_after": no_ko},
    "every capture of one stone is a ko": {"ko_after": ko_after_any_single_capture},
    "one pass ends the game": {"is_terminal": one_pass_ends_it},
    "captured stones stay in the key": {"keys_of": captured_stones_stay_in_the_key},
    "situational is positional": {"position_key": situational_superko_forgets_who_is_to_move},
    "superko forgets the first position": {"repeats": superko_forgets_the_first_position},
    "superko looks at captures only": {"repeats": superko_looks_at_captures_only},
    "neutral points are scored": {"area_lead": dame_count_for_who_moves},
}
RULES = ("step", "is_terminal", "position_key", "repeats", "outcome", "margin")


def with_bug(domain: Domain, bugs) -> Domain:
    return domain.with_(**{name: bugs.get(name) or planted(getattr(domain, name), **bugs) for name in RULES})


@pytest.mark.parametrize("bug", BUGS)
def test_every_planted_bug_is_found(bug):
    worlds = fuzzing.random_worlds(SMALL, KO_RULES, (False, True), 0)
    buggy: dict[str, Domain] = {}
    tally = fuzzing.Tally()
    with pytest.raises(fuzzing.DifferenceError, match="reference differs from go-") as difference:
        changed = (buggy.setdefault(domain.name, with_bug(domain, BUGS[bug])) for domain in worlds)
        for _ in fuzzing.fuzz_games(changed, [Reference()], 20_000, 0, tally):
            pass
    assert "to move" in str(difference.value) or "game is over" in str(difference.value)
