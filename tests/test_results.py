"""Result files: lossless arrays, deterministic bytes, and a killed contest that resumes to what it would have been."""

import json

import numpy as np
import pytest
from fabricated import SLOW, fabricate, rows
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from astarzero.experiments.results import Row, Shard, key, pack, read, read_records, unpack, untimed

CONFIG = {"grid": {"w": {"expansions": (1, 10)}}, "n": 5}
HEADER = {"command": "x", "revision": "a", "versions": {}, "seed": 0, "config": CONFIG, "date": "1"}
DTYPES = st.sampled_from(["bool", "int32", ">i4", "float32", "float64", "uint64"])


@given(DTYPES.flatmap(lambda dtype: arrays_of.arrays(dtype, arrays_of.array_shapes(min_dims=0, max_dims=2, min_side=0))))
def test_an_array_comes_back_bit_by_bit(array):
    packed = json.loads(json.dumps(pack(array)))
    back = unpack(packed)
    assert back.shape == array.shape and back.dtype == array.dtype.newbyteorder("=")
    assert back.tobytes() == array.astype(array.dtype.newbyteorder("=")).tobytes()  # NaN and -0.0 too
    assert pack(array) == packed


def test_rows_come_back(tmp_path):
    fabricate(tmp_path, worlds=("countdown-4",), seeds=1, instances=20)
    results = read(tmp_path)
    assert results.worlds == ["countdown-4"] and len(results.choices) == 6
    assert results.grid("countdown-4", "expansions") == (2, 2000)
    for row in results.rows:
        assert Row.from_record(json.loads(json.dumps(row.to_record()))).to_record() == row.to_record()
        assert row.arrays["cost"].dtype == np.float32 and row.arrays["solved"].dtype == bool
        assert (np.isinf(row.arrays["cost"]) == ~row.arrays["solved"]).all()


def records(directory):
    return {path.name: [untimed(record) for record in read_records(path)] for path in sorted(directory.glob("*.jsonl"))}


@pytest.mark.parametrize("stop_after", [0, 1, 17, 60])
def test_killed_and_resumed_equals_uninterrupted(tmp_path, stop_after):
    whole = fabricate(tmp_path / "whole", seeds=2, instances=10)
    fabricate(tmp_path / "parts", seeds=2, instances=10, stop_after=stop_after)
    fabricate(tmp_path / "parts", seeds=2, instances=10, stop_after=5)
    parts = fabricate(tmp_path / "parts", seeds=2, instances=10)
    assert records(parts) == records(whole)
    for path in whole.glob("*.jsonl"):
        assert (parts / path.name).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("cut", [1, 40])
def test_a_torn_last_line_is_dropped(tmp_path, cut):
    whole = fabricate(tmp_path / "whole", seeds=1, instances=10)
    torn = fabricate(tmp_path / "torn", seeds=1, instances=10)
    path = torn / "countdown-4-seed0.jsonl"
    path.write_bytes(path.read_bytes()[:-cut])
    assert len(list(read_records(path))) == len(list(read_records(whole / path.name))) - 1
    fabricate(torn, seeds=1, instances=10)
    assert path.read_bytes() == (whole / path.name).read_bytes()


def test_a_torn_header_is_started_afresh(tmp_path):
    path = tmp_path / "w-seed0.jsonl"
    path.write_text('{"kind":"hea')
    with Shard(path, HEADER) as shard:
        assert not shard.done
    assert [record["kind"] for record in read_records(path)] == ["header"]


def test_another_config_is_refused_in_one_sentence(tmp_path):
    path = tmp_path / "w-seed0.jsonl"
    Shard(path, HEADER).close()
    Shard(path, HEADER | {"date": "2", "command": "y"}).close()  # these may differ
    with pytest.raises(ValueError, match=r"another config \(n: 5 there, 6 now\): give the same options again, or another --out folder\.$"):
        Shard(path, HEADER | {"config": CONFIG | {"n": 6}})
    with pytest.raises(ValueError, match=r"another seed \(0 there, 1 now\)"):
        Shard(path, HEADER | {"seed": 1})


def test_a_run_resumed_under_another_revision_says_so(tmp_path):
    for revision in ("a", "a", "b", "b", "a"):
        with Shard(tmp_path / "w-seed0.jsonl", HEADER | {"revision": revision}) as shard:
            if not shard.done:
                shard.append({"kind": "done", "world": "w", "seed": 0})
    assert [record["kind"] for record in read_records(tmp_path / "w-seed0.jsonl")] == ["header", "done", "resumed", "resumed"]
    assert read(tmp_path).revisions == {"w": ("a", "b")}


def test_a_line_is_written_once(tmp_path):
    with Shard(tmp_path / "w-seed0.jsonl", HEADER) as shard:
        record = {"kind": "choice", "world": "w", "head": "q"}
        assert key(record) not in shard.done
        shard.append(record)
        assert key(record) in shard.done
        with pytest.raises(ValueError, match="already holds choice w q"):
            shard.append(record)
        with pytest.raises(ValueError, match="write null instead"):
            shard.append(record | {"head": "pi", "regret_removed": float("nan")})
        with pytest.raises(TypeError, match="set cannot stand in a line"):
            shard.append(record | {"head": "pi", "stages": {1}})


@pytest.mark.parametrize("text", ["no json\n", "[]\n", '{"no":"kind"}\n', '{"kind":"row"}\n'])
def test_what_is_no_shard_is_refused(tmp_path, text):
    path = tmp_path / "w-seed0.jsonl"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"line 1.*delete the file and run the contest again\.$"):
        Shard(path, HEADER)


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(ValueError, match="holds no results"):
        read(tmp_path)


def test_a_bad_row_is_refused():
    row = next(rows("countdown-4", 0, "test", SLOW, (), 5))
    plain = {name: getattr(row, name) for name in row.__dataclass_fields__}
    for change, words in [
        ({"side": "left"}, "the side must be one of"),
        ({"arrays": {"solved": row.arrays["solved"]}}, "lacks the array cost"),
        ({"arrays": {**row.arrays, "cost": np.zeros(3)}}, "its arrays differ in shape"),
    ]:
        with pytest.raises(ValueError, match=words):
            Row(**(plain | change))


def test_shards_of_two_contests_do_not_mix(tmp_path):
    fabricate(tmp_path, seeds=1, instances=5)
    with Shard(tmp_path / "other-seed9.jsonl", HEADER | {"config": {"grid": {"countdown-4": {"seconds": [1, 2]}}}}):
        pass
    with pytest.raises(ValueError, match="different ranges of seconds for countdown-4"):
        read(tmp_path).grid("countdown-4", "seconds")
