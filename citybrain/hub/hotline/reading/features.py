"""Character n-grams of normalised texts, hashed: no vocabulary is kept, so a model holds no word of any message.

Texts are hashed together as one array of code points, not one by one: several times the speed of a tokenizer's loop.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

SIZES: Final = (1, 2)
BITS: Final = 19  # rows of the model's matrix: 2^19
_SPACE = 32
_SEED = 0x9E3779B97F4A7C15
_MIX = np.uint64(0xFF51AFD7ED558CCD)
_HALF = np.uint64(32)

Counts = Any  # a scipy CSR matrix: a row for each text, a column for each hash
Hashes = np.ndarray[tuple[int], np.dtype[np.int64]]


def grams(texts: Sequence[str], sizes: Sequence[int] = SIZES, bits: int = BITS) -> tuple[Hashes, Hashes]:
    """Return the number of the text and the hash (below 2^bits) of every n-gram that holds no space."""
    codes = [np.frombuffer(text.encode("utf-32-le"), np.uint32) for text in texts]
    flat = np.concatenate(codes).astype(np.uint64) if codes else np.zeros(0, np.uint64)
    rows = np.repeat(np.arange(len(texts), dtype=np.int64), [len(one) for one in codes])
    solid = flat != _SPACE
    every_row, every_hash = [], []
    for size in sizes:
        many = max(0, len(flat) - size + 1)
        held = rows[:many] == rows[len(rows) - many :]
        mixed = np.full(many, size * _SEED % 2**64, np.uint64)
        for step in range(size):
            mixed = (mixed ^ flat[step : step + many]) * _MIX
            mixed ^= mixed >> _HALF
            held &= solid[step : step + many]
        every_row.append(rows[:many][held])
        every_hash.append((mixed[held] & np.uint64(2**bits - 1)).astype(np.int64))
    return np.concatenate(every_row), np.concatenate(every_hash)


def opened(text: str, characters: int) -> str:
    """Return a normalised text with its first characters, blanks not counted, twice more at its end; 0: as it is.

    What a message is about stands in its title, or in its first words.
    """
    if not characters:
        return text
    end = characters
    while end < len(text) and end - text.count(" ", 0, end) < characters:
        end += 1
    return f"{text} {text[:end]} {text[:end]}" if text else text


def counts(texts: Sequence[str], sizes: Sequence[int] = SIZES, bits: int = BITS) -> Counts:
    """Return 1 + ln(times) of each n-gram in each text."""
    from scipy import sparse

    rows, hashes = grams(texts, sizes, bits)
    keys, times = np.unique((rows << bits) | hashes, return_counts=True)
    values = (1 + np.log(times)).astype(np.float32)
    ends = np.searchsorted(keys, np.arange(len(texts) + 1, dtype=np.int64) << bits)
    return sparse.csr_matrix(
        (values, (keys & (2**bits - 1)).astype(np.int32), ends.astype(np.int32)), shape=(len(texts), 2**bits)
    )


def rarity(found: Counts, power: float, least: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Return each n-gram's weight: (ln((1 + texts) / (1 + texts with it)) + 1)^power, 0 below `least` texts."""
    held = np.bincount(found.indices, minlength=found.shape[1])
    weight = (np.log((1 + found.shape[0]) / (1 + held)) + 1) ** power
    return np.where(held >= least, weight, 0).astype(np.float32)


def weigh(found: Counts, weight: np.ndarray[Any, np.dtype[np.float32]]) -> Counts:
    """Return the rows weighted and brought to length 1; a row without a known n-gram stays zero."""
    from scipy import sparse

    values = found.data * weight[found.indices]
    rows = np.repeat(np.arange(found.shape[0]), np.diff(found.indptr))
    length = np.sqrt(np.bincount(rows, values * values, minlength=found.shape[0]))
    values = (values / np.where(length == 0, 1, length)[rows]).astype(np.float32)
    return sparse.csr_matrix((values, found.indices, found.indptr), shape=found.shape)
