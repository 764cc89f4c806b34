"""`astarzero audit`: may this h be trusted? The admissibility ledger, the theorems that survive, and what would change them.

Without --evaluator it trains nets on the world's exact labels, one a value loss and a policy, and audits those: the
question is then what the loss changes. Read next: ledger.py (what is measured), audit_enumerable.py (the sections).
"""

import dataclasses
import json as json_text
import math
import shlex
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from astarzero.envs import make
from astarzero.envs.domain import Domain
from astarzero.envs.evaluation import Evaluator
from astarzero.envs.oracles import ExactTable, exact_table
from astarzero.experiments import audit_elsewhere, audit_enumerable
from astarzero.experiments.arenas import ARENAS
from astarzero.experiments.audit_searches import AuditConfig, Record
from astarzero.experiments.audit_tables import print_audit
from astarzero.experiments.contest import header_of, wide_console
from astarzero.experiments.instances import read_instances
from astarzero.experiments.results import Shard
from astarzero.experiments.solve import make_domain, make_evaluator
from astarzero.search import from_heuristic

VALIDATION = 0.1  # share of the problems that training is stopped by


def audit(
    world: str,
    *,
    evaluator: tuple[str, ...] = (),
    size: str | None = None,
    goal: str | None = None,
    rule: str | None = None,
    target: int | None = None,
    option: tuple[str, ...] = (),
    instances: Path | None = None,
    problems: int = 0,
    alpha: float = 0.05,
    calibration: int = 1000,
    level: float = 0.05,
    states: int = 4000,
    steps: int = 600,
    judged: int = 200,
    max_expansions: int = 0,
    solver_expansions: int = 1_000_000,
    seed: int = 0,
    device: str = "cpu",
    json: bool = False,
    out: Path | None = None,
) -> int:
    """Audit an estimate of cost, or a policy: how often is h above the truth, and which guarantees are left?

    A world that can be enumerated is judged at every state; without --evaluator nets are trained for it first (two minutes or
    less). Elsewhere the states that A* popped are judged by a solver.

    Exit status: 0 when every theorem held, 1 when a search broke one (the code is then wrong), 2 on bad input.

    Parameters
    ----------
    world
        A contest world or a world from `astarzero list`, or your own as file.py or package.module.
    evaluator
        net:FILE.safetensors, or a heuristic of the world; may be repeated.
    size
        Board or problem size: 4, 3x4 (tiles), 2 to 6 (numbers).
    goal
        Tiles: blank-first or blank-last.
    rule
        Numbers: rational, integer or positive.
    target
        Numbers: what to reach.
    option
        Any other option of the world, as name=value; may be repeated.
    instances
        A CSV file of problems for a world that cannot be enumerated; default: random ones.
    problems
        Random problems that searches are run on; 0: 200 where every state is solved exactly, else 20.
    alpha
        The share of overestimates that a conformal margin allows.
    calibration
        States the margin is calibrated on.
    level
        The share of overestimates that the quantile and asymmetric losses aim at.
    states
        Labelled states that the nets learn from.
    steps
        Optimiser steps a net at most.
    judged
        Popped states whose true cost is looked up, in a world that cannot be enumerated.
    max_expansions
        Limit of a search with the audited h; 0: none where every state is solved exactly, else 10,000.
    solver_expansions
        Limit of one look-up of a true cost.
    seed
        Of labels, nets, calibration and problems.
    device
        auto, cpu or cuda, for nets.
    json
        One JSON object a line on standard output, and nothing else there.
    out
        Folder for audit.jsonl and the pictures, which are replaced.
    """
    config = AuditConfig(
        problems=problems, alpha=alpha, calibration=calibration, level=level, states=states, steps=steps, judged=judged,
        max_expansions=max_expansions, solver_expansions=solver_expansions, seed=seed, device=device,
    )  # fmt: skip
    domain, roots = world_of(world, option, size=size, goal=goal, rule=rule, target=target)
    if roots is None and not evaluator:
        raise ValueError(
            f"{domain.name} has no instance set 'all' to learn exact labels from, so no net is trained for it here; "
            "give --evaluator net:FILE.safetensors or one of its heuristics."
        )
    if roots is not None and instances is not None:
        raise ValueError(f"{domain.name} is judged at every state, so --instances has no place; leave it out.")
    judges = {Path(text.removeprefix("net:")).stem: named_judge(domain, text, device) for text in evaluator}
    given = [row.state for row in read_instances(domain, instances)] if instances is not None else None
    records: list[Record] = []
    with Console(stderr=True).status("solving every state" if roots is not None else "auditing") as status:
        if roots is not None:
            stream = audit_enumerated(exact_table(domain, roots()), judges, config, status.update)
        else:
            drawn = given or random_problems(domain, config)
            stream = audit_elsewhere.audit_sampled(domain, drawn, judges, config, status.update)
        for record in stream:
            records.append(as_json({"world": domain.name, "seed": seed, **record}))
            if json:
                sys.stdout.write(json_text.dumps(records[-1]) + "\n")
    if not json:
        print_audit(records, wide_console())
    if out is not None:
        write(out, records, header_of(shlex.join(["astarzero", *sys.argv[1:]]), seed, {"world": world, **dataclasses.asdict(config)}))
    return 1 if any(record.get("violations") or record.get("own_violations") for record in records) else 0


def world_of(world: str, option: tuple[str, ...], **named: Any) -> tuple[Domain, Callable[[], np.ndarray] | None]:
    """The domain, and the roots whose closure is every state of it, None when it lists none. A contest world takes no options."""
    if world in ARENAS:
        given = [f"--{name}" for name, value in {**named, "option": option or None}.items() if value is not None]
        if given:
            raise ValueError(f"World '{world}' has its options built in, so it takes no {given[0]}; name the world itself, as in sliding.")
        domain = make(ARENAS[world].world, **ARENAS[world].options)
        if domain.players != 1:
            raise ValueError(f"World '{world}' is a game of two, and what is audited is a heuristic, an estimate of costs; give a puzzle.")
        return domain, domain.instance_sets[ARENAS[world].instances]
    domain = make_domain(world, option, **named)
    return domain, domain.instance_sets.get("all")


def named_judge(domain: Domain, text: str, device: str) -> Evaluator:
    """What one --evaluator names."""
    return from_heuristic(domain, text) if text in domain.heuristics else make_evaluator(domain, text, None, device)


def random_problems(domain: Domain, config: AuditConfig) -> list[np.ndarray]:
    rng = np.random.default_rng((config.seed, 1))
    return [domain.random_state(rng) for _ in range(config.problems or audit_elsewhere.PROBLEMS)]


def audit_enumerated(
    table: ExactTable, judges: Mapping[str, Evaluator], config: AuditConfig, say: Callable[[str], None]
) -> Iterable[Record]:
    """The audit of a solved world, nets trained first when no judge is given."""
    labelled = np.zeros(0, np.int64)
    if not judges:
        judges, labelled = train_judges(table, config, say)
    return audit_enumerable.audit_everything(audit_enumerable.prepare(table, labelled, config), judges, say)


def train_judges(table: ExactTable, config: AuditConfig, say: Callable[[str], None]) -> tuple[dict[str, Evaluator], np.ndarray]:
    """One net a value loss, alike in all else, and a policy; and the indices of the states whose labels they saw."""
    from astarzero.nets.evaluator import net_evaluator
    from astarzero.training.imitation import ImitationConfig, imitate
    from astarzero.training.labels import LABELS, sample_states
    from astarzero.training.targets import LOSSES

    rng = np.random.default_rng(config.seed)
    usable = rng.permutation(np.flatnonzero(np.isfinite(table.cost_to_go) & ~table.graph.goal))
    held_out, roots = np.split(usable, [math.ceil(VALIDATION * len(usable))])
    train = LABELS["full"](table, sample_states(table, roots, config.states, rng), rng)
    validation = LABELS["full"](table, sample_states(table, held_out, max(200, config.states // 8), rng), rng, train.dead_cost)
    judges: dict[str, Evaluator] = {}
    wanted: dict[str, dict[str, Any]] = {f"V {loss}": {"value_loss": loss, "value_level": config.level} for loss in LOSSES}
    wanted["policy"] = {"heads": ("prior",)}
    for name, settings in wanted.items():
        say(f"training {name}")
        trained = imitate(
            table.domain, train, validation, ImitationConfig(steps=config.steps, seed=config.seed, device=config.device, **settings)
        )
        judges[name] = net_evaluator(trained.net, table.domain, trained.config.heads, trained.temperature, config.device, name)
    return judges, table.graph.index(np.unique(np.concatenate([train.value_states, validation.value_states]), axis=0))


def as_json(thing: Any) -> Any:
    """Numbers that JSON lacks, infinity and nan, as None."""
    if isinstance(thing, dict):
        return {name: as_json(value) for name, value in thing.items()}
    if isinstance(thing, list):
        return [as_json(value) for value in thing]
    return None if isinstance(thing, float) and not math.isfinite(thing) else thing


def write(directory: Path, records: list[Record], header: Record) -> None:
    """audit.jsonl, its first line the header, and a PNG a picture."""
    from astarzero.experiments.audit_figures import audit_figures
    from astarzero.experiments.report import png

    path = directory / "audit.jsonl"
    path.unlink(missing_ok=True)
    with Shard(path, header) as shard:
        for record in records:
            shard.append(record)
    for figure in audit_figures(records):
        (directory / f"{figure.name}.png").write_bytes(png(figure))
