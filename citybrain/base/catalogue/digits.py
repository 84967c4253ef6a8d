"""Check digits of Chinese numbers, in Python: the meaning that compiled checks are held against.

Source: GB 11643-1999 (ISO 7064 MOD 11-2), GB 32100-2015 (weights 3^i mod 31), GB 11714-1997.
"""

import re
from collections.abc import Callable
from datetime import date
from typing import Final

_ALL: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_CREDIT: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # no I O S V Z
_ID_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ORG_WEIGHTS: Final = (3, 7, 9, 10, 5, 8, 4, 2)


def id_digit(first17: str) -> str:
    """Return the 18th digit of a 公民身份号码."""
    return "10X98765432"[sum(int(c) * k for c, k in zip(first17, _ID_WEIGHTS, strict=True)) % 11]


def credit_digit(first17: str) -> str:
    """Return the 18th character of a 统一社会信用代码."""
    total = sum(_CREDIT.index(c) * pow(3, i, 31) for i, c in enumerate(first17))
    return _CREDIT[(31 - total % 31) % 31]


def org_digit(first8: str) -> str:
    """Return the 9th character of a 组织机构代码."""
    rest = 11 - sum(_ALL.index(c) * k for c, k in zip(first8, _ORG_WEIGHTS, strict=True)) % 11
    return {10: "X", 11: "0"}.get(rest, str(rest))


def _is_id(text: str) -> bool:
    if not re.fullmatch(r"[0-9]{17}[0-9X]", text):
        return False
    try:
        date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return False
    return id_digit(text[:17]) == text[17]


def _is_credit(text: str) -> bool:
    return bool(re.fullmatch(f"[{_CREDIT}]{{18}}", text)) and credit_digit(text[:17]) == text[17]


def _is_org(text: str) -> bool:
    return bool(re.fullmatch("[0-9A-Z]{8}-?[0-9X]", text)) and org_digit(text[:8]) == text[-1]


CHECKS: Final[dict[str, Callable[[str], bool]]] = {
    "gb11643": _is_id,
    "gb32100": _is_credit,
    "gb11714": _is_org,
}


def valid(check: str, text: str) -> bool:
    """Return whether a text has its check digit (and, for gb11643, a birth date that exists). Raises KeyError."""
    return CHECKS[check](text)
