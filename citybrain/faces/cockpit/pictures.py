"""Time below the map: today by the hour, the days, and what the reports are about."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.faces.cockpit.chosen import Chosen
from citybrain.faces.cockpit.vitals import Pulse
from citybrain.faces.look.charts import Chart, Series
from citybrain.faces.look.words import is_english
from citybrain.hub.cases import items
from citybrain.hub.cases.figures import CodeFigure, DayFigure

CLASSES_MOST: Final = 6
HOURS: Final = 24


def hours_chart(chosen: Chosen, hours: Sequence[DayFigure], now: datetime, size: str = "fill") -> Chart:
    """Return today's reports per hour, each with its cases; hours that are still to come are empty."""
    day = timezone.localdate(now)
    urls = [chosen.desk("all", since=day, until=day, hour=hour) for hour in range(len(hours))]
    counts: list[float | None] = [one.reported for one in hours]
    return Chart(
        key="cockpit-hours",
        title=_("今天各小时上报"),
        unit=_("件"),
        kind="bar",
        categories=[f"{hour:02d}" for hour in range(HOURS)],
        series=[Series(_("上报量"), counts + [None] * (HOURS - len(counts)), urls)] if any(counts) else [],
        size=size,
        empty_text=_("今天还没有上报。"),
    )


def days_chart(chosen: Chosen, beat: Pulse, size: str = "fill") -> Chart:
    """Return reports and closings per day; a point opens the reports, or the closings, of its day."""
    days = [timezone.localtime(one.at).date() for one in beat.days]
    return Chart(
        key="cockpit-days",
        title=_("近 %(days)d 天每日上报与办结") % {"days": len(days)},
        unit=_("件"),
        kind="line",
        categories=[*(f"{day.month}/{day.day}" for day in days[:-1]), _("今天")],
        series=_two(chosen, beat.days) if any(one.reported or one.closed for one in beat.days) else [],
        size=size,
        empty_text=_("这段时间没有上报。"),
    )


def _two(chosen: Chosen, figures: Sequence[DayFigure]) -> list[Series]:
    days = [timezone.localtime(one.at).date() for one in figures]
    reported = [chosen.desk("all", since=day, until=day) for day in days]
    closed = [chosen.desk("all", closed_since=day, closed_until=day) for day in days]
    return [
        Series(_("上报量"), [one.reported for one in figures], reported),
        Series(_("办结量"), [one.closed for one in figures], closed),
    ]


def classes_chart(
    chosen: Chosen, beat: Pulse, classes: Sequence[CodeFigure], size: str = "fill", most: int = CLASSES_MOST
) -> Chart:
    """Return what the reports of the days are about, most first; a class opens its reports."""
    shown = list(classes[:most])
    names = class_names()
    since = timezone.localdate(beat.now) - timedelta(days=chosen.days - 1)
    return Chart(
        key="cockpit-classes",
        title=_("近 %(days)d 天上报最多的类别") % {"days": chosen.days},
        unit=_("件"),
        kind="bar_h",
        categories=[names.get(one.code, one.code) for one in shown],
        series=[
            Series(
                _("上报量"),
                [one.count for one in shown],
                [chosen.desk("all", item=one.code, since=since) for one in shown],
            )
        ]
        if shown
        else [],
        size=size,
        empty_text=_("这段时间没有上报。"),
    )


def class_names() -> dict[str, str]:
    """Return class code → name in the reader's language."""
    english = is_english()
    return {
        item.class_code: (item.class_en if english else "") or item.class_zh
        for item in items.index().by_code.values()
    }
