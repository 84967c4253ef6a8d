"""A ticket follows its case: each step of the case's history becomes the ticket's, in the case's own order."""

import logging
from datetime import datetime, timedelta
from typing import Final

from django.db import connection

from citybrain.hub.cases.models import Case, CaseEvent
from citybrain.hub.cases.states import State as CaseState
from citybrain.hub.hotline import answering, limits, units
from citybrain.hub.hotline.change import Change
from citybrain.hub.hotline.lifecycle import TRANSITIONS
from citybrain.hub.hotline.models.ticket import Ticket
from citybrain.hub.hotline.states import Step

logger = logging.getLogger(__name__)
BATCH: Final = 500
LOOK_BACK: Final = timedelta(minutes=5)  # longer than a step's transaction lives
STEP_OF: Final = {
    "dispatch": "case_dispatched",
    "redispatch": "case_dispatched",
    "designate": "case_dispatched",
    "reassign": "case_dispatched",
    "accept": "case_accepted",
    "handle": "case_handling",
    "suspend": "case_handling",
    "resume": "case_handling",
    "request_extension": "case_extension",
    "decide_extension": "case_handling",
    "return": "case_returned",
    "feedback": "case_handling",
    "rework": "case_dispatched",
    "reopen": "case_dispatched",
    "challenge": "case_dispatched",
    "close": "case_replied",
    "force_close": "case_replied",
    "self_handle": "case_replied",
    "reject": "case_refused",
    "cancel": "case_refused",
    "withdraw": "case_refused",
}


def tick(now: datetime, *, whole: bool = False) -> int:
    """Return how many steps of cases were taken over. `whole`: look at every open ticket, not the lately changed."""
    from citybrain.hub.hotline.actions import follow

    done = 0
    for ticket_id in behind(now, whole=whole):
        try:
            done += follow(ticket_id, now)
        except Exception:
            logger.exception("ticket %s can't follow its case", ticket_id)
    return done


def behind(now: datetime, *, whole: bool = False) -> list[int]:
    """Return the open tickets whose case went on without them."""
    recent = "" if whole else " AND c.changed_at > %s"
    params = [] if whole else [now - LOOK_BACK]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT t.id FROM cases_case c JOIN hotline_ticket t ON t.case_id = c.id"
            f" WHERE t.is_open AND c.version > t.case_seq{recent} ORDER BY t.id LIMIT {BATCH}",
            params,
        )
        return [row[0] for row in cursor.fetchall()]


def news(ticket: Ticket) -> list[CaseEvent]:
    """Return the steps of a ticket's case that it has not taken over, in order."""
    found = CaseEvent.objects.filter(case_id=ticket.case_id or 0, seq__gt=ticket.case_seq)
    return list(found.order_by("seq")[:50])


def step_for(ticket: Ticket, event: CaseEvent) -> str:
    """Return the ticket's step for a case's, or an empty text where it changes nothing for the ticket."""
    key = STEP_OF.get(event.action, "")
    if (
        key == "case_dispatched"
        and event.action in {"rework", "reopen", "challenge"}
        and ticket.replied_at is None
    ):
        key = "case_handling"
    return key if key and ticket.state in TRANSITIONS[key].sources else ""


def merged_into(ticket: Ticket, event: CaseEvent) -> int | None:
    """Return the case that a merged one was tied to, None for any other step."""
    if event.action != "merge":
        return None
    return Case.objects.filter(pk=ticket.case_id or 0).values_list("duplicate_of_id", flat=True).first()


def move_to(ticket: Ticket, case_id: int) -> None:
    """Let a ticket go on with the case that its own was merged into."""
    main = Case.objects.get(pk=case_id)
    ticket.case_id, ticket.case_seq = main.pk, main.version
    ticket.agency_id = main.agency_id


def dispatched(change: Change) -> None:
    event, ticket = _event(change), change.ticket
    agency_id = event.data.get("agency")
    if event.action not in {"rework", "reopen", "challenge"}:
        units.set_lead(ticket, agency_id, change.now, "sent_elsewhere")
        ticket.dispatches += 1
        ticket.dispatched_at = change.now
        ticket.designated = event.action == "designate"
    ticket.accepted_at = ticket.replied_at = None


def accepted(change: Change) -> None:
    change.ticket.accepted_at = change.now
    change.ticket.handler_id = _event(change).actor_id
    units.mark_lead(change.ticket, accepted_at=change.now)


def handling(change: Change) -> None:
    """Let the ticket's limit follow the case's: it waits while the case is suspended, and is lengthened with it."""
    event = _event(change)
    clock = next((one for one in change.clocks if one.step == Step.HANDLING), None)
    if clock is None:
        return
    if event.to_state == CaseState.SUSPENDED:
        limits.resume(clock, change.now)
        limits.pause(clock, change.now, "suspended")
    elif event.action in {"resume", "decide_extension"}:
        limits.resume(clock, change.now)
    if (
        event.action == "decide_extension"
        and event.data.get("approve")
        and event.to_state == CaseState.HANDLING
    ):
        due = Case.objects.filter(pk=change.ticket.case_id or 0).values_list("due_at", flat=True).first()
        if due is not None and clock.due_at is not None and due > clock.due_at:
            limits.extend_until(clock, due, change.now, change.reason or event.reason)
            change.ticket.extension_count += 1


def returned(change: Change) -> None:
    """Count a return of the case as one of the ticket."""
    change.facts |= {"agency_before": change.ticket.agency_id, "cause": _event(change).data.get("cause", "")}
    change.ticket.return_count += 1
    units.end_all(change.ticket, change.now, "returned")
    change.ticket.accepted_at = None


def refused(change: Change) -> None:
    ticket = change.ticket
    units.end_all(ticket, change.now, "case_ended")
    ticket.case_id = None
    ticket.needs_person = True
    ticket.person_reason = str(_event(change).reason)[:300]


def replied(change: Change) -> None:
    answering.take_case_reply(change.ticket, change)


def _event(change: Change) -> CaseEvent:
    if change.case_event is None:
        raise ValueError("a case's step is followed by its history row only")
    return change.case_event
