"""The sweep: reminds before a deadline, escalates after it, and wakes suspended cases when their day comes.

By query, never by a job per case: `remind_at` says when a case is next to be looked at.
"""

import logging
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.identity.actor import SYSTEM
from citybrain.base.ledger.append import canonical
from citybrain.hub.cases import deadlines, store
from citybrain.hub.cases.actions import take
from citybrain.hub.cases.deadlines import LATE, LONG_LATE, REMINDED
from citybrain.hub.cases.errors import CaseError
from citybrain.hub.cases.models import Case
from citybrain.hub.cases.states import State

logger = logging.getLogger(__name__)
BATCH = 500


def tick(now: datetime | None = None) -> int:
    """Return how many cases were reminded, escalated, woken or given the deadline that they lacked."""
    moment = now or timezone.now()
    return follow_up(moment) + wake(moment) + mend(moment)


def follow_up(now: datetime, most: int = BATCH) -> int:
    """Remind of, or escalate, the cases whose time has come; each in a transaction of its own."""
    done = 0
    for case_id in _due(now, most):
        with transaction.atomic():
            done += _follow_up_one(case_id, now)
    return done


def _due(now: datetime, most: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM cases_case WHERE remind_at IS NOT NULL AND remind_at <= %s ORDER BY remind_at LIMIT %s",
            [now, most],
        )
        return [row[0] for row in cursor.fetchall()]


def _follow_up_one(case_id: int, now: datetime) -> int:
    """Take a case one level further. Someone may have been faster: then there is nothing to do."""
    held = store.lock(SYSTEM, case_id)
    case, clock = held.case, held.clock
    if case.remind_at is None or case.remind_at > now or clock is None:
        return 0
    is_late = case.due_at is not None and now >= case.due_at
    level = LATE if is_late and case.escalation < LATE else case.escalation + 1
    case.escalation = level
    case.remind_at = deadlines.next_notice(clock, level, timezone.localdate(now))
    if level == LONG_LATE:
        case.supervised = True
    action = "remind" if level == REMINDED else "escalate"
    data: dict[str, Any] = {"level": level, "clock": {"did": "notice", "step": clock.step}}
    store.write(
        SYSTEM,
        held,
        store.Written(
            action=action,
            from_state=case.state,
            at=now,
            reason=notice(level),
            data=data,
            hat_role="system",
            on_behalf_of=None,
            body=canonical({"level": level, "version": case.version + 1}),
            photos=[],
        ),
    )
    return 1


def notice(level: int) -> str:
    """Return what a reminder or an escalation says."""
    return {
        REMINDED: _("时限即将到期，请尽快办理"),
        LATE: _("已超过时限，已提醒督办员"),
        LONG_LATE: _("超时过半，已升级督办"),
    }[level]


def wake(now: datetime, most: int = BATCH) -> int:
    """Resume suspended cases whose day has come."""
    ids = Case.objects.filter(state=State.SUSPENDED, suspended_until__lte=now).values_list("pk", flat=True)[
        :most
    ]
    done = 0
    for case_id in list(ids):
        try:
            take(SYSTEM, case_id, "resume", {"reason": _("挂账期满，自动恢复")}, now=now)
        except CaseError as error:
            logger.info("case %s was not resumed: %s", case_id, error)
        else:
            done += 1
    return done


def mend(now: datetime, most: int = BATCH) -> int:
    """Give a due time to cases taken in while a calendar year was missing, once it is there."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.id FROM cases_case c JOIN cases_caseclock k ON k.case_id = c.id AND k.stopped_at IS NULL"
            " WHERE c.is_open AND c.state <> %s AND k.due_at IS NULL ORDER BY c.id LIMIT %s",
            [State.SUSPENDED, most],
        )
        ids = [row[0] for row in cursor.fetchall()]
    return sum(_mend_one(case_id, now) for case_id in ids)


def _mend_one(case_id: int, now: datetime) -> int:
    with transaction.atomic():
        held = store.lock(SYSTEM, case_id)
        if held.clock is None or held.clock.due_at is not None:
            return 0
        due = deadlines.due_at(deadlines.worktime_of(held.clock)).due_at
        if due is None:
            return 0
        held.clock.due_at = held.case.due_at = due
        held.clock.save(update_fields=["due_at"])
        held.case.remind_at = deadlines.next_notice(held.clock, held.case.escalation, timezone.localdate(now))
        held.case.save(update_fields=["due_at", "remind_at"])
    return 1
