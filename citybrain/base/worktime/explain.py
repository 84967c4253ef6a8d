"""Why a clock is due when it is, as the short sentences a clerk would write.

Times are shown to the minute, and durations are taken between the minutes shown, so that they add up
for whoever checks them by hand.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from citybrain.base.worktime.calendar import MINUTE, DayKind, MissingYear, WorkCalendar, micros, moment
from citybrain.base.worktime.phrases import Words

if TYPE_CHECKING:
    from citybrain.base.worktime.clock import Clock

_MINUTE = timedelta(minutes=1)


@dataclass
class _Days:
    """What was met on the way: sentences so far, and a row of like days not yet told."""

    words: Words
    cal: WorkCalendar
    lines: list[str] = field(default_factory=list)
    row: list[date] = field(default_factory=list)
    row_key: tuple[str, str] = ("", "")
    lunches: set[tuple[int, int]] = field(default_factory=set)
    nights: set[tuple[int, int]] = field(default_factory=set)

    def add(self, day: date, key: str, holiday: str = "") -> None:
        if self.row and self.row_key != (key, holiday):
            self.flush()
        self.row_key = (key, holiday)
        self.row.append(day)

    def flush(self) -> None:
        """Tell the row: one sentence for like days in a row."""
        if not self.row:
            return
        key, holiday = self.row_key
        time = ""
        if key == "whole":
            per_day = sum(period.end - period.start for period in self.cal.periods_on(self.row[0]))
            time = self.words.duration(per_day * len(self.row))
            key = "whole" if len(self.row) == 1 else "wholes"
        self.lines.append(
            self.words.say(
                key,
                day=self.words.day(self.row[0]),
                days=self.words.days(self.row),
                count=len(self.row),
                holiday=holiday,
                time=time,
            )
        )
        self.row = []


def explain(clock: "Clock", cal: WorkCalendar, language: str = "zh-hans") -> list[str]:
    """Return the sentences, first the limit and the start, last the due time (and the stop).

    An open pause ends with what is left; a year without a table with a sentence that says so.
    """
    started = clock.started_at.astimezone(cal.zone)
    words = Words(language, started.year, cal.day_minutes)
    limit = words.limit(clock.limit_minutes, working=clock.mode == "working")
    days = _Days(words, cal)
    days.lines.append(words.say(clock.mode, limit=limit, at=words.moment(started, weekday=True)))
    days.lines += _tell_extensions(clock, words, cal)
    try:
        due = clock.due_at(cal)
        _tell_way(clock, days, due)
        days.lines += _breaks(days)
        days.lines += _ending(clock, cal, words, due)
    except MissingYear as missing:
        days.flush()
        days.lines.append(words.say("missing", year=missing.year))
    return days.lines


def _tell_extensions(clock: "Clock", words: Words, cal: WorkCalendar) -> list[str]:
    """Return a sentence per extension with the limit it made."""
    lines, total, working = [], clock.limit_minutes, clock.mode == "working"
    for extension in clock.extensions:
        total += extension.minutes
        lines.append(
            words.say(
                "extended",
                at=words.moment(extension.at.astimezone(cal.zone)),
                why=words.why(extension.why, "extension"),
                minutes=words.limit(extension.minutes, working=working),
                limit=words.limit(total, working=working),
            )
        )
    return lines


def _tell_way(clock: "Clock", days: _Days, due: datetime | None) -> None:
    """Tell stretches that count and pauses, from the start to the due time, in order."""
    words, zone = days.words, days.cal.zone
    for place, (a, b, why) in enumerate(_stretches(clock, due)):
        if why is None:
            if place == 0 and clock.mode == "working":
                _tell_start(days, a, b)
            _tell_run(clock, days, a, b)
        else:
            since, until = (words.moment(moment(at).astimezone(zone)) for at in (a, b or a))
            key = "held" if b is None else "paused"
            days.lines.append(words.say(key, a=since, b=until, why=words.why(why, "pause")))


def _stretches(clock: "Clock", due: datetime | None) -> Iterator[tuple[int, int | None, str | None]]:
    """Yield (from, to, why) in order: why None for a stretch that counts, to None for an open pause."""
    at, end = micros(clock.started_at), None if due is None else micros(due)
    for pause in clock.pauses:
        since = micros(pause.since)
        if end is not None and since >= end:
            break
        if since > at:
            yield at, since, None
        until = None if pause.until is None else micros(pause.until)
        yield since, until, pause.why
        at = since if until is None else until
    if end is not None and end > at:
        yield at, end, None


def _tell_start(days: _Days, a: int, b: int | None) -> None:
    """Say where counting begins when the clock was started outside working time."""
    first = days.cal.after(a, 1) - 1
    if first > a and (b is None or first < b):
        at = moment(first).astimezone(days.cal.zone)
        days.lines.append(days.words.say("outside", at=days.words.moment(at, weekday=True)))


def _tell_run(clock: "Clock", days: _Days, a: int, b: int | None) -> None:
    """Tell a stretch that counts: day by day in working mode, as one otherwise."""
    words, zone = days.words, days.cal.zone
    a, b = _minute(a), _minute(a if b is None else b)
    first, last = moment(a).astimezone(zone), moment(b).astimezone(zone)
    if clock.mode == "clock":
        time = words.duration((b - a) // MINUTE)
        days.lines.append(words.say("ran", a=words.moment(first), b=words.moment(last), time=time))
        return
    day, worked_before = first.date(), False
    while day <= last.date():
        worked_before = _tell_day(days, day, a, b, worked_before)
        day += timedelta(days=1)
    days.flush()


def _tell_day(days: _Days, day: date, a: int, b: int, worked_before: bool) -> bool:
    """Tell one day of a stretch; return whether a working day lies behind (so that a night follows it)."""
    words, cal = days.words, days.cal
    what = cal.day(day)
    if not what.works:
        holiday = words.holiday(what.holiday) if what.holiday else ""
        days.add(day, what.kind.value, holiday)
        return worked_before
    spans = cal.worked_on(day, a, b)
    if not spans:
        return worked_before
    _note_breaks(days, day, len(spans), worked_before)
    time = sum(end - start for start, end in spans) // MINUTE
    whole = time == sum(period.end - period.start for period in cal.periods_on(day))
    if whole and what.kind is DayKind.WORK:
        days.add(day, "whole")
        return True
    days.flush()
    texts = [tuple(f"{moment(at).astimezone(cal.zone):%H:%M}" for at in span) for span in spans]
    days.lines.append(
        words.say(
            "worked" if what.kind is DayKind.WORK else "exchanged",
            day=words.day(day, weekday=what.kind is DayKind.EXCHANGED),
            holiday=words.holiday(what.holiday) if what.holiday else "",
            spans=words.spans([(start, end) for start, end in texts]),
            time=words.duration(time),
        )
    )
    return True


def _note_breaks(days: _Days, day: date, stretches: int, night_before: bool) -> None:
    """Remember which breaks were skipped, to be told once at the end."""
    periods = days.cal.periods_on(day)
    if stretches > 1:
        days.lunches.update((x.end, y.start) for x, y in pairwise(periods))
    if night_before:
        days.nights.add((periods[-1].end, periods[0].start))


def _breaks(days: _Days) -> list[str]:
    """Return the sentences for lunch breaks and nights that were skipped on the way."""
    lines = []
    if days.lunches:
        spans = [(_hhmm(a), _hhmm(b)) for a, b in sorted(days.lunches)]
        lines.append(days.words.say("lunch", spans=days.words.spans(spans)))
    lines += [days.words.say("night", a=_hhmm(a), b=_hhmm(b)) for a, b in sorted(days.nights)]
    return lines


def _ending(clock: "Clock", cal: WorkCalendar, words: Words, due: datetime | None) -> list[str]:
    """Return the due time, the stop and its verdict, or what is left of a paused clock."""
    if due is None:
        since = clock.pauses[-1].since
        spent = clock.elapsed(cal, since) // _MINUTE
        left = words.duration(clock.total_minutes - spent)
        return [words.say("spent", time=words.duration(spent), left=left)]
    lines = [words.say("due", at=words.moment(due.astimezone(cal.zone), weekday=True))]
    if clock.stopped_at is not None:
        elapsed = clock.elapsed(cal, clock.stopped_at)
        spent, over = elapsed // _MINUTE, -(clock.remaining(cal, clock.stopped_at) // _MINUTE)
        late = clock.is_late(cal, clock.stopped_at)
        lines.append(
            words.say(
                "late" if late else "on_time",
                at=words.moment(clock.stopped_at.astimezone(cal.zone)),
                time=words.duration(spent),
                over=words.duration(over),
                of=words.say("of") if clock.mode == "working" else "",
            )
        )
    return lines


def _minute(at: int) -> int:
    return at - at % MINUTE


def _hhmm(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
