"""Past cases in bulk: whole histories at once, by COPY. For imports and the sample city, never for live work.

A batch is one transaction with one ledger row that carries the digest of all its rows.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import orjson
from django.db import connection, transaction
from django.utils import timezone
from psycopg.types.json import Jsonb

from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor
from citybrain.base.ledger.append import record
from citybrain.hub.cases.intake import query_code
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
DEFAULTS: Final[dict[str, Any]] = {
    "submission_key": None, "external_ref": None, "version": 1, "is_open": True, "source": "02", "item_id": None,
    "urgent": False, "description": "", "address": "", "lon": None, "lat": None, "cell": None, "city_id": None,
    "district_id": None, "street_id": None, "community_id": None, "grid_id": None, "reporter_id": None,
    "agency_id": None, "handler_id": None, "suggested_agency_id": None, "duplicate_of_id": None, "filed_at": None,
    "dispatched_at": None, "accepted_at": None, "handled_at": None, "checked_at": None, "closed_at": None,
    "step": None, "due_at": None, "remind_at": None, "escalation": 0, "suspended_until": None, "on_time": None,
    "solved": None, "rating": None, "rated_at": None, "return_count": 0, "rework_count": 0, "urge_count": 0,
    "report_count": 1, "supervised": False, "extra": {},
}  # fmt: skip
TYPES: Final = {
    "bool": ("is_open", "urgent", "on_time", "solved", "supervised", "shared", "working"),
    "int2": ("state", "step", "escalation", "rating", "return_count", "rework_count", "urge_count", "from_state",
             "to_state"),
    "int4": ("version", "report_count", "seq", "limit_minutes"),
    "int8": ("id", "cell", "case_id"),
    "float8": ("lon", "lat"),
    "uuid": ("submission_key",),
    "jsonb": ("extra", "data", "pauses", "extensions"),
    "varchar": ("number", "query_code", "external_ref", "source", "address", "action", "actor_name", "actor_role",
                "rule", "name", "phone"),
    "text": ("description", "reason"),
}  # fmt: skip
TYPE_OF: Final = {column: kind for kind, columns in TYPES.items() for column in columns}


@dataclass(slots=True)
class PastCase:
    """One case with its history. `values` by column (DEFAULTS fill the rest; id, number and code are given here).

    `events` and `clocks` are rows by column without `case_id`; `contact` is (name, phone, shared).
    """

    values: dict[str, Any]
    events: list[dict[str, Any]] = field(default_factory=list)
    clocks: list[dict[str, Any]] = field(default_factory=list)
    contact: tuple[str, str, bool] | None = None


def store(actor: Actor, cases: Sequence[PastCase], label: str, now: datetime | None = None) -> list[int]:
    """Return the ids of past cases, stored in one transaction. `label` names the batch in the ledger.

    Raises Forbidden without `cases.import`; IntegrityError when an external_ref is already there.
    """
    require(actor, "cases.import")
    if not cases:
        return []
    moment = now or timezone.now()
    with transaction.atomic():
        ids = _reserve(len(cases))
        digest = _copy_all(cases, ids)
        body = {"cases": len(cases), "first": ids[0], "last": ids[-1], "sha256": digest}
        record(actor.key, "cases.import", label, body, at=moment)
    return ids


def known_refs(refs: Sequence[str]) -> set[str]:
    """Return those external references that a case has already."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT external_ref FROM cases_case WHERE external_ref = ANY(%s)", [list(refs)])
        return {row[0] for row in cursor.fetchall()}


def _reserve(count: int) -> list[int]:
    """Return that many fresh ids of cases; numbers are made from them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence('cases_case', 'id')) FROM generate_series(1, %s)", [count]
        )
        return [row[0] for row in cursor.fetchall()]


def _copy_all(cases: Sequence[PastCase], ids: Sequence[int]) -> str:
    columns = case_columns()
    digest = hashlib.sha256()
    rows = [_case_row(past, case_id, columns, digest) for past, case_id in zip(cases, ids, strict=True)]
    copy_rows("cases_case", columns, rows)
    copy_rows("cases_caseevent", EVENT_COLUMNS, _events(cases, ids))
    copy_rows("cases_caseclock", CLOCK_COLUMNS, _clocks(cases, ids))
    contacts = [(case_id, *past.contact) for past, case_id in zip(cases, ids, strict=True) if past.contact]
    if contacts:
        copy_rows("cases_casecontact", CONTACT_COLUMNS, contacts)
    return digest.hexdigest()


def _case_row(past: PastCase, case_id: int, columns: Sequence[str], digest: Any) -> tuple[Any, ...]:
    values = past.values
    day = timezone.localtime(values["reported_at"]).strftime("%Y%m%d")
    full = {**DEFAULTS, **values, "id": case_id, "number": f"{day}8{case_id % 10_000_000:07d}"}
    full["query_code"] = values.get("query_code") or query_code()
    row = tuple(full[name] for name in columns)
    digest.update(orjson.dumps(row, default=str))
    return row


def _events(cases: Sequence[PastCase], ids: Sequence[int]) -> Iterable[tuple[Any, ...]]:
    for past, case_id in zip(cases, ids, strict=True):
        for seq, event in enumerate(past.events, start=1):
            yield (
                case_id, seq, event["action"], event.get("from_state"), event["to_state"], event["at"],
                event.get("actor_id"), event.get("actor_name", ""), event.get("actor_role", ""),
                event.get("actor_agency_id"), event.get("on_behalf_of_id"), event.get("reason", ""),
                _json(event.get("data", {})),
            )  # fmt: skip


def _clocks(cases: Sequence[PastCase], ids: Sequence[int]) -> Iterable[tuple[Any, ...]]:
    for past, case_id in zip(cases, ids, strict=True):
        for clock in past.clocks:
            yield (
                case_id, clock["step"], clock.get("agency_id"), clock["started_at"], clock["limit_minutes"],
                clock["working"], clock["due_at"], clock.get("stopped_at"), _json(clock.get("pauses", [])),
                _json(clock.get("extensions", [])), clock.get("on_time"), clock["rule"],
            )  # fmt: skip


def _json(value: Any) -> Jsonb:
    return Jsonb(value, orjson.dumps)


def copy_rows(table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Copy rows into a table of ours in PostgreSQL's binary form."""
    names = ", ".join(columns)
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {table} ({names}) FROM STDIN (FORMAT BINARY)") as copy,
    ):
        copy.set_types([type_of(name) for name in columns])
        for row in rows:
            copy.write_row(row)


def type_of(column: str) -> str:
    """Return PostgreSQL's type of a column of these tables."""
    known = TYPE_OF.get(column)
    if known is not None:
        return known
    if column == "at" or column.endswith(("_at", "_until")):
        return "timestamptz"
    return "int8"
