"""Which messages are near-duplicates: the same complaint sent again, to several offices, with a word more.

MinHash over character trigrams. Groups keep such messages on one side of a split; they are no judgement that two
messages are the same case.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from citybrain.hub.hotline.reading.features import Counts, grams

ALIKE: Final = 0.5  # least share of equal minima; our choice
CONTAINED: Final = 0.6  # least share of the rare n-grams of the shorter message; our choice
_FEWEST = 15  # rare n-grams that prove anything
_RARE = 0.02  # of the messages
_BITS = 20
_BLOCK = 256
_BANDS: Final = 16
_ROWS: Final = 4

Numbers = np.ndarray[tuple[int], np.dtype[np.int64]]


def sketches(texts: Sequence[str]) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """Return the minima of 64 hash functions over each text's trigrams (of single characters where it has none).

    Spaces are closed up: words cut apart would leave few trigrams, and unlike messages with the same ones.
    """
    texts = [one.replace(" ", "") for one in texts]
    rng = np.random.default_rng(12345)
    rows, hashes = grams(texts, (3,), 32)
    bare = np.setdiff1d(np.arange(len(texts)), rows)
    if len(bare):
        few_rows, few = grams([texts[one] for one in bare], (1,), 32)
        rows, hashes = np.concatenate([rows, bare[few_rows]]), np.concatenate([hashes, few])
        order = np.argsort(rows, kind="stable")
        rows, hashes = rows[order], hashes[order]
    filled, first = np.unique(rows, return_index=True)
    found = np.full((len(texts), _BANDS * _ROWS), np.iinfo(np.uint64).max, np.uint64)
    for column in range(found.shape[1]):
        factor, shift = rng.integers(1, 2**28, 2, dtype=np.uint64)
        mixed = hashes.astype(np.uint64) * (factor | np.uint64(1)) + shift
        mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
        found[filled, column] = np.minimum.reduceat(mixed >> np.uint64(3), first) if len(filled) else 0
    return found


def near_duplicates(texts: Sequence[str], known: Sequence[str] | None = None) -> Numbers:
    """Return a group number for each normalised text; near-duplicates, and texts of one `known` group, share one.

    Texts that are compared share a band of minima; they are near-duplicates from `ALIKE` of their minima equal
    with the first text of that band. "" in `known` is no group.
    """
    leader = np.arange(len(texts), dtype=np.int64)
    _join(leader, _same(known) if known is not None else [])
    found = sketches(texts)
    for band in range(_BANDS):
        part = np.ascontiguousarray(found[:, band * _ROWS : (band + 1) * _ROWS])
        _, first, of = np.unique(part, axis=0, return_index=True, return_inverse=True)
        head = first[of.reshape(-1)]
        alike = (found == found[head]).mean(axis=1) >= ALIKE
        _join(
            leader,
            [
                (int(one), int(head[one]))
                for one in np.flatnonzero(alike & (head != leader))
                if head[one] != one
            ],
        )
    return np.unique([_top(leader, one) for one in range(len(texts))], return_inverse=True)[1].astype(
        np.int64
    )


def near(texts: Sequence[str], others: Sequence[str]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Tell of each normalised text whether one of `others` says the same, also where one of both was cut into words.

    Files of words leave out stop words, so that sketches of the same message differ: here the share of pairs and
    trigrams counts that stand in both, of those in no more than a fiftieth of `texts`.
    """
    found, asked = _held(texts), _held(others)
    times = np.bincount(found.indices, minlength=found.shape[1])
    rare = np.flatnonzero(times <= max(20, _RARE * len(texts)))
    found, asked = found[:, rare], asked[:, rare]
    own = np.diff(found.indptr)
    told = np.zeros(len(texts), bool)
    for at in range(0, len(others), _BLOCK):
        block = asked[at : at + _BLOCK]
        both = (block @ found.T).tocoo()
        shorter = np.minimum(np.diff(block.indptr)[both.row], own[both.col])
        told[both.col[(shorter >= _FEWEST) & (both.data >= CONTAINED * shorter)]] = True
    return told


def _held(texts: Sequence[str]) -> Counts:
    """Return 1 for each pair and trigram of each text."""
    from scipy import sparse

    rows, hashes = grams(texts, (2, 3), _BITS)
    keys = np.unique((rows << _BITS) | hashes)
    ones = np.ones(len(keys), np.float32)
    return sparse.csr_matrix((ones, (keys >> _BITS, keys & (2**_BITS - 1))), shape=(len(texts), 2**_BITS))


def _same(known: Sequence[str]) -> list[tuple[int, int]]:
    """Return each text with the first of its known group."""
    first: dict[str, int] = {}
    return [(at, first.setdefault(name, at)) for at, name in enumerate(known) if name]


def _top(leader: Numbers, one: int) -> int:
    while leader[one] != one:
        leader[one] = leader[leader[one]]
        one = int(leader[one])
    return one


def _join(leader: Numbers, pairs: Sequence[tuple[int, int]]) -> None:
    for one, other in pairs:
        leader[_top(leader, one)] = _top(leader, other)


def folds(groups: Numbers, many: int, seed: int = 1) -> Numbers:
    """Return the fold (0 to many - 1) of each message: whole groups only, each class not looked at.

    Raises `ValueError` where there are fewer groups than folds.
    """
    names = np.unique(groups)
    if len(names) < many:
        raise ValueError(f"{len(names)} groups of different messages can't be split into {many} folds")
    place = np.empty(int(names.max()) + 1, np.int64)
    place[np.random.default_rng(seed).permutation(names)] = np.arange(len(names)) % many
    return np.asarray(place[groups], np.int64)
