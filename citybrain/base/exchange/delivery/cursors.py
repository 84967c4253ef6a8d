"""Where the next page begins, sealed: a cursor holds the last row's key, which the grant may not show."""

import base64
import hashlib
import hmac
import os
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE: Final = 12


class BadCursor(ValueError):
    """The cursor isn't ours, or belongs to another question or grant."""


def _cipher(secret: str) -> AESGCM:
    return AESGCM(hmac.new(secret.encode(), b"citybrain.exchange.cursors", hashlib.sha256).digest())


def _plain(value: Any) -> str:
    if isinstance(value, Decimal | date | datetime):
        return str(value)
    raise TypeError(type(value).__name__)


def sealed(secret: str, question: bytes, place: tuple[Any, str]) -> str:
    """Return a place as a cursor that is good for this question alone."""
    nonce = os.urandom(_NONCE)
    text = _cipher(secret).encrypt(nonce, orjson.dumps(place, default=_plain), question)
    return base64.urlsafe_b64encode(nonce + text).decode().rstrip("=")


def opened(secret: str, question: bytes, cursor: str) -> tuple[Any, str]:
    """Return the place of a cursor. Raises BadCursor."""
    try:
        data = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        value, key = orjson.loads(_cipher(secret).decrypt(data[:_NONCE], data[_NONCE:], question))
    except (ValueError, InvalidTag, TypeError) as bad:
        raise BadCursor("cursor") from bad
    return value, str(key)
