"""A net as an evaluator: states -> features -> heads, in chunks, through one reused buffer.

The contract stands in ../envs/evaluation.py. A net has no compiled rules, so a kernel stops and asks Python once a batch, at the desk
that the net lends; to run inside a kernel, tabulate it first (../training/tabulate.py).
"""

import functools
import math
from collections.abc import Iterable

import numpy as np
import torch

from astarzero.envs.domain import Domain, encode_batch
from astarzero.envs.evaluation import HEADS, Desk, Evaluation, Evaluator
from astarzero.nets.resnet import Net

DEVICES = ("auto", "cpu", "cuda")


def resolve_device(name: str) -> torch.device:
    """'auto' (cuda where there is one), 'cpu' or 'cuda' -> a device. ValueError in one sentence when it is none of them or absent."""
    if name not in DEVICES:
        raise ValueError(f"Device '{name}' is not known: give auto, cpu or cuda.")
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("Device cuda was asked for, but torch finds no CUDA device on this machine; give cpu or auto.")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def check_heads(heads: Iterable[str]) -> tuple[str, ...]:
    """Head names without repetition, in the order of HEADS. ValueError when there is none or one is unknown."""
    asked = [heads] if isinstance(heads, str) else list(heads)
    for head in asked:
        if head not in HEADS:
            raise ValueError(f"Head '{head}' is not known: give one or more of {', '.join(HEADS)}.")
    if not asked:
        raise ValueError(f"No head was given: give one or more of {', '.join(HEADS)}.")
    return tuple(head for head in HEADS if head in asked)


def net_evaluator(
    net: Net,
    domain: Domain,
    heads: Iterable[str],
    temperature: float = 1.0,
    device: str = "auto",
    name: str = "net",
    chunk: int = 4096,
    baseline: Evaluator | None = None,
) -> Evaluator:
    """An evaluator that answers with `heads` of `net` (those it was trained on); the net is moved to `device` and set to eval.

    A net that learned what a `baseline` leaves out (see training/optimal_paths.py) has its value added to the baseline's.

    Prior logits come divided by `temperature`; value and q are returns. At most `chunk` states go through the net at once.
    One evaluator serves one thread, since calls share its buffer. ValueError when net, domain or temperature do not fit;
    `evaluate` raises ArithmeticError when the net answers with a number that is not finite.
    """
    for size in ("num_features", "num_actions"):
        has, wanted = getattr(net.config, size), getattr(domain, size)
        if has != wanted:
            raise ValueError(f"The net does not fit {domain.name}: its {size} is {has}, not {wanted}; give a net built for that world.")
    if not 0 < temperature < float("inf"):
        raise ValueError(f"The temperature is {temperature}, but it must be a finite number above 0.")
    heads, where = check_heads(heads), resolve_device(device)
    net = net.to(where).eval()
    buffer = torch.zeros((chunk, domain.num_features), pin_memory=where.type == "cuda")  # float32 [chunk, F]
    rows = buffer.numpy()
    encode = domain.bind(encode_batch)  # bound once: a search that asks for one state at a time must not pay for binding
    on_cpu = where.type == "cpu"

    @functools.cache
    def first_rows(count: int) -> tuple[np.ndarray, torch.Tensor]:
        return rows[:count], buffer[:count]

    def answer_part(states: np.ndarray) -> dict[str, np.ndarray]:
        """The heads for at most `chunk` states. In few calls: a net's matrices leave the caches cold, and each call is slow."""
        part, features = first_rows(len(states))
        encode(states, domain.context, part)
        if on_cpu:
            return {head: output.numpy() for head, output in net(features, heads).items()}
        return {head: output.cpu().numpy() for head, output in net(features.to(where, non_blocking=True), heads).items()}

    def evaluate(states: np.ndarray) -> Evaluation:
        states = domain.check_states(states)
        with torch.inference_mode():
            parts = [answer_part(states[start : start + chunk]) for start in range(0, max(1, len(states)), chunk)]
        answers = parts[0] if len(parts) == 1 else {head: np.concatenate([part[head] for part in parts]) for head in heads}
        if baseline is not None and "value" in answers:
            known = baseline.evaluate(states).value
            assert known is not None  # a heuristic has a value
            answers["value"] += known
        for head, answer in answers.items():
            if not math.isfinite(answer.sum()):  # one inf or nan makes the sum one
                raise ArithmeticError(f"The {head} head of '{name}' is not finite somewhere; train it again with a lower learning rate.")
        if "prior" in answers:
            answers["prior"] /= np.float32(temperature)
        return Evaluation(prior_logits=answers.get("prior"), value=answers.get("value"), q=answers.get("q"))

    def desk(count: int, asked: Iterable[str]) -> Desk:
        seen, wanted = torch.zeros((count, domain.num_features), pin_memory=not on_cpu), check_heads(asked)
        rests: dict[str, tuple[int, ...]] = {"value": (), "prior": (domain.num_actions,), "q": (domain.num_actions,)}
        answers = {head: torch.zeros((count, *rest)) for head, rest in rests.items()}
        parts = [
            (start, seen[start:], [(head, answers[head][start:], rests[head], head == "prior" and temperature != 1) for head in wanted])
            for start in range(0, count, chunk)
        ]

        def judge(rows: int) -> None:
            """A view that is cut to size costs half of what a new one does; one kept for each size would make its first call dearer."""
            for start, features, places in parts:
                if start < rows:
                    size = min(chunk, rows - start)
                    features.resize_(size, domain.num_features)
                    for _, place, rest, _ in places:  # now, not when the net has used up the caches
                        place.resize_(size, *rest)
                    outputs = net(features if on_cpu else features.to(where, non_blocking=True), wanted)
                    for head, place, _, scaled in places:
                        place.copy_(outputs[head])
                        if scaled:
                            place.div_(temperature)

        states = np.zeros((count, domain.num_words), np.uint64)
        value, prior, q = (answers[head].numpy() for head in ("value", "prior", "q"))
        return Desk(states, seen.numpy(), value, prior, q, judge, torch.inference_mode)

    return Evaluator(name, frozenset(heads), evaluate, desk=desk if baseline is None else None)
