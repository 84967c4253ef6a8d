"""Where gatherings of messages lie: arrays of fixed size, so that a flood can't fill the memory.

A gathering is the mean of its people's messages: a message's likeness to it is its mean likeness to those people's.
Whoever writes again weighs less each time. The least likely to grow give up their place when all are taken.
"""

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from citybrain.hub.hotline.topics.terms import BITS, Pairs, Weights

PLACES: Final = 20_000  # gatherings kept at once; most are single messages
WIDTH: Final = 128  # pairs kept of a gathering
PROBES: Final = 24  # pairs of a message by which gatherings are looked up
_SHELF_BITS: Final = 18
_SHELF: Final = 24  # gatherings remembered for a pair
_FREED: Final = 0.1  # of all places, when they are full

Numbers = np.ndarray[tuple[int], np.dtype[np.int64]]


@dataclass(slots=True)
class People:
    """Who spoke: for each person the times of the first and last message and how many. None where no time is known."""

    first: dict[str, float | None] = field(default_factory=dict)
    last: dict[str, float | None] = field(default_factory=dict)
    times: dict[str, int] = field(default_factory=dict)

    def add(self, person: str, at: float | None) -> int:
        """Return how many messages this person had written before."""
        before = self.times.get(person, 0)
        self.times[person] = before + 1
        if not before:
            self.first[person] = self.last[person] = at
        elif at is not None:
            first, last = self.first[person], self.last[person]
            self.first[person] = at if first is None else min(first, at)
            self.last[person] = at if last is None else max(last, at)
        return before

    def take(self, other: "People") -> None:
        """Add another gathering's people."""
        for person, times in other.times.items():
            before = self.add(person, other.first[person])
            self.add(person, other.last[person])
            self.times[person] = before + times


@dataclass(slots=True)
class Gathering:
    """What isn't numbers of a gathering: its own number (never given twice), people, and heads of their messages."""

    number: int
    people: People = field(default_factory=People)
    messages: int = 0
    heads: dict[str, str] = field(default_factory=dict)  # a head for each of the first people
    seen: int = 0  # when it last grew, in messages


class Store:
    """Gatherings by place (a row of the arrays)."""

    def __init__(self, places: int = PLACES) -> None:
        self.pairs = np.zeros((places, WIDTH), np.int32)
        self.sums = np.zeros((places, WIDTH), np.float32)
        self.people = np.zeros(places, np.float32)  # weighted: whoever writes again counts 1/2, 1/3 …
        self.squares = np.zeros(places, np.float32)  # of each person's part in the sums, added up
        self.own = np.zeros(places, np.float32)  # of each person's weight, squared and added up
        self.at: dict[int, Gathering] = {}
        self.free = list(range(places - 1, -1, -1))
        self._shelves = np.full((2**_SHELF_BITS, _SHELF), -1, np.int32)
        self._next = np.zeros(2**_SHELF_BITS, np.int8)
        self._scratch = np.zeros(2**BITS, np.float32)
        self._column = np.full(2**BITS, -1, np.int16)

    def open(self, number: int, tick: int) -> int:
        """Return the place of a new gathering; the least alive give up theirs when none is left."""
        if not self.free:
            self._forget(tick)
        place = self.free.pop()
        self.at[place] = Gathering(number, seen=tick)
        return place

    def near(self, pairs: Pairs, weights: Weights, most: int = 16) -> tuple[Numbers, Weights]:
        """Return the places that share the heaviest pairs, and the likeness of each: mean of products by people."""
        shelves = self._shelves[pairs[:PROBES] & (2**_SHELF_BITS - 1)]
        held = shelves >= 0
        found = shelves[held]
        if not len(found):
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        points = np.broadcast_to(weights[:PROBES, None], shelves.shape)[held]
        places, at = np.unique(found, return_inverse=True)
        if len(places) > most:
            points = np.bincount(at.reshape(-1), points * points, len(places))
            places = places[np.argpartition(-points, most)[:most]]
        return places.astype(np.int64), self.likeness(places, pairs, weights)

    def likeness(self, places: Any, pairs: Pairs, weights: Weights) -> Weights:
        """Return the mean product of a message, or another gathering's mean, with the people of each place."""
        self._scratch[pairs] = weights
        told = (self._scratch[self.pairs[places]] * self.sums[places]).sum(axis=1) / np.maximum(
            self.people[places], 1e-9
        )
        self._scratch[pairs] = 0
        return np.asarray(told, np.float32)

    def mean(self, place: int) -> tuple[Pairs, Weights]:
        """Return a gathering's mean, the heaviest pair first."""
        order = np.argsort(-self.sums[place], kind="stable")
        order = order[self.sums[place][order] > 0]
        weights = self.sums[place][order] / max(float(self.people[place]), 1e-9)
        return self.pairs[place][order].astype(np.int64), weights

    def clarity(self, place: int) -> float:
        """Return the mean likeness of two of its people, 0 to 1; 0 for one person.

        A person's messages are taken as alike: who writes of many things makes it look less clear, never clearer.
        """
        between = float(self.people[place]) ** 2 - float(self.own[place])
        if len(self.at[place].people.times) < 2 or between <= 0:
            return 0.0
        whole = float((self.sums[place] ** 2).sum())
        return min(1.0, max(0.0, (whole - float(self.squares[place])) / between))

    def count_person(self, place: int, weights: Weights, before: int) -> None:
        """Add one more message of a person who wrote `before` there to what the clarity is told by."""
        earlier = sum(1.0 / one for one in range(1, min(before, 500) + 1))
        more = (earlier + 1.0 / (before + 1)) ** 2 - earlier**2
        self.own[place] += more
        self.squares[place] += more * float((weights * weights).sum())

    def add(self, place: int, pairs: Pairs, weights: Weights, share: float) -> None:
        """Add a message (or, with `share` = its people, another gathering's mean)."""
        row, sums = self.pairs[place], self.sums[place]
        filled = np.flatnonzero(sums > 0)
        self._column[row[filled]] = filled
        column = self._column[pairs]
        known = column >= 0
        sums[column[known]] += share * weights[known]
        fresh = np.flatnonzero(~known)[:WIDTH]
        if len(fresh):
            least = np.argsort(sums, kind="stable")[: len(fresh)]
            better = share * weights[fresh] > sums[least]
            row[least[better]] = pairs[fresh[better]]
            sums[least[better]] = share * weights[fresh[better]]
        self._column[pairs] = -1
        self._column[self.pairs[place]] = -1
        self._column[row[filled]] = -1
        self.people[place] += share
        self._shelve(place, pairs)

    def close(self, place: int) -> None:
        """Give up a gathering."""
        del self.at[place]
        self.sums[place] = 0
        self.people[place] = self.squares[place] = self.own[place] = 0
        self.free.append(place)

    def _shelve(self, place: int, pairs: Pairs) -> None:
        """Remember the place for its pairs, in the stead of the one longest there."""
        shelves = pairs & (2**_SHELF_BITS - 1)
        shelves = shelves[(self._shelves[shelves] != place).all(axis=1)]
        self._shelves[shelves, self._next[shelves]] = place
        self._next[shelves] = (self._next[shelves] + 1) % _SHELF

    def _forget(self, tick: int) -> None:
        """Close a tenth of all: those that were quiet longest, for each further person twice as long."""
        quiet = {
            place: (tick - one.seen) / 2.0 ** min(len(one.people.times) - 1, 20)
            for place, one in self.at.items()
        }
        for place in sorted(quiet, key=lambda one: -quiet[one])[: max(1, int(_FREED * len(quiet)))]:
            self.close(place)
        gone = ~np.isin(self._shelves, np.fromiter(self.at, np.int32, len(self.at)))
        self._shelves[gone] = -1
