"""The one door of every channel: who calls is noted, floods are folded, everything else becomes a ticket."""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.identity.access import require
from citybrain.base.identity.actor import SYSTEM, Actor
from citybrain.base.ledger.append import record
from citybrain.hub.hotline import actions
from citybrain.hub.hotline.callers import danger, floods
from citybrain.hub.hotline.callers.known import note_caller
from citybrain.hub.hotline.callers.marks import mark_of
from citybrain.hub.hotline.errors import TicketError
from citybrain.hub.hotline.intake import storable
from citybrain.hub.hotline.message import Message, Receipt
from citybrain.hub.hotline.models.caller import FoldedMessage
from citybrain.hub.hotline.models.ticket import Ticket
from citybrain.hub.hotline.states import Channel

NEVER_FOLDED = frozenset(
    {Channel.PHONE, Channel.LINKED, Channel.IMPORT}
)  # each was told apart by somebody before
FOLDED = "folded"


@dataclass(frozen=True, slots=True)
class Taken:
    """The receipt of a message. `folded`: it is kept on the ticket that stands for its flood; `code` opens progress."""

    ticket_id: int
    number: str
    code: str
    created: bool
    folded: bool = False
    notes: tuple[str, ...] = ()
    folded_id: int | None = None


def take_in(actor: Actor, message: Message, *, now: datetime | None = None) -> Taken:
    """Return the receipt of a message: of a new ticket, of the first one for a repeat, or of a flood's.

    Anyone may speak on the portal; any other channel needs `hotline.take`, also to be told of a repeat.
    Raises BadInput, Forbidden. In one transaction: a message is kept or refused, never lost between.
    """
    is_open = message.channel == Channel.PORTAL and actor.kind in {"citizen", "anonymous"}
    require(actor, "hotline.say" if is_open else "hotline.take")
    moment = now or timezone.now()
    if message.external_ref is not None:
        message = replace(message, external_ref=storable(message.external_ref))
    before = floods.folded_before(message)
    if before is not None:
        return _told(before, created=False)
    if _known(message) or message.channel in NEVER_FOLDED or not message.text.strip():
        return _received(actor, message, moment)
    try:
        with transaction.atomic():
            return _counted(actor, message, moment)
    except IntegrityError:  # the very same sending, twice at once: the other one was folded a moment ago
        before = floods.folded_before(message)
        if before is None:
            raise
        return _told(before, created=False)


def _counted(actor: Actor, message: Message, now: datetime) -> Taken:
    """Count a message, then fold it or open its ticket. Counting waits for another of the same key."""
    counted = floods.count(message, now, urgent=danger.may_be(message))
    if counted.ticket_id is not None and not _known(message):
        return _folded(actor, message, counted.ticket_id, counted.why, now)
    taken = _received(actor, message, now)
    floods.led_to(counted, taken.ticket_id)
    return taken


def _known(message: Message) -> bool:
    """Whether this very sending is a ticket already."""
    if message.submission_key is not None and (
        Ticket.objects.filter(submission_key=message.submission_key).exists()
    ):
        return True
    return (
        message.external_ref is not None
        and Ticket.objects.filter(channel=str(message.channel), external_ref=message.external_ref).exists()
    )


def _received(actor: Actor, message: Message, now: datetime) -> Taken:
    with transaction.atomic():
        caller_id = message.caller_id or note_caller(message.phone, message.received_at or now)
        mark = mark_of(caller_id, now)
        extra = dict(message.extra)
        if mark is not None:
            extra["marked_until"] = mark.ends_at.isoformat() if mark.ends_at else ""
        receipt = actions.receive(actor, replace(message, caller_id=caller_id, extra=extra), now=now)
        if receipt.created and caller_id is not None:
            note_caller(message.phone, message.received_at or now, messages=1)
        if receipt.created and mark is not None and not danger.may_be(message):
            words = _("该来电人的标记生效中，请人工判断")
            Ticket.objects.filter(pk=receipt.ticket_id).update(needs_person=True, person_reason=words)
    return _of(receipt)


def _of(receipt: Receipt) -> Taken:
    return Taken(receipt.ticket_id, receipt.number, receipt.query_code, receipt.created, notes=receipt.notes)


def _folded(actor: Actor, message: Message, ticket_id: int, why: str, now: datetime) -> Taken:
    caller_id = note_caller(message.phone, message.received_at or now, messages=1)
    add_to(ticket_id, "", now)
    made = floods.fold(message, ticket_id, why, caller_id, now)
    told = {"ticket": made.ticket_id, "why": made.why, "channel": made.channel}
    record(actor.key, "hotline.fold", f"folded:{made.pk}", told, at=now)
    return _told(made, created=True)


def add_to(ticket_id: int, text: str, now: datetime) -> None:
    """Count one more message on a ticket, with its words where they are given.

    A ticket that takes nothing more is left as it is; the message is kept all the same. Before the message is kept:
    its row would hold the ticket only weakly, and two such at once would wait for each other.
    """
    with suppress(TicketError), transaction.atomic():
        actions.take(SYSTEM, ticket_id, "add_message", {"reason": text} if text else {}, now=now)


def _told(made: FoldedMessage, *, created: bool) -> Taken:
    return Taken(
        made.ticket_id, made.ticket.number, made.query_code, created, folded=True, notes=(FOLDED,), folded_id=made.pk
    )  # fmt: skip
