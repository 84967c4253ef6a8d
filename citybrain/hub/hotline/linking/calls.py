"""电话事件: a telephone system tells that a call rings, is answered, has ended; the operator's screen opens.

Events may come twice, late or in the wrong order: each fills in what it knows, and the state follows from that.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.identity.access import refusal, require
from citybrain.base.identity.actor import Actor, Hat
from citybrain.base.ledger.append import record
from citybrain.hub.hotline.access import hat_for
from citybrain.hub.hotline.callers.known import note_caller
from citybrain.hub.hotline.callers.marks import mark_of
from citybrain.hub.hotline.callers.numbers import normal_number, opened, sealed
from citybrain.hub.hotline.channels.texts import short
from citybrain.hub.hotline.contact import NOBODY, VIEW_CONTACT
from citybrain.hub.hotline.errors import BadInput, NotFound
from citybrain.hub.hotline.models.call import Call, CallState, OperatorLine
from citybrain.hub.hotline.models.link import Partner
from citybrain.hub.hotline.models.ticket import Ticket

TAKE: Final = "hotline.take"
EVENTS: Final = ("ringing", "answered", "ended", "missed", "recorded")
EVENTS_MOST: Final = 50  # of one call that are kept; the columns go on changing
FUTURE_MOST: Final = timedelta(minutes=10)
FRESH: Final = timedelta(hours=4)  # a call whose end was never told is forgotten by the screen after this
_POP: Final = "INSERT INTO cases_outbox (topic) VALUES (%s)"


@dataclass(frozen=True, slots=True)
class CallEvent:
    """One event. `event` is one of EVENTS; `recording` the system's own reference, never followed by us."""

    call_id: str
    event: str
    at: datetime
    number: str = ""
    extension: str = ""
    outgoing: bool = False
    recording: str = ""


@dataclass(frozen=True, slots=True)
class CallTold:
    """The answer to the telephone system: what it may do. `announce`: play the announcement, then put through."""

    call: int
    state: str
    operator_known: bool
    announce: bool


@dataclass(frozen=True, slots=True)
class LiveCall:
    """The call on an operator's line: `number` is theirs to see, they are speaking with it."""

    call_id: int
    state: str
    number: str
    caller_id: int | None
    rang_at: datetime | None
    answered_at: datetime | None
    ticket_id: int | None


def take_event(partner: Partner, event: CallEvent, now: datetime | None = None) -> CallTold:
    """Return what became of an event of a telephone system; the same again changes nothing. Raises BadInput."""
    moment = now or timezone.now()
    _check(event, moment)
    with transaction.atomic():
        call, _ = Call.objects.select_for_update().get_or_create(
            partner=partner, call_id=event.call_id,
            defaults={"state": CallState.RINGING, "outgoing": event.outgoing, "changed_at": event.at},
        )  # fmt: skip
        told = {"event": event.event, "at": event.at.isoformat(), "extension": event.extension}
        if told not in call.events:
            _merge(call, event)
            if len(call.events) < EVENTS_MOST:
                call.events = [*call.events, told]
            call.save()
            _tell(call)
    mark = mark_of(call.caller_id, moment)
    announce = mark is not None and not call.outgoing and call.state == CallState.RINGING
    return CallTold(call.pk, call.state, call.operator_id is not None, announce)


def _check(event: CallEvent, now: datetime) -> None:
    if event.event not in EVENTS:
        raise BadInput(_("没有这种电话事件：%(event)s") % {"event": event.event[:30]}, "event")
    if not event.call_id.strip() or len(event.call_id) > 80:
        raise BadInput(_("通话编号为 1 到 80 个字符。"), "call_id")
    if event.at > now + FUTURE_MOST:
        raise BadInput(_("事件时间在将来，请校准电话系统的时钟。"), "at")
    if len(event.extension) > 32:
        raise BadInput(_("分机号过长。"), "extension")
    if len(event.recording) > 300 or not event.recording.isprintable():
        raise BadInput(_("录音编号过长或含有控制字符。"), "recording")


def _merge(call: Call, event: CallEvent) -> None:
    """Fill in what an event knows."""
    if event.number and not call.number:
        number = normal_number(event.number)
        call.number = sealed(number) if number else b""
        call.caller_id = note_caller(event.number, event.at, calls=0 if event.outgoing else 1)
    if event.extension and (event.event != "recorded" or not call.extension):
        call.extension = event.extension
        line = OperatorLine.objects.filter(extension=event.extension).first()
        call.operator_id = line.person_id if line else None
    call.recording = event.recording or call.recording
    if event.event == "ringing":
        call.rang_at = min(filter(None, (call.rang_at, event.at)))
    elif event.event == "answered":
        call.answered_at = min(filter(None, (call.answered_at, event.at)))
    elif event.event in {"ended", "missed"}:
        call.ended_at = max(filter(None, (call.ended_at, event.at)))
    call.changed_at = max(call.changed_at, event.at)
    call.state = _state(call)


def _state(call: Call) -> CallState:
    if call.ended_at is not None:
        return CallState.ENDED if call.answered_at is not None else CallState.MISSED
    return CallState.ANSWERED if call.answered_at is not None else CallState.RINGING


def _tell(call: Call) -> None:
    """Tell the operator's open pages that their line has changed: the id only, they ask for the rest themselves."""
    if call.operator_id is not None:
        with connection.cursor() as cursor:
            cursor.execute(_POP, [topic_of(call.operator_id)])


def topic_of(person_id: int) -> str:
    """Return the push topic of an operator's line."""
    return f"line:{person_id}"


def current_call(actor: Actor, now: datetime | None = None) -> LiveCall | None:
    """Return the call on the actor's own line: ringing, or answered and not ended. Raises Forbidden."""
    require(actor, TAKE)
    since = (now or timezone.now()) - FRESH
    live = (CallState.RINGING, CallState.ANSWERED)
    call = (
        Call.objects.filter(operator_id=actor.person_id, state__in=live, changed_at__gt=since)
        .order_by("-changed_at")
        .first()
    )
    return _live(call) if call is not None else None


def own_call(actor: Actor, call_id: int) -> LiveCall:
    """Return a call of the actor's own line, ended ones too: the note is often written after. Raises NotFound."""
    require(actor, TAKE)
    call = Call.objects.filter(pk=call_id, operator_id=actor.person_id).first()
    if call is None:
        raise NotFound
    return _live(call)


def _live(call: Call) -> LiveCall:
    return LiveCall(
        call.pk,
        call.state,
        opened(call.number),
        call.caller_id,
        call.rang_at,
        call.answered_at,
        call.ticket_id,
    )


def sit_at(actor: Actor, extension: str, now: datetime | None = None) -> None:
    """Tell at which extension the actor sits; it is nobody else's from then on. Raises Forbidden, BadInput."""
    require(actor, TAKE)
    person_id = actor.person_id
    if person_id is None:
        raise NotFound
    kept = short(extension, "extension", 32)
    with transaction.atomic():
        OperatorLine.objects.filter(person_id=person_id).delete()
        if kept:
            OperatorLine.objects.filter(extension=kept).delete()
            OperatorLine.objects.create(person_id=person_id, extension=kept, set_at=now or timezone.now())


def extension_of(actor: Actor) -> str:
    """Return the actor's extension, empty for none."""
    line = OperatorLine.objects.filter(person_id=actor.person_id or 0).first()
    return line.extension if line else ""


def tie_call(actor: Actor, call_id: int, ticket_id: int, now: datetime | None = None) -> None:
    """Tie a call of the actor's own line to the ticket written of it. Raises Forbidden, NotFound."""
    require(actor, TAKE)
    with transaction.atomic():
        call = Call.objects.select_for_update().filter(pk=call_id, operator_id=actor.person_id).first()
        if call is None or not Ticket.objects.visible_to(actor).filter(pk=ticket_id).exists():
            raise NotFound
        if call.ticket_id != ticket_id:
            Call.objects.filter(pk=call.pk).update(ticket_id=ticket_id)
            told = {"ticket": ticket_id, "recording": bool(call.recording)}
            record(actor.key, "hotline.tie_call", f"call:{call.pk}", told, at=now or timezone.now())


def calls_of(actor: Actor, ticket_id: int) -> list[dict[str, Any]]:
    """Return the calls of a ticket that the actor may see; the recording only to who may hear callers.

    A unit sees neither calls nor recordings: a voice tells who spoke.
    """
    require(actor, "hotline.view")
    ticket = Ticket.objects.visible_to(actor).filter(pk=ticket_id).first()
    if ticket is None:
        raise NotFound
    require(actor, "hotline.view", ticket)
    hears = hat_for(actor, VIEW_CONTACT, ticket, NOBODY) is not None
    return [
        {
            "call": one.pk, "state": one.state, "outgoing": one.outgoing, "rang_at": one.rang_at,
            "answered_at": one.answered_at, "ended_at": one.ended_at,
            "has_recording": bool(one.recording) and hears,
        }
        for one in Call.objects.filter(ticket_id=ticket_id).order_by("id")
    ]  # fmt: skip


def recording_of(actor: Actor, call_id: int, why: str, now: datetime | None = None) -> str:
    """Return a recording's reference in the telephone system; who asked and why is in the ledger.

    To who may see the caller of the call's ticket, and to who took the call. Raises Forbidden, NotFound, BadInput.
    """
    hat = require(actor, VIEW_CONTACT)
    call = Call.objects.filter(pk=call_id).first()
    if call is None or not call.recording:
        raise NotFound
    if call.operator_id is None or call.operator_id != actor.person_id:
        hat = _hearing_hat(actor, call)
    reason = short(why, "why", 200)
    if not reason:
        raise BadInput(_("请写明调听录音的原因。"), "why")
    told = {"why": reason, "ticket": call.ticket_id}
    record(
        actor.key, "hotline.recording", f"call:{call.pk}", told, at=now or timezone.now(),
        on_behalf_of=hat.on_behalf_key,
    )  # fmt: skip
    return call.recording


def _hearing_hat(actor: Actor, call: Call) -> Hat:
    """Return the hat under which an actor may know who spoke on a call's ticket. Raises NotFound, Forbidden."""
    ticket = Ticket.objects.visible_to(actor).filter(pk=call.ticket_id or 0).first()
    if ticket is None:
        raise NotFound
    hat = hat_for(actor, VIEW_CONTACT, ticket, NOBODY)
    if hat is None:
        raise refusal(actor, VIEW_CONTACT, ticket)
    return hat
