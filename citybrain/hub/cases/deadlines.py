"""Deadlines: which limit holds for a step, when it is due and why, and the sweep that reminds and escalates."""

import tomllib
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from importlib import resources
from typing import Any

from django.utils import timezone

from citybrain.base.worktime import calendar as calendars
from citybrain.base.worktime.calendar import MissingYear
from citybrain.base.worktime.clock import Clock as Worktime
from citybrain.base.worktime.clock import Extension, Pause
from citybrain.hub.cases.models import CaseClock, Item
from citybrain.hub.cases.states import Step


@dataclass(frozen=True, slots=True)
class Limit:
    """Minutes, whether they run in working time only, and the rule in words."""

    minutes: int
    working: bool
    rule: str


@dataclass(frozen=True, slots=True)
class Deadline:
    """A computed due time; `due_at` None with `missing_year` set when a calendar year is missing."""

    due_at: datetime | None
    missing_year: int | None = None


@cache
def _tables() -> list[dict[str, Any]]:
    text = resources.files("citybrain.hub.cases").joinpath("data/steps.toml").read_text(encoding="utf-8")
    tables: list[dict[str, Any]] = tomllib.loads(text)["tables"]
    return sorted(tables, key=lambda table: table["from"], reverse=True)


def parameters(on: date) -> dict[str, Any]:
    """Return the step table in force on a day."""
    return next((table for table in _tables() if table["from"] <= on), _tables()[-1])


def day_of(moment: datetime) -> date:
    """Return the day of a moment in the city."""
    return moment.astimezone(timezone.get_default_timezone()).date()


def limit_for(step: Step, item: Item | None, on: date) -> Limit:
    """Return the limit of a step for an item; Source: the item table, else data/steps.toml."""
    table = parameters(on)
    if step == Step.FILING and item is not None:
        return Limit(
            item.accept_minutes, item.working, f"{item.code} {item.name_zh} 受理时限 {item.accept_limit}"
        )
    if step == Step.HANDLING and item is not None:
        return Limit(
            item.disposal_minutes, item.working, f"{item.code} {item.name_zh} 处置时限 {item.disposal_limit}"
        )
    name = {Step.FILING: "filing", Step.DISPATCH: "dispatch", Step.CHECKING: "checking"}.get(step, "checking")
    if item is not None and item.urgent and f"{name}_urgent" in table:
        name += "_urgent"
    row = table[name]
    unit = "工作时" if row["working"] else "小时"
    return Limit(row["minutes"], row["working"], f"{step.label}时限 {row['minutes'] / 60:g}{unit}")


def worktime_of(clock: CaseClock) -> Worktime:
    """Return the pure clock of a stored one."""
    return Worktime(
        started_at=clock.started_at,
        limit_minutes=clock.limit_minutes,
        mode="working" if clock.working else "clock",
        pauses=tuple(
            Pause(
                datetime.fromisoformat(since),
                datetime.fromisoformat(until) if until else None,
                why,
            )
            for since, until, why in clock.pauses
        ),
        extensions=tuple(
            Extension(datetime.fromisoformat(at), minutes, why) for at, minutes, why in clock.extensions
        ),
        stopped_at=clock.stopped_at,
    )


def due_at(clock: Worktime) -> Deadline:
    """Return when a clock is due; a paused clock is due at no time."""
    if clock.pauses and clock.pauses[-1].until is None:
        return Deadline(None)
    try:
        return Deadline(clock.due_at(calendars.current()))
    except MissingYear as missing:
        return Deadline(None, missing.year)


def new_clock(step: Step, item: Item | None, now: datetime, agency_id: int | None) -> CaseClock:
    """Return an unsaved clock that starts now."""
    limit = limit_for(step, item, day_of(now))
    clock = CaseClock(
        step=step,
        agency_id=agency_id,
        started_at=now,
        limit_minutes=limit.minutes,
        working=limit.working,
        rule=limit.rule,
    )
    clock.due_at = due_at(worktime_of(clock)).due_at
    return clock


def stop(clock: CaseClock, now: datetime) -> None:
    """Stop a clock and give its verdict: on time when it was not yet past its due time.

    A clock without a due time (no calendar, still paused) has no verdict.
    """
    if clock.pauses and clock.pauses[-1][1] is None:
        resume(clock, now)
    clock.stopped_at = now
    clock.on_time = None if clock.due_at is None else now <= clock.due_at


def pause(clock: CaseClock, now: datetime, why: str) -> None:
    clock.pauses = [*clock.pauses, [now.isoformat(), None, why]]
    clock.due_at = None


def resume(clock: CaseClock, now: datetime) -> None:
    if clock.pauses and clock.pauses[-1][1] is None:
        since, _open, why = clock.pauses[-1]
        clock.pauses = [*clock.pauses[:-1], [since, now.isoformat(), why]]
    clock.due_at = due_at(worktime_of(clock)).due_at


def extend_until(clock: CaseClock, until: datetime, now: datetime, why: str) -> None:
    """Lengthen the limit so that the clock is due at `until`, or at the end of working time before it."""
    calendar = calendars.current()
    gained = worktime_of(clock).minutes_between(calendar, clock.due_at or clock.started_at, until)
    if gained > 0:
        clock.extensions = [*clock.extensions, [now.isoformat(), gained, why]]
    clock.due_at = due_at(worktime_of(clock)).due_at


def explain(clock: CaseClock, language: str) -> list[str]:
    """Return why a clock is due when it is, a sentence a line, the rule first."""
    try:
        return [clock.rule, *worktime_of(clock).explain(calendars.current(), language)]
    except MissingYear as missing:
        return [clock.rule, str(missing)]


def next_notice(clock: CaseClock, level: int, on: date) -> datetime | None:
    """Return when the sweep has to look again: reminder, late, long late, or never."""
    if clock.due_at is None or level >= LONG_LATE:
        return None
    follow = parameters(on)["follow_up"]
    span = clock.due_at - clock.started_at
    if level == CALM:
        return clock.started_at + span * float(follow["remind_share"])
    if level == REMINDED:
        return clock.due_at
    return clock.due_at + max(span * float(follow["long_late_share"]), timedelta(minutes=30))


CALM, REMINDED, LATE, LONG_LATE = range(4)


def verdict(due: datetime | None, ended_at: datetime | None, now: datetime) -> bool | None:
    """Return True for on time, False for late, None without a due time. An open one is judged by `now`."""
    if due is None:
        return None
    return (ended_at or now) <= due
