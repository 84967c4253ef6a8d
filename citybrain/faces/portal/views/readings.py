"""谁看过我的数据: which agency read what of mine, for what, how often; from the receipts of the data exchange."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.http import require_GET

from citybrain.base.exchange.delivery.readings import Reading, of_person
from citybrain.base.identity.access import Forbidden
from citybrain.faces.portal.doors import actor_of, citizen_of, portal
from citybrain.faces.portal.views.naming import may_name
from citybrain.faces.portal.words import moment, stamp

YEAR = timedelta(days=366)
MOST_SHOWN = 100
MOMENTS_SHOWN = 20


@dataclass
class Use:
    """All readings by one agency for one purpose of the same things of one data set."""

    agency: str
    purpose: str
    dataset: str
    fields: str
    last: str
    times: int = 0
    moments: list[tuple[str, str, int]] = field(default_factory=list)  # said, exactly, how often

    @property
    def more(self) -> int:
        """How many of the moments aren't told one by one."""
        return max(0, len(self.moments) - MOMENTS_SHOWN)

    @property
    def told(self) -> list[tuple[str, str, int]]:
        return self.moments[:MOMENTS_SHOWN]


def uses_of(readings: Iterable[Reading], now: datetime) -> list[Use]:
    """Return readings, the latest first, gathered by who read what for which purpose."""
    between = ", " if (get_language() or "").startswith("en") else "、"
    found: dict[tuple[object, ...], Use] = {}
    for one in readings:
        key = (one.agency_id, one.purpose, one.dataset, one.fields)
        use = found.get(key)
        if use is None:
            names = between.join(one.field_names)
            use = found[key] = Use(one.agency, one.purpose, one.dataset_name, names, moment(one.last_at, now))
        use.times += one.times
        use.moments.append((moment(one.last_at, now), stamp(one.last_at), one.times))
    return list(found.values())


@portal
@require_GET
def mine(request: HttpRequest) -> HttpResponse:
    """Show a citizen with a proven name who read their data in the last year. That they looked is recorded."""
    if citizen_of(request) is None:
        return redirect(f"{reverse('portal:sign_in')}?next={reverse('portal:readings')}")
    now = timezone.now()
    try:
        readings = of_person(actor_of(request), now - YEAR, now + timedelta(minutes=1))
    except Forbidden as refused:
        context: dict[str, Any] = {
            "why": refused.reason_zh,
            "ask": refused.whom_to_ask,
            "may_name": may_name(),
        }
        return render(request, "portal/readings.html", context, status=403)
    uses = uses_of(readings, now)
    context = {
        "uses": uses[:MOST_SHOWN],
        "left_out": max(0, len(uses) - MOST_SHOWN),
        "times": sum(use.times for use in uses),
        "agencies": len({use.agency for use in uses}),
    }
    return render(request, "portal/readings.html", context)
