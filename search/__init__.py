"""Floor 2, searches: A* and its orderings, Q*-search, policy rollouts and MCTS, all under one budget and one accounting.

Every search returns the `SearchResult` of `result.py` and asks its guidance from the evaluator of `evaluator.py`; read
these two, then `best_first.py`. This floor imports `envs` only; it never imports `nets` and never loads torch.
"""

if __name__ != "astarzero.search":
    raise ImportError(f"{__name__!r} is a folder of the package astarzero: run `make setup` once and write `import astarzero.search`.")
