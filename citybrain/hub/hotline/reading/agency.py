"""Kinds of agencies a message concerns, by their names and duties in it and by the items it was read as."""

import math
from collections.abc import Mapping
from typing import Final

from citybrain.hub.hotline.reading.whole_reading import AgencyGuess, ItemReading
from citybrain.hub.hotline.reading.words import Phrases, lists

MOST: Final = 3
_ITEM: Final = 3.0  # weight of an item's lead agency at a chance of 1, against 1 of a first word; our choice
_NAME: Final = 1.5  # of a word that names the body itself
_NONE: Final = 1.0  # what speaks for no agency at all: one word alone is no certainty
_TITLE: Final = 40  # characters at the beginning, where words count twice
_BODIES: Final = (
    "局",
    "委",
    "办",
    "公司",
    "所",
    "厅",
    "公安",
    "城管",
    "交警",
    "消防",
    "残联",
    "妇联",
    "电网",
    "政府",
)

_DUTIES: Final = lists("agencies")
_OF: Final[dict[str, tuple[str, ...]]] = {
    word: tuple(key for key, words in _DUTIES.items() if word in words)
    for word in {one for words in _DUTIES.values() for one in words}
}
_PHRASES: Final = Phrases(_OF)
KEYS: Final = tuple(_DUTIES)


def duties(text: str) -> dict[str, int]:
    """Return what agencies are in charge of, as far as a text speaks of it, with how often; no names of bodies."""
    found: dict[str, int] = {}
    for _, _, word in _PHRASES.find(text):
        if not word.endswith(_BODIES):
            found[word] = found.get(word, 0) + 1
    return found


def find_agencies(
    text: str, items: ItemReading | None = None, leads: Mapping[str, str] | None = None
) -> tuple[AgencyGuess, ...]:
    """Return up to three kinds of agencies, likeliest first; weights are shares of all that spoke, no chances.

    `leads` gives the lead agency's key of each item's code. A word said again counts less each time.
    """
    times: dict[str, dict[str, float]] = {}
    for start, _, word in _PHRASES.find(text):
        for key in _OF[word]:
            held = times.setdefault(key, {})
            held[word] = held.get(word, 0) + (2 if start < _TITLE else 1)
    weights = {
        key: sum((_NAME if word.endswith(_BODIES) else 1) * math.log1p(many) for word, many in words.items())
        for key, words in times.items()
    }
    for guess in items.guesses if items and leads else ():
        lead = (leads or {}).get(guess.code)
        if lead:
            weights[lead] = weights.get(lead, 0) + _ITEM * guess.confidence
    total = sum(weights.values()) + _NONE
    best = sorted(weights, key=lambda key: (-weights[key], key))[:MOST]
    return tuple(
        AgencyGuess(
            key,
            round(weights[key] / total, 4),
            tuple(sorted(times.get(key, {}), key=lambda word: (-times[key][word], word))[:MOST]),
        )
        for key in best
    )
