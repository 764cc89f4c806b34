"""Players of Go that need no net, `PLAYERS_OF_GO`: random ones, and one that looks a move ahead by random games."""

import numpy as np

from astarzero.envs.go_choices import plays_but_eyes
from astarzero.envs.go_rollouts import rollouts
from astarzero.envs.line import Line
from astarzero.envs.players import LARGEST_SEED, Player, PlayerKind, build_plain


class RandomPlayer(Player):
    """Any legal play that fills no eye of its own, all alike; the pass when there is none."""

    def choose(self, line: Line, rng: np.random.Generator) -> int:
        plays = np.flatnonzero(plays_but_eyes(line))
        return int(rng.choice(plays)) if len(plays) else line.domain.num_actions - 1


class RolloutPlayer(Player):
    """The move after which most of `games` random games are won; among equals the one that wins by more points.

    The random games fill no own eyes, and every candidate has as many. Candidates: the plays that fill no own eye, and the pass.
    """

    def __init__(self, games: int) -> None:
        self.games = games

    def choose(self, line: Line, rng: np.random.Generator) -> int:
        rows, actions, _ = line.domain.successors(line.state)
        looked_at = plays_but_eyes(line)[actions] | (actions == line.domain.num_actions - 1)
        rows, actions = rows[looked_at], actions[looked_at]
        games = rollouts(line.domain, rows, self.games, policy="no-eyes", seed=int(rng.integers(LARGEST_SEED)))
        wins, points = -games.outcome.mean(1), -games.margin.mean(1)  # for us: in `rows` the opponent is to move
        return int(actions[np.lexsort((points, wins))[-1]])


def build_rollout(argument: str) -> Player:
    if not argument.isdecimal() or int(argument) < 1:
        raise ValueError(f"Player 'rollout' was given '{argument}' random games a move: write a number of at least 1, as in rollout:100.")
    return RolloutPlayer(int(argument))


PLAYERS_OF_GO = {
    "random": PlayerKind("random", "any legal move that fills no eye of its own", build_plain("random", RandomPlayer)),
    "rollout": PlayerKind("rollout:N", "the move that wins most of N random games played after each", build_rollout),
}
