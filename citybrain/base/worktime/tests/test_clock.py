import json
import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citybrain.base.worktime.calendar import SHANGHAI, MissingYear, WorkCalendar
from citybrain.base.worktime.clock import Clock, ClockError, Pause
from citybrain.base.worktime.tables import SHIPPED, read_folders

MINUTE = timedelta(minutes=1)


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=SHANGHAI)


FRIDAY = at(2026, 11, 20, 16, 30)
FOUR_HOURS = Clock(FRIDAY, 240)


@pytest.mark.parametrize(
    ("started", "minutes", "due"),
    [
        (at(2026, 11, 20, 16, 30), 240, at(2026, 11, 23, 11)),
        (at(2026, 11, 20, 16, 30), 90, at(2026, 11, 20, 18)),  # a period's end, not the next morning
        (at(2026, 11, 20, 9), 180, at(2026, 11, 20, 12)),
        (at(2026, 11, 20, 12, 45), 60, at(2026, 11, 20, 14, 30)),  # started at lunch
        (at(2026, 11, 20, 18), 30, at(2026, 11, 23, 9)),
        (at(2026, 11, 21, 3), 480, at(2026, 11, 23, 18)),
        (at(2026, 2, 13, 17), 960, at(2026, 2, 24, 17)),  # 14 February is worked, then nine days off
        (at(2025, 12, 31, 10), 1440, at(2026, 1, 6, 10)),
        (at(2026, 10, 3, 9), 0, at(2026, 10, 3, 9)),
    ],
)
def test_working_time_is_due_when_a_clerk_would_say(china, started, minutes, due):
    assert Clock(started, minutes).due_at(china) == due


def test_round_the_clock_needs_no_calendar():
    assert Clock(at(2031, 12, 31, 20), 1440, "clock").due_at(WorkCalendar()) == at(2032, 1, 1, 20)


def test_seconds_are_kept(china):
    assert Clock(at(2026, 11, 20, 17, 59, 30), 1).due_at(china) == at(2026, 11, 23, 8, 30, 30)


def test_a_pause_moves_the_due_time_by_the_working_time_it_holds(china):
    paused = FOUR_HOURS.pause(at(2026, 11, 20, 17), "挂账")
    assert paused.due_at(china) is None
    assert not paused.is_late(china, at(2026, 12, 1))
    assert paused.elapsed(china, at(2026, 12, 1)) == timedelta(minutes=30)
    running = paused.resume(at(2026, 11, 23, 9))
    assert running.due_at(china) == at(2026, 11, 23, 14)
    assert running.remaining(china, at(2026, 11, 23, 9, 10)) == timedelta(minutes=200)


def test_a_pause_at_night_moves_nothing(china):
    clock = FOUR_HOURS.pause(at(2026, 11, 20, 19), "挂账").resume(at(2026, 11, 23, 8))
    assert clock.due_at(china) == at(2026, 11, 23, 11)


def test_a_pause_after_the_due_time_keeps_it_late(china):
    clock = FOUR_HOURS.pause(at(2026, 11, 23, 11), "挂账")
    assert clock.due_at(china) == at(2026, 11, 23, 11)
    assert clock.is_late(china, at(2026, 11, 23, 11, 0, 1))
    assert Clock(at(2026, 12, 31, 9), 60).pause(at(2027, 1, 4, 9), "挂账").due_at(china) == at(
        2026, 12, 31, 10
    )


def test_exactly_at_the_due_time_is_on_time(china):
    due = at(2026, 11, 23, 11)
    assert not FOUR_HOURS.is_late(china, due)
    assert FOUR_HOURS.is_late(china, due + timedelta(microseconds=1))
    assert FOUR_HOURS.remaining(china, due) == timedelta(0)
    assert FOUR_HOURS.remaining(china, at(2026, 11, 24, 9)) == timedelta(hours=-6)


def test_a_stopped_clock_stays_as_it_stood(china):
    stopped = FOUR_HOURS.stop(at(2026, 11, 20, 17))
    assert stopped.elapsed(china, at(2026, 12, 1)) == timedelta(minutes=30)
    assert not stopped.is_late(china, at(2026, 12, 1))
    assert stopped.due_at(china) == at(2026, 11, 23, 11)
    assert FOUR_HOURS.stop(at(2026, 11, 24)).is_late(china, at(2026, 12, 1))


def test_stopping_a_paused_clock_ends_the_pause(china):
    stopped = FOUR_HOURS.pause(at(2026, 11, 20, 17), "挂账").stop(at(2026, 11, 23, 9))
    assert stopped.pauses == (Pause(at(2026, 11, 20, 17), at(2026, 11, 23, 9), "挂账"),)
    assert stopped.elapsed(china, at(2026, 12, 1)) == timedelta(minutes=30)


def test_a_restarted_clock_keeps_what_it_had_counted(china):
    again = FOUR_HOURS.stop(at(2026, 11, 20, 17)).restart(at(2026, 11, 25, 9), "重新打开")
    assert again.due_at(china) == at(2026, 11, 25, 14)


def test_an_extension_lengthens_the_limit(china):
    longer = FOUR_HOURS.extend(480, at(2026, 11, 23, 9), "延期")
    assert longer.total_minutes == 720
    assert longer.due_at(china) == at(2026, 11, 24, 11)


def test_minutes_between_counts_in_the_clock_s_own_time(china):
    a, b = at(2026, 11, 20, 17, 59, 30), at(2026, 11, 23, 8, 31)
    assert FOUR_HOURS.minutes_between(china, a, b) == 2
    assert FOUR_HOURS.minutes_between(china, b, a) == 0
    assert Clock(FRIDAY, 240, "clock").minutes_between(china, a, b) == 3752


PAUSED = FOUR_HOURS.pause(at(2026, 11, 20, 17), "挂账")
STOPPED = FOUR_HOURS.stop(at(2026, 11, 20, 17))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: FOUR_HOURS.pause(at(2026, 11, 20, 16), "挂账"),
        lambda: PAUSED.pause(at(2026, 11, 20, 18), "挂账"),
        lambda: PAUSED.resume(at(2026, 11, 20, 16, 45)),
        lambda: PAUSED.resume(at(2026, 11, 20, 18)).pause(at(2026, 11, 20, 17, 30), "挂账"),
        lambda: FOUR_HOURS.resume(at(2026, 11, 20, 18)),
        lambda: STOPPED.stop(at(2026, 11, 20, 18)),
        lambda: STOPPED.pause(at(2026, 11, 20, 18), "挂账"),
        lambda: STOPPED.extend(60, at(2026, 11, 20, 18), "延期"),
        lambda: STOPPED.restart(at(2026, 11, 20, 16, 59), "重新打开"),
        lambda: FOUR_HOURS.stop(at(2026, 11, 20, 16)),
        lambda: FOUR_HOURS.extend(0, FRIDAY, "延期"),
        lambda: FOUR_HOURS.restart(FRIDAY, "重新打开"),
        lambda: Clock(FRIDAY, -1),
        lambda: Clock(FRIDAY, 60, "fast"),
        lambda: Clock(FRIDAY.replace(tzinfo=None), 60),
        lambda: Clock(FRIDAY, 60, pauses=(Pause(FRIDAY, None), Pause(FRIDAY, FRIDAY))),
        lambda: Clock(FRIDAY, 60, pauses=(Pause(FRIDAY, None),), stopped_at=FRIDAY),
    ],
)
def test_events_out_of_order_are_refused(wrong):
    with pytest.raises(ClockError):
        wrong()


def test_a_limit_into_a_year_without_a_table_says_so_and_the_clock_can_still_be_read(china):
    clock = Clock(at(2026, 12, 29, 9), 2400)
    with pytest.raises(MissingYear):
        clock.due_at(china)
    assert clock.elapsed(china, at(2026, 12, 29, 10)) == timedelta(hours=1)


def test_a_due_time_takes_less_than_50_microseconds(china):
    clock = FOUR_HOURS.pause(at(2026, 11, 20, 17), "挂账").resume(at(2026, 11, 23, 9))
    best = min(_timed(clock, china) for _ in range(50))
    assert best < 50e-6


def _timed(clock: Clock, china: WorkCalendar) -> float:
    start = time.thread_time()  # the processor's time, so that a busy machine doesn't count
    for _ in range(100):
        clock.due_at(china)
    return (time.thread_time() - start) / 100


# Against a slow oracle that walks minute by minute

CHINA = WorkCalendar(*read_folders(SHIPPED))
OFF = {day for table in CHINA.tables.values() for day in table.holidays}
ON = {day for table in CHINA.tables.values() for day in table.workdays}


def counts(minute: datetime, mode: str, pauses: tuple[Pause, ...]) -> bool:
    if any(pause.since <= minute and (pause.until is None or minute < pause.until) for pause in pauses):
        return False
    if mode == "clock":
        return True
    local = minute.astimezone(SHANGHAI)
    day, hhmm = local.date(), f"{local:%H:%M}"
    works = day in ON or (day not in OFF and local.weekday() < 5)
    return works and ("08:30" <= hhmm < "12:00" or "13:30" <= hhmm < "18:00")


def slow_due(clock: Clock) -> datetime | None:
    """The first minute by which the limit was counted; None when it never comes within 40 days."""
    now, counted = clock.started_at, 0
    while counted < clock.total_minutes:
        if now > clock.started_at + timedelta(days=40):
            return None
        counted += counts(now, clock.mode, clock.pauses)
        now += MINUTE
    return now


def slow_elapsed(clock: Clock, now: datetime) -> timedelta:
    end = now if clock.stopped_at is None else min(now, clock.stopped_at)
    minute, counted = clock.started_at, 0
    while minute < end:
        counted += counts(minute, clock.mode, clock.pauses)
        minute += MINUTE
    return timedelta(minutes=counted)


# Starts around weekends, exchanged days and holidays, and between years
STARTS = [
    at(2025, 12, 30),
    at(2026, 2, 11),
    at(2026, 4, 30),
    at(2026, 9, 18),
    at(2025, 1, 24),
    at(2024, 9, 27),
]


@st.composite
def clocks(draw: st.DrawFn) -> Clock:
    start = draw(st.sampled_from(STARTS)) + draw(st.integers(0, 4 * 1440)) * MINUTE
    clock = Clock(start, draw(st.integers(0, 2000)), draw(st.sampled_from(["working", "clock"])))
    last = start
    for _ in range(draw(st.integers(0, 3))):
        last += draw(st.integers(0, 2000)) * MINUTE
        clock = clock.pause(last, "挂账")
        last += draw(st.integers(0, 2000)) * MINUTE
        clock = clock.resume(last)
    if draw(st.booleans()):
        clock = clock.extend(draw(st.integers(1, 600)), last, "延期")
    ending = draw(st.sampled_from(["running", "paused", "stopped"]))
    last += draw(st.integers(0, 3000)) * MINUTE
    if ending == "paused":
        return clock.pause(last, "延期审批")
    return clock.stop(last) if ending == "stopped" else clock


@settings(max_examples=150, deadline=None)
@given(clocks())
def test_the_due_time_is_that_of_a_walk_minute_by_minute(clock):
    assert clock.due_at(CHINA) == slow_due(clock)


@settings(max_examples=100, deadline=None)
@given(clocks(), st.integers(-100, 15_000))
def test_the_elapsed_time_is_that_of_a_walk_minute_by_minute(clock, minutes):
    now = clock.started_at + minutes * MINUTE
    assert clock.elapsed(CHINA, now) == slow_elapsed(clock, now)


@settings(max_examples=100, deadline=None)
@given(clocks())
def test_late_is_exactly_when_nothing_is_left_and_time_went_on(clock):
    due = clock.due_at(CHINA)
    if due is not None and clock.stopped_at is None:
        assert clock.remaining(CHINA, due) == timedelta(0)
        assert not clock.is_late(CHINA, due)
        assert clock.is_late(CHINA, due + MINUTE)


@settings(max_examples=100, deadline=None)
@given(clocks())
def test_a_clock_comes_back_from_json_as_it_was(clock):
    assert Clock.from_json(json.loads(json.dumps(clock.to_json()))) == clock


@settings(max_examples=60, deadline=None)
@given(clocks(), st.sampled_from(["zh-hans", "en"]))
def test_every_clock_can_be_explained_and_the_hours_told_add_up(clock, language):
    lines = clock.explain(CHINA, language)
    due = clock.due_at(CHINA)
    if due is None:
        assert len(lines) >= 2
        return
    told = f"{due.astimezone(SHANGHAI):%H:%M}"
    assert any(line.startswith(("到期", "Due")) and line.endswith(told) for line in lines)


def test_utc_and_local_times_mean_the_same(china):
    assert Clock(FRIDAY.astimezone(UTC), 240).due_at(china) == FOUR_HOURS.due_at(china)
