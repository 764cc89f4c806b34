"""`astarzero fuzz`: random games of a world against other implementations of its rules, position by position.

Compared in each position: the set of legal actions, the stones, and the area score. Games lean to captures, since
ko, superko and suicide begin there; boards are mostly small, where positions come back. The first difference ends it.
"""

import json as json_lines
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from astarzero.envs import make
from astarzero.envs.domain import Domain
from astarzero.envs.go import KO_RULES, draw_text, start, unpack
from astarzero.envs.go_peers import PEERS, Peer
from astarzero.envs.line import Line

SIZES = ("1x1", "1x2", "1x3", "1x5", "2x2", "2x3", "3x3", "3x4", "4x4", "5x5", "5x7", "7x7", "8x8", "9x9", "11x11", "13x13", "19x19")
WEIGHTS = (1, 2, 3, 3, 4, 8, 16, 8, 16, 16, 4, 4, 2, 1, 0.3, 0.2, 0.1)  # how often a game is on each
GREED, RESIGNATION = 0.5, 0.08  # how often a capture is preferred, and a pass drawn


@dataclass
class Tally:
    """What a fuzz met. A ban is a move forbidden by superko alone, counted in each position; captures and suicides are those played."""

    games: int = 0
    positions: int = 0
    superko_bans: int = 0
    captures: int = 0
    multi_stone_captures: int = 0
    suicides: int = 0
    multi_stone_suicides: int = 0
    compared: dict[str, int] = field(default_factory=dict)  # positions by peer


class DifferenceError(Exception):
    """Two implementations disagree; the message says where and draws the position."""


def fuzz(
    world: str,
    *,
    positions: int = 10_000,
    size: str | None = None,
    ko: str | None = None,
    suicide: bool | None = None,
    against: tuple[str, ...] = ("reference", "gnugo"),
    seed: int = 0,
    json: bool = False,
) -> int:
    """Compare a world's rules with other implementations of them, in positions of random games.

    Exit status: 0 when all agree, 1 at a difference (the position is printed), 2 on bad input.

    Parameters
    ----------
    world
        go; the other worlds are checked by enumeration.
    positions
        How many to compare; every peer that has the rules of a game sees all of its positions.
    size
        One board size, such as 9 or 3x4; default: many, mostly small.
    ko
        simple, positional or situational; default: all in turn.
    suicide
        Allowed or not; default: both.
    against
        reference (slow Python), gnugo (the program), openspiel, pettingzoo (when they are installed); may be repeated.
    seed
        Of the games.
    json
        One JSON object on standard output, and nothing else there.
    """
    if world != "go":
        raise ValueError(f"World '{world}' has no other implementation to be compared with; give go.")
    if positions < 1:
        raise ValueError(f"{positions} positions were asked for; give at least 1.")
    if not against:
        raise ValueError(f"There is nothing to compare with; give --against one of {', '.join(PEERS)}.")
    for name in against:
        if name not in PEERS:
            raise ValueError(f"Peer '{name}' is not known: give some of {', '.join(PEERS)}.")
    sizes, kos = SIZES if size is None else (size,), KO_RULES if ko is None else (ko,)
    suicides = (False, True) if suicide is None else (suicide,)
    first = make("go", size=sizes[0], ko=kos[0], suicide=suicides[0])
    peers, console, tally, clock = [PEERS[name]() for name in against], Console(stderr=json), Tally(), time.process_time()
    agreed = run(fuzz_games(random_worlds(sizes, kos, suicides, seed), peers, positions, seed, tally), positions, tally, console)
    for peer in peers:
        peer.close()
        if peer.name not in tally.compared:
            console.print(f"{peer.name}: not compared, since {peer.refusal(first) or 'no game had rules that it has'}.")
    if json:
        sys.stdout.write(json_lines.dumps(asdict(tally)) + "\n")
    else:
        for name, count in asdict(tally).items():
            words = ", ".join(f"{peer} {number:,}" for peer, number in count.items()) if isinstance(count, dict) else f"{count:,}"
            console.print(f"{name.replace('_', ' '):22}{words}", highlight=False)
        console.print(f"{'CPU seconds':22}{time.process_time() - clock:,.1f}, and what runs outside", highlight=False)
    return 0 if agreed and tally.compared else 1


def run(games: Iterator[None], positions: int, tally: Tally, console: Console) -> bool:
    """Go through all positions, with a progress bar: do all agree? False too after Ctrl-C."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, refresh_per_second=4) as progress:
        task = progress.add_task("positions", total=positions)
        try:
            for _ in games:
                progress.update(task, completed=tally.positions)
        except DifferenceError as difference:
            console.print(str(difference), highlight=False, markup=False)
            return False
        except KeyboardInterrupt:
            console.print("Interrupted; until then all agreed.")
            return False
    return True


def random_worlds(sizes: Sequence[str], kos: Sequence[str], suicides: Sequence[bool], seed: int) -> Iterator[Domain]:
    """Go with random settings, for ever."""
    rng = np.random.default_rng(seed)
    weights = np.array([WEIGHTS[SIZES.index(size)] if size in SIZES else 1.0 for size in sizes])
    while True:
        size = sizes[rng.choice(len(sizes), p=weights / weights.sum())]
        komi = float(rng.integers(-20, 21)) / 2
        ko, suicide = kos[int(rng.integers(len(kos)))], suicides[int(rng.integers(len(suicides)))]
        yield make("go", size=size, ko=ko, suicide=suicide, komi=komi)


def fuzz_games(worlds: Iterator[Domain], peers: Sequence[Peer], positions: int, seed: int, tally: Tally) -> Iterator[None]:
    """Play games, one yield a position, until so many were compared. DifferenceError at the first disagreement."""
    rng = np.random.default_rng(seed)
    for domain in worlds:
        playing = [peer for peer in peers if not peer.refusal(domain)]
        line, cells = Line(domain, start(domain)), domain.num_actions - 1
        for peer in playing:
            peer.begin(domain)
        tally.games += 1
        for _ in range(4 * cells + 8):
            legal, options = line.action_mask(), Options(line.state, domain)
            for peer in playing:
                if compare(line, legal, options.suicides(), peer):
                    tally.compared[peer.name] = tally.compared.get(peer.name, 0) + 1
            tally.positions += 1
            tally.superko_bans += len(options.actions) - int(legal.sum())
            yield
            if tally.positions >= positions:
                return
            if line.over:
                break
            action = choose(legal, options, rng)
            options.note(action, tally)
            line.play(action)
            for peer in playing:
                peer.play(action)


class Options:
    """The moves of one row, superko apart, and the stones they take: arrays over moves."""

    def __init__(self, state: np.ndarray, domain: Domain) -> None:
        rows, self.actions, _ = domain.successors(state)
        words, mover = domain.context[0].ndim, int(state[-2]) & 1
        counts = np.bitwise_count(np.concatenate([state[None], rows])[:, : 2 * words]).astype(int).reshape(-1, 2, words).sum(2)
        self.num_actions, is_play = domain.num_actions, self.actions < domain.num_actions - 1
        self.taken = counts[0, 1 - mover] - counts[1:, 1 - mover]  # enemy stones
        self.lost = counts[0, mover] + is_play - counts[1:, mover]  # own stones, the one played included

    def suicides(self) -> np.ndarray:
        """bool [A]."""
        mask = np.zeros(self.num_actions, np.bool_)
        mask[self.actions[self.lost > 0]] = True
        return mask

    def note(self, action: int, tally: Tally) -> None:
        """Count what a move does that is played."""
        (move,) = np.flatnonzero(self.actions == action)
        tally.captures += int(self.taken[move] > 0)
        tally.multi_stone_captures += int(self.taken[move] > 1)
        tally.suicides += int(self.lost[move] > 0)
        tally.multi_stone_suicides += int(self.lost[move] > 1)


def choose(legal: np.ndarray, options: Options, rng: np.random.Generator) -> int:
    """A random legal action: seldom the pass, often one that takes stones off."""
    plays = options.actions[legal[options.actions] & (options.actions < len(legal) - 1)]
    if len(plays) == 0 or rng.random() < RESIGNATION:
        return len(legal) - 1
    sharp = options.actions[legal[options.actions] & (options.taken + options.lost > 0)]
    return int(rng.choice(sharp if len(sharp) and rng.random() < GREED else plays))


def compare(line: Line, legal: np.ndarray, suicides: np.ndarray, peer: Peer) -> bool:
    """Does the peer still play? DifferenceError when it sees this position in another way."""
    domain, answer = line.domain, peer.legal()
    if answer is None:
        return False
    points, fields = unpack(line.state, domain)
    expected = peer.expects(legal, suicides)
    theirs, ours = peer.stones(), "".join(".XO"[point] for point in points)
    lead, margin = peer.lead(), line.margin
    black = (-margin if fields["to_move"] else margin) + fields["komi"] / 2
    if ours != theirs:
        what = f"it has the stones {theirs}"
    elif not np.array_equal(answer, expected):
        alone = [" ".join(domain.action_names[a] for a in np.flatnonzero(mask)) for mask in (answer & ~expected, expected & ~answer)]
        what = f"legal to it alone: {alone[0] or 'none'}; to us alone: {alone[1] or 'none'}"
    elif lead is not None and lead != black:
        what = f"Black's area less White's is {lead} to it and {black:g} to us"
    else:
        return True
    moves = " ".join(domain.action_names[unpack(row, domain)[1]["last"] - 1] for row in line.rows[1:])
    where = f"{draw_text(line.state, domain)}\n{domain.format(line.state)}"
    raise DifferenceError(f"{peer.name} differs from {domain.name} after {moves or 'no move'}: {what}.\n{where}")
