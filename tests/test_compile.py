"""The binder: whose code runs, when it is compiled again, and that other processes find it on disk.

The small package below stands for a user's world in three files; each question is asked in fresh processes.
"""

import enum
import functools
import itertools
import math
import multiprocessing
import os
import subprocess
import sys
import textwrap
from types import SimpleNamespace

import joblib
import numpy as np
import pytest
import toys
from toys import one_sentence

from astarzero.envs import compile as binder
from astarzero.envs import make
from astarzero.envs.compile import BindError, bind, fingerprint, hook
from astarzero.envs.descent import count_below
from astarzero.envs.domain import mark_goals
from astarzero.search import from_heuristic

PACKAGE = {
    "kernels.py": """
        from astarzero.envs.compile import hook

        @hook
        def price(amount): raise NotImplementedError

        @hook
        def tax(amount): raise NotImplementedError

        def bill(amount): return price(amount)
        def total(amount): return price(amount) + tax(amount)
        def untouched(amount): return amount + 1.0
    """,
    "rules.py": """
        from shop import tables

        RATE = 0.25
        from shop.tables import discount, STEPS

        def by_helper(amount): return discount(amount)
        def by_number(amount): return amount * RATE
        def by_array(amount): return amount + STEPS[1]
    """,
    "tables.py": """
        import numpy as np

        STEPS = np.array([1.0, 10.0])

        def discount(amount): return amount - 1.0
    """,
    "ask.py": """
        import sys
        from astarzero.envs import compile as binder
        from shop import kernels, rules

        if "unhashed" in sys.argv:
            compiled = binder._compile
            binder._compile = lambda function, replaced, digest, is_template: compiled(function, replaced, "", is_template)
        asked = [argument for argument in sys.argv[1:] if argument != "unhashed"]
        for rule in asked or ["by_helper", "by_number", "by_array", "untouched"]:
            template = kernels.untouched if rule == "untouched" else kernels.bill
            kernel = binder.bind(template, {"price": getattr(rules, rule, None)} if rule != "untouched" else {})
            print(rule, kernel(100.0), sum(kernel.stats.cache_hits.values()), sum(kernel.stats.cache_misses.values()))
    """,
}


class Shop:
    """A package in a folder of its own, asked in fresh processes that share one kernel cache."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "shop").mkdir()
        for name, text in PACKAGE.items():
            (folder / "shop" / name).write_text(textwrap.dedent(text))
        (folder / "shop" / "__init__.py").touch()

    def edit(self, name, old, new):
        file = self.folder / "shop" / name
        assert old in file.read_text()
        file.write_text(file.read_text().replace(old, new))

    def ask(self, *arguments):
        """{rule: (answer for 100, cache hits, cache misses)}"""
        lines = fresh_process("-m", "shop.ask", *arguments, folder=self.folder, path=self.folder).splitlines()
        return {rule: (float(answer), int(hits), int(misses)) for rule, answer, hits, misses in map(str.split, lines)}


def fresh_process(*arguments, folder, path="", **variables):
    """What a new Python prints, which finds modules in `path` and keeps compiled kernels in `folder`."""
    places = os.pathsep.join(filter(None, (str(path), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(folder / "cache"), "PYTHONPATH": places, **variables}
    done = subprocess.run([sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path)


# --- fresh processes -------------------------------------------------------------------------------------------------------------


def test_each_change_elsewhere_recompiles_and_nothing_else_does(shop):
    assert shop.ask() == {"by_helper": (99, 0, 1), "by_number": (25, 0, 1), "by_array": (110, 0, 1), "untouched": (101, 0, 1)}
    assert shop.ask() == {"by_helper": (99, 1, 0), "by_number": (25, 1, 0), "by_array": (110, 1, 0), "untouched": (101, 1, 0)}
    shop.edit("tables.py", "amount - 1.0", "amount - 2.0")  # a rule that a rule calls, in another module
    shop.edit("rules.py", "RATE = 0.25", "RATE = 0.5")  # a global number
    shop.edit("tables.py", "10.0]", "20.0]")  # a global array
    assert shop.ask() == {"by_helper": (98, 0, 1), "by_number": (50, 0, 1), "by_array": (120, 0, 1), "untouched": (101, 1, 0)}
    shop.edit("tables.py", "amount - 2.0", "amount - 1.0")  # back again: that code is still on disk
    assert shop.ask("by_helper") == {"by_helper": (99, 1, 0)}
    (shop.folder / "shop" / "rules.py").rename(shop.folder / "shop" / "laws.py")  # code on disk that names rules.py is of no use now
    shop.edit("ask.py", "import kernels, rules", "import kernels, laws as rules")
    assert shop.ask("by_helper") == {"by_helper": (99, 0, 1)}


def test_two_worlds_never_share_code_and_without_the_hash_they_would(shop):
    """The last line is the bug that the hash prevents: the second world silently runs the machine code of the first."""
    assert shop.ask("by_number")["by_number"][0] == 25 and shop.ask("by_array")["by_array"][0] == 110
    assert shop.ask("by_number", "unhashed")["by_number"][0] == 25
    assert shop.ask("by_array", "unhashed")["by_array"] == (25, 1, 0)


def test_a_process_that_only_loads_never_fills_the_tables_of_the_compiler_and_one_that_compiles_after_that_does(shop):
    script = """
        import sys
        from astarzero.envs.compile import bind
        from shop import kernels, rules

        for rule in (rules.by_number, rules.by_array, rules.by_helper):
            kernel = bind(kernels.bill, {"price": rule})
            print(kernel(100.0), sum(kernel.stats.cache_hits.values()), "numba.np.arraymath" in sys.modules)
    """
    shop.ask("by_number", "by_helper")
    lines = fresh_process("-c", textwrap.dedent(script), folder=shop.folder, path=shop.folder).splitlines()
    assert lines == ["25.0 1 False", "110.0 0 True", "99.0 1 True"]


def everything():
    """What every search does on small problems, a line each."""
    lines = []
    for name in ("2x3: 4 5 0 1 2 3", "2x3: 3 1 2 4 0 5", "trap", "lost"):
        problem = toys.PROBLEMS[name]()
        for search, kind in itertools.product(toys.FOR_ONE, ("exact", "unfair")):
            result = problem.solve(search, toys.judges(problem.table)[kind], toys.Budget(expansions=300))
            lines.append(f"{name}, {search}, {kind}: {result.status} {result.plan} {result.expansions} {result.lower_bound:.3f}")
    return lines


def test_without_the_jit_every_search_does_the_same(tmp_path):
    """And quietly: bits wrap around in NumPy's scalars, of which it would warn."""
    script = "import numba, test_compile; assert numba.config.DISABLE_JIT; print(*test_compile.everything(), sep='\\n')"
    options = {"folder": tmp_path, "path": os.path.dirname(toys.__file__), "NUMBA_DISABLE_JIT": "1"}
    assert fresh_process("-W", "error::RuntimeWarning", "-c", script, **options).splitlines() == everything()
    assert sum(": SOLVED" in line for line in everything()) > 70


def count_goals(name):
    """Runs in a child: (goals of a toy, hits and misses of the kernel's cache on disk)."""
    domain = toys.TOYS[name]()
    kernel, rows = domain.bind(mark_goals), domain.instance_sets["all"]()
    mask = np.zeros(len(rows), np.bool_)
    kernel(rows, domain.context, mask)
    return int(mask.sum()), sum(kernel.stats.cache_hits.values()), sum(kernel.stats.cache_misses.values())


def test_a_spawned_child_and_a_worker_of_joblib_load_what_the_parent_compiled():
    assert count_goals("trap")[0] == 1
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(count_goals, ["trap"]) == [(1, 1, 0)]
    assert joblib.Parallel(n_jobs=2, backend="loky")([joblib.delayed(count_goals)("wild-1")]) == [(2, 1, 0)]


def ask_below(board, label):
    return count_below(board, label)


def count_at(goal):
    """Runs in a child: does a recursion made for this goal meet it at once on the board 0 1 2 3 4 5, and hits and misses as above."""
    puzzle = make("sliding", size="2x3", goal=goal)
    row, descent = puzzle.parse("0 1 2 3 4 5"), from_heuristic(puzzle).descent
    kernel = bind(ask_below, {"count_below": descent.count_below})
    below = kernel(row[0], descent.root(row)[0])
    return below < 0, sum(kernel.stats.cache_hits.values()), sum(kernel.stats.cache_misses.values())


def test_an_intrinsic_made_for_one_board_is_loaded_for_that_board_only():
    goals = ["blank-first", "blank-last"]
    assert [count_at(goal)[0] for goal in goals] == [True, False]
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(count_at, goals) == [(True, 1, 0), (False, 1, 0)]


# --- within a process -------------------------------------------------------------------------------------------------------------


@hook
def answer(x):
    raise NotImplementedError


def kernel(x):
    return answer(x)


def one(x):
    return x + 1


def two(x):
    return x + 2


def test_the_same_contents_are_compiled_once_and_others_apart():
    assert bind(kernel, {"answer": one})(1.0) == 2.0 and bind(kernel, {"answer": two})(1.0) == 3.0
    assert bind(kernel, {"answer": one}) is bind(kernel, {"answer": one})
    assert toys.trap().bind(mark_goals) is toys.corridor().bind(mark_goals)
    assert make("sliding", size=4).bind(mark_goals) is make("sliding", size=3).bind(mark_goals) is not toys.trap().bind(mark_goals)


def test_a_users_world_is_loaded_from_its_file_and_searched():
    mine = make(f"{toys.__file__}:trap")
    assert mine.step is not toys.step  # another module, though it is the same file
    assert mine.goal_mask(mine.instance_sets["all"]()).sum() == 1 and mine.format(mine.successors(mine.parse("A"))[0][0]) == "G"


@pytest.mark.parametrize("name", ["OPT", "BOUNDSCHECK"])
def test_the_options_of_numba_are_part_of_the_hash(name, monkeypatch):
    before = fingerprint(kernel, {"answer": one})
    monkeypatch.setattr(binder, "_bind_once", binder._bind_once.__wrapped__)
    assert fingerprint(kernel, {"answer": one}) == before
    monkeypatch.setattr(f"numba.config.{name}", 1)
    assert fingerprint(kernel, {"answer": one}) != before


class Suit(enum.IntEnum):
    HEARTS = 1


SETTINGS, TABLE, SUIT = SimpleNamespace(rate=2), {"rate": 2}, Suit.HEARTS
NUMBERS = (2.5, "three", None, np.float32(4), np.arange(3), (5, np.uint64(6)), SUIT, math.inf, True)


def reads_namespace(x):
    return x * SETTINGS.rate


def reads_dictionary(x):
    return x * TABLE["rate"]


def reads_module(x):
    return x * os.getpid()


def reads_enum(x):
    return x * Suit.HEARTS


def reads_numbers(x):
    return x if NUMBERS is None else math.sqrt(np.float64(x))


def calls_itself(x):
    return calls_itself(x - 1)


def closure():
    rate = 2

    def rule(x):
        return x * rate

    return rule


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        (reads_namespace, "reads 'SETTINGS', a SimpleNamespace"),
        (reads_dictionary, "reads 'TABLE', a dict"),
        (reads_module, "reads 'os', a module"),
        (reads_enum, "reads 'Suit', a EnumType"),
        (calls_itself, "kernel -> calls_itself -> calls_itself is recursive"),
        (closure(), "rule closes over rate"),
        (functools.partial(one), "The rule 'answer' is a partial"),
        (None, "calls the hook 'answer', but no rule"),
    ],
)
def test_what_cannot_be_hashed_is_refused_in_one_sentence(rule, complaint):
    with pytest.raises(BindError, match=complaint) as error:
        bind(kernel, {} if rule is None else {"answer": rule})
    one_sentence(error)


def test_a_domain_without_a_rule_it_needs_names_the_hook():
    with pytest.raises(BindError, match="best_first_kernel -> classify calls the hook 'is_terminal'") as error:
        from astarzero.search.best_first import best_first_kernel
        from astarzero.search.orderings import ORDERINGS

        rules = {name: rule for name, rule in toys.trap().rules.items() if name != "is_terminal"}
        bind(best_first_kernel, {**rules, "reads_prior": one, "priority": ORDERINGS["astar"].priority})
    one_sentence(error)


def test_every_kind_of_constant_changes_the_hash(monkeypatch):
    monkeypatch.setattr(binder, "_bind_once", binder._bind_once.__wrapped__)
    seen = set()
    for value in (kinds := (*NUMBERS, 1, 1.0, np.float32(1), np.arange(3.0), np.arange(4), np.ones(3, np.int64), NUMBERS)):
        monkeypatch.setitem(globals(), "NUMBERS", value)
        seen.add(fingerprint(kernel, {"answer": reads_numbers}))
    assert len(seen) == len(kinds)
