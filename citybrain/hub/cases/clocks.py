"""What a step does to the running clock of a case."""

from datetime import datetime
from typing import Any

from citybrain.hub.cases import deadlines
from citybrain.hub.cases.lifecycle import Clock
from citybrain.hub.cases.models import Case, CaseClock
from citybrain.hub.cases.states import Step


def turn(
    mode: Clock, case: Case, running: CaseClock | None, now: datetime
) -> tuple[dict[str, Any], CaseClock | None]:
    """Change the running clock in place; return what it did, in words for the history, and a new clock or None.

    The case's `step`, `due_at`, `remind_at`, `escalation` and `on_time` follow.
    """
    told: dict[str, Any] = {}
    fresh: CaseClock | None = None
    if mode is Clock.PAUSE and running is not None:
        deadlines.pause(running, now, "suspended")
        told = {"did": "pause", "step": running.step}
    elif mode is Clock.RESUME and running is not None:
        deadlines.resume(running, now)
        told = {"did": "resume", "step": running.step}
    elif mode is Clock.STOP:
        told = _stop(case, running, now)
    elif isinstance(mode.value, Step):
        told = _stop(case, running, now)
        fresh = deadlines.new_clock(mode.value, case.item, now, case.agency_id)
        told |= {"did": "start", "step": int(mode.value), "rule": fresh.rule}
    _follow(mode, case, fresh or running, now)
    if case.due_at is not None and told:
        told["due"] = case.due_at.isoformat()
    return told, fresh


def _stop(case: Case, running: CaseClock | None, now: datetime) -> dict[str, Any]:
    if running is None or running.stopped_at is not None:
        return {}
    deadlines.stop(running, now)
    if running.step == Step.HANDLING and running.on_time is not None:
        case.on_time = running.on_time if case.on_time is None else case.on_time and running.on_time
    return {"did": "stop", "step": running.step, "on_time": running.on_time}


def _follow(mode: Clock, case: Case, clock: CaseClock | None, now: datetime) -> None:
    """Copy what lists need from the clock onto the case."""
    if clock is None or clock.stopped_at is not None:
        case.step = case.due_at = case.remind_at = None
        case.escalation = deadlines.CALM
        return
    if isinstance(mode.value, Step):
        case.escalation = deadlines.CALM
    case.step, case.due_at = clock.step, clock.due_at
    case.remind_at = deadlines.next_notice(clock, case.escalation, deadlines.day_of(now))
