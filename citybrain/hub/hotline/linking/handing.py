"""移交: a ticket handed over to a neighbouring city's hotline or to the police, and taken back again.

What is urgent is told by phone first: who took the call there is asked before anything is sent.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.identity.access import Forbidden, require
from citybrain.base.identity.actor import Actor
from citybrain.base.ledger.append import record
from citybrain.hub.hotline import actions
from citybrain.hub.hotline.callers.numbers import sealed
from citybrain.hub.hotline.channels.texts import short, words
from citybrain.hub.hotline.errors import BadInput, NotFound, NotNow
from citybrain.hub.hotline.lifecycle import TRANSITIONS
from citybrain.hub.hotline.linking import attached, trail, wire
from citybrain.hub.hotline.linking.partners import SPEAKS
from citybrain.hub.hotline.models.link import (
    HandOver,
    HandOverEvent,
    HandOverState,
    LinkMessage,
    Partner,
    PartnerKind,
)
from citybrain.hub.hotline.models.ticket import Ticket, TicketContact, TicketEvent
from citybrain.hub.hotline.states import Urgency

STEP: Final = "hand_over"
PHONED_LAST: Final = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Plan:
    """How a ticket is to be handed over. `phoned_to`: who took it by phone; needed where it is urgent."""

    partner_id: int
    reason: str
    urgent: bool = False
    phoned_to: str = ""
    phoned_at: datetime | None = None
    shares_contact: bool = False


def partners_for(actor: Actor) -> list[Partner]:
    """Return to whom the actor may hand over. Raises Forbidden."""
    require(actor, TRANSITIONS[STEP].permission)
    return list(Partner.objects.filter(kind__in=SPEAKS, is_active=True).order_by("kind", "name"))


def hand_over(
    actor: Actor, ticket_id: int, plan: Plan, *, seen_version: int | None = None, now: datetime | None = None
) -> HandOver:
    """Return the hand-over of a ticket, on its way: the worker sends it within seconds and tries until it arrives.

    Raises NotFound, Forbidden, Conflict, NotNow, BadInput.
    """
    moment = now or timezone.now()
    partner = Partner.objects.filter(pk=plan.partner_id, kind__in=SPEAKS, is_active=True).first()
    if partner is None:
        raise BadInput(_("没有这个联动单位，或已停用。"), "partner")
    reason = words(plan.reason, "reason", 500)
    phoned_to, phoned_at = _phoned(plan, partner, moment)
    with transaction.atomic():
        given = {"to": partner.name, "reason": reason}
        actions.take(actor, ticket_id, STEP, given, seen_version=seen_version, now=moment)
        ticket = Ticket.objects.get(pk=ticket_id)
        _may_share(ticket, plan, partner)
        made = HandOver.objects.create(
            partner=partner, outgoing=True, ticket=ticket, state=HandOverState.WAITING, urgent=plan.urgent,
            reason=reason, shares_contact=plan.shares_contact, phoned_to=phoned_to, phoned_at=phoned_at,
            created_at=moment, created_by=actor.key, changed_at=moment,
        )  # fmt: skip
        LinkMessage.objects.create(
            partner=partner, hand_over=made, path=wire.TICKETS, created_at=moment, next_try_at=moment,
            body=sealed(wire.dumps(_payload(ticket, made))),
        )  # fmt: skip
        if phoned_to:
            trail.note(made, "phoned", actor.name, phoned_at or moment, phoned_to)
        trail.note(made, "handed_over", actor.name, moment, reason, partner=partner.name)
        attached.bring(made, moment)
        told = {
            "ticket": ticket.number, "partner": partner.key, "contact": plan.shares_contact, "phoned_to": phoned_to,
        }  # fmt: skip
        record(actor.key, "hotline.send_out", f"handover:{made.pk}", told, at=moment)
    return made


def _phoned(plan: Plan, partner: Partner, now: datetime) -> tuple[str, datetime | None]:
    phoned_to = short(plan.phoned_to, "phoned_to", 80)
    if plan.urgent and not phoned_to:
        raise BadInput(
            _("紧急事项请先打电话给“%(name)s”（%(phone)s），再填写接听人。")
            % {"name": partner.name, "phone": partner.phone or _("电话未登记")},
            "phoned_to",
        )
    if not phoned_to:
        return "", None
    at = plan.phoned_at or now
    if not now - PHONED_LAST <= at <= now + timedelta(minutes=1):
        raise BadInput(_("通话时间应在最近 12 小时以内。"), "phoned_at")
    return phoned_to, at


def _may_share(ticket: Ticket, plan: Plan, partner: Partner) -> None:
    """Name and number go along where the caller allowed it; without that only to the police, in danger."""
    if not plan.shares_contact or (ticket.caller_shared and not ticket.is_secret):
        return
    if partner.kind == PartnerKind.POLICE and ticket.urgency == Urgency.DANGER:
        return
    raise Forbidden(
        _("来电人未同意提供联系方式，不能随工单移交。"),
        _("危及生命安全的，可移交公安。其他请先征得来电人同意。"),
    )


def _payload(ticket: Ticket, made: HandOver) -> dict[str, Any]:
    contact = TicketContact.objects.filter(ticket=ticket).first() if made.shares_contact else None
    lines = TicketEvent.objects.filter(ticket=ticket).order_by("seq").values_list("at", "action")
    told: dict[str, Any] = {
        "key": str(made.key), "number": ticket.number, "title": ticket.title,
        # Without consent the message goes without numbers and names of persons too.
        "text": (ticket.text if made.shares_contact else ticket.plain or ticket.text)[: wire.TEXT_MOST],
        "kind": ticket.kind, "urgency": ticket.urgency, "urgent": made.urgent, "place_text": ticket.place_text,
        "lon": ticket.lon, "lat": ticket.lat, "item": ticket.item_code, "received_at": ticket.received_at.isoformat(),
        "reason": trail.outward(made, made.reason), "shared": ticket.caller_shared, "secret": ticket.is_secret,
        "phoned_to": made.phoned_to,
        "contact": {"name": contact.name, "phone": contact.phone} if contact else None,
        "trail": [{"at": at.isoformat(), "words": _label(action)} for at, action in lines],
    }  # fmt: skip
    return told


def _label(action: str) -> str:
    transition = TRANSITIONS.get(action)
    return str(transition.label) if transition else action


def take_back(actor: Actor, hand_over_id: int, reason: str, *, now: datetime | None = None) -> HandOver:
    """Return the hand-over, recalled: the ticket is ours again, and the other side is told where it knows of it.

    Raises NotFound, Forbidden, NotNow, BadInput.
    """
    moment = now or timezone.now()
    why = words(reason, "reason", 500)
    with transaction.atomic():
        made = locked(actor, hand_over_id)
        if not made.outgoing or made.ended_at is not None:
            raise NotNow(_("该移交已结束，不能收回。"))
        actions.take(actor, made.ticket_id, "take_back", {"reason": why}, now=moment)
        tried = made.messages.filter(attempts__gt=0).exists()
        made.messages.filter(next_try_at__isnull=False).update(next_try_at=None, error="recalled")
        if (
            tried
        ):  # it may be there, even where we heard nothing: who doesn't know it answers so, and that is well
            trail.tell(made, "recalled", moment, words=trail.outward(made, why))
        end(made, HandOverState.RECALLED, moment)
        trail.note(made, "recalled", actor.name, moment, why)
    return made


def send_note(actor: Actor, hand_over_id: int, text: str, *, now: datetime | None = None) -> HandOverEvent:
    """Return the trail's line of a note that goes to the other side. Raises NotFound, Forbidden, NotNow, BadInput."""
    moment = now or timezone.now()
    said = words(text, "words", 5000)
    if not said:
        raise BadInput(_("请写明内容。"), "words")
    with transaction.atomic():
        made = locked(actor, hand_over_id)
        require(actor, TRANSITIONS[STEP].permission, made.ticket)
        if made.ended_at is not None:
            raise NotNow(_("该移交已结束。"))
        trail.tell(made, "note", moment, words=trail.outward(made, said))
        return trail.note(made, "note_out", actor.name, moment, said)


def locked(actor: Actor, hand_over_id: int) -> HandOver:
    """Return a hand-over of a ticket that the actor may see, held until the transaction's end. Raises NotFound."""
    made = (
        HandOver.objects.select_for_update(of=("self",))
        .select_related("partner", "ticket")
        .filter(pk=hand_over_id)
        .first()
    )
    if made is None or not Ticket.objects.visible_to(actor).filter(pk=made.ticket_id).exists():
        raise NotFound
    return made


def end(made: HandOver, state: HandOverState, now: datetime) -> None:
    """Bring a hand-over to its end."""
    made.state, made.changed_at, made.ended_at = state, now, now
    made.save(update_fields=["state", "changed_at", "ended_at"])
