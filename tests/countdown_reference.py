"""Combining numbers again, in plain Python over `fractions.Fraction`: slow, obvious, and independent of envs/countdown.py.

Also the symbolic search "DFS-sum" of Stream of Search (Gandhi et al. 2024), for its published success rate.
"""

import functools
from fractions import Fraction

Numbers = tuple[Fraction, ...]  # ascending


def fits(number: Fraction) -> bool:
    """Can a 64-bit word of 32 + 32 bits hold it?"""
    return abs(number.numerator) < 2**31 and number.denominator < 2**32


def follows(number: Fraction, rule: str) -> bool:
    match rule:
        case "rational":
            return True
        case "integer":
            return number.denominator == 1 and number >= 0
        case "positive":
            return number.denominator == 1 and number > 0
    raise AssertionError(rule)


def successors(numbers: Numbers, rule: str) -> set[Numbers]:
    """Every state that one operation leads to."""
    found = set()
    for first in range(len(numbers)):
        for second in range(len(numbers)):
            if first != second:
                a, b = numbers[first], numbers[second]
                rest = [number for place, number in enumerate(numbers) if place not in (first, second)]
                for result in [a + b, a - b, a * b] + ([a / b] if b else []):
                    if fits(result) and follows(result, rule):
                        found.add(tuple(sorted([*rest, result])))
    return found


@functools.cache
def solvable(numbers: Numbers, target: int, rule: str) -> bool:
    if (rule == "positive" or len(numbers) == 1) and target in numbers:
        return True
    return any(solvable(after, target, rule) for after in successors(numbers, rule))


def depth_first_by_sum(numbers: tuple[int, ...], target: int) -> bool:
    """Does DFS-sum solve it? It visits every state whose mean distance to the target is at most the target (one number: its distance)."""
    if len(numbers) == 1:
        return numbers[0] == target
    after = set()
    for first in range(len(numbers)):
        for second in range(first):
            rest = [number for place, number in enumerate(numbers) if place not in (first, second)]
            low, high = sorted((numbers[first], numbers[second]))
            results = [low + high, low * high, high - low] + ([high // low] if low and high % low == 0 else [])
            after |= {tuple(sorted([*rest, result])) for result in results}
    near = (state for state in after if sum(abs(number - target) for number in state) <= target * len(state))
    return any(depth_first_by_sum(state, target) for state in near)
