"""Floor 3, what makes nets better: labels from exact oracles, imitation, value iteration, Q-learning and self-play.

It stands above `nets` and `search` because self-play needs both; it knows nothing of experiments.
"""

if __name__ != "astarzero.training":
    raise ImportError(f"{__name__!r} is a folder of the package astarzero: run `make setup` once and write `import astarzero.training`.")
