"""The metadata of one entry as a value: read from forms, files and revisions, checked in one place."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from django.db.models import IntegerChoices
from django.utils.translation import gettext as _

from citybrain.base.catalogue import codes, grading
from citybrain.base.catalogue.masks import MASKS
from citybrain.base.catalogue.models import OpenType, ShareType, UpdateCycle
from citybrain.base.catalogue.shape import Field, Shape
from citybrain.base.identity.errors import Problem, Refused, refuse

CODE: Final = re.compile(r"[a-z][a-z0-9_]{1,58}")
LISTS: Final = frozenset({"share_fields", "open_fields", "formats", "share_modes", "related", "scenes"})
CHOICES: Final[dict[str, type[IntegerChoices]]] = {
    "share_type": ShareType,
    "open_type": OpenType,
    "update_cycle": UpdateCycle,
}
LONGEST: Final = {
    "name_zh": 120, "name_en": 200, "category": 60, "resource_code": 60, "share_condition": 500,
    "open_condition": 500, "department": 120, "summary": 4000,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Meta:
    """Core metadata. `share_fields` and `open_fields`: names of fields, empty for all (see `grading`).

    `formats` are codes of 资源格式 (1 to 7), `share_modes` of 共享方式 (1 table, 2 file, 3 API, 4 message).
    """

    code: str
    name_zh: str
    share_type: int = 2
    open_type: int = 3
    update_cycle: int = 8
    name_en: str = ""
    resource_code: str = ""
    category: str = ""
    summary: str = ""
    share_condition: str = ""
    open_condition: str = ""
    share_fields: tuple[str, ...] = ()
    open_fields: tuple[str, ...] = ()
    department: str = ""
    formats: tuple[str, ...] = ()
    share_modes: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    scenes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "Meta":
        """Return the metadata; unknown keys are left aside. Raises Refused naming the field."""
        values: dict[str, Any] = {}
        for field in fields(Meta):
            if field.name not in data:
                continue
            value = data[field.name]
            if field.name in LISTS:
                values[field.name] = tuple(str(one) for one in value or ())
            elif field.name in CHOICES:
                values[field.name] = _choice(field.name, value)
            else:
                values[field.name] = str(value or "").strip()
        if not values.get("code") or not values.get("name_zh"):
            raise refuse("code", _("请填写数据资源标识和名称。"))
        return Meta(**values)

    def entry(self, shape: Shape) -> grading.Entry:
        """Return what grading looks at."""
        return grading.Entry(
            shape=shape,
            share_type=self.share_type,
            open_type=self.open_type,
            share_condition=self.share_condition,
            open_condition=self.open_condition,
            share_fields=self.share_fields,
            open_fields=self.open_fields,
        )


def _choice(name: str, value: Any) -> int:
    known: type[IntegerChoices] = CHOICES[name]
    try:
        return int(known(int(value)))
    except (TypeError, ValueError) as bad:
        text = _("“%(value)s”不是可选值：%(known)s。")
        labels = _("、").join(f"{value} {label}" for value, label in known.choices)
        raise refuse(name, text % {"value": value, "known": labels}) from bad


def verify(meta: Meta, shape: Shape) -> None:
    """Raise Refused with everything that is wrong with an entry as it would be kept as a draft."""
    problems: list[Problem] = []
    if not CODE.fullmatch(meta.code):
        problems.append(Problem("code", _("标识由小写字母、数字和下划线组成，以字母开头，最多 59 个字符。")))
    for name, most in LONGEST.items():
        if len(getattr(meta, name)) > most:
            text = _("内容过长，最多 %(most)d 字。")
            problems.append(Problem(name, text % {"most": most}))
    for field in shape.fields:
        problems += [Problem(field.name, reason) for reason in _unknown_names(field)]
    if problems:
        raise Refused(*problems)


def _unknown_names(field: Field) -> list[str]:
    found = []
    if field.mask and field.mask not in MASKS:
        found.append(_("没有脱敏规则“%(key)s”。") % {"key": field.mask})
    if field.mask and not field.type.is_text:
        found.append(_("“%(field)s”不是文本，不能脱敏。") % {"field": field.zh})
    if field.code_table and not codes.known(field.code_table):
        found.append(_("没有代码表“%(key)s”。") % {"key": field.code_table})
    return found


def verify_for_publishing(meta: Meta, shape: Shape) -> None:
    """Raise Refused with what keeps an entry from being submitted: grades, share and open types."""
    verify(meta, shape)
    reasons = grading.refusals(meta.entry(shape))
    if reasons:
        raise Refused(*(Problem("share_type", reason) for reason in reasons))


def narrowed(old: Shape, new: Shape) -> list[str]:
    """Return what a new version takes away: fields left out, types that hold less, other keys. Empty: nothing."""
    found: list[str] = []
    for field in old.fields:
        if not new.has(field.name):
            found.append(_("信息项“%(field)s”已发布，不能删除。") % {"field": field.zh})
        elif not new.field(field.name).type.holds(field.type):
            text = _("信息项“%(field)s”的类型不能由 %(old)s 改为 %(new)s。")
            found.append(text % {"field": field.zh, "old": field.type, "new": new.field(field.name).type})
    if old.keys != new.keys:
        found.append(_("主键不能更改。"))
    return found
