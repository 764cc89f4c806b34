"""Other implementations of Go behind one set of methods (`Peer`), set against ours by `astarzero fuzz go`.

Where a peer's rules are known to differ, `expects` turns our answer into the one it should give, so that nothing is left out of the
comparison. Read next: ../experiments/fuzz.py.
"""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

import numpy as np

from astarzero.envs import go_reference
from astarzero.envs.domain import Domain
from astarzero.envs.go import KO_RULES, LETTERS, SIDES, point_name
from astarzero.envs.gtp_client import GtpClient, find_program

Rules = tuple[int, int, str, bool]  # height, width, ko rule, suicide allowed


def rules_of(domain: Domain) -> Rules:
    """A Go domain's settings."""
    _, _, ko, suicide, height, width = (int(number) for number in domain.context[2])
    return height, width, KO_RULES[ko], bool(suicide)


class Peer:
    """One game at a time, from the empty board. What a peer does not say, it agrees to."""

    name: str

    def refusal(self, domain: Domain) -> str:
        """Why the peer cannot play by this domain's rules; "" when it can."""
        return ""

    def begin(self, domain: Domain) -> None:
        raise NotImplementedError

    def play(self, action: int) -> None:
        raise NotImplementedError

    def legal(self) -> np.ndarray | None:
        """Legal actions: bool [A]; None once the peer has ended a game that goes on by our rules."""
        raise NotImplementedError

    def expects(self, legal: np.ndarray, suicides: np.ndarray) -> np.ndarray:
        """The answer of `legal` when ours, bool [A], is right; `suicides` bool [A] are those that superko alone might forbid."""
        return legal

    def stones(self) -> str:
        """The points by action, as . X O."""
        raise NotImplementedError

    def lead(self) -> int | None:
        """Black's area minus White's; None when the peer does not say."""
        return None

    def close(self) -> None:
        """End what runs outside this process."""


class Reference(Peer):
    """envs/go_reference.py; also scores."""

    name = "reference"
    game: go_reference.Game

    def begin(self, domain: Domain) -> None:
        self.game = go_reference.Game(*rules_of(domain))

    def point(self, action: int) -> go_reference.Point:
        cells = len(self.game.points)
        return go_reference.PASS if action == cells else self.game.points[action]

    def play(self, action: int) -> None:
        self.game.play(self.point(action))

    def legal(self) -> np.ndarray:
        return np.array([self.game.is_legal(self.point(action)) for action in range(len(self.game.points) + 1)])

    def stones(self) -> str:
        return "".join(self.game.board.get(point, ".") for point in self.game.points)

    def lead(self) -> int | None:
        return self.game.area("X") - self.game.area("O")


class GnuGo(Peer):
    """GNU Go over GTP, one process a set of rules. Known to differ: where suicide is allowed, superko never forbids one.

    GTP has no end of a game, so that two passes end it is counted here. A move and all questions after it are one message.
    """

    name = "gnugo"

    def __init__(self, binary: str | None = None) -> None:
        self.binary = binary or find_program("gnugo")
        self.processes: dict[tuple[str, bool], GtpClient] = {}

    def refusal(self, domain: Domain) -> str:
        height, width, _, _ = rules_of(domain)
        if self.binary is None:
            return "there is no program gnugo on the PATH or in /usr/games"
        return "" if height == width else "GNU Go has square boards only"

    def begin(self, domain: Domain) -> None:
        self.height, self.width, self.ko, self.suicide = rules_of(domain)
        if (self.ko, self.suicide) not in self.processes:
            ko = "--simple-ko" if self.ko == "simple" else f"--{self.ko}-superko"
            words = [self.binary, "--mode", "gtp", ko, "--allow-all-suicide" if self.suicide else "--forbid-suicide"]
            self.processes[self.ko, self.suicide] = GtpClient([str(word) for word in words], "GNU Go")
        self.to_move = self.passes = 0
        self.ask(f"boardsize {self.height}", "clear_board")

    def ask(self, *commands: str) -> None:
        """Send GTP commands, then look at the position; ValueError when GNU Go refuses one."""
        looks = [f"all_legal {SIDES[self.to_move]}", *(f"list_stones {side}" for side in SIDES)]
        *_, self.free, self.black, self.white = self.processes[self.ko, self.suicide].ask_all(*commands, *looks)

    def play(self, action: int) -> None:
        name = "pass" if action == self.height * self.width else point_name(action, self.height, self.width)
        command = f"play {SIDES[self.to_move]} {name}"
        self.to_move, self.passes = 1 - self.to_move, self.passes + 1 if name == "pass" else 0
        self.ask(command)

    def mark(self, names: str) -> np.ndarray:
        """Points as GTP writes them -> bool [A]."""
        mask = np.zeros(self.height * self.width + 1, np.bool_)
        for name in names.split():
            mask[(self.height - int(name[1:])) * self.width + LETTERS.index(name[0])] = True
        return mask

    def legal(self) -> np.ndarray:
        mask = self.mark("" if self.passes >= 2 else self.free)
        mask[-1] = self.passes < 2
        return mask

    def stones(self) -> str:
        return "".join(".XO"[number] for number in self.mark(self.black)[:-1] + 2 * self.mark(self.white)[:-1])

    def expects(self, legal: np.ndarray, suicides: np.ndarray) -> np.ndarray:
        return legal | suicides

    def close(self) -> None:
        for process in self.processes.values():
            process.close()


def square_without_superko_or_suicide(domain: Domain) -> str:
    """The refusal of libraries that have one set of rules."""
    height, width, ko, suicide = rules_of(domain)
    fits = height == width > 1 and ko == "simple" and not suicide
    return "" if fits else "it has square boards from 2x2, simple ko and no suicide only"


class OpenSpiel(Peer):
    """OpenSpiel's game "go". Known to differ: a position that comes back ends the game, so it falls silent there."""

    name = "openspiel"

    def refusal(self, domain: Domain) -> str:
        if find_spec("pyspiel") is None:
            return "the package open_spiel is not installed"
        return square_without_superko_or_suicide(domain)

    def begin(self, domain: Domain) -> None:
        pyspiel = import_module("pyspiel")
        self.size, self.passes, self.silent = rules_of(domain)[0], 0, False
        longest = 100 * domain.num_actions
        self.state = pyspiel.load_game("go", {"board_size": self.size, "komi": 0.0, "max_game_length": longest}).new_initial_state()

    def turned(self, action: int) -> int:
        """The same point counted from the other edge; OpenSpiel's row 0 is at the bottom."""
        row, column = divmod(action, self.size)
        return action if row == self.size else (self.size - 1 - row) * self.size + column

    def play(self, action: int) -> None:
        self.passes = self.passes + 1 if action == self.size**2 else 0
        if not self.silent:
            self.state.apply_action(self.turned(action))
            self.silent = self.state.is_terminal() and self.passes < 2

    def legal(self) -> np.ndarray | None:
        if self.silent:
            return None
        mask = np.zeros(self.size**2 + 1, np.bool_)
        mask[[self.turned(action) for action in self.state.legal_actions()]] = True
        return mask

    def stones(self) -> str:
        rows = str(self.state).splitlines()[2 : 2 + self.size]
        return "".join(row.split()[1] for row in rows).replace("+", ".")


class PettingZoo(Peer):
    """PettingZoo's go_v5: simple ko, no suicide, area score."""

    name = "pettingzoo"

    def refusal(self, domain: Domain) -> str:
        if find_spec("pettingzoo") is None or find_spec("pygame") is None:
            return "the packages pettingzoo and pygame are not installed"
        return square_without_superko_or_suicide(domain)

    def begin(self, domain: Domain) -> None:
        self.env = import_module("pettingzoo.classic").go_v5.env(board_size=rules_of(domain)[0], komi=0.0).unwrapped
        self.env.reset()

    def play(self, action: int) -> None:
        self.env.step(action)

    def legal(self) -> np.ndarray | None:
        over = any(self.env.terminations.values())
        return self.env.observe(self.env.agent_selection)["action_mask"].astype(bool) & (not over)

    def stones(self) -> str:
        return "".join(".XO"[stone] for stone in self.env._go.board.ravel())

    def lead(self) -> int | None:
        return round(self.env._go.score())


PEERS: dict[str, Callable[[], Peer]] = {peer.name: peer for peer in (Reference, GnuGo, OpenSpiel, PettingZoo)}
