"""Values of a database as text, the way the database itself would write them."""

import json
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any


def written(value: Any) -> str | None:
    """Return a value as text: booleans as true and false, bytes as hex, times of day and spans as [-]HH:MM:SS."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, timedelta):
        return _span(value)
    if isinstance(value, date | time | Decimal):
        return str(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if isinstance(value, dict | list | tuple | set | frozenset):
        return _document(value)
    return str(value)


def _span(value: timedelta) -> str:
    seconds = abs(value) // timedelta(seconds=1)
    part = f".{abs(value).microseconds:06d}" if value.microseconds else ""
    sign = "-" if value < timedelta(0) else ""
    return f"{sign}{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{part}"


def _document(value: Any) -> str:
    """Return a list or an object as JSON; what JSON doesn't know inside it as text."""
    if isinstance(value, set | frozenset):
        value = sorted(value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=written)
