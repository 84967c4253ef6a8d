"""Who knocks: a machine with a key, or a person with the session of the desk."""

from typing import Any

from django.http import HttpRequest
from ninja.security import APIKeyCookie, HttpBearer

from citybrain.base.identity.actor import Actor
from citybrain.faces.gateway import clients


class KeyBearer(HttpBearer):
    """`Authorization: Bearer cb_…`"""

    def authenticate(self, request: HttpRequest, token: str) -> Actor | None:
        actor = clients.actor_of(token)
        return actor if actor.person_id is not None else None


class DeskSession(APIKeyCookie):
    """The session cookie of a signed-in person; changes need the CSRF token as on every page."""

    param_name = "sessionid"

    def authenticate(self, request: HttpRequest, key: str | None) -> Any | None:
        actor: Actor = request.actor  # type: ignore[attr-defined]
        return actor if actor.person_id is not None else None


def actor_of(request: HttpRequest) -> Actor:
    """Return who knocked, after the door let them in."""
    return request.auth  # type: ignore[attr-defined,no-any-return]
