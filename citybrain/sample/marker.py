"""Whether this is the made-up city: what screens, the doctor and the operator must be told."""

import time

from django.db import DatabaseError

from citybrain.sample.models import SampleCity

RECHECK_SECONDS = 30.0
LOOPBACK = ("127.", "localhost", "::1", "[::1]")


class _Kept:
    name = ""
    checked_at = float("-inf")


def sample_name() -> str:
    """Return the made-up city's name, an empty text in a real one; kept in memory for half a minute."""
    if time.monotonic() - _Kept.checked_at > RECHECK_SECONDS:
        try:
            _Kept.name = SampleCity.objects.values_list("name", flat=True).first() or ""
        except DatabaseError:
            return _Kept.name
        _Kept.checked_at = time.monotonic()
    return _Kept.name


def forget() -> None:
    """Drop the copy in memory."""
    _Kept.checked_at = float("-inf")


def warnings(address: str) -> list[str]:
    """Return what an operator must know of a sample city that listens on `address`, a sentence each."""
    name = sample_name()
    if not name:
        return []
    found = [f"this is the made-up city {name}: its accounts have a published password"]
    if not address.startswith(LOOPBACK):
        found.append(
            f"it can be reached from outside ({address}): anybody can sign in; use `citybrain init` for real work"
        )
    return found
