"""What people decide about topics: names, mergers, splits, dismissals, one case for all, a warning seen.

Whoever changes a topic must be able to know every ticket of it: it changes what others see. The loop heeds each
decision in its next round (loop.heed), and no rule undoes it (`Topic.held`, `TopicApart`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.identity.access import Forbidden, require
from citybrain.base.identity.actor import Actor
from citybrain.base.ledger.append import record
from citybrain.hub.cases import actions as cases
from citybrain.hub.cases.errors import CaseError
from citybrain.hub.cases.intake import DESCRIPTION_MOST, Report
from citybrain.hub.cases.models import Case
from citybrain.hub.cases.states import Source
from citybrain.hub.hotline.actions import take
from citybrain.hub.hotline.errors import BadInput, NotFound, NotNow, TicketError
from citybrain.hub.hotline.models.ticket import Ticket
from citybrain.hub.hotline.models.topic import (
    RIGHT,
    Topic,
    TopicEvent,
    TopicState,
    TopicTicket,
    TopicWarning,
    told_to,
)
from citybrain.hub.hotline.states import State
from citybrain.hub.hotline.topics import keeping

NAME_MOST: Final = 120
_SENDABLE: Final = (State.RECEIVED, State.TO_DISPATCH)


@dataclass(frozen=True, slots=True)
class Opened:
    """The case of a topic. `tied` tickets go with it from now on, `left` couldn't be: they stay as they were."""

    case_id: int
    number: str
    tied: int
    left: int


def name_topic(actor: Actor, topic_id: int, name: str, *, now: datetime | None = None) -> None:
    """Give a topic a name that no rule changes; an empty one gives it back to the rules."""
    require(actor, RIGHT)
    called = " ".join(name.split())
    if len(called) > NAME_MOST:
        raise BadInput(_("名称不能超过 %(most)d 个字。") % {"most": NAME_MOST}, "name")
    with transaction.atomic():
        one = _locked(actor, topic_id)
        one.named = bool(called)
        one.name = called or one.name
        one.save(update_fields=["named", "name"])
        _write(actor, one, "named", now, data={"name": called})


def dismiss_topic(actor: Actor, topic_id: int, reason: str, *, now: datetime | None = None) -> None:
    """Say that this is no hot topic: it is told and warned of no more, and what comes to it stays with it."""
    require(actor, RIGHT)
    why = _reason(reason)
    with transaction.atomic():
        one = _locked(actor, topic_id)
        if one.state == TopicState.DISMISSED:
            raise NotNow(_("该热点已标为非热点。"))
        one.state, one.held = TopicState.DISMISSED, True
        one.save(update_fields=["state", "held"])
        _write(actor, one, "dismissed", now, why)


def restore_topic(actor: Actor, topic_id: int, reason: str, *, now: datetime | None = None) -> None:
    """Take a dismissal back."""
    require(actor, RIGHT)
    why = _reason(reason)
    with transaction.atomic():
        one = _locked(actor, topic_id)
        if one.state != TopicState.DISMISSED:
            raise NotNow(_("该热点未被标为非热点。"))
        one.state, one.held = TopicState.ACTIVE, one.case_id is not None
        one.save(update_fields=["state", "held"])
        _write(actor, one, "restored", now, why)


def merge_topics(
    actor: Actor, topic_id: int, into_id: int, reason: str, *, now: datetime | None = None
) -> None:
    """Make one topic part of another. Refused where both have a case."""
    require(actor, RIGHT)
    why = _reason(reason)
    if topic_id == into_id:
        raise BadInput(_("不能并入自身。"), "into")
    with transaction.atomic():
        first, second = (_locked(actor, one) for one in sorted((topic_id, into_id)))
        one, into = (first, second) if first.pk == topic_id else (second, first)
        if one.case_id is not None and into.case_id is not None:
            raise NotNow(_("两个热点都已立案，不能合并；请先处理其中一个案件。"))
        if one.case_id is not None:
            into.case_id = one.case_id
        into.held = True
        into.save(update_fields=["held", "case_id"])
        keeping.join(one.pk, into.pk, now or timezone.now())
        _write(actor, one, "merged", now, why, {"topics": [into.pk]})
        _write(actor, into, "took", now, why, {"topics": [one.pk]})


def split_topic(
    actor: Actor, topic_id: int, tickets: Sequence[int], reason: str, *, now: datetime | None = None
) -> int:
    """Return the id of a new topic that takes some of a topic's tickets; the two are kept apart from then on."""
    require(actor, RIGHT)
    why = _reason(reason)
    moment = now or timezone.now()
    with transaction.atomic():
        one = _locked(actor, topic_id)
        ties = TopicTicket.objects.filter(topic_id=topic_id, ticket_id__in=list(tickets))
        moved = list(ties.values_list("ticket_id", flat=True))
        left = TopicTicket.objects.filter(topic_id=topic_id).count() - len(moved)
        if not moved or not left:
            raise BadInput(_("请选择该热点的一部分工单。"), "tickets")
        new = Topic.objects.create(
            name="",
            held=True,
            clarity=one.clarity,
            first_at=one.first_at,
            last_at=one.last_at,
            changed_at=moment,
        )
        ties.update(topic_id=new.pk, by_person=True)
        Ticket.objects.filter(pk__in=moved).update(topic_id=new.pk)
        one.held = True
        one.save(update_fields=["held"])
        keeping.part(one.pk, new.pk)
        _write(actor, one, "split", moment, why, {"topics": [new.pk]})
        _write(actor, new, "parted", moment, why, {"topics": [one.pk]})
        keeping.refresh({one.pk: one.clarity, new.pk: one.clarity}, moment)
    return new.pk


def move_ticket(
    actor: Actor, ticket_id: int, into_id: int | None, reason: str, *, now: datetime | None = None
) -> None:
    """Put a ticket to another topic, or to none: it is put to one by itself no more."""
    require(actor, RIGHT)
    why = _reason(reason)
    with transaction.atomic():
        tie = TopicTicket.objects.select_for_update().filter(ticket_id=ticket_id).first()
        if tie is None:
            raise NotFound
        one = _locked(actor, tie.topic_id)
        touched = [one.pk]
        if into_id is None:
            tie.delete()
        else:
            tie.topic_id, tie.by_person = _locked(actor, into_id).pk, True
            tie.save(update_fields=["topic", "by_person"])
            touched.append(into_id)
        Ticket.objects.filter(pk=ticket_id).update(topic_id=into_id)
        _write(actor, one, "moved", now, why, {"topics": touched, "ticket": ticket_id})


def open_case(
    actor: Actor,
    topic_id: int,
    text: str,
    *,
    item_code: str = "",
    area_id: int | None = None,
    lon: float | None = None,
    lat: float | None = None,
    agency_id: int | None = None,
    now: datetime | None = None,
) -> Opened:
    """Open one case for a topic and tie its tickets to it: those that nobody has sent on yet go with the case.

    `text` says what the city is to do; no caller stands in it. With an agency the case is filed and sent there. The
    tickets follow the case from then on, as a ticket follows its own. Raises NotNow where the topic has a case.
    """
    require(actor, RIGHT)
    said = text.strip()
    if not said:
        raise BadInput(_("请写明需要解决的问题。"), "text")
    moment = now or timezone.now()
    with transaction.atomic():
        one = _locked(actor, topic_id)
        if one.case_id is not None:
            raise NotNow(_("该热点已立案。"))
        case = _case(actor, one, said, item_code, area_id, lon, lat, agency_id, moment)
        one.case_id, one.held = case.pk, True
        one.save(update_fields=["case", "held"])
        tied, left = _tie(actor, one.pk, case, moment)
        _write(actor, one, "case", moment, data={"case": case.pk, "tied": tied})
    return Opened(case.pk, case.number, tied, left)


def see_warning(actor: Actor, warning_id: int, said: str = "", *, now: datetime | None = None) -> None:
    """Say that a warning was seen, and what is done about it."""
    require(actor, RIGHT)
    with transaction.atomic():
        one = TopicWarning.objects.visible_to(actor).select_for_update().filter(pk=warning_id).first()
        if one is None:
            raise NotFound
        require(actor, RIGHT, one)
        if one.seen_at is not None:
            raise NotNow(_("该预警已处理。"))
        one.seen_at, one.seen_by_id, one.said = now or timezone.now(), actor.person_id, said.strip()
        one.save(update_fields=["seen_at", "seen_by", "said"])
        record(
            actor.key,
            "hotline.topic_warning_seen",
            f"topic:{one.topic_id}",
            {"warning": one.pk},
            at=one.seen_at,
        )


def _locked(actor: Actor, topic_id: int) -> Topic:
    """Return a topic to change. Raises NotFound where the actor may know none of it, Forbidden where not all."""
    one = Topic.objects.visible_to(actor).select_for_update().filter(pk=topic_id).first()
    if one is None or one.state == TopicState.MERGED:
        raise NotFound
    every = Ticket.objects.filter(topic_id=topic_id).exclude(state=State.VOIDED).count()
    if told_to(actor).filter(topic_id=topic_id).count() < every:
        raise Forbidden(_("该热点还涉及您辖区以外的工单。"), _("请联系市级热线主管。"))
    return one


def _reason(reason: str) -> str:
    why = reason.strip()
    if not why:
        raise BadInput(_("请填写理由。"), "reason")
    return why


def _case(
    actor: Actor,
    one: Topic,
    text: str,
    item_code: str,
    area_id: int | None,
    lon: float | None,
    lat: float | None,
    agency_id: int | None,
    now: datetime,
) -> Case:
    """Open the case, and file and send it where an agency is named."""
    areas = [
        area for area in (one.city_id, one.district_id, one.street_id, one.community_id, one.grid_id) if area
    ]
    placed = lon is not None and lat is not None
    report = Report(
        source=Source.HOTLINE,
        description=f"{one.name}\n{text}"[:DESCRIPTION_MOST],
        lon=lon if placed else None,
        lat=lat if placed else None,
        area_id=None if placed else area_id or (areas[-1] if areas else None),
        address=one.place[:200],
        item_code=item_code,
        external_ref=f"topic-{one.pk}",
        extra={"topic": one.pk},
    )
    try:
        receipt = cases.report(actor, report, now=now)
        if agency_id is not None:
            cases.take(actor, receipt.case_id, "file", {"item": item_code} if item_code else {}, now=now)
            cases.take(actor, receipt.case_id, "dispatch", {"agency": agency_id}, now=now)
    except CaseError as refused:
        raise BadInput(_("无法立案：%(why)s") % {"why": refused}, "case") from refused
    return Case.objects.get(pk=receipt.case_id)


def _tie(actor: Actor, topic_id: int, case: Case, now: datetime) -> tuple[int, int]:
    """Send the topic's tickets that nobody sent on yet by its case; return how many were, and how many weren't."""
    found = Ticket.objects.filter(topic_id=topic_id, is_open=True, case=None, state__in=_SENDABLE).order_by(
        "pk"
    )
    tied = left = 0
    for ticket_id in found.values_list("pk", flat=True):
        try:
            with transaction.atomic():
                Ticket.objects.filter(pk=ticket_id).update(case_id=case.pk)
                _send(actor, ticket_id, case, now)
        except (TicketError, Forbidden):
            left += 1
        else:
            tied += 1
    return tied, left


def _send(actor: Actor, ticket_id: int, case: Case, now: datetime) -> None:
    given: dict[str, Any] = {"agency": case.agency_id} if case.agency_id is not None else {}
    take(actor, ticket_id, "dispatch", given, now=now)


def _write(
    actor: Actor,
    one: Topic,
    action: str,
    now: datetime | None,
    reason: str = "",
    data: dict[str, Any] | None = None,
) -> None:
    """Write history row and ledger row, and tell open pages."""
    moment = now or timezone.now()
    Topic.objects.filter(pk=one.pk).update(changed_at=moment)
    TopicEvent.objects.create(
        topic_id=one.pk,
        at=moment,
        action=action,
        actor_id=actor.person_id,
        actor_name=actor.name,
        reason=reason,
        data=data or {},
    )
    body = {"reason": reason, **(data or {})}
    record(actor.key, f"hotline.topic_{action}", f"topic:{one.pk}", body, at=moment)
    keeping.tell(one.pk)
