"""A first guess of the item a report is about, with the words that spoke for it.

Character bigrams of the report against each item's name, subclass, conditions and other words, weighted
by how few items share the bigram. No training: the hotline's reader (hub.hotline) learns from tickets.
"""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from citybrain.hub.cases import items
from citybrain.hub.cases.models import Item

NAME_WEIGHT, WORDS_WEIGHT, CONDITION_WEIGHT, SUBCLASS_WEIGHT = 3.0, 3.0, 1.0, 0.6
LEAST_SCORE = 1.2


@dataclass(frozen=True, slots=True)
class Guess:
    """One candidate; `score` is 0..1, `words` the pieces of the report that spoke for it."""

    item: Item
    score: float
    words: tuple[str, ...]


def bigrams(text: str) -> list[str]:
    """Return the overlapping pairs of letters of a text, punctuation left out."""
    kept = "".join(letter if letter.isalnum() else " " for letter in text.lower())
    return [kept[i : i + 2] for i in range(len(kept) - 1) if " " not in kept[i : i + 2]]


class Guesser:
    """Bigram weights of a set of items, built once per version of the table."""

    def __init__(self, by_code: Mapping[str, Item]) -> None:
        self.items = list(by_code.values())
        weights: list[Counter[str]] = [self._weights(item) for item in self.items]
        spread: Counter[str] = Counter(pair for counted in weights for pair in counted)
        self.postings: dict[str, list[tuple[int, float]]] = {}
        for place, counted in enumerate(weights):
            norm = math.sqrt(len(counted)) ** 0.5 or 1.0
            for pair, weight in counted.items():
                rarity = math.log(1 + len(self.items) / spread[pair])
                self.postings.setdefault(pair, []).append((place, weight * rarity / norm))

    @staticmethod
    def _weights(item: Item) -> Counter[str]:
        counted: Counter[str] = Counter()
        for text, weight in (
            (item.name_zh, NAME_WEIGHT),
            (item.keywords, WORDS_WEIGHT),
            (item.filing_condition, CONDITION_WEIGHT),
            (item.subclass_zh, SUBCLASS_WEIGHT),
        ):
            for pair in set(bigrams(text)):
                counted[pair] = max(counted[pair], weight)  # type: ignore[assignment]
        return counted

    def rank(self, text: str, limit: int) -> list[Guess]:
        scores: dict[int, float] = {}
        spoke: dict[int, list[tuple[float, str]]] = {}
        for pair in set(bigrams(text[:2000])):
            for place, weight in self.postings.get(pair, ()):
                scores[place] = scores.get(place, 0.0) + weight
                spoke.setdefault(place, []).append((weight, pair))
        best = sorted(scores, key=lambda place: (-scores[place], self.items[place].code))[:limit]
        total = sum(scores[place] for place in best) or 1.0
        return [
            Guess(
                self.items[place],
                round(scores[place] / (total + LEAST_SCORE), 3),
                tuple(pair for _weight, pair in sorted(spoke[place], reverse=True)[:4]),
            )
            for place in best
            if scores[place] >= LEAST_SCORE
        ]


@lru_cache(maxsize=2)
def _guesser(_stamp: tuple[int, int], _on: str) -> Guesser:
    return Guesser(items.index().by_code)


def guess(text: str, limit: int = 3) -> list[Guess]:
    """Return up to `limit` candidates, best first; an empty list is an answer ("none of these")."""
    current = items.index()
    return _guesser(current.stamp, current.on.isoformat()).rank(text, limit)
