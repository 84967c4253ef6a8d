"""Token buckets: how often one device, one address or one case number may be tried.

Generous on purpose: behind one address there can be a whole housing estate. A bucket refills evenly, so nobody
is ever shut out for good, and nobody can shut out another for long.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection
from django.db.models import F
from django.utils.crypto import salted_hmac

from citybrain.faces.portal.models import Bucket

KEEP = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Limit:
    """`burst` at once, then `per_hour`."""

    name: str
    burst: int
    per_hour: float


# Source: our choice. A person reports a handful a day; a block of 500 flats behind one address, some dozens.
REPORTS_OF_DEVICE: Final = Limit("report-device", 12, 24)
REPORTS_OF_ADDRESS: Final = Limit("report-address", 200, 600)
PHOTOS_OF_DEVICE: Final = Limit("photo-device", 60, 120)
PHOTOS_OF_ADDRESS: Final = Limit("photo-address", 400, 1200)
LOOKUPS_OF_CASE_AND_ADDRESS: Final = Limit("code-case-address", 6, 12)
LOOKUPS_OF_ADDRESS: Final = Limit("code-address", 40, 80)
LOOKUPS_OF_CASE: Final = Limit("code-case", 60, 60)
SIGN_INS_OF_ADDRESS: Final = Limit("sign-in-address", 60, 120)
QUESTIONS_OF_ADDRESS: Final = Limit("question-address", 1200, 36_000)

_NOW_THERE = """LEAST(%(burst)s::float8, b.tokens
    + GREATEST(EXTRACT(EPOCH FROM %(now)s::timestamptz - b.at), 0) * %(per_second)s::float8)"""
TAKE = f"""
INSERT INTO portal_bucket AS b (key, tokens, at) VALUES (%(key)s, %(burst)s::float8 - 1, %(now)s::timestamptz)
ON CONFLICT (key) DO UPDATE SET tokens = {_NOW_THERE} - 1, at = GREATEST(b.at, %(now)s::timestamptz)
WHERE {_NOW_THERE} >= 1
RETURNING tokens
"""  # noqa: S608  constants only; what finds no token changes nothing, so that hammering prolongs nothing


def _key(limit: Limit, who: str) -> str:
    return salted_hmac("citybrain.portal.throttle", f"{limit.name}:{who}", algorithm="sha256").hexdigest()


def take(limit: Limit, who: str, now: datetime) -> int:
    """Take one token; return 0, or the minutes (at least 1) to wait where none was left."""
    values: dict[str, Any] = {
        "key": _key(limit, who),
        "burst": float(limit.burst),
        "per_second": limit.per_hour / 3600,
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(TAKE, values)
        taken = cursor.fetchone() is not None
    return 0 if taken else max(1, _wait(limit, who, now))


def _wait(limit: Limit, who: str, now: datetime) -> int:
    """Return the minutes until a token is there."""
    row = Bucket.objects.filter(key=_key(limit, who)).values_list("tokens", "at").first()
    if row is None:
        return 0
    per_second = limit.per_hour / 3600
    left = row[0] + max((now - row[1]).total_seconds(), 0.0) * per_second
    return max(0, math.ceil((1 - left) / per_second / 60))


def give_back(takes: list[tuple[Limit, str]]) -> None:
    """Put the tokens back, after something that needn't count."""
    for limit, who in takes:
        Bucket.objects.filter(key=_key(limit, who)).update(tokens=F("tokens") + 1)


def first_wait(takes: list[tuple[Limit, str]], now: datetime) -> int:
    """Take a token from each; return the longest wait in minutes, 0 when all had one."""
    return max(take(limit, who, now) for limit, who in takes)


def sweep(now: datetime) -> int:
    """Delete buckets that nobody has touched for two days (all are full by then); a loop of the worker."""
    return Bucket.objects.filter(at__lt=now - KEEP).delete()[0]
