"""What every page of the portal shares: who asks, from where, and how a refusal is told in plain words."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec, cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from citybrain.base.areas.tree import tree
from citybrain.base.identity.access import Forbidden
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.models import Person, PersonKind
from citybrain.base.identity.sessions import client_ip
from citybrain.base.identity.throttle import network_of
from citybrain.faces.portal import device, throttle
from citybrain.faces.portal.uploads import LimitedUpload
from citybrain.hub.cases.errors import CaseError
from citybrain.hub.hotline.errors import TicketError

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]
MADE_UP_CITY: Final = "1298"  # a city number that no city has; the sample city's codes begin with it


def actor_of(request: HttpRequest) -> Actor:
    """Return who acts in this request."""
    return cast(Actor, request.actor)  # type: ignore[attr-defined]


def citizen_of(request: HttpRequest) -> Person | None:
    """Return the citizen signed in, None for anybody else (an officer included)."""
    person = request.user
    return person if isinstance(person, Person) and person.kind == PersonKind.CITIZEN else None


def address_of(request: HttpRequest) -> str:
    """Return the network that limits count as one caller."""
    return network_of(client_ip(request))


def wait_of(request: HttpRequest, of_address: throttle.Limit, of_device: throttle.Limit) -> int:
    """Count one act of a network and of the browser; return the minutes to wait, 0 when it may be done."""
    takes = [(of_address, address_of(request))]
    known = device.device_id(request)
    if known:
        takes.append((of_device, known))
    return throttle.first_wait(takes, timezone.now())


def is_made_up_city() -> bool:
    """Return whether this is the sample city, where nothing is real and codes may be shown on the screen."""
    roots = tree().roots()
    return bool(roots) and roots[0].code.startswith(MADE_UP_CITY)


def wants_json(request: HttpRequest) -> bool:
    return "application/json" in request.headers.get("Accept", "")


def phone() -> str:
    """Return the number of a human."""
    return getattr(settings, "SERVICE_PHONE", "") or "12345"


def wait_words(minutes: int) -> str:
    """Return how long to wait, for somebody who did nothing wrong."""
    if minutes < 60:
        return _("您操作得太快了，请过 %(n)d 分钟再试。着急的事请拨打 %(phone)s。") % {
            "n": minutes,
            "phone": phone(),
        }
    return _("今天收到的太多了，请过 %(n)d 小时再试。着急的事请拨打 %(phone)s。") % {
        "n": -(-minutes // 60),
        "phone": phone(),
    }


def told(request: HttpRequest, title: str, text: str, status: int) -> HttpResponse:
    """Return a page (or JSON) that says what happened and what to do."""
    if wants_json(request):
        return JsonResponse({"detail": text}, status=status)
    return render(request, "portal/told.html", {"title": title, "text": text}, status=status)


def portal(view: View[P]) -> View[P]:
    """Wrap a page of the portal: never kept by caches, refusals in words, a name for the browser."""

    @wraps(view)
    def inner(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        response: HttpResponseBase
        try:
            response = view(request, *args, **kwargs)
        except (CaseError, TicketError) as error:
            response = told(request, _("没有成功"), error.message, error.status)
        except Forbidden as refused:
            response = told(request, _("没有成功"), f"{refused.reason_zh}{refused.whom_to_ask}", 403)
        if not response.has_header("Cache-Control"):
            patch_cache_control(response, private=True, no_store=True)
        if request.method == "POST":
            device.name_device(request, response)
        return response

    return cast("View[P]", inner)


def with_files(view: View[P]) -> View[P]:
    """Guard a view that takes photos: what is too large is dropped while it arrives, before the form is read."""
    checked: Any = csrf_protect(view)

    @csrf_exempt
    @wraps(view)
    def inner(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if request.method == "POST":
            request.upload_handlers.insert(0, LimitedUpload(request))
        return cast(HttpResponseBase, checked(request, *args, **kwargs))

    return cast("View[P]", inner)
