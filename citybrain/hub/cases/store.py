"""The two statements of a step: lock and read one case with its running clock, then write all that changed.

Raw SQL because every step of every case goes through here; the ORM's share would be two thirds of the cost.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import orjson
from django.db import connection

from citybrain.base.identity.actor import Actor
from citybrain.hub.cases.access import owns, visible_sql
from citybrain.hub.cases.errors import NotFound
from citybrain.hub.cases.models import Case, CaseClock

MUTABLE = (
    "state", "is_open", "item_id", "urgent", "agency_id", "handler_id", "suggested_agency_id", "duplicate_of_id",
    "filed_at", "dispatched_at", "accepted_at", "handled_at", "checked_at", "closed_at", "step", "due_at",
    "remind_at", "escalation", "suspended_until", "on_time", "solved", "rating", "rated_at", "return_count",
    "rework_count", "urge_count", "report_count", "supervised",
)  # fmt: skip
CLOCK_COLUMNS = (
    "id", "step", "agency_id", "started_at", "limit_minutes", "working", "due_at", "stopped_at", "pauses",
    "extensions",
    "on_time", "rule",
)  # fmt: skip
CLOCK_WRITTEN = CLOCK_COLUMNS[1:]


@cache
def case_columns() -> tuple[str, ...]:
    """Return the stored columns of a case, the search words left out."""
    return tuple(f.attname for f in Case._meta.concrete_fields if f.attname != "words")


@dataclass(slots=True)
class Held:
    """A locked case, what its columns were, and its running clock (None: none runs)."""

    case: Case
    before: dict[str, Any]
    clock: CaseClock | None


def lock(actor: Actor, case_id: int, *, owner_code: str = "") -> Held:
    """Return a case locked until the transaction ends. Raises NotFound when the actor may not see it.

    `owner_code`: the query code of an anonymous reporter.
    """
    scope, params = visible_sql(actor)
    columns = ", ".join(f"c.{name}" for name in case_columns())
    clock = ", ".join(f"k.{name}" for name in CLOCK_COLUMNS)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {columns}, {clock} FROM cases_case c"
            " LEFT JOIN cases_caseclock k ON k.case_id = c.id AND k.stopped_at IS NULL"
            f" WHERE c.id = %s AND (({scope}) OR (%s <> '' AND c.query_code = %s)) FOR UPDATE OF c",
            [case_id, *params, owner_code, owner_code],
        )
        row = cursor.fetchone()
    if row is None:
        raise NotFound
    names = case_columns()
    case = Case.from_db("default", list(names), _decoded(names, row[: len(names)]))
    running = row[len(names) :]
    return Held(case, {name: getattr(case, name) for name in MUTABLE}, _clock(case.pk, running))


def _decoded(names: tuple[str, ...], values: tuple[Any, ...]) -> list[Any]:
    """Return column values with JSON parsed: a bare cursor hands jsonb over as text."""
    return [
        orjson.loads(value) if name == "extra" and isinstance(value, str) else value
        for name, value in zip(names, values, strict=True)
    ]


def _clock(case_id: int, values: tuple[Any, ...]) -> CaseClock | None:
    if values[0] is None:
        return None
    clock = CaseClock(**dict(zip(CLOCK_COLUMNS, values, strict=True)), case_id=case_id)
    for name in ("pauses", "extensions"):
        value = getattr(clock, name)
        if isinstance(value, str):
            setattr(clock, name, orjson.loads(value))
    return clock


@dataclass(slots=True)
class Written:
    """What a step leaves behind."""

    action: str
    from_state: int
    at: datetime
    reason: str
    data: dict[str, Any]
    hat_role: str
    on_behalf_of: int | None
    body: str
    photos: list[Any]
    new_clock: CaseClock | None = None
    old_clock: CaseClock | None = None


def write(actor: Actor, held: Held, step: Written) -> None:
    """Write the case's changed columns, its clocks, history row, ledger row and notice in one statement."""
    case = held.case
    changed = [name for name in MUTABLE if getattr(case, name) != held.before[name]]
    case.version += 1
    case.changed_at = step.at
    assignments = ", ".join(f"{name} = %s" for name in (*changed, "version", "changed_at"))
    params: list[Any] = [getattr(case, name) for name in changed] + [case.version, step.at, case.pk]
    parts = [f"c AS (UPDATE cases_case SET {assignments} WHERE id = %s RETURNING id)"]
    parts.append(_EVENT)
    params += _event_values(actor, held, step)
    parts.append(_LEDGER)
    params += [step.at, actor.key, _behalf(step), f"cases.{step.action}", f"case:{case.pk}", step.body]
    parts.append("o AS (INSERT INTO cases_outbox (topic) VALUES (%s))")
    params.append(f"case:{case.pk}")
    if step.old_clock is not None:
        parts.append(_CLOCK_UPDATE)
        params += [*_clock_values(step.old_clock), step.old_clock.pk]
    if step.photos:
        parts.append("p AS (UPDATE cases_casephoto SET case_id = %s, seq = %s WHERE token = ANY(%s::uuid[]))")
        params += [case.pk, case.version, step.photos]
    with connection.cursor() as cursor:
        cursor.execute(f"WITH {', '.join(parts)} SELECT 1", params)
        if step.new_clock is not None:
            cursor.execute(_CLOCK_INSERT, [case.pk, *_clock_values(step.new_clock)])


_EVENT = """e AS (INSERT INTO cases_caseevent (case_id, seq, action, from_state, to_state, at, actor_id,
  actor_name, actor_role, actor_agency_id, on_behalf_of_id, reason, data)
  VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s))"""
_LEDGER = """l AS (INSERT INTO ledger_entry (at, actor, on_behalf_of, action, subject, body)
  VALUES (%s, %s, %s, %s, %s, %s))"""
_CLOCK_UPDATE = (
    "k AS (UPDATE cases_caseclock SET "
    + ", ".join(f"{name} = %s" for name in CLOCK_WRITTEN)
    + " WHERE id = %s)"
)
_CLOCK_INSERT = (
    f"INSERT INTO cases_caseclock (case_id, {', '.join(CLOCK_WRITTEN)}) "
    f"VALUES (%s, {', '.join(['%s'] * len(CLOCK_WRITTEN))})"
)


def _event_values(actor: Actor, held: Held, step: Written) -> list[Any]:
    case = held.case
    return [
        case.pk, case.version, step.action, step.from_state, case.state, step.at, actor.person_id, actor.name,
        step.hat_role, actor.agency_id, step.on_behalf_of, step.reason, orjson.dumps(step.data).decode(),
    ]  # fmt: skip


def _clock_values(clock: CaseClock) -> list[Any]:
    values = {name: getattr(clock, name) for name in CLOCK_WRITTEN}
    for name in ("pauses", "extensions"):
        values[name] = orjson.dumps(values[name]).decode()
    return list(values.values())


def _behalf(step: Written) -> str:
    return f"person:{step.on_behalf_of}" if step.on_behalf_of else ""


def is_owner(actor: Actor, case: Case, owner_code: str) -> bool:
    """Return whether the actor reported the case, or showed its query code."""
    return owns(actor, case) or (owner_code != "" and owner_code == case.query_code)
