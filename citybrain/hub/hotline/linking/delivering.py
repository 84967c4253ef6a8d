"""The loop that carries messages to other systems: signed, in order per hand-over, until they arrive.

A message is claimed before it is sent and stays due: a worker killed in between sends it again, and the other side,
who knows the hand-over's key and each telling's number, takes it once.
"""

import json
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.identity.actor import SYSTEM
from citybrain.hub.hotline import actions
from citybrain.hub.hotline.callers import floods, marks
from citybrain.hub.hotline.callers.numbers import opened
from citybrain.hub.hotline.errors import TicketError
from citybrain.hub.hotline.linking import attached, following, handing, partners, signing, trail, wire
from citybrain.hub.hotline.models.link import HandOver, HandOverState, LinkMessage, Partner
from citybrain.hub.hotline.models.ticket import Ticket
from citybrain.hub.hotline.states import State

if TYPE_CHECKING:
    import httpx

log = logging.getLogger("citybrain.hotline")
LEASE: Final = timedelta(seconds=60)  # how long a claimed message is left to who claimed it
FIRST_PAUSE: Final = timedelta(seconds=5)
LONGEST_PAUSE: Final = timedelta(minutes=10)
TIMEOUT_SECONDS: Final = 20.0
AT_ONCE: Final = 50
ANSWER_MOST: Final = 100_000  # bytes of an answer that are read
GONE: Final = 410
FINAL: Final = frozenset({400, 404, 409, GONE, 413, 422})
"""Answers that won't change with another try; 401 and 403 may, when the secret is set right."""

_CLAIM: Final = """
UPDATE hotline_linkmessage SET next_try_at = %(until)s, attempts = attempts + 1 WHERE id IN (
  SELECT m.id FROM hotline_linkmessage m JOIN hotline_partner p ON p.id = m.partner_id AND p.is_active
   WHERE m.next_try_at <= %(now)s AND NOT EXISTS (
     SELECT 1 FROM hotline_linkmessage b
      WHERE b.hand_over_id = m.hand_over_id AND b.id < m.id AND b.next_try_at IS NOT NULL)
   ORDER BY m.next_try_at, m.id LIMIT %(most)s FOR UPDATE OF m SKIP LOCKED
) RETURNING id
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said; status 0 where it couldn't be reached."""

    status: int
    body: dict[str, Any]
    error: str = ""


def tick(now: datetime) -> int:
    """Follow our tickets, carry what is due, sweep what has passed; return how much was done. A loop of the worker."""
    done = following.follow(now)
    done += deliver(now)
    return done


def sweep(now: datetime) -> int:
    """Forget nonces and counts whose time has passed, end marks. A loop of the worker."""
    return partners.sweep_nonces(now) + floods.sweep(now) + marks.sweep(now)


def deliver(now: datetime) -> int:
    """Send what is due; return how many messages were tried. A partner that can't be reached is tried once a round."""
    from citybrain.base.exchange.sources import outward  # with the client it goes out by

    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"now": now, "until": now + LEASE, "most": AT_ONCE})
        ids = [row[0] for row in cursor.fetchall()]
    found = LinkMessage.objects.filter(pk__in=ids).select_related("partner", "hand_over").order_by("id")
    down: set[int] = set()
    with outward.client(TIMEOUT_SECONDS) as client:
        for message in found:
            if message.partner_id in down:
                _put_off(message, now)
                continue
            answer = send(client, message)
            settle(message, answer, now)
            if not answer.status:
                down.add(message.partner_id)
    return len(ids)


def _put_off(message: LinkMessage, now: datetime) -> None:
    """Leave a message for the next round, as if it had not been tried."""
    LinkMessage.objects.filter(pk=message.pk).update(
        next_try_at=now + FIRST_PAUSE, attempts=max(0, message.attempts - 1)
    )


def send(client: "httpx.Client", message: LinkMessage) -> Answer:
    """Return what the other side answers to a message."""
    import httpx

    partner = message.partner
    told, secret = opened(message.body), opened(partner.secret_out)
    if not partner.secret_out:
        return Answer(0, {}, _("没有登记对方给我们的密钥。"))
    if not told or not secret:
        what = "message" if not told else "secret"
        return Answer(0, {}, f"the {what} can't be opened: sealed with another CITYBRAIN_SECRET_KEY")
    path, body, kind = message.path, told.encode(), "application/json"
    if wire.is_file(path):
        found = attached.content_of(told)
        if found is None:
            return Answer(GONE, {"message": _("我方已没有这个文件。")}, "the file is no longer here")
        path, body, kind = path + found[0], found[1], "application/octet-stream"
    head = signing.headers(partner.our_key, secret, "POST", path, body, timezone.now(), partner.digest)
    head["Content-Type"] = kind
    try:
        with client.stream("POST", partner.address + path, content=body, headers=head) as reply:
            raw = b""
            for part in reply.iter_bytes(8192):
                raw += part
                if len(raw) > ANSWER_MOST:
                    return Answer(0, {}, f"the answer is longer than {ANSWER_MOST} bytes")
            return _read(reply.status_code, raw)
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as bad:
        return Answer(0, {}, f"{type(bad).__name__}: {bad}"[:300])


def _read(status: int, raw: bytes) -> Answer:
    try:
        told = json.loads(raw)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        return Answer(status if status in FINAL else 0, {}, f"HTTP {status} without a JSON object")
    error = "" if status < 300 else f"HTTP {status}: {str(told.get('message', ''))[:250]}"
    return Answer(status, told, error)


def settle(message: LinkMessage, answer: Answer, now: datetime) -> None:
    """Write down what became of a try."""
    with transaction.atomic():
        made = HandOver.objects.select_for_update(of=("self",)).get(pk=message.hand_over_id)
        held = LinkMessage.objects.select_for_update().get(pk=message.pk)
        if held.next_try_at is None:  # recalled meanwhile, or settled by another worker
            return
        if 200 <= answer.status < 300:
            _arrived(held, made, answer, now)
        elif answer.status in FINAL:
            _refused(held, made, answer, now)
        else:
            _failed(held, made, answer, now)


def _arrived(message: LinkMessage, made: HandOver, answer: Answer, now: datetime) -> None:
    _done(message, answer, now)
    Partner.objects.filter(pk=message.partner_id).update(reached_at=now, failing_since=None, last_error="")
    if message.path != wire.TICKETS or made.state != HandOverState.WAITING:
        return
    made.their_number = str(answer.body.get("number", ""))[:40]
    made.state, made.changed_at = HandOverState.RECEIVED, now
    made.save(update_fields=["their_number", "state", "changed_at"])
    trail.note(made, "delivered", message.partner.name, now, made.their_number, attempts=message.attempts)
    if Ticket.objects.values_list("state", flat=True).get(pk=made.ticket_id) == State.DISPATCHED:
        _take(made, "outside_accept", made.their_number, now)


def _take(made: HandOver, step: str, reason: str, now: datetime) -> None:
    try:
        with transaction.atomic():
            actions.take(SYSTEM, made.ticket_id, step, {"reason": reason}, now=now)
    except TicketError as refused:
        trail.note(made, "not_followed", SYSTEM.name, now, refused.message, step=step)


def _done(message: LinkMessage, answer: Answer, now: datetime) -> None:
    message.next_try_at, message.sent_at = None, now
    message.status, message.error = answer.status, answer.error[:300]
    message.save(update_fields=["next_try_at", "sent_at", "status", "error"])


def _refused(message: LinkMessage, made: HandOver, answer: Answer, now: datetime) -> None:
    """They said no: a ticket comes back to us with their words; anything else is left at that, on the trail."""
    _done(message, answer, now)
    why = str(answer.body.get("message", ""))[:500] or answer.error
    trail.note(made, "refused", message.partner.name, now, why, status=answer.status)
    log.warning("%s refused %s: %s", message.partner.key, message.path, answer.error)
    if message.path == wire.TICKETS and made.state == HandOverState.WAITING:
        _take(made, "outside_return", why, now)
        handing.end(made, HandOverState.REFUSED, now)


def _failed(message: LinkMessage, made: HandOver, answer: Answer, now: datetime) -> None:
    pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(message.attempts - 1, 10))
    message.next_try_at = now + pause
    message.status, message.error = answer.status or None, answer.error[:300]
    message.save(update_fields=["next_try_at", "status", "error"])
    if message.attempts == 1:
        trail.note(made, "not_reached", message.partner.name, now, answer.error)
    Partner.objects.filter(pk=message.partner_id).update(last_error=answer.error[:300])
    began = Partner.objects.filter(pk=message.partner_id, failing_since=None).update(failing_since=now)
    if began:
        log.warning("%s can't be reached: %s", message.partner.key, answer.error)
