"""What ends by itself is deleted: sessions, forgotten failures of sign-in, old codes. A loop of the worker."""

from datetime import datetime

from citybrain.base.identity import phone_codes, sessions, throttle


def tick(now: datetime) -> int:
    """Delete what has ended by `now`, and return how many rows."""
    return sessions.sweep(now) + throttle.sweep(now) + phone_codes.sweep(now)
