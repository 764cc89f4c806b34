"""Games of Go as SGF files (FF[4], through sgfmill), written, read and replayed. Points are actions: 0 is top left, the last is the pass.

GTP and SGF let a colour move twice running, and play go on after two passes; our rules do neither, so such a move starts from a row
that no step leads to (`in_turn`). Read next: gtp.py, draw.py.
"""

from dataclasses import dataclass, field
from pathlib import Path

from sgfmill import sgf

from astarzero.envs.domain import Domain
from astarzero.envs.go import SIDES, pack, read_komi, unpack
from astarzero.envs.line import Line

WORDS = ("PB", "PW", "RE", "GC", "RU", "EV")  # SGF's properties of Record.names, result, ending, rules and event


@dataclass(frozen=True)
class Record:
    """What is kept of a game."""

    size: int
    komi: float  # points for White
    moves: list[tuple[int, int]]  # (side, action); side 0 is Black
    setup: tuple[list[int], list[int]] = field(default_factory=lambda: ([], []))  # black and white stones before the first move
    to_move: int | None = None  # who begins, where the file says so
    names: tuple[str, str] = ("", "")  # of Black and White
    result: str = ""  # B+3.5, W+R (resigned), B+F (forfeited), 0 (drawn)
    ending: str = ""  # in words
    rules: str = ""
    event: str = ""

    @property
    def begins(self) -> int:
        """The side that moves first."""
        return self.to_move if self.to_move is not None else self.moves[0][0] if self.moves else 0

    def save(self, path: Path) -> None:
        """Write the file in one stroke, so that a killed program leaves none half written."""
        game = sgf.Sgf_game(size=self.size)
        root = game.get_root()
        root.set("KM", self.komi)
        for name, words in zip(WORDS, (*self.names, self.result, self.ending, self.rules, self.event), strict=True):
            if words:
                root.set(name, words)
        for name, stones in zip(("AB", "AW"), self.setup, strict=True):
            if stones:
                root.set(name, [to_sgf(action, self.size) for action in stones])
        if self.to_move is not None:
            root.set("PL", SIDES[self.to_move][0])
        for side, action in self.moves:
            game.extend_main_sequence().set_move(SIDES[side][0], to_sgf(action, self.size))
        partial = path.with_suffix(".partial")
        partial.write_bytes(game.serialise())
        partial.replace(path)


def load_record(path: Path) -> Record:
    """The main line of an SGF file. ValueError in one sentence when it cannot be read."""
    try:
        game = sgf.Sgf_game.from_bytes(path.read_bytes())
        root, size = game.get_root(), game.get_size()
        black, white, _ = root.get_setup_stones()
        nodes = list(game.get_main_sequence())
        if any(node.has_setup_stones() for node in nodes[1:]):
            raise ValueError("stones are put on the board after the first move")
        moves = [("bw".index(colour), to_action(point, size)) for colour, point in (node.get_move() for node in nodes) if colour]
        setup = tuple(sorted(to_action(point, size) for point in stones) for stones in (black, white))
        words = [str(root.get(name)) if root.has_property(name) else "" for name in WORDS]
        begins = "bw".index(root.get("PL")) if root.has_property("PL") else None
        return Record(size, game.get_komi(), moves, (setup[0], setup[1]), begins, (words[0], words[1]), *words[2:])
    except OSError as problem:
        raise ValueError(f"{path} cannot be read ({problem.strerror}).") from None
    except ValueError as problem:
        raise ValueError(f"{path} is not a game of Go that can be read ({problem}).") from None


def replay(record: Record, domain: Domain) -> Line:
    """The game by the rules of `domain`, with the komi of the record. ValueError names the first illegal move."""
    line = Line(domain, pack(*record.setup, domain.context, to_move=record.begins, komi=read_komi(record.komi)))
    for number, (side, action) in enumerate(record.moves, 1):
        in_turn(line, side)
        if not line.action_mask()[action]:
            raise ValueError(f"Move {number}, {SIDES[side]} at {domain.action_names[action]}, is illegal in {domain.name}.")
        line.play(action)
    return line


def in_turn(line: Line, side: int) -> None:
    """Let `side` move now, whether or not it is its turn and the game is not over."""
    points, fields = unpack(line.state, line.domain)
    if fields["to_move"] != side or line.over:
        black, white = ([action for action, point in enumerate(points) if point == colour] for colour in (1, 2))
        line.put(pack(black, white, line.domain.context, to_move=side, most=fields["most"], komi=fields["komi"]))


def to_sgf(action: int, size: int) -> tuple[int, int] | None:
    """(row from the bottom, column) as sgfmill counts; None is the pass."""
    return None if action == size * size else (size - 1 - action // size, action % size)


def to_action(point: tuple[int, int] | None, size: int) -> int:
    return size * size if point is None else (size - 1 - point[0]) * size + point[1]
