"""A file through a mapping: every row ends as a case or in the receipt; the same file again adds nothing.

Batches go in one after the other, each in one transaction. While the database takes one in, a process beside
packs the next and reads the one after; only the caller's thread asks the database.
"""

import csv
import io
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from django.db import connection

from citybrain.base.areas.tree import tree
from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor
from citybrain.hub.cases import bulk, items
from citybrain.hub.cases.bulk import Packed
from citybrain.hub.cases.importing import places
from citybrain.hub.cases.importing.apart import Apart, apart
from citybrain.hub.cases.importing.mapping import BadMapping, Mapping311
from citybrain.hub.cases.importing.preparing import Batch, Line, Preparer
from citybrain.hub.cases.importing.reading import check, opened, rows_of
from citybrain.hub.cases.importing.totals import Totals
from citybrain.hub.cases.models import Item

BATCH: Final = 5000
LOCK: Final = 7_311_000

Told = Callable[[int], None]
Packing = Future[tuple[Packed, Totals]]


def import_file(
    actor: Actor, path: Path, mapping: Mapping311, receipt: Path | None = None, told: Told | None = None
) -> Totals:
    """Return the totals of a file brought in, batch by batch; `receipt` gets one CSV line per refused row.

    One import at a time; stopped anywhere, it goes on where it was when run again. Raises Forbidden,
    BadMapping, UnicodeDecodeError.
    """
    require(actor, "cases.import")
    check(path, mapping.encoding)
    work = Importer(actor, path.name, mapping)
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


class Importer:
    """The state of one import: totals, and what is looked up once."""

    def __init__(self, actor: Actor, name: str, mapping: Mapping311) -> None:
        self.actor, self.name, self.mapping = actor, name, mapping
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
        areas = places.index()
        preparer = Preparer(lines, self.mapping, areas, self.items, self.area, self.rule)
        with apart(preparer) as beside, ThreadPoolExecutor(1, "import") as asking:
            self._pipe(beside, asking, receipt, told)

    def _pipe(self, beside: Apart, asking: ThreadPoolExecutor, receipt: Any, told: Told) -> None:
        on_its_way: set[str] = set()  # references of the batch that is packed and not yet in the database
        packing: Packing | None = None
        reading: Future[Batch] = asking.submit(beside.ask, "read", BATCH)
        while (batch := reading.result()).rows:
            fresh = self.sift(batch, on_its_way, receipt)
            on_its_way = {batch.refs[at] for at in fresh}
            next_packing: Packing = asking.submit(beside.ask, "pack", fresh, bulk.reserve(len(fresh)))
            reading = asking.submit(beside.ask, "read", BATCH)
            self.write(packing)
            told(self.totals.rows)
            packing = next_packing
        self.write(packing)
        self.totals.add(asking.submit(beside.ask, "judge_open").result())

    def sift(self, batch: Batch, on_its_way: set[str], receipt: Any) -> list[int]:
        """Return what is new in a batch, by position; the rest is counted, refusals go to the receipt."""
        seen = on_its_way | bulk.known_refs(batch.refs)
        fresh: list[int] = []
        for at, ref in enumerate(batch.refs):
            if ref in seen:
                self.totals.already += 1
            elif at in batch.outside:
                batch.refused.append(("", ref, "outside_city", batch.outside[at]))
            else:
                seen.add(ref)
                fresh.append(at)
        self.totals.rows += batch.rows
        for refusal in batch.refused:
            self.totals.refused[refusal[2]] += 1
            receipt.writerow(refusal)
        return fresh

    def write(self, packing: Packing | None) -> None:
        """Write a packed batch, in one transaction."""
        if packing is not None:
            packed, totals = packing.result()
            bulk.write(self.actor, packed, f"import:{self.name}")
            self.totals.add(totals)
