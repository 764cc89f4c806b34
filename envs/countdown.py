"""Combining numbers (24, Countdown): replace two numbers by their sum, product, difference or quotient until the target stands.

A row is uint64[k + 1]: word 0 the target, words 1..k the numbers, exact fractions in one word each (rational.py), ascending
by value, free slots (0) last. An action whose result does not fit in a word is illegal, so no number is ever wrong.

Action 6 * pair + operation: pairs (i < j) of slots in lexicographic order, operations a + b, a * b, a - b, b - a, a / b,
b / a with a = slot i, b = slot j. Each costs 1. Number rules: rational (any fraction), integer (results >= 0, exact
division), positive (results >= 1, exact division, and as on television one number equal to the target is enough).

Exact facts (tests hold them): of the 1,820 hands of four cards 1..13, 1,362 make 24 over the rationals, 1,346 by the rule
integer, 1,562 by the rule positive.

Read next: rational.py (the arithmetic), oracles.py (solvable or not, exactly).
"""

import functools
import itertools
import math
from collections.abc import Collection
from fractions import Fraction

import numpy as np

from astarzero.envs.domain import Domain, Heuristic
from astarzero.envs.oracles import exact_table
from astarzero.envs.rational import (
    HALF,
    NO_NUMBER,
    OPERATIONS,
    denominator,
    numerator,
    precedes,
    read_number,
    six_results,
    to_fraction,
    to_word,
)
from astarzero.envs.sliding_drawing import draw_digit

RULES = ("rational", "integer", "positive")
RATIONAL, POSITIVE = 0, 2  # codes: places in RULES, and for the others one more than the least number allowed
SIZES = (2, 6)
TARGETS = (0, 2**31 - 1)
CARDS = 13
ONE = np.uint64(1)

# --- rules; context = (number rule int64 [1], words of the row that make each pair int64 [C(k, 2), 2]) --------------------


def allowed(number, rule):
    """Does the rule allow this result? NO_NUMBER is never allowed."""
    return number != NO_NUMBER and (rule == RATIONAL or (denominator(number) == 1 and numerator(number) >= rule - 1))


def replace_pair(state, i, j, result, successor):
    """Write `state` without the numbers at words i and j and with `result` in its place."""
    successor[0] = state[0]
    place, waiting = 1, True
    for word in range(1, state.shape[0]):
        if word != i and word != j:
            if waiting and (state[word] == NO_NUMBER or precedes(result, state[word])):
                successor[place] = result
                place, waiting = place + 1, False
            if state[word] == NO_NUMBER:
                break
            successor[place] = state[word]
            place += 1
    if waiting:
        successor[place] = result
        place += 1
    for word in range(place, state.shape[0]):
        successor[word] = NO_NUMBER


def step(state, action, context, successor):
    rule, pairs = context
    i, j = pairs[action // 6, 0], pairs[action // 6, 1]
    if state[j] == NO_NUMBER:
        return 0.0
    result = six_results(state[i], state[j])[action % 6]
    if not allowed(result, rule[0]):
        return 0.0
    replace_pair(state, i, j, result, successor)
    return 1.0


def expand(state, context, successors, actions, costs):
    """Distinct successors without comparing rows.

    Two pairs of equal numbers are one pair: only the first copy of a number leads. Different pairs meet only where each
    result equals one of its pair, so that the state just loses the other number (6 - 0, 6 * 1, 8 - 4): `lost` marks those.
    """
    rule, pairs = context
    count, lost = 0, 0
    for pair in range(pairs.shape[0]):
        i, j = pairs[pair, 0], pairs[pair, 1]
        if state[j] == NO_NUMBER or (i > 1 and state[i] == state[i - 1]) or (j > i + 1 and state[j] == state[j - 1]):
            continue
        results = six_results(state[i], state[j])
        for operation in range(6):
            result = results[operation]
            fresh = allowed(result, rule[0])
            for earlier in range(operation):
                fresh = fresh and results[earlier] != result
            if fresh and (result == state[i] or result == state[j]):
                bit = 1 << (i if result == state[j] else j)
                fresh = (lost & bit) == 0
                lost |= bit
            if fresh:
                replace_pair(state, i, j, result, successors[count])
                actions[count] = 6 * pair + operation
                costs[count] = 1.0
                count += 1
    return count


def is_goal(state, context):
    goal = (state[0] << HALF) | ONE
    if context[0][0] != POSITIVE:
        return state[1] == goal and state[2] == NO_NUMBER
    for word in range(1, state.shape[0]):
        if state[word] == goal:
            return True
    return False


def is_terminal(state, context):
    """One number is left."""
    return state[2] == NO_NUMBER


def steps_left(state, context):
    """Numbers left - 1: exact wherever the target can be reached at all. By the rule positive 1, since fewer numbers may do."""
    if is_goal(state, context):
        return 0.0
    left = 0
    while left + 2 < state.shape[0] and state[left + 2] != NO_NUMBER:
        left += 1
    if left == 0:
        return np.inf
    return 1.0 if context[0][0] == POSITIVE else float(left)


SMALL = 31  # |numerator| 0..30 one-hot
DENOMINATORS = 12  # denominator 1..12 one-hot
PERIODS = (2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 24.0, 48.0, 96.0)
FEATURES = 7 + SMALL + DENOMINATORS + 2 * len(PERIODS)  # of one number


def encode_number(number, features, start):
    """One number as FEATURES floats: flags, size, which small fraction, and its phase on circles of several periods."""
    top, bottom = numerator(number), denominator(number)
    value = top / bottom
    features[start] = 1.0
    features[start + 1] = 1.0 if top < 0 else 0.0
    features[start + 2] = min(max(value / 24.0, -4.0), 4.0)
    features[start + 3] = math.log1p(abs(value)) / 4.0
    features[start + 4] = math.log(bottom) / 4.0
    features[start + 5 + min(abs(top), SMALL)] = 1.0
    features[start + 6 + SMALL + min(bottom - 1, DENOMINATORS)] = 1.0
    for index, period in enumerate(PERIODS):
        angle = 2.0 * math.pi * value / period
        features[start + 7 + SMALL + DENOMINATORS + 2 * index] = math.sin(angle)
        features[start + 8 + SMALL + DENOMINATORS + 2 * index] = math.cos(angle)


def encode(state, context, features):
    """The target, then the numbers, FEATURES each; a free slot is all zero. Nothing is computed that a search would find out."""
    encode_number((state[0] << HALF) | ONE, features, 0)
    for word in range(1, state.shape[0]):
        if state[word] != NO_NUMBER:
            encode_number(state[word], features, word * FEATURES)


# --- the domain -------------------------------------------------------------------------------------------------------


def pack(numbers: Collection[Fraction | int], target: int, size: int) -> np.ndarray:
    """Numbers in any order and a target -> canonical row uint64 [size + 1]. ValueError for a number that does not fit."""
    row = np.zeros(size + 1, np.uint64)
    row[0] = target
    row[1 : len(numbers) + 1] = [to_word(number) for number in sorted(numbers)]
    return row


def unpack(state: np.ndarray) -> list[Fraction]:
    """The numbers of a row, ascending."""
    return [to_fraction(word) for word in state[1:] if word != NO_NUMBER]


def whole_number(value: int | str, name: str, limits: tuple[int, int]) -> int:
    """`value` as an int within `limits`, both included. ValueError in one sentence."""
    try:
        number = int(str(value))
    except ValueError:
        raise ValueError(f"{name} '{str(value).strip()[:20]}' is not a whole number: give one from {limits[0]} to {limits[1]}.") from None
    if not limits[0] <= number <= limits[1]:
        raise ValueError(f"{name} {number} is out of range: give a whole number from {limits[0]} to {limits[1]}.")
    return number


@functools.cache
def make(size: int | str = 4, target: int | str | None = 24, rule: str = "rational") -> Domain:
    """Combining up to `size` numbers (2..6) by `rule`. `target` is what parse and random_state assume; None: each text must state it."""
    size = whole_number(size, "Size", SIZES)
    target = None if target is None else whole_number(target, "Target", TARGETS)
    if rule not in RULES:
        raise ValueError(f"Rule '{rule}' is not known: give {', '.join(RULES[:-1])} or {RULES[-1]}.")
    pairs = np.array(list(itertools.combinations(range(1, size + 1), 2)), np.int64)
    names = [operation.translate(str.maketrans("ab", "abcdef"[i - 1] + "abcdef"[j - 1])) for i, j in pairs for operation in OPERATIONS]

    def random_state(rng: np.random.Generator) -> np.ndarray:
        if target == 24:  # stars and bars: uniform over hands, not over deals
            return pack((np.sort(rng.choice(CARDS + size - 1, size, replace=False)) - np.arange(size) + 1).tolist(), 24, size)
        return pack(rng.integers(1, 100, size).tolist(), int(rng.integers(10, 101)) if target is None else target, size)

    def every_hand() -> np.ndarray:
        hands = itertools.combinations_with_replacement(range(1, CARDS + 1), size)
        return np.array([pack(hand, target or 0, size) for hand in hands])

    sets = {"all": every_hand} if size <= 4 and target is not None else {}
    domain = Domain(
        world="countdown",
        name=f"countdown-{size}-target-{'any' if target is None else target}-{rule}",
        num_words=size + 1,
        num_actions=len(names),
        step=step,
        is_goal=is_goal,
        is_terminal=is_terminal,
        context=(np.array([RULES.index(rule)], np.int64), pairs),
        parse=lambda text: parse_numbers(text, size, target, rule),
        format=show,
        random_state=random_state,
        expand=expand,
        encode=encode,
        num_features=(size + 1) * FEATURES,
        heuristics={"steps": Heuristic(steps_left, admissible=True)},
        instance_sets={**sets, "stream-of-search": stream_of_search} if size == 4 else sets,
        action_names=tuple(names),
        render=render_text,
        render_rgb=render_picture,
        explain_plan=lambda state, plan: explain(domain, state, plan),
    )
    return domain


def stream_of_search(problems: int = 1000, seed: int = 2024) -> np.ndarray:
    """Solvable problems drawn as in Stream of Search (Gandhi et al. 2024): rows [problems, 5].

    A target 10..100, then four numbers 1..99 again and again until the target can be made by the rule integer (hence by the others).
    """
    rng, domain = np.random.default_rng(seed), make(4, None, "integer")
    targets, rows = rng.integers(10, 101, problems), np.zeros((problems, 5), np.uint64)
    pending = np.arange(problems)
    while len(pending):
        rows[pending] = [pack(rng.integers(1, 100, 4).tolist(), int(targets[index]), 4) for index in pending]
        pending = pending[np.isinf(exact_table(domain, rows[pending]).costs(rows[pending]))]
    return rows


# --- text and pictures ------------------------------------------------------------------------------------------------


def show(state: np.ndarray) -> str:
    return f"{' '.join(str(number) for number in unpack(state))} -> {state[0]}"


def parse_numbers(text: str, size: int, target: int | None, rule: str) -> np.ndarray:
    """'4 6 8 13' or '4 6 8 13 -> 24' (spaces or commas, fractions as 3/2) -> row. Every way to be wrong is one ValueError sentence."""
    left, arrow, right = text.partition("->")
    numbers = [read_number(word) for word in left.replace(",", " ").split()]
    if arrow:
        target = whole_number(right, "Target", TARGETS)
    if target is None:
        raise ValueError(f"'{text.strip()[:40]}' states no target: write it behind an arrow, for example 4 6 8 13 -> 24.")
    if not 1 <= len(numbers) <= size:
        raise ValueError(f"{len(numbers) or 'No'} numbers were given, but size {size} holds 1 to {size}: give as many or another size.")
    least = RULES.index(rule) - 1
    for number in numbers:
        if rule != "rational" and (number.denominator > 1 or number < least):
            raise ValueError(f"The rule '{rule}' knows no {number}: give whole numbers of at least {least}, or the rule rational.")
    return pack(numbers, target, size)


def explain(domain: Domain, state: np.ndarray, plan: tuple[int, ...]) -> str:
    """The solution as one expression over the first numbers, '(13 - 4) * 8 / 3 = 24'; what stands there when `plan` falls short."""
    end, _ = domain.replay(state, plan)
    terms = [(number, 3 if number.denominator == 1 else 2, str(number)) for number in unpack(state)]  # value, binding, text
    for action in plan:
        i, j = domain.context[1][action // 6] - 1
        joined = join_terms(terms[i], terms[j], action % 6)
        terms = sorted([*(term for slot, term in enumerate(terms) if slot not in (i, j)), joined], key=lambda term: term[0])
    if domain.goal_mask(end)[0]:
        return next(f"{text} = {value}" for value, _, text in terms if value == int(state[0]))
    return ", ".join(text if text == str(value) else f"{text} = {value}" for value, _, text in terms) + f" (not {state[0]})"


def join_terms(first: tuple[Fraction, int, str], second: tuple[Fraction, int, str], operation: int) -> tuple[Fraction, int, str]:
    """Two terms (value, binding 1 sum, 2 product, 3 number, text) under one of OPERATIONS, with brackets only where they are needed."""
    symbol = "+*--//"[operation]
    if operation in (3, 5) or (operation < 2 and first[0] < second[0]):  # the larger first where order is free
        first, second = second, first
    (a, left_binding, left), (b, right_binding, right) = first, second
    value, binding = {"+": (a + b, 1), "*": (a * b, 2), "-": (a - b, 1), "/": (a / b if b else a, 2)}[symbol]
    if left_binding < binding:
        left = f"({left})"
    if right_binding < binding or (right_binding == binding and symbol in "-/") or right.startswith("-"):
        right = f"({right})"
    return value, binding, f"{left} {symbol} {right}"


def render_text(state: np.ndarray) -> str:
    """The numbers as cards, and the target."""
    cards = [f"| {number!s:>2} |" for number in unpack(state)]
    edge = " ".join("+" + "-" * (len(card) - 2) + "+" for card in cards)
    return f"{edge}\n{' '.join(cards)} -> {state[0]}\n{edge}"


def render_picture(state: np.ndarray, pixels: int = 96) -> np.ndarray:
    """Cards side by side, the target last and dark: uint8 [pixels, pixels * cards, 3]. A fraction is drawn over a bar; digits only."""
    numbers = [*unpack(state), Fraction(int(state[0]))]
    canvas = np.full((pixels, pixels * len(numbers), 3), (44, 44, 52), np.uint8)
    for card, number in enumerate(numbers):
        ink, left = (60, 52, 40), card * pixels
        if card < len(numbers) - 1:
            canvas[4:-4, left + 4 : left + pixels - 4] = (236, 226, 206)
        else:
            ink = (236, 226, 206)
        lines = [str(abs(number.numerator))] + ([str(number.denominator)] if number.denominator > 1 else [])
        width = max(map(len, lines))
        size = min(pixels // 5, (2 * pixels // 3) // (2 * width))
        middle = pixels // 2
        if len(lines) == 2:
            canvas[middle - 1 : middle + 2, left + pixels // 5 : left + pixels - pixels // 5] = ink
        if number < 0:
            canvas[middle - 1 : middle + 2, left + 6 : left + 14] = ink
        for line, digits in enumerate(lines):
            top = middle - size if len(lines) == 1 else (middle - 2 * size - 5, middle + 6)[line]
            start = left + (pixels - len(digits) * 3 * size // 2 + size // 2) // 2
            for place, digit in enumerate(digits):
                draw_digit(canvas, int(digit), top, start + place * 3 * size // 2, size, ink)
    return canvas
