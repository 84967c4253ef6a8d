"""Times, deadlines and numbers in the words of a clerk; the same words in every face."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

MINUTE, HOUR, DAY = 60, 3600, 86400
WORKING_DAY: Final = 480  # minutes: 08:30-12:00 and 13:30-18:00
SOON: Final = timedelta(hours=2)
SOON_SHARE: Final = 0.75


@dataclass(frozen=True, slots=True)
class Left:
    """How a deadline stands.

    `level`: normal, due_soon, late, urgent, paused, done or none. `share` is 0..100 of the time used up;
    `stamp` is the full sentence shown on hover.
    """

    level: str
    words: str
    share: int
    stamp: str


def stamp(at: datetime | None) -> str:
    """Return the full local time, 2026-11-21 14:02; an empty text for none."""
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M") if at else ""


def is_english() -> bool:
    return (get_language() or "").startswith("en")


def ago(at: datetime, now: datetime) -> str:
    """Return how far from now: 刚刚, 10 分钟前, 3 小时前, 昨天 14:02, 3月5日 14:02; future: 10 分钟后."""
    seconds = (now - at).total_seconds()
    if abs(seconds) < MINUTE:
        return _("刚刚")
    if abs(seconds) < HOUR:
        return _minutes_off(int(seconds / MINUTE))
    local, today = timezone.localtime(at), timezone.localtime(now)
    apart = (today.date() - local.date()).days
    if apart == 0 or (seconds > 0 and seconds < 6 * HOUR):
        return _hours_off(int(seconds / HOUR))
    if apart in (1, -1):
        day = _("昨天") if apart == 1 else _("明天")
        return f"{day} {local:%H:%M}"
    return f"{day_words(local, today)} {local:%H:%M}"


def _minutes_off(n: int) -> str:
    if n > 0:
        return ngettext("%(n)d 分钟前", "%(n)d 分钟前", n) % {"n": n}
    return ngettext("%(n)d 分钟后", "%(n)d 分钟后", -n) % {"n": -n}


def _hours_off(n: int) -> str:
    if n > 0:
        return ngettext("%(n)d 小时前", "%(n)d 小时前", n) % {"n": n}
    return ngettext("%(n)d 小时后", "%(n)d 小时后", -n) % {"n": -n}


def day_words(local: datetime, today: datetime) -> str:
    """Return 3月5日 or 5 Mar; with the year where it is another one. Both times in the city's zone."""
    same = local.year == today.year
    if is_english():
        return f"{local.day} {local:%b}" if same else f"{local.day} {local:%b %Y}"
    day = f"{local.month}月{local.day}日"
    return day if same else f"{local.year}年{day}"


def span(length: timedelta, *, working: bool = False) -> str:
    """Return a length in its two largest units: 2 小时 10 分, 3 天 4 小时; under a minute: 不到 1 分钟.

    With `working`, a day is a working day of 8 hours (1 个工作日 2 小时).
    """
    minutes = int(abs(length.total_seconds()) // MINUTE)
    per_day = WORKING_DAY if working else DAY // MINUTE
    days, hours, rest = minutes // per_day, minutes % per_day // 60, minutes % 60
    day_words_of = _working_days if working else _days
    if days >= 10:
        return day_words_of(days)
    if days:
        return _join(day_words_of(days), hours, _hours)
    if hours:
        return _join(_hours(hours), rest, _minutes)
    return _whole_minutes(rest) if rest else _("不到 1 分钟")


def _join(first: str, n: int, rest: Callable[[int], str]) -> str:
    return f"{first} {rest(n)}" if n else first


def _days(n: int) -> str:
    return ngettext("%(n)d 天", "%(n)d 天", n) % {"n": n}


def _working_days(n: int) -> str:
    return ngettext("%(n)d 个工作日", "%(n)d 个工作日", n) % {"n": n}


def _hours(n: int) -> str:
    return ngettext("%(n)d 小时", "%(n)d 小时", n) % {"n": n}


def _minutes(n: int) -> str:
    return ngettext("%(n)d 分", "%(n)d 分", n) % {"n": n}


def _whole_minutes(n: int) -> str:
    return ngettext("%(n)d 分钟", "%(n)d 分钟", n) % {"n": n}


def left(
    due: datetime | None,
    now: datetime,
    *,
    started: datetime | None = None,
    remaining: timedelta | None = None,
    working: bool = False,
    paused: bool = False,
    done: bool = False,
    on_time: bool | None = None,
) -> Left:
    """Return how a deadline stands, in words.

    `remaining` is what the clock says (negative: late by that much); without it, the wall time to `due`.
    `started` gives the bar its length. `done` ends it; `on_time` then says how it ended.
    """
    when = _("应于 %(at)s 前完成") % {"at": stamp(due)} if due else ""
    if done:
        return _ended(on_time, when)
    if paused:
        rest = _("，还剩 %(span)s") % {"span": span(remaining, working=working)} if remaining else ""
        return Left("paused", _("计时已暂停") + rest, 0, when)
    if due is None:
        return Left("none", _("未设时限"), 0, "")
    rest_time = due - now if remaining is None else remaining
    if rest_time < timedelta(0):
        return Left("late", _("已超时 %(span)s") % {"span": span(rest_time, working=working)}, 100, when)
    used = _used(due, started, now)
    level = "due_soon" if rest_time < SOON or used >= SOON_SHARE else "normal"
    return Left(
        level, _("还剩 %(span)s") % {"span": span(rest_time, working=working)}, round(used * 100), when
    )


def _ended(on_time: bool | None, when: str) -> Left:
    if on_time is None:
        return Left("done", _("已办结"), 100, when)
    if on_time:
        return Left("done", _("按时办结"), 100, when)
    return Left("late", _("超时办结"), 100, when)


def _used(due: datetime, started: datetime | None, now: datetime) -> float:
    """Return the share of the time used up, 0 where the start isn't known."""
    if started is None or started >= due:
        return 0.0
    return min(1.0, max(0.0, (now - started) / (due - started)))


def amount(value: float | int | None, digits: int = 0) -> str:
    """Return a grouped number: 12,034; 3.5 with `digits`; a dash for None."""
    if value is None:
        return "–"
    return f"{value:,.{digits}f}"


def percent(share: float | None, digits: int = 1) -> str:
    """Return a share of 1 in percent: 0.964 is 96.4 %; a dash for None."""
    return "–" if share is None else f"{share * 100:.{digits}f} %"
