"""Intake: one report becomes one case, durable with its history, clock, contact, ledger row and notice.

The hot path of the house: one statement, one round trip. Everything that decides (place, item, route,
deadline) is computed before it from tables kept in memory.
"""

import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import h3.api.basic_int as h3
import orjson
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.areas import index as area_index
from citybrain.base.areas.tree import tree
from citybrain.base.identity.actor import Actor
from citybrain.base.ledger.append import canonical
from citybrain.hub.cases import deadlines, guess, items, routing
from citybrain.hub.cases.errors import BadInput
from citybrain.hub.cases.intake_sql import AGAIN, SQL
from citybrain.hub.cases.models import Item
from citybrain.hub.cases.states import Source, State, Step

CODE_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
CELL_RESOLUTION = 9
DESCRIPTION_MOST = 4000
Lineage = tuple[int | None, int | None, int | None, int | None, int | None]


@dataclass(frozen=True, slots=True)
class Report:
    """What somebody says: checked by `clean` before it gets here."""

    source: Source
    description: str
    lon: float | None = None
    lat: float | None = None
    address: str = ""
    item_code: str = ""
    urgent: bool = False
    contact_name: str = ""
    contact_phone: str = ""
    contact_shared: bool = False
    submission_key: uuid.UUID | None = None
    external_ref: str | None = None
    photos: Sequence[uuid.UUID] = ()
    area_id: int | None = None
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Receipt:
    """The answer to a report; `created` False when the same submission had arrived before."""

    case_id: int
    number: str
    query_code: str
    created: bool


def place_of(report: Report) -> Lineage:
    """Return the areas that hold the report's point, or those of the area named.

    Raises BadInput for a point outside the city.
    """
    if report.lon is not None and report.lat is not None:
        lineage = area_index.locate_one(report.lon, report.lat)
        if lineage is None:
            raise BadInput(_("该位置不在本市范围内，请重新选择地点。"), "lon")
        return lineage
    if report.area_id is not None:
        return tree().get(report.area_id).lineage
    raise BadInput(_("请选择地点。"), "lon")


def first_state(report: Report, item: Item | None) -> State:
    """Return where a report enters: what an officer saw needs no receiving, what a citizen says does."""
    trusted = {Source.GRID_WORKER, Source.LEADER, Source.AGENCY, Source.WHISTLE}
    return State.PENDING_FILING if report.source in trusted and item is not None else State.REPORTED


def number_prefix(now: datetime) -> str:
    return timezone.localtime(now).strftime("%Y%m%d")


def query_code() -> str:
    """Return six letters at random, of thirty that are not mistaken for each other."""
    number = secrets.randbits(64)
    letters: list[str] = []
    while len(letters) < 6:
        number, place = divmod(number, len(CODE_LETTERS))
        letters.append(CODE_LETTERS[place])
    return "".join(letters)


def take_in(actor: Actor, report: Report, now: datetime) -> Receipt:
    """Return the receipt of a report, stored with everything that belongs to it.

    The same `submission_key` or `external_ref` again gives the first receipt. Raises BadInput.
    """
    values = row_of(actor, report, now)
    with connection.cursor() as cursor:
        cursor.execute(SQL, values)
        row = cursor.fetchone()
        if row is not None:
            return Receipt(row[0], row[1], row[2], created=True)
        cursor.execute(AGAIN, [report.submission_key, report.external_ref])
        row = cursor.fetchone()
    if row is None:
        raise BadInput(_("编号冲突，请再提交一次。"))
    return Receipt(row[0], row[1], row[2], created=False)


def row_of(actor: Actor, report: Report, now: datetime) -> dict[str, Any]:
    """Return the parameters of the intake statement: place, item, route and deadline decided."""
    city, district, street, community, grid = lineage = place_of(report)
    item, guesses = _item_of(report)
    candidates = routing.rank(item, lineage, limit=3) if item is not None else []
    state = first_state(report, item)
    clock = deadlines.new_clock(Step.FILING, item, now, None)
    data = {
        "clock": {"step": 1, "due": clock.due_at.isoformat() if clock.due_at else None, "rule": clock.rule},
        "guesses": guesses,
        "route": [candidate.to_json() for candidate in candidates],
    }
    body = {"source": report.source, "item": item.code if item else None, "areas": lineage, "state": state}
    on = deadlines.day_of(now)
    hat = actor.hats[0] if actor.hats else None
    return {
        "prefix": number_prefix(now),
        "code": query_code(),
        "key": report.submission_key,
        "ref": report.external_ref,
        "state": int(state),
        "source": report.source.value,
        "item": item.pk if item is not None and report.item_code else None,
        "urgent": report.urgent or bool(item and item.urgent),
        "description": report.description,
        "address": report.address,
        "lon": report.lon,
        "lat": report.lat,
        "cell": cell_of(report.lon, report.lat),
        "city": city,
        "district": district,
        "street": street,
        "community": community,
        "grid": grid,
        "reporter": actor.person_id,
        "suggested": candidates[0].agency_id if candidates else None,
        "at": now,
        "due": clock.due_at,
        "remind": deadlines.next_notice(clock, deadlines.CALM, on),
        "extra": orjson.dumps(report.extra).decode(),
        "actor": actor.person_id,
        "actor_name": actor.name,
        "actor_role": hat.role if hat else "",
        "actor_agency": actor.agency_id,
        "data": orjson.dumps(data).decode(),
        "minutes": clock.limit_minutes,
        "working": clock.working,
        "rule": clock.rule,
        "contact_name": report.contact_name,
        "contact_phone": report.contact_phone,
        "contact_shared": report.contact_shared,
        "photos": list(report.photos),
        "actor_key": actor.key,
        "body": canonical(body),
    }


def cell_of(lon: float | None, lat: float | None) -> int | None:
    """Return the H3 cell (resolution 9, about 0.1 km²) of a point, for the same-case check."""
    if lon is None or lat is None:
        return None
    return int(h3.latlng_to_cell(lat, lon, CELL_RESOLUTION))


def _item_of(report: Report) -> tuple[Item | None, list[dict[str, Any]]]:
    """Return the item named, else the best guess for routing, and the guesses for the acceptor."""
    if report.item_code:
        item = items.index().by_code.get(report.item_code)
        if item is None:
            raise BadInput(_("没有编码为 %(code)s 的事项。") % {"code": report.item_code}, "item_code")
        return item, []
    guesses = guess.guess(report.description)
    told = [{"item": g.item.code, "score": g.score, "words": list(g.words)} for g in guesses]
    return (guesses[0].item if guesses else None), told
