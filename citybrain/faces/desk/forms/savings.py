"""What data saved: hours by form and month, and the forms that could be abolished."""

from datetime import datetime, timedelta
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from citybrain.faces.desk.doors import actor_of, officers
from citybrain.faces.desk.forms.finding import OFFICE, needs_one
from citybrain.faces.desk.shell import page as shell_page
from citybrain.faces.look.charts import Chart, Series
from citybrain.hub.forms.making import saved
from citybrain.hub.forms.making.saved import Abolishable, Figure, Why

SPANS: Final = {
    "month": (gettext_lazy("近 30 天"), timedelta(days=30)),
    "quarter": (gettext_lazy("近 90 天"), timedelta(days=90)),
    "year": (gettext_lazy("近一年"), timedelta(days=365)),
    "all": (gettext_lazy("全部"), None),
}
WHY: Final = {
    Why.KNOWN: ("late", gettext_lazy("城市全都知道")),
    Why.COVERED: ("due_soon", gettext_lazy("另一张表全包含")),
    Why.UNUSED: ("paused", gettext_lazy("很久没有下发")),
}


@never_cache
@officers
@require_GET
def saved_view(request: HttpRequest) -> HttpResponse:
    """Hours saved, and forms that could be abolished."""
    actor, now = actor_of(request), timezone.now()
    needs_one(actor, OFFICE)
    chosen = request.GET.get("span", "")
    chosen = chosen if chosen in SPANS else "quarter"
    length = SPANS[chosen][1]
    found = saved.saved(actor, now - length if length else None)
    weeks = max(1.0, length.days / 7) if length else None
    context = {
        "tabs": [
            {"label": label, "url": f"?span={key}", "active": key == chosen, "count": None}
            for key, (label, _length) in SPANS.items()
        ],
        "total": found.total,
        "percent": round(found.total.share * 100),
        "each_week": _each_week(found.total, weeks),
        "seconds": saved.seconds_a_cell(),
        "forms": [(one, round(one.figure.share * 100)) for one in found.forms],
        "chart": _chart(found, now),
        "abolish": [_line(one) for one in saved.abolishable(actor, now)],
    }
    return shell_page(request, "desk/forms/saved.html", "forms_saved", context)


def _each_week(total: Figure, weeks: float | None) -> float | None:
    """Return the hours that an area saved a week; None where nothing is known."""
    return total.hours / total.areas / weeks if weeks and total.areas else None


def _chart(found: saved.Saved, now: datetime) -> Chart | None:
    if not found.months:
        return None
    return Chart(
        key="saved",
        title=_("每月为基层省下的时间"),
        unit=_("小时"),
        kind="bar",
        categories=[f"{month:%Y-%m}" for month, _figure in found.months],
        series=[Series(_("省下"), [round(figure.hours, 1) for _month, figure in found.months])],
        size="sm",
        digits=1,
        as_of=now,
    )


def _line(one: Abolishable) -> dict[str, Any]:
    return {
        "form": one.form,
        "href": reverse("desk:form", args=[one.form.pk]),
        "why": [WHY[why] for why in one.why],
        "percent": int(one.assessment.share * 100),
        "instead": one.instead,
        "instead_href": reverse("desk:form", args=[one.instead_id]) if one.instead_id else "",
        "last": one.last_issued,
    }
