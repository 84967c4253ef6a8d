"""An entry of the catalogue as it is typed: core metadata, and a line for each field. What may be says catalogue."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from citybrain.base.catalogue import codes
from citybrain.base.catalogue.cells import field_of
from citybrain.base.catalogue.entry import Meta
from citybrain.base.catalogue.masks import MASKS
from citybrain.base.catalogue.models import OpenType, ShareType, UpdateCycle
from citybrain.base.catalogue.shape import FIELDS_MOST, BadShape, Field, Shape
from citybrain.base.catalogue.sheets import Line
from citybrain.base.identity.errors import Refused
from citybrain.base.identity.models import Agency
from citybrain.faces.desk.data.shown import GRADES, mask_name
from citybrain.faces.look import words

TEXTS: Final = (
    "zh", "name", "type", "grade", "personal", "mask", "code_table", "check", "en", "minimum", "maximum", "pattern",
    "note",
)  # fmt: skip
FLAGS: Final = ("key", "required", "share", "open")
LISTS: Final = re.compile(r"[、,，;；\s]+")
PERSONAL: Final = (("none", _("非个人信息")), ("personal", _("个人信息")), ("sensitive", _("敏感个人信息")))
CHECKS: Final = (("", _("无")), ("gb11643", "GB 11643"), ("gb32100", "GB 32100"), ("gb11714", "GB 11714"))
TYPES: Final = (
    "varchar(50)", "char(18)", "integer", "decimal(18,2)", "double", "boolean", "date", "timestamp", "json",
    "geometry(Point,4490)",
)  # fmt: skip
FORMATS: Final = (
    ("1", _("电子文件")), ("2", _("电子表格")), ("3", _("数据库")), ("4", _("图形图像")), ("5", _("流媒体")),
    ("6", _("自描述格式")), ("7", _("服务接口")),
)  # fmt: skip
MODES: Final = (("1", _("库表")), ("2", _("文件")), ("3", _("接口")), ("4", _("消息")))
TOLD: Final = (  # what shape says in English → what the page says
    ("a name is small", _("标识由小写字母、数字和下划线组成，以字母开头，最多 40 个字符。")),
    ("is there twice", _("标识重复。")),
    ("has no order", _("这种类型没有大小之分，不能设最小值和最大值。")),
    ("isn't a number", _("最小值和最大值应为数。")),
    ("lies above", _("最小值大于最大值。")),
    ("isn't known to every engine", _("格式用了不通用的写法，请不用前后断言和反向引用。")),
    ("pattern", _("格式不是有效的正则表达式。")),
)


@dataclass
class Row:
    """One line of the table of fields. `wrong`: what can't be, by column; under the empty name for the line."""

    number: int
    texts: dict[str, str]
    flags: set[str] = field(default_factory=set)
    wrong: dict[str, str] = field(default_factory=dict)

    @property
    def is_blank(self) -> bool:
        return not any(self.texts[name].strip() for name in ("zh", "name", "type"))

    @property
    def has_more(self) -> bool:
        """Whether something stands in the columns that are folded away, or is wrong there."""
        more = ("en", "check", "minimum", "maximum", "pattern", "note")
        return any(self.wrong.get(name) for name in more)


def rows_of(shape: Shape, meta: Meta) -> list[Row]:
    """Return the lines of a version."""
    return [_row(number, one, meta) for number, one in enumerate(shape.fields)]


def _row(number: int, one: Field, meta: Meta) -> Row:
    told = {name: getattr(one, name) for name in TEXTS} | {"type": one.type.text, "grade": one.grade}
    flags = {name for name in ("key", "required") if getattr(one, name)}
    given = {"share": (meta.share_type, meta.share_fields), "open": (meta.open_type, meta.open_fields)}
    flags |= {name for name, (kind, names) in given.items() if kind != 3 and (not names or one.name in names)}
    return Row(number, {name: "" if value is None else str(value) for name, value in told.items()}, flags)


def rows_from(post: Any) -> list[Row]:
    """Return the lines as they were typed, in the order they stand."""
    numbers = [int(one) for one in post.getlist("row")[: FIELDS_MOST + 1] if one.isdecimal() and len(one) < 6]
    return [
        Row(
            number,
            {name: post.get(f"f-{number}-{name}", "").replace("\x00", "")[:500] for name in TEXTS},
            {name for name in FLAGS if post.get(f"f-{number}-{name}")},
        )
        for number in dict.fromkeys(numbers)
    ]


def blank(rows: Sequence[Row]) -> Row:
    """Return an empty line with a number of its own."""
    texts = dict.fromkeys(TEXTS, "") | {"grade": "1", "personal": "none"}
    return Row(max((one.number for one in rows), default=-1) + 1, texts, {"share", "open"})


def changed(rows: list[Row], do: str) -> list[Row]:
    """Return the lines after `add`, `up-3`, `down-3` or `drop-3`."""
    if do == "add":
        return [*rows, blank(rows)]
    what, _sign, number = do.partition("-")
    at = next((place for place, one in enumerate(rows) if str(one.number) == number), None)
    if at is None:
        return rows
    line, rest = rows[at], rows[:at] + rows[at + 1 :]
    if what == "drop":
        return rest
    place = max(0, at - 1) if what == "up" else min(len(rest), at + 1)
    return [*rest[:place], line, *rest[place:]]


def shape_from(rows: Sequence[Row], before: Shape | None) -> Shape | None:
    """Return the shape of the lines, None where it can't be: then the lines say why.

    Rules between fields and the person's number stay from the version before, as far as their fields do.
    """
    made = [one for row in rows if not row.is_blank and (one := _field(row)) is not None]
    if not made or any(row.wrong for row in rows):
        return None
    names = {one.name for one in made}
    rules = tuple(rule for rule in before.rules if names.issuperset(rule.fields)) if before else ()
    subject = before.subject_name if before else None
    shape = Shape(tuple(made), rules, subject if subject in names else None)
    try:
        shape.verify()
    except BadShape as bad:
        for row in rows:
            if bad.field and row.texts["name"] == bad.field:
                row.wrong["name"] = told(bad)
        return None
    return shape


def _field(row: Row) -> Field | None:
    cells = row.texts | {name: "是" if name in row.flags else "" for name in ("key", "required")}
    try:
        made = field_of(Line("", row.number, {name: value.strip() for name, value in cells.items()}))
    except Refused as refused:
        row.wrong |= {problem.field: problem.reason for problem in refused.problems}
        return None
    except BadShape as bad:
        row.wrong[_column_of(str(bad))] = told(bad)
        return None
    row.texts["name"], row.texts["type"] = made.name, made.type.text
    return made


def _column_of(text: str) -> str:
    found = {
        "pattern": "pattern",
        "minimum": "minimum",
        "limit": "minimum",
        "name is": "name",
        "check": "check",
    }
    return next((column for part, column in found.items() if part in text), "name")


def told(bad: BadShape) -> str:
    """Return what is wrong with a shape for the reader."""
    text = str(bad)
    return next((str(said) for part, said in TOLD if part in text), text)


def _listed(written: str) -> list[str]:
    return [part for part in LISTS.split(written) if part]


class MetaForm(forms.Form):
    """Core metadata of an entry."""

    code = forms.CharField(
        label=_("标识"),
        max_length=59,
        help_text=_("由小写字母、数字和下划线组成，以字母开头；以后不能更改。"),
    )
    provider = forms.ChoiceField(label=_("提供单位"))
    name_zh = forms.CharField(label=_("名称"), max_length=120)
    name_en = forms.CharField(label=_("英文名称"), max_length=200, required=False)
    resource_code = forms.CharField(label=_("资源代码"), max_length=60, required=False)
    category = forms.CharField(label=_("类别"), max_length=60, required=False)
    department = forms.CharField(label=_("提供部门"), max_length=120, required=False)
    summary = forms.CharField(
        label=_("摘要"), max_length=4000, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )
    update_cycle = forms.ChoiceField(label=_("更新周期"), choices=UpdateCycle.choices)
    share_type = forms.ChoiceField(label=_("共享类型"), choices=ShareType.choices, widget=forms.RadioSelect)
    share_condition = forms.CharField(
        label=_("共享条件或不予共享的依据"),
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    open_type = forms.ChoiceField(label=_("开放类型"), choices=OpenType.choices, widget=forms.RadioSelect)
    open_condition = forms.CharField(label=_("开放条件"), max_length=500, required=False)
    formats = forms.MultipleChoiceField(
        label=_("资源格式"), choices=FORMATS, required=False, widget=forms.CheckboxSelectMultiple
    )
    share_modes = forms.MultipleChoiceField(
        label=_("共享方式"), choices=MODES, required=False, widget=forms.CheckboxSelectMultiple
    )
    related = forms.CharField(
        label=_("相关资源的标识"), max_length=1000, required=False, help_text=_("多个用顿号隔开。")
    )
    scenes = forms.CharField(label=_("应用场景的标识"), max_length=1000, required=False)

    def __init__(self, agencies: Sequence[Agency], meta: Meta | None, data: Any = None) -> None:
        super().__init__(data, initial=_initial(meta))
        self.meta = meta
        provider = self.fields["provider"]
        if isinstance(provider, forms.ChoiceField):
            provider.choices = [(str(one.pk), str(one)) for one in agencies]
        for name in ("code", "provider") if meta else ():
            self.fields.pop(name)

    @property
    def groups(self) -> list[forms.BoundField]:
        """The groups of check boxes."""
        return [self["formats"], self["share_modes"]]

    def made(self, shape: Shape, rows: Sequence[Row]) -> Meta:
        """Return the metadata. Only after `is_valid`; raises Refused."""
        given = dict(self.cleaned_data)
        given.pop("provider", None)
        given["code"] = self.meta.code if self.meta else given["code"]
        for name in ("related", "scenes"):
            given[name] = _listed(given[name])
        for name, kind in (("share", "share_type"), ("open", "open_type")):
            chosen = [row.texts["name"] for row in rows if name in row.flags and shape.has(row.texts["name"])]
            some = 0 < len(chosen) < len(shape.fields) and given[kind] != "3"
            given[f"{name}_fields"] = chosen if some and (name == "open" or given[kind] == "1") else []
        return Meta.from_json(given)

    def put(self, refused: Refused, rows: Sequence[Row]) -> None:
        """Put what was refused beside what it is about."""
        by_name = {row.texts["name"]: row for row in rows}
        for problem in refused.problems:
            row = by_name.get(problem.field)
            if row is not None:
                row.wrong.setdefault("", problem.reason)
            self.add_error(problem.field if problem.field in self.fields else None, problem.reason)


def _initial(meta: Meta | None) -> dict[str, Any]:
    if meta is None:
        return {"share_type": 2, "open_type": 3, "update_cycle": 8}
    found = meta.to_json()
    return found | {name: "、".join(found[name]) for name in ("related", "scenes")}


def offered() -> dict[str, Any]:
    """Return what the columns of the table offer."""
    english = words.is_english()
    return {
        "types": TYPES,
        "grades": list(GRADES.items()),
        "personals": PERSONAL,
        "masks": [(key, mask_name(key)) for key in MASKS],
        "tables": [(key, codes.table_name(key, english)) for key in codes.keys()],  # noqa: SIM118  (a function)
        "checks": CHECKS,
        "no_mask": gettext("不脱敏"),
        "no_table": gettext("无代码表"),
        "moves": [
            ("up", "arrow-up", gettext("上移")),
            ("down", "arrow-down", gettext("下移")),
            ("drop", "trash", gettext("删除")),
        ],
    }
