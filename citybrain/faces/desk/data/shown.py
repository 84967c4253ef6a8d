"""How data sets, requests and grants are told on the screens: words, tones, short lists."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from citybrain.base.catalogue import codes, grading
from citybrain.base.catalogue.entry import Meta
from citybrain.base.catalogue.grants import why_not_live
from citybrain.base.catalogue.masks import MASKS
from citybrain.base.catalogue.models import DataSet, DeliveryMode, Grant, Request, RequestState
from citybrain.base.catalogue.quality import PROMISED
from citybrain.base.catalogue.shape import Field, Shape
from citybrain.base.worktime.calendar import MissingYear, current
from citybrain.base.worktime.clock import Clock
from citybrain.faces.look import words

STATE_TONES: Final = {"draft": "quiet", "approving": "due_soon", "published": "normal", "withdrawn": "late"}
SHARE_TONES: Final = {1: "normal", 2: "info", 3: "late"}
REQUEST_TONES: Final = {"asked": "due_soon", "granted": "normal", "refused": "late", "withdrawn": "quiet"}
GRADES: Final = {
    1: gettext_lazy("1级"),
    2: gettext_lazy("2级"),
    3: gettext_lazy("3级"),
    4: gettext_lazy("4级"),
}
OPS: Final = {
    "eq": gettext_lazy("等于"),
    "ne": gettext_lazy("不等于"),
    "in": gettext_lazy("属于"),
    "lt": gettext_lazy("小于"),
    "le": gettext_lazy("不大于"),
    "gt": gettext_lazy("大于"),
    "ge": gettext_lazy("不小于"),
    "prefix": gettext_lazy("开头是"),
    "between": gettext_lazy("介于"),
    "is_null": gettext_lazy("为空"),
    "not_null": gettext_lazy("不为空"),
}
ENDED: Final = {
    "": ("normal", gettext_lazy("有效")),
    "revoked": ("late", gettext_lazy("已撤销")),
    "expired": ("quiet", gettext_lazy("已到期")),
    "not_yet": ("paused", gettext_lazy("尚未生效")),
    "withdrawn": ("late", gettext_lazy("资源已撤销")),
}


def freshness(dataset: DataSet, now: datetime) -> tuple[str, str]:
    """Return tone and word: whether data are as fresh as promised. No query."""
    if not dataset.data_version or dataset.data_at is None:
        return "quiet", _("未挂接数据")
    promised: timedelta | None = PROMISED[dataset.update_cycle]
    if promised is None:
        return "done", _("不限周期")
    late = now - dataset.data_at - promised
    if late > timedelta():
        return "late", _("迟到 %(span)s") % {"span": words.span(late)}
    return "normal", _("按期")


def mask_name(kind: str) -> str:
    """Return what a mask is called, the kind itself for one that isn't known."""
    known = MASKS.get(kind)
    if known is None:
        return kind
    return known.en if words.is_english() else known.zh


def field_name(field: Field) -> str:
    """Return a field's name in the language of the reader."""
    return field.en if field.en and words.is_english() else field.zh


def names_of(shape: Shape, names: Iterable[str]) -> list[str]:
    """Return what fields are called; those that are gone by their own name."""
    return [field_name(shape.field(name)) if shape.has(name) else name for name in names]


@dataclass(frozen=True, slots=True)
class FieldLine:
    """One field of a data set. `why` says why it isn't given without being asked, empty where it is."""

    field: Field
    name: str
    mask: str
    example: str
    limits: str
    free: bool
    why: str


def field_lines(shape: Shape, meta: Meta) -> list[FieldLine]:
    """Return the fields of a version in their order."""
    free = grading.free_fields(meta.entry(shape))
    return [_line(field, field.name in free, meta) for field in shape.fields]


def _line(field: Field, free: bool, meta: Meta) -> FieldLine:
    kind = MASKS.get(field.mask or "")
    return FieldLine(
        field=field,
        name=field_name(field),
        mask=mask_name(field.mask) if field.mask else "",
        example=kind.show(kind.example) or "" if kind else "",
        limits=_limits(field),
        free=free,
        why="" if free else why_held(field, meta),
    )


def why_held(field: Field, meta: Meta) -> str:
    """Return why a field isn't given without the supplier's word."""
    if meta.share_type == grading.REFUSED:
        return _("整个资源不予共享")
    if field.personal == "sensitive":
        return _("敏感个人信息，须经提供单位审核")
    if field.personal == "personal":
        return _("个人信息，须经提供单位审核")
    if field.grade > grading.SHARE_GRADE_MOST:
        return _("一般数据 %(grade)d 级，须经提供单位审核") % {"grade": field.grade}
    return _("须经提供单位审核")


def _limits(field: Field) -> str:
    parts = []
    if field.code_table:
        name = codes.table_name(field.code_table, words.is_english()) if codes.known(field.code_table) else ""
        parts.append(_("代码表：%(name)s") % {"name": name or field.code_table})
    if field.check:
        parts.append(_("校验码：%(standard)s") % {"standard": _STANDARDS.get(field.check, field.check)})
    if field.minimum is not None or field.maximum is not None:
        low = "" if field.minimum is None else str(field.minimum)
        high = "" if field.maximum is None else str(field.maximum)
        parts.append(f"{low} … {high}".strip())
    if field.pattern:
        parts.append(field.pattern)
    return _("；").join(parts)


_STANDARDS: Final = {"gb11643": "GB 11643", "gb32100": "GB 32100", "gb11714": "GB 11714"}


def modes_of(modes: Iterable[str]) -> list[str]:
    """Return the names of modes in their order."""
    wanted = set(modes)
    return [str(mode.label) for mode in DeliveryMode if mode.value in wanted]


def condition_words(conditions: Sequence[Mapping[str, Any]], shape: Shape) -> list[str]:
    """Return conditions on rows as people read them: 户籍区划 开头是 980101."""
    return [
        " ".join(
            filter(
                None, [names_of(shape, [one["field"]])[0], str(OPS.get(one["op"], one["op"])), _value(one)]
            )
        )
        for one in conditions
    ]


def _value(one: Mapping[str, Any]) -> str:
    value = one.get("value")
    if isinstance(value, list):
        return (" – " if one["op"] == "between" else _("、")).join(str(part) for part in value)
    return "" if value is None else str(value)


def grant_state(grant: Grant, now: datetime) -> tuple[str, str]:
    """Return tone and word of how a grant stands. Reads `grant.dataset`."""
    tone, word = ENDED[why_not_live(grant, now)]
    return tone, str(word)


def left_of(request: Request, now: datetime) -> words.Left | None:
    """Return how the supplier's time for an answer stands, None for a request without a clock."""
    if not request.clock:
        return None
    if request.state != RequestState.ASKED:
        on_time = bool(request.due_at and request.decided_at and request.decided_at <= request.due_at)
        return words.left(request.due_at, now, done=True, on_time=on_time)
    clock = Clock.from_json(request.clock)
    try:
        remaining = clock.remaining(current(), now)
    except MissingYear:
        remaining = None
    return words.left(request.due_at, now, started=request.asked_at, remaining=remaining, working=True)
