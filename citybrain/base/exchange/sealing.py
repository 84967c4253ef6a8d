"""Passwords of sources, sealed with the site's secret."""

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings


def _box() -> Fernet:
    key = hashlib.blake2b(settings.SECRET_KEY.encode(), digest_size=32, person=b"exchange-secret").digest()
    return Fernet(base64.urlsafe_b64encode(key))


def sealed(secret: str) -> bytes:
    """Return a secret as it is kept; empty for none."""
    return _box().encrypt(secret.encode()) if secret else b""


def opened(kept: bytes | memoryview) -> str:
    """Return a secret that was sealed. Raises ValueError where the site's key has changed since."""
    if not kept:
        return ""
    try:
        return _box().decrypt(bytes(kept)).decode()
    except InvalidToken as bad:
        raise ValueError("the secret was sealed with another CITYBRAIN_SECRET_KEY; enter it anew") from bad
