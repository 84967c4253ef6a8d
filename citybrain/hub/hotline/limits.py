"""Limits of a ticket's steps: which holds, when it is due and why. Data in data/limits.toml, dated, with source."""

import tomllib
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from importlib import resources
from typing import Any

from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from citybrain.base.worktime import calendar as calendars
from citybrain.base.worktime.calendar import MissingYear
from citybrain.base.worktime.clock import Clock as Worktime
from citybrain.base.worktime.clock import Extension, Pause
from citybrain.hub.hotline.models.ticket import Ticket, TicketClock
from citybrain.hub.hotline.states import Step, Urgency
from citybrain.hub.steps.clocks import is_paused

DAY_MINUTES = 24 * 60
STORED = "zh-hans"  # the language in which a clock keeps its rule
CALM, REMINDED, LATE, LONG_LATE = range(4)


@dataclass(frozen=True, slots=True)
class Limit:
    """Minutes, whether they run in working time only, and the rule in words."""

    minutes: int
    working: bool
    rule: str


@cache
def _tables() -> list[dict[str, Any]]:
    text = resources.files("citybrain.hub.hotline").joinpath("data/limits.toml").read_text(encoding="utf-8")
    tables: list[dict[str, Any]] = tomllib.loads(text)["tables"]
    return sorted(tables, key=lambda table: table["from"], reverse=True)


def parameters(on: date) -> dict[str, Any]:
    """Return the table in force on a day (before the first: the first)."""
    return next((table for table in _tables() if table["from"] <= on), _tables()[-1])


def follow_up(now: datetime) -> dict[str, Any]:
    """Return the numbers that hold for reminders, calls, extensions and doing over."""
    found: dict[str, Any] = parameters(timezone.localdate(now))["follow_up"]
    return found


def limit_for(step: Step, urgency: str, is_complex: bool, on: date) -> Limit:
    """Return the limit of a step: by urgency, then for a complex matter, else the general one."""
    table = parameters(on)[step.name.lower()]
    names = ([urgency] if urgency != Urgency.GENERAL else []) + (["complex"] if is_complex else [])
    name = next((one for one in names if one in table), "general")
    row = table[name]
    minutes = row.get("minutes") or row["days"] * (
        calendars.current().day_minutes if row["working"] else DAY_MINUTES
    )
    return Limit(minutes, row["working"], _rule(step, name, table, row, STORED))


def _rule(step: Step, name: str, table: dict[str, Any], row: dict[str, Any], language: str) -> str:
    """Return a limit's rule in words: of whom, which step, how long, and where that stands."""
    with translation.override(language):
        kind = _("复杂事项") if name == "complex" else str(Urgency(name).label)
        told = {"kind": kind, "step": step.label, "words": _words(row), "source": _source(table, language)}
        return _("%(kind)s%(step)s时限：%(words)s（%(source)s）") % told


def _source(table: dict[str, Any], language: str) -> str:
    return str((table.get("source_en") if language.startswith("en") else "") or table["source"])


def _words(row: dict[str, Any]) -> str:
    if "days" in row:
        n, working = row["days"], ngettext("%(n)d个工作日", "%(n)d个工作日", row["days"])
        return (working if row["working"] else ngettext("%(n)d天", "%(n)d天", n)) % {"n": n}
    if row["minutes"] % 60 == 0:
        n = row["minutes"] // 60
        working = ngettext("%(n)d工作时", "%(n)d工作时", n)
        return (working if row["working"] else ngettext("%(n)d小时", "%(n)d小时", n)) % {"n": n}
    n = row["minutes"]
    return (_("%(n)d分钟（工作时间）") if row["working"] else _("%(n)d分钟")) % {"n": n}


@cache
def _known_rules(language: str) -> dict[str, str]:
    """Return every rule of the tables as it is stored, with its words in another language."""
    return {
        _rule(step, name, table, row, STORED): _rule(step, name, table, row, language)
        for every in _tables()
        for step in Step
        if (table := every.get(step.name.lower())) is not None
        for name, row in table.items()
        if isinstance(row, dict)
    }


def rule_in(stored: str, language: str) -> str:
    """Return a stored rule in a language; as it is stored where the tables no longer have it."""
    return stored if language == STORED else _known_rules(language).get(stored, stored)


def worktime_of(clock: TicketClock) -> Worktime:
    """Return the pure clock of a stored one."""
    return Worktime(
        started_at=clock.started_at,
        limit_minutes=clock.limit_minutes,
        mode="working" if clock.working else "clock",
        pauses=tuple(
            Pause(datetime.fromisoformat(since), datetime.fromisoformat(until) if until else None, why)
            for since, until, why in clock.pauses
        ),
        extensions=tuple(
            Extension(datetime.fromisoformat(at), minutes, why) for at, minutes, why in clock.extensions
        ),
        stopped_at=clock.stopped_at,
    )


def due_at(clock: TicketClock) -> datetime | None:
    """Return when a clock is due; None while it is paused, or where a calendar year is missing."""
    if is_paused(clock):
        return None
    try:
        return worktime_of(clock).due_at(calendars.current())
    except MissingYear:
        return None


def new_clock(step: Step, ticket: Ticket, now: datetime) -> TicketClock:
    """Return an unsaved clock that starts now."""
    limit = limit_for(step, ticket.urgency, ticket.is_complex, timezone.localdate(now))
    clock = TicketClock(
        step=step,
        agency_id=ticket.agency_id,
        started_at=now,
        limit_minutes=limit.minutes,
        working=limit.working,
        rule=limit.rule,
    )
    clock.due_at = due_at(clock)
    return clock


def stop(clock: TicketClock, now: datetime) -> None:
    """Stop a clock and give its verdict; one without a due time (no calendar) has none."""
    resume(clock, now)
    clock.stopped_at = now
    clock.on_time = None if clock.due_at is None else now <= clock.due_at


def pause(clock: TicketClock, now: datetime, why: str) -> None:
    """Let a clock wait; it is due at no time until it goes on. One that is late already stays late."""
    if is_paused(clock):
        return
    clock.pauses = [*clock.pauses, [now.isoformat(), None, why]]
    if clock.due_at is None or clock.due_at > now:
        clock.due_at = None


def resume(clock: TicketClock, now: datetime) -> None:
    if is_paused(clock):
        since, _open, why = clock.pauses[-1]
        clock.pauses = [*clock.pauses[:-1], [since, now.isoformat(), why]]
        clock.due_at = due_at(clock)


def set_limit(clock: TicketClock, ticket: Ticket, now: datetime) -> bool:
    """Give a running clock the limit that holds after a correction of urgency; return whether it changed."""
    limit = limit_for(Step(clock.step), ticket.urgency, ticket.is_complex, timezone.localdate(now))
    if (limit.minutes, limit.working) == (clock.limit_minutes, clock.working):
        return False
    clock.limit_minutes, clock.working, clock.rule = limit.minutes, limit.working, limit.rule
    clock.due_at = due_at(clock)
    return True


def extend_until(clock: TicketClock, until: datetime, now: datetime, why: str) -> None:
    """Lengthen the limit so that the clock is due at `until`, or at the end of working time before it."""
    calendar = calendars.current()
    gained = worktime_of(clock).minutes_between(calendar, clock.due_at or clock.started_at, until)
    if gained > 0:
        clock.extensions = [*clock.extensions, [now.isoformat(), gained, why]]
    clock.due_at = due_at(clock)


def explain(clock: TicketClock, language: str) -> list[str]:
    """Return why a clock is due when it is, a sentence a line, the rule first."""
    rule = rule_in(clock.rule, language)
    try:
        return [rule, *worktime_of(clock).explain(calendars.current(), language)]
    except MissingYear as missing:
        return [rule, str(missing)]


def next_notice(clock: TicketClock, level: int, on: date) -> datetime | None:
    """Return when the sweep has to look again: reminder, late, long late, or never."""
    if clock.due_at is None or level >= LONG_LATE:
        return None
    follow = parameters(on)["follow_up"]
    span = clock.due_at - clock.started_at
    if level == CALM:
        return clock.started_at + span * float(follow["remind_share"])
    if level == REMINDED:
        return clock.due_at
    return clock.due_at + max(span * float(follow["long_late_share"]), timedelta(minutes=15))
