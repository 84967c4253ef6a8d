"""Times, deadlines and numbers in words."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import translation

from citybrain.faces.look import words

NOW = datetime(2026, 11, 21, 2, 30, tzinfo=UTC)  # 10:30 in Shanghai


@pytest.mark.parametrize(
    ("before", "zh", "en"),
    [
        (timedelta(seconds=20), "刚刚", "just now"),
        (timedelta(minutes=1), "1 分钟前", "1 minute ago"),
        (timedelta(minutes=59), "59 分钟前", "59 minutes ago"),
        (timedelta(hours=3), "3 小时前", "3 hours ago"),
        (timedelta(hours=12), "昨天 22:30", "yesterday 22:30"),
        (timedelta(days=3), "11月18日 10:30", "18 Nov 10:30"),
        (timedelta(days=400), "2025年10月17日 10:30", "17 Oct 2025 10:30"),
        (timedelta(minutes=-10), "10 分钟后", "in 10 minutes"),
        (timedelta(hours=-2), "2 小时后", "in 2 hours"),
        (timedelta(hours=-20), "明天 06:30", "tomorrow 06:30"),
    ],
)
def test_a_time_is_said_as_people_say_it(before: timedelta, zh: str, en: str) -> None:
    with translation.override("zh-hans"):
        assert words.ago(NOW - before, NOW) == zh
    with translation.override("en"):
        assert words.ago(NOW - before, NOW) == en


@pytest.mark.parametrize(
    ("length", "working", "said"),
    [
        (timedelta(seconds=30), False, "不到 1 分钟"),
        (timedelta(minutes=9), False, "9 分钟"),
        (timedelta(minutes=130), False, "2 小时 10 分"),
        (timedelta(hours=2), False, "2 小时"),
        (timedelta(days=3, hours=4), False, "3 天 4 小时"),
        (timedelta(days=12, hours=4), False, "12 天"),
        (timedelta(hours=10), True, "1 个工作日 2 小时"),
    ],
)
def test_a_length_is_said_in_its_two_largest_units(length: timedelta, working: bool, said: str) -> None:
    assert words.span(length, working=working) == said


def test_a_running_deadline_says_what_is_left_and_fills_its_bar() -> None:
    due, started = NOW + timedelta(hours=6), NOW - timedelta(hours=2)
    left = words.left(due, NOW, started=started)
    assert left == words.Left("normal", "还剩 6 小时", 25, "应于 2026-11-21 16:30 前完成")


def test_a_deadline_is_due_soon_in_its_last_quarter_and_its_last_two_hours() -> None:
    assert words.left(NOW + timedelta(hours=3), NOW, started=NOW - timedelta(hours=9)).level == "due_soon"
    assert words.left(NOW + timedelta(minutes=119), NOW).level == "due_soon"
    assert words.left(NOW + timedelta(minutes=120), NOW).level == "normal"


def test_a_late_deadline_says_by_how_much() -> None:
    left = words.left(NOW - timedelta(hours=3), NOW, started=NOW - timedelta(hours=9))
    assert (left.level, left.words, left.share) == ("late", "已超时 3 小时", 100)


def test_what_the_clock_says_goes_before_the_wall_time() -> None:
    left = words.left(NOW + timedelta(days=3), NOW, remaining=timedelta(hours=-9), working=True)
    assert (left.level, left.words) == ("late", "已超时 1 个工作日 1 小时")


def test_a_deadline_that_does_not_run_says_why() -> None:
    assert words.left(NOW, NOW, paused=True).words == "计时已暂停"
    assert words.left(NOW, NOW, paused=True, remaining=timedelta(hours=5)).words == "计时已暂停，还剩 5 小时"
    assert words.left(None, NOW).words == "未设时限"
    assert words.left(NOW, NOW, done=True).words == "已办结"
    assert words.left(NOW, NOW, done=True, on_time=True).words == "按时办结"
    assert words.left(NOW, NOW, done=True, on_time=False).level == "late"


def test_numbers_are_grouped() -> None:
    assert [words.amount(12034), words.amount(3.456, 1), words.amount(None)] == ["12,034", "3.5", "–"]
    assert [words.percent(0.9641), words.percent(None)] == ["96.4 %", "–"]
