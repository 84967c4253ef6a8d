"""The front page, and the pages that explain."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from citybrain.faces.portal import device, figures, places
from citybrain.faces.portal.doors import citizen_of, is_made_up_city, portal
from citybrain.faces.portal.views.follow import cases_of_device, line_of

SHOWN_ON_FRONT = 2


@portal
@require_safe
def front(request: HttpRequest) -> HttpResponse:
    """Two big things to do, and what this device last reported."""
    now = timezone.now()
    rows = [line_of(case, now) for case in cases_of_device(device.kept(request))[:SHOWN_ON_FRONT]]
    context = {
        "city": places.city_name(),
        "made_up": is_made_up_city(),
        "rows": rows,
        "signed_in": citizen_of(request) is not None,
        "solved": figures.solved_this_week(now),
    }
    return render(request, "portal/front.html", context)


@portal
@require_safe
def accessibility(request: HttpRequest) -> HttpResponse:
    return render(request, "portal/accessibility.html", {"city": places.city_name()})


@portal
@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    context = {"city": places.city_name(), "days": device.KEPT_SECONDS // 86400}
    return render(request, "portal/privacy.html", context)
