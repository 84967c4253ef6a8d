"""What the words in a form's cells mean: 有条件共享, 每日, 字符型C with length 50, 是 …"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from django.db.models import IntegerChoices
from django.utils.translation import gettext as _
from django.utils.translation import override

from citybrain.base.catalogue.entry import LISTS, Meta
from citybrain.base.catalogue.models import DataSet, OpenType, ShareType, UpdateCycle
from citybrain.base.catalogue.shape import Field, Shape
from citybrain.base.catalogue.sheets import Line
from citybrain.base.catalogue.types import BadType, Type
from citybrain.base.identity.errors import refuse
from citybrain.base.identity.names import pinyin_key

CUT: Final = re.compile(r"[、,，;；|\s]+")
YES: Final = frozenset({"是", "y", "yes", "true", "1", "√", "✓", "主键", "pk", "必填"})
PERSONAL: Final = {
    "": "none", "否": "none", "无": "none", "none": "none", "n": "none", "0": "none",
    "是": "personal", "个人信息": "personal", "一般个人信息": "personal", "personal": "personal", "y": "personal",
    "敏感": "sensitive", "敏感个人信息": "sensitive", "sensitive": "sensitive",
}  # fmt: skip
CYCLES: Final = {
    "每天": 2, "每日一次": 2, "日": 2, "每星期": 3, "周": 3, "月": 4, "季度": 5, "每季": 5, "半年": 6, "年": 7,
    "每年一次": 7,
    "即时": 1, "不定时": 8, "按需": 8, "其他": 8, "一次性": 9,
}  # fmt: skip
OPENS: Final = {"是": 1, "无条件": 1, "有条件": 2, "依申请开放": 2, "否": 3, "不开放": 3}
SHARES: Final = {"无条件": 1, "有条件": 2, "不共享": 3, "不予": 3}
FORMATS: Final = {
    "电子文件": "1", "电子表格": "2", "数据库": "3", "图形图像": "4", "流媒体": "5", "自描述格式": "6", "服务接口": "7",
}  # fmt: skip
MODES: Final = {"库表": "1", "文件": "2", "接口": "3", "消息": "4"}


def meta_of(line: Line, shape: Shape, known: DataSet | None) -> Meta:
    """Return the metadata of a row; what its file has no column for stays as the known set has it."""
    last = known.revisions.order_by("-number").first() if known else None
    values: dict[str, Any] = dict(last.meta) if last else {}
    for name in (
        "resource_code",
        "name_zh",
        "name_en",
        "category",
        "summary",
        "share_condition",
        "open_condition",
        "department",
    ):
        if name in line.values:
            values[name] = line.get(name)
    values["code"] = known.code if known else (line.get("code") or code_from(line.get("name_zh")))
    _put(values, line, "share_type", ShareType, SHARES)
    _put(values, line, "open_type", OpenType, OPENS)
    _put(values, line, "update_cycle", UpdateCycle, CYCLES)
    values.update(_lists(line, shape))
    return Meta.from_json(values)


def _lists(line: Line, shape: Shape) -> dict[str, list[str]]:
    """Return the columns that hold several words."""
    found = {name: _listed(line.get(name)) for name in LISTS if name in line.values}
    for name in ("share_fields", "open_fields"):
        if name in found:
            found[name] = [_field_name(one, shape) for one in found[name]]
    for name, words in (("formats", FORMATS), ("share_modes", MODES)):
        if name in found:
            found[name] = [words.get(one, one) for one in found[name]]
    return found


def code_from(name: str) -> str:
    """Return an identifier made of a name's pinyin initials: 市容巡查记录 → ds_srxcjl."""
    initials = pinyin_key(name).rsplit(" ", 1)[-1]
    return f"ds_{re.sub('[^a-z0-9]', '', initials)}"[:59]


def _listed(text: str) -> list[str]:
    return [part for part in CUT.split(text) if part]


def _field_name(word: str, shape: Shape) -> str:
    return next((field.name for field in shape.fields if word in {field.name, field.zh}), word)


def _put(
    values: dict[str, Any], line: Line, name: str, choices: type[IntegerChoices], more: Mapping[str, int]
) -> None:
    """Put a choice by its number, its label or a common word for it. Raises Refused for any other."""
    word = line.get(name).strip()
    if not word:
        return
    with override("zh-hans"):
        labels = {str(label): value for value, label in choices.choices}
    if word[0].isdigit() and int(word[0]) in choices.values:
        values[name] = int(word[0])
        return
    bare = word.rstrip("类共享开放更新") if word not in labels else word
    found = labels.get(word, more.get(word, more.get(bare)))
    if found is None:
        text = _("“%(value)s”不是可选值：%(known)s。")
        raise refuse(name, text % {"value": word, "known": _("、").join(labels)})
    values[name] = found


def field_of(line: Line) -> Field:
    """Return the field of a row. Raises BadShape or Refused with the reason."""
    zh = line.get("zh")
    name = line.get("name").lower() or f"f_{re.sub('[^a-z0-9]', '', pinyin_key(zh).rsplit(' ', 1)[-1])}"[:40]
    data: dict[str, Any] = {
        "name": name,
        "zh": zh or name,
        "en": line.get("en"),
        "type": _type(line.get("type"), line.get("length")).text,
        "personal": _personal(line.get("personal")),
        "key": line.get("key").lower() in YES,
        "required": line.get("required").lower() in YES,
    }
    data["grade"] = _grade(line.get("grade"), data["personal"])
    for key in ("mask", "code_table", "check", "pattern", "note"):
        data[key] = line.get(key) or None
    made = Field.from_json(data)
    limited = replace(
        made, minimum=_limit(line.get("minimum"), made), maximum=_limit(line.get("maximum"), made)
    )
    limited.verify()
    return limited


def _type(word: str, length: str) -> Type:
    try:
        kind = Type.parse(word)
    except BadType as bad:
        raise refuse("type", _("“%(value)s”不是数据类型。") % {"value": word}) from bad
    size = re.fullmatch(r"(\d+)(?:[,，](\d+))?", length.strip())
    if "(" in word or "（" in word or size is None:
        return kind
    try:
        if kind.kind == "decimal" and not size[2]:
            return Type("integer") if int(size[1]) <= 18 else Type.parse(f"decimal({size[1]},0)")
        if kind.kind in {"char", "varchar", "decimal"}:
            return Type.parse(f"{kind.kind}({length.replace('，', ',')})")
    except BadType as bad:
        raise refuse("length", _("“%(value)s”不是数据长度。") % {"value": length}) from bad
    return kind


def _personal(word: str) -> str:
    found = PERSONAL.get(word.strip().lower())
    if found is None:
        raise refuse(
            "personal",
            _("“%(value)s”不是可选值：%(known)s。") % {"value": word, "known": "否、个人信息、敏感个人信息"},
        )
    return found


def _grade(word: str, personal: str) -> int:
    """Return the grade in a cell (3, 3级, L3, 一般数据3级); without one, the lowest that the field may have."""
    if not word:
        return {"none": 1, "personal": 2}.get(personal, 3)
    found = re.search(r"[1-4]", word)
    if found is None:
        raise refuse(
            "grade", _("“%(value)s”不是可选值：%(known)s。") % {"value": word, "known": "1、2、3、4"}
        )
    return int(found[0])


def _limit(word: str, field: Field) -> int | float | str | None:
    if not word:
        return None
    if field.type.is_number:
        try:
            return int(word) if re.fullmatch(r"-?\d+", word) else float(word)
        except ValueError as bad:
            raise refuse("minimum", _("“%(value)s”不是数。") % {"value": word}) from bad
    return word
