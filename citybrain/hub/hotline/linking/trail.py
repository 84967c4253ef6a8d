"""The trail of a hand-over, and what waits to be told to the other side."""

from datetime import datetime
from typing import Any

from citybrain.hub.hotline.callers.numbers import sealed
from citybrain.hub.hotline.linking import wire
from citybrain.hub.hotline.models.link import HandOver, HandOverEvent, LinkMessage


def note(
    hand_over: HandOver, what: str, who: str, at: datetime, words: str = "", **data: Any
) -> HandOverEvent:
    """Write a line of the trail."""
    return HandOverEvent.objects.create(
        hand_over=hand_over, at=at, what=what, who=who[:80], words=words, data=data
    )


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
