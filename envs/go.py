"""Go on boards from 1x1 to 19x19, exactly: the world, its text, its coordinates. Rules: go_rules.py; what a net sees: go_features.py.

The rules are Tromp and Taylor's (tromp.github.io/go.html) with options: an area score, stones alive as they stand, two passes end;
ko: `simple` (a lone stone that took one may not be taken back at once), `positional` or `situational` superko (no play may
restore the stones of any earlier position; situational: with the same player to move); suicide of one or more stones allowed or
not; komi in half points; handicap stones on the points of GTP's fixed_handicap, and then White begins. A pass is always legal.

| | ko | suicide | a repetition | end and score | ours, the same |
|---|---|---|---|---|---|
| Tromp-Taylor | positional | allowed | illegal | two passes, area | ko=positional suicide=yes |
| GNU Go | simple, or any by option | by option | illegal | GTP has no end | the same options; superko never forbids it a suicide |
| OpenSpiel `go` | simple | illegal | ends the game, a draw | two passes, or 2 n n moves; area | ko=simple, until a position repeats |
| Pgx `go_9x9` | simple | illegal | ends the game, a loss | two passes, or a limit; area | ko=simple, until a position repeats |
| PettingZoo `go_v5` | simple | illegal | legal | two passes, area | ko=simple |

Superko needs the line of keys (two_players.py); without it the world plays by simple ko. Simple ko is part of both superkos.

Exact facts (tests hold them): legal positions 1, 57, 12,675, 24,318,165 on 1x1 to 4x4; games on 1x1, 1x2, 1x3 under
positional superko 1, 9, 907 (tromp.github.io/go/legal.html, Tromp and Farneback 2007).
"""

import functools
import hashlib
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from astarzero.envs.bitboard import WORD_BITS
from astarzero.envs.compile import bind
from astarzero.envs.domain import Domain
from astarzero.envs.go_drawing import LETTERS, draw_board, line_marks
from astarzero.envs.go_features import GoPlanes, encode, read_planes
from astarzero.envs.go_masks import list_moves
from astarzero.envs.go_players import PLAYERS_OF_GO
from astarzero.envs.go_symmetries import board_symmetries
from astarzero.envs.picture import Picture

from astarzero.envs.go_rules import (  # isort: skip
    BEFORE, HEIGHT, KO, KOMI, LAST, MOST, MOVE_MASK, ONE, SUICIDE, WIDTH, every_stone_has_liberties, forget,
    is_goal, is_terminal, margin, outcome, position_key, repeats, step,
)  # fmt: skip


KO_RULES = ("simple", "positional", "situational")  # in the order of go_rules.py
STONES = {"X": 0, "O": 1}
SIDES = ("black", "white")
MOST_KOMI = 1000.0
YES, NO = ("true", "yes", "1"), ("false", "no", "0")
FIELDS = "to=black or white, last=MOVE or MOVE,MOVE, ko=POINT, komi=POINTS and most=STONES"


# --- the domain ------------------------------------------------------------------------------------------------------------------


@functools.cache
def make(
    size: str | int = 9, ko: str = "positional", suicide: bool | str = False, komi: float | str = 7.5, handicap: int = 0,
    planes: str | GoPlanes = "",
) -> Domain:  # fmt: skip
    """Go on a board of `size` (9, or rows x columns: 3x5). ko: simple, positional or situational; komi: White's, in half points.
    planes: what a net sees, as changes of the default planes ("liberties=0,komi=0") or as GoPlanes, see go_features.py.
    """
    height, width = parse_size(size)
    if ko not in KO_RULES:
        raise ValueError(f"Ko rule '{ko}' is not known: give {', '.join(KO_RULES[:-1])} or {KO_RULES[-1]}.")
    chosen = read_planes(planes)
    context = (*make_context(height, width, KO_RULES.index(ko), read_switch("suicide", suicide)), chosen.numbers)
    half_points = read_komi(komi)
    names = (*(point_name(action, height, width) for action in range(height * width)), "pass")
    begin = [names.index(name) for name in handicap_points(height, width, handicap)]

    def parse(text: str) -> np.ndarray:
        return parse_position(text, domain, half_points)

    def random_state(rng: np.random.Generator) -> np.ndarray:
        row = start(domain)
        for _ in range(rng.integers(height * width + 1)):
            rows, _, _ = domain.successors(row)  # the last is the pass
            if len(rows) == 1:
                break
            row = rows[rng.integers(len(rows) - 1)].copy()
        return row

    domain = Domain(
        world="go",
        name=f"go-{height}x{width}-{ko}{'-suicide' if context[2][SUICIDE] else ''}-komi{half_points / 2:g}"
        + (f"-handicap{handicap}" if handicap else "")
        + (f"-{chosen.text}" if chosen.text else ""),
        num_words=2 * context[0].ndim + 2,
        num_actions=height * width + 1,
        step=step,
        is_goal=is_goal,
        is_terminal=is_terminal,
        context=context,
        encode=encode,
        feature_shape=(len(chosen.names), height, width),
        plane_names=chosen.names,
        symmetries=board_symmetries(height, width, context),
        parse=parse,
        format=lambda state: format_position(state, domain),
        random_state=random_state,
        instance_sets={"start": lambda: pack(begin, [], context, to_move=int(bool(begin)), komi=half_points)[None]},
        action_names=names,
        render=lambda state: draw_text(state, domain),
        render_rgb=lambda state: draw_picture(state, domain).pixels(),
        discount=-1.0,
        sides=SIDES,
        side_to_move=lambda state: int(state[-2] & ONE),
        opponents=PLAYERS_OF_GO,
        outcome=outcome,
        margin=margin,
        keeps_history=ko != "simple",
        position_key=position_key,
        repeats=repeats,
        forget=forget,
        list_moves=list_moves,
    )
    return domain


def start(domain: Domain) -> np.ndarray:
    """The position before the first move, handicap stones included: row [W]."""
    return domain.instance_sets["start"]()[0]


def make_context(height: int, width: int, ko_rule: int, suicide: bool) -> tuple[np.ndarray, ...]:
    """The tables of go_rules.py. The keys of stones are hashes, the same everywhere and for ever, since rows may be kept in files."""
    stride, cells = width + 1, height * width
    places = np.array([row * stride + column for row in range(height) for column in range(width)] + [0])
    words = int(places.max()) // WORD_BITS + 1
    actions = np.full(WORD_BITS * words, -1, np.int64)
    actions[places[:cells]] = np.arange(cells)
    whole = sum(1 << int(place) for place in places[:cells])
    inner = sum(1 << (row * stride + column) for row in range(1, height - 1) for column in range(1, width - 1))
    texts = [[f"{height}x{width} {side} {bit}" for bit in range(WORD_BITS * words)] for side in SIDES]
    keys = np.array([[int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) for text in row] for row in texts], np.uint64)
    sizes = np.array([stride, cells, ko_rule, suicide, height, width])
    board = np.concatenate([to_words(whole, words), to_words(whole - inner, words)])
    return np.zeros((1,) * words), board, sizes, places, actions, keys, slots_of(keys)


def slots_of(keys: np.ndarray) -> np.ndarray:
    """Where to look for a stone by its key: int16 [2, power of two], the bit of the stone whose key's low bits lead there, or -1."""
    slots = np.full((2, 4 * (1 << (keys.shape[1] - 1).bit_length())), -1, np.int16)
    for table, colour in zip(slots, keys.tolist()):
        for bit, key in enumerate(colour):
            slot = key % len(table)
            while table[slot] >= 0:
                slot = (slot + 1) % len(table)
            table[slot] = bit
    return slots


def to_words(bits: int, words: int) -> np.ndarray:
    """A whole number as uint64 words, the least significant first."""
    return np.array([(bits >> (WORD_BITS * word)) & (2**WORD_BITS - 1) for word in range(words)], np.uint64)


def parse_size(size: str | int) -> tuple[int, int]:
    """9 or '9' -> (9, 9); '3x5' -> (3, 5): rows x columns. ValueError in one sentence."""
    match = re.fullmatch(r"(\d+)(?:x(\d+))?", str(size).lower())
    if not match:
        raise ValueError(f"Size '{size}' is not a size: give one number (9) or rows x columns (3x5).")
    height, width = int(match[1]), int(match[2] or match[1])
    if not (1 <= height <= len(LETTERS) and 1 <= width <= len(LETTERS)):
        raise ValueError(f"Size {height}x{width} is out of range: both sides must be from 1 to {len(LETTERS)}.")
    return height, width


def read_switch(name: str, value: Any) -> bool:
    if str(value).lower() not in YES + NO:
        raise ValueError(f"Option {name} is '{value}', but it must be yes or no.")
    return str(value).lower() in YES


def read_komi(komi: Any) -> int:
    """Points for White, as half points. ValueError in one sentence."""
    try:
        half_points = 2 * float(komi)
    except (TypeError, ValueError):
        raise ValueError(f"Komi '{komi}' is not a number: give points in halves, such as 7.5.") from None
    if not abs(half_points) <= 2 * MOST_KOMI or half_points != int(half_points):
        raise ValueError(f"Komi {komi} is not allowed: give points in halves from {-MOST_KOMI:g} to {MOST_KOMI:g}, such as 7.5.")
    return int(half_points)


def handicap_points(height: int, width: int, stones: int) -> list[str]:
    """GTP's fixed_handicap: 2 to 9 star points, corners first; four at most where a side is even or 7, none where one is shorter."""
    most = 0 if min(height, width) < 7 else 9 if height % 2 and width % 2 and min(height, width) > 7 else 4
    if stones == 0:
        return []
    if stones not in range(2, most + 1):
        allowed = f"0, or from 2 to {most}" if most else "0"
        raise ValueError(f"Handicap {stones} is not allowed on a {height}x{width} board: give {allowed}.")
    (bottom, middle, top), (left, centre, right) = (line_marks(height), line_marks(width))
    corners = [(left, bottom), (right, top), (left, top), (right, bottom)]
    sides = [(left, middle), (right, middle), (centre, bottom), (centre, top)]
    pairs = corners[:stones] if stones <= 4 else corners + sides[: (stones - 4) // 2 * 2]
    if stones >= 5 and stones % 2:
        pairs = [*pairs, (centre, middle)]
    return [f"{LETTERS[column]}{row + 1}" for column, row in pairs]


# --- rows ------------------------------------------------------------------------------------------------------------------------


def pack(
    black: list[int], white: list[int], context: tuple[np.ndarray, ...], *,
    to_move: int = 0, last: int = 0, before: int = 0, ko: int = 0, most: int = 0, komi: int = 0,
) -> np.ndarray:  # fmt: skip
    """Row [W] of stones on the points `black` and `white` (actions); `last`, `before` and `ko` are action + 1, or 0."""
    like, places, keys = context[0], context[3], context[5]
    key, words = 0, []
    for colour, points in enumerate((black, white)):
        bits = [int(places[point]) for point in points]
        words += to_words(sum(1 << bit for bit in bits), like.ndim).tolist()
        for bit in bits:
            key ^= int(keys[colour, bit])
    most = max(most, len(black) + len(white))
    info = to_move | last << int(LAST) | before << int(BEFORE) | ko << int(KO) | most << int(MOST) | komi << int(KOMI)
    return np.array([*words, info & (2**64 - 1), key], np.uint64)


def unpack(state: np.ndarray, domain: Domain) -> tuple[list[int], dict[str, int]]:
    """A row's points, by action 0 empty, 1 black, 2 white, and its fields as `pack` takes them."""
    words, places = domain.context[0].ndim, domain.context[3]
    sets = [sum(int(state[start + word]) << (WORD_BITS * word) for word in range(words)) for start in (0, words)]
    points = [(sets[0] >> int(place) & 1) + 2 * (sets[1] >> int(place) & 1) for place in places[:-1]]
    info = int(state[-2])
    fields = {"last": LAST, "before": BEFORE, "ko": KO, "most": MOST}
    found = {name: info >> int(shift) & int(MOVE_MASK) for name, shift in fields.items()}
    komi = (info if info < 1 << 63 else info - (1 << 64)) >> int(KOMI)
    return points, {"to_move": info & 1, "komi": komi, **found}


def point_name(action: int, height: int, width: int) -> str:
    """Action 0 is the top left point: on 9x9 A9."""
    return f"{LETTERS[action % width]}{height - action // width}"


# --- text and pictures --------------------------------------------------------------------------------------------------------


def format_position(state: np.ndarray, domain: Domain) -> str:
    """'.X./O../... to=white last=B3 komi=7.5': rows from the top, then what is not obvious."""
    points, fields = unpack(state, domain)
    width, names = int(domain.context[2][WIDTH]), domain.action_names
    rows = ["".join(".XO"[point] for point in points[first : first + width]) for first in range(0, len(points), width)]
    words = ["/".join(rows), f"to={SIDES[fields['to_move']]}"]
    if fields["last"]:
        words.append("last=" + ",".join(names[fields[name] - 1] for name in ("last", "before") if fields[name]))
    if fields["ko"]:
        words.append(f"ko={names[fields['ko'] - 1]}")
    if fields["most"] > sum(point > 0 for point in points):
        words.append(f"most={fields['most']}")
    return " ".join([*words, f"komi={fields['komi'] / 2:g}"])


def parse_position(text: str, domain: Domain, komi: int) -> np.ndarray:
    """Text -> row [W]: rows of . X O from the top, divided by / or spaces, then fields. ValueError in one sentence."""
    height, width = (int(number) for number in domain.context[2][HEIGHT : WIDTH + 1])
    words = text.replace("/", " ").split()
    board = [word.upper() for word in words if "=" not in word]
    if len(board) != height or any(len(row) != width or set(row) - set(".XO") for row in board):
        raise ValueError(
            f"'{text[:60]}' is no position of {domain.name}: give {height} rows of {width} points, each '.', 'X' or 'O', from the top "
            f"and divided by '/', and if need be {FIELDS}."
        )
    points = "".join(board)
    stones = [[action for action, point in enumerate(points) if point == stone] for stone in STONES]
    fields: dict[str, int] = {"komi": komi}
    for word in words:
        if "=" in word:
            fields |= read_field(*word.partition("=")[::2], points, domain)
    row = pack(stones[0], stones[1], domain.context, **fields)
    if not bind(every_stone_has_liberties, {})(row, domain.context):
        raise ValueError(f"In '{text[:60]}' stones stand without a liberty; take them off the board.")
    return row


def read_field(name: str, value: str, points: str, domain: Domain) -> dict[str, int]:
    """One field of a position as `pack` takes it. ValueError in one sentence."""
    if name == "to" and value.lower() in SIDES:
        return {"to_move": SIDES.index(value.lower())}
    if name == "komi":
        return {"komi": read_komi(value)}
    if name == "most" and value.isdigit() and int(value) <= len(points):
        return {"most": int(value)}
    known = {other.lower(): action for action, other in enumerate(domain.action_names)}
    moves = [known.get(move, -1) for move in value.lower().split(",")]
    if name == "last" and len(moves) <= 2 and min(moves) >= 0:
        return dict(zip(("last", "before"), (move + 1 for move in moves)))
    if name == "ko" and len(moves) == 1 and 0 <= moves[0] < len(points) and points[moves[0]] == ".":
        return {"ko": moves[0] + 1}
    raise ValueError(f"'{name}={value[:20]}' says nothing about a position of {domain.name}; after the rows give {FIELDS}.")


def draw_text(state: np.ndarray, domain: Domain) -> str:
    """The board with coordinates, the last move in brackets, and who is to move."""
    points, fields = unpack(state, domain)
    height, width = (int(number) for number in domain.context[2][HEIGHT : WIDTH + 1])
    names = (*domain.action_names, "none")
    lines = ["   " + " ".join(LETTERS[:width])]
    for row in range(height):
        signs = " " + " ".join(".XO"[point] for point in points[row * width : (row + 1) * width]) + " "
        if fields["last"] and (fields["last"] - 1) // width == row:
            place = 2 * ((fields["last"] - 1) % width)
            signs = f"{signs[:place]}({signs[place + 1]}){signs[place + 3 :]}"
        lines.append(f"{height - row:2}{signs.rstrip()}")
    over = fields["last"] == fields["before"] == len(points) + 1
    words = ["The game is over" if over else f"{SIDES[fields['to_move']].capitalize()} ({'XO'[fields['to_move']]}) to move"]
    words += [f"{word} {names[fields[name] - 1]}" for word, name in (("last move", "last"), ("ko at", "ko")) if fields[name]]
    return "\n".join([*lines, ", ".join([*words, f"komi {fields['komi'] / 2:g}"])])


def draw_picture(
    state: np.ndarray, domain: Domain, *, policy: np.ndarray | None = None, value: float | None = None,
    numbers: Mapping[int, int] | None = None,
) -> Picture:  # fmt: skip
    """The board as a picture, which a notebook shows: `svg()` is text, `pixels()` uint8 [H, W, 3].

    policy: weights of all actions, [A], as a heat map. value: from -1 to 1 for the player to move, as a bar of both sides' chances.
    numbers: what to write on stones, by action, such as the numbers of their moves. ValueError in one sentence.
    """
    if policy is not None and (np.shape(policy) != (domain.num_actions,) or not np.all(np.isfinite(policy)) or np.min(policy) < 0):
        raise ValueError(f"A policy of {domain.name} has {domain.num_actions} finite weights of at least 0; {np.shape(policy)} was given.")
    if value is not None and not -1 <= value <= 1:
        raise ValueError(f"The value {value} is not from -1 to 1, lost to won for the player to move.")
    points, fields = unpack(state, domain)
    height, width = (int(number) for number in domain.context[2][HEIGHT : WIDTH + 1])
    chances = None if value is None else (1 + (-value if fields["to_move"] else value)) / 2
    last, ko = (fields[name] - 1 if 0 < fields[name] <= len(points) else None for name in ("last", "ko"))
    return draw_board(
        points, height, width, title=format_position(state, domain), last=last, ko=ko, numbers=numbers, policy=policy, black_share=chances
    )
