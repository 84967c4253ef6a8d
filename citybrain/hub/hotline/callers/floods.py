"""Floods: what one number or one text sends again and again is folded into one ticket with a count.

Nothing is lost: each folded message is kept whole on the ticket that stands for it, and its sender gets that
ticket's receipt. What may tell of danger is always a ticket of its own, but for the sixth time that one number says
the very same, while a ticket of it is open.
"""

import json
import math
import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection
from django.utils.crypto import salted_hmac

from citybrain.hub.cases.intake import query_code
from citybrain.hub.hotline.callers.numbers import normal_number, sealed
from citybrain.hub.hotline.intake import storable
from citybrain.hub.hotline.message import Message
from citybrain.hub.hotline.models.caller import FoldedMessage, Storm
from citybrain.hub.hotline.models.ticket import Ticket


@dataclass(frozen=True, slots=True)
class Rule:
    """From the message after `most` within `span` on, messages of one key are folded."""

    why: str
    most: int
    span: timedelta


# Source: our choice; no standard found. A person in need rings twice or three times, a robot a hundred.
REPEAT: Final = Rule("repeat", 1, timedelta(hours=24))  # one number, the very same words of one place
NUMBER: Final = Rule("number", 6, timedelta(minutes=10))  # one number, whatever it says
TEXT: Final = Rule("text", 20, timedelta(hours=1))  # the same words from anywhere
DANGER_MOST: Final = (
    5  # the very same words of one number that may tell of danger: so often a ticket of their own
)
TEXT_LEAST: Final = 8  # letters: shorter ones say the same of different places
KEEP: Final = timedelta(days=2)

_COUNT: Final = """
INSERT INTO hotline_storm AS s (key, began_at, last_at, count) VALUES (%(key)s, %(at)s, %(at)s, 1)
ON CONFLICT (key) DO UPDATE SET
  count = CASE WHEN %(at)s - s.began_at > %(span)s THEN 1 ELSE s.count + 1 END,
  ticket_id = CASE WHEN %(at)s - s.began_at > %(span)s THEN NULL ELSE s.ticket_id END,
  began_at = CASE WHEN %(at)s - s.began_at > %(span)s THEN %(at)s ELSE s.began_at END,
  last_at = GREATEST(s.last_at, %(at)s)
RETURNING count, ticket_id
"""


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted for one message: under which keys, and the ticket it is folded into with the rule, if any."""

    keys: tuple[str, ...]
    ticket_id: int | None = None
    why: str = ""


def same(text: str) -> str:
    """Return a text without what may differ between two that say the same: blanks, marks, widths, capitals."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text)).lower()


def keys_of(message: Message) -> list[tuple[Rule, str]]:
    """Return what a message is counted under, the narrowest first."""
    number = (normal_number(message.phone) if message.phone else None) or _sender(message)
    words = same(message.text)
    found: list[tuple[Rule, str]] = []
    if number and words:
        found.append((REPEAT, f"{number}\n{words}\n{_place(message)}"))
    if number:
        found.append((NUMBER, number))
    if len(words) >= TEXT_LEAST:
        found.append((TEXT, f"{words}\n{same(message.place_text)}"))
    return found


def _place(message: Message) -> str:
    """Return where a message says that it is: the same words of another road are another matter."""
    point = "" if message.lon is None or message.lat is None else f"{message.lon:.3f} {message.lat:.3f}"
    return f"{same(message.place_text)}\n{point}\n{message.area_id or ''}"


def _sender(message: Message) -> str | None:
    """Return the address of a mail: it stands for the number."""
    told = message.extra.get("mail")
    address = told.get("from") if isinstance(told, dict) else None
    return str(address).lower() if address else None


def _hash(rule: Rule, text: str) -> str:
    return salted_hmac(f"citybrain.hotline.storm.{rule.why}", text, algorithm="sha256").hexdigest()


def count(message: Message, now: datetime, *, urgent: bool) -> Counted:
    """Count a message; say whether it is one too many, and of which ticket. `urgent`: it may tell of danger."""
    keys: list[str] = []
    found: tuple[int, str] | None = None
    for rule, text in keys_of(message):
        key = _hash(rule, text)
        keys.append(key)
        seen, ticket_id = _counted(key, rule, now)
        too_many = seen > (rule.most if not urgent else DANGER_MOST)
        if found is None and too_many and ticket_id is not None and (rule is REPEAT or not urgent):
            found = (ticket_id, rule.why)
    if found is not None and Ticket.objects.filter(pk=found[0], is_open=True).exists():
        return Counted(tuple(keys), *found)
    return Counted(tuple(keys))


def _counted(key: str, rule: Rule, now: datetime) -> tuple[int, int | None]:
    with connection.cursor() as cursor:
        given: dict[str, Any] = {"key": key, "at": now, "span": rule.span}
        cursor.execute(_COUNT, given)
        seen, ticket_id = cursor.fetchone()
    return seen, ticket_id


def led_to(counted: Counted, ticket_id: int) -> None:
    """Note the ticket that was opened for a counted message, for those that come after it."""
    Storm.objects.filter(key__in=counted.keys).update(ticket_id=ticket_id)


def fold(message: Message, ticket_id: int, why: str, caller_id: int | None, now: datetime) -> FoldedMessage:
    """Keep a message on the ticket that stands for it, whole; and count it there."""
    contact = {"name": message.name, "phone": message.phone}
    told: dict[str, Any] = {
        name: value
        for name, value in (("kind", message.kind), ("lon", message.lon), ("lat", message.lat))
        if value not in ("", None) and not (isinstance(value, float) and not math.isfinite(value))
    }
    return FoldedMessage.objects.create(
        ticket_id=ticket_id, caller_id=caller_id, why=why, channel=str(message.channel),
        query_code=query_code(),
        title=storable(message.title), text=storable(message.text), place_text=storable(message.place_text)[:300],
        contact=sealed(json.dumps(contact)) if any(contact.values()) else b"",
        submission_key=message.submission_key, external_ref=message.external_ref and storable(message.external_ref),
        received_at=message.received_at or now, extra={**message.extra, **told},
    )  # fmt: skip


def folded_before(message: Message) -> FoldedMessage | None:
    """Return the message as it was folded before, when this very sending was."""
    if message.submission_key is not None:
        found = FoldedMessage.objects.filter(submission_key=message.submission_key).first()
        if found is not None:
            return found
    if message.external_ref is None:
        return None
    return FoldedMessage.objects.filter(
        channel=str(message.channel), external_ref=message.external_ref
    ).first()


def sweep(now: datetime) -> int:
    """Forget counts that nothing was added to for two days."""
    return Storm.objects.filter(last_at__lt=now - KEEP).delete()[0]
