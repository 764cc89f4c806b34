"""`astarzero list`: what there is, one line each."""

import dataclasses
from collections.abc import Iterable, Mapping

from rich.console import Console
from rich.table import Table

from astarzero.envs import WORLDS, find_world
from astarzero.experiments.arenas import ARENAS, BOARDS, Arena, Board
from astarzero.experiments.players import PLAYERS
from astarzero.experiments.regimes import GAME_REGIMES, NETS, REGIMES, Regime, knob_name
from astarzero.experiments.train import LEARNERS
from astarzero.search import SEARCHES
from astarzero.search.dial import PRESETS, Dial


def listing() -> int:
    """Worlds, searches, presets of the dial, contest worlds, the contest's nets, learners and regimes, one line each."""
    heads = {net: " beside ".join(" and ".join(part) for part in parts) for net, parts in NETS.items()}
    worlds: Mapping[str, Arena | Board] = {**ARENAS, **BOARDS}
    sections: dict[str, list[tuple[str, str]]] = {
        "worlds": [(name, first_line(find_world(name))) for name in WORLDS],
        "searches": [(search.name, f"{search.about} (reads {' and '.join(search.heads) or 'nothing'})") for search in SEARCHES.values()],
        "presets of the dial": [(name, settings(dial)) for name, dial in PRESETS.items()],
        "contest worlds": [(name, worlds[name].about) for name in worlds],
        "contest nets": [(net, f"trained on {words}") for net, words in heads.items()],
        "learners": list(LEARNERS.items()),
        "players": [(kind.pattern, kind.about) for kind in PLAYERS.values()],
        "regimes, of puzzles": [regime_line(regime) for regime in REGIMES],
        "regimes, of games": [regime_line(regime) for regime in GAME_REGIMES],
    }
    console = Console()
    for title, rows in sections.items():
        console.print(section(title, rows), highlight=False)
    return 0


def regime_line(regime: Regime) -> tuple[str, str]:
    """An arm with its side; its search with its knobs."""
    knobs = ", ".join(knob_name(knob) for knob in regime.knobs if knob) or "no knob"
    return f"{regime.arm} ({regime.side})", f"{regime.search}: {knobs}"


def settings(dial: Dial) -> str:
    """How a preset differs from A*."""
    plain = dataclasses.asdict(Dial())
    turned = [f"{name} {value}" for name, value in dataclasses.asdict(dial).items() if value != plain[name]]
    return ", ".join(turned) or "every switch as it stands: A*, and in games unbounded best-first minimax"


def first_line(thing: object) -> str:
    return (thing.__doc__ or "").strip().partition("\n")[0]


def section(title: str, rows: Iterable[tuple[str, str]]) -> Table:
    """A titled list of (name, words)."""
    table = Table(title=title, show_header=False, box=None, title_justify="left", title_style="bold")
    for name, words in rows:
        table.add_row(name, words)
    return table
