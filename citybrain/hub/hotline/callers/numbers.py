"""Numbers of callers: one form, a keyed hash to know them by, and a seal where the number itself must be kept."""

import base64
import hashlib
import re
import unicodedata
from typing import Final

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.utils.crypto import salted_hmac

from citybrain.base.identity.phones import masked, normalise_phone

LANDLINE: Final = re.compile(r"\+?\d{3,15}")
WITHHELD: Final = frozenset({"anonymous", "unknown", "private", "restricted", "withheld", "unavailable"})


def normal_number(text: str) -> str | None:
    """Return a mobile or fixed number in one form: digits, with + for another country; None when it is none.

    022-2731 0000 and 02227310000 are one; a withheld number is none.
    """
    mobile = normalise_phone(text[:64])
    if mobile:
        return mobile
    bare = re.sub(r"[\s\-()./]", "", unicodedata.normalize("NFKC", text[:64]))
    for prefix in ("+86", "0086"):
        if bare.startswith(prefix):
            rest = bare.removeprefix(prefix)
            bare = rest if rest.startswith(("0", "1", "4")) else f"0{rest}"
    return bare if LANDLINE.fullmatch(bare) and bare.isascii() else None


def number_hash(number: str) -> str:
    """Return what a number is known by: without the site's secret nobody can try all numbers."""
    return salted_hmac("citybrain.hotline.number", number, algorithm="sha256").hexdigest()


def shown(number: str) -> str:
    """Return a number with its middle hidden; short ones (110, 10086) are no person's and stay."""
    return masked(number) if len(number) >= 8 else number


def _box() -> Fernet:
    key = hashlib.blake2b(settings.SECRET_KEY.encode(), digest_size=32, person=b"hotline-number").digest()
    return Fernet(base64.urlsafe_b64encode(key))


def sealed(text: str) -> bytes:
    """Return a text as it is kept; empty for none."""
    return _box().encrypt(text.encode()) if text else b""


def opened(kept: bytes | memoryview) -> str:
    """Return a text that was sealed; empty for none, and where the site's secret has changed since."""
    if not kept:
        return ""
    try:
        return _box().decrypt(bytes(kept)).decode()
    except InvalidToken:
        return ""
