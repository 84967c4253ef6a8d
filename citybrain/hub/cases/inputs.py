"""Inputs of a step of a case: checked against the needs of its transition before anything is touched."""

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from citybrain.hub.cases import items
from citybrain.hub.cases.errors import BadInput
from citybrain.hub.cases.lifecycle import Kind, Need, Transition
from citybrain.hub.cases.models import CasePhoto
from citybrain.hub.steps import inputs
from citybrain.hub.steps.inputs import Asked


def clean(transition: Transition, raw: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Return the inputs of a step, typed. Raises BadInput naming the field; unknown names are refused."""
    return inputs.clean(transition.needs, raw, now, CLEANERS)


def as_item(need: Asked, value: Any, now: datetime) -> str:
    """Return the code of an item."""
    if str(value) not in items.index().by_code:
        raise BadInput(_("没有编码为 %(code)s 的事项。") % {"code": str(value)[:20]}, need.name)
    return str(value)


def _photos(need: Need, value: Any, now: datetime) -> list[uuid.UUID]:
    """Return the tokens of uploaded photos; the kinds needed must all be among them."""
    values = [value] if isinstance(value, str) else list(value)
    try:
        tokens = [uuid.UUID(str(one)) for one in values]
    except ValueError:
        raise BadInput(_("照片编号无效，请重新上传。"), need.name) from None
    found = dict(CasePhoto.objects.filter(token__in=tokens, case=None).values_list("token", "kind"))
    if len(found) != len(set(tokens)):
        raise BadInput(_("照片已失效，请重新上传。"), need.name)
    missing = [kind.label for kind in need.photos if kind.value not in found.values()]
    if missing and need.required:
        raise BadInput(_("还缺照片：%(kinds)s") % {"kinds": "、".join(map(str, missing))}, need.name)
    return tokens


CLEANERS: dict[Kind, Callable[[Need, Any, datetime], Any]] = {
    Kind.TEXT: inputs.as_text,
    Kind.CHOICE: inputs.as_choice,
    Kind.AGENCY: inputs.as_agency,
    Kind.ITEM: as_item,
    Kind.CASE: inputs.as_number,
    Kind.PERSON: inputs.as_whole,
    Kind.YES_NO: inputs.as_yes_no,
    Kind.TIME: inputs.as_time,
    Kind.MINUTES: inputs.as_whole,
    Kind.PHOTOS: _photos,
    Kind.RATING: inputs.as_rating,
}
