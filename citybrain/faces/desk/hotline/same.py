"""What may be the same matter: open tickets and cases of the place, and of nearly the same words, with the reasons."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import BigIntegerField, Q, Value
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.identity.actor import Actor
from citybrain.faces.desk.hotline.shown import TONES, said, title_of
from citybrain.faces.desk.shown import TONES as CASE_TONES
from citybrain.hub.cases import same_case
from citybrain.hub.cases.access import VIEW as CASES
from citybrain.hub.cases.intake import cell_of
from citybrain.hub.cases.models import Case
from citybrain.hub.cases.same_case import likeness
from citybrain.hub.hotline.models import Ticket
from citybrain.hub.hotline.reading.likeness import bands as bands_of
from citybrain.hub.hotline.reading.likeness import signature
from citybrain.hub.hotline.states import State

WITHIN: Final = timedelta(days=14)
POOL: Final = 200
MOST: Final = 5
LEAST: Final = 0.4
NEAR_METRES: Final = 300.0
FIELDS: Final = (
    "id", "number", "state", "title", "plain", "item_code", "kind", "received_at", "lon", "lat", "community_id",
    "street_id", "district_id", "place_text",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Same:
    """A candidate: a ticket, or a case. `why` says what is alike."""

    number: str
    url: str
    title: str
    excerpt: str
    why: str
    state: str
    tone: str
    is_case: bool
    score: float


@dataclass(frozen=True, slots=True)
class Told:
    """What is compared: the words, the item, and where it is as far as it is known."""

    text: str
    item: str = ""
    lineage: Sequence[int | None] = (None, None, None, None, None)
    lon: float | None = None
    lat: float | None = None
    at: datetime | None = None
    ticket_id: int | None = None
    case_id: int | None = None


def same_of(actor: Actor, ticket: Ticket) -> tuple[Same, ...]:
    """Return what may be the same matter as a ticket. At most three queries."""
    told = Told(
        said(ticket), ticket.item_code, ticket.guard_lineage(), ticket.lon, ticket.lat, ticket.received_at,
        ticket.pk, ticket.case_id,
    )  # fmt: skip
    return find_same(actor, told)


def find_same(actor: Actor, told: Told) -> tuple[Same, ...]:
    """Return open tickets and cases that the actor may see and that may be the same matter, likeliest first."""
    if len(told.text) < 4:
        return ()
    found = [*_tickets(actor, told), *_cases(actor, told)]
    return tuple(sorted(found, key=lambda one: -one.score)[:MOST])


def _tickets(actor: Actor, told: Told) -> list[Same]:
    """Compare with the latest open tickets of the street or district, and with those of nearly the same words anywhere.

    Without a known place the latest of the city stand in for the first.
    """
    since = (told.at or timezone.now()) - WITHIN
    open_ = (
        Ticket.objects.visible_to(actor)
        .filter(is_open=True, received_at__gt=since)
        .exclude(pk=told.ticket_id or 0)
        .only(*FIELDS)
        .order_by("-received_at")
    )
    pool = {one.pk: one for one in open_.filter(_place_q(told.lineage))[:POOL]}
    # Django takes a bare number for 4 bytes, and cuts these
    bands = [Value(one, BigIntegerField()) for one in bands_of(signature(told.text))]
    if bands:
        pool |= {one.pk: one for one in open_.filter(reading__bands__overlap=bands)[:POOL]}
    found = [_compared(told, one) for one in pool.values()]
    return [one for one in found if one is not None]


def _place_q(lineage: Sequence[int | None]) -> Q:
    for name, area_id in zip(("street_id", "district_id"), (lineage[2], lineage[1]), strict=True):
        if area_id is not None:
            return Q(**{name: area_id})
    return Q()


def _compared(told: Told, other: Ticket) -> Same | None:
    alike = likeness(told.text, other.plain)
    near = _near(told, other)
    same_item = bool(told.item) and told.item == other.item_code
    score = 0.6 * alike + (0.25 if same_item else 0) + (0.25 if near else 0)
    if score < LEAST or (alike < 0.2 and not same_item):
        return None
    reasons = [near] if near else []
    if same_item:
        reasons.append(_("事项相同"))
    reasons.append(_("内容相似 %(n)d%%") % {"n": round(alike * 100)})
    return Same(
        other.number,
        reverse("desk:hotline_ticket", args=[other.number]),
        title_of(other),
        said(other)[:120],
        " · ".join(reasons),
        str(State(other.state).label),
        TONES[State(other.state)],
        False,
        score,
    )


def _near(told: Told, other: Ticket) -> str:
    if None not in (told.lon, told.lat, other.lon, other.lat):
        metres = same_case.distance(told.lon, told.lat, other.lon, other.lat)  # type: ignore[arg-type]
        return _("相距 %(m)d 米") % {"m": round(metres)} if metres <= NEAR_METRES else ""
    if told.lineage[3] is not None and told.lineage[3] == other.community_id:
        return _("同一社区")
    return ""


def _cases(actor: Actor, told: Told) -> list[Same]:
    if told.lon is None or told.lat is None or not actor.may(CASES):
        return []
    asked = Case(
        lon=told.lon,
        lat=told.lat,
        cell=cell_of(told.lon, told.lat),
        description=told.text,
        reported_at=told.at or timezone.now(),
        pk=told.case_id or 0,
    )
    return [
        Same(
            one.row.number,
            reverse("desk:case", args=[one.row.number]),
            one.row.item_name or one.row.excerpt[:60],
            one.row.excerpt,
            " · ".join([_("案件"), *one.reasons]),
            one.row.state_label,
            CASE_TONES[one.row.state],
            True,
            one.score,
        )
        for one in same_case.candidates(actor, asked, MOST)
    ]
