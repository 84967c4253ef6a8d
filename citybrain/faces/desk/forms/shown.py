"""How forms, columns, rounds and sheets are told on the screens: words, tones, links."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from citybrain.base.areas.models import Level
from citybrain.base.areas.tree import tree
from citybrain.base.catalogue.models import DataSet
from citybrain.base.worktime.calendar import MissingYear, current
from citybrain.base.worktime.clock import Clock
from citybrain.faces.desk.choosing import area_name
from citybrain.faces.desk.data.shown import field_name
from citybrain.faces.look import words
from citybrain.hub.forms.columns import Asks, Column, Sums
from citybrain.hub.forms.figures import UnknownFigure, counted
from citybrain.hub.forms.making.drawing import LOOKED_UP
from citybrain.hub.forms.models import Form, FormState, Round, RoundState, Sheet, SheetState
from citybrain.hub.forms.rosters import counting, roster

FORM_TONES: Final = {
    "draft": "quiet",
    "asking": "due_soon",
    "admitted": "normal",
    "refused": "late",
    "retired": "quiet",
}
ROUND_TONES: Final = {"open": "info", "closed": "done", "called_off": "quiet"}
SHEET_TONES: Final = {
    "waiting": "quiet",
    "filling": "info",
    "submitted": "due_soon",
    "returned": "late",
    "reviewed": "normal",
    "accepted": "done",
}
HANDED_IN: Final = frozenset({SheetState.SUBMITTED, SheetState.REVIEWED, SheetState.ACCEPTED})
REASONS: Final = {
    "learnt": gettext_lazy("有人确认过"),
    "heard": gettext_lazy("别的单位确认过"),
    "same_meaning": gettext_lazy("名称同义"),
    "alike": gettext_lazy("名称相近"),
    "about": gettext_lazy("报表讲的就是它"),
    "office": gettext_lazy("来文单位的数据"),
    "source": gettext_lazy("权威来源"),
    "together": gettext_lazy("同表其他列也来自它"),
    "examples": gettext_lazy("样例相符"),
    "person": gettext_lazy("有人确认过"),
    "computed": gettext_lazy("由系统计算"),
    "twice": gettext_lazy("同名的列不止一个"),
    "beside": gettext_lazy("是前一列的其中项"),
    "part": gettext_lazy("按年龄或性别细分"),
}
ASKS: Final = {
    Asks.DATA: gettext_lazy("数据自动填"),
    Asks.COUNT: gettext_lazy("按名册自动计数"),
    Asks.ANSWER: gettext_lazy("由填报人填"),
    Asks.FORMULA: gettext_lazy("表内公式计算"),
    Asks.SERIAL: gettext_lazy("序号"),
    Asks.AREA: gettext_lazy("填报地区名称"),
    Asks.FILLER: gettext_lazy("填报人"),
    Asks.DATE: gettext_lazy("填报日期"),
}
SUMS: Final = {
    Sums.NONE: gettext_lazy("不汇总"),
    Sums.SUM: gettext_lazy("求和"),
    Sums.COUNT: gettext_lazy("计数"),
    Sums.MEAN: gettext_lazy("平均"),
    Sums.LEAST: gettext_lazy("最小"),
    Sums.MOST: gettext_lazy("最大"),
}
SURE: Final = 0.8
LIKELY: Final = 0.5


def confidence(column: Column) -> tuple[str, str]:
    """Return tone and word: how sure it is what a column means."""
    if column.sure:
        return "done", _("已确认")
    if column.asks not in LOOKED_UP:
        return ("info", _("没有这项数据")) if column.asks == Asks.ANSWER else ("quiet", _("自动识别"))
    if column.confidence >= SURE:
        return "normal", _("把握大")
    if column.confidence >= LIKELY:
        return "due_soon", _("请核对")
    return "late", _("没把握")


def reasons(why: Iterable[str]) -> list[str]:
    """Return what spoke for a match, in words."""
    return [str(REASONS[key]) for key in why if key in REASONS]


def derived_name(column: Column) -> str:
    """Return what a cell is worked out to, empty where it isn't."""
    if column.derived == "age":
        return _("年龄（按出生日期算）")
    if column.asks == Asks.AREA and column.derived:
        levels = {"city": 1, "district": 2, "street": 3, "community": 4, "grid": 5}
        return _("所在%(level)s名称") % {"level": level_name(levels[column.derived])}
    return str(ASKS[Asks.AREA]) if column.asks == Asks.AREA else ""


def header(column: Column) -> str:
    """Return a column's names from the outermost inwards."""
    return "/".join(column.path) or column.letter


def asked_name(column: Column, sets: dict[str, DataSet]) -> str:
    """Return where a column's cells come from: 姓名 · 人口基本信息. Its own key where the data set is gone."""
    if column.asks == Asks.COUNT:
        return figure_name(column.field)
    if column.asks != Asks.DATA:
        return derived_name(column) or str(ASKS[column.asks])
    dataset = sets.get(column.dataset)
    if dataset is None:
        return column.field
    shape = dataset.shape
    name = field_name(shape.field(column.field_name)) if shape.has(column.field_name) else column.field_name
    return " · ".join(filter(None, (derived_name(column), name, dataset.name)))


def figure_name(key: str) -> str:
    """Return what is counted: 老年人口数 · 80岁及以上 · 名册：老年人. The key itself where there is no such figure."""
    try:
        one = counted(key)
    except UnknownFigure:
        return key
    return " · ".join((one.name, _("名册：%(name)s") % {"name": roster(one.of.roster).name}))


def sets_of(columns: Sequence[Column]) -> dict[str, DataSet]:
    """Return the data sets that columns ask, by code. One query."""
    codes = {code for one in columns for code in (one.dataset, *counting.codes_of(one)) if code}
    rows = DataSet.objects.filter(code__in=codes).select_related("provider", "current") if codes else []
    return {one.code: one for one in rows}


def level_name(level: int) -> str:
    """Return what areas of a level are called."""
    return str(Level(level).label)


def place(area_id: int | None) -> str:
    """Return an area's name in the reader's language."""
    return area_name(tree().find(area_id))


def left_of(form: Form, now: datetime) -> words.Left | None:
    """Return how the time for deciding on admission stands, None where nobody has to."""
    if form.state != FormState.ASKING or form.due_at is None:
        return None
    remaining = None
    if form.clock:
        try:
            remaining = Clock.from_json(form.clock).remaining(current(), now)
        except MissingYear:
            remaining = None
    return words.left(form.due_at, now, started=form.asked_at, remaining=remaining, working=True)


def left_to_fill(one: Round, now: datetime) -> words.Left:
    """Return how the time for filling stands."""
    if one.state != RoundState.OPEN:
        return words.left(one.due_at, now, done=True)
    return words.left(one.due_at, now, started=one.issued_at)


def is_late(sheet: Sheet, due: datetime, now: datetime) -> bool:
    """Return whether a sheet isn't handed in though it should be."""
    return sheet.state not in HANDED_IN and due < now


@dataclass(frozen=True, slots=True)
class FormLine:
    """One line of a list of forms."""

    one: Form
    href: str
    tone: str
    state: str
    left: words.Left | None
    known: int | None

    @staticmethod
    def of(one: Form, href: str, now: datetime) -> "FormLine":
        assessed: dict[str, Any] = one.assessed or {}
        share = assessed.get("share")
        return FormLine(
            one,
            href,
            FORM_TONES[one.state],
            one.get_state_display(),
            left_of(one, now),
            None if share is None else round(share * 100),
        )
