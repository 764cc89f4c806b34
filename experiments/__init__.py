"""Floor 4, the questions: the contest between value and policy, its regimes as a table, its reports, the command line.

Start with `regimes.py` (the contrast as data), then `contest.py`; `__main__.py` is the command `astarzero`. Results are
files under `results/`, and every figure and table is drawn from them.
"""

if __name__ != "astarzero.experiments":
    raise ImportError(f"{__name__!r} is a folder of the package astarzero: run `make setup` once and write `import astarzero.experiments`.")
