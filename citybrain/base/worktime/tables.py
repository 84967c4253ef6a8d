"""Year tables and working periods as they stand in TOML files, checked when they are read.

A city's own files in HOME/calendars come before ours: `<year>.toml` replaces that year's table,
`periods.toml` (`periods = ["08:30-12:00", "13:30-18:00"]`) replaces the working periods of every year.
A year table may carry `periods` of its own. Files, because a year's table is a notice typed off once a
year, kept with the rest of HOME by the backup, and readable by whoever must check it.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

SHIPPED = Path(__file__).parent / "data" / "cn"
_PERIOD = re.compile(r"([01]\d|2[0-4]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")


class BadTable(ValueError):
    """A calendar file that can't be used; the text names the file, the value and what to do."""


class Period(NamedTuple):
    """A working period of a day, in minutes after midnight; `end` is not part of it."""

    start: int
    end: int


class Holiday(NamedTuple):
    """What a day is called: the holiday it belongs to, or the one it is worked in exchange for."""

    name: str
    name_en: str


@dataclass(frozen=True, slots=True)
class YearTable:
    """One year: its holidays, its weekend days that are worked (调休), and where that is published."""

    year: int
    source: str
    holidays: Mapping[date, Holiday]
    workdays: Mapping[date, Holiday]
    periods: tuple[Period, ...] | None = None


DEFAULT_PERIODS: tuple[Period, ...] = (
    Period(510, 720),
    Period(810, 1080),
)  # 08:30-12:00, 13:30-18:00: 8 h are one 工作日


def read_periods(texts: Iterable[object], where: str) -> tuple[Period, ...]:
    """Return periods from texts like "08:30-12:00", in order; "24:00" ends a day.

    Raises BadTable for another form, an empty list, and periods that overlap or end before they start.
    """
    found: list[Period] = []
    for text in texts:
        match = _PERIOD.fullmatch(str(text))
        if match is None:
            raise BadTable(f'{where}: period {text!r} received; write it as "08:30-12:00"')
        hour, minute, end_hour, end_minute = map(int, match.groups())
        period = Period(hour * 60 + minute, end_hour * 60 + end_minute)
        if not (found[-1].end if found else 0) <= period.start < period.end <= 1440:
            raise BadTable(f"{where}: period {text} overlaps the one before it or ends before it starts")
        found.append(period)
    if not found:
        raise BadTable(f"{where}: no working period; without one nothing would ever be due")
    return tuple(found)


def read_year(path: Path) -> YearTable:
    """Return the table of a `<year>.toml` file. Raises BadTable naming the file and the value."""
    data = _load(path)
    year = data.get("year")
    if not isinstance(year, int) or path.stem != str(year):
        raise BadTable(f"{path}: year = {year!r}; the file of a year is named after it")
    if not data.get("source"):
        raise BadTable(f"{path}: source is empty; name the notice the dates come from")
    holidays: dict[date, Holiday] = {}
    workdays: dict[date, Holiday] = {}
    for row in data.get("holidays", []):
        _read_holiday(row, year, path, holidays, workdays)
    for day in workdays:
        if day in holidays or day.isoweekday() < 6:
            raise BadTable(f"{path}: workday {day} is no free weekend day")
    periods = read_periods(data["periods"], str(path)) if "periods" in data else None
    return YearTable(year, str(data["source"]), holidays, workdays, periods)


def _read_holiday(
    row: Mapping[str, Any],
    year: int,
    path: Path,
    holidays: dict[date, Holiday],
    workdays: dict[date, Holiday],
) -> None:
    """Add one [[holidays]] block to the two mappings."""
    name = str(row.get("name", ""))
    days: list[Any] = [row.get("first"), row.get("last"), *row.get("workdays", [])]
    if not name or any(not isinstance(day, date) or isinstance(day, datetime) for day in days):
        raise BadTable(f"{path}: holiday {name!r}: name, first and last are needed, dates as {year}-01-01")
    first, last, *worked = days
    if not first <= last or any(day.year != year for day in days):
        raise BadTable(f"{path}: holiday {name}: {first} to {last} is reversed or outside {year}")
    holiday = Holiday(name, str(row.get("name_en", name)))
    for offset in range((last - first).days + 1):
        holidays[first + timedelta(days=offset)] = holiday
    for day in worked:
        workdays[day] = holiday


def _load(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadTable(f"{path}: can't be read: {error}") from error


def read_folders(*folders: Path) -> tuple[tuple[Period, ...], list[YearTable]]:
    """Return the periods and year tables of all folders; a later folder's file replaces an earlier one's."""
    periods = DEFAULT_PERIODS
    years: dict[int, YearTable] = {}
    for folder in folders:
        for path in sorted(folder.glob("*.toml")):
            if path.stem == "periods":
                periods = read_periods(_load(path).get("periods", []), str(path))
            else:
                table = read_year(path)
                years[table.year] = table
    return periods, [years[year] for year in sorted(years)]
