"""Ways to send a short message to a phone. The city chooses one by settings.SMS_SENDER ("module.Class").

Ours: `LogSender` writes to the log (a laptop, a trial), `WebhookSender` posts JSON to settings.SMS_WEBHOOK,
where the city's own gateway takes over, `KeepingSender` keeps messages for tests.
"""

import json
import logging
import urllib.error
import urllib.request
from typing import ClassVar, Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from citybrain.base.identity.phones import masked

log = logging.getLogger(__name__)
TIMEOUT_SECONDS = 5


class CouldNotSend(RuntimeError):
    """The gateway refused or didn't answer; the log says why."""


class Sender(Protocol):
    def send(self, phone: str, text: str) -> None:
        """Hand the message over. Raises CouldNotSend."""
        ...


class LogSender:
    """Writes the message, number and all, to the log: for trials on one's own machine only."""

    def send(self, phone: str, text: str) -> None:
        log.warning("message to %s: %s", phone, text)


class KeepingSender:
    """Keeps messages as (phone, text), newest last."""

    sent: ClassVar[list[tuple[str, str]]] = []

    def send(self, phone: str, text: str) -> None:
        self.sent.append((phone, text))


class WebhookSender:
    """Posts {"phone", "text"} as JSON, with a bearer token when one is set; any 2xx means handed over."""

    def send(self, phone: str, text: str) -> None:
        url: str = getattr(settings, "SMS_WEBHOOK", "")
        if not url.startswith(("https://", "http://")):
            raise CouldNotSend("SMS_WEBHOOK is not an http(s) address")
        headers = {"Content-Type": "application/json; charset=utf-8"}
        token: str = getattr(settings, "SMS_WEBHOOK_TOKEN", "")
        if token:
            headers["Authorization"] = f"Bearer {token}"
        body = json.dumps({"phone": phone, "text": text}, ensure_ascii=False).encode()
        request = urllib.request.Request(url, body, headers, method="POST")  # noqa: S310  checked above
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS):  # noqa: S310  checked above
                pass
        except (urllib.error.URLError, TimeoutError, OSError) as failure:
            log.error("message to %s not sent: %s", masked(phone), failure)
            raise CouldNotSend(str(failure)) from failure


def sender() -> Sender:
    """Return the city's sender; the log where none is chosen."""
    chosen: Sender = import_string(getattr(settings, "SMS_SENDER", f"{__name__}.LogSender"))()
    return chosen
