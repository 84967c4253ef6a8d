"""A clock of one step: it starts, pauses, resumes, is extended, stops, and knows when it is due.

Immutable: each event returns a new clock. All times carry a zone. Counting is in whole microseconds, so
that two computations of the same clock never differ.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from citybrain.base.worktime.calendar import MINUTE, MissingYear, WorkCalendar, micros, moment
from citybrain.base.worktime.explain import explain

Mode = Literal["working", "clock"]


class ClockError(ValueError):
    """An event out of order: the text names both times."""


@dataclass(frozen=True, slots=True)
class Pause:
    """A stretch that doesn't count (挂账, 延期审批); open while `until` is None."""

    since: datetime
    until: datetime | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Extension:
    """Minutes added to the limit, when and why; kept apart so that `explain` can name it."""

    at: datetime
    minutes: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class Clock:
    """`limit_minutes` counted in working time ("working") or round the clock ("clock").

    Raises ClockError for a negative limit, times without a zone, and pauses that are reversed, overlap,
    begin before the start or stay open after the stop.
    """

    started_at: datetime
    limit_minutes: int
    mode: Mode = "working"
    pauses: tuple[Pause, ...] = ()
    stopped_at: datetime | None = None
    extensions: tuple[Extension, ...] = ()

    def __post_init__(self) -> None:
        if self.mode not in {"working", "clock"}:
            raise ClockError(f'clock: mode {self.mode!r} received; "working" or "clock" are known')
        if self.limit_minutes < 0:
            raise ClockError(f"clock: a limit of {self.limit_minutes} minutes; it can't be negative")
        if self.started_at.tzinfo is None:
            raise ClockError(f"clock: {self.started_at.isoformat()} has no time zone")
        if any(extension.minutes <= 0 for extension in self.extensions):
            raise ClockError("clock: an extension adds at least a minute")
        self._check_order()

    def _check_order(self) -> None:
        last = self.started_at
        for number, pause in enumerate(self.pauses, 1):
            last = _in_order(last, pause.since, "a pause begins")
            if pause.until is not None:
                last = _in_order(last, pause.until, "a pause ends")
            elif number < len(self.pauses) or self.stopped_at is not None:
                raise ClockError(f"clock: the pause since {pause.since.isoformat()} was never ended")
        if self.stopped_at is not None:
            _in_order(last, self.stopped_at, "the clock stops")

    @property
    def total_minutes(self) -> int:
        """The limit with its extensions."""
        return self.limit_minutes + sum(extension.minutes for extension in self.extensions)

    @property
    def is_paused(self) -> bool:
        return bool(self.pauses) and self.pauses[-1].until is None

    # Events

    def pause(self, at: datetime, why: str) -> "Clock":
        """Return the clock paused. Raises ClockError when it is paused or stopped, or `at` lies back."""
        self._must_run(at)
        return replace(self, pauses=(*self.pauses, Pause(at, None, why)))

    def resume(self, at: datetime) -> "Clock":
        """Return the clock running again. Raises ClockError when it isn't paused, or `at` lies back."""
        if not self.is_paused:
            raise ClockError(f"clock: resumed at {at.isoformat()}, but it isn't paused")
        return replace(self, pauses=(*self.pauses[:-1], replace(self.pauses[-1], until=at)))

    def stop(self, at: datetime) -> "Clock":
        """Return the clock stopped; an open pause ends with it. Raises ClockError when stopped before."""
        if self.stopped_at is not None:
            raise ClockError(f"clock: stopped at {self.stopped_at.isoformat()} already")
        running = self.resume(at) if self.is_paused else self
        return replace(running, stopped_at=at)

    def restart(self, at: datetime, why: str) -> "Clock":
        """Return a stopped clock running on; the time since it stopped is a pause (a case reopened)."""
        if self.stopped_at is None:
            raise ClockError("clock: restarted, but it never stopped")
        return replace(self, pauses=(*self.pauses, Pause(self.stopped_at, at, why)), stopped_at=None)

    def extend(self, minutes: int, at: datetime, why: str) -> "Clock":
        """Return the clock with `minutes` more. Raises ClockError below one minute or when stopped."""
        if self.stopped_at is not None:
            raise ClockError(f"clock: extended, but stopped at {self.stopped_at.isoformat()}")
        return replace(self, extensions=(*self.extensions, Extension(at, minutes, why)))

    def _must_run(self, at: datetime) -> None:
        if self.is_paused or self.stopped_at is not None:
            raise ClockError(f"clock: paused at {at.isoformat()}, but it isn't running")

    # Reading

    def due_at(self, cal: WorkCalendar) -> datetime | None:
        """Return when the limit is used up (UTC), or None while an open pause keeps that moment away.

        A limit used up at a period's end is due at that end. A pause from then on changes nothing.
        A limit of 0 is due at the start. Raises MissingYear, in working mode, when a year on the way has
        no table.
        """
        start, left = micros(self.started_at), self.total_minutes * MINUTE
        if left == 0:
            return self.started_at
        for pause in self.pauses:
            since = micros(pause.since)
            counted = self._between_or_none(cal, start, since)
            if counted is None or counted >= left:
                break
            if pause.until is None:
                return None
            left -= counted
            start = micros(pause.until)
        return moment(self._after(cal, start, left))

    def elapsed(self, cal: WorkCalendar, now: datetime) -> timedelta:
        """Return the time counted until `now`, or until the stop. Raises MissingYear as `due_at` does."""
        end = micros(now if self.stopped_at is None else min(now, self.stopped_at))
        start, counted = micros(self.started_at), 0
        for pause in self.pauses:
            if micros(pause.since) >= end:
                break
            counted += self._between(cal, start, micros(pause.since))
            start = end if pause.until is None else micros(pause.until)
        return timedelta(microseconds=counted + self._between(cal, start, end))

    def remaining(self, cal: WorkCalendar, now: datetime) -> timedelta:
        """Return the limit less the time counted until `now`; negative when late, in the clock's own time."""
        return timedelta(minutes=self.total_minutes) - self.elapsed(cal, now)

    def is_late(self, cal: WorkCalendar, now: datetime) -> bool:
        """Return whether it ran (until `now` or its stop) past the due time; exactly at it is on time."""
        due = self.due_at(cal)
        end = now if self.stopped_at is None else min(now, self.stopped_at)
        return due is not None and end > due

    def minutes_between(self, cal: WorkCalendar, a: datetime, b: datetime) -> int:
        """Return the minutes from `a` to `b` that this clock would count, pauses aside, rounded up."""
        return -(-self._between(cal, micros(a), micros(b)) // MINUTE)

    def explain(self, cal: WorkCalendar, language: str = "zh-hans") -> list[str]:
        """Return why it is due when it is, a sentence a line, in Chinese or ("en") English. Never raises."""
        return explain(self, cal, language)

    def _between(self, cal: WorkCalendar, a: int, b: int) -> int:
        return max(0, b - a) if self.mode == "clock" else cal.between(a, b)

    def _between_or_none(self, cal: WorkCalendar, a: int, b: int) -> int | None:
        """Return None when `b` lies past the years covered: what is due before that is still known."""
        try:
            return self._between(cal, a, b)
        except MissingYear:
            return None

    def _after(self, cal: WorkCalendar, a: int, work: int) -> int:
        return a + work if self.mode == "clock" else cal.after(a, work)

    # Keeping

    def to_json(self) -> dict[str, Any]:
        """Return the clock as JSON values; times are ISO text with their offset."""
        return {
            "started_at": self.started_at.isoformat(),
            "limit_minutes": self.limit_minutes,
            "mode": self.mode,
            "pauses": [[p.since.isoformat(), p.until and p.until.isoformat(), p.why] for p in self.pauses],
            "stopped_at": self.stopped_at and self.stopped_at.isoformat(),
            "extensions": [[e.at.isoformat(), e.minutes, e.why] for e in self.extensions],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Clock":
        """Return the clock of `to_json`. Raises KeyError or ClockError for what was never one."""
        stopped = data.get("stopped_at")
        return cls(
            started_at=datetime.fromisoformat(data["started_at"]),
            limit_minutes=data["limit_minutes"],
            mode=data["mode"],
            pauses=tuple(
                Pause(datetime.fromisoformat(since), datetime.fromisoformat(until) if until else None, why)
                for since, until, why in data.get("pauses", ())
            ),
            stopped_at=datetime.fromisoformat(stopped) if stopped else None,
            extensions=tuple(
                Extension(datetime.fromisoformat(at), minutes, why)
                for at, minutes, why in data.get("extensions", ())
            ),
        )


def _in_order(last: datetime, at: datetime, what: str) -> datetime:
    if at.tzinfo is None:
        raise ClockError(f"clock: {at.isoformat()} has no time zone")
    if at < last:
        raise ClockError(f"clock: {what} at {at.isoformat()}, before {last.isoformat()}")
    return at
