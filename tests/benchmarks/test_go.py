"""How fast Go is: random games beside OpenSpiel's, Pgx's and PettingZoo's in one run, legal masks by both kinds of ko.

All play uniformly over the legal moves, the pass among them, without suicide, from the empty board for at most 2 x points moves.
They differ in one thing: where a position comes back OpenSpiel and Pgx end the game (the table of envs/go.py), hence the mean lengths.
What is timed is the CPU, all threads of it: Pgx is built for accelerators. The peers are in the extra `peers`; the same
algorithm in C++ is in test_yardsticks.py.
"""

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from conftest import in_turns, one_cpu_time

from astarzero import envs
from astarzero.envs.go import start
from astarzero.envs.go_masks import legal_masks
from astarzero.envs.go_rollouts import POLICIES, rollouts
from astarzero.envs.line import Line

SIZES, SMALL = (5, 7, 9, 13, 19), (5, 7, 9)
BARS = {("OpenSpiel in C++", 5): "10x", ("OpenSpiel in C++", 9): "12x"}
MASK_BARS = {5: (47, 7.5), 7: (28, 4.7), 9: (7, 2.5)}  # M a second, a prototype's: by simple ko, with superko
PGX_BATCH = 256

Games = tuple[float, float]  # CPU seconds a game, mean length


# --- the peers ---------------------------------------------------------------------------------------------------------------


@cache
def openspiel_game(size: int):
    pyspiel = pytest.importorskip("pyspiel", reason="needs open_spiel, in the extra peers")
    return pyspiel.load_game("go", {"board_size": size, "komi": 7.5})


@cache
def openspiel_length(size: int) -> float:
    """The mean length of its games, counted once in Python: its evaluator does not say."""
    return openspiel_in_python(size, 400, np.random.default_rng(0))[1]


def openspiel_in_cpp(size: int, games: int, rng: np.random.Generator) -> Games:
    """Its own rollout evaluator, a loop in C++. It is reached through a tree search of one simulation, which judges the root so."""
    import pyspiel

    game = openspiel_game(size)
    evaluator = pyspiel.RandomRolloutEvaluator(n_rollouts=games, seed=int(rng.integers(1 << 30)))
    bot = pyspiel.MCTSBot(game, evaluator, 1.4, 1, 100, False, 1, False)  # one simulation
    return one_cpu_time(lambda: bot.step(game.new_initial_state())) / games, openspiel_length(size)


def openspiel_in_python(size: int, games: int, rng: np.random.Generator) -> Games:
    """The loop that its documentation gives, over its Python objects."""
    lengths = []

    def play() -> None:
        state = openspiel_game(size).new_initial_state()
        while not state.is_terminal():
            actions = state.legal_actions()
            state.apply_action(actions[rng.integers(len(actions))])
        lengths.append(state.move_number())

    return one_cpu_time(lambda: [play() for _ in range(games)]) / games, float(np.mean(lengths))


@cache
def pgx_play(size: int) -> Callable:
    """seed -> lengths of `PGX_BATCH` games played side by side, compiled as one program."""
    reason = "needs pgx, in the extra peers"
    jax, go = pytest.importorskip("jax", reason=reason), pytest.importorskip("pgx.go", reason=reason)
    env = go.Go(size=size, komi=7.5, max_terminal_steps=2 * size**2)
    step = jax.vmap(env.step)

    def move(carried):
        states, lengths, key = carried
        key, drawn = jax.random.split(key)
        actions = jax.random.categorical(drawn, jax.numpy.where(states.legal_action_mask, 0.0, -jax.numpy.inf))
        return step(states, actions), lengths + ~states.terminated, key

    def play(seed):
        begin, go_on = jax.random.split(jax.random.PRNGKey(seed))
        states = jax.vmap(env.init)(jax.random.split(begin, PGX_BATCH))
        lengths = jax.numpy.zeros(PGX_BATCH, jax.numpy.int32)
        return jax.lax.while_loop(lambda carried: ~carried[0].terminated.all(), move, (states, lengths, go_on))[1]

    compiled = jax.jit(play)
    compiled(0).block_until_ready()
    return compiled


def pgx_on_the_cpu(size: int, games: int, rng: np.random.Generator) -> Games:
    """One batch, however many games are asked for."""
    play, lengths = pgx_play(size), []
    seconds = one_cpu_time(lambda: lengths.append(np.asarray(play(int(rng.integers(1 << 30))))))
    return seconds / PGX_BATCH, float(np.mean(lengths))


def pettingzoo(size: int, games: int, rng: np.random.Generator) -> Games:
    pytest.importorskip("pygame", reason="needs pettingzoo and pygame, in the extra peers")
    classic = pytest.importorskip("pettingzoo.classic", reason="needs pettingzoo and pygame, in the extra peers")
    env, lengths = classic.go_v5.env(board_size=size, komi=7.5), []

    def play() -> None:
        env.reset()
        for length in range(2 * size**2 + 1):
            observation, _, over, *_ = env.last()
            lengths[-1] = length
            if over or length == 2 * size**2:
                return
            env.step(int(rng.choice(np.flatnonzero(observation["action_mask"]))))

    def play_all() -> None:
        for _ in range(games):
            lengths.append(0)
            play()

    return one_cpu_time(play_all) / games, float(np.mean(lengths))


PEERS: dict[str, tuple[Callable[[int, int, np.random.Generator], Games], int]] = {  # and points of all its games together
    "OpenSpiel in C++": (openspiel_in_cpp, 30_000),
    "OpenSpiel from Python": (openspiel_in_python, 8_000),
    f"Pgx, JAX on the CPU, {PGX_BATCH} at a time": (pgx_on_the_cpu, 0),
    "PettingZoo": (pettingzoo, 300),
}


# --- games -------------------------------------------------------------------------------------------------------------------


def our_games(size: int, games: int, policy: str, seed: int) -> Games:
    domain, results = envs.make("go", size=size, ko="simple"), []
    seconds = one_cpu_time(lambda: results.append(rollouts(domain, start(domain), games, policy=policy, seed=seed)))
    return seconds / games, float(results[0].moves.mean())


def described(games: list[Games]) -> str:
    """At the median time, since others run on the machine too."""
    seconds, lengths = np.median([taken for taken, _ in games]), np.mean([length for _, length in games])
    rate = f"{1 / seconds:,.0f}" if seconds < 0.1 else f"{1 / seconds:.2g}"
    return f"{rate} games/s of {lengths:.1f} moves"


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("size", SMALL)
def test_random_games_beside(add_row, size, peer):
    play, points = PEERS[peer]
    rng, ours, theirs = np.random.default_rng(size), [], []
    play(size, 1, rng)  # compiles, and imports
    our_games(size, 1, "uniform", 0)

    def run_ours() -> float:
        ours.append(our_games(size, 400_000 // size**2, "uniform", len(ours)))
        return ours[-1][0]

    def run_peer() -> float:
        theirs.append(play(size, max(1, points // size**2), rng))
        return theirs[-1][0]

    own, other = in_turns(run_ours, run_peer, pairs=5)
    add_row(f"Go {size}x{size}, uniform", described(ours), f"{peer}: {described(theirs)}", tuple(other / own), BARS.get((peer, size), ""))


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("size", SIZES)
def test_random_games(add_row, size, policy):
    our_games(size, 1, policy, 0)
    games = [our_games(size, 400_000 // size**2, policy, seed) for seed in range(5)]
    moves = sum(length for _, length in games) / sum(seconds for seconds, _ in games)
    add_row(f"Go {size}x{size}, {policy}", f"{described(games)}, {moves / 1e6:.1f} M moves/s")


# --- legal masks -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SMALL)
def test_legal_masks(add_row, size):
    """Of 20,000 positions of uniform games, superko by their lines of keys. The ratio: the time with superko over that by simple ko.

    So many, and the two in turns, since a processor learns the branches of a few thousand positions by heart and then seems twice as fast.
    """
    domain, rng, rows, lines = envs.make("go", size=size), np.random.default_rng(0), [], []
    while len(rows) < 20_000:
        line = Line(domain, start(domain))
        while not line.over and len(line.rows) < 2 * size**2:
            rows.append(line.state.copy())
            lines.append(line.keys.copy())
            line.play(int(rng.choice(np.flatnonzero(line.action_mask()))))
    states, lengths = np.array(rows), np.array([len(line) for line in lines])
    keys = np.zeros((len(lines), lengths.max()), np.uint64)
    for row, line_keys in zip(keys, lines, strict=True):
        row[: len(line_keys)] = line_keys
    assert legal_masks(domain, states, keys, lengths).any(axis=1).all() and legal_masks(domain, states).any(axis=1).all()
    simple, superko = in_turns(
        lambda: one_cpu_time(lambda: legal_masks(domain, states)),
        lambda: one_cpu_time(lambda: legal_masks(domain, states, keys, lengths)),
        pairs=60,
    )
    rates = [f"{len(states) / seconds.min() / 1e6:.1f} M masks/s at best" for seconds in (simple, superko)]
    bars = "{} and {} M/s".format(*MASK_BARS[size])
    work = f"legal masks of Go {size}x{size}, {states[0].nbytes} bytes a row"
    add_row(work, f"{rates[0]} by simple ko", f"{rates[1]} with superko", tuple(superko / simple), bars)
