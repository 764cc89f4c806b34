"""A linear equation a x + b = c x + d over the rationals packs into a row, and algebra on it is exact: another world in forty lines."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from astarzero.envs.domain import Domain
from astarzero.envs.rational import NO_NUMBER, six_results, to_fraction, to_word

ONE, ZERO = to_word(1), to_word(0)
MOVES = ("take c x from both sides", "take b from both sides", "divide both sides by a")


def step(state, action, context, successor):
    a, b, c, d = state[0], state[1], state[2], state[3]
    if action == 0:  # operation 2 of six_results is a difference, 4 a quotient
        a, c = six_results(a, c)[2], ZERO
    elif action == 1:
        b, d = ZERO, six_results(d, b)[2]
    else:
        b, c, d, a = six_results(b, a)[4], six_results(c, a)[4], six_results(d, a)[4], ONE
    successor[0], successor[1], successor[2], successor[3] = a, b, c, d
    legal = a != NO_NUMBER and b != NO_NUMBER and c != NO_NUMBER and d != NO_NUMBER
    return 1.0 if legal else 0.0


def is_goal(state, context):
    return state[0] == ONE and state[1] == ZERO and state[2] == ZERO


def pack(*coefficients: Fraction) -> np.ndarray:
    return np.array([to_word(Fraction(number)) for number in coefficients])


def unpack(state: np.ndarray) -> list[Fraction]:
    return [to_fraction(word) for word in state]


EQUATIONS = Domain(
    world="equation", name="equation-linear", num_words=4, num_actions=3, step=step, is_goal=is_goal, context=(np.zeros(1),),
    parse=lambda text: pack(*map(Fraction, text.split())), format=lambda state: "{} x + {} = {} x + {}".format(*unpack(state)),
    random_state=lambda rng: pack(*rng.integers(1, 10, 4).tolist()), action_names=MOVES,
)  # fmt: skip

small = st.fractions(-99, 99, max_denominator=12)


@settings(deadline=None)
@given(small, small, small, small)
def test_an_equation_packs_and_is_solved_exactly(a, b, c, d):
    state = pack(a, b, c, d)
    assert unpack(state) == [a, b, c, d]
    assert unpack(EQUATIONS.replay(state, (0,))[0]) == [a - c, b, 0, d]
    if a == c:
        with pytest.raises(ValueError, match="illegal"):
            EQUATIONS.replay(state, (0, 1, 2))
    else:
        solved, cost = EQUATIONS.replay(state, (0, 1, 2))
        assert unpack(solved) == [1, 0, 0, (d - b) / (a - c)] and cost == 3.0 and EQUATIONS.goal_mask(solved)[0]


def test_an_equation_prints():
    assert EQUATIONS.format(EQUATIONS.parse("3/2 -1 0 5")) == "3/2 x + -1 = 0 x + 5"
