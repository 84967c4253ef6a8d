"""Inputs of a step of a ticket: checked against the needs of its transition before anything is touched."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from citybrain.base.areas import index as area_index
from citybrain.base.areas.tree import tree
from citybrain.hub.cases.inputs import as_item
from citybrain.hub.hotline.errors import BadInput
from citybrain.hub.hotline.lifecycle import Input, Need, Transition
from citybrain.hub.steps import inputs

MOST_CO = 10


def clean(transition: Transition, raw: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Return the inputs of a step, typed. Raises BadInput naming the field; unknown names are refused."""
    return inputs.clean(transition.needs, raw, now, CLEANERS, emptied={Input.AGENCIES})


def _agencies(need: Need, value: Any, now: datetime) -> list[int]:
    values = value if isinstance(value, list | tuple) else str(value).split(",")
    numbers = list(dict.fromkeys(inputs.as_agency(need, one, now) for one in values if str(one).strip()))
    if len(numbers) > MOST_CO:
        raise BadInput(_("协办单位最多 %(most)d 个。") % {"most": MOST_CO}, need.name)
    return numbers


def _item(need: Need, value: Any, now: datetime) -> str:
    return "" if str(value) == "none" else as_item(need, value, now)


def _place(need: Need, value: Any, now: datetime) -> dict[str, Any]:
    """Return {"area": id} or {"lon": …, "lat": …, "lineage": […]} of an area's id or of "lon,lat"."""
    words = str(value)
    if "," not in words:
        node = tree().find(inputs.whole(words, need.name))
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
    Input.TEXT: inputs.as_text,
    Input.CHOICE: inputs.as_choice,
    Input.AGENCY: inputs.as_agency,
    Input.AGENCIES: _agencies,
    Input.ITEM: _item,
    Input.TICKET: inputs.as_number,
    Input.YES_NO: inputs.as_yes_no,
    Input.TIME: inputs.as_time,
    Input.RATING: inputs.as_rating,
    Input.PLACE: _place,
}
