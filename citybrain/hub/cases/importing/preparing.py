"""Rows of a file made ready for the database, batch by batch. Asks no database, so it may work in a process apart."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from citybrain.base.areas.index import AreaIndex
from citybrain.hub.cases import bulk, deadlines
from citybrain.hub.cases.bulk import Packed, PastCase
from citybrain.hub.cases.importing import places, rows
from citybrain.hub.cases.importing.mapping import BadMapping, Mapping311
from citybrain.hub.cases.importing.places import Place
from citybrain.hub.cases.importing.rows import Read, Refused
from citybrain.hub.cases.importing.totals import Totals
from citybrain.hub.cases.models import Item

Line = tuple[int, dict[str, str]]
Refusal = tuple[int | str, str, str, str]  # the receipt's line: line of the file, key, reason, detail


@dataclass(slots=True)
class Batch:
    """Some rows of the file as read: how many, the references of those that may become cases, the receipt's lines.

    `outside` holds the positions in `refs` without a place of ours, with the point given.
    """

    rows: int = 0
    refs: list[str] = field(default_factory=list)
    outside: dict[int, str] = field(default_factory=dict)
    refused: list[Refusal] = field(default_factory=list)


@dataclass(slots=True)
class Preparer:
    """Reads the lines of a file and packs those asked for.

    `items` by kind; `area` is the lineage of rows without a place of ours, None when they are refused.
    Cases still open are judged at the end of the file: as of its last moment, where the mapping names no other.
    """

    lines: Iterator[Line]
    mapping: Mapping311
    areas: AreaIndex
    items: dict[str, Item]
    area: tuple[int | None, ...] | None
    rule: str
    latest: datetime | None = None
    _open: list[tuple[datetime, bool | None]] = field(default_factory=list)
    _kept: list[list[tuple[Read, Place | None]]] = field(default_factory=list)

    def read(self, count: int) -> Batch:
        """Return the next rows of the file, typed and located; none at its end. They are kept until packed."""
        batch = Batch()
        reads: list[Read] = []
        for line, row in islice(self.lines, count):
            batch.rows += 1
            try:
                reads.append(rows.read(self.mapping, row))
            except Refused as error:
                key = "-".join(row[name] for name in self.mapping.key_columns)
                batch.refused.append((line, key, error.reason, error.detail))
                self._see(rows.moments(self.mapping, row))
        self._see(one.closed or one.reported for one in reads)
        located = places.places(self.areas, reads, self.mapping.system, self.area)
        batch.refs = [one.ref for one in reads]
        for at, (one, place) in enumerate(zip(reads, located, strict=True)):
            if place is None:
                batch.outside[at] = f"{one.lon}, {one.lat}"
        self._kept.append(list(zip(reads, located, strict=True)))
        return batch

    def pack(self, chosen: Sequence[int], ids: Sequence[int]) -> tuple[Packed, Totals]:
        """Return rows of the oldest batch kept, by position, as cases under the ids given, and their totals."""
        kept, totals = self._kept.pop(0), Totals()
        return bulk.pack(self._pasts([kept[at] for at in chosen], totals), ids), totals

    def _pasts(self, chosen: Sequence[tuple[Read, Any]], totals: Totals) -> Iterator[PastCase]:
        for one, place in chosen:
            item = self.items.get(one.kind)
            past, ours = rows.past_case(one, item, self.mapping.open_state, place, self.rule)
            totals.count(one.closed is not None, item is not None)
            if one.closed is None and one.due is not None:
                self._open.append((one.due, one.theirs))
            else:
                totals.judge(ours, one.theirs)
            yield past

    def judge_open(self) -> Totals:
        """Return the verdicts on the packed cases that are still open. Raises BadMapping without a moment to ask."""
        as_of, totals = self.mapping.as_of or self.latest, Totals()
        if as_of is None:
            raise BadMapping("no row has a usable time")
        for due, theirs in self._open:
            totals.judge(deadlines.verdict(due, None, as_of), theirs)
        return totals

    def _see(self, moments: Iterable[datetime]) -> None:
        seen = max(moments, default=None)
        if seen is not None and (self.latest is None or seen > self.latest):
            self.latest = seen
