"""Times as one neighbour tells another: 今天上午 10:05, 昨天, 11月21日; English as a native would."""

from datetime import datetime, timedelta

from django.utils import formats, timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

DAY_DIGITS = 8


def _english() -> bool:
    return (get_language() or "").startswith("en")


def day(at: datetime, now: datetime) -> str:
    """Return the day: 今天, 昨天, 明天, 11月21日; with the year where it isn't this one."""
    local, today = timezone.localtime(at), timezone.localtime(now)
    apart = (local.date() - today.date()).days
    near = {0: _("今天"), -1: _("昨天"), 1: _("明天")}.get(apart)
    if near:
        return near
    if _english():
        return formats.date_format(local, "j M" if local.year == today.year else "j M Y")
    stamp = f"{local.month}月{local.day}日"
    return stamp if local.year == today.year else f"{local.year}年{stamp}"


def moment(at: datetime, now: datetime) -> str:
    """Return day and time: 今天 10:05, 11月21日 10:05."""
    return f"{day(at, now)} {timezone.localtime(at):%H:%M}"


def stamp(at: datetime) -> str:
    """Return the full time, for those who want it exactly: 2026-11-21 10:05."""
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M}"


def before(at: datetime, now: datetime) -> str:
    """Return until when something should be done: 今天 16:00 前, 11月23日周一 11:00 前; within minutes: 很快."""
    if at <= now + timedelta(minutes=5):
        return _("很快")
    local, today = timezone.localtime(at), timezone.localtime(now)
    if (local.date() - today.date()).days <= 1:
        return _("%(when)s 前") % {"when": moment(at, now)}
    if _english():
        when = f"{formats.date_format(local, 'D')} {day(at, now)}, {local:%H:%M}"
    else:
        when = f"{day(at, now)}周{'一二三四五六日'[local.weekday()]} {local:%H:%M}"
    return _("%(when)s 前") % {"when": when}


def number(value: str) -> str:
    """Return a case's number in two groups that can be read out: the day, then the rest."""
    return f"{value[:DAY_DIGITS]} {value[DAY_DIGITS:]}" if len(value) > DAY_DIGITS else value
