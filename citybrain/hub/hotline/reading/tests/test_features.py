"""Hashed n-grams."""

import numpy as np
import pytest

from citybrain.hub.hotline.reading.features import counts, grams, opened, rarity, weigh


def test_no_pair_reaches_over_a_space_or_into_the_next_message() -> None:
    rows, hashes = grams(["停水 停", "水停"], (2,))
    assert rows.tolist() == [0, 1]
    assert hashes[0] != hashes[1]
    assert grams(["停水"], (2,))[1][0] == hashes[0]


def test_messages_hashed_together_are_as_if_hashed_alone() -> None:
    texts = ["供热 不热", "", "a", "深夜施工施工"]
    together = counts(texts).toarray()
    assert (together == np.concatenate([counts([one]).toarray() for one in texts])).all()
    assert counts(["施施施"]).data.max() == pytest.approx(1 + np.log(3))


def test_a_row_has_length_1_and_one_of_unknown_pairs_stays_zero() -> None:
    found = counts(["停水", "停水", "停电"])
    rare = rarity(found, 1.0, 2)
    weighed = weigh(counts(["停水", "噪声"]), rare).toarray()
    assert np.linalg.norm(weighed, axis=1).tolist() == pytest.approx([1.0, 0.0])
    assert rare[grams(["停"], (1,))[1][0]] == pytest.approx(1.0)  # in all three
    assert rare[grams(["停水"], (2,))[1][0]] == pytest.approx(np.log(4 / 3) + 1)
    assert rare[grams(["停电"], (2,))[1][0]] == 0  # in one only


def test_the_opening_counts_three_times_blanks_aside() -> None:
    assert opened("停水 三天 了", 3) == "停水 三天 了 停水 三 停水 三"
    assert opened("停水", 20) == "停水 停水 停水"
    assert (opened("停水", 0), opened("", 20)) == ("停水", "")
