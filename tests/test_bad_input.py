"""Bad input on the command line: exit status 2 and one sentence that names the input, the rule it breaks and the way out."""

import pytest

from astarzero.experiments.__main__ import main

TILES = "solve sliding --size 3 --state"
NUMBERS = "solve countdown --state"
PATHS = "train sliding --learner optimal-paths --baseline"
CASES = {
    "too few tiles": ([*TILES.split(), "1 2 3"], "3 tiles were given, but a 3x3 board has 9 cells"),
    "a tile twice": ([*TILES.split(), "1 1 2 3 4 5 6 7 8"], "Tile 1 stands more than once and tile 0 is missing"),
    "a tile out of range": ([*TILES.split(), "1 2 3 4 5 6 7 9 0"], "Tile 9 is out of range"),
    "not a tile": ([*TILES.split(), "1 2 3 4 x 6 7 8 0"], "'x' is not a tile"),
    "odd parity": ([*TILES.split(), "0 2 1 3 4 5 6 7 8"], "swapping tiles 2 and 1 mends it"),
    "board too large": (["solve", "sliding", "--size", "9"], "Size 9x9 is out of range"),
    "not a size": (["solve", "sliding", "--size", "big"], "'big' is not a size"),
    "unknown goal": (["solve", "sliding", "--goal", "middle"], "Goal 'middle' is not known"),
    "too many numbers": ([*NUMBERS.split(), "1 2 3 4 5"], "5 numbers"),
    "not a number": ([*NUMBERS.split(), "1 2 three 4"], "three"),
    "k out of range": (["solve", "countdown", "--size", "7"], "7"),
    "target out of range": (["solve", "countdown", "--target", "-3"], "-3"),
    "unknown rule": (["solve", "countdown", "--rule", "real"], "real"),
    "unknown world": (["solve", "chess"], "World 'chess' was not found"),
    "option of another world": (["solve", "sliding", "--rule", "integer"], "World 'sliding' has no option 'rule'"),
    "a game for two": (["solve", "go", "--size", "3"], "World 'go' is a game for two"),
    "unknown search": (["solve", "sliding", "--search", "dijkstra"], "Search 'dijkstra' is not known"),
    "unknown heuristic": (["solve", "sliding", "--heuristic", "euclid"], "has no heuristic 'euclid'"),
    "unknown bound": (["solve", "sliding", "--search", "focal", "--bound", "euclid"], "has no heuristic 'euclid'"),
    "a bound where none is read": (["solve", "sliding", "--size", "2x3", "--bound", "manhattan"], "'astar' does not take"),
    "unknown evaluator": (["solve", "sliding", "--evaluator", "oracle"], "Evaluator 'oracle' is not known"),
    "no checkpoint": (["solve", "sliding", "--evaluator", "net:none.safetensors"], "none.safetensors"),
    "a limit of zero": (["solve", "sliding", "--max-expansions", "0"], "budget of expansions is 0"),
    "no unit of bytes": (["solve", "sliding", "--max-bytes", "256 parsecs"], "'256 parsecs' is no number of bytes"),
    "no bytes": (["solve", "sliding", "--max-bytes", "0MB"], "budget of bytes is 0"),
    "no threads": (["solve", "sliding", "--threads", "0"], "0 threads"),
    "weight of zero": (["solve", "sliding", "--weight", "0"], "weight is 0"),
    "an option of another search": (["solve", "sliding", "--size", "2x3", "--search", "puct", "--width", "3"], "'puct' does not take"),
    "two sources": (["solve", "sliding", "--set", "all", "--state", "0"], "Give only one of --state, --instances and --set"),
    "unknown set": (["solve", "sliding", "--set", "hard"], "has no instance set 'hard'"),
    "no such file": (["solve", "sliding", "--instances", "none.csv"], "none.csv cannot be read"),
    "unknown option": (["solve", "sliding", "--bogus", "1"], "--bogus"),
    "unknown contest world": (["contest", "--worlds", "chess"], "World 'chess' was not found"),
    "quick and full": (["contest", "--quick", "--full"], "Give --quick or --full, not both"),
    "unknown learner": (["train", "sliding-2x4", "--learner", "magic"], "Learner 'magic' is not known"),
    "a size for a contest world": (["train", "sliding-2x4", "--size", "3"], "are for --learner optimal-paths"),
    "a baseline for q": ([*PATHS.split(), "manhattan", "--heads", "q"], "only the value head"),
    "unknown baseline": ([*PATHS.split(), "euclid"], "has no heuristic 'euclid'"),
    "unknown labels": (["train", "sliding-2x4", "--labels", "half"], "Labels 'half' are not known"),
    "batch of zero": (["batches", "sliding", "--size", "2x3", "--batch", "0"], "batch is 0"),
    "no problems": (["batches", "sliding", "--problems", "0"], "problems is 0"),
    "mix above 1": (["solve", "sliding", "--size", "2x3", "--search", "value_policy_beam", "--mix", "2"], "mix is 2"),
    "a size for a contest world, again": (["dial", "sliding-3x3", "--size", "3"], "has its size built in"),
    "no problems to compare": (["identity", "--instances", "0"], "instances is 0"),
    "no steps": (["dial", "countdown-24", "--steps", "1"], "steps is 1"),
    "unknown preset": (["dial", "countdown-24", "--to", "mcts"], "Preset 'mcts' is not known"),
    "unknown switch": (["dial", "countdown-24", "--order", "speed"], "Switch 'speed' is not known"),
    "no results": (["report", "nowhere"], "nowhere"),
}


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_one_sentence(case, capsys):
    words, expected = CASES[case]
    assert main(words) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and expected in captured.err, captured.err
    assert captured.err.count("\n") == 1 and "Traceback" not in captured.err


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "is empty"),
        ("tiles\n", "is empty"),
        ("number,length\n1,2\n", "line 1"),
        ("id,tiles\n1,1 2 3 4 5 6 7 8 0\n2,1 2 3\n", "line 3"),
        ("id,tiles,optimal\n1,1 2 3 4 5 6 7 8 0,ten\n", "line 2"),
        ("id,tiles\n1\n", "line 2 has 1 fields"),
    ],
)
def test_a_malformed_csv_is_one_sentence_with_its_line(tmp_path, capsys, text, expected):
    path = tmp_path / "problems.csv"
    path.write_text(text)
    assert main(["solve", "sliding", "--goal", "blank-last", "--instances", str(path)]) == 2
    error = capsys.readouterr().err
    assert expected in error and error.count("\n") == 1
