"""Who gets in: officers who may look at the cockpit, each within the areas of their hats."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render

from citybrain.base.identity.access import Forbidden, require
from citybrain.base.identity.actor import Actor

LOOK = "cockpit.view"

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def actor_of(request: HttpRequest) -> Actor:
    """Return who acts in this request."""
    return cast(Actor, request.actor)  # type: ignore[attr-defined]


def leaders(view: View[P]) -> View[P]:
    """Let in who holds cockpit.view; send strangers to sign in, tell others why not and whom to ask."""

    @wraps(view)
    def inner(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        wants_json = "application/json" in request.headers.get("Accept", "")
        if not request.user.is_authenticated:
            if wants_json:
                return JsonResponse({"detail": "sign in first"}, status=401)
            return redirect_to_login(request.get_full_path())
        try:
            require(actor_of(request), LOOK)
            return view(request, *args, **kwargs)
        except Forbidden as refused:
            if wants_json:
                return JsonResponse({"detail": refused.reason_zh, "ask": refused.whom_to_ask}, status=403)
            return _refusal(request, refused)

    return inner


def _refusal(request: HttpRequest, refused: Forbidden) -> HttpResponse:
    reason = f"{refused.reason_zh} {refused.whom_to_ask}"
    return render(request, "cockpit/refused.html", {"reason": reason}, status=403)
