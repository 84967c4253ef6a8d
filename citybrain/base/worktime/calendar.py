"""Working time as a line: positions (µs of working time since the calendar began) and back to moments.

`WorkCalendar` is pure; `current()` is the city's own, read from files (see `tables`).
"""

import logging
import time
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.conf import settings

from citybrain.base.worktime.tables import DEFAULT_PERIODS, SHIPPED, BadTable, Holiday, Period, YearTable
from citybrain.base.worktime.tables import read_folders as _read_folders

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
MINUTE = 60_000_000
SHANGHAI = ZoneInfo("Asia/Shanghai")
RECHECK_SECONDS = 5.0

log = logging.getLogger(__name__)


class MissingYear(LookupError):
    """A year without a holiday table was needed. `year` says which, the text which file to add."""

    def __init__(self, year: int) -> None:
        self.year = year
        super().__init__(
            f"worktime: no holiday table for {year}; add HOME/calendars/{year}.toml"
            " (form and fields as in citybrain/base/worktime/data/cn/2026.toml)"
        )


class DayKind(Enum):
    WORK = "work"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"
    EXCHANGED = "exchanged"  # 调休: a weekend day that is worked


class Day(NamedTuple):
    """What a day is; `holiday` names the holiday, or the one the day is worked in exchange for."""

    kind: DayKind
    holiday: Holiday | None = None

    @property
    def works(self) -> bool:
        return self.kind in {DayKind.WORK, DayKind.EXCHANGED}


def micros(at: datetime) -> int:
    """Return µs since 1970 of a datetime with a zone."""
    return (at - EPOCH) // MICROSECOND


def moment(at: int) -> datetime:
    """Return the UTC datetime of µs since 1970."""
    return EPOCH + timedelta(microseconds=at)


class WorkCalendar:
    """Working periods over the years that have a table. Immutable; share it freely."""

    def __init__(
        self,
        periods: Sequence[Period] = DEFAULT_PERIODS,
        years: Iterable[YearTable] = (),
        zone: ZoneInfo = SHANGHAI,
    ) -> None:
        self.zone = zone
        self.periods = tuple(periods)
        self.tables = {table.year: table for table in years}
        self._starts: list[int] = []  # each working stretch: first µs
        self._before: list[int] = []  # working µs before it
        self._after: list[int] = []  # working µs up to its end
        self._runs: list[tuple[int, int, int]] = []  # covered stretches: first µs, end µs, last year
        for year in sorted(self.tables):
            self._add_year(self.tables[year])

    def _add_year(self, table: YearTable) -> None:
        first, end = self._local(date(table.year, 1, 1), 0), self._local(date(table.year + 1, 1, 1), 0)
        if self._runs and self._runs[-1][1] == first:
            first = self._runs.pop()[0]
        self._runs.append((first, end, table.year))
        day = date(table.year, 1, 1)
        while day.year == table.year:
            if self.day(day).works:
                for period in self.periods_on(day):
                    start, stop = self._local(day, period.start), self._local(day, period.end)
                    done = self._after[-1] if self._after else 0
                    self._starts.append(start)
                    self._before.append(done)
                    self._after.append(done + stop - start)
            day += timedelta(days=1)

    def _local(self, day: date, minute: int) -> int:
        """Return the µs of a minute of a local day; minute 1440 is the next midnight."""
        day, minute = day + timedelta(days=minute // 1440), minute % 1440
        return micros(datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=self.zone))

    @property
    def day_minutes(self) -> int:
        """Minutes of one 工作日."""
        return sum(period.end - period.start for period in self.periods)

    def periods_on(self, day: date) -> tuple[Period, ...]:
        """Return the periods worked on a working day: the year's own, else the city's."""
        return self.tables[day.year].periods or self.periods

    def day(self, day: date) -> Day:
        """Return what a day is. Raises MissingYear."""
        table = self.tables.get(day.year)
        if table is None:
            raise MissingYear(day.year)
        if day in table.workdays:
            return Day(DayKind.EXCHANGED, table.workdays[day])
        if day in table.holidays:
            return Day(DayKind.HOLIDAY, table.holidays[day])
        return Day(DayKind.WEEKEND if day.isoweekday() > 5 else DayKind.WORK)

    def covers(self, a: datetime, b: datetime) -> bool:
        """Return whether every year from `a` to `b` (local) has a table."""
        return all(year in self.tables for year in self._years(a, b))

    def years_needed(self, now: datetime, days: int) -> list[int]:
        """Return the years without a table among those that the next `days` days touch."""
        return [year for year in self._years(now, now + timedelta(days=days)) if year not in self.tables]

    def _years(self, a: datetime, b: datetime) -> range:
        return range(a.astimezone(self.zone).year, b.astimezone(self.zone).year + 1)

    def _run(self, at: int) -> tuple[int, int, int]:
        """Return the covered stretch that holds `at`. Raises MissingYear."""
        for run in self._runs:
            if run[0] <= at < run[1]:
                return run
        raise MissingYear(moment(at).astimezone(self.zone).year)

    def _position(self, at: int) -> int:
        place = bisect_right(self._starts, at) - 1
        if place < 0:
            return 0
        return min(self._before[place] + at - self._starts[place], self._after[place])

    def between(self, a: int, b: int) -> int:
        """Return the working µs from `a` to `b` (µs since 1970); 0 when `b` isn't after `a`.

        Raises MissingYear when a year on the way has no table.
        """
        if b <= a:
            return 0
        run = self._run(a)
        if b > run[1]:
            raise MissingYear(run[2] + 1)
        return self._position(b) - self._position(a)

    def after(self, a: int, work: int) -> int:
        """Return the first moment by which `work` (> 0) working µs have passed since `a`.

        That is a period's end when it comes out even, never the next morning.
        Raises MissingYear when a year on the way has no table.
        """
        run = self._run(a)
        target = self._position(a) + work
        place = bisect_left(self._after, target)
        if place == len(self._after):
            raise MissingYear(run[2] + 1)
        found = self._starts[place] + target - self._before[place]
        if found > run[1]:
            raise MissingYear(run[2] + 1)
        return found

    def worked_on(self, day: date, a: int, b: int) -> list[tuple[int, int]]:
        """Return the working stretches of a local day that lie between `a` and `b`, as µs pairs."""
        if not self.day(day).works:
            return []
        whole = ((self._local(day, p.start), self._local(day, p.end)) for p in self.periods_on(day))
        cut = ((max(start, a), min(end, b)) for start, end in whole)
        return [(start, end) for start, end in cut if start < end]


class _Kept(NamedTuple):
    calendar: WorkCalendar
    signature: tuple[tuple[str, int, int], ...]
    checked: float


_kept: _Kept | None = None


def _signature(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Return names, times and sizes of a folder's tables, to see a change without reading them."""
    files = ((path.name, path.stat()) for path in sorted(folder.glob("*.toml")))
    return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in files)


def current() -> WorkCalendar:
    """Return the city's calendar: our tables with HOME/calendars over them, in the site's time zone.

    Looked at again every few seconds. A file broken while we run is logged and the calendar before it
    stays in force; at the first call it raises BadTable.
    """
    global _kept
    clock = time.monotonic()
    if _kept is not None and clock - _kept.checked < RECHECK_SECONDS:
        return _kept.calendar
    own = Path(settings.HOME) / "calendars"
    signature = _signature(own)
    if _kept is None or _kept.signature != signature:
        try:
            periods, years = _read_folders(SHIPPED, own)
            calendar = WorkCalendar(periods, years, ZoneInfo(settings.TIME_ZONE))
        except BadTable:
            if _kept is None:
                raise
            log.exception("worktime: the calendar files are broken; the tables read before stay in force")
            calendar = _kept.calendar
        _kept = _Kept(calendar, signature, clock)
    else:
        _kept = _kept._replace(checked=clock)
    return _kept.calendar


def forget() -> None:
    """Drop the calendar kept by `current`, for tests and after a change of files."""
    global _kept
    _kept = None
