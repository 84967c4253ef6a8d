"""The front page, and the pages that explain."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from citybrain.faces.portal import device, figures, places, rows
from citybrain.faces.portal.doors import citizen_of, is_made_up_city, portal

SHOWN_ON_FRONT = 2


@portal
@require_safe
def front(request: HttpRequest) -> HttpResponse:
    """Two big things to do, and what this device last reported."""
    now = timezone.now()
    context = {
        "city": places.city_name(),
        "made_up": is_made_up_city(),
        "rows": rows.of_device(device.kept(request), now)[:SHOWN_ON_FRONT],
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
