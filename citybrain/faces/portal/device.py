"""What this device may follow without typing: the numbers and query codes of its own reports, in a signed cookie.

A report is remembered for 90 days (it can be forgotten at a touch); one that was looked up only until the
browser closes, unless the person asks otherwise. Nothing of it is kept on our side.
"""

import secrets
from collections.abc import Mapping
from typing import Final

from django.conf import settings
from django.core import signing
from django.http import HttpRequest
from django.http.response import HttpResponseBase

KEPT: Final = "citybrain_reports"
SEEN: Final = "citybrain_seen"
DEVICE: Final = "citybrain_browser"
KEPT_SECONDS: Final = 90 * 24 * 3600
DEVICE_SECONDS: Final = 400 * 24 * 3600
MOST: Final = 12
SALT: Final = "citybrain.portal.device"


def _read(request: HttpRequest, cookie: str) -> dict[str, str]:
    try:
        told = signing.loads(request.COOKIES.get(cookie, ""), salt=SALT + cookie, max_age=KEPT_SECONDS)
    except signing.BadSignature:
        return {}
    if not isinstance(told, list):
        return {}
    return {str(number): str(code) for number, code in told}


def codes(request: HttpRequest) -> dict[str, str]:
    """Return the query codes by case number that this device has shown, newest first."""
    return {**_read(request, SEEN), **kept(request)}


def kept(request: HttpRequest) -> dict[str, str]:
    """Return those that stay on this device, newest first."""
    return _read(request, KEPT)


def _write(response: HttpResponseBase, cookie: str, held: Mapping[str, str], seconds: int | None) -> None:
    if not held:
        response.delete_cookie(cookie)
        return
    response.set_cookie(
        cookie,
        signing.dumps(list(held.items())[:MOST], salt=SALT + cookie, compress=True),
        max_age=seconds,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )


def remember(
    request: HttpRequest, response: HttpResponseBase, number: str, code: str, *, keep: bool = True
) -> None:
    """Let this device follow a case: for 90 days (`keep`), or until the browser closes."""
    cookie = KEPT if keep else SEEN
    others = {known: one for known, one in _read(request, cookie).items() if known != number}
    _write(response, cookie, {number: code, **others}, KEPT_SECONDS if keep else None)


def forget(request: HttpRequest, response: HttpResponseBase, number: str) -> None:
    """Take a case off this device, wherever it was remembered."""
    for cookie, seconds in ((KEPT, KEPT_SECONDS), (SEEN, None)):
        held = _read(request, cookie)
        if held.pop(number, None) is not None:
            _write(response, cookie, held, seconds)


def device_id(request: HttpRequest) -> str:
    """Return a random name of this browser, or an empty text before it has one; only limits use it."""
    try:
        return signing.Signer(salt=SALT + DEVICE).unsign(request.COOKIES.get(DEVICE, ""))
    except signing.BadSignature:
        return ""


def name_device(request: HttpRequest, response: HttpResponseBase) -> None:
    """Give the browser a random name where it has none."""
    if device_id(request):
        return
    response.set_cookie(
        DEVICE,
        signing.Signer(salt=SALT + DEVICE).sign(secrets.token_urlsafe(12)),
        max_age=DEVICE_SECONDS,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
