"""Which figures of a roll-up may be shown, so that nobody can be told from them. Pure.

Areas form a tree and each figure is the sum of those below it. A figure of some people, but fewer than k, is hidden
(primary). Whoever knows a shown area's figure and takes away all shown ones below it learns the sum of what is hidden
there; that sum must be of nobody or of k people at least, so more is hidden, the smallest first, or the area itself
(complement). As shown areas lie one in another or apart, these differences are all that sums can tell.

`rest` are people of the same rows who don't stand in the figure (98 of 100 have a card: two haven't); the same rule
holds for them. Figures of one table that add up to each other (men, women, all) are linked: where one is hidden, a
second is, so that it can't be worked out from its neighbours.

Source: primary and complementary cell suppression as in Hundepool and others, Statistical Disclosure Control (2012),
chapter 4; the frequency rule with threshold k. The rule on differences over a tree is our own form of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

ROUNDS_MOST: Final = 50


@dataclass
class Units:
    """Areas as a tree: `below[i]` are the places of those right below place i. Parents come before children; 0 is the
    whole.
    """

    below: list[list[int]] = field(default_factory=lambda: [[]])

    def add(self, parent: int) -> int:
        """Return the place of a new area below `parent`."""
        self.below.append([])
        self.below[parent].append(len(self.below) - 1)
        return len(self.below) - 1


@dataclass
class Column:
    """One figure over all areas: people behind it, and `rest` people of the same rows who aren't; both add up."""

    people: list[int]
    rest: list[int]


class _Concealing:
    """The work on one column."""

    def __init__(self, units: Units, column: Column, k: int, forced: Iterable[int]) -> None:
        count = len(units.below)
        self.below, self.column, self.k = units.below, column, k
        self.forced = set(forced)
        self.hidden = [False] * count
        # people hidden below an area (itself included) that no shown area below it covers, and how many units
        self.loose: list[tuple[int, int, int]] = [(0, 0, 0)] * count

    def done(self) -> set[int]:
        for place in range(len(self.below) - 1, -1, -1):
            self._settle(place)
        return {place for place, is_hidden in enumerate(self.hidden) if is_hidden}

    def _small(self, people: int, rest: int) -> bool:
        return 0 < people < self.k or 0 < rest < self.k

    def _settle(self, place: int) -> None:
        people, rest = self.column.people[place], self.column.rest[place]
        below = self.below[place]
        primary = self._small(people, rest)
        if not below:
            if primary or (place in self.forced and people + rest):
                self._conceal(place)
            return
        self._gather(place)
        if primary or (place in self.forced and people + rest):
            self._conceal(place)
            return
        while self.loose[place][2] and self._small(*self.loose[place][:2]):
            smallest = self._smallest_shown(place)
            if smallest is None:
                self.hidden[place] = True
                return
            self._conceal(smallest)
            self._gather(place)

    def _gather(self, place: int) -> None:
        parts = [self.loose[one] for one in self.below[place] if self.hidden[one]]
        self.loose[place] = (
            sum(p for p, _r, _n in parts),
            sum(r for _p, r, _n in parts),
            sum(n for *_, n in parts),
        )

    def _smallest_shown(self, place: int) -> int | None:
        people, rest = self.column.people, self.column.rest
        shown = [one for one in self.below[place] if not self.hidden[one] and people[one] + rest[one]]
        return min(shown, key=lambda one: (people[one] + rest[one], one), default=None)

    def _conceal(self, place: int) -> None:
        """Hide an area, and enough below it that it can't be added up again."""
        self.hidden[place] = True
        if not self.below[place]:
            self.loose[place] = (self.column.people[place], self.column.rest[place], 1)
            return
        if not self.loose[place][2]:
            smallest = self._smallest_shown(place)
            if smallest is not None:
                self._conceal(smallest)
                self._gather(place)


def conceal(
    units: Units, columns: Mapping[str, Column], k: int, linked: Sequence[Sequence[str]] = ()
) -> dict[str, set[int]]:
    """Return by column the places whose figure is hidden. `linked`: groups of columns that add up to each other."""
    forced: dict[str, set[int]] = {name: set() for name in columns}
    found = {name: _Concealing(units, column, k, ()).done() for name, column in columns.items()}
    for _round in range(ROUNDS_MOST):
        more = _neighbours(columns, found, k, linked)
        if not more:
            return found
        for name, places in more.items():
            forced[name] |= places | found[name]
            found[name] = _Concealing(units, columns[name], k, forced[name]).done()
    return {name: set(range(len(units.below))) for name in columns}  # never seen; nothing is shown then


def _neighbours(
    columns: Mapping[str, Column], found: Mapping[str, set[int]], k: int, linked: Sequence[Sequence[str]]
) -> dict[str, set[int]]:
    """Return what has to be hidden besides, so that no hidden figure can be worked out from those beside it."""
    more: dict[str, set[int]] = {}
    for group in linked:
        touched = set().union(*(found[name] for name in group))
        for place in touched:
            name = _one_more(group, columns, found, place, k)
            if name is not None:
                more.setdefault(name, set()).add(place)
    return more


def _one_more(
    group: Sequence[str], columns: Mapping[str, Column], found: Mapping[str, set[int]], place: int, k: int
) -> str | None:
    hidden = [name for name in group if place in found[name]]
    if len(hidden) > 1 and sum(columns[name].people[place] for name in hidden) >= k:
        return None
    shown = [name for name in group if place not in found[name] and columns[name].people[place]]
    return min(shown, key=lambda name: (columns[name].people[place], name), default=None)
