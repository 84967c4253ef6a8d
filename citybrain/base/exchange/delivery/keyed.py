"""Keyed hashes of many texts at once: SipHash-2-4 with 128 bits, over whole arrays. Pure.

An identity number has so few possible values that a plain hash of it is no secret; the key makes it one. The key
is derived from the site's secret by HMAC-SHA-256. A day's deliveries name tens of millions of people, so the hash
must cost tenths of a microsecond: SipHash is a pseudo-random function made of 64-bit additions, which arrays do
well. Source: Aumasson and Bernstein, SipHash (2012); the 128-bit form as in the authors' reference code.
"""

import hashlib
import hmac
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Whole = npt.NDArray[np.uint64]
Tokens = npt.NDArray[np.uint64]  # shape (n, 2): high and low 64 bits
START: Final = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)
FEW: Final = 120  # below this, one large number is quicker than arrays
CHUNK: Final = 16_384  # rows at once: stays in the processor's cache


def derive(secret: str, purpose: str) -> bytes:
    """Return the 16-byte key of one purpose."""
    return hmac.new(secret.encode(), f"citybrain.{purpose}".encode(), hashlib.sha256).digest()[:16]


@lru_cache(256)
def site_key(purpose: str) -> bytes:
    """Return the key of one purpose, from the site's secret."""
    from django.conf import settings

    return derive(settings.SECRET_KEY, purpose)


def _rotated(value: Whole, bits: int) -> Whole:
    high = value << np.uint64(bits)
    value >>= np.uint64(64 - bits)
    high |= value
    return high


def _rounds(v: list[Whole], count: int) -> None:
    for _ in range(count):
        v[0] += v[1]
        v[1] = _rotated(v[1], 13)
        v[1] ^= v[0]
        v[0] = _rotated(v[0], 32)
        v[2] += v[3]
        v[3] = _rotated(v[3], 16)
        v[3] ^= v[2]
        v[0] += v[3]
        v[3] = _rotated(v[3], 21)
        v[3] ^= v[0]
        v[2] += v[1]
        v[1] = _rotated(v[1], 17)
        v[1] ^= v[2]
        v[2] = _rotated(v[2], 32)


def _siphash(words: Whole, key: bytes) -> Tokens:
    """Return the tokens of rows of padded 64-bit words, the last word holding the length in its top byte."""
    first, second = (int.from_bytes(key[n : n + 8], "little") for n in (0, 8))
    start = (first ^ START[0], second ^ START[1] ^ 0xEE, first ^ START[2], second ^ START[3])
    v = [np.full(len(words), one, np.uint64) for one in start]
    for column in range(words.shape[1]):
        word = words[:, column]
        v[3] ^= word
        _rounds(v, 2)
        v[0] ^= word
    found = np.empty((len(words), 2), np.uint64)
    v[2] ^= np.uint64(0xEE)
    _rounds(v, 4)
    found[:, 0] = v[0] ^ v[1] ^ v[2] ^ v[3]
    v[1] ^= np.uint64(0xDD)
    _rounds(v, 4)
    found[:, 1] = v[0] ^ v[1] ^ v[2] ^ v[3]
    return found


MASK: Final = 0xFFFF_FFFF_FFFF_FFFF


def hash_few(texts: Sequence[str | bytes], key: bytes) -> list[bytes]:
    """Return the tokens of some texts, 16 bytes each, high end first.

    They are hashed side by side in one large whole number, 128 bits a text, of which the upper half takes what
    overflows: next to nothing to set up, and Python adds large numbers about as fast as small ones.
    """
    found = [b""] * len(texts)
    alike: dict[int, list[int]] = {}
    padded = []
    for place, text in enumerate(texts):
        data = text.encode() if isinstance(text, str) else text
        padded.append(data + bytes(7 - len(data) % 8) + bytes([len(data) & 0xFF]))
        alike.setdefault(len(padded[-1]), []).append(place)
    for length, places in alike.items():
        tokens = _side_by_side([padded[place] for place in reversed(places)], length, key)
        for n, place in enumerate(places):
            found[place] = tokens[16 * n : 16 * n + 16]
    return found


def _side_by_side(rows: list[bytes], length: int, key: bytes) -> bytes:
    """Return the tokens of padded rows of one length, end to end, from the last row to the first."""
    ones = int.from_bytes((b"\1" + bytes(15)) * len(rows), "little")
    mask = ones * MASK
    first, second = int.from_bytes(key[:8], "little"), int.from_bytes(key[8:16], "little")
    start = (first ^ START[0], second ^ START[1] ^ 0xEE, first ^ START[2], second ^ START[3])
    a, b, c, d = (one * ones for one in start)
    gap = bytes(8)
    for at in range(0, length, 8):
        word = int.from_bytes(gap.join([row[at : at + 8] for row in rows]), "little")
        a, b, c, d = _two_rounds(a, b, c, d ^ word, mask)
        a ^= word
    a, b, c, d = _two_rounds(*_two_rounds(a, b, c ^ 0xEE * ones, d, mask), mask)
    high = a ^ b ^ c ^ d
    a, b, c, d = _two_rounds(*_two_rounds(a, b ^ 0xDD * ones, c, d, mask), mask)
    return (high << 64 | a ^ b ^ c ^ d).to_bytes(16 * len(rows), "big")


def _two_rounds(a: int, b: int, c: int, d: int, mask: int) -> tuple[int, int, int, int]:
    """Return the state after two rounds, written out: a loop would cost as much again."""
    a = a + b & mask
    b = (b << 13 | b >> 51) & mask ^ a
    c = c + d & mask
    d = (d << 16 | d >> 48) & mask ^ c
    a = ((a << 32 | a >> 32) & mask) + d & mask
    d = (d << 21 | d >> 43) & mask ^ a
    c = c + b & mask
    b = (b << 17 | b >> 47) & mask ^ c
    a = a + b & mask
    c = (c << 32 | c >> 32) & mask
    b = (b << 13 | b >> 51) & mask ^ a
    c = c + d & mask
    d = (d << 16 | d >> 48) & mask ^ c
    a = ((a << 32 | a >> 32) & mask) + d & mask
    d = (d << 21 | d >> 43) & mask ^ a
    c = c + b & mask
    b = (b << 17 | b >> 47) & mask ^ c
    return a, b, (c << 32 | c >> 32) & mask, d


def hash_one(text: str | bytes, key: bytes) -> tuple[int, int]:
    """Return the token of one text as two numbers: what `hash_texts` gives."""
    token = hash_few([text], key)[0]
    return int.from_bytes(token[:8], "big"), int.from_bytes(token[8:], "big")


def _padded(letters: npt.NDArray[np.uint8]) -> Whole:
    rows, length = letters.shape
    words = np.zeros((rows, (length // 8 + 1) * 8), np.uint8)
    words[:, :length] = letters
    words[:, -1] = length & 0xFF
    return words.view("<u8").astype(np.uint64, copy=False)


def hash_rows(letters: npt.NDArray[np.uint8], key: bytes) -> Tokens:
    """Return the tokens of texts of one length, given as rows of bytes."""
    found = np.empty((len(letters), 2), np.uint64)
    for at in range(0, len(letters), CHUNK):
        found[at : at + CHUNK] = _siphash(_padded(letters[at : at + CHUNK]), key)
    return found


def hash_texts(texts: Sequence[str | bytes], key: bytes) -> Tokens:
    """Return the tokens of texts, in their order."""
    if len(texts) <= FEW:
        few = np.frombuffer(b"".join(hash_few(texts, key)), ">u8")
        return few.reshape(-1, 2).astype(np.uint64)
    encoded = [text.encode() if isinstance(text, str) else text for text in texts]
    lengths = np.fromiter(map(len, encoded), np.int64, len(encoded))
    return hash_joined(b"".join(encoded), lengths, key)


def rising(values: Whole) -> Whole:
    """Return the distinct values in rising order. Sorting is twenty times faster than numpy's own `unique`."""
    ordered = np.sort(values)
    fresh = np.ones(len(ordered), bool)
    fresh[1:] = ordered[1:] != ordered[:-1]
    return ordered[fresh]


def hash_joined(data: Any, lengths: npt.NDArray[np.int64], key: bytes) -> Tokens:
    """Return the tokens of texts given end to end as one buffer, with their lengths in bytes."""
    letters = np.frombuffer(data, np.uint8)
    found = np.empty((len(lengths), 2), np.uint64)
    starts = np.cumsum(lengths) - lengths
    for length in np.flatnonzero(np.bincount(lengths)).tolist():
        chosen = np.flatnonzero(lengths == length)
        if len(chosen) == len(lengths):
            return hash_rows(letters[: len(chosen) * length].reshape(len(chosen), length), key)
        for at in range(0, len(chosen), CHUNK):
            part = chosen[at : at + CHUNK]
            found[part] = hash_rows(letters[starts[part][:, None] + np.arange(length)], key)
    return found
