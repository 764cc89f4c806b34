"""Solutions of number games as people and language models write them, turned into plans that countdown.py replays.

Two ways to write are read, with the usual signs (+ - * / and their typographic forms):

    8 / (3 - 8 / 3) = 24                      one expression; what follows "=" is checked
    13 - 9 = 4 (left: 4 4 10)                 steps, a line (or ;) each; what is said to be left is checked
    10 - 4 = 6 (left: 4 6)
    4 * 6 = 24
    Answer: 4 * (10 - (13 - 9)) = 24          an answer counts instead of the steps above it (the format of Tree of Thoughts)

All arithmetic is exact (fractions.Fraction): 2.67 is not 8 / 3. Every way to be wrong is one ValueError sentence.
"""

import ast
import re
import warnings
from collections import Counter
from collections.abc import Iterable
from fractions import Fraction

import numpy as np

from astarzero.envs.countdown import unpack
from astarzero.envs.domain import Domain

SIGNS = str.maketrans({"×": "*", "x": "*", "·": "*", "∗": "*", "÷": "/", "∕": "/", "−": "-", "–": "-", "[": "(", "]": ")"})
OPERATORS: dict[type, str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
DRESS = " \t.*$`"  # around an expression, in prose and Markdown
LONGEST = 400  # characters of an expression
NUMBER = r"-?[0-9]+(?:\.[0-9]+|/[0-9]+)?"
STEP = re.compile(rf"({NUMBER})\s*([-+*/])\s*({NUMBER})\s*=\s*({NUMBER})\s*(?:\(?\s*left:?\s*([^()]*)\)?)?\.?", re.IGNORECASE)
BRACKETED = re.compile(rf"\(({NUMBER})\)")
PREFIX = re.compile(r"^\s*(?:step\s*[0-9]+\s*[:.)]|[0-9]+[.)]\s|[-*•]\s)\s*", re.IGNORECASE)
ANSWER = re.compile(r"answer\s*(?:is)?\s*:?[*\s]*(.+)", re.IGNORECASE)

Step = tuple[Fraction, str, Fraction]


def plan_of(domain: Domain, state: np.ndarray, text: str) -> tuple[int, ...]:
    """The plan from `state` (a row of a countdown domain) that `text` describes. ValueError says what is wrong first."""
    lines = [line.strip() for line in re.split(r"[\n;]", text) if line.strip()]
    answers = [match[1] for match in map(ANSWER.search, lines) if match]
    equations = [line for line in lines if "=" in line]
    if answers or len(equations) < 2:
        expression = (answers or equations or lines or [text])[-1]
        return follow(domain, state, expression_steps(expression, unpack(state)))
    return follow(domain, state, *read_steps(equations))


# --- one expression ---------------------------------------------------------------------------------------------------------


def expression_steps(text: str, numbers: list[Fraction]) -> list[Step]:
    """The operations of an expression, innermost first; every number in it must be one of `numbers`."""
    left, equals, right = (part.strip(DRESS) for part in text.translate(SIGNS).partition("="))
    if equals and not re.search(r"[-+*/]", left):  # 24 = 8 / (3 - 8 / 3)
        left, right = right, left
    steps: list[Step] = []
    leaves: Counter[Fraction] = Counter()
    value = evaluate(parse(left), steps, leaves)
    strange = leaves - Counter(numbers)
    if strange:
        number = next(iter(strange))
        times = f" {leaves[number]} times" if leaves[number] > 1 else ""
        raise ValueError(f"'{short(text)}' uses {number}{times}, but the numbers are {words(numbers)}.")
    if equals and exact(right) != value:
        raise ValueError(f"'{short(text)}' is wrong: {left} is {value}.")
    return steps


def parse(text: str) -> ast.expr:
    try:
        if len(text) > LONGEST:
            raise ValueError
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)  # of "8and": the sentence below is enough
            return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise ValueError(f"'{short(text)}' is no expression of numbers, + - * / and brackets.") from None


def evaluate(node: ast.expr, steps: list[Step], leaves: Counter[Fraction]) -> Fraction:
    """The exact value of a tree; notes its operations and the numbers at its leaves."""
    if isinstance(node, ast.Constant) and type(node.value) is int:
        leaves[Fraction(node.value)] += 1
        return Fraction(node.value)
    if not isinstance(node, ast.BinOp) or type(node.op) not in OPERATORS:
        raise ValueError(f"'{short(ast.unparse(node))}' is no expression of whole numbers, + - * / and brackets.")
    first, second = evaluate(node.left, steps, leaves), evaluate(node.right, steps, leaves)
    step = first, OPERATORS[type(node.op)], second
    steps.append(step)
    return result_of(step)


def result_of(step: Step) -> Fraction:
    first, sign, second = step
    if sign == "/" and second == 0:
        raise ValueError(f"{first} / {second} divides by zero.")
    return {"+": first + second, "-": first - second, "*": first * second}[sign] if sign != "/" else first / second


# --- steps ------------------------------------------------------------------------------------------------------------------


def read_steps(lines: list[str]) -> tuple[list[Step], list[Counter[Fraction] | None]]:
    """The operation of every line, its arithmetic checked, and the numbers that it says are left (None: it does not say)."""
    steps: list[Step] = []
    left: list[Counter[Fraction] | None] = []
    for line in lines:
        match = STEP.fullmatch(BRACKETED.sub(r"\1", PREFIX.sub("", line.translate(SIGNS)).strip()))
        if not match:
            raise ValueError(f"'{short(line)}' is no step of the form 13 - 9 = 4 (left: 4 4 10).")
        step = exact(match[1]), match[2], exact(match[3])
        if exact(match[4]) != result_of(step):
            raise ValueError(f"'{short(line)}' is wrong: {match[1]} {match[2]} {match[3]} is {result_of(step)}.")
        steps.append(step)
        left.append(Counter(map(exact, match[5].replace(",", " ").split())) if match[5] is not None else None)
    return steps, left


def exact(text: str) -> Fraction:
    """A whole, decimal or broken number."""
    number = text.replace(" ", "")
    if not re.fullmatch(NUMBER, number) or len(number) > LONGEST or re.search(r"/0+$", number):
        raise ValueError(f"'{short(text)}' is no number.")
    return Fraction(number)


# --- replay -----------------------------------------------------------------------------------------------------------------


def follow(domain: Domain, state: np.ndarray, steps: list[Step], left: list[Counter[Fraction] | None] | None = None) -> tuple[int, ...]:
    """The actions for `steps`, replayed by the domain's rules one by one."""
    plan, row = [], state
    for number, step in enumerate(steps):
        action = action_of(domain, unpack(row), step)
        first, sign, second = step
        try:
            row, _ = domain.replay(row, (action,))
        except ValueError:
            raise ValueError(f"{first} {sign} {second} = {result_of(step)} is not allowed by the rule of {domain.name}.") from None
        said = left[number] if left else None
        if said is not None and said != Counter(unpack(row)):
            raise ValueError(f"After {first} {sign} {second} it says {words(said.elements())} are left, but {words(unpack(row))} are.")
        plan.append(action)
    return tuple(plan)


def action_of(domain: Domain, numbers: list[Fraction], step: Step) -> int:
    """The action (see countdown.py) that takes `step` where `numbers` are left, ascending."""
    first, sign, second = step
    for wanted, times in Counter((first, second)).items():
        if numbers.count(wanted) < times:
            raise ValueError(f"{first} {sign} {second} needs {wanted}, but {words(numbers)} are left.")
    i = numbers.index(first)
    j = numbers.index(second, i + 1) if first == second else numbers.index(second)
    operation = {"+": 0, "*": 1, "-": 2, "/": 4}[sign] + (i > j and sign in "-/")
    pair = np.flatnonzero((domain.context[1] == (min(i, j) + 1, max(i, j) + 1)).all(axis=1))[0]
    return int(6 * pair + operation)


def words(numbers: Iterable[Fraction]) -> str:
    return " ".join(str(number) for number in sorted(numbers)) or "no numbers"


def short(text: str) -> str:
    return text.strip() if len(text.strip()) <= 60 else text.strip()[:57] + "..."
