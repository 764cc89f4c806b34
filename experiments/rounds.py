"""The contest where no exact table is: matches between arms without nets, at equal numbers of positions judged, scored by our rules.

Value-only arms (a move ahead, best-first minimax, alpha-beta) judge positions by random games; a policy without a net is the random one
that fills no own eye; UCT reads the same value. Games are paired, an opening twice with colours swapped; nothing is tuned.

Read first: arenas.py (BOARDS), match.py (how a game is played). Read next: tables.py (`match_table`).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from astarzero.envs import make
from astarzero.experiments.arenas import Board
from astarzero.experiments.match import Schedule, tallies
from astarzero.experiments.players import find_player
from astarzero.experiments.results import Shard, key

OPENING = 2  # random moves before the players take over: 5x5 is small


def named(pattern: str, budget: int, actions: int) -> str:
    """A player's name at a budget: {n} of it, {each} of it for each of so many actions, at least 1."""
    return pattern.format(n=budget, each=max(1, budget // actions))


def run_rounds(board: Board, seed: int, directory: Path, header: Mapping[str, Any]) -> None:
    """All matches of one seed into their shard; those that stand there are not played again."""
    domain = make("go", **board.options)
    with Shard(directory / f"{board.name}-seed{seed}.jsonl", header) as shard:
        for budget in board.budgets:
            for left, right in ((named(one, budget, domain.num_actions) for one in pair) for pair in board.pairs):
                record = {"kind": "match", "world": board.name, "seed": seed, "unit": f"{budget}: {left} against {right}"}
                if key(record) not in shard.done:
                    points = play_match(board, left, right, seed)
                    shard.append({**record, "budget": budget, "left": left, "right": right, "points": points})


def play_match(board: Board, left: str, right: str, seed: int) -> list[float]:
    """What the left player made of each game: 1, 0.5 or 0."""
    domain = make("go", **board.options)
    limit = 4 * domain.num_actions
    schedule = Schedule((left, right), board.options["size"], board.options["komi"], domain, seed, OPENING, limit, None)
    players = [find_player(name) for name in (left, right)]
    *_, (_, points) = tallies([schedule.play(number, players) for number in range(board.games)])
    return points
