"""A hand-over held for what comes of it, its trail, and what waits to be told to the other side."""

from datetime import datetime
from typing import Any

from citybrain.hub.hotline.callers.numbers import sealed
from citybrain.hub.hotline.errors import NotFound
from citybrain.hub.hotline.linking import wire
from citybrain.hub.hotline.models.link import HandOver, HandOverEvent, LinkMessage, Partner
from citybrain.hub.hotline.models.ticket import Ticket, TicketContact
from citybrain.hub.hotline.privacy import redact


def held(partner: Partner, key: Any) -> HandOver:
    """Return a partner's hand-over, locked until the transaction around ends.

    Raises NotFound, the same for an unknown one and one of others.
    """
    found = HandOver.objects.select_for_update(of=("self",)).select_related("partner", "ticket")
    made = found.filter(key=key, partner=partner).first()
    if made is None:
        raise NotFound
    return made


def note(
    hand_over: HandOver, what: str, who: str, at: datetime, words: str = "", **data: Any
) -> HandOverEvent:
    """Write a line of the trail."""
    return HandOverEvent.objects.create(
        hand_over=hand_over, at=at, what=what, who=who[:80], words=words, data=data
    )


def outward(hand_over: HandOver, text: str, *, of: Ticket | None = None) -> str:
    """Return a text as the other side may read it: who spoke is taken out, unless their contact went along.

    `of`: the ticket whose caller it may name, where that isn't the hand-over's own; its contact never went along.
    """
    if of is None and hand_over.shares_contact:
        return text
    contact = TicketContact.objects.filter(ticket_id=of.pk if of is not None else hand_over.ticket_id).first()
    return redact(text, name=contact.name, phone=contact.phone) if contact is not None else redact(text)


def tell(hand_over: HandOver, what: str, now: datetime, **more: str) -> LinkMessage:
    """Queue something to be told of a hand-over; its number is its place among all that we ever tell."""
    message = LinkMessage.objects.create(
        partner_id=hand_over.partner_id, hand_over=hand_over, path=wire.told_path(hand_over.key), body=b"",
        created_at=now, next_try_at=now,
    )  # fmt: skip
    body = {"seq": message.pk, "what": what, "at": now.isoformat(), **more}
    message.body = sealed(wire.dumps(body))
    message.save(update_fields=["body"])
    return message
