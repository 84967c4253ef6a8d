"""A message as topics see it: weighted pairs of characters, without what every message says. Knows no places.

Pairs, not words: no dictionary knows the names of next year's housing estates, and a name's pairs are rare together.
Messages are taken as one array of code points, not one by one.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np

from citybrain.hub.hotline.reading.normal import normalise

BITS: Final = 20  # of a pair's hash
HEAD: Final = 40  # characters that stand for the title of a message without one; our choice
MOST: Final = 2_000  # characters read of a message; the longest quote whole answers
BODY_WEIGHT: Final = 0.5  # of a pair in the text, beside 1 in the title
_PLEAS = Path(__file__).parent / "data" / "pleas.txt"
# Characters that carry grammar alone: breaks, so that no pair holds one.
_GRAMMAR = (
    "的了吗呢吧啊呀哦嘛着过我你您他她它们咱这那其之与及或但而且也都就还又很太最更被把让使给"
    "对于从向到为因所以如果不没无未是有在请"
)
_BREAKS: Final = str.maketrans(dict.fromkeys(_GRAMMAR, " "))
_NUMBER = re.compile(
    r"(?<!\d)\d{1,3}(?!\d)"
)  # of a bus, a metro line, a house; longer ones tell dates and phones
_NUMBERS = 0x3400  # numbers 0 to 999 stand as characters from here on: rare signs no message needs
_SPACE = 32
_ODD = np.uint64(0x9E3779B97F4A7C15)

Pairs = np.ndarray[tuple[int], np.dtype[np.int64]]
Weights = np.ndarray[tuple[int], np.dtype[np.float32]]
Told = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True, slots=True)
class Message:
    """What is asked of a message: `person` is "" and `at` (seconds since 1970) None where they aren't known."""

    key: str
    title: str
    text: str
    person: str = ""
    at: float | None = None

    @property
    def head(self) -> str:
        """What the message is about in short: its title, or how its text begins."""
        return self.title.strip() or self.text.strip()[: 2 * HEAD]


@dataclass(frozen=True, slots=True)
class Terms:
    """The different pairs of a message and how much each weighs by its place and number; none for a mere plea."""

    pairs: Pairs
    weights: Weights


@cache
def phrases() -> tuple[str, ...]:
    """Return the phrases no topic is made of."""
    lines = _PLEAS.read_text("utf-8").splitlines()
    return tuple(sorted({word for line in lines if not line.startswith("#") for word in line.split()}))


@cache
def pleading() -> Told:
    """Return for each hash whether it is a pair inside such a phrase."""
    told = np.zeros(2**BITS, bool)
    _, hashes, whole = _pairs([normalise(one).text for one in phrases()])
    told[hashes[whole]] = True
    return told


def reduced(text: str) -> str:
    """Return a text in its normal form, broken where a character carries grammar alone; a short number is one sign."""
    signs = _NUMBER.sub(lambda found: chr(_NUMBERS + int(found.group())), text)
    return normalise(signs).text.translate(_BREAKS)


def written(text: str) -> str:
    """Return a reduced text with its numbers as digits again."""
    return "".join(
        str(ord(one) - _NUMBERS) if _NUMBERS <= ord(one) < _NUMBERS + 1000 else one for one in text
    )


def terms_of(messages: Sequence[Message]) -> list[Terms]:
    """Return the terms of each message; many at once cost less each than one by one."""
    titles = [one.title[:MOST] if one.title.strip() else one.text[:HEAD] for one in messages]
    keys, values = _weighed([reduced(one) for one in titles], 1.0)
    more, others = _weighed([reduced(one.text[:MOST]) for one in messages], BODY_WEIGHT)
    every, at = np.unique(np.concatenate([keys, more]), return_inverse=True)
    weight = np.bincount(at.reshape(-1), np.concatenate([values, others]), len(every)).astype(np.float32)
    ends = np.searchsorted(every, np.arange(len(messages) + 1, dtype=np.int64) << BITS)
    pairs = every & (2**BITS - 1)
    return [Terms(pairs[a:b], weight[a:b]) for a, b in pairwise(ends)]


def _weighed(texts: Sequence[str], weight: float) -> tuple[Pairs, np.ndarray[Any, np.dtype[np.float64]]]:
    """Return text and pair as one number, and 1 + ln(times) of it; pairs of pleas, and between them, are left out.

    A character inside a pleading pair is covered; a pair of two covered characters says nothing of its own.
    """
    rows, hashes, whole = _pairs(texts)
    plea = whole & pleading()[hashes]
    covered = np.zeros(len(hashes) + 1, bool)
    covered[:-1] |= plea
    covered[1:] |= plea
    held = whole & ~(covered[:-1] & covered[1:])
    keys, times = np.unique((rows[held] << BITS) | hashes[held], return_counts=True)
    return keys, (1 + np.log(times)) * weight


def _pairs(texts: Sequence[str]) -> tuple[Pairs, Pairs, Told]:
    """Return text and hash of each two neighbours, and whether they are a pair: of one text, without a space."""
    codes = [np.frombuffer(text.encode("utf-32-le"), np.uint32) for text in texts]
    flat = np.concatenate(codes).astype(np.uint64) if codes else np.zeros(0, np.uint64)
    rows = np.repeat(np.arange(len(texts), dtype=np.int64), [len(one) for one in codes])
    solid = flat != _SPACE
    mixed = ((flat[:-1] << np.uint64(21)) ^ flat[1:]) * _ODD
    hashes = (mixed >> np.uint64(64 - BITS)).astype(np.int64)
    return rows[:-1], hashes, (rows[:-1] == rows[1:]) & solid[:-1] & solid[1:]
