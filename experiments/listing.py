"""`astarzero list`: what there is, one line each."""

import dataclasses
from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from astarzero.envs import WORLDS, find_world
from astarzero.experiments.arenas import ARENAS
from astarzero.experiments.players import PLAYERS
from astarzero.experiments.regimes import NETS, REGIMES, knob_name
from astarzero.experiments.train import LEARNERS
from astarzero.search import SEARCHES
from astarzero.search.dial import PRESETS, Dial


def listing() -> int:
    """Worlds, searches, presets of the dial, contest worlds, the contest's nets, learners and regimes, one line each."""
    heads = {net: " beside ".join(" and ".join(part) for part in parts) for net, parts in NETS.items()}
    knobs = [", ".join(knob_name(knob) for knob in regime.knobs if knob) or "no knob" for regime in REGIMES]
    sections: dict[str, list[tuple[str, str]]] = {
        "worlds": [(name, first_line(find_world(name))) for name in WORLDS],
        "searches": [(search.name, f"{search.about} (reads {' and '.join(search.heads) or 'nothing'})") for search in SEARCHES.values()],
        "presets of the dial": [(name, settings(dial)) for name, dial in PRESETS.items()],
        "contest worlds": [(arena.name, arena.about) for arena in ARENAS.values()],
        "contest nets": [(net, f"trained on {words}") for net, words in heads.items()],
        "learners": list(LEARNERS.items()),
        "players": [(kind.pattern, kind.about) for kind in PLAYERS.values()],
        "regimes": [(f"{regime.arm} ({regime.side})", f"{regime.search}: {words}") for regime, words in zip(REGIMES, knobs, strict=True)],
    }
    console = Console()
    for title, rows in sections.items():
        console.print(section(title, rows), highlight=False)
    return 0


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
