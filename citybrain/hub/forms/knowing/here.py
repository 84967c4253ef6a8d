"""Where to look for the rows of an area's people: at its places, and for whom one has to look by number.

The rows of a placed copy (base.lake.residences) lie where people lived as some version of a residence set told.
Somebody found in an area by that set is where it says if their row there hasn't been written since; of everybody else
nothing is taken for granted.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from citybrain.base.exchange.delivery.subjects import normal
from citybrain.base.lake.residences import Placed, registered
from citybrain.hub.forms.knowing.arrays import as_array

ROWS_OF_PAGE: Final = 40  # a page read for one person holds about as many rows
DIGITS: Final = 18  # of a code that a place can hold


@dataclass(frozen=True, slots=True)
class Found:
    """Whom a residence set told to live here: its lake's table, its version, and which version wrote whose row.

    `places`: where these people live, as copies have it.
    """

    table: str
    version: int
    written: Mapping[str, int] = field(repr=False)
    places: frozenset[int] = frozenset()

    @staticmethod
    def by(placed: Placed, version: int, rows: Iterable[tuple[str, str, int]]) -> "Found":
        """Return what (place, number, version that wrote it) of a residence set's copy tell.

        Left out is who has no place in digits, or a number that isn't kept as it is looked up.
        """
        told = {
            number: (wrote, int(place))
            for place, number, wrote in rows
            if number and number == normal(number) and wrote is not None and _has_place(place)
        }
        written = {number: wrote for number, (wrote, _place) in told.items()}
        return Found(placed.table, version, written, frozenset(place for _wrote, place in told.values()))


def _has_place(code: str | None) -> bool:
    return code is not None and code.isascii() and code.isdigit() and len(code) <= DIGITS


@dataclass(frozen=True, slots=True)
class Look:
    """How to look for people's rows in one copy. `strays` are looked up by number."""

    places: str
    strays: tuple[str, ...] = field(repr=False)


@dataclass
class Here:
    """The people found in an area, by the residence sets that told them."""

    found: Mapping[str, Found] = field(default_factory=dict)
    kept: dict[Any, tuple[str, ...]] = field(default_factory=dict, repr=False)
    among: tuple[str, ...] = field(default=(), repr=False)

    @cached_property
    def places(self) -> tuple[int, ...]:
        """Where they live."""
        return tuple(sorted(frozenset().union(*(one.places for one in self.found.values()))))

    def look(self, placed: Placed, people: tuple[str, ...]) -> Look | None:
        """Return how to look for people in a copy; None where they had better be looked up one by one."""
        count = sum(len(one.written) for one in self.found.values())
        if not (self.places and placed.by) or len(people) * ROWS_OF_PAGE < count:
            return None
        strays = self._strays(placed, people)
        if len(strays) * 2 > len(people):
            return None
        return Look(as_array(map(str, self.places)), strays)

    def _strays(self, placed: Placed, people: tuple[str, ...]) -> tuple[str, ...]:
        """Return those of the people whose rows may lie elsewhere."""
        if self.among is not people:
            self.among = people
            self.kept.clear()
        by = tuple(sorted((code, told) for code, told in placed.by.items() if code in self.found))
        if by not in self.kept:
            sure: set[str] = set()
            for code, (table, version) in by:
                one = self.found[code]
                if one.table == table and version <= one.version:
                    sure.update(number for number, wrote in one.written.items() if wrote <= version)
            self.kept[by] = tuple(one for one in people if one not in sure)
        return self.kept[by]


def tells(code: str, name: str, keys: Sequence[str], subject: str | None) -> bool:
    """Tell whether a field of a set is the place by which copies are placed, with one row for each person."""
    told = any(one.code == code and one.place == name for one in registered())
    return told and tuple(keys) == (subject,)
