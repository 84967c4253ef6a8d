"""Signatures of calls between systems: HMAC over method, path, time, a name used once, and the body's digest.

    X-Citybrain-Key: tianjin
    X-Citybrain-Time: 1795190400            seconds since 1970, UTC
    X-Citybrain-Nonce: 6Zl0bW…              16 to 64 letters, used once
    X-Citybrain-Signature: sha256=5f2e…     or sm3=…

The signed text is the six lines: "citybrain-1", method, path with its query, time, nonce, hex digest of the body.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

VERSION: Final = "citybrain-1"
WINDOW: Final = timedelta(minutes=5)  # how far the clocks of two cities may be apart
DIGESTS: Final = ("sha256", "sm3")
NONCE: Final = re.compile(r"[A-Za-z0-9_-]{16,64}")
KEY: Final = re.compile(r"[A-Za-z0-9_-]{1,40}")
HEADER: Final = "X-Citybrain-"


class BadSignature(Exception):
    """A call that isn't taken; `why` is for our log: the caller learns only that the signature isn't good."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Signed:
    """What the headers of a call say; nothing of it is proved yet."""

    key: str
    at: datetime
    nonce: str
    digest: str
    signature: str


def new_secret() -> str:
    """Return a secret of 256 random bits, as text."""
    return secrets.token_urlsafe(32)


def _text(method: str, path: str, stamp: str, nonce: str, body: bytes, digest: str) -> bytes:
    told = hashlib.new(digest, body).hexdigest()
    return "\n".join((VERSION, method.upper(), path, stamp, nonce, told)).encode()


def _sign(secret: str, text: bytes, digest: str) -> str:
    return hmac.new(secret.encode(), text, digest).hexdigest()


def headers(
    key: str, secret: str, method: str, path: str, body: bytes, now: datetime, digest: str = "sha256"
) -> dict[str, str]:
    """Return the headers that sign one call; a nonce of its own each time."""
    stamp, nonce = str(int(now.timestamp())), secrets.token_urlsafe(18)
    signature = _sign(secret, _text(method, path, stamp, nonce, body, digest), digest)
    return {
        f"{HEADER}Key": key,
        f"{HEADER}Time": stamp,
        f"{HEADER}Nonce": nonce,
        f"{HEADER}Signature": f"{digest}={signature}",
    }


def read(given: Mapping[str, str]) -> Signed:
    """Return what the headers say. Raises BadSignature where one is missing or can't be."""
    key, stamp = given.get(f"{HEADER}Key", ""), given.get(f"{HEADER}Time", "")
    nonce, signature = given.get(f"{HEADER}Nonce", ""), given.get(f"{HEADER}Signature", "")
    digest, _, value = signature.partition("=")
    if not KEY.fullmatch(key):
        raise BadSignature("no key")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 11):
        raise BadSignature("no time")
    if not NONCE.fullmatch(nonce):
        raise BadSignature("no nonce")
    if digest not in DIGESTS or not value.isascii():
        raise BadSignature("no signature that we know")
    return Signed(key, datetime.fromtimestamp(int(stamp), UTC), nonce, digest, value)


def check(
    told: Signed, secrets_: tuple[str, ...], method: str, path: str, body: bytes, now: datetime
) -> None:
    """Return where one of the secrets made the signature within the window. Raises BadSignature."""
    if abs(now - told.at) > WINDOW:
        raise BadSignature(f"signed at {told.at:%Y-%m-%d %H:%M:%S}, more than {WINDOW} from now")
    stamp = str(int(told.at.timestamp()))
    text = _text(method, path, stamp, told.nonce, body, told.digest)
    good = [hmac.compare_digest(_sign(one, text, told.digest), told.signature) for one in secrets_ if one]
    if not any(good):
        raise BadSignature("another secret, or something was changed on the way")
