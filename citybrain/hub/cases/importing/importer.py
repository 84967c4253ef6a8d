"""A file through a mapping: every row ends as a case or in the receipt; the same file again adds nothing."""

import csv
import gzip
import io
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from django.db import connection

from citybrain.base.areas import coordinates
from citybrain.base.areas import index as area_index
from citybrain.base.areas.tree import tree
from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor
from citybrain.hub.cases import bulk, items
from citybrain.hub.cases.bulk import PastCase
from citybrain.hub.cases.importing import rows
from citybrain.hub.cases.importing.mapping import BadMapping, Mapping311
from citybrain.hub.cases.importing.rows import Read, Refused
from citybrain.hub.cases.intake import cell_of
from citybrain.hub.cases.models import Item

BATCH: Final = 5000
LOCK: Final = 7_311_000
LEVELS: Final = ("city_id", "district_id", "street_id", "community_id", "grid_id")


@dataclass(slots=True)
class Totals:
    """What became of a file. rows = cases + already + sum(refused). Verdicts compare ours with the file's."""

    rows: int = 0
    cases: int = 0
    already: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    open: int = 0
    closed: int = 0
    without_item: int = 0
    on_time: int = 0
    late: int = 0
    no_deadline: int = 0
    verdicts_compared: int = 0
    verdicts_equal: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the totals; `verdict_agreement` is equal ÷ compared, null when none was compared."""
        compared = self.verdicts_compared
        return {
            "rows": self.rows,
            "cases": self.cases,
            "already": self.already,
            "refused": dict(sorted(self.refused.items())),
            "refused_total": sum(self.refused.values()),
            "open": self.open,
            "closed": self.closed,
            "without_item": self.without_item,
            "our_verdict": {"on_time": self.on_time, "late": self.late, "none": self.no_deadline},
            "verdicts_compared": compared,
            "verdicts_equal": self.verdicts_equal,
            "verdict_agreement": round(self.verdicts_equal / compared, 6) if compared else None,
        }


Told = Callable[[int], None]


@contextmanager
def opened(path: Path, encoding: str) -> Iterator[IO[str]]:
    """Open a text file, gzip or plain, strictly in its encoding."""
    with path.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        stream: Any = gzip.GzipFile(fileobj=raw) if packed else raw
        with io.TextIOWrapper(stream, encoding=encoding, newline="") as text:
            yield text


def _reader(file: IO[str], mapping: Mapping311, path: Path) -> Iterator[dict[str, str]]:
    reader = csv.DictReader(file, delimiter=mapping.delimiter, restval="")
    missing = sorted(mapping.columns() - set(reader.fieldnames or ()))
    if missing:
        raise BadMapping(f"{path}: the file has no column {', '.join(missing)}")
    return iter(reader)


def import_file(
    actor: Actor, path: Path, mapping: Mapping311, receipt: Path | None = None, told: Told | None = None
) -> Totals:
    """Return the totals of a file brought in, batch by batch; `receipt` gets one CSV line per refused row.

    One import at a time; stopped anywhere, it goes on where it was when run again. Raises Forbidden,
    BadMapping, UnicodeDecodeError.
    """
    require(actor, "cases.import")
    as_of = mapping.as_of or last_moment(path, mapping)
    work = Importer(actor, path.name, mapping, as_of)
    with opened(path, mapping.encoding) as file, _receipt(receipt) as refused, _alone():
        batch: list[Read] = []
        for line, row in enumerate(_reader(file, mapping, path), start=2):
            work.totals.rows += 1
            try:
                one = rows.read(mapping, row)
            except Refused as error:
                work.refuse(refused, line, row, mapping, error)
                continue
            batch.append(one)
            if len(batch) >= BATCH:
                work.store(batch, refused)
                batch = []
                if told:
                    told(work.totals.rows)
        work.store(batch, refused)
        if told:
            told(work.totals.rows)
    return work.totals


@contextmanager
def _receipt(path: Path | None) -> Iterator[Any]:
    if path is None:
        yield csv.writer(io.StringIO())
        return
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["line", "key", "reason", "detail"])
        yield writer


@contextmanager
def _alone() -> Iterator[None]:
    """Hold the import lock of the database for the length of one import."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


def last_moment(path: Path, mapping: Mapping311) -> datetime:
    """Return the latest report or closing in a file: open cases are judged as of then."""
    latest: datetime | None = None
    with opened(path, mapping.encoding) as file:
        for row in _reader(file, mapping, path):
            for moment in rows.moments(mapping, row):
                latest = moment if latest is None or moment > latest else latest
    if latest is None:
        raise BadMapping(f"{path}: no row has a usable time")
    return latest


class Importer:
    """The state of one import: totals, and what is looked up once."""

    def __init__(self, actor: Actor, name: str, mapping: Mapping311, as_of: datetime) -> None:
        self.actor, self.name, self.mapping, self.as_of = actor, name, mapping, as_of
        self.totals = Totals()
        self.items = self._items()
        self.area = self._area()

    def _items(self) -> dict[str, Item]:
        known = items.index().by_code
        unknown = sorted({code for code in self.mapping.item_values.values() if code and code not in known})
        if unknown:
            raise BadMapping(f"[item] values: no item has the code {unknown[0]}")
        return {kind: known[code] for kind, code in self.mapping.item_values.items() if code}

    def _area(self) -> tuple[int | None, ...] | None:
        """Return the lineage for rows without a place of ours, None when they are refused."""
        if self.mapping.outside == "refuse":
            return None
        if self.mapping.area:
            try:
                return tree().by_code(self.mapping.area).lineage
            except LookupError as error:
                raise BadMapping(f"[place] area: {error}") from error
        roots = tree().roots()
        if not roots:
            raise BadMapping("[place] area: there are no areas yet; run `citybrain areas import` first")
        return roots[0].lineage

    def refuse(
        self, receipt: Any, line: int, row: Mapping[str, str], mapping: Mapping311, error: Refused
    ) -> None:
        self.totals.refused[error.reason] += 1
        key = "-".join(row[name] for name in mapping.key_columns)
        receipt.writerow([line, key, error.reason, error.detail])

    def store(self, batch: Sequence[Read], receipt: Any) -> None:
        """Bring in one batch, in one transaction, without what is there already."""
        if not batch:
            return
        seen = bulk.known_refs([one.ref for one in batch])
        fresh: list[tuple[Read, PastCase, bool | None]] = []
        for one, place in zip(batch, self._places(batch), strict=True):
            if one.ref in seen:
                self.totals.already += 1
                continue
            if place is None:
                self.totals.refused["outside_city"] += 1
                receipt.writerow(["", one.ref, "outside_city", f"{one.lon}, {one.lat}"])
                continue
            seen.add(one.ref)
            item = self.items.get(one.kind)
            rule = f"原系统时限({self.name})"[:120]
            past, ours = rows.past_case(one, item, self.mapping.open_state, place, self.as_of, rule)
            fresh.append((one, past, ours))
        bulk.store(self.actor, [past for _one, past, _ours in fresh], f"import:{self.name}")
        for one, past, ours in fresh:
            self._count(one, past, ours)

    def _count(self, one: Read, past: PastCase, ours: bool | None) -> None:
        totals = self.totals
        totals.cases += 1
        totals.open += one.closed is None
        totals.closed += one.closed is not None
        totals.without_item += past.values["item_id"] is None
        totals.on_time += ours is True
        totals.late += ours is False
        totals.no_deadline += ours is None
        if ours is not None and one.theirs is not None:
            totals.verdicts_compared += 1
            totals.verdicts_equal += ours is one.theirs

    def _places(self, batch: Sequence[Read]) -> Iterator[dict[str, Any] | None]:
        """Yield the place columns of each row; None where it lies outside and is to be refused."""
        lons = np.array([np.nan if one.lon is None else one.lon for one in batch])
        lats = np.array([np.nan if one.lat is None else one.lat for one in batch])
        known = np.isfinite(lons)
        if self.mapping.system != "wgs84" and known.any():
            lons[known], lats[known] = coordinates.to_wgs84(lons[known], lats[known], self.mapping.system)
        located = area_index.locate(lons, lats)
        columns = [located.city, located.district, located.street, located.community, located.grid]
        for place, found in enumerate(zip(*(column.tolist() for column in columns), strict=True)):
            lineage: tuple[int | None, ...] | None = tuple(one or None for one in found)
            if not any(found):
                lineage = self.area
            if lineage is None:
                yield None
                continue
            lon, lat = (float(lons[place]), float(lats[place])) if known[place] else (None, None)
            yield {
                **dict(zip(LEVELS, lineage, strict=True)),
                "lon": lon,
                "lat": lat,
                "cell": cell_of(lon, lat),
            }
