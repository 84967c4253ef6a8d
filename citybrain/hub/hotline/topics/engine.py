"""Gathers messages as they come: each is put once to the gathering most like it, or opens its own.

`settle` looks over what has gathered: gatherings that grew alike become one. Streaming never needs it; a product that
may think again does it now and then.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from citybrain.hub.hotline.topics.store import PLACES, Gathering, Store
from citybrain.hub.hotline.topics.terms import BITS, Message, Pairs, Terms, Weights, terms_of

LIKE: Final = 0.11  # mean likeness from which a message belongs; docs/hotline.md tells how it was chosen
HEAVIEST: Final = 64  # pairs kept of a message
LEAST_PAIRS: Final = 3  # a message with fewer says nothing of its own
NOTHING: Final = -1  # what such a message is put to
LEAST_RARITY: Final = 0.7  # of a pair that most messages hold, as in the week of a great storm
_OFTEN: Final = 3  # messages of one person that tell what is rare
_HEADS: Final = 40  # people whose messages' heads are kept for naming
_BATCH: Final = 500
_MEMORY: Final = 200_000  # messages after which the counts of pairs are halved: words wear out


class Engine:
    """Gatherings that form as messages come; memory is bounded by `places`, time for a message doesn't grow."""

    def __init__(self, like: float = LIKE, places: int = PLACES) -> None:
        self.like = like
        self.store = Store(places)
        self.places: dict[int, int] = {}  # of each gathering's number
        self.apart: set[frozenset[int]] = set()  # gatherings a person has parted: they never become one
        self.held: set[int] = (
            set()
        )  # gatherings that never become part of another; others may become part of them
        self._counts = np.zeros(2**BITS, np.int32)
        self._messages = 0
        self._tick = 0
        self._next = 0

    def learn(self, messages: Sequence[Message]) -> None:
        """Count pairs beforehand, so that the first messages are weighed as well as the last; nothing is gathered."""
        often: Counter[str] = Counter()
        for at in range(0, len(messages), _BATCH):
            part = messages[at : at + _BATCH]
            for message, terms in zip(part, terms_of(part), strict=True):
                often[message.person] += bool(message.person)
                if often[message.person] <= _OFTEN:
                    self._count(terms.pairs)

    def add(self, messages: Sequence[Message], *, count: bool = True) -> list[int]:
        """Return the number of the gathering each message was put to, in order; `NOTHING` where it says nothing.

        `count` is False for messages already learnt from.
        """
        told: list[int] = []
        for at in range(0, len(messages), _BATCH):
            part = messages[at : at + _BATCH]
            for message, terms in zip(part, terms_of(part), strict=True):
                told.append(self._add(message, terms, count))
        return told

    def put(self, message: Message, number: int) -> None:
        """Put a message where a person, or an earlier run, has put it; a gathering not known yet is opened."""
        terms = terms_of([message])[0]
        pairs, weights = self.weigh(terms)
        self._count(terms.pairs)
        self._tick += 1
        self._next = max(self._next, number + 1)
        self._join(number, _with_voice(message, terms), pairs, weights)

    def reserve(self) -> int:
        """Return a number for a gathering that will be put together."""
        number, self._next = self._next, self._next + 1
        return number

    def drop(self, number: int) -> None:
        """Forget a gathering, to be put together anew."""
        place = self.places.pop(number, None)
        if place is not None and self._is(place, number):
            self.store.close(place)

    def kept(self, number: int) -> bool:
        """Return whether a gathering is still kept."""
        return self._is(self.places.get(number, -1), number)

    def clarity(self, number: int) -> float:
        """Return the mean likeness of two of a gathering's people, 0 where it is kept no more."""
        return self.store.clarity(self.places[number]) if self.kept(number) else 0.0

    def _is(self, place: int, number: int) -> bool:
        return place in self.store.at and self.store.at[place].number == number

    def _add(self, message: Message, terms: Terms, count: bool) -> int:
        self._tick += 1
        pairs, weights = self.weigh(terms)
        if len(pairs) < LEAST_PAIRS:
            return NOTHING
        places, likeness = self.store.near(pairs, weights)
        best = int(likeness.argmax()) if len(places) else -1
        if best >= 0 and likeness[best] >= self.like:
            number = self.store.at[int(places[best])].number
        else:
            number, self._next = self._next, self._next + 1
        before = self._join(number, _with_voice(message, terms), pairs, weights)
        if count and before < _OFTEN:
            self._count(terms.pairs)
        return number

    def weigh(self, terms: Terms) -> tuple[Pairs, Weights]:
        """Return the heaviest pairs, weighed by rarity so far, heaviest first; the whole message has length 1."""
        rarity = np.log((2.0 + self._messages) / (1.0 + self._counts[terms.pairs]))
        weights = (np.maximum(rarity, LEAST_RARITY) * terms.weights).astype(np.float32)
        length = float(np.sqrt((weights * weights).sum()))
        if not length:
            return terms.pairs[:0], weights[:0]
        order = np.argsort(-weights, kind="stable")[:HEAVIEST]
        order = order[weights[order] > 0]
        return terms.pairs[order], weights[order] / np.float32(length)

    def _count(self, pairs: Pairs) -> None:
        self._counts[pairs] += 1
        self._messages += 1
        if self._messages >= _MEMORY:
            self._counts //= 2
            self._messages //= 2

    def _join(self, number: int, message: Message, pairs: Pairs, weights: Weights) -> int:
        """Put a message to a gathering; return how many its person had written there before."""
        place = self.places.get(number)
        if place is None or not self._is(place, number):
            place = self.places[number] = self.store.open(number, self._tick)
            self._tidy()
        one = self.store.at[place]
        before = one.people.add(message.person, message.at)
        one.messages += 1
        one.seen = self._tick
        if not before and len(one.heads) < _HEADS:
            one.heads[message.person] = message.head
        self.store.add(place, pairs, weights, 1.0 / (1 + before))
        self.store.count_person(place, weights, before)
        return before

    def _tidy(self) -> None:
        """Forget the numbers of gatherings that were given up, before they are many."""
        if len(self.places) > 2 * len(self.store.at) + 100:
            self.places = {one.number: place for place, one in self.store.at.items()}

    def settle(self) -> dict[int, int]:
        """Make one of gatherings that are alike, the larger first; return the new number of each that went.

        Gatherings that a person parted stay apart. Each is looked at once, so that it takes no longer than adding.
        """
        gone: dict[int, int] = {}
        for number in self._by_size():
            if number in self.held or not self.kept(number):
                continue
            into = self._alike(self.places[number], number)
            if into is not None:
                gone[number] = self.store.at[into].number
                self.merge(number, gone[number])
        return {number: _last(gone, number) for number in gone}

    def _by_size(self) -> list[int]:
        """Return the numbers of all gatherings, fewest people first: small ones go into large ones."""
        every = self.store.at.values()
        return [one.number for one in sorted(every, key=lambda one: (len(one.people.times), -one.number))]

    def _alike(self, place: int, number: int) -> int | None:
        """Return the place of the gathering most like one, of at least as many people; None where none is."""
        pairs, weights = self.store.mean(place)
        places, likeness = self.store.near(pairs, weights)
        size = len(self.store.at[place].people.times)
        for at in np.argsort(-likeness, kind="stable"):
            other = int(places[at])
            if likeness[at] < self.like:
                return None
            if other == place or len(self.store.at[other].people.times) < size:
                continue
            if frozenset((number, self.store.at[other].number)) not in self.apart:
                return other
        return None

    def merge(self, number: int, into: int) -> None:
        """Make one gathering part of another, which keeps its number."""
        place, target = self.places.pop(number), self.places[into]
        one, other = self.store.at[place], self.store.at[target]
        pairs, weights = self.store.mean(place)
        self.store.add(target, pairs, weights, float(self.store.people[place]))
        self.store.squares[target] += self.store.squares[place]
        self.store.own[target] += self.store.own[place]
        other.people.take(one.people)
        other.messages += one.messages
        other.seen = max(other.seen, one.seen)
        for person, head in list(one.heads.items())[: max(0, _HEADS - len(other.heads))]:
            other.heads.setdefault(person, head)
        self.apart |= {pair - {number} | {into} for pair in self.apart if number in pair and into not in pair}
        self.store.close(place)

    def gatherings(self) -> list[tuple[Gathering, float]]:
        """Return every gathering that is kept, with its clarity: the mean likeness of two of its people."""
        return [(one, self.store.clarity(place)) for place, one in self.store.at.items()]


def voice(pairs: Pairs) -> str:
    """Return a name for whoever wrote this when nobody says who: near-copies mostly share it."""
    if not len(pairs):
        return "?"
    spread = pairs.astype(np.uint64) + np.uint64(1)
    least = [
        int((spread * np.uint64(odd) % np.uint64(2**31 - 1)).min()) for odd in (2654435761, 40503 * 65537)
    ]
    return "?" + "-".join(map(str, least))


def _with_voice(message: Message, terms: Terms) -> Message:
    return message if message.person else replace(message, person=voice(terms.pairs))


def _last(gone: dict[int, int], number: int) -> int:
    while number in gone:
        number = gone[number]
    return number
