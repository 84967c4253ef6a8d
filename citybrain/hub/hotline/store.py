"""The statements of a step: lock and read one ticket with its running clocks, then write all that changed.

Raw SQL because every step of every ticket goes through here.
"""

from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

import orjson
from django.db import connection

from citybrain.base.identity.actor import Actor
from citybrain.hub.hotline.access import visible_sql
from citybrain.hub.hotline.errors import NotFound
from citybrain.hub.hotline.models.ticket import Ticket, TicketClock

MUTABLE = (
    "state", "is_open", "kind", "urgency", "rank", "sentiment", "class_label", "item_code", "is_complex", "title",
    "plain", "place_text", "lon", "lat", "city_id", "district_id", "street_id", "community_id", "grid_id",
    "topic_id", "caller_id", "caller_shared", "is_secret", "contact_needed", "agency_id", "co_agencies",
    "suggested_agency_id", "handler_id", "outside", "case_id", "case_seq", "duplicate_of_id", "dispatches",
    "designated", "return_count", "redo_count", "extension_count", "urge_count", "call_count", "filed_at",
    "dispatched_at", "accepted_at", "replied_at", "concluded_at", "reply", "replied_by_id", "sign_on_time",
    "on_time", "contacted", "solved", "rating", "visited_at", "is_valid", "step", "due_at", "remind_at",
    "escalation", "answer_due", "return_until", "call_after", "needs_person", "person_reason", "read_at", "flags",
    "extra",
)  # fmt: skip
SEARCHED = frozenset({"title", "plain", "place_text"})
CLOCK_COLUMNS = (
    "id", "step", "agency_id", "started_at", "limit_minutes", "working", "due_at", "stopped_at", "pauses",
    "extensions", "on_time", "rule",
)  # fmt: skip
CLOCK_WRITTEN = CLOCK_COLUMNS[1:]
JSON = frozenset({"extra", "pauses", "extensions"})
CASTS = {"co_agencies": "::bigint[]", "flags": "::text[]", "extra": "::jsonb"}


@cache
def ticket_columns() -> tuple[str, ...]:
    """Return the stored columns of a ticket, the search words left out."""
    return tuple(f.attname for f in Ticket._meta.concrete_fields if f.attname != "words")


@dataclass(slots=True)
class Held:
    """A locked ticket, what its columns were, and its running clocks."""

    ticket: Ticket
    before: dict[str, Any]
    clocks: list[TicketClock] = field(default_factory=list)


def lock(actor: Actor, ticket_id: int, *, owner_code: str = "") -> Held:
    """Return a ticket locked until the transaction ends. Raises NotFound when the actor may not see it.

    `owner_code`: the query code of a caller without an account.
    """
    scope, params = visible_sql(actor)
    columns = ", ".join(f"t.{name}" for name in ticket_columns())
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {columns} FROM hotline_ticket t"
            f" WHERE t.id = %s AND (({scope}) OR (%s <> '' AND t.query_code = %s)) FOR UPDATE OF t",
            [ticket_id, *params, owner_code, owner_code],
        )
        row = cursor.fetchone()
        if row is None:
            raise NotFound
        cursor.execute(
            f"SELECT {', '.join(CLOCK_COLUMNS)} FROM hotline_ticketclock"
            " WHERE ticket_id = %s AND stopped_at IS NULL ORDER BY id",
            [ticket_id],
        )
        clocks = cursor.fetchall()
    names = ticket_columns()
    ticket = Ticket.from_db("default", list(names), _decoded(names, row))
    before = {name: getattr(ticket, name) for name in MUTABLE}
    for name in ("co_agencies", "flags", "extra"):  # changed in place or not, the comparison has to see it
        before[name] = type(before[name])(before[name])
    return Held(ticket, before, [_clock(ticket_id, values) for values in clocks])


def _decoded(names: tuple[str, ...], values: tuple[Any, ...]) -> list[Any]:
    """Return column values with JSON parsed: a bare cursor hands jsonb over as text."""
    return [
        orjson.loads(value) if name in JSON and isinstance(value, str) else value
        for name, value in zip(names, values, strict=True)
    ]


def _clock(ticket_id: int, values: tuple[Any, ...]) -> TicketClock:
    decoded = _decoded(CLOCK_COLUMNS, values)
    return TicketClock(**dict(zip(CLOCK_COLUMNS, decoded, strict=True)), ticket_id=ticket_id)


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
    new_clocks: list[TicketClock] = field(default_factory=list)


def write(actor: Actor, held: Held, step: Written) -> None:
    """Write the ticket's changed columns, its history row, ledger row and notice in one statement, then clocks."""
    ticket = held.ticket
    changed = [name for name in MUTABLE if getattr(ticket, name) != held.before[name]]
    ticket.version += 1
    ticket.changed_at = step.at
    assignments = [f"{name} = %s{CASTS.get(name, '')}" for name in changed]
    params: list[Any] = [_value(ticket, name) for name in changed]
    if SEARCHED & set(changed):
        assignments.append("words = cases_bigrams(%s::text)")
        params.append(" ".join((ticket.number, ticket.title, ticket.place_text, ticket.plain)))
    assignments += ["version = %s", "changed_at = %s"]
    params += [ticket.version, step.at, ticket.pk]
    parts = [
        f"t AS (UPDATE hotline_ticket SET {', '.join(assignments)} WHERE id = %s RETURNING id)",
        _EVENT,
        _LEDGER,
    ]
    params += _event_values(actor, held, step)
    params += [step.at, actor.key, _behalf(step), f"hotline.{step.action}", f"ticket:{ticket.pk}", step.body]
    parts.append("o AS (INSERT INTO cases_outbox (topic) VALUES (%s))")
    params.append(f"ticket:{ticket.pk}")
    with connection.cursor() as cursor:
        cursor.execute(f"WITH {', '.join(parts)} SELECT 1", params)
        if held.clocks:
            cursor.executemany(_CLOCK_UPDATE, [[*_clock_values(one), one.pk] for one in held.clocks])
        if step.new_clocks:
            cursor.executemany(_CLOCK_INSERT, [[ticket.pk, *_clock_values(one)] for one in step.new_clocks])


_EVENT = """e AS (INSERT INTO hotline_ticketevent (ticket_id, seq, action, from_state, to_state, at, actor_id,
  actor_name, actor_role, actor_agency_id, on_behalf_of_id, reason, data)
  VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s))"""
_LEDGER = """l AS (INSERT INTO ledger_entry (at, actor, on_behalf_of, action, subject, body)
  VALUES (%s, %s, %s, %s, %s, %s))"""
_CLOCK_UPDATE = (
    "UPDATE hotline_ticketclock SET " + ", ".join(f"{name} = %s" for name in CLOCK_WRITTEN) + " WHERE id = %s"
)
_CLOCK_INSERT = (
    f"INSERT INTO hotline_ticketclock (ticket_id, {', '.join(CLOCK_WRITTEN)})"
    f" VALUES (%s, {', '.join(['%s'] * len(CLOCK_WRITTEN))})"
)


def _value(ticket: Ticket, name: str) -> Any:
    value = getattr(ticket, name)
    return orjson.dumps(value, default=str).decode() if name == "extra" else value


def _event_values(actor: Actor, held: Held, step: Written) -> list[Any]:
    ticket = held.ticket
    return [
        ticket.pk, ticket.version, step.action, step.from_state, ticket.state, step.at, actor.person_id, actor.name,
        step.hat_role, actor.agency_id, step.on_behalf_of, step.reason, orjson.dumps(step.data).decode(),
    ]  # fmt: skip


def _clock_values(clock: TicketClock) -> list[Any]:
    values = {name: getattr(clock, name) for name in CLOCK_WRITTEN}
    for name in ("pauses", "extensions"):
        values[name] = orjson.dumps(values[name]).decode()
    return list(values.values())


def _behalf(step: Written) -> str:
    return f"person:{step.on_behalf_of}" if step.on_behalf_of else ""
