"""The span of days that a supervisor's page counts, kept in the address."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from citybrain.hub.hotline.errors import BadInput

FIRST: Final = "30"
LONGEST: Final = 400  # days
SPANS: Final[Mapping[str, Promise]] = {
    "1": gettext_lazy("今天"),
    "7": gettext_lazy("近 7 天"),
    "30": gettext_lazy("近 30 天"),
    "90": gettext_lazy("近 90 天"),
}


@dataclass(frozen=True, slots=True)
class Span:
    """Whole days, both included. `key` is one of SPANS, empty for days of the reader's own."""

    first: date
    last: date
    key: str

    @property
    def since(self) -> datetime:
        return timezone.make_aware(datetime.combine(self.first, time.min))

    @property
    def until(self) -> datetime:
        return timezone.make_aware(datetime.combine(self.last + timedelta(days=1), time.min))

    @property
    def asked(self) -> dict[str, str]:
        """What an address says to mean this span."""
        return {"since": self.first.isoformat(), "until": self.last.isoformat()}


def span_of(request: HttpRequest) -> Span:
    """Return the span asked for (?days= or ?since=&until=), the last 30 days when none is. Raises BadInput."""
    today = timezone.localdate()
    days = request.GET.get("days", "")
    first, last = request.GET.get("since", ""), request.GET.get("until", "")
    if days in SPANS or not (first or last):
        key = days if days in SPANS else FIRST
        return Span(today - timedelta(days=int(key) - 1), today, key)
    end = _day(last, "until") if last else today
    start = _day(first, "since") if first else end
    if not start <= end:
        raise BadInput(_("开始日期应不晚于结束日期。"), "since")
    if (end - start).days >= LONGEST:
        raise BadInput(_("最多看 %(n)d 天。") % {"n": LONGEST}, "since")
    return Span(start, end, "")


def _day(text: str, name: str) -> date:
    try:
        day = parse_date(text)
    except ValueError:
        day = None
    if day is None or not 2000 <= day.year < 2200:
        raise BadInput(_("日期应如 2026-11-21。"), name)
    return day
