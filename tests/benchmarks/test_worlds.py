"""How fast worlds are: the exact table of the 8-puzzle, and environment steps, ours in one array against gymnasium's one by one."""

from conftest import cpu_seconds
from gymnasium.vector import SyncVectorEnv, VectorEnv

from astarzero import envs
from astarzero.envs.gym_env import SearchEnv, SearchVectorEnv
from astarzero.envs.oracles import exact_table
from astarzero.envs.sliding import DIRECTIONS

BATCH = 64


def breadth_first_in_python() -> dict[tuple[int, ...], int]:
    """The distance of every 8-puzzle state from the goal, as one writes it in an afternoon."""
    goal = tuple(range(9))
    distance, queue = {goal: 0}, [goal]
    for state in queue:
        blank = state.index(0)
        for down, right, _ in DIRECTIONS:
            row, column = blank // 3 + down, blank % 3 + right
            if 0 <= row < 3 and 0 <= column < 3:
                tiles, cell = list(state), 3 * row + column
                tiles[blank], tiles[cell] = tiles[cell], 0
                after = tuple(tiles)
                if after not in distance:
                    distance[after] = distance[state] + 1
                    queue.append(after)
    return distance


def test_exact_table_of_the_8_puzzle(benchmark, add_row):
    domain = envs.make("sliding")
    exact_table(domain)  # compiles
    table = benchmark.pedantic(lambda: exact_table(domain), rounds=3)
    assert (len(table.states), table.cost_to_go.max()) == (181440, 31)
    ours, theirs = benchmark.stats["min"], cpu_seconds(breadth_first_in_python, rounds=1)
    add_row("exact table of the 8-puzzle, 181,440 states", f"{ours:.2f} s", "breadth-first in plain Python, costs alone", (theirs / ours,))


def play(batch: VectorEnv, steps: int) -> None:
    """Legal play by rule, the same in both: the first legal action, from the left and from the right in turn."""
    _, info = batch.reset(seed=0)
    for number in range(steps):
        mask = info["action_mask"]
        *_, info = batch.step(mask.argmax(axis=1) if number % 3 else mask.shape[1] - 1 - mask[:, ::-1].argmax(axis=1))


def test_environment_steps(benchmark, add_row):
    """Choosing the actions, resets (max_steps 100) and random starts included on both sides."""
    domain, steps = envs.make("sliding"), 300
    native = SearchVectorEnv(domain, BATCH, max_steps=100)
    peer = SyncVectorEnv([lambda: SearchEnv(domain, max_steps=100)] * BATCH)
    play(native, 1)
    benchmark.pedantic(lambda: play(native, steps), rounds=5)
    ours, theirs = benchmark.stats["min"] / steps, cpu_seconds(lambda: play(peer, steps)) / steps
    rate = f"{BATCH / ours / 1e6:.2f} M steps/s, {ours * 1e6:.0f} us a batch"
    add_row(f"steps of {BATCH} environments, 8-puzzle", rate, "gymnasium's SyncVectorEnv", (theirs / ours,), "10x")
