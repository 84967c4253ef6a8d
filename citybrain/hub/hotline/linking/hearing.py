"""What the other side sends: a ticket handed over to us, and what it tells of one. Each may come twice."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.areas import index as area_index
from citybrain.base.identity.actor import SYSTEM
from citybrain.base.ledger.append import record
from citybrain.hub.cases import items
from citybrain.hub.hotline import actions
from citybrain.hub.hotline.callers.numbers import normal_number
from citybrain.hub.hotline.channels import door
from citybrain.hub.hotline.errors import NotFound, NotNow, TicketError
from citybrain.hub.hotline.linking import handing, trail, wire
from citybrain.hub.hotline.linking.wire import Given, Telling
from citybrain.hub.hotline.merged import main_of
from citybrain.hub.hotline.message import Message
from citybrain.hub.hotline.models.link import HandOver, HandOverState, Partner
from citybrain.hub.hotline.models.ticket import Ticket, TicketContact
from citybrain.hub.hotline.states import Channel, State

AT_WORK: Final = frozenset({State.ACCEPTED, State.HANDLING})
_STATE_OF: Final = {
    "received": HandOverState.RECEIVED,
    "in_hand": HandOverState.IN_HAND,
    "replied": HandOverState.REPLIED,
    "redo": HandOverState.IN_HAND,
}


@dataclass(frozen=True, slots=True)
class Arrived:
    """The answer to a hand-over: our number of it; `created` False when it was here before."""

    number: str
    state: str
    created: bool


def take_hand_over(partner: Partner, raw: Mapping[str, Any], now: datetime | None = None) -> Arrived:
    """Return our number of a ticket that a partner hands over; the same again gives the first answer.

    Raises BadInput, NotNow where another partner used the key.
    """
    moment = now or timezone.now()
    given = wire.read_given(raw)
    with transaction.atomic():
        known = HandOver.objects.filter(key=given.key, outgoing=False).select_related("ticket").first()
        if known is not None:
            return _before(known, partner)
        taken = door.take_in(SYSTEM, _message(partner, given), now=moment)
        made, created = HandOver.objects.get_or_create(
            key=given.key,
            outgoing=False,
            defaults={
                "partner": partner, "ticket_id": taken.ticket_id, "state": HandOverState.RECEIVED,
                "urgent": given.urgent, "reason": given.reason, "shares_contact": bool(given.phone or given.name),
                "phoned_to": given.phoned_to, "their_number": given.number, "created_at": moment,
                "created_by": f"partner:{partner.key}", "changed_at": moment, "told": 1,
            },
        )  # fmt: skip
        if not created:
            return _before(made, partner)
        _consent(taken.ticket_id, given)
        trail.note(made, "received", partner.name, moment, given.reason, number=given.number)
        told = {"partner": partner.key, "number": given.number, "ticket": taken.number}
        record(SYSTEM.key, "hotline.take_hand_over", f"ticket:{taken.ticket_id}", told, at=moment)
    return Arrived(taken.number, HandOverState.RECEIVED, created=True)


def _before(known: HandOver, partner: Partner) -> Arrived:
    if known.partner_id != partner.pk:
        raise NotNow(_("这个移交编号已被使用。"))
    return Arrived(known.ticket.number, known.state, created=False)


def _message(partner: Partner, given: Given) -> Message:
    """Return the message of a hand-over; a point outside our city stays with the text, as the giver's word."""
    inside = given.lon is not None and given.lat is not None and area_index.locate_one(given.lon, given.lat)
    extra: dict[str, Any] = {
        "link": {
            "partner": partner.key, "name": partner.name, "number": given.number, "urgent": given.urgent,
            "reason": given.reason, "trail": [list(one) for one in given.trail],
        }
    }  # fmt: skip
    if not inside and given.lon is not None:
        extra["link"]["point"] = [given.lon, given.lat]
    return Message(
        channel=Channel.LINKED, text=given.text, title=given.title, kind=given.kind,
        phone=given.phone if normal_number(given.phone) else "", name=given.name, shared=given.shared,
        secret=given.secret, place_text=given.place_text, lon=given.lon if inside else None,
        lat=given.lat if inside else None, item_code=given.item if given.item in items.index().by_code else "",
        urgency=given.urgency, external_ref=f"{partner.key}:{given.key}", received_at=None, extra=extra,
    )  # fmt: skip


def _consent(ticket_id: int, given: Given) -> None:
    """Keep the consent as the giver told it, also where no number came along."""
    if given.shared and not given.secret and not TicketContact.objects.filter(ticket_id=ticket_id).exists():
        Ticket.objects.filter(pk=ticket_id).update(caller_shared=True)


def hear(partner: Partner, key: Any, raw: Mapping[str, Any], now: datetime | None = None) -> HandOver:
    """Return the hand-over after what was told of it; what is older than the last thing heard changes nothing.

    Raises NotFound, the same for an unknown one and one of others; BadInput.
    """
    moment = now or timezone.now()
    with transaction.atomic():
        made = trail.held(partner, key)
        told = wire.read_telling(raw, wire.HOLDER_TELLS if made.outgoing else wire.GIVER_TELLS)
        if told.seq <= made.heard:
            return made
        made.heard = told.seq
        trail.note(made, f"{told.what}_in", partner.name, moment, told.reply or told.words, seq=told.seq)
        if made.ended_at is None:
            _follow(made, told, moment)
        made.changed_at = moment
        made.save(update_fields=["heard", "state", "changed_at", "ended_at"])
    return made


def _follow(made: HandOver, told: Telling, now: datetime) -> None:
    made.state = _STATE_OF.get(told.what, made.state)
    _DOES[told.what](made, told, now)


def _try(
    made: HandOver, step: str, given: dict[str, Any], now: datetime, ticket_id: int | None = None
) -> bool:
    """Take a step of our ticket; where it has gone another way meanwhile, the trail says so and it stays."""
    try:
        with transaction.atomic():
            actions.take(SYSTEM, ticket_id or made.ticket_id, step, given, now=now)
    except TicketError as refused:
        trail.note(made, "not_followed", SYSTEM.name, now, refused.message, step=step)
        return False
    return True


def _accepted(made: HandOver, told: Telling, now: datetime) -> None:
    if State(_state(made)) in {State.DISPATCHED, State.REDO}:
        _try(made, "outside_accept", {"reason": told.agency}, now)


def _state(made: HandOver) -> int:
    return Ticket.objects.values_list("state", flat=True).get(pk=made.ticket_id)


def _in_hand(made: HandOver, told: Telling, now: datetime) -> None:
    _accepted(made, told, now)
    _try(made, "outside_handle", {"reason": told.words or told.agency}, now)


def _replied(made: HandOver, told: Telling, now: datetime) -> None:
    _accepted(made, told, now)
    _try(made, "outside_reply", {"reply": told.reply}, now)


def _concluded(made: HandOver, told: Telling, now: datetime) -> None:
    if State(_state(made)) in AT_WORK | {State.DISPATCHED, State.REDO}:
        told_reply = told.reply or told.words or _("对方已办结，未附答复。")
        _replied(made, Telling(told.seq, "replied", reply=told_reply, agency=told.agency), now)
    handing.end(made, HandOverState.CONCLUDED, now)


def _returned(made: HandOver, told: Telling, now: datetime) -> None:
    _try(made, "outside_return", {"reason": told.words}, now)
    handing.end(made, HandOverState.RETURNED, now)


def _noted(made: HandOver, told: Telling, now: datetime) -> None:
    said = {"reason": f"{made.partner.name}：{told.words}"[:2000]}
    _try(made, "comment", said, now, main_of(made.ticket).pk)


def _recalled(made: HandOver, told: Telling, now: datetime) -> None:
    """They took it back: what nobody works on yet is voided, else a person sees the note and decides."""
    state = State(_state(made))
    words = told.words or _("对方收回")
    if state in {State.RECEIVED, State.TO_DISPATCH}:
        _try(made, "void", {"cause": "withdrawn", "reason": words}, now)
    else:
        _noted(made, Telling(told.seq, "note", words=_("已收回移交：%(why)s") % {"why": words}), now)
    handing.end(made, HandOverState.RECALLED, now)


def _redo(made: HandOver, told: Telling, now: datetime) -> None:
    if not _try(made, "redo", {"reason": told.words}, now):
        _noted(made, told, now)


_DOES: Final[dict[str, Callable[[HandOver, Telling, datetime], None]]] = {
    "received": _accepted,
    "in_hand": _in_hand,
    "replied": _replied,
    "concluded": _concluded,
    "returned": _returned,
    "note": _noted,
    "recalled": _recalled,
    "redo": _redo,
}


def standing(partner: Partner, key: Any) -> HandOver:
    """Return how a hand-over between us and a partner stands, with its trail at hand. Raises NotFound."""
    made = HandOver.objects.select_related("ticket", "partner").filter(key=key, partner=partner).first()
    if made is None:
        raise NotFound
    return made
