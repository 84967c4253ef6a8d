"""Coding, keyed hashes and segments, without a database."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citybrain.base.exchange.delivery import calls, coding, keyed, segments

KEY = bytes(range(16))


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (0, "a3817f04ba25a8e66df67214c7550293"),
        (1, "da87c1d86b99af44347659119b22fc45"),
        (2, "8177228da4a45dc7fca38bdef60affe4"),
        (15, "5493e99933b0a8117e08ec0f97cfc3d9"),
    ],
)
def test_the_keyed_hash_is_that_of_the_authors(length, expected):
    found = keyed.hash_texts([bytes(range(length))] * 20, KEY)
    assert {row.astype("<u8").tobytes().hex() for row in found} == {expected}


@settings(deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=200))
def test_one_by_one_and_all_at_once_hash_alike(texts):
    assert keyed.hash_texts(texts, KEY).tolist() == [list(keyed.hash_one(text, KEY)) for text in texts]


@settings(deadline=None)
@given(st.lists(st.integers(0, 2**64 - 1), max_size=300))
def test_a_sorted_set_comes_back_as_it_was(values):
    kept = np.array(sorted(values), np.uint64)
    assert coding.unpack_sorted(coding.pack_sorted(kept)).tolist() == kept.tolist()


def test_a_million_of_fourteen_million_people_take_less_than_a_byte_each():
    people = np.sort(np.random.default_rng(7).choice(14_000_000, 1_000_000, replace=False)).astype(np.uint64)
    assert len(coding.pack_sorted(people)) < 700_000


def test_a_column_said_to_rise_must_rise():
    with pytest.raises(ValueError, match="falls"):
        coding.pack_sorted(np.array([2, 1], np.uint64))


@pytest.mark.parametrize("cut", [0, 2, 5, 20])
def test_cut_bytes_are_refused(cut):
    data = coding.pack_sorted(np.arange(1000, dtype=np.uint64) ** np.uint64(3))
    with pytest.raises(coding.BadCode):
        coding.unpack(data[:cut])


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(1, 40_000) | st.sampled_from([4095, 8191]), max_size=80), max_size=12))
def test_a_segment_finds_for_everybody_the_receipts_that_hold_them_and_how_often(tmp_path_factory, people):
    path = Path(tmp_path_factory.mktemp("segment")) / "one.seg"
    sets = [np.array(sorted(one), np.uint64) for one in people]
    ids = [1_000 + 7 * n for n in range(len(sets))]
    size = segments.write(path, ids, segments.sort_keys(sets))
    assert path.stat().st_size == size
    for person in {one for part in people for one in part} | {3, 4095, 4099, 39_999}:
        expected = [(ids[n], part.count(person)) for n, part in enumerate(people) if person in part]
        assert segments.find(path, person) == expected


def test_people_of_one_bucket_are_told_apart(tmp_path):
    path = tmp_path / "one.seg"
    sets = [np.array([5, 5 + 4096, 5 + 8192], np.uint64), np.array([5 + 4096], np.uint64)]
    segments.write(path, [11, 12], segments.sort_keys(sets))
    assert segments.find(path, 5 + 4096) == [(11, 1), (12, 1)]
    assert segments.find(path, 5 + 8192) == [(11, 1)]
    assert segments.find(path, 5 + 4096 * 3) == []


def test_a_cut_segment_is_no_answer(tmp_path):
    path = tmp_path / "one.seg"
    segments.write(path, [11], segments.sort_keys([np.arange(1, 200, dtype=np.uint64) * np.uint64(4096)]))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(segments.BadSegment):
        segments.find(path, 4096)


def test_a_group_of_calls_comes_back_as_it_was():
    one = calls.What(3, "G1", "ga_population", 7, "key", ("name", "sex"), 5, "subject")
    two = calls.What(3, "G1", "ga_population", 7, "filter", ("name",), 6, "subject", (("sex", "eq"),), 4)
    said = [
        calls.Call(1_700_000_000_000_001, one, 1, ("甲",)),
        calls.Call(1_700_000_000_000_002, two, 0, ()),
        calls.Call(1_700_000_000_000_003, one, 2, ("980101199001011234", "甲")),
    ]
    found = calls.unpack(calls.pack(said, lambda _what: KEY))
    assert [(at, what, rows, tokens.tolist()) for at, what, rows, tokens in found] == [
        (call.at, call.what, call.rows, keyed.hash_texts(call.whose, KEY).tolist()) for call in said
    ]


def test_texts_of_different_sets_are_hashed_with_different_keys_and_keep_their_order():
    cars = calls.What(3, "G1", "ga_vehicle", 7, "key", ("status",), 5, "key")
    people = calls.What(3, "G1", "ga_population", 7, "key", ("name",), 5, "subject")
    said = [
        calls.Call(1, cars, 1, ("津A1",)),
        calls.Call(2, people, 1, ("甲",)),
        calls.Call(3, cars, 1, ("津A2",)),
    ]
    keys = {cars: KEY, people: KEY[::-1]}
    found = [tokens.tolist() for *_, tokens in calls.unpack(calls.pack(said, keys.__getitem__))]
    assert found == [
        keyed.hash_texts(["津A1"], KEY).tolist(),
        keyed.hash_texts(["甲"], KEY[::-1]).tolist(),
        keyed.hash_texts(["津A2"], KEY).tolist(),
    ]
