"""Past cases in bulk: whole histories at once, by COPY. For imports and the sample city, never for live work.

A batch is one transaction with one ledger row that carries the digest of all its cases. `pack` makes the
rows without a database, so that one process can pack a batch while `write` waits for the database with another.
"""

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, Final

from django.db import connection, transaction
from django.utils import timezone

from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor
from citybrain.base.ledger.append import record
from citybrain.hub.cases import copying, search
from citybrain.hub.cases.copying import Table
from citybrain.hub.cases.intake import CODE_LETTERS
from citybrain.hub.cases.store import case_columns

EVENT_COLUMNS: Final = (
    "case_id", "seq", "action", "from_state", "to_state", "at", "actor_id", "actor_name", "actor_role",
    "actor_agency_id", "on_behalf_of_id", "reason", "data",
)  # fmt: skip
CLOCK_COLUMNS: Final = (
    "case_id", "step", "agency_id", "started_at", "limit_minutes", "working", "due_at", "stopped_at", "pauses",
    "extensions", "on_time", "rule",
)  # fmt: skip
CONTACT_COLUMNS: Final = ("case_id", "name", "phone", "shared")
# What is not null unless a case says so; every other column is.
DEFAULTS: Final[dict[str, Any]] = {
    "version": 1, "is_open": True, "source": "02", "urgent": False, "description": "", "address": "",
    "escalation": 0, "return_count": 0, "rework_count": 0, "urge_count": 0, "report_count": 1, "supervised": False,
    "extra": {},
}  # fmt: skip
EVENT_DEFAULTS: Final = {"actor_name": "", "actor_role": "", "reason": "", "data": {}}
CLOCK_DEFAULTS: Final[dict[str, Any]] = {"pauses": [], "extensions": []}
TYPES: Final = {
    "bool": ("is_open", "urgent", "on_time", "solved", "supervised", "shared", "working"),
    "int2": ("state", "step", "escalation", "rating", "return_count", "rework_count", "urge_count", "from_state",
             "to_state"),
    "int4": ("version", "report_count", "seq", "limit_minutes"),
    "int8": ("id", "cell", "case_id"),
    "float8": ("lon", "lat"),
    "uuid": ("submission_key",),
    "jsonb": ("extra", "data", "pauses", "extensions"),
    "text": ("number", "query_code", "external_ref", "source", "address", "action", "actor_name", "actor_role",
             "rule", "name", "phone", "description", "reason"),
    "tsvector": ("words",),
}  # fmt: skip
TYPE_OF: Final = {column: kind for kind, columns in TYPES.items() for column in columns}

# Random bytes below a multiple of the number of letters become letters, evenly; the rest is left out.
CODE_LENGTH: Final = 6
CODE_LIMIT: Final = 256 - 256 % len(CODE_LETTERS)
CODE_TABLE: Final = bytes(ord(CODE_LETTERS[byte % len(CODE_LETTERS)]) for byte in range(256))


@dataclass(slots=True)
class PastCase:
    """One case with its history. `values` by column (DEFAULTS fill the rest; id, number and code are given here).

    `events` and `clocks` are rows by column without `case_id`; `contact` is (name, phone, shared).
    """

    values: dict[str, Any]
    events: list[dict[str, Any]] = field(default_factory=list)
    clocks: list[dict[str, Any]] = field(default_factory=list)
    contact: tuple[str, str, bool] | None = None


@dataclass(frozen=True, slots=True)
class Packed:
    """A batch ready to be written: each COPY with what it takes, and what the ledger says of it."""

    copies: tuple[tuple[str, bytes], ...]
    body: dict[str, Any]


def store(actor: Actor, cases: Sequence[PastCase], label: str, now: datetime | None = None) -> list[int]:
    """Return the ids of past cases, stored in one transaction. `label` names the batch in the ledger.

    Raises Forbidden without `cases.import`; IntegrityError when an external_ref is already there.
    """
    require(actor, "cases.import")
    if not cases:
        return []
    ids = reserve(len(cases))
    write(actor, pack(cases, ids), label, now)
    return ids


def write(actor: Actor, packed: Packed, label: str, now: datetime | None = None) -> None:
    """Write a batch with its ledger row, all or nothing; of an empty one nothing. Raises as `store` does."""
    require(actor, "cases.import")
    if not packed.copies:
        return
    with transaction.atomic():
        with connection.cursor() as cursor, connection.wrap_database_errors:
            for sql, data in packed.copies:
                with cursor.copy(sql) as copy:
                    copy.write(data)
        record(actor.key, "cases.import", label, packed.body, at=now or timezone.now())


def known_refs(refs: Sequence[str]) -> set[str]:
    """Return those external references that a case has already."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT external_ref FROM cases_case WHERE external_ref = ANY(%s)", [list(refs)])
        return {row[0] for row in cursor.fetchall()}


def reserve(count: int) -> list[int]:
    """Return that many fresh ids of cases; numbers are made from them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence('cases_case', 'id')) FROM generate_series(1, %s)", [count]
        )
        return [row[0] for row in cursor.fetchall()]


@cache
def _tables() -> tuple[Table, Table, Table, Table]:
    return (
        _table("cases_case", (*case_columns(), "words"), DEFAULTS),
        _table("cases_caseevent", EVENT_COLUMNS, EVENT_DEFAULTS),
        _table("cases_caseclock", CLOCK_COLUMNS, CLOCK_DEFAULTS),
        _table("cases_casecontact", CONTACT_COLUMNS, {}),
    )


def _table(name: str, columns: Sequence[str], defaults: dict[str, Any]) -> Table:
    return Table(name, {column: type_of(column) for column in columns}, defaults)


def pack(cases: Iterable[PastCase], ids: Sequence[int]) -> Packed:
    """Return past cases as rows to be written, under the ids given. Asks no database."""
    case, event, clock, contact = tables = _tables()
    rows: dict[str, list[bytes]] = {table.name: [] for table in tables}
    add_case, add_event, add_clock, add_contact = (kept.append for kept in rows.values())
    for past, case_id, code in zip(cases, ids, query_codes(len(ids)), strict=True):
        add_case(case.row(_case_values(past, case_id, code)))
        for seq, one in enumerate(past.events, start=1):
            add_event(event.row({**one, "case_id": case_id, "seq": seq}))
        for one in past.clocks:
            add_clock(clock.row({**one, "case_id": case_id}))
        if past.contact:
            name, phone, shared = past.contact
            add_contact(contact.row({"case_id": case_id, "name": name, "phone": phone, "shared": shared}))
    copies = tuple((table.sql, copying.whole(rows[table.name])) for table in tables if rows[table.name])
    if not copies:
        return Packed((), {})
    digest = hashlib.sha256(copies[0][1]).hexdigest()
    return Packed(copies, {"cases": len(ids), "first": ids[0], "last": ids[-1], "sha256": digest})


def query_codes(count: int) -> list[str]:
    """Return as many codes as `intake.query_code` makes one, from one draw of random bytes."""
    letters = ""
    while len(letters) < count * CODE_LENGTH:
        drawn = secrets.token_bytes(count * CODE_LENGTH + 64)
        letters += drawn.translate(CODE_TABLE, bytes(range(CODE_LIMIT, 256))).decode()
    return [letters[start : start + CODE_LENGTH] for start in range(0, count * CODE_LENGTH, CODE_LENGTH)]


def _case_values(past: PastCase, case_id: int, code: str) -> dict[str, Any]:
    values = past.values
    day = values["reported_at"].astimezone(timezone.get_default_timezone())
    number = f"{day.year}{day.month:02}{day.day:02}8{case_id % 10_000_000:07d}"
    text = f"{number} {values.get('address', '')} {values.get('description', '')}"
    return {"query_code": code, **values, "id": case_id, "number": number, "words": search.words(text)}


def type_of(column: str) -> str:
    """Return PostgreSQL's type of a column of these tables; text stands for varchar, too."""
    known = TYPE_OF.get(column)
    if known is not None:
        return known
    if column == "at" or column.endswith(("_at", "_until")):
        return "timestamptz"
    return "int8"
