"""Values as they come in questions: made into the type of the field they are compared with, or refused."""

from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from citybrain.base.catalogue.types import Type

LONGEST: Final = 4_000  # letters of a text that is compared


class BadValue(ValueError):
    """The value isn't of the field's type."""


def _whole(value: Any) -> int:
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise ValueError(value)
    number = int(value)
    if not -(2**63) <= number < 2**63:
        raise ValueError(value)
    return number


def _moment(value: Any) -> datetime:
    found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _day(value: Any) -> date:
    return (
        value
        if isinstance(value, date) and not isinstance(value, datetime)
        else date.fromisoformat(str(value))
    )


def _truth(value: Any) -> bool:
    known = {"true": True, "1": True, "false": False, "0": False}
    return known[str(value).lower()]


def _decimal(value: Any) -> Decimal:
    found = Decimal(str(value))
    if not found.is_finite():
        raise ValueError(value)
    return found


def _number(value: Any) -> float:
    if isinstance(value, bool):
        raise ValueError(value)
    return float(value)


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else str(value)
    if isinstance(value, list | dict | bool) or len(text) > LONGEST or "\0" in text:
        raise ValueError(value)
    text.encode()  # a lone surrogate is no text
    return text


_MAKERS: Final = {
    "integer": _whole,
    "double": _number,
    "decimal": _decimal,
    "boolean": _truth,
    "date": _day,
    "timestamp": _moment,
}


def made(value: Any, kind: Type) -> Any:
    """Return a JSON value as the type's own. Raises BadValue."""
    try:
        return _MAKERS.get(kind.kind, _text)(value)
    except (ValueError, TypeError, KeyError, OverflowError, InvalidOperation, UnicodeError) as bad:
        raise BadValue(str(kind)) from bad
