"""Is this the same case? Near-duplicates among open tickets: signatures that are small to keep and quick to compare.

MinHash over character pairs of the message without function words. The signature's bands can stand in an index of a
database (any band equal: compare), the signatures in `Likeness` in memory. Alike texts are candidates: a person, or
the place and time beside them, says that they are one case.
"""

import struct
from collections.abc import Hashable, Iterable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from citybrain.hub.hotline.reading.features import grams
from citybrain.hub.hotline.reading.normal import normalise

BANDS: Final = 16
ROWS: Final = 2  # minima in a band: pairs that share half of their n-grams meet in 99 of 100 cases
LEAST: Final = 0.35  # share of equal minima from which two are candidates; our choice
_LOOKED: Final = 12  # minima of which one must be equal: 99 of 100 pairs at `LEAST` have one
_MANY: Final = BANDS * ROWS
_SIZE: Final = 2
_EMPTY: Final = 0xFFFFFFFF
_FUNCTION: Final = str.maketrans(
    dict.fromkeys("的了着过在是我你您他她它们和与及就都也还但又把被让给对从到向为于以之呢吗啊吧呀么请", " ")
)
_RNG: Final = np.random.default_rng(20260101)
_FACTORS: Final = _RNG.integers(1, 2**62, _MANY, dtype=np.uint64) | np.uint64(1)
_SHIFTS: Final = _RNG.integers(0, 2**62, _MANY, dtype=np.uint64)

Signatures = np.ndarray[Any, np.dtype[np.uint32]]


def signatures(messages: Sequence[str]) -> Signatures:
    """Return [messages, 32] minima; those of a message without a pair of characters are all 2^32 - 1."""
    texts = [normalise(one).text.translate(_FUNCTION).replace(" ", "") for one in messages]
    found = np.full((len(texts), _MANY), _EMPTY, np.uint32)
    rows, hashes = grams(texts, (_SIZE,), 32)
    if not len(rows):
        return found
    filled, first = np.unique(rows, return_index=True)
    values = hashes.astype(np.uint64)
    for column in range(_MANY):
        mixed = (values * _FACTORS[column] + _SHIFTS[column]) >> np.uint64(32)
        found[filled, column] = np.minimum.reduceat(mixed, first).astype(np.uint32)
    return found


def signature(message: str) -> str:
    """Return a message's signature as 256 hexadecimal digits, "" where there is nothing to compare."""
    return to_text(signatures([message])[0])


def to_text(minima: Signatures) -> str:
    """Return minima as hexadecimal digits, "" where there is nothing to compare."""
    return "" if (minima == _EMPTY).all() else minima.astype(">u4").tobytes().hex()


def from_text(text: str) -> Signatures:
    """Return the minima of a signature's digits. Raises `ValueError` where it is none."""
    if len(text) != _MANY * 8:
        raise ValueError(f"a signature has {_MANY * 8} hexadecimal digits, not {len(text)}")
    return np.frombuffer(bytes.fromhex(text), ">u4").astype(np.uint32)


def bands(text: str) -> list[int]:
    """Return 16 signed 64-bit numbers of a signature, to be stored: alike messages share at least one of them."""
    if not text:
        return []
    pairs = from_text(text).reshape(BANDS, ROWS).astype(np.uint64)
    told = (pairs[:, 0] << np.uint64(32) | pairs[:, 1]) * np.uint64(0x9E3779B97F4A7C15)
    told ^= np.arange(BANDS, dtype=np.uint64) * np.uint64(0xD6E8FEB86659FD93)
    return [int(one) for one in struct.unpack(f"<{BANDS}q", told.astype("<u8").tobytes())]


def share(one: str, other: str) -> float:
    """Return the share of equal minima of two signatures (about the share of common n-grams), 0 where one is ""."""
    return float((from_text(one) == from_text(other)).mean()) if one and other else 0.0


class Alike(NamedTuple):
    """A known message that is like the one asked for."""

    key: Hashable
    share: float


class Likeness:
    """Signatures of open tickets in memory: 128 bytes each and the key; 300,000 are asked in some 2 ms."""

    def __init__(self, known: Iterable[tuple[Hashable, str]] = ()) -> None:
        self._minima = np.full((_MANY, 1024), _EMPTY, np.uint32)  # a column for each place
        self._keys: list[Hashable | None] = []
        self._places: dict[Hashable, int] = {}
        self._free: list[int] = []
        for key, text in known:
            self.add(key, text)

    def __len__(self) -> int:
        return len(self._places)

    def add(self, key: Hashable, text: str) -> None:
        """Keep a signature; an earlier one of the same key is replaced."""
        self.discard(key)
        if not text:
            return
        at = self._free.pop() if self._free else len(self._keys)
        if at == len(self._keys):
            self._keys.append(None)
            if at == self._minima.shape[1]:
                more = np.full_like(self._minima, _EMPTY)
                self._minima = np.concatenate([self._minima, more], axis=1)
        self._minima[:, at] = from_text(text)
        self._keys[at] = key
        self._places[key] = at

    def discard(self, key: Hashable) -> None:
        """Forget a key; one never kept is none to forget."""
        at = self._places.pop(key, None)
        if at is not None:
            self._minima[:, at] = _EMPTY
            self._keys[at] = None
            self._free.append(at)

    def find(self, text: str, least: float = LEAST, most: int = 5) -> list[Alike]:
        """Return up to `most` known messages alike, most alike first, of equals the one kept last."""
        if not text:
            return []
        asked = from_text(text)
        known = self._minima[:, : len(self._keys)]
        near = np.zeros(known.shape[1], bool)
        for row in range(_LOOKED):
            near |= known[row] == asked[row]
        places = np.flatnonzero(near)[::-1]
        shares = (known[:, places] == asked[:, None]).mean(axis=0)
        best = np.argsort(-shares, kind="stable")[:most]
        return [Alike(self._keys[places[one]], float(shares[one])) for one in best if shares[one] >= least]
