"""Go again, slow and obvious: dictionaries, sets and a list of all positions so far. The yardstick of go_rules.py; shares nothing with it.

Nothing here is clever on purpose. Simple ko is written in words of positions, not of a ko point: a play may not restore the
position that the opponent's last move changed. Superko compares whole positions. Points are (row, column), row 0 on top;
a move is a point or PASS. experiments/fuzz.py and the tests set the two against each other.
"""

import functools
from collections.abc import Iterable

Point = tuple[int, int]
Board = dict[Point, str]  # the occupied points: "X" Black, "O" White
PASS: Point = (-1, -1)
OTHER = {"X": "O", "O": "X"}


@functools.cache
def neighbours(point: Point, height: int, width: int) -> list[Point]:
    row, column = point
    around = [(row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)]
    return [(r, c) for r, c in around if 0 <= r < height and 0 <= c < width]


class Game:
    """A game from a position on; `play` and `undo`. ko: "simple", "positional" or "situational"."""

    def __init__(
        self, height: int, width: int, ko: str = "positional", suicide: bool = False, board: Board | None = None, to_move: str = "X"
    ) -> None:
        self.height, self.width, self.ko, self.suicide = height, width, ko, suicide
        self.points = [(row, column) for row in range(height) for column in range(width)]
        self.boards: list[Board] = [dict(board or {})]  # every position so far, the first one included
        self.to_moves = [to_move]  # and who was to move in it
        self.moves: list[Point] = []

    @property
    def board(self) -> Board:
        return self.boards[-1]

    @property
    def to_move(self) -> str:
        return self.to_moves[-1]

    @property
    def over(self) -> bool:
        return self.moves[-2:] == [PASS, PASS]

    def group(self, board: Board, point: Point) -> tuple[set[Point], set[Point]]:
        """The stones joined to the one at `point`, and their liberties."""
        stones, liberties, waiting = {point}, set(), [point]
        while waiting:
            for other in neighbours(waiting.pop(), self.height, self.width):
                if other not in board:
                    liberties.add(other)
                elif board[other] == board[point] and other not in stones:
                    stones.add(other)
                    waiting.append(other)
        return stones, liberties

    def after(self, move: Point) -> tuple[Board, int, int]:
        """(the board after a play, enemy stones taken, own stones taken), whether it is legal or not."""
        board, mine = dict(self.board), self.to_move
        board[move] = mine
        taken = 0
        for point in neighbours(move, self.height, self.width):
            if board.get(point) == OTHER[mine]:
                stones, liberties = self.group(board, point)
                if not liberties:
                    taken += len(stones)
                    for stone in stones:
                        del board[stone]
        stones, liberties = self.group(board, move)
        lost = 0
        if not liberties:
            lost = len(stones)
            for stone in stones:
                del board[stone]
        return board, taken, lost

    def repeats(self, board: Board) -> bool:
        """Does the ko rule forbid a play that leads to `board`?"""
        if self.ko == "simple":
            return len(self.boards) > 1 and board == self.boards[-2] and board != self.boards[-1]
        next_to_move = OTHER[self.to_move]
        for earlier, to_move in zip(self.boards, self.to_moves, strict=True):
            if board == earlier and (self.ko == "positional" or to_move == next_to_move):
                return True
        return False

    def is_legal(self, move: Point) -> bool:
        if self.over:
            return False
        if move == PASS:
            return True
        if move in self.board:
            return False
        board, _, lost = self.after(move)
        return (lost == 0 or self.suicide) and not self.repeats(board)

    def legal_moves(self) -> set[Point]:
        return {move for move in [*self.points, PASS] if self.is_legal(move)}

    def play(self, move: Point) -> None:
        self.boards.append(dict(self.board) if move == PASS else self.after(move)[0])
        self.to_moves.append(OTHER[self.to_move])
        self.moves.append(move)

    def undo(self) -> None:
        self.boards.pop()
        self.to_moves.pop()
        self.moves.pop()

    def area(self, colour: str) -> int:
        """Stones of a colour, and empty regions that touch no other colour and this one."""
        total, seen = sum(stone == colour for stone in self.board.values()), set()
        for point in self.points:
            if point not in self.board and point not in seen:
                region, border, waiting = {point}, set(), [point]
                while waiting:
                    for other in neighbours(waiting.pop(), self.height, self.width):
                        if other in self.board:
                            border.add(self.board[other])
                        elif other not in region:
                            region.add(other)
                            waiting.append(other)
                seen |= region
                if border == {colour}:
                    total += len(region)
        return total


def count_games(game: Game, depth: int) -> int:
    """Sequences of `depth` legal moves, or shorter ones that end the game."""
    if depth == 0 or game.over:
        return 1
    total = 0
    for move in sorted(game.legal_moves()):
        game.play(move)
        total += count_games(game, depth - 1)
        game.undo()
    return total


def board_from(rows: Iterable[str]) -> Board:
    """Rows of . X O, the top one first."""
    return {(r, c): stone for r, row in enumerate(rows) for c, stone in enumerate(row) if stone != "."}
