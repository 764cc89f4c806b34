"""The table from rows to nodes: what went in is found, nothing else is, and doubling it where it is loses nothing, however crowded.

Crowds are made of rows whose hash wants the same few groups of slots, so that many stand away from home, round the end too.
"""

import numpy as np
import pytest

from astarzero.envs.compile import bind
from astarzero.envs.machine import LANES
from astarzero.envs.state_table import EMPTY, SLOT, enlarge, find_rows, find_slot, refill, short_hash

SIZES = (8, 64, 1024)


def hash_kernel(rows, hashes):
    for index in range(rows.shape[0]):
        hashes[index] = short_hash(rows[index])


def rows_of(count: int, seed: int, wanted=lambda hashes: np.ones(len(hashes), bool)) -> np.ndarray:
    """`count` distinct rows [count, 1] whose hashes are wanted."""
    pool = np.unique(np.random.default_rng(seed).integers(1, 1 << 62, 1 << 16, dtype=np.uint64))[:, None]
    hashes = np.zeros(len(pool), np.int64)
    bind(hash_kernel, {})(pool, hashes)
    rows = pool[wanted(hashes)]
    assert len(rows) >= count
    return np.ascontiguousarray(rows[np.random.default_rng(seed).permutation(len(rows))[:count]])


def table_of(rows: np.ndarray, size: int) -> np.ndarray:
    slots = np.zeros(2 * size, SLOT)
    bind(refill, {})(rows, len(rows), slots, size - 1)
    return slots


def indices_in(slots: np.ndarray, rows: np.ndarray, queries: np.ndarray) -> list[int]:
    indices = np.full(len(queries), -2, np.int64)
    bind(find_rows, {})(queries, rows, slots, indices)
    return indices.tolist()


def crowds(size: int):
    """By name: which hashes are wanted, by their home in a table of `size` slots."""
    home = lambda hashes: hashes & (size - 1) & ~(LANES - 1)  # noqa: E731
    last = size - LANES
    return {
        "anywhere": lambda hashes: np.ones(len(hashes), bool),
        "one group": lambda hashes: home(hashes) == last // 2 // LANES * LANES,
        "the last group, so round the end": lambda hashes: home(hashes) == last,
        "one group that stays one": lambda hashes: hashes & (2 * size - 1) & ~(LANES - 1) == last,
        "half of the groups": lambda hashes: home(hashes) % (2 * LANES) == 0,
    }


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("crowd", crowds(8))
def test_a_table_that_doubles_knows_what_it_knew(size, crowd):
    for load in (0.25, 0.5, 0.75):
        count = int(load * size)
        if crowd != "anywhere":
            count = min(count, 64)  # rows of one group are rare
        rows = rows_of(count, size, crowds(size)[crowd])
        slots = table_of(rows, size)
        bind(enlarge, {})(rows, count, slots, 2 * size - 1, size, np.zeros(LANES, SLOT))
        assert np.count_nonzero(slots) == count
        assert np.array_equal(np.sort(slots[slots > 0] & (2 * size - 1)), 1 + np.arange(count))
        assert indices_in(slots, rows, rows) == list(range(count))
        strangers = rows_of(500, size + 1)
        assert set(indices_in(slots, rows, strangers)) == {EMPTY}


def test_it_grows_from_nothing_and_fourfold():
    rows = rows_of(300, 3)
    for old in (0, 512):
        slots = np.zeros(2048, SLOT)
        if old:
            bind(refill, {})(rows, len(rows), slots, old - 1)
        bind(enlarge, {})(rows, len(rows), slots, 2047, old, np.zeros(LANES, SLOT))
        assert indices_in(slots, rows, rows) == list(range(300))


def test_a_row_that_is_known_is_found_at_its_slot_and_a_new_one_at_an_empty_one():
    def find_kernel(queries, rows, slots, found):
        for query in range(queries.shape[0]):
            found[query, 0], found[query, 1] = find_slot(queries[query], rows, slots, slots.shape[0] - 1)

    rows = rows_of(700, 9)
    slots = table_of(rows[:350], 1024)[:1024].copy()
    found = np.zeros((700, 2), np.int64)
    bind(find_kernel, {})(rows, rows, slots, found)
    assert found[:350, 1].tolist() == list(range(350))
    assert ((slots[found[:350, 0]] & 1023) - 1).tolist() == list(range(350))
    assert set(found[350:, 1]) == {EMPTY}
    assert not slots[found[350:, 0]].any()
