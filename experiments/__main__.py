"""The command `astarzero`: one verb a function, loaded when it is called, so that `--help` loads neither torch nor numba.

Exit status: 0 done, 1 a limit or a failure the user should see, 2 bad input, told in one sentence on stderr.
"""

import gc
import sys
from collections.abc import Callable
from inspect import BoundArguments

from cyclopts import App, CycloptsError

import astarzero

app = App(
    name="astarzero",
    version=astarzero.__version__,
    help="When does a value-only approach beat a policy-only one? A* against AlphaZero's MCTS, under one accounting.",
)
app.command("astarzero.experiments.solve:solve", name="solve", help="Solve problems of a world with any search and any evaluator.")
app.command(
    "astarzero.experiments.contest:contest", name="contest", help="The main job: value against policy, on all budgets, with intervals."
)
app.command("astarzero.experiments.contest:draw", name="report", help="Draw the tables and pages of a contest's results anew.")
app.command("astarzero.experiments.train:train", name="train", help="Train a net for a contest world and keep it as a checkpoint.")
app.command("astarzero.experiments.referee:referee", name="referee", help="Re-score anybody's solutions from a file with exact oracles.")
app.command("astarzero.experiments.batches:batches", name="batches", help="What A*'s batch size does to cost, effort and the guarantee.")
app.command("astarzero.experiments.audit:audit", name="audit", help="May an estimate of cost be trusted? Overestimates, bounds, margins.")
app.command("astarzero.experiments.dial:dial", name="dial", help="Turn one tree search from A* to AlphaZero, a switch at a time.")
app.command("astarzero.experiments.identity:identity", name="identity", help="A* with a heap and A* as a tree search, step by step.")
app.command("astarzero.experiments.unfold:unfold", name="unfold", help="Graph against tree: nodes a state by depth, and what merging buys.")
app.command("astarzero.experiments.fuzz:fuzz", name="fuzz", help="Compare a world's rules with other implementations of them.")
app.command("astarzero.experiments.match:match", name="match", help="Two players of Go over paired openings; Elo with an interval.")
app.command("astarzero.experiments.draw:draw", name="draw", help="A game of Go from its SGF file as a picture, SVG or PNG.")
app.command("astarzero.experiments.gtp:gtp", name="gtp", help="A player of Go as a GTP 2 engine, for any Go program.")
app.command("astarzero.experiments.listing:listing", name="list", help="Worlds, searches, nets, learners and regimes, one line each.")


def read(arguments: list[str], to_the_end: bool) -> tuple[Callable[..., int | None], BoundArguments]:
    """The verb that a command line names, loaded, and what to call it with.

    Nothing of what a verb loads is garbage, and to look through it would take a sixth of a start; nor will it be in a process that runs
    this verb `to_the_end`.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        verb, words, _ = app.parse_args(arguments, exit_on_error=False, print_error=False)
        if to_the_end:
            gc.freeze()
        return verb, words
    finally:
        if collects:
            gc.enable()


def main(arguments: list[str] | None = None) -> int:
    """Run one command line; returns the exit status."""
    try:
        verb, words = read(sys.argv[1:] if arguments is None else arguments, to_the_end=arguments is None)
        return int(verb(*words.args, **words.kwargs) or 0)
    except (CycloptsError, ValueError) as problem:
        print(f"astarzero: {' '.join(str(problem).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("astarzero: interrupted.", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
