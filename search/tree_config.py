"""How a tree is searched: the options of forest.py and mcts.py, each a line."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from astarzero.envs.domain import Domain
from astarzero.envs.line import expand_in_line
from astarzero.search.orderings import no, yes
from astarzero.search.selection import RULES

from astarzero.search.tree import (  # isort: skip
    C, C_BASE, C_SCALE, C_VISIT, CONSIDERED, DISCOUNT, FPU_SHARE, FPU_SHIFT, NUMBERS, TEMPERATURE, VIRTUAL_LOSS,
)  # fmt: skip
from astarzero.search.tree_backup import carry_best, carry_graph, carry_mean
from astarzero.search.tree_expand import list_legal_moves, list_successors

BACKUPS = {"mean": carry_mean, "best": carry_best}
DUPLICATES = ("keep", "drop", "merge")


@dataclass(frozen=True)
class TreeConfig:
    """How a tree is searched.

    rule: of RULES (selection.py).
    c: weight of exploration; None for the rule's own default.
    c_base: when above 0, c grows by log((1 + N + c_base) / c_base), as in AlphaZero (19652).
    temperature: divides the prior's logits.
    fpu: what an edge counts that was never taken: "parent" for its node's value less `fpu_reduction`, or a number.
    fpu_reduction: see fpu.
    backup: "mean" of all returns, or "best" edge so far.
    duplicates: "keep" (a tree); "drop" (one player: no edge to a state that was met at no higher cost); "merge" (edges to
        equal states share a node; with superko only when the same moves are legal); None for the world's default:
        drop for one player, keep for two.
    leaves: how many leaves of one tree may wait for the evaluator at a time.
    virtual_loss: 0..1, how far a descent under way counts as lost for those after it.
    prove: carry proven wins and losses up (two players, unless merged).
    considered: how many actions Gumbel's root tries at first.
    c_visit, c_scale: Gumbel's weight of q against the prior.
    gumbel_scale: of Gumbel's noise at the root: 1 samples without replacement, 0 takes the likeliest.
    noise: share of Dirichlet noise in the root's prior.
    noise_alpha: its concentration; None for 10 / number of legal moves.
    """

    rule: str = "puct"
    c: float | None = None
    c_base: float = 0.0
    temperature: float = 1.0
    fpu: str | float = "parent"
    fpu_reduction: float = 0.0
    backup: str = "mean"
    duplicates: str | None = None
    leaves: int = 1
    virtual_loss: float = 1.0
    prove: bool = True
    considered: int = 16
    c_visit: float = 50.0
    c_scale: float = 0.1
    gumbel_scale: float = 1.0
    noise: float = 0.0
    noise_alpha: float | None = None

    def __post_init__(self) -> None:
        for name, allowed, rule in (
            ("rule", self.rule in RULES, f"one of {', '.join(RULES)}"),
            ("c", self.c is None or 0 <= self.c < math.inf, "at least 0 and finite"),
            ("c_base", self.c_base >= 0, "at least 0"),
            ("temperature", 0 < self.temperature < math.inf, "above 0 and finite"),
            ("fpu", self.fpu == "parent" or (not isinstance(self.fpu, str) and math.isfinite(self.fpu)), '"parent" or a finite number'),
            ("fpu_reduction", 0 <= self.fpu_reduction < math.inf, "at least 0 and finite"),
            ("backup", self.backup in BACKUPS, f"one of {', '.join(BACKUPS)}"),
            ("duplicates", self.duplicates in (None, *DUPLICATES), f"one of {', '.join(DUPLICATES)}"),
            ("leaves", self.leaves >= 1, "at least 1"),
            ("virtual_loss", 0 <= self.virtual_loss <= 1, "from 0 to 1"),
            ("considered", self.considered >= 1, "at least 1"),
            ("c_visit", 0 <= self.c_visit < math.inf, "at least 0 and finite"),
            ("c_scale", 0 <= self.c_scale < math.inf, "at least 0 and finite"),
            ("gumbel_scale", 0 <= self.gumbel_scale < math.inf, "at least 0 and finite"),
            ("noise", 0 <= self.noise <= 1, "from 0 to 1"),
            ("noise_alpha", self.noise_alpha is None or self.noise_alpha > 0, "above 0"),
        ):
            if not allowed:
                raise ValueError(f"Option {name} is {getattr(self, name)}, but it must be {rule}.")

    def duplicates_in(self, domain: Domain) -> str:
        """What becomes of duplicates in this world. ValueError for a choice that is not for it."""
        two = domain.discount < 0
        if two and self.duplicates == "drop":
            raise ValueError('Option duplicates is "drop", but that is for one player; give "keep" or "merge".')
        return self.duplicates or ("keep" if two else "drop")

    def hooks(self, domain: Domain) -> dict[str, Any]:
        """The rules of this search in this world, by the hooks of tree.py."""
        two, duplicates, rule, switch = domain.discount < 0, self.duplicates_in(domain), RULES[self.rule], {True: yes, False: no}
        return {
            "choose_edge": rule.choose, "choose_at_root": rule.at_root or rule.choose,
            "list_edges": list_legal_moves if two else list_successors, "list_moves": domain.list_moves or expand_in_line,
            "carry": carry_graph if duplicates == "merge" else BACKUPS[self.backup],
            "two_players": switch[two], "drops_duplicates": switch[duplicates == "drop"],
            "merges_duplicates": switch[duplicates == "merge"], "keeps_line": switch[domain.keeps_history],
            "counts_flying": switch[self.leaves > 1], "proves": switch[two and self.prove and duplicates != "merge"],
        }  # fmt: skip

    def numbers(self, domain: Domain) -> np.ndarray:
        """The numbers that kernels read: float64 [NUMBERS]."""
        numbers = np.zeros(NUMBERS)
        numbers[C] = RULES[self.rule].c if self.c is None else self.c
        numbers[C_BASE], numbers[TEMPERATURE], numbers[VIRTUAL_LOSS] = self.c_base, self.temperature, self.virtual_loss
        numbers[FPU_SHARE] = self.fpu == "parent"
        numbers[FPU_SHIFT] = -self.fpu_reduction if isinstance(self.fpu, str) else self.fpu
        numbers[DISCOUNT], numbers[CONSIDERED] = domain.discount, self.considered
        numbers[C_VISIT], numbers[C_SCALE] = self.c_visit, self.c_scale
        return numbers
