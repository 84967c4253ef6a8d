"""A caller found by their number, or noted for the first time; one statement, safe when two come at once."""

from datetime import datetime
from typing import Any, Final

from django.db import connection

from citybrain.hub.hotline.callers.numbers import normal_number, number_hash, shown
from citybrain.hub.hotline.models.caller import Caller

_NOTE: Final = """
INSERT INTO hotline_caller AS c (number_hash, shown, first_at, last_at, messages, calls, care)
VALUES (%(hash)s, %(shown)s, %(at)s, %(at)s, %(messages)s, %(calls)s, '')
ON CONFLICT (number_hash) DO UPDATE SET messages = c.messages + %(messages)s, calls = c.calls + %(calls)s,
  first_at = LEAST(c.first_at, %(at)s), last_at = GREATEST(c.last_at, %(at)s)
RETURNING id
"""


def note_caller(phone: str, at: datetime, *, messages: int = 0, calls: int = 0) -> int | None:
    """Return the id of a number's caller, counted up by what is given; None for no number."""
    number = normal_number(phone) if phone else None
    if number is None:
        return None
    given: dict[str, Any] = {
        "hash": number_hash(number),
        "shown": shown(number),
        "at": at,
        "messages": messages,
        "calls": calls,
    }
    with connection.cursor() as cursor:
        cursor.execute(_NOTE, given)
        row = cursor.fetchone()
    return int(row[0]) if row else None


def find_caller(phone: str) -> Caller | None:
    """Return who called from a number before."""
    number = normal_number(phone) if phone else None
    return Caller.objects.filter(number_hash=number_hash(number)).first() if number else None
