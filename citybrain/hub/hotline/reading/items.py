"""The item among the 239 that a message is about, with the words that spoke for it; "none of these" is an answer.

One weight for each n-gram and label: least squares with a ridge, and the label's centre. The examples are few and
short, so that both are learnt in about a second, and anew rather than kept.
"""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from citybrain.hub.hotline.reading.example_set import is_none
from citybrain.hub.hotline.reading.features import counts, grams, rarity, weigh
from citybrain.hub.hotline.reading.normal import normalise
from citybrain.hub.hotline.reading.parts import margins_by_parts
from citybrain.hub.hotline.reading.whole_reading import ItemGuess, ItemReading

Floats = np.ndarray[Any, np.dtype[Any]]
COURTESY: Final = Path(__file__).parent / "data" / "courtesy.toml"
MOST: Final = 3
WORDS: Final = 4
RIDGE: Final = 1.0  # chosen with CENTRE on held-out phrasings
CENTRE: Final = 1.0
CHUNK: Final = 256
# no part of a word worth showing
_BREAKS: Final = re.compile(r"[的了是和就都也还很我你他她们请把被给吗呢吧啊着过]")


@dataclass(frozen=True)
class Weights:
    """What n-grams say for labels: `rows` gives each hash's row of `table` (row 0: never seen, all zero)."""

    rarity: Floats  # [hashes]
    rows: Floats  # [hashes]
    table: Floats  # [1 + n-grams, labels]
    bias: Floats  # [labels]

    def margins(self, texts: Sequence[str]) -> Floats:
        """Return [texts, labels] for normalised texts, long ones read part by part."""
        return margins_by_parts(self.plain_margins, texts)

    def plain_margins(self, texts: Sequence[str]) -> Floats:
        """Return [texts, labels] for normalised texts, each read as one."""
        found = weigh(counts(texts), self.rarity)
        found.indices = self.rows[found.indices]
        found = type(found)((found.data, found.indices, found.indptr), shape=(len(texts), len(self.table)))
        return np.asarray(found @ self.table + self.bias)


@lru_cache(maxsize=1)
def courtesies() -> Floats:
    """Return the hashes of the pairs in what is said with any matter."""
    words = tomllib.loads(COURTESY.read_text("utf-8"))["words"].split()
    return np.unique(grams(words, (2,))[1])


def learn(texts: Sequence[str], truth: Floats, many: int, balance: float = 0.0) -> Weights:
    """Return weights for `many` labels, learnt from normalised texts.

    A text counts as the number of its label's texts to the power of -`balance`: at 0 each alike, at 1 each label.
    """
    from scipy import linalg

    found = counts(texts)
    rare = rarity(found, 1.0, 1)
    rare[courtesies()] = 0
    used = np.flatnonzero(rare)
    known = weigh(found, rare)[:, used]
    wanted = np.zeros((len(texts), many), np.float32)
    wanted[np.arange(len(texts)), truth] = 1
    counted = np.maximum(wanted.sum(axis=0), 1)[truth] ** -balance
    counted /= counted.mean()
    middle = np.average(2 * wanted - 1, axis=0, weights=counted).astype(np.float32)
    inner = (known @ known.T).toarray()
    inner[np.diag_indices_from(inner)] += RIDGE / counted
    solved = linalg.cho_solve(linalg.cho_factor(inner, lower=True, overwrite_a=True), 2 * wanted - 1 - middle)
    table = np.zeros((len(used) + 1, many), np.float32)
    table[1:] = known.T @ solved
    middles = np.asarray(known.T @ wanted)
    table[1:] += CENTRE * middles / np.maximum(np.linalg.norm(middles, axis=0), 1e-9)
    rows = np.zeros(len(rare), np.int32)
    rows[used] = np.arange(1, len(used) + 1)
    return Weights(rare, rows, table, middle)


def shares(margins: Floats, scale: float) -> Floats:
    """Return the softmax of margins · scale."""
    told = margins * scale
    told = np.exp(told - told.max(axis=1, keepdims=True))
    return np.asarray(told / told.sum(axis=1, keepdims=True))


def first(told: Floats, none: Floats) -> Floats:
    """Return the share of the likeliest answer of each row: an item, or any label that says "none"."""
    return np.asarray(np.maximum(told[:, none].sum(axis=1), np.where(none, 0, told).max(axis=1)))


def sobered(told: Floats, none: Floats, slope: float, shift: float) -> Floats:
    """Return the shares, each row made smaller by how much surer its first is than such ones were right."""
    best = np.clip(first(told, none).astype(np.float64), 1e-9, 1 - 1e-9)
    sure = 1 / (1 + np.exp(-(slope * np.log(best / (1 - best)) + shift)))
    return np.asarray(told * np.minimum(1, sure / best)[:, None])


def best_scale(margins: Floats, truth: Floats) -> float:
    """Return the scale under which the truth is likeliest, to one part in twenty."""
    steps = 0.5 * 1.05 ** np.arange(100)
    at = np.arange(len(truth))
    lost = [-np.log(np.maximum(shares(margins, one)[at, truth], 1e-12)).mean() for one in steps]
    return float(steps[int(np.argmin(lost))])


@dataclass(frozen=True)
class ItemModel:
    """Reads items. `labels` are codes, then `none.` and a class.

    Shares of margins · `scale` tell who comes first; how sure that is, is `slope` · log-odds of the first + `shift`.
    """

    labels: tuple[str, ...]
    weights: Weights
    scale: float
    slope: float
    shift: float

    @cached_property
    def _none(self) -> Floats:
        return np.array([is_none(one) for one in self.labels])

    @cached_property
    def _codes(self) -> dict[str, int]:
        return {one: at for at, one in enumerate(self.labels)}

    def chances(self, texts: Sequence[str]) -> Floats:
        """Return [texts, labels] for normalised texts; what a row lacks to 1 is doubt."""
        return sobered(shares(self.weights.margins(texts), self.scale), self._none, self.slope, self.shift)

    def read_items(self, messages: Sequence[str]) -> list[ItemReading]:
        """Return the likeliest items of each message with the words that spoke for them."""
        return [
            one
            for at in range(0, len(messages), CHUNK)
            for one in self._some([normalise(each).text for each in messages[at : at + CHUNK]])
        ]

    def read_item(self, message: str) -> ItemReading:
        """Return the likeliest items of one message."""
        return self.read_items([message])[0]

    def _some(self, texts: list[str]) -> list[ItemReading]:
        chances = self.chances(texts)
        told = []
        for text, row in zip(texts, chances, strict=True):
            if not text:
                told.append(ItemReading())
                continue
            items = np.where(self._none, -1.0, row)
            best = [int(one) for one in np.argsort(-items, kind="stable")[:MOST]]
            words = self._words(text, best)
            told.append(
                ItemReading(
                    tuple(
                        ItemGuess(self.labels[at], float(row[at]), said)
                        for at, said in zip(best, words, strict=True)
                    ),
                    float(row[self._none].sum()),
                )
            )
        return told

    def words(self, message: str, code: str) -> tuple[str, ...]:
        """Return the words of a message that spoke most for an item, strongest first; none for an unknown code."""
        text = normalise(message).text
        return self._words(text, [self._codes[code]])[0] if text and code in self._codes else ()

    def _words(self, text: str, labels: list[int]) -> list[tuple[str, ...]]:
        _, hashes = grams([text], (2,))
        solid = [at for at in range(len(text) - 1) if text[at] != " " and text[at + 1] != " "]
        said = self.weights.rarity[hashes][:, None] * self.weights.table[self.weights.rows[hashes]][:, labels]
        return [joined(text, solid, said[:, one]) for one in range(len(labels))]


def joined(text: str, places: list[int], said: Floats) -> tuple[str, ...]:
    """Return the pairs at `places` that spoke most, those that overlap as one word, strongest first."""
    strong = [int(one) for one in np.argsort(-said, kind="stable")[: 2 * WORDS] if said[one] > 0]
    if not strong:
        return ()
    least = 0.15 * float(said[strong[0]])
    spans: list[tuple[int, int, float]] = []
    for at, much in sorted((places[one], float(said[one])) for one in strong if said[one] >= least):
        if spans and at <= spans[-1][1] - 1:
            spans[-1] = (spans[-1][0], at + 2, spans[-1][2] + much)
        else:
            spans.append((at, at + 2, much))
    found: dict[str, float] = {}
    for begin, end, much in spans:
        for word in _BREAKS.split(text[begin:end]):
            if len(word) > 1:
                found[word] = max(found.get(word, 0.0), much)
    return tuple(sorted(found, key=lambda word: -found[word])[:WORDS])
