"""Browsers that once signed in to an account: a signed cookie, so that guessers can't shut its owner out.

Source: OWASP, "Slow Down Online Guessing Attacks with Device Cookies". One browser may be known for several
accounts (a duty desk that is shared); the last `MOST` are kept.
"""

import hashlib
import secrets
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

COOKIE = "citybrain_device"
SALT = "citybrain.device"
MOST = 8
AGE_SECONDS = 365 * 24 * 3600


def _known(request: HttpRequest) -> dict[str, str]:
    """Return {person id: nonce} of the browser's cookie; empty when there is none or it was tampered with."""
    try:
        known: Any = signing.loads(request.COOKIES.get(COOKIE, ""), salt=SALT, max_age=AGE_SECONDS)
    except signing.BadSignature:
        return {}
    return known if isinstance(known, dict) else {}


def device_of(request: HttpRequest, person_id: int | None) -> str:
    """Return a key for this browser at this account, empty when it never signed in to it."""
    nonce = _known(request).get(str(person_id))
    return hashlib.sha256(f"{person_id}:{nonce}".encode()).hexdigest()[:32] if nonce else ""


def remember_device(request: HttpRequest, response: HttpResponse, person_id: int) -> None:
    """Let the browser be known for an account from now on."""
    known = _known(request)
    nonce = known.pop(str(person_id), None) or secrets.token_urlsafe(12)
    known = dict([*known.items(), (str(person_id), nonce)][-MOST:])
    response.set_cookie(
        COOKIE,
        signing.dumps(known, salt=SALT),
        max_age=AGE_SECONDS,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
