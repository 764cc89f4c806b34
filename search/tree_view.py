"""A tree of a forest to look at: `summary` in words, `principal_variation`, `to_json`, and `to_graphviz` for a picture.

All call a statistic by the name it has in tree.py: visits, value, prior, q, cost, status. A node's value is for the player to move
there, an edge's q for the player who takes it; what is not known, and q of an edge that no rule takes, is None.

Read first: tree.py. Read next: forest_file.py (a forest kept for later).
"""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from astarzero.search.forest import Forest

from astarzero.search.tree import (  # isort: skip
    DEPTH, EDGES, LINE, LOST, NODES, NONE, ROOT, SIMULATIONS, SOLVED_TREE, STATE, WAITING,
)  # fmt: skip

STATUSES = ("open", "waiting", "won", "drawn", "lost", "dead")  # of a node, in the order of tree.OPEN .. DEAD
COLOURS = {"open": "white", "waiting": "lightgrey", "won": "palegreen", "drawn": "lightyellow", "lost": "mistyrose", "dead": "grey"}
DRAWN_DEPTH, DRAWN_VISITS, WIDEST_LINE = 4, 1, 6.0  # of a picture: levels below the root; visits an edge has at least; points


@dataclass(frozen=True)
class Summary:
    """What a tree found. `moves` are records of `edges_of` for the root's most visited edges, best first."""

    domain: str
    to_move: str  # a name of Domain.sides, "" for one player
    status: str  # of the search: a word of result.Status
    simulations: int
    nodes: int
    edges: int
    depth: int  # of the deepest node below the root
    visits: int  # of the root
    value: float  # of the root, for the player to move; nan while it is not judged
    variation: tuple[str, ...]  # names of the principal variation's actions
    moves: tuple[dict[str, Any], ...]

    def __str__(self) -> str:
        whose = f", {self.to_move} to move" if self.to_move else ""
        lines = [
            f"{self.domain}{whose}: {self.status} after {self.simulations} simulations, value {self.value:+.3f}",
            f"{self.nodes} nodes, {self.edges} edges, depth {self.depth}; {' '.join(self.variation) or 'no move tried yet'}",
        ]
        width = max((len(move["name"]) for move in self.moves), default=0)
        for move in self.moves:
            q = f"{move['q']:+.3f}" if move["q"] is not None else "     -"
            lines.append(
                f"  {move['name']:<{width}}  {move['visits']:>7} visits  q {q}  prior {move['prior']:.3f}  {move['status']}".rstrip()
            )
        return "\n".join(lines)


def summary(forest: Forest, tree: int = 0, moves: int = 8) -> Summary:
    """Sizes, the root's value, its `moves` best moves, and what both sides are expected to play."""
    check_tree(forest, tree)
    counts, depths = forest.arrays["counts"][tree], depths_of(forest, tree)
    unseen = {"visits": 0, "value": None, "to_move": side_of(forest, tree, ROOT, 0)}
    root: dict[str, Any] = node_of(forest, tree, ROOT, 0) if depths else unseen
    best = [record_of(forest, tree, ROOT, edge) for edge in ranked(forest, tree, ROOT)] if depths else []
    names = forest.domain.action_names
    return Summary(
        forest.domain.name, root["to_move"] or "", str(forest.status(tree)), int(counts[SIMULATIONS]), int(counts[NODES]),
        int(counts[EDGES]), max(depths.values(), default=0), root["visits"], math.nan if root["value"] is None else root["value"],
        tuple(names[action] for action in principal_variation(forest, tree)), tuple(best[:moves]),
    )  # fmt: skip


def principal_variation(forest: Forest, tree: int = 0) -> tuple[int, ...]:
    """The actions that are liked best from the root on: the plan that was found, or at each node a proven win, else the most visited edge,
    as far as there are any. In a merged tree it stops where it would come back to a node."""
    check_tree(forest, tree)
    counts = forest.arrays["counts"][tree]
    if counts[STATE] == SOLVED_TREE and not forest.two_players:
        return tuple(int(action) for action in forest.arrays["plan"][tree, : counts[DEPTH]])
    edges, actions, node, met = forest.arrays["edges"][tree], [], ROOT, set()
    while counts[NODES] and node != NONE and node not in met:
        met.add(node)
        best = ranked(forest, tree, node)[:1]
        if not len(best) or edges[best[0]]["visits"] == 0:
            break
        actions.append(int(edges[best[0]]["action"]))
        node = int(edges[best[0]]["child"])
    return tuple(actions)


def to_json(forest: Forest, tree: int = 0, *, depth: int | None = None, least_visits: int = 0) -> str:
    """The tree as one JSON object, down to `depth` and with edges of at least `least_visits` (0: those never taken too).

    {"domain", "players", "status", "simulations", "nodes": [...], "edges": [...]}; of a node: node, depth, to_move, visits, value, own,
    status, state (as Domain.format writes it); of an edge: parent, child, action, name, visits, q, prior, cost, status.
    """
    nodes, edges = part_of(forest, tree, depth, least_visits)
    whole = {
        "domain": forest.domain.name, "players": forest.domain.players, "status": str(forest.status(tree)),
        "simulations": int(forest.arrays["counts"][tree, SIMULATIONS]), "nodes": nodes, "edges": edges,
    }  # fmt: skip
    return json.dumps(whole, allow_nan=False)


def to_graphviz(forest: Forest, tree: int = 0, *, depth: int | None = DRAWN_DEPTH, least_visits: int = DRAWN_VISITS) -> str:
    """The tree in the DOT language: `dot -Tsvg`. Lines are as thick as their share of visits; states show where the mouse points."""
    nodes, edges = part_of(forest, tree, depth, max(1, least_visits))
    lines = ["digraph tree {", "  node [shape=box, style=filled, fontname=Helvetica];", "  edge [fontname=Helvetica];"]
    for node in nodes:
        value = "" if node["value"] is None else f"{node['value']:+.3f}"
        words = [part for part in (node["to_move"], value, f"{node['visits']} visits", node["status"]) if part and part != "open"]
        colour = COLOURS[node["status"]]
        lines.append(f"  n{node['node']} [label={quoted(*words)}, fillcolor={colour}, tooltip={quoted(node['state'])}];")
    most = max((edge["visits"] for edge in edges), default=1)
    for edge in edges:
        if edge["child"] is not None:
            q = edge["status"] if edge["q"] is None else f"q {edge['q']:+.3f}"
            label = quoted(edge["name"], f"{edge['visits']} visits", q, f"prior {edge['prior']:.3f}")
            width = max(1.0, WIDEST_LINE * edge["visits"] / most)
            lines.append(f"  n{edge['parent']} -> n{edge['child']} [label={label}, penwidth={width:.2f}];")
    return "\n".join([*lines, "}", ""])


def quoted(*words: str) -> str:
    """Lines of a label as DOT wants them."""
    return '"' + "\\n".join(word.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") for word in words) + '"'


# --- records of nodes and edges ---------------------------------------------------------------------------------------------------------


def check_tree(forest: Forest, tree: int) -> None:
    trees = len(forest.arrays["counts"])
    if not 0 <= tree < trees:
        raise ValueError(f"Tree {tree} was asked for, but this forest has {trees}; give a number from 0 to {trees - 1}.")


def part_of(forest: Forest, tree: int, depth: int | None, least_visits: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """(nodes, edges) that can be reached from the root within `depth` by edges of at least `least_visits`."""
    check_tree(forest, tree)
    depths = depths_of(forest, tree, depth, least_visits)
    nodes = [node_of(forest, tree, node, level) for node, level in depths.items()]
    edges = [record_of(forest, tree, node, edge) for node in depths for edge in edges_of(forest, tree, node, least_visits)]
    for edge in edges:
        if edge["child"] not in depths:
            edge["child"] = None
    return nodes, edges


def depths_of(forest: Forest, tree: int, depth: int | None = None, least_visits: int = 0) -> dict[int, int]:
    """Every node of that part with the least number of actions that lead to it, breadth first."""
    children = forest.arrays["edges"][tree]["child"]
    depths = {ROOT: 0} if forest.arrays["counts"][tree, NODES] else {}
    queue = list(depths)
    for node in queue:  # which grows
        if depth is None or depths[node] < depth:
            for edge in edges_of(forest, tree, node, least_visits):
                child = int(children[edge])
                if child != NONE and child not in depths:
                    depths[child] = depths[node] + 1
                    queue.append(child)
    return depths


def edges_of(forest: Forest, tree: int, node: int, least_visits: int = 0) -> Iterator[int]:
    """Numbers of a node's edges, in their order."""
    place = forest.edges(tree, node)
    visits = forest.arrays["edges"][tree, place]["visits"]
    return (place.start + int(number) for number in np.flatnonzero(visits >= least_visits))


def ranked(forest: Forest, tree: int, node: int) -> np.ndarray:
    """Numbers of a node's edges, best first: those that prove a win, then by visits and q, at last those that are closed."""
    place, nodes = forest.edges(tree, node), forest.arrays["nodes"][tree]
    edges = forest.arrays["edges"][tree, place]
    winning = (edges["child"] != NONE) & (nodes["status"][edges["child"]] == LOST)
    order = np.lexsort((edges["prior"], edges["q"], edges["visits"], edges["q"] > -np.inf, winning))
    return place.start + order[::-1]


def node_of(forest: Forest, tree: int, node: int, depth: int) -> dict[str, Any]:
    record = forest.arrays["nodes"][tree, node]
    judged = record["status"] != WAITING
    return {
        "node": node, "depth": depth, "to_move": side_of(forest, tree, node, depth), "visits": max(0, int(record["visits"])),
        "value": float(record["value"]) if judged else None, "own": float(record["own"]) if judged else None,
        "status": STATUSES[record["status"]], "state": forest.domain.format(forest.arrays["states"][tree, node]),
    }  # fmt: skip


def record_of(forest: Forest, tree: int, parent: int, edge: int) -> dict[str, Any]:
    """status: "" for an edge that may be taken, else what its end means for the player who takes it, or "closed" (a loss or a dead end)."""
    record = forest.arrays["edges"][tree, edge]
    child = None if record["child"] == NONE else int(record["child"])
    closed, tried = bool(record["q"] == -np.inf), bool(record["visits"] > 0)
    ending = STATUSES[forest.arrays["nodes"][tree, child]["status"]] if child is not None else "open"
    status = "closed" if closed else {"lost": "won", "drawn": "drawn"}.get(ending, "")
    return {
        "parent": parent, "child": child, "action": int(record["action"]), "name": forest.domain.action_names[record["action"]],
        "visits": int(record["visits"]), "q": float(record["q"]) if tried and not closed else None, "prior": float(record["prior"]),
        "cost": float(record["cost"]), "status": status,
    }  # fmt: skip


def side_of(forest: Forest, tree: int, node: int, depth: int) -> str | None:
    """Who is to move, by the name the world has for him; None for one player."""
    if not forest.two_players:
        return None
    told = forest.domain.side_to_move
    moves = int(forest.arrays["counts"][tree, LINE]) - 1 + depth
    return forest.domain.sides[moves % 2 if told is None else told(forest.arrays["states"][tree, node])]
