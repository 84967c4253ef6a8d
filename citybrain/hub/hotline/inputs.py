"""Inputs of a step: checked against the needs of its transition before anything is touched."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from citybrain.base.areas import index as area_index
from citybrain.base.areas.tree import tree
from citybrain.base.identity.agencies import agency_by_id
from citybrain.hub.cases import items
from citybrain.hub.hotline.errors import BadInput
from citybrain.hub.hotline.lifecycle import Input, Need, Transition

LONGEST_WAIT = timedelta(days=366)
MOST_CO = 10
TRUE_WORDS, FALSE_WORDS = {"1", "true", "yes", "on", "是"}, {"0", "false", "no", "off", "否"}


def clean(transition: Transition, raw: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Return the inputs of a step, typed. Raises BadInput naming the field; unknown names are refused."""
    known = {need.name for need in transition.needs}
    unknown = sorted(set(raw) - known)
    if unknown:
        raise BadInput(_("不认识的内容：%(names)s") % {"names": ", ".join(unknown)}, unknown[0])
    cleaned: dict[str, Any] = {}
    for need in transition.needs:
        value = raw.get(need.name)
        if value is None or value == "" or (value == [] and need.kind is not Input.AGENCIES):
            if need.required:
                raise BadInput(_("请填写“%(label)s”。") % {"label": need.label}, need.name)
            continue
        cleaned[need.name] = CLEANERS[need.kind](need, value, now)
    return cleaned


def text(value: Any, field: str, most: int) -> str:
    """Return a text without control characters, at most `most` long. Raises BadInput."""
    if not isinstance(value, str):
        raise BadInput(_("“%(field)s”应为文字。") % {"field": field}, field)
    kept = "".join(letter for letter in value if letter.isprintable() or letter in "\n\t").strip()
    if len(kept) > most:
        raise BadInput(_("“%(field)s”过长，最多 %(most)d 字。") % {"field": field, "most": most}, field)
    return kept


def _text(need: Need, value: Any, now: datetime) -> str:
    kept = text(value, need.name, need.most)
    if need.required and not kept:
        raise BadInput(_("请填写“%(label)s”。") % {"label": need.label}, need.name)
    return kept


def _choice(need: Need, value: Any, now: datetime) -> str:
    if value not in {key for key, _label in need.choices}:
        raise BadInput(_("“%(label)s”没有这个选项。") % {"label": need.label}, need.name)
    return str(value)


def whole(value: Any, field: str) -> int:
    """Return a whole number. Raises BadInput."""
    try:
        number = int(str(value))
    except ValueError:
        raise BadInput(_("“%(field)s”应为数字。") % {"field": field}, field) from None
    if not 0 < number < 2**62:
        raise BadInput(_("“%(field)s”超出范围。") % {"field": field}, field)
    return number


def _agency(need: Need, value: Any, now: datetime) -> int:
    number = whole(value, need.name)
    agency = agency_by_id(number)
    if agency is None:
        raise BadInput(_("没有这个单位。"), need.name)
    if not agency.is_active:
        raise BadInput(_("“%(name)s”已停用。") % {"name": agency}, need.name)
    return number


def _agencies(need: Need, value: Any, now: datetime) -> list[int]:
    values = value if isinstance(value, list | tuple) else str(value).split(",")
    numbers = list(dict.fromkeys(_agency(need, one, now) for one in values if str(one).strip()))
    if len(numbers) > MOST_CO:
        raise BadInput(_("协办单位最多 %(most)d 个。") % {"most": MOST_CO}, need.name)
    return numbers


def _item(need: Need, value: Any, now: datetime) -> str:
    if str(value) == "none":
        return ""
    if str(value) not in items.index().by_code:
        raise BadInput(_("没有编码为 %(code)s 的事项。") % {"code": str(value)[:20]}, need.name)
    return str(value)


def _number(need: Need, value: Any, now: datetime) -> str:
    return text(str(value), need.name, 20)


def yes_no(value: Any, field: str) -> bool:
    """Return a truth value said in any usual way. Raises BadInput."""
    word = str(value).strip().lower()
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    raise BadInput(_("请选择“是”或“否”。"), field)


def _yes_no(need: Need, value: Any, now: datetime) -> bool:
    return yes_no(value, need.name)


def _time(need: Need, value: Any, now: datetime) -> datetime:
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


def _rating(need: Need, value: Any, now: datetime) -> int:
    number = whole(value, need.name)
    if number not in range(1, 6):
        raise BadInput(_("评价为 1 到 5。"), need.name)
    return number


def _place(need: Need, value: Any, now: datetime) -> dict[str, Any]:
    """Return {"area": id} or {"lon": …, "lat": …, "lineage": […]} of an area's id or of "lon,lat"."""
    words = str(value)
    if "," not in words:
        node = tree().find(whole(words, need.name))
        if node is None:
            raise BadInput(_("没有这个区域。"), need.name)
        return {"lineage": list(node.lineage)}
    try:
        lon, lat = (float(one) for one in words.split(","))
    except ValueError:
        raise BadInput(_("“%(label)s”不是有效的位置。") % {"label": need.label}, need.name) from None
    lineage = area_index.locate_one(lon, lat) if abs(lon) <= 180 and abs(lat) <= 90 else None
    if lineage is None:
        raise BadInput(_("该位置不在本市范围内，请重新选择地点。"), need.name)
    return {"lineage": list(lineage), "lon": lon, "lat": lat}


CLEANERS: dict[Input, Callable[[Need, Any, datetime], Any]] = {
    Input.TEXT: _text,
    Input.CHOICE: _choice,
    Input.AGENCY: _agency,
    Input.AGENCIES: _agencies,
    Input.ITEM: _item,
    Input.TICKET: _number,
    Input.YES_NO: _yes_no,
    Input.TIME: _time,
    Input.RATING: _rating,
    Input.PLACE: _place,
}
