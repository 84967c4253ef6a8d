"""Appending: canonical bodies and the INSERT statements. No hashing, no queries, no rights.

A hot path puts `SQL` (or `sql_from`, when the subject comes out of its own CTE) into its statement and
passes `canonical(body)`; everyone else calls `record` inside the transaction of the change.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.utils import timezone
from django.utils.functional import Promise

COLUMNS = ("at", "actor", "on_behalf_of", "action", "subject", "body")
_INTO = "INSERT INTO ledger_entry (" + ", ".join(COLUMNS) + ")"

# Parameters in the order of COLUMNS; an `at` of NULL becomes the statement's own time.
SQL = f"{_INTO} VALUES (COALESCE(%s::timestamptz, clock_timestamp()), %s, %s, %s, %s, %s)"
SQL_INSERT = SQL
_COPY = "COPY ledger_entry (" + ", ".join(COLUMNS) + ") FROM STDIN (FORMAT BINARY)"
_COPY_TYPES = ("timestamptz", "text", "text", "text", "text", "text")


class Row(NamedTuple):
    """One entry to append, for `record_many`. `at` of None is the time of the call."""

    actor: str
    action: str
    subject: str
    body: Mapping[str, Any]
    at: datetime | None = None
    on_behalf_of: str = ""


def sql_from(source: str, **columns: str) -> str:
    """Return an INSERT that reads its values from `source`, for use inside a CTE.

    Each column of COLUMNS is an SQL expression, `%s` (with its cast) unless given:
    `sql_from("new_case c", subject="'case:' || c.id")`. Both arguments are code, never input.
    """
    casts = {"at": "%s::timestamptz"}
    values = (columns.get(name, casts.get(name, "%s::text")) for name in COLUMNS)
    return " ".join((_INTO, "SELECT", ", ".join(values), "FROM", source))


def _plain(value: object) -> object:
    """Return what JSON has no word for as text. Times are UTC with microseconds and Z.

    Raises TypeError for any other type, ValueError for a datetime without a zone.
    """
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, UUID | Promise):
        return str(value)
    if isinstance(value, timedelta):
        return value // timedelta(microseconds=1) / 1_000_000
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"ledger body: {type(value).__name__} has no canonical form; pass text or a number")


_ENCODER = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"), default=_plain
)


def canonical(body: Mapping[str, Any]) -> str:
    """Return `body` as canonical JSON text: keys sorted by code point, no spaces, not escaped beyond need.

    Decimal is text in plain notation, datetime text in UTC ("2026-11-20T08:30:00.000000Z"), date and time
    ISO text, UUID lower-case text, timedelta seconds, a set its sorted list. A lone surrogate (which UTF-8
    can't hold) becomes U+FFFD rather than losing the entry.

    Raises ValueError for NaN, infinity and naive datetimes, TypeError for other types.
    """
    text = _ENCODER.encode(body)
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def stamp(at: datetime) -> str:
    """Return `at` as the ledger writes it: UTC, six digits, Z. Raises ValueError without a zone."""
    if at.tzinfo is None:
        raise ValueError(f"ledger: {at.isoformat()} has no time zone")
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _checked(row: Row) -> tuple[datetime | None, str, str, str, str, str]:
    """Return the parameters of one row in the order of COLUMNS.

    Raises ValueError when the actor, action or subject is empty, or `at` has no zone.
    """
    for name in ("actor", "action", "subject"):
        if not getattr(row, name):
            raise ValueError(f"ledger entry: {name} is empty in {row.actor!r} {row.action!r} {row.subject!r}")
    if row.at is not None and row.at.tzinfo is None:
        raise ValueError(f"ledger entry: at {row.at.isoformat()} has no time zone")
    return row.at, row.actor, row.on_behalf_of, row.action, row.subject, canonical(row.body)


def record(
    actor: str,
    action: str,
    subject: str,
    body: Mapping[str, Any],
    *,
    at: datetime | None = None,
    on_behalf_of: str = "",
) -> int:
    """Append one entry in the current transaction and return its id. It is chained within a second after.

    Raises ValueError for an empty actor, action or subject, and what `canonical` raises.
    """
    values = _checked(Row(actor, action, subject, body, at, on_behalf_of))
    with connection.cursor() as cursor:
        cursor.execute(f"{SQL} RETURNING id", values)
        return int(cursor.fetchone()[0])


def record_many(rows: Iterable[Row]) -> int:
    """Append all rows by one COPY, in their order; return how many. Nothing is written if one is bad.

    Ids follow the order of the rows. A row without `at` gets the time of this call.
    """
    now = timezone.now()
    values = [_checked(row) for row in rows]
    if not values:
        return 0
    with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        copy.set_types(_COPY_TYPES)
        for at, *texts in values:
            copy.write_row((at or now, *texts))
    return len(values)
