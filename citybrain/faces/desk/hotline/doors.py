"""Who gets in to the hotline's pages, and how its refusals are told."""

from functools import wraps
from typing import ParamSpec

from django.http import HttpRequest, HttpResponseBase

from citybrain.faces.desk.doors import View, officers, refusal
from citybrain.hub.hotline.errors import TicketError

P = ParamSpec("P")


def hotline(view: View[P]) -> View[P]:
    """Let officers in; what the hotline refuses becomes a page or a piece of one that says why."""

    @officers
    @wraps(view)
    def inner(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except TicketError as error:
            return refusal(request, error.message, "", error.status)

    return inner
