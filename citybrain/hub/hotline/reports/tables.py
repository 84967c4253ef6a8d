"""A report's figures as tables in words: what both the document and the sheet are written from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from citybrain.base.areas.tree import tree
from citybrain.hub.cases import items
from citybrain.hub.hotline import rates
from citybrain.hub.hotline.models.report import HotlineReport, ReportKind
from citybrain.hub.hotline.quality import FAULTS
from citybrain.hub.hotline.states import Channel, Kind, Step, Urgency

Value = str | int | float | None
VERDICTS: Final[dict[str, Promise]] = {
    "good": gettext_lazy("合格"), "poor": gettext_lazy("不合格"), "empty": gettext_lazy("无实质答复"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Table:
    """One table; a share is given as a fraction in the columns `shares`, None where there is nothing to divide."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]
    shares: frozenset[int] = frozenset()
    note: str = ""


def heading(report: HotlineReport) -> tuple[str, str]:
    """Return a report's title and the line below it: span, when it was made, which version."""
    kind = ReportKind(report.kind).label
    title = _("%(area)s12345热线%(kind)s") % {"area": tree().get(report.area_id).name, "kind": kind}
    line = _("统计时段：%(first)s 至 %(last)s；制表时间：%(made)s；第 %(version)s 版") % {
        "first": report.starts_on.isoformat(),
        "last": report.ends_on.isoformat(),
        "made": timezone.localtime(report.made_at).strftime("%Y-%m-%d %H:%M"),
        "version": report.version,
    }
    return title, line


def tables(report: HotlineReport) -> list[Table]:
    """Return a report's tables in the reader's language; a table without rows says so in the document."""
    told = report.figures
    names = {one.key: one.name for one in rates.definitions(report.starts_on)}
    found = [_overview(told), _rate_table(told, names)]
    if report.kind == ReportKind.WEEKLY:
        found.append(Table(_("逐日"), (_("日期"), _("受理量")), _rows(told["days"])))
    counted = (_("名称"), _("件数"))
    unknown = _("未确定")
    for title, key, labels in (
        (_("诉求类型"), "kinds", dict(Kind.choices)),
        (_("来件渠道"), "channels", dict(Channel.choices)),
        (_("紧急程度"), "urgency", dict(Urgency.choices)),
        (_("类别"), "classes", {}),
        (_("主要事项"), "items", _item_names([row[0] for row in told["items"]], report.starts_on)),
    ):
        rows = tuple((str(labels.get(name, name) or unknown), many) for name, many in told[key])
        found.append(Table(title, counted, rows))
    columns = (_("名称"), _("受理量"), _("超时量"))
    found.append(Table(_("各区域"), columns, tuple((row[0] or unknown, *row[1:]) for row in told["areas"])))
    found.append(_agency_table(told, names))
    found.append(
        Table(
            _("热点"),
            (_("名称"), _("人数"), _("件数")),
            tuple((row[0] or unknown, *row[1:]) for row in told["topics"]),
        )
    )
    late = tuple(
        (number, str(Step(step).label) if step else "", due, unit)
        for number, step, due, unit in told["overdue"]
    )
    found.append(Table(_("超时未办结"), (_("工单编号"), _("环节"), _("到期时间"), _("单位")), late))
    return [*found, _quality(told["quality"])]


def _rows(rows: Sequence[Sequence[Any]]) -> tuple[tuple[Value, ...], ...]:
    return tuple(tuple(row) for row in rows)


def _share(above: int, below: int) -> float | None:
    return above / below if below else None


def _item_names(codes: Sequence[str], on: date) -> dict[str, str]:
    known = items.index(on).by_code
    return {code: f"{known[code].name}（{code}）" if code in known else code for code in codes if code}


def _overview(told: dict[str, Any]) -> Table:
    totals = told["totals"]
    rows = (
        (_("受理量"), totals["received"]), (_("上期受理量"), totals["before"]), (_("办结量"), totals["concluded"]),
        (_("在办量"), totals["open"]), (_("超时量"), totals["late"]),
    )  # fmt: skip
    return Table(_("总体情况"), (_("指标"), _("数量")), rows)


def _rate_table(told: dict[str, Any], names: dict[str, str]) -> Table:
    before = {key: _share(above, below) for key, above, below in told["rates_before"]}
    rows = tuple(
        (names.get(key, key), _share(above, below), f"{above}/{below}", before.get(key))
        for key, above, below in told["rates"]
    )
    note = _("响应率等的定义见指标定义文件；分母为零时不计。")
    return Table(_("三率"), (_("指标"), _("本期"), _("数量"), _("上期")), rows, frozenset({1, 3}), note)


def _agency_table(told: dict[str, Any], names: dict[str, str]) -> Table:
    keys = [key for key, _above, _below in told["rates"]]
    rows = tuple((name, *(_share(*pair) for pair in pairs)) for name, pairs in told["agencies"])
    columns = (_("名称"), *(names.get(key, key) for key in keys))
    return Table(_("承办单位"), columns, rows, frozenset(range(1, len(columns))))


def _quality(told: dict[str, Any]) -> Table:
    rows: list[tuple[Value, ...]] = [
        (_("抽查答复"), told["drawn"]), (_("已人工评定"), told["checked"]), (_("规则平均分"), told["score"]),
    ]  # fmt: skip
    rows += [
        (_("评定：%(verdict)s") % {"verdict": VERDICTS.get(name, name)}, many)
        for name, many in told["verdicts"]
    ]
    rows += [
        (_("问题：%(fault)s") % {"fault": FAULTS.get(name, name)}, many) for name, many in told["faults"]
    ]
    return Table(_("答复质量"), (_("指标"), _("数量")), tuple(rows))
