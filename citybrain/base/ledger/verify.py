"""Recomputes the chain from the rows as they are now, and names the first that isn't what was sealed."""

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper

from citybrain.base.ledger.chain import GENESIS, SQL_FIELDS, Head, link
from citybrain.base.ledger.diagnose import Fault, Link, diagnose

BATCH = 20_000
LOOK_AHEAD = 500  # seals read past a break, to tell what kind it is

Progress = Callable[[int, int], None]

# OFFSET 0 keeps the planner at one look-up per seal; left alone it reads all entries again for each batch.
_SQL_LINKS = f"""
SELECT s.seq, s.hash, s.entry_id, f.*
FROM ledger_seal s LEFT JOIN LATERAL (
  SELECT {SQL_FIELDS} FROM ledger_entry e WHERE e.id = s.entry_id OFFSET 0
) f ON TRUE
WHERE s.seq > %s AND s.seq <= %s ORDER BY s.seq
"""  # noqa: S608 (constants)
_SQL_BEHIND = f"""
SELECT {SQL_FIELDS} FROM ledger_entry e
LEFT JOIN ledger_seal s ON s.entry_id = e.id AND s.entry_id <= %s
WHERE e.id <= %s AND s.entry_id IS NULL ORDER BY e.id LIMIT 1
"""  # noqa: S608 (constants)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a verification found. `checked` entries up to `head`; `fault` is the first one, None if intact.

    `pending` entries were committed but not yet sealed when it began; they prove nothing either way.
    """

    fault: Fault | None
    checked: int
    head: Head
    pending: int
    seconds: float

    @property
    def intact(self) -> bool:
        return self.fault is None


def head() -> Head:
    """Return the chain's end; 0 and zero bytes when nothing was sealed yet."""
    with connection.cursor() as cursor:
        return _head(cursor)


def verify(progress: Progress | None = None, heads: Iterable[Head] = (), *, batch: int = BATCH) -> Verdict:
    """Recompute the whole chain in batches and return the verdict, ending at the first fault.

    `heads` are ends of the chain kept elsewhere: each must still be in it. `progress(done, total)` is
    called after each batch. Entries may be appended and sealed meanwhile; they aren't looked at.
    """
    started, kept = time.monotonic(), tuple(heads)
    with connection.cursor() as cursor:
        floor, marked = _mark(cursor)
        end = _head(cursor)
        pending = _pending(cursor, floor)
        checked, fault = _walk(cursor, end, _by_seq(kept), progress, batch)
        fault = fault or _cut(end, marked, kept) or _behind(cursor, floor)
    return Verdict(fault, checked, end, pending, time.monotonic() - started)


def _walk(
    cursor: CursorWrapper, end: Head, heads: dict[int, set[bytes]], progress: Progress | None, batch: int
) -> tuple[int, Fault | None]:
    """Follow the chain to `end`; return how many links hold, and the first that doesn't."""
    previous, expected = GENESIS, 1
    for rows in _batches(cursor, end.seq, batch):
        for row in rows:
            seq, stored, entry_id = row[:3]
            fields = row[3:]
            if seq != expected or fields[0] is None or link(previous, fields) != stored:
                ahead = _ahead(cursor, expected)
                return expected - 1, diagnose(expected, previous, ahead)
            if seq in heads and heads[seq] != {stored}:
                return expected, Fault.of("rewritten", seq, entry_id, fields)
            previous, expected = stored, seq + 1
        if progress is not None:
            progress(expected - 1, end.seq)
    if expected <= end.seq:
        return expected - 1, diagnose(expected, previous, _ahead(cursor, expected))
    return expected - 1, None


def _by_seq(heads: Iterable[Head]) -> dict[int, set[bytes]]:
    found: dict[int, set[bytes]] = {}
    for one in heads:
        found.setdefault(one.seq, set()).add(one.hash)
    return found


def _batches(cursor: CursorWrapper, end: int, batch: int) -> Iterator[list[tuple[Any, ...]]]:
    """Yield the links up to `end`, each batch read while the one before it is hashed."""
    # In PostgreSQL's binary format: decoding the hashes' hexadecimal digits would take longer than hashing.
    with cursor.connection.cursor(binary=True) as links, ThreadPoolExecutor(1) as reader:

        def read(after: int) -> list[tuple[Any, ...]]:
            links.execute(_SQL_LINKS, [after, min(after + batch, end)])
            return list(links.fetchall())

        coming = reader.submit(read, 0)
        for after in range(batch, end + batch, batch):
            rows = coming.result()
            if after < end:
                coming = reader.submit(read, after)
            yield rows


def _ahead(cursor: CursorWrapper, seq: int) -> list[Link]:
    """Return the links from `seq` on, as far as a diagnosis looks."""
    cursor.execute(_SQL_LINKS, [seq - 1, seq + LOOK_AHEAD])
    return [
        Link(row[0], bytes(row[1]), row[2], None if row[3] is None else row[3:]) for row in cursor.fetchall()
    ]


def _mark(cursor: CursorWrapper) -> tuple[int, int]:
    cursor.execute("SELECT floor, seq FROM ledger_mark WHERE id = 1")
    return cursor.fetchone() or (0, 0)


def _head(cursor: CursorWrapper) -> Head:
    cursor.execute("SELECT seq, hash FROM ledger_seal ORDER BY seq DESC LIMIT 1")
    row = cursor.fetchone()
    return Head(row[0], bytes(row[1])) if row else Head(0, GENESIS)


def _pending(cursor: CursorWrapper, floor: int) -> int:
    cursor.execute(
        "SELECT count(*) FROM ledger_entry e"
        " LEFT JOIN ledger_seal s ON s.entry_id = e.id AND s.entry_id > %s"
        " WHERE e.id > %s AND s.entry_id IS NULL",
        [floor, floor],
    )
    return int(cursor.fetchone()[0])


def _cut(end: Head, marked: int, heads: Iterable[Head]) -> Fault | None:
    """Return a fault when the chain ends before a head kept elsewhere, or before the sealer's own mark."""
    furthest = max([marked, *(one.seq for one in heads)])
    return Fault("truncated", end.seq + 1, upto=furthest) if furthest > end.seq else None


def _behind(cursor: CursorWrapper, floor: int) -> Fault | None:
    """Return the first entry without a seal where none can be any more."""
    cursor.execute(_SQL_BEHIND, [floor, floor])
    row = cursor.fetchone()
    return None if row is None else Fault.of("inserted", None, int(row[0]), row)
