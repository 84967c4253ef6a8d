"""A stream of reports with its truth: what really was the matter, where, whose, and which reports are the same."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import shapely

from citybrain.sample.city import CITY, COMMUNITY, DISTRICT, GRID, STREET, City
from citybrain.sample.people import PersonRow, cast_places
from citybrain.sample.subjects import HOURS, Subject, subjects
from citybrain.sample.telling import Place, Teller
from citybrain.sample.terrain import KM_PER_LAT, KM_PER_LON

SHANGHAI = ZoneInfo("Asia/Shanghai")
BY_HOUR = np.array(
    [4, 2, 1, 1, 2, 5, 14, 34, 66, 84, 80, 62, 44, 48, 62, 76, 82, 74, 56, 44, 34, 24, 14, 8], float
)
"""Reports by hour of the day, relative: a peak in the forenoon, another before the evening. Our choice."""
WEEKEND = 0.72
WORKER, CITIZEN, HOTLINE, THING, VIDEO, AGENCY, LEADER, WHISTLE, MEDIA, MODEL = (
    f"{n:02d}" for n in range(1, 11)
)
SOURCES = {
    "seen": {
        WORKER: 46,
        CITIZEN: 29,
        HOTLINE: 13,
        VIDEO: 4,
        THING: 2,
        AGENCY: 3,
        LEADER: 1,
        MEDIA: 1,
        MODEL: 1,
    },
    "wished": {WORKER: 12, CITIZEN: 30, HOTLINE: 52, AGENCY: 4, LEADER: 1, MEDIA: 1},
}
NEAR_M, SOON = 45.0, timedelta(hours=5)


@dataclass(frozen=True, slots=True)
class Matter:
    """What really is the matter: the truth behind its reports. `grid` is a place in the city's list."""

    number: int
    item: str
    grid: int
    lon: float
    lat: float
    place: Place
    at: datetime


@dataclass(frozen=True, slots=True)
class Told:
    """One report as it comes in. `claimed` is the item its teller chose (empty: none), right or wrong.

    `reporter` is a place in the list of people, None for someone who gave no name; `again` counts from 0 the
    reports of one matter; `photos` are kinds of pictures to draw.
    """

    matter: Matter
    again: int
    at: datetime
    source: str
    text: str
    address: str
    lon: float
    lat: float
    claimed: str
    reporter: int | None
    photos: tuple[str, ...] = field(default=())


class ReportMaker:
    """Draws matters and their reports from one stream of chance."""

    def __init__(
        self, city: City, people: list[PersonRow], rng: np.random.Generator, told_before: int = 0
    ) -> None:
        self.city = city
        self._rng = rng
        self._teller = Teller(city)
        self._subjects = list(subjects().values())
        self._weights = np.array([subject.weight for subject in self._subjects], float)
        self._by_subclass: dict[str, list[str]] = {}
        for subject in self._subjects:
            self._by_subclass.setdefault(subject.subclass, []).append(subject.code)
        self._grids_until = np.cumsum(_grid_weights(city))
        self._workers = _workers(people)
        self._citizens = [person.index for person in people if not person.login]
        self._until: dict[tuple[int, int], np.ndarray] = {}
        self._next = told_before

    def matter(self, at: datetime, *, grid: int | None = None, code: str = "") -> Matter:
        """Return something that goes wrong at `at`, in a grid and about an item of chance where none is given."""
        first = self.city.first[GRID]
        drawn = int(np.searchsorted(self._grids_until, self._rng.uniform() * self._grids_until[-1]))
        chosen = drawn if grid is None else grid - first
        subject = subjects()[code] if code else self._subject(at)
        lon, lat = self._spot(chosen)
        index = first + chosen
        self._next += 1
        return Matter(self._next, subject.code, index, lon, lat, self._teller.place(index, self._rng), at)

    def _subject(self, at: datetime) -> Subject:
        local = at.astimezone(SHANGHAI)
        until = self._until_at(local.month, local.hour)
        return self._subjects[int(np.searchsorted(until, self._rng.uniform() * until[-1], side="right"))]

    def _until_at(self, month: int, hour: int) -> np.ndarray:
        """Return the running sum of the items' weights for a month and an hour of the day."""
        found = self._until.get((month, hour))
        if found is None:
            fits = [month in s.months and hour in HOURS.get(s.code, range(24)) for s in self._subjects]
            found = self._until[month, hour] = np.cumsum(self._weights * np.array(fits))
        return found

    def _spot(self, grid: int) -> tuple[float, float]:
        """Return a point of a grid: from its inner point some way towards its border."""
        lon, lat = self.city.inner[grid]
        shape = self.city.shapes[self.city.first[GRID] + grid]
        border = shapely.get_coordinates(shape)
        towards = border[int(self._rng.integers(len(border)))]
        way = float(self._rng.uniform(0, 0.85))
        x, y = lon + (towards[0] - lon) * way, lat + (towards[1] - lat) * way
        if not shapely.contains_xy(shape, x, y):
            x, y = lon, lat
        return round(float(x), 6), round(float(y), 6)

    def tellings(self, matter: Matter, *, alone: bool = False) -> Iterator[Told]:
        """Yield the reports of a matter: mostly one, sometimes several within metres and hours."""
        yield self._tell(matter, 0, matter.at, self._source(matter))
        chance = float(self._rng.uniform())
        for again in range(1, 0 if alone else (1 if chance > 0.09 else 2 if chance > 0.03 else 4)):
            later = matter.at + SOON * float(self._rng.beta(1, 3))
            yield self._tell(matter, again, later, CITIZEN if self._rng.uniform() < 0.7 else HOTLINE)

    def tell(self, matter: Matter, source: str, *, reporter: int | None, claimed: bool) -> Told:
        """Return the one report of a matter by a given person from a given source."""
        told = self._tell(matter, 0, matter.at, source)
        code = matter.item if claimed else ""
        return replace(told, claimed=code, reporter=reporter if reporter is not None else told.reporter)

    def _source(self, matter: Matter) -> str:
        wished = subjects()[matter.item].kind in {"诉求", "纠纷"}
        shares = SOURCES["wished" if wished else "seen"]
        weights = np.array(list(shares.values()), float)
        return str(list(shares)[int(self._rng.choice(len(weights), p=weights / weights.sum()))])

    def _tell(self, matter: Matter, again: int, at: datetime, source: str) -> Told:
        subject, rng = subjects()[matter.item], self._rng
        if source == CITIZEN:
            text = self._teller.say(subject, matter.place, rng)
        elif source == HOTLINE:
            text = self._teller.hotline(subject, matter.place, rng)
        else:
            text = self._teller.note(subject, matter.place, rng)
        lon, lat = self._nearby(matter) if again else (matter.lon, matter.lat)
        return Told(
            matter, again, at, source, text, matter.place.address if rng.uniform() < 0.85 else "", lon, lat,
            self._claim(subject, source), self._reporter(matter, source), self._photos(source),
        )  # fmt: skip

    def _nearby(self, matter: Matter) -> tuple[float, float]:
        """Return where another phone says the same matter is: some metres off, still in the same grid."""
        shape = self.city.shapes[matter.grid]
        for _ in range(6):
            east, north = self._rng.normal(0, NEAR_M / 2, 2) / 1000
            lon, lat = round(matter.lon + east / KM_PER_LON, 6), round(matter.lat + north / KM_PER_LAT, 6)
            if shapely.contains_xy(shape, lon, lat):
                return lon, lat
        return matter.lon, matter.lat

    def _claim(self, subject: Subject, source: str) -> str:
        """Return the item the teller chose: officers mostly right, citizens seldom and less surely."""
        says, right = {CITIZEN: (0.35, 0.78), HOTLINE: (0.6, 0.85)}.get(source, (1.0, 0.93))
        if self._rng.uniform() >= says:
            return ""
        if self._rng.uniform() < right:
            return subject.code
        siblings = self._by_subclass[subject.subclass]
        return siblings[int(self._rng.integers(len(siblings)))]

    def _reporter(self, matter: Matter, source: str) -> int | None:
        if source == CITIZEN:
            if self._rng.uniform() < 0.3:
                return None
            # The citizen of the cast reports now and then, so that their page has something to show.
            return 0 if self._rng.uniform() < 0.012 else int(self._rng.choice(self._citizens))
        return self._workers.get(matter.grid) if source == WORKER else None

    def _photos(self, source: str) -> tuple[str, ...]:
        wanted = {WORKER: 0.9, CITIZEN: 0.75, VIDEO: 1.0}.get(source, 0.0)
        if self._rng.uniform() >= wanted:
            return ()
        return ("close", "wide") if self._rng.uniform() < 0.3 else ("close",)


def _grid_weights(city: City) -> np.ndarray:
    """Return how often each grid reports: more where it is dense, and more yet where the cast works."""
    weights = city.density**0.2
    home = city.lineage(cast_places(city)["grid"])
    codes = [grid.code for grid in city.at_level(GRID)]
    for level, times in ((DISTRICT, 1.8), (STREET, 5.0), (COMMUNITY, 3.0)):
        code = city.areas[home[level - CITY]].code
        weights[[place for place, grid in enumerate(codes) if grid.startswith(code)]] *= times
    return np.asarray(weights)


def _workers(people: list[PersonRow]) -> dict[int, int]:
    """Return the grid worker of each grid."""
    return {
        post.area: person.index for person in people for post in person.posts if post.role == "grid_worker"
    }


def arrivals(rng: np.random.Generator, count: int, since: datetime, until: datetime) -> list[datetime]:
    """Return `count` moments between two, by the hours of the day and the days of the week, in order."""
    hours = int((until - since).total_seconds() // 3600) + 1
    starts = [since + timedelta(hours=hour) for hour in range(hours)]
    weights = np.array([_busy(start.astimezone(SHANGHAI)) for start in starts])
    chosen = rng.choice(hours, size=count, p=weights / weights.sum())
    span = (until - since).total_seconds()
    seconds = np.minimum(chosen * 3600 + rng.uniform(0, 3600, count), span * rng.uniform(0.98, 1, count))
    return [since + timedelta(seconds=float(second)) for second in np.sort(seconds)]


def _busy(local: datetime) -> float:
    return float(BY_HOUR[local.hour]) * (WEEKEND if local.weekday() >= 5 else 1.0)
