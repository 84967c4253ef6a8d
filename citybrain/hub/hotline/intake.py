"""Intake: one message becomes one ticket, durable with its history, clock, contact, ledger row and notice.

No model is asked here: reading follows in the worker, and a ticket is opened whatever else is down.
"""

import math
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.areas import index as area_index
from citybrain.base.areas.tree import tree
from citybrain.base.identity.actor import Actor
from citybrain.base.ledger.append import canonical
from citybrain.hub.cases import items
from citybrain.hub.cases.intake import query_code
from citybrain.hub.hotline import limits, oddities, privacy
from citybrain.hub.hotline.errors import BadInput
from citybrain.hub.hotline.intake_sql import AGAIN, SQL
from citybrain.hub.hotline.message import (
    NAME_MOST,
    PHONE_MOST,
    PLACE_MOST,
    TEXT_MOST,
    TITLE_MOST,
    Message,
    Receipt,
)
from citybrain.hub.hotline.models.ticket import Ticket
from citybrain.hub.hotline.states import Channel, Kind, State, Step, Urgency

Lineage = tuple[int | None, int | None, int | None, int | None, int | None]
NOWHERE: Lineage = (None, None, None, None, None)
RANKS = {Urgency.DANGER: 0, Urgency.UTILITIES: 1, Urgency.GENERAL: 2}


@dataclass(slots=True)
class Clean:
    """A message made safe to store: the whole text, what others may read of it, where it lies, what is odd."""

    text: str
    plain: str
    title: str
    place_text: str
    lineage: Lineage
    lon: float | None
    lat: float | None
    flags: list[str]
    extra: dict[str, Any] = field(default_factory=dict)


def storable(text: str) -> str:
    """Return a text that the database can hold: no NUL, no half letters; everything else stays as it came."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def clean(message: Message) -> Clean:
    """Return a message made safe to store. Raises BadInput for one that says nothing, or beyond the longest."""
    text, title = storable(message.text).strip(), storable(message.title).strip()
    if not text and not title:
        raise BadInput(_("没有收到内容，请写明要反映的问题。"), "text")
    if len(text) > TEXT_MOST:
        raise BadInput(
            _("内容有 %(n)d 字，最多 %(most)d 字，请分开提交。") % {"n": len(text), "most": TEXT_MOST}, "text"
        )
    _check_codes(message)
    extra = dict(message.extra)
    whole = text or title
    readable = privacy.strip_markup(whole).strip() or whole
    flags = list(oddities.oddities(whole, readable))
    lineage, lon, lat = _place(message, flags)
    place_text = storable(message.place_text).strip()
    short_title, shown_place = title[:TITLE_MOST], place_text[:PLACE_MOST]
    made = Clean(
        text=whole,
        plain=_redacted(readable, message),
        title=_redacted(short_title, message)[:TITLE_MOST],
        place_text=_redacted(shown_place, message)[:PLACE_MOST],
        lineage=lineage,
        lon=lon,
        lat=lat,
        flags=flags,
        extra=extra,
    )
    if made.title != title:
        extra["title_as_told"] = title
    if made.place_text != place_text:
        extra["place_as_told"] = place_text
    return made


def _redacted(text: str, message: Message) -> str:
    return privacy.redact(text, name=message.name, phone=message.phone, secret=message.secret)


def _check_codes(message: Message) -> None:
    """Raise BadInput for a code that is none: what a program sends, no person could read out of it later."""
    for value, known, name in (
        (message.channel, Channel.values, "channel"),
        (message.kind, ["", *Kind.values], "kind"),
        (message.urgency, ["", *Urgency.values], "urgency"),
    ):
        if str(value) not in known:
            raise BadInput(
                _("“%(name)s”没有 %(value)s 这个值。") % {"name": name, "value": str(value)[:40]}, name
            )
    if message.item_code and message.item_code not in items.index().by_code:
        raise BadInput(_("没有编码为 %(code)s 的事项。") % {"code": message.item_code[:20]}, "item_code")
    for value, most, name in (
        (message.phone, PHONE_MOST, "phone"),
        (message.external_ref or "", 120, "external_ref"),
    ):
        if len(value) > most:
            raise BadInput(_("“%(field)s”过长，最多 %(most)d 字。") % {"field": name, "most": most}, name)


def _place(message: Message, flags: list[str]) -> tuple[Lineage, float | None, float | None]:
    """Return where the message lies; what can't be placed is marked for a person, never refused."""
    if message.lon is not None and message.lat is not None:
        if not (math.isfinite(message.lon) and math.isfinite(message.lat)) or abs(message.lat) > 90:
            flags.append("bad_place")
        else:
            lineage = area_index.locate_one(message.lon, message.lat)
            if lineage is not None:
                return lineage, message.lon, message.lat
            flags.append("outside")
            return NOWHERE, message.lon, message.lat
    node = tree().find(message.area_id) if message.area_id is not None else None
    return (node.lineage if node is not None else NOWHERE), None, None


def take_in(actor: Actor, message: Message, now: datetime) -> Receipt:
    """Return the receipt of a message, stored with everything that belongs to it.

    The same `submission_key`, or `external_ref` of the channel, again gives the first receipt. Raises BadInput.
    """
    made = clean(message)
    values = row_of(actor, message, made, now)
    with connection.cursor() as cursor:
        cursor.execute(SQL, values)
        row = cursor.fetchone()
        created = row is not None
        if row is None:
            cursor.execute(AGAIN, [message.submission_key, str(message.channel), message.external_ref])
            row = cursor.fetchone()
    if row is None:
        raise BadInput(_("编号冲突，请再提交一次。"))
    return Receipt(row[0], row[1], row[2], created, oddities.notes(tuple(made.flags)))


def row_of(actor: Actor, message: Message, made: Clean, now: datetime) -> dict[str, Any]:
    """Return the parameters of the intake statement."""
    urgency = Urgency(message.urgency or Urgency.GENERAL)
    asks_person = [str(oddities.NOTES[flag]) for flag in made.flags if flag in oddities.PERSON]
    is_citizen = actor.kind == "citizen"
    city, district, street, community, grid = made.lineage
    received = message.received_at if message.received_at is not None and message.received_at < now else now
    return {
        "prefix": timezone.localtime(now).strftime("RX%y%m%d"),
        "code": query_code(),
        "key": message.submission_key,
        "ref": message.external_ref or None,
        "state": int(State.RECEIVED),
        "channel": str(message.channel),
        "kind": message.kind,
        "urgency": str(urgency),
        "rank": RANKS[urgency],
        "item": message.item_code,
        "title": made.title,
        "text": made.text,
        "plain": made.plain,
        "place": made.place_text,
        "lon": made.lon,
        "lat": made.lat,
        "city": city,
        "district": district,
        "street": street,
        "community": community,
        "grid": grid,
        "reporter": actor.person_id if is_citizen else None,
        "created_by": None if is_citizen else actor.person_id,
        "caller": message.caller_id,
        "shared": message.shared and not message.secret,
        "secret": message.secret,
        "received": received,
        "at": now,
        "needs_person": bool(asks_person),
        "person_reason": "".join(asks_person)[:300],
        "flags": made.flags,
        "extra": orjson.dumps(made.extra, default=str).decode(),
        "contact_name": storable(message.name).strip()[:NAME_MOST],
        "contact_phone": storable(message.phone).strip(),
        **_trace(actor, message, made, urgency, now),
    }


def _trace(actor: Actor, message: Message, made: Clean, urgency: Urgency, now: datetime) -> dict[str, Any]:
    """Return the parameters of the clock, the history row and the ledger row."""
    clock = limits.new_clock(Step.FILING, Ticket(urgency=urgency), now)
    due = clock.due_at.isoformat() if clock.due_at else None
    started = {"did": "start", "step": int(Step.FILING), "due": due, "rule": clock.rule}
    data = {"clocks": [started], "channel": str(message.channel), "flags": made.flags}
    hat = actor.hats[0] if actor.hats else None
    return {
        "due": clock.due_at,
        "remind": limits.next_notice(clock, limits.CALM, timezone.localdate(now)),
        "minutes": clock.limit_minutes,
        "working": clock.working,
        "rule": clock.rule,
        "actor": actor.person_id,
        "actor_name": actor.name,
        "actor_role": hat.role if hat else "",
        "actor_agency": actor.agency_id,
        "actor_key": actor.key,
        "data": orjson.dumps(data).decode(),
        "body": canonical({"channel": str(message.channel), "areas": made.lineage, "urgency": str(urgency)}),
    }
