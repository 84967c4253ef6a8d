"""A file through a mapping: every row ends as a case or in the receipt; the same file again adds nothing.

Batches go in one after the other, each in one transaction. While the database takes one in, a helper thread
packs the next and reads the one after; only the caller's thread asks the database.
"""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

from django.db import connection

from citybrain.base.areas.index import AreaIndex
from citybrain.base.areas.tree import tree
from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor
from citybrain.hub.cases import bulk, items
from citybrain.hub.cases.bulk import Packed, PastCase
from citybrain.hub.cases.importing import places, rows
from citybrain.hub.cases.importing.mapping import BadMapping, Mapping311
from citybrain.hub.cases.importing.places import Place
from citybrain.hub.cases.importing.reading import last_moment, opened, rows_of
from citybrain.hub.cases.importing.rows import Read, Refused
from citybrain.hub.cases.importing.totals import Totals
from citybrain.hub.cases.models import Item

BATCH: Final = 5000
LOCK: Final = 7_311_000

Told = Callable[[int], None]
Line = tuple[int, dict[str, str]]


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
        work.run(enumerate(rows_of(file, mapping, path), start=2), refused, told or (lambda _rows: None))
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


@dataclass(slots=True)
class Batch:
    """Some rows of the file as read: those that may become cases with their places, and the receipt's lines."""

    rows: int = 0
    reads: list[Read] = field(default_factory=list)
    places: list[Place | None] = field(default_factory=list)
    refused: list[tuple[int | str, str, Refused]] = field(default_factory=list)


class Importer:
    """The state of one import: totals, and what is looked up once."""

    def __init__(self, actor: Actor, name: str, mapping: Mapping311, as_of: datetime) -> None:
        self.actor, self.name, self.mapping, self.as_of = actor, name, mapping, as_of
        self.totals = Totals()
        self.items = self._items()
        self.area = self._area()
        self.rule = f"原系统时限({name})"[:120]

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

    def run(self, lines: Iterator[Line], receipt: Any, told: Told) -> None:
        """Bring all lines in, in their order; `told` hears how many rows were stored or refused."""
        on_its_way: set[str] = set()  # references of the batch that is packed and not yet in the database
        packing: Future[tuple[Packed, Totals]] | None = None
        with ThreadPoolExecutor(1, "import") as helper:
            reading = helper.submit(self.read, lines, places.index())
            while (batch := reading.result()).rows:
                fresh = self.sift(batch, on_its_way, receipt)
                on_its_way = {one.ref for one, _place in fresh}
                next_packing = helper.submit(self.pack, fresh, bulk.reserve(len(fresh))) if fresh else None
                reading = helper.submit(self.read, lines, places.index())
                self.write(packing)
                told(self.totals.rows)
                packing = next_packing
            self.write(packing)

    def read(self, lines: Iterator[Line], areas: AreaIndex) -> Batch:
        """Return the next rows of the file, typed and located; none at its end. Asks no database."""
        batch = Batch()
        for line, row in islice(lines, BATCH):
            batch.rows += 1
            try:
                batch.reads.append(rows.read(self.mapping, row))
            except Refused as error:
                key = "-".join(row[name] for name in self.mapping.key_columns)
                batch.refused.append((line, key, error))
        batch.places = places.places(areas, batch.reads, self.mapping.system, self.area)
        return batch

    def sift(self, batch: Batch, on_its_way: set[str], receipt: Any) -> list[tuple[Read, Place]]:
        """Return what is new in a batch; the rest is counted, and what is refused goes to the receipt."""
        seen = on_its_way | bulk.known_refs([one.ref for one in batch.reads])
        fresh: list[tuple[Read, Place]] = []
        for one, place in zip(batch.reads, batch.places, strict=True):
            if one.ref in seen:
                self.totals.already += 1
            elif place is None:
                batch.refused.append(("", one.ref, Refused("outside_city", f"{one.lon}, {one.lat}")))
            else:
                seen.add(one.ref)
                fresh.append((one, place))
        self.totals.rows += batch.rows
        for line, key, error in batch.refused:
            self.totals.refused[error.reason] += 1
            receipt.writerow([line, key, error.reason, error.detail])
        return fresh

    def pack(self, fresh: Sequence[tuple[Read, Place]], ids: Sequence[int]) -> tuple[Packed, Totals]:
        """Return new cases ready to be written under the ids given, and their totals. Asks no database."""
        totals = Totals()

        def pasts() -> Iterator[PastCase]:
            for one, place in fresh:
                item = self.items.get(one.kind)
                past, ours = rows.past_case(one, item, self.mapping.open_state, place, self.as_of, self.rule)
                totals.count(one.closed is not None, item is not None, ours, one.theirs)
                yield past

        return bulk.pack(pasts(), ids), totals

    def write(self, packing: Future[tuple[Packed, Totals]] | None) -> None:
        """Write a packed batch, in one transaction."""
        if packing is not None:
            packed, totals = packing.result()
            bulk.write(self.actor, packed, f"import:{self.name}")
            self.totals.add(totals)
