"""Puts `request.actor` on every request, and keeps whoever must change their password at that."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from citybrain.base.identity.actor import ANONYMOUS, Actor, actor_for
from citybrain.base.identity.models import Person

PASSWORD_CHANGE_URL: str = getattr(settings, "PASSWORD_CHANGE_URL", "/account/password/first/")

View = Callable[..., HttpResponse]


def before_password_change(view: View) -> View:
    """Mark a view as open to people who still have to change their one-time password."""
    view.before_password_change = True  # type: ignore[attr-defined]
    return view


def resolve_actor(request: HttpRequest) -> Actor:
    """Return the actor behind a request; whoever must change their password first wears no hat."""
    person = request.user
    if not isinstance(person, Person):
        return ANONYMOUS
    if person.must_change_password:
        return Actor(person.pk, person.name, "officer", person.agency_id)
    return actor_for(person)


class ActorMiddleware:
    """`request.actor` costs nothing until it is read: then the person, and one query for the hats."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.actor = SimpleLazyObject(lambda: resolve_actor(request))  # type: ignore[attr-defined]
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        """Send whoever must change their password there, whatever they asked for."""
        if SESSION_KEY not in request.session or getattr(view, "before_password_change", False):
            return None
        if not getattr(request.user, "must_change_password", False):
            return None
        if "application/json" in request.headers.get("Accept", ""):
            return JsonResponse({"detail": _("请先修改初始密码。"), "at": PASSWORD_CHANGE_URL}, status=403)
        return HttpResponseRedirect(PASSWORD_CHANGE_URL)
