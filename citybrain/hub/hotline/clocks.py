"""What a step does to the clocks of a ticket: which of them run follows from the state it comes to."""

from datetime import datetime
from typing import Any

from django.utils import timezone

from citybrain.hub.hotline import limits
from citybrain.hub.hotline.lifecycle import PAUSED, RUNS, SHOWN
from citybrain.hub.hotline.models.ticket import Ticket, TicketClock
from citybrain.hub.hotline.states import State, Step
from citybrain.hub.steps.clocks import is_paused

REVIEW = "review"  # why a limit waits; a suspended case's goes on by its own step only


def turn(
    ticket: Ticket, running: list[TicketClock], now: datetime
) -> tuple[list[dict[str, Any]], list[TicketClock]]:
    """Stop, start, pause or resume clocks in place; return what they did, for the history, and the new ones.

    The ticket's verdicts and what lists need follow.
    """
    state = State(ticket.state)
    told: list[dict[str, Any]] = []
    kept: dict[int, TicketClock] = {}
    for clock in running:
        if clock.step not in RUNS[state]:
            limits.stop(clock, now)
            _verdict(ticket, clock, state)
            told.append({"did": "stop", "step": clock.step, "on_time": clock.on_time})
        else:
            kept[clock.step] = clock
    fresh = [
        limits.new_clock(step, ticket, now)
        for step in sorted(RUNS[state])
        if step not in kept and (step != Step.RETURNING or state is State.DISPATCHED)
    ]
    told += [_started(clock) for clock in fresh]
    told += _hold(list(kept.values()), state, now)
    show(ticket, [*kept.values(), *fresh], now)
    return told, fresh


def _started(clock: TicketClock) -> dict[str, Any]:
    due = clock.due_at.isoformat() if clock.due_at else None
    return {"did": "start", "step": clock.step, "due": due, "rule": clock.rule}


def _verdict(ticket: Ticket, clock: TicketClock, state: State) -> None:
    """Keep on the ticket how signing and answering went; a ticket that was taken away has no verdict on the answer."""
    if clock.step == Step.SIGNING and clock.on_time is not None:
        ticket.sign_on_time = (
            clock.on_time if ticket.sign_on_time is None else ticket.sign_on_time and clock.on_time
        )
    answered = (Step.HANDLING, State.REPLIED), (Step.FILING, State.ANSWERED_DIRECTLY)
    if (clock.step, state) in answered:
        ticket.on_time = clock.on_time


def _hold(clocks: list[TicketClock], state: State, now: datetime) -> list[dict[str, Any]]:
    """Let the unit's limits wait while the hotline decides on its request."""
    told: list[dict[str, Any]] = []
    for clock in clocks:
        waits = state in PAUSED and clock.step in {Step.HANDLING, Step.RETURNING}
        if waits and not is_paused(clock):
            limits.pause(clock, now, REVIEW)
            told.append({"did": "pause", "step": clock.step})
        elif not waits and is_paused(clock) and clock.pauses[-1][2] == REVIEW:
            limits.resume(clock, now)
            due = clock.due_at.isoformat() if clock.due_at else None
            told.append({"did": "resume", "step": clock.step, "due": due})
    return told


def show(ticket: Ticket, clocks: list[TicketClock], now: datetime) -> None:
    """Copy what lists need from the running clocks onto the ticket."""
    shown = SHOWN.get(State(ticket.state))
    clock = next((one for one in clocks if one.step == shown), None)
    returning = next((one for one in clocks if one.step == Step.RETURNING), None)
    handling = next((one for one in clocks if one.step == Step.HANDLING), None)
    if handling is not None and handling.due_at is not None:
        ticket.answer_due = handling.due_at
    ticket.return_until = returning.due_at if returning is not None else None
    if clock is None:
        ticket.step = ticket.due_at = ticket.remind_at = None
        ticket.escalation = limits.CALM
        return
    if ticket.step != clock.step or ticket.due_at is None or clock.due_at != ticket.due_at:
        ticket.escalation = limits.CALM
    ticket.step, ticket.due_at = clock.step, clock.due_at
    ticket.remind_at = limits.next_notice(clock, ticket.escalation, timezone.localdate(now))
