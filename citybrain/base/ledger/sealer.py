"""The sealer: chains committed entries in id order, within about a second of their commit.

One sealer works at a time, under an advisory lock. A batch is one transaction, so a sealer killed between
any two statements leaves the chain as it was.

Ids are given before their transaction commits, so a lower id may appear after a higher one was sealed.
`Mark.floor` is the id up to which that can no longer happen. It is moved like this: after a pass, the
highest id sealed is noted as `ceiling`, and as `waiting` every other transaction that then holds the
table's write lock. (Whoever drew an id below the ceiling and wasn't seen either holds that lock, which is
taken before the id is drawn, or has just ended.) Once none of these is left, a further pass sees all that
they committed; with that pass the ceiling becomes the floor. Nothing at or below the floor is ever sealed
again: a row that turns up there was put in behind the chain's back, and `verify` names it.
"""

from datetime import datetime
from typing import NamedTuple

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from citybrain.base.ledger.chain import GENESIS, SQL_FIELDS, link

LOCK = 0x6C6564676572  # "ledger" in ASCII: the advisory lock of sealers
BATCH = 10_000

_SQL_PENDING = f"""
SELECT {SQL_FIELDS} FROM ledger_entry e
LEFT JOIN ledger_seal s ON s.entry_id = e.id AND s.entry_id > %s
WHERE e.id > %s AND s.entry_id IS NULL ORDER BY e.id LIMIT %s
"""  # noqa: S608 (constants)
_SQL_LAG = """
SELECT count(*), min(e.at) FROM ledger_entry e
LEFT JOIN ledger_seal s ON s.entry_id = e.id AND s.entry_id > %s WHERE e.id > %s AND s.entry_id IS NULL
"""
_SQL_SEAL = """
INSERT INTO ledger_seal (seq, entry_id, hash)
SELECT %s + u.place, u.entry_id, u.hash
FROM unnest(%b::bigint[], %b::bytea[]) WITH ORDINALITY AS u(entry_id, hash, place)
"""
# A transaction that is prepared for a two-phase commit changes its name: any of these is waited for.
_SQL_WRITERS = """
SELECT DISTINCT CASE WHEN pid IS NULL THEN 'prepared' ELSE virtualtransaction END FROM pg_locks
WHERE locktype = 'relation' AND relation = 'ledger_entry'::regclass
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
  AND granted AND pid IS DISTINCT FROM pg_backend_pid()
"""
_SQL_MARK = """
INSERT INTO ledger_mark (id, floor, ceiling, waiting, seq) VALUES (1, %s, %s, %s, %s)
ON CONFLICT (id) DO UPDATE SET floor = EXCLUDED.floor, ceiling = EXCLUDED.ceiling,
  waiting = EXCLUDED.waiting, seq = EXCLUDED.seq
"""


class Lag(NamedTuple):
    """How far the sealer is behind: entries waiting, and the time of the oldest (None when none wait)."""

    pending: int
    oldest: datetime | None


class _Mark(NamedTuple):
    floor: int = 0
    ceiling: int = 0
    waiting: frozenset[str] = frozenset()
    seq: int = 0


def tick(now: datetime) -> int:
    """Seal all that is pending, batch by batch; return how many. For the worker's loop."""
    total = 0
    while sealed := seal_pending(BATCH):
        total += sealed
        if sealed < BATCH:
            break
    return total


def seal_pending(limit: int = BATCH) -> int:
    """Seal up to `limit` committed entries and return how many.

    0 also when another sealer is at work. Entries whose transaction is still open come in a later pass.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            return 0
        return _seal(cursor, limit)


def _seal(cursor: CursorWrapper, limit: int) -> int:
    mark = _read_mark(cursor)
    settled = mark.ceiling > mark.floor and _is_settled(cursor, mark)  # before the rows are read
    cursor.execute(_SQL_PENDING, [mark.floor, mark.floor, limit])
    rows = cursor.fetchall()
    seq, previous = _end(cursor)
    ids, hashes = [], []
    for fields in rows:
        previous = link(previous, fields)
        ids.append(int(fields[0]))
        hashes.append(previous)
    if ids:
        cursor.execute(_SQL_SEAL, [seq, ids, hashes])
    seen_up_to = ids[-1] if len(ids) == limit else None
    after = _moved(cursor, mark, seen_up_to if settled else mark.floor)._replace(seq=seq + len(ids))
    if after != mark:
        cursor.execute(_SQL_MARK, [after.floor, after.ceiling, " ".join(sorted(after.waiting)), after.seq])
    return len(ids)


def _is_settled(cursor: CursorWrapper, mark: _Mark) -> bool:
    return _writers(cursor).isdisjoint({*mark.waiting, "prepared"})


def _moved(cursor: CursorWrapper, mark: _Mark, seen_up_to: int | None) -> _Mark:
    """Return the mark with its floor raised to what is settled and sealed (None: all), and a new ceiling."""
    floor = mark.ceiling if seen_up_to is None else min(mark.ceiling, seen_up_to)
    if floor > mark.floor:
        mark = mark._replace(floor=floor)
    if mark.ceiling > mark.floor:
        return mark
    cursor.execute("SELECT coalesce(max(entry_id), 0) FROM ledger_seal")
    ceiling = int(cursor.fetchone()[0])
    if ceiling <= mark.floor:
        return mark._replace(waiting=frozenset())
    return mark._replace(ceiling=ceiling, waiting=_writers(cursor))


def _read_mark(cursor: CursorWrapper) -> _Mark:
    cursor.execute("SELECT floor, ceiling, waiting, seq FROM ledger_mark WHERE id = 1")
    row = cursor.fetchone()
    return _Mark(row[0], row[1], frozenset(row[2].split()), row[3]) if row else _Mark()


def _writers(cursor: CursorWrapper) -> frozenset[str]:
    """Return the transactions of others that may have entries not yet visible."""
    cursor.execute(_SQL_WRITERS)
    return frozenset(row[0] for row in cursor.fetchall())


def _end(cursor: CursorWrapper) -> tuple[int, bytes]:
    cursor.execute("SELECT seq, hash FROM ledger_seal ORDER BY seq DESC LIMIT 1")
    row = cursor.fetchone()
    return (row[0], bytes(row[1])) if row else (0, GENESIS)


def lag() -> Lag:
    """Return what waits to be sealed, for `doctor` and /health. Cheap while a sealer runs."""
    with connection.cursor() as cursor:
        floor = _read_mark(cursor).floor
        cursor.execute(_SQL_LAG, [floor, floor])
        return Lag(*cursor.fetchone())
