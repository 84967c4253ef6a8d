"""Who gets in: the desk is for officers who signed in. What was refused is said on a page of its own."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from citybrain.base.identity.access import Forbidden
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.models import Person
from citybrain.hub.cases.errors import CaseError

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def actor_of(request: HttpRequest) -> Actor:
    """Return who acts in this request."""
    return cast(Actor, request.actor)  # type: ignore[attr-defined]


def person_of(request: HttpRequest) -> Person:
    """Return the officer signed in. Only behind `officers`."""
    return cast(Person, request.user)


def is_partial(request: HttpRequest) -> bool:
    """Return whether htmx asks for a piece of a page (not for a whole one, as after the back button)."""
    return (
        request.headers.get("HX-Request") == "true"
        and request.headers.get("HX-History-Restore-Request") != "true"
        and request.headers.get("HX-Boosted") != "true"
    )


def wants_json(request: HttpRequest) -> bool:
    return "application/json" in request.headers.get("Accept", "")


def officers(view: View[P]) -> View[P]:
    """Let officers in; send others to sign in. Refusals become a page that says why and whom to ask."""

    @wraps(view)
    def inner(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return _sign_in(request)
        try:
            if actor_of(request).kind != "officer":
                raise Forbidden(_("工作台只对工作人员开放。"), _("市民请使用随手拍。"))
            return view(request, *args, **kwargs)
        except Forbidden as refused:
            return refusal(request, refused.reason_zh, refused.whom_to_ask, 403)
        except CaseError as error:
            return refusal(request, error.message, "", error.status)

    return inner


def _sign_in(request: HttpRequest) -> HttpResponse:
    if wants_json(request):
        return JsonResponse({"detail": _("登录已过期, 请重新登录。")}, status=401)
    answer = redirect_to_login(request.get_full_path())
    if request.headers.get("HX-Request") == "true":
        kept = HttpResponse(status=401)
        kept["HX-Redirect"] = answer["Location"]
        return kept
    return answer


def refusal(request: HttpRequest, reason: str, ask: str, status: int) -> HttpResponse:
    """Return why something can't be shown: as JSON, as a piece of a page, or as a page."""
    if wants_json(request):
        return JsonResponse({"detail": reason, "ask": ask}, status=status)
    template = "desk/parts/refused.html" if is_partial(request) else "desk/refused.html"
    context: dict[str, Any] = {"reason": reason, "ask": ask, "status": status}
    return render(request, template, context, status=status)
