"""The hotline's loop: reads new tickets, follows cases, reminds before a limit, escalates after it, files away.

By query, never by a job per ticket. Reading may fail as it likes: a ticket it can't read goes to a person.
"""

import logging
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.identity.access import Forbidden
from citybrain.base.identity.actor import SYSTEM
from citybrain.base.ledger.append import canonical
from citybrain.hub.hotline import following, limits, store
from citybrain.hub.hotline.actions import take
from citybrain.hub.hotline.clocks import show
from citybrain.hub.hotline.errors import TicketError
from citybrain.hub.hotline.limits import LATE, LONG_LATE, REMINDED
from citybrain.hub.hotline.models.ticket import Ticket
from citybrain.hub.hotline.states import State

logger = logging.getLogger(__name__)
READER: Final = (
    "citybrain.hub.hotline.readers.filing"  # by name: reading that can't be loaded stops nothing here
)
BATCH: Final = 200
TRIES: Final = 5
AGAIN_AFTER: Final = timedelta(seconds=30)  # between two tries to read one ticket, longer with each

# The states stand in the text, so that the small indexes for them are used whatever the plan.
ANSWERED: Final = f"""SELECT id FROM hotline_ticket WHERE is_open AND state = {State.ANSWERED_DIRECTLY:d}
  AND due_at <= %s ORDER BY due_at LIMIT %s"""
CONCLUDED: Final = f"""SELECT id FROM hotline_ticket WHERE state = {State.CONCLUDED:d}
  AND concluded_at <= %s ORDER BY concluded_at LIMIT %s"""


def tick(now: datetime | None = None) -> int:
    """Return how many tickets were read and how many steps of cases were taken over. Runs every second."""
    moment = now or timezone.now()
    return following.tick(moment) + read_new(moment)


def upkeep(now: datetime | None = None) -> int:
    """Return how many tickets were reminded, escalated, mended, concluded or archived. Runs every ten seconds."""
    moment = now or timezone.now()
    done = following.tick(moment, whole=True)
    return done + follow_up(moment) + mend(moment) + settle(moment)


def read_new(now: datetime, most: int = BATCH) -> int:
    """Read the tickets that nobody has read, the oldest first; one that fails waits for its next try."""
    due = Q(read_tries=0)
    for tries in range(1, TRIES):
        due |= Q(read_tries=tries, changed_at__lt=now - AGAIN_AFTER * tries)
    unread = Ticket.objects.filter(due, read_at=None).order_by("id")[:most]
    return sum(_read_one(ticket, now) for ticket in list(unread))


def _read_one(ticket: Ticket, now: datetime) -> int:
    try:
        import_module(READER).file_ticket(ticket, now)
    except Exception as error:
        logger.exception("ticket %s can't be read", ticket.number)
        _to_a_person(ticket, error, now)
        return 0
    Ticket.objects.filter(pk=ticket.pk, read_at=None).update(read_at=now)
    return 1


def _to_a_person(ticket: Ticket, error: Exception, now: datetime) -> None:
    """Give a ticket that can't be read to a person, with the reason; after the last try it is left to them."""
    last = ticket.read_tries + 1 >= TRIES
    Ticket.objects.filter(pk=ticket.pk, read_at=None).update(
        read_tries=F("read_tries") + 1,
        needs_person=True,
        person_reason=_("自动识别暂不可用（%(error)s），请人工受理。") % {"error": type(error).__name__},
        changed_at=now,
        read_at=now if last else None,
    )


def follow_up(now: datetime, most: int = BATCH) -> int:
    """Remind of, or escalate, the tickets whose time has come; each in a transaction of its own."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM hotline_ticket WHERE remind_at IS NOT NULL AND remind_at <= %s"
            " ORDER BY remind_at LIMIT %s",
            [now, most],
        )
        ids = [row[0] for row in cursor.fetchall()]
    done = 0
    for ticket_id in ids:
        with transaction.atomic():
            done += _follow_up_one(ticket_id, now)
    return done


def _follow_up_one(ticket_id: int, now: datetime) -> int:
    """Take a ticket one level further. Someone may have been faster: then there is nothing to do."""
    held = store.lock(SYSTEM, ticket_id)
    ticket = held.ticket
    clock = next((one for one in held.clocks if one.step == ticket.step), None)
    if ticket.remind_at is None or ticket.remind_at > now or clock is None:
        return 0
    is_late = ticket.due_at is not None and now >= ticket.due_at
    level = LATE if is_late and ticket.escalation < LATE else ticket.escalation + 1
    ticket.escalation = level
    ticket.remind_at = limits.next_notice(clock, level, timezone.localdate(now))
    data: dict[str, Any] = {"level": level, "step": clock.step}
    store.write(
        SYSTEM,
        held,
        store.Written(
            action="remind" if level == REMINDED else "escalate",
            from_state=ticket.state,
            at=now,
            reason=notice(level),
            data=data,
            hat_role="system",
            on_behalf_of=None,
            body=canonical({"level": level, "version": ticket.version + 1}),
        ),
    )
    return 1


def notice(level: int) -> str:
    """Return what a reminder or an escalation says."""
    return {
        REMINDED: _("时限即将到期，请尽快办理"),
        LATE: _("已超过时限，已提醒热线主管"),
        LONG_LATE: _("超时过半，已升级督办"),
    }[level]


def mend(now: datetime, most: int = BATCH) -> int:
    """Give a due time to tickets taken in while a calendar year was missing, once it is there."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT t.id FROM hotline_ticket t JOIN hotline_ticketclock k ON k.ticket_id = t.id"
            " WHERE t.is_open AND k.stopped_at IS NULL AND k.due_at IS NULL"
            " AND (k.pauses = '[]'::jsonb OR k.pauses -> -1 ->> 1 IS NOT NULL) LIMIT %s",
            [most],
        )
        ids = [row[0] for row in cursor.fetchall()]
    return sum(_mend_one(ticket_id, now) for ticket_id in ids)


def _mend_one(ticket_id: int, now: datetime) -> int:
    with transaction.atomic():
        held = store.lock(SYSTEM, ticket_id)
        mended = [clock for clock in held.clocks if clock.due_at is None and limits.due_at(clock) is not None]
        for clock in mended:
            clock.due_at = limits.due_at(clock)
            clock.save(update_fields=["due_at"])
        if not mended:
            return 0
        show(held.ticket, held.clocks, now)
        held.ticket.save(
            update_fields=["step", "due_at", "remind_at", "escalation", "return_until", "answer_due"]
        )
    return 1


def settle(now: datetime, most: int = BATCH) -> int:
    """Conclude what was answered at once when nobody came back in time; archive what was concluded long ago."""
    kept = timedelta(days=int(limits.follow_up(now)["archive_days"]))
    done = 0
    for step, given, sql, moment in (
        ("conclude", {"reason": _("期限内无异议，自动办结")}, ANSWERED, now),
        ("archive", {}, CONCLUDED, now - kept),
    ):
        with connection.cursor() as cursor:
            cursor.execute(sql, [moment, most])
            ids = [row[0] for row in cursor.fetchall()]
        done += sum(_settle_one(ticket_id, step, given, now) for ticket_id in ids)
    return done


def _settle_one(ticket_id: int, step: str, given: dict[str, str], now: datetime) -> int:
    try:
        take(SYSTEM, ticket_id, step, given, now=now)
    except (TicketError, Forbidden) as error:
        logger.info("ticket %s: %s not taken: %s", ticket_id, step, error)
        return 0
    return 1
