"""`astarzero list`: what there is, one line each."""

from rich.console import Console
from rich.table import Table

from astarzero.envs import WORLDS, find_world
from astarzero.experiments.arenas import ARENAS
from astarzero.experiments.regimes import REGIMES, knob_name
from astarzero.search import SEARCHES


def listing() -> int:
    """Worlds, searches, contest worlds, nets and regimes, one line each."""
    console = Console()
    section(console, "worlds", ((name, first_line(find_world(name))) for name in WORLDS))
    section(
        console,
        "searches",
        ((search.name, f"{search.about} [reads {' and '.join(search.heads) or 'nothing'}]") for search in SEARCHES.values()),
    )
    section(console, "contest worlds", ((arena.name, arena.about) for arena in ARENAS.values()))
    section(
        console,
        "regimes",
        ((f"{r.arm} ({r.side})", f"{r.search}: {', '.join(knob_name(k) for k in r.knobs if k) or 'no knob'}") for r in REGIMES),
    )
    return 0


def first_line(thing: object) -> str:
    return (thing.__doc__ or "").strip().partition("\n")[0]


def section(console: Console, title: str, rows: object) -> None:
    """A titled list of (name, words)."""
    table = Table(title=title, show_header=False, box=None, title_justify="left", title_style="bold")
    for name, words in rows:  # type: ignore[attr-defined]
        table.add_row(name, words)
    console.print(table, highlight=False)
