"""The code on its way to a phone: the ticket stays in a signed cookie of the browser that asked for it.

In the sample city nothing is sent anywhere, so the message is shown on the screen instead.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from django.conf import settings
from django.core import signing
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from citybrain.base.identity import senders
from citybrain.faces.portal.doors import is_made_up_city

COOKIE: Final = "citybrain_code"
SALT: Final = "citybrain.portal.code"
SECONDS: Final = 600


@dataclass
class ShownSender:
    """Keeps the one message of a request, to be shown on the screen of the sample city."""

    text: str = ""
    phones: list[str] = field(default_factory=list)

    def send(self, phone: str, text: str) -> None:
        self.text = text
        self.phones.append(phone)


def sender() -> senders.Sender:
    """Return the city's sender; in the sample city one that shows the message."""
    return ShownSender() if is_made_up_city() else senders.sender()


def keep(response: HttpResponseBase, ticket: str, phone: str, after: str) -> None:
    """Keep the ticket with the masked number and the page to go to afterwards."""
    response.set_cookie(
        COOKIE,
        signing.dumps({"ticket": ticket, "phone": phone, "next": after}, salt=SALT),
        max_age=SECONDS,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )


def kept(request: HttpRequest) -> dict[str, str]:
    """Return ticket, phone and next page; empty when no code is on its way."""
    try:
        told: Any = signing.loads(request.COOKIES.get(COOKIE, ""), salt=SALT, max_age=SECONDS)
    except signing.BadSignature:
        return {}
    return told if isinstance(told, dict) else {}
