"""The one public figure: how many matters were settled in a week. Small numbers are not told."""

import threading
import time
from datetime import datetime, timedelta
from typing import Final

from citybrain.base.identity.actor import SYSTEM
from citybrain.hub.cases.models import Case
from citybrain.hub.cases.states import State

LEAST_TOLD: Final = 10  # below, a count could point at somebody
FRESH_SECONDS: Final = 600.0
SOLVED: Final = (State.CLOSED, State.SELF_HANDLED)


class _Kept:
    count: int | None = None
    at = 0.0


_lock = threading.Lock()


def forget() -> None:
    """Drop the kept count (between tests)."""
    with _lock:
        _Kept.count, _Kept.at = None, 0.0


def solved_this_week(now: datetime) -> int | None:
    """Return how many cases were settled in the last seven days, at most ten minutes old; None for a few."""
    with _lock:
        if _Kept.count is None or time.monotonic() - _Kept.at > FRESH_SECONDS:
            settled = Case.objects.visible_to(SYSTEM).filter(
                closed_at__gt=now - timedelta(days=7), state__in=SOLVED
            )
            _Kept.count, _Kept.at = settled.count(), time.monotonic()
        return _Kept.count if _Kept.count >= LEAST_TOLD else None
