"""The inputs of a past step in words, for the history."""

from collections.abc import Callable
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from citybrain.base.identity.agencies import agency_by_id
from citybrain.hub.cases import items
from citybrain.hub.cases.lifecycle import ASK_KINDS, CANCEL_REASONS, REJECT_REASONS, RETURN_REASONS
from citybrain.hub.cases.states import Rating

_CAUSES = {key: label for group in (RETURN_REASONS, REJECT_REASONS, CANCEL_REASONS) for key, label in group}
_ASKS = dict(ASK_KINDS)


def _agency(value: Any) -> str:
    agency = agency_by_id(int(value))
    return str(agency) if agency else str(value)


def _item(value: Any) -> str:
    item = items.index().by_code.get(str(value))
    return f"{value} {item.name}" if item else str(value)


def _yes_no(value: Any) -> str:
    return _("是") if value else _("否")


def _time(value: Any) -> str:
    moment = parse_datetime(str(value))
    return timezone.localtime(moment).strftime("%Y-%m-%d %H:%M") if moment else str(value)


def _rating(value: Any) -> str:
    return str(Rating(int(value)).label)


def told(data: dict[str, Any]) -> list[tuple[str, str]]:
    """Return (label, value) for the inputs an event keeps, in the order of a form."""
    shown: tuple[tuple[str, str, Callable[[Any], str]], ...] = (
        ("item", _("事项"), _item),
        ("agency", _("处置单位"), _agency),
        ("cause", _("原因"), lambda value: str(_CAUSES.get(value, value))),
        ("ask", _("申请"), lambda value: str(_ASKS.get(value, value))),
        ("until", _("期限"), _time),
        ("approve", _("同意"), _yes_no),
        ("found", _("属实"), _yes_no),
        ("solved", _("已解决"), _yes_no),
        ("main", _("主案件"), str),
        ("rating", _("评价"), _rating),
    )
    return [(label, say(data[name])) for name, label, say in shown if data.get(name) is not None]
