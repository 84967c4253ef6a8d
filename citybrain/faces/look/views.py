"""Keeping how a person wants the screens. Works before sign-in, by cookie."""

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST

from citybrain.base.identity.actions import set_preference
from citybrain.faces.look.preferences import CHOICES, STORED_AS, put_cookie


@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """Keep each choice that is known and valid (theme, elder, density, rail, language); ignore the rest.

    Answers 204 to a script, else sends back to where the form was.
    """
    chosen = {name: request.POST[name] for name in CHOICES if request.POST.get(name) in CHOICES[name]}
    scripted = request.headers.get("X-Requested-With") == "look"
    answer = HttpResponse(status=204) if scripted else HttpResponseRedirect(_back(request))
    for name, value in chosen.items():
        put_cookie(answer, name, value)
        if name in STORED_AS and request.user.is_authenticated:
            kept = value == "1" if name == "elder" else value
            set_preference(request.actor, STORED_AS[name], kept)  # type: ignore[attr-defined]
    return answer


def _back(request: HttpRequest) -> str:
    """Return the page to go back to, never another site's."""
    wanted = (
        request.POST.get("next")
        or urlsplit(request.headers.get("Referer", ""))._replace(scheme="", netloc="").geturl()
    )
    safe = url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()})
    return wanted if wanted and safe else "/"


@require_GET
def offline(request: HttpRequest) -> HttpResponse:
    """Return the page a phone shows when it has neither net nor a kept copy."""
    return render(request, "look/offline.html")


def may_see_gallery(request: HttpRequest) -> bool:
    """The gallery is for developers and for the city's system administrator."""
    return settings.DEBUG or bool(request.actor.may("system.operate"))  # type: ignore[attr-defined]
