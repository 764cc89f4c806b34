"""How fast tree search is: simulations a second with an evaluator that knows nothing, with random games, and with a small ResNet.

A simulation is a descent, a step by the rules with positional superko, the legal moves of the new node, and its planes, which are
written for the evaluator although it does not look: by the kernel at the evaluator's desk, as for a net, or by an evaluator that has
none and is asked about rows. All trees start from the empty board. A round does so many simulations in trees made anew, which is not
timed; beside mctx they begin anew in the memory of those before, which is. What is timed is the CPU, all threads of it. The peers:

- mctx on Pgx, muzero_policy compiled by JAX: Pgx's step with its planes, a prior of zeros with the legal mask, value 0.
- OpenSpiel's MCTSBot in Python, with a prior over the legal moves and value 0; it makes no planes.
- OpenSpiel's MCTSBot in C++ with one random game a leaf, beside UCT with one game by the same policy here: as many simulations, the
  same komi and c, and on both sides a game is cut off after 2 x points moves, there counted from the empty board, here from the leaf.

The time outside a net is the share of a search's CPU time that is not spent within calls of the net, as torch makes them.
"""

import time
from collections.abc import Callable
from functools import cache
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from conftest import in_turns, one_cpu_time

from astarzero import envs
from astarzero.envs.domain import Domain, encode_batch
from astarzero.envs.evaluation import Desk, Evaluation, Evaluator
from astarzero.envs.go import start
from astarzero.nets.evaluator import net_evaluator
from astarzero.nets.mlp import build_seeded
from astarzero.nets.resnet import ResNet, ResNetConfig
from astarzero.search.forest import Forest
from astarzero.search.go_evaluators import rollout
from astarzero.search.tree_config import TreeConfig

SIZES = (5, 9)
BARS = {1: 60, 16: 350, 256: 300}  # thousands of simulations a second
ROUND = {1: 2000, 16: 600, 256: 120}  # simulations a tree
MCTX_GAMES, MCTX_SIMULATIONS = 16, 64
BOT_SIMULATIONS, ROLLOUT_SIMULATIONS, ROLLOUT_C = 200, 1000, 1.4
TOWERS = {5: (3, 32), 9: (4, 64)}  # blocks, width
NET_SIMULATIONS = {16: 96, 256: 6}


def nothing_known(domain: Domain, games: int, lends_desk: bool = True) -> Evaluator:
    """Answers zeros. It lends a desk, as a net does, at which the search writes the planes; else it writes those of the rows it is asked
    about."""
    encode, planes = domain.bind(encode_batch), np.zeros((games, domain.num_features), np.float32)
    logits, values = np.zeros((games, domain.num_actions), np.float32), np.zeros(games, np.float32)

    def evaluate(states: np.ndarray) -> Evaluation:
        asked = len(states)
        encode(states, domain.context, planes[:asked])
        return Evaluation(logits[:asked], values[:asked])

    def desk(rows: int, heads: object) -> Desk:
        return Desk(np.zeros((games, domain.num_words), np.uint64), planes, values, logits, np.zeros_like(logits))

    return Evaluator("nothing", frozenset({"value", "prior"}), evaluate, desk=desk if lends_desk else None)


def seconds_a_simulation(domain: Domain, judge: Evaluator, games: int, simulations: int, rule: str = "puct") -> float:
    """CPU seconds, trees made anew but not counted."""
    forest = Forest(domain, np.stack([start(domain)] * games), judge, TreeConfig(rule), seeds=range(games))
    seconds = one_cpu_time(lambda: forest.run(simulations))
    assert (forest.visit_counts.sum(1) == simulations).all()
    return seconds / (games * simulations)


def begun_again(domain: Domain, judge: Evaluator, games: int, simulations: int) -> Callable[[], float]:
    """CPU seconds a simulation, trees begun anew and counted, in the memory of those before: so the peers' compiled programs run too."""
    roots = np.stack([start(domain)] * games)
    forest = Forest(domain, roots, judge, TreeConfig("puct"), seeds=range(games))

    def search() -> None:
        forest.begin(roots, seeds=range(games))
        forest.run(simulations)

    return lambda: one_cpu_time(search) / (games * simulations)


def rate(seconds: np.ndarray) -> str:
    """At the median time and at the best, since others run on the machine too."""
    middle, best = 1e-3 / np.median(seconds), 1e-3 / np.min(seconds)
    return f"{middle:.3g} k simulations/s (best {best:.3g})"


@pytest.mark.parametrize(("games", "lends_desk"), [(1, False), *((games, True) for games in BARS)])
@pytest.mark.parametrize("size", SIZES)
def test_simulations(add_row, warm_memory, size, games, lends_desk):
    domain = envs.make("go", size=size)
    judge, manner = nothing_known(domain, games, lends_desk), "at its desk" if lends_desk else "asked about rows"
    seconds = np.array([seconds_a_simulation(domain, judge, games, ROUND[games]) for _ in range(12)][1:])
    work = f"PUCT, Go {size}x{size} with superko and {len(domain.plane_names)} planes, no-op evaluator {manner}, B = {games}"
    add_row(work, rate(seconds), bar=f">= {BARS[games]} k" if lends_desk else "")


# --- peers -------------------------------------------------------------------------------------------------------------------


@cache
def mctx_search(size: int, games: int = MCTX_GAMES, simulations: int = MCTX_SIMULATIONS) -> Callable[[int], object]:
    """seed -> a search in `games` games side by side, compiled as one program."""
    reason = "needs pgx, jax and mctx, in the extra peers"
    jax, go, mctx = (pytest.importorskip(name, reason=reason) for name in ("jax", "pgx.go", "mctx"))
    jnp, env = jax.numpy, go.Go(size=size, komi=7.5)
    step, zeros = jax.vmap(env.step), jax.numpy.zeros(games)

    def logits(states):
        return jnp.where(states.legal_action_mask, 0.0, jnp.finfo(jnp.float32).min)

    def recurrent(parameters, key, actions, states):
        after = step(states, actions)
        reward = jnp.take_along_axis(after.rewards, states.current_player[:, None], 1)[:, 0]
        planes = 0.0 * after.observation.sum(axis=(1, 2, 3))  # else the compiler would see that nobody looks, and leave them out
        discount = jnp.where(after.terminated, 0.0, -1.0)
        return mctx.RecurrentFnOutput(reward=reward, discount=discount, prior_logits=logits(after), value=planes), after

    def search(seed):
        keys = jax.random.split(jax.random.PRNGKey(seed))
        states = jax.vmap(env.init)(jax.random.split(keys[0], games))
        root = mctx.RootFnOutput(prior_logits=logits(states), value=zeros, embedding=states)
        found = mctx.muzero_policy((), keys[1], root, recurrent, simulations, ~states.legal_action_mask, dirichlet_fraction=0.0)
        return found.action_weights

    compiled = jax.jit(search)
    compiled(0).block_until_ready()
    return lambda seed: compiled(seed).block_until_ready()


def python_bot(size: int) -> Callable[[int], object]:
    """seed -> a search of OpenSpiel's bot in Python from the empty board."""
    reason = "needs open_spiel, in the extra peers"
    pyspiel = pytest.importorskip("pyspiel", reason=reason)
    mcts: Any = pytest.importorskip("open_spiel.python.algorithms.mcts", reason=reason)
    game = pyspiel.load_game("go", {"board_size": size, "komi": 7.5})

    class Nothing(mcts.Evaluator):
        def evaluate(self, state):
            return np.zeros(2)

        def prior(self, state):
            legal = state.legal_actions()
            return [(action, 1.0 / len(legal)) for action in legal]

    def search(seed: int) -> object:
        chance = np.random.RandomState(seed)
        bot = mcts.MCTSBot(game, 1.25, BOT_SIMULATIONS, Nothing(), False, chance, mcts.SearchNode.puct_value)
        return bot.mcts_search(game.new_initial_state())

    return search


def beside(add_row, work: str, peer: str, bar: str, ours: Callable[[], float], theirs: Callable[[], float], pairs: int) -> None:
    """A row of two that give CPU seconds a simulation, in turns."""
    ours()
    own, other = in_turns(ours, theirs, pairs=pairs)
    add_row(work, rate(own), f"{peer}: {rate(other)}", tuple(other / own), bar)


@pytest.mark.parametrize("size", SIZES)
def test_beside_mctx(add_row, size):
    search, domain = mctx_search(size), envs.make("go", size=size)
    judge, total = nothing_known(domain, MCTX_GAMES), MCTX_GAMES * MCTX_SIMULATIONS
    beside(
        add_row, f"PUCT, Go {size}x{size}, no-op, B = {MCTX_GAMES}, {MCTX_SIMULATIONS} simulations", "mctx on Pgx", ">= 20x",
        begun_again(domain, judge, MCTX_GAMES, MCTX_SIMULATIONS), lambda: one_cpu_time(lambda: search(1)) / total, pairs=9,
    )  # fmt: skip


@pytest.mark.parametrize("size", SIZES)
def test_beside_a_bot_in_python(add_row, size):
    search, domain = python_bot(size), envs.make("go", size=size)
    judge = nothing_known(domain, 1)
    search(0)
    beside(
        add_row, f"PUCT, Go {size}x{size}, no-op, B = 1, {BOT_SIMULATIONS} simulations", "OpenSpiel's MCTSBot in Python", ">= 5x",
        lambda: seconds_a_simulation(domain, judge, 1, BOT_SIMULATIONS),
        lambda: one_cpu_time(lambda: search(1)) / BOT_SIMULATIONS, pairs=5,
    )  # fmt: skip


def test_random_games_beside_a_bot_in_cpp(add_row):
    pyspiel = pytest.importorskip("pyspiel", reason="needs open_spiel, in the extra peers")
    game, domain = pyspiel.load_game("go", {"board_size": 9, "komi": 7.5}), envs.make("go", size=9)
    judge = rollout(domain, 1, policy="uniform", cap=game.max_game_length())

    def search() -> None:
        games = pyspiel.RandomRolloutEvaluator(n_rollouts=1, seed=1)
        bot = pyspiel.MCTSBot(game, games, ROLLOUT_C, ROLLOUT_SIMULATIONS, 1000, False, 1, False)
        bot.mcts_search(game.new_initial_state())

    work = f"UCT, one random game of at most {game.max_game_length()} moves a leaf, Go 9x9, B = 1, {ROLLOUT_SIMULATIONS} simulations"
    beside(
        add_row, work, "OpenSpiel's MCTSBot in C++", ">= 8x",
        lambda: seconds_a_simulation(domain, judge, 1, ROLLOUT_SIMULATIONS, "uct"),
        lambda: one_cpu_time(search) / ROLLOUT_SIMULATIONS, pairs=5,
    )  # fmt: skip


# --- a net -------------------------------------------------------------------------------------------------------------------


class TimedResNet(ResNet):
    """Notes the CPU seconds of each of its calls."""

    calls: ClassVar[list[float]] = []

    def __call__(self, features, heads):
        started = time.process_time()
        outputs = super().__call__(features, heads)
        self.calls.append(time.process_time() - started)
        return outputs


@pytest.mark.parametrize("games", NET_SIMULATIONS)
@pytest.mark.parametrize("size", SIZES)
def test_time_outside_a_net(add_row, size, games):
    torch.set_num_threads(1)
    domain, (blocks, width), simulations = envs.make("go", size=size), TOWERS[size], NET_SIMULATIONS[games]
    net = build_seeded(TimedResNet, ResNetConfig.for_domain(domain, width, blocks), 0)
    judge, shares, seconds = net_evaluator(net, domain, ("value", "prior"), device="cpu"), [], []
    for _ in range(3):
        net.calls.clear()
        seconds.append(seconds_a_simulation(domain, judge, games, simulations))
        shares.append(100 * (1 - sum(net.calls[1:]) / (seconds[-1] * games * simulations - net.calls[0])))  # the first judges the roots
    work = f"PUCT, Go {size}x{size} with a ResNet of {blocks} x {width}, B = {games}: time outside its calls"
    found = f"{np.median(shares[1:]):.2g} % ({min(shares[1:]):.2g} to {max(shares[1:]):.2g}), {rate(np.array(seconds[1:]))}"
    add_row(work, found, bar="<= 5 %")
