"""The mapping file: TOML, checked whole before the first row is read.

See maps/boston311.toml for one with every part explained.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from citybrain.hub.cases.states import Source, State

SECTIONS: Final = {
    "file": {"encoding", "delimiter", "time_zone", "time_format", "as_of"},
    "key": {"prefix", "columns"},
    "times": {"reported", "due", "closed"},
    "text": {"description", "separator", "address"},
    "place": {"lon", "lat", "system", "default_geocodes", "outside", "area"},
    "item": {"column", "values", "required"},
    "source": {"column", "values", "default"},
    "open": {"state"},
    "verdict": {"column", "on_time", "late"},
    "keep": {"columns"},
}
OPEN_STATES: Final = {"reported": State.REPORTED, "pending_filing": State.PENDING_FILING}
SYSTEMS: Final = {"wgs84", "gcj02", "bd09"}


class BadMapping(ValueError):
    """The mapping file can't be used; the text names section and entry."""


@dataclass(frozen=True, slots=True)
class Mapping311:
    """A checked mapping. Column names are those of the file's header; empty: the file has no such column."""

    key_columns: tuple[str, ...]
    key_prefix: str
    reported: str
    due: str
    closed: str
    description: tuple[str, ...]
    separator: str
    address: str
    lon: str
    lat: str
    system: str
    default_geocodes: frozenset[tuple[float, float]]
    outside: str
    area: str
    item_column: str
    item_values: Mapping[str, str]
    item_required: bool
    source_column: str
    source_values: Mapping[str, Source]
    source_default: Source
    open_state: State
    verdict_column: str
    verdict_on_time: str
    verdict_late: str
    keep: tuple[str, ...]
    encoding: str = "utf-8-sig"
    delimiter: str = ","
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Asia/Shanghai"))
    time_format: str = ""
    as_of: datetime | None = None

    def columns(self) -> set[str]:
        """Return every column that must be in the file."""
        single = {self.reported, self.due, self.closed, self.address, self.lon, self.lat, self.item_column,
                  self.source_column, self.verdict_column}  # fmt: skip
        return (single | {*self.key_columns, *self.description, *self.keep}) - {""}


def read(path: Path) -> Mapping311:
    """Return the mapping in a file. Raises BadMapping naming what is wrong."""
    try:
        with path.open("rb") as file:
            raw = tomllib.load(file)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadMapping(f"{path}: {error}") from error
    for section, values in raw.items():
        if section not in SECTIONS:
            raise BadMapping(f"{path}: section [{section}] is not known; known: {', '.join(SECTIONS)}")
        unknown = sorted(set(values) - SECTIONS[section])
        if unknown:
            raise BadMapping(f"{path}: [{section}] {unknown[0]} is not known")
    return _checked(raw, str(path))


def _checked(raw: Mapping[str, Mapping[str, Any]], where: str) -> Mapping311:
    parts = {name: raw.get(name, {}) for name in SECTIONS}
    file, place, item, source = parts["file"], parts["place"], parts["item"], parts["source"]
    zone = _zone(str(file.get("time_zone", "Asia/Shanghai")), where)
    for section, name in (("key", "columns"), ("times", "reported"), ("text", "description")):
        if not parts[section].get(name):
            raise BadMapping(f"{where}: [{section}] {name} is needed")
    return Mapping311(
        key_columns=_names(parts["key"]["columns"]),
        key_prefix=str(parts["key"].get("prefix", "")),
        reported=str(parts["times"]["reported"]),
        due=str(parts["times"].get("due", "")),
        closed=str(parts["times"].get("closed", "")),
        description=_names(parts["text"]["description"]),
        separator=str(parts["text"].get("separator", " ")),
        address=str(parts["text"].get("address", "")),
        lon=str(place.get("lon", "")),
        lat=str(place.get("lat", "")),
        system=_one_of(place.get("system", "wgs84"), SYSTEMS, f"{where}: [place] system"),
        default_geocodes=frozenset(
            (float(lon), float(lat)) for lon, lat in place.get("default_geocodes", ())
        ),
        outside=_one_of(place.get("outside", "refuse"), {"refuse", "area"}, f"{where}: [place] outside"),
        area=str(place.get("area", "")),
        item_column=str(item.get("column", "")),
        item_values={str(key): str(code) for key, code in item.get("values", {}).items()},
        item_required=bool(item.get("required", True)),
        source_column=str(source.get("column", "")),
        source_values={str(key): _source(code, where) for key, code in source.get("values", {}).items()},
        source_default=_source(source.get("default", Source.AGENCY.value), where),
        open_state=OPEN_STATES[
            _one_of(parts["open"].get("state", "reported"), OPEN_STATES, f"{where}: [open] state")
        ],
        verdict_column=str(parts["verdict"].get("column", "")),
        verdict_on_time=str(parts["verdict"].get("on_time", "")),
        verdict_late=str(parts["verdict"].get("late", "")),
        keep=_names(parts["keep"].get("columns", ())),
        encoding=str(file.get("encoding", "utf-8-sig")),
        delimiter=str(file.get("delimiter", ",")),
        zone=zone,
        time_format=str(file.get("time_format", "")),
        as_of=_as_of(file.get("as_of"), zone, where),
    )


def _zone(name: str, where: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise BadMapping(f"{where}: [file] time_zone {name!r} is not known") from error


def _as_of(value: Any, zone: ZoneInfo, where: str) -> datetime | None:
    if value is None or value == "last":
        return None
    if not isinstance(value, datetime):
        raise BadMapping(f'{where}: [file] as_of {value!r}: a TOML date-time or "last" is needed')
    return value if value.tzinfo else value.replace(tzinfo=zone)


def _names(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(str(one) for one in value)


def _one_of(value: Any, known: Sequence[str] | set[str] | Mapping[str, Any], what: str) -> str:
    if value not in known:
        raise BadMapping(f"{what} {value!r}: one of {', '.join(sorted(known))} is needed")
    return str(value)


def _source(code: Any, where: str) -> Source:
    try:
        return Source(str(code))
    except ValueError:
        raise BadMapping(f"{where}: source {code!r} is not one of {', '.join(Source.values)}") from None
