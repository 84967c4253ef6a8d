"""Limits in words: what a page shows of one, and what the history says it did."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from django.db.models import IntegerChoices
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _


class Running(Protocol):
    """A stored limit. `pauses` are [from, until or None, why]."""

    started_at: datetime
    due_at: datetime | None
    stopped_at: datetime | None
    on_time: bool | None
    pauses: list[Any]


@dataclass(frozen=True, slots=True)
class ClockView:
    """One limit with the reasons for it, a sentence a line."""

    step: IntegerChoices
    started_at: datetime
    due_at: datetime | None
    stopped_at: datetime | None
    on_time: bool | None
    paused: bool
    running: bool
    lines: tuple[str, ...]


def clock_view(clock: Running, step: IntegerChoices, lines: list[str]) -> ClockView:
    """Return what a page shows of a limit; a stopped one is no more paused."""
    running = clock.stopped_at is None
    return ClockView(
        step=step,
        started_at=clock.started_at,
        due_at=clock.due_at,
        stopped_at=clock.stopped_at,
        on_time=clock.on_time,
        paused=running and is_paused(clock),
        running=running,
        lines=tuple(lines),
    )


def is_paused(clock: Running) -> bool:
    """Return whether a limit's last pause goes on."""
    return bool(clock.pauses) and clock.pauses[-1][1] is None


def clock_words(told: dict[str, Any], steps: type[IntegerChoices]) -> str:
    """Return what a limit did at an event, as a sentence; empty when nothing."""
    if not told:
        return ""
    step = str(steps(told["step"]).label) if told.get("step") else ""
    due = parse_datetime(told["due"]) if told.get("due") else None
    stamp = timezone.localtime(due).strftime("%m-%d %H:%M") if due else ""
    did = told.get("did", "start")
    if did == "pause":
        return _("%(step)s时限暂停") % {"step": step}
    if did == "resume":
        return _("%(step)s时限恢复，%(due)s 到期") % {"step": step, "due": stamp}
    if did == "stop":
        return _stopped_words(step, told.get("on_time"))
    if not stamp:
        return _("%(step)s时限开始，暂无法计算到期时间") % {"step": step}
    return _("%(step)s时限开始，%(due)s 到期") % {"step": step, "due": stamp}


def _stopped_words(step: str, on_time: bool | None) -> str:
    if on_time is None:
        return _("%(step)s时限停止") % {"step": step}
    if on_time:
        return _("%(step)s时限停止，按时") % {"step": step}
    return _("%(step)s时限停止，超时") % {"step": step}
