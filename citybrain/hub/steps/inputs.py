"""Inputs of a step, checked against what it needs before anything is touched; each lifecycle adds its own kinds."""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, Protocol

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from citybrain.base.identity.agencies import agency_by_id
from citybrain.hub.steps.errors import BadInput

TEXT_MOST = 2000
LONGEST_WAIT = timedelta(days=366)
TRUE_WORDS, FALSE_WORDS = {"1", "true", "yes", "on", "是"}, {"0", "false", "no", "off", "否"}


class Asked(Protocol):
    """One input that a step needs. `most` is the longest text in characters."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> Enum: ...
    @property
    def label(self) -> Promise: ...
    @property
    def required(self) -> bool: ...
    @property
    def choices(self) -> tuple[tuple[str, Promise], ...]: ...
    @property
    def most(self) -> int: ...


def clean(
    needs: Iterable[Asked],
    raw: Mapping[str, Any],
    now: datetime,
    cleaners: Mapping[Any, Callable[[Any, Any, datetime], Any]],
    emptied: Collection[Enum] = (),
) -> dict[str, Any]:
    """Return the inputs of a step, typed by the cleaner of their kind; for kinds `emptied` an empty list is one.

    Raises BadInput naming the field; unknown names are refused.
    """
    asked = list(needs)
    unknown = sorted(set(raw) - {need.name for need in asked})
    if unknown:
        raise BadInput(_("不认识的内容：%(names)s") % {"names": ", ".join(unknown)}, unknown[0])
    cleaned: dict[str, Any] = {}
    for need in asked:
        value = raw.get(need.name)
        if value is None or value == "" or (value == [] and need.kind not in emptied):
            if need.required:
                raise _missing(need)
            continue
        cleaned[need.name] = cleaners[need.kind](need, value, now)
    return cleaned


def _missing(need: Asked) -> BadInput:
    return BadInput(_("请填写“%(label)s”。") % {"label": need.label}, need.name)


def text(value: Any, field: str, most: int = TEXT_MOST) -> str:
    """Return a text without control characters, at most `most` long. Raises BadInput."""
    if not isinstance(value, str):
        raise BadInput(_("“%(field)s”应为文字。") % {"field": field}, field)
    kept = "".join(letter for letter in value if letter.isprintable() or letter in "\n\t").strip()
    if len(kept) > most:
        raise BadInput(_("“%(field)s”过长，最多 %(most)d 字。") % {"field": field, "most": most}, field)
    return kept


def whole(value: Any, field: str) -> int:
    """Return a whole number. Raises BadInput."""
    try:
        number = int(str(value))
    except ValueError:
        raise BadInput(_("“%(field)s”应为数字。") % {"field": field}, field) from None
    if not 0 < number < 2**62:
        raise BadInput(_("“%(field)s”超出范围。") % {"field": field}, field)
    return number


def yes_no(value: Any, field: str) -> bool:
    """Return a truth value said in any usual way. Raises BadInput."""
    word = str(value).strip().lower()
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    raise BadInput(_("请选择“是”或“否”。"), field)


def as_text(need: Asked, value: Any, now: datetime) -> str:
    """Return what was written; nothing but spaces is nothing."""
    kept = text(value, need.name, need.most)
    if need.required and not kept:
        raise _missing(need)
    return kept


def as_choice(need: Asked, value: Any, now: datetime) -> str:
    """Return the key of a choice."""
    if value not in {key for key, _label in need.choices}:
        raise BadInput(_("“%(label)s”没有这个选项。") % {"label": need.label}, need.name)
    return str(value)


def as_whole(need: Asked, value: Any, now: datetime) -> int:
    """Return a whole number from 1."""
    return whole(value, need.name)


def as_number(need: Asked, value: Any, now: datetime) -> str:
    """Return the number that a case or a ticket is called by."""
    return text(str(value), need.name, 20)


def as_agency(need: Asked, value: Any, now: datetime) -> int:
    """Return the id of a body that works."""
    number = whole(value, need.name)
    agency = agency_by_id(number)
    if agency is None:
        raise BadInput(_("没有这个单位。"), need.name)
    if not agency.is_active:
        raise BadInput(_("“%(name)s”已停用。") % {"name": agency}, need.name)
    return number


def as_yes_no(need: Asked, value: Any, now: datetime) -> bool:
    """Return a truth value."""
    return yes_no(value, need.name)


def as_time(need: Asked, value: Any, now: datetime) -> datetime:
    """Return a moment within the year to come, in UTC."""
    moment = value if isinstance(value, datetime) else _parse_time(str(value))
    if moment is None:
        raise BadInput(_("“%(label)s”不是有效的时间。") % {"label": need.label}, need.name)
    if timezone.is_naive(moment):
        moment = timezone.make_aware(moment)
    if not now < moment < now + LONGEST_WAIT:
        raise BadInput(_("“%(label)s”须在现在之后一年以内。") % {"label": need.label}, need.name)
    return moment.astimezone(UTC)


def _parse_time(value: str) -> datetime | None:
    try:
        return parse_datetime(value)
    except ValueError:
        return None


def as_rating(need: Asked, value: Any, now: datetime) -> int:
    """Return how satisfied someone is, 1 to 5."""
    number = whole(value, need.name)
    if number not in range(1, 6):
        raise BadInput(_("评价为 1 到 5。"), need.name)
    return number
