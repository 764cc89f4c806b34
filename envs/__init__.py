"""Floor 1, the worlds: their rules as compiled functions over packed states, exact oracles, and one Gymnasium adapter.

A world is one file here (`sliding.py`, `countdown.py`) and one line in a table; `domain.py` says what it must provide and
`compile.py` binds its rules into kernels. This floor imports no other floor.
"""

if __name__ != "astarzero.envs":
    raise ImportError(f"{__name__!r} is a folder of the package astarzero: run `make setup` once and write `import astarzero.envs`.")
