"""Solutions of number games as text: every way to write one that is right, and a sentence for every way to be wrong."""

import numpy as np
import pytest
from toys import one_sentence

from astarzero.envs import make
from astarzero.envs.equations import plan_of
from astarzero.search import astar

CARDS = make("countdown")
STEPS = "13 - 9 = 4 (left: 4 4 10)\n10 - 4 = 6 (left: 4 6)\n4 * 6 = 24 (left: 24)"

RIGHT = {
    "an expression": ("3 3 8 8", "8 / (3 - 8 / 3)"),
    "with its value": ("3 3 8 8", "8/(3-8/3) = 24"),
    "the value first": ("3 3 8 8", "24 = 8/(3-8/3)"),
    "typographic signs": ("3 3 8 8", "8 ÷ [3 − 8 ÷ 3]."),
    "a number twice": ("4 4 4 4", "4 × 4 + 4 + 4"),
    "a negative result on the way": ("1 5 6 12", "(6 - 12) * (1 - 5)"),
    "steps": ("4 9 10 13", STEPS),
    "numbered steps": ("4 9 10 13", "Step 1: 13 - 9 = 4; 2. 10 - 4 = 6; - 4 * 6 = 24"),
    "steps with fractions": ("3 3 8 8", "8 / 3 = 8/3 (left: 8/3 3 8)\n3 - 8/3 = 1/3 (left: 1/3 8)\n8 / (1/3) = 24"),
    "an answer under steps": ("4 9 10 13", STEPS + "\nAnswer: 4 * (10 - (13 - 9)) = 24"),
    "an answer in Markdown": ("3 3 8 8", "So I get\n**Answer:** **8 / (3 - 8 / 3) = 24**"),
    "on the last line": ("3 3 8 8", "Let me think.\n8 / (3 - 8 / 3)"),
    "an answer in prose": ("3 3 8 8", "Let us see.\nThe answer is: 8 / (3 - 8 / 3) = 24."),
}  # fmt: skip


@pytest.mark.parametrize("case", RIGHT)
def test_what_is_right_replays_to_the_target(case):
    hand, text = RIGHT[case]
    row = CARDS.parse(hand)
    end, cost = CARDS.replay(row, plan_of(CARDS, row, text))
    assert CARDS.goal_mask(end)[0] and cost == 3


@pytest.mark.parametrize("rule", ["rational", "integer", "positive"])
def test_what_the_world_explains_is_read_back(rule):
    """Every seventh hand: the search's plan in words, and the words as a plan of the same cost."""
    domain, read = make("countdown", rule=rule), 0
    for row in domain.instance_sets["all"]()[::7]:
        result = astar(domain, row)
        if result.solved and result.plan:
            end, cost = domain.replay(row, plan_of(domain, row, domain.explain_plan(row, result.plan)))
            assert domain.goal_mask(end)[0] and cost == result.cost
            read += 1
    assert read > 180


WRONG = {
    "a number that is not there": ("3 3 8 8", "3 * 8 + 0 * 8", "uses 0, but the numbers are 3 3 8 8"),
    "a number made elsewhere": ("3 3 8 8", "(3 + 8) * 8 - 11", "uses 11"),
    "a number too often": ("3 4 8 8", "3 * 8 * (4 - 3)", "uses 3 2 times"),
    "a wrong value": ("3 3 8 8", "8 / (3 - 8 / 3) = 25", "8 / (3 - 8 / 3) is 24"),
    "division by zero": ("3 3 8 8", "8 / (3 - 3) + 8", "divides by zero"),
    "no expression": ("3 3 8 8", "8 +* 3", "no expression"),
    "code": ("3 3 8 8", "__import__('os').getcwd()", "no expression"),
    "a power": ("2 2 5 6", "5 ** 2 + 2 - 6", "no expression"),
    "a minus sign": ("3 3 8 8", "-3 + 3 * 8 + 8", "no expression"),
    "no end": ("3 3 8 8", "(" * 300 + "8" + ")" * 300, "no expression"),
    "a wrong step": ("4 9 10 13", "13 - 9 = 5\n10 - 5 = 5", "13 - 9 is 4"),
    "a rounded step": ("3 3 8 8", "8 / 3 = 2.67\n3 - 2.67 = 0.33", "8 / 3 is 8/3"),
    "a step with what is used up": ("4 9 10 13", "13 - 9 = 4\n13 - 10 = 3", "needs 13, but 4 4 10 are left"),
    "one of a kind used twice": ("4 9 10 13", "13 - 9 = 4\n10 * 10 = 100", "needs 10"),
    "wrong numbers left": ("4 9 10 13", "13 - 9 = 4 (left: 4 10)\n10 - 4 = 6 (left: 6)", "says 4 10 are left, but 4 4 10 are"),
    "no step": ("4 9 10 13", "13 - 9 - 4 = 0\n10 - 4 = 6", "no step of the form"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_gets_one_sentence(case):
    hand, text, sentence = WRONG[case]
    with pytest.raises(ValueError) as error:
        plan_of(CARDS, CARDS.parse(hand), text)
    assert sentence in one_sentence(error)


FORBIDDEN = [("integer", "3 - 8 = -5\n8 + 3 = 11"), ("integer", "8 / 3 = 8/3\n8 + 3 = 11"), ("positive", "3 - 3 = 0\n8 + 8 = 16")]


@pytest.mark.parametrize(("rule", "text"), FORBIDDEN)
def test_a_result_that_the_rule_forbids_gets_one_sentence(rule, text):
    domain = make("countdown", rule=rule)
    with pytest.raises(ValueError, match="not allowed by the rule") as error:
        plan_of(domain, domain.parse("3 3 8 8"), text)
    one_sentence(error)


def test_a_plan_that_falls_short_is_left_to_the_rules():
    row = CARDS.parse("3 3 8 8")
    end, _ = CARDS.replay(row, plan_of(CARDS, row, "3 * 8"))
    assert not CARDS.goal_mask(end)[0] and np.count_nonzero(end[1:]) == 3
