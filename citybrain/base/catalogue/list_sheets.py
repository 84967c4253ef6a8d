"""The three lists in Excel, a sheet each: written from what the reader sees, read back with a receipt for every row."""

import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import transaction
from django.db.models import IntegerChoices, QuerySet, TextChoices
from django.utils.translation import gettext as _
from django.utils.translation import override

from citybrain.base.catalogue import actions
from citybrain.base.catalogue.access import LISTS
from citybrain.base.catalogue.headings import header
from citybrain.base.catalogue.models import DataSet, Demand, Supply, SupplyMode, System, TaskItem, UpdateCycle
from citybrain.base.catalogue.sheets import Line, lines_below, tables_of
from citybrain.base.catalogue.types import BadType, Type
from citybrain.base.identity.access import Forbidden, require
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.errors import Refused, refuse
from citybrain.base.identity.models import Agency
from citybrain.base.ledger import record

CUT: Final = re.compile(r"[、；;，,|\n]+(?![^(（]*[)）])")
ITEMS: Final = "事项清单"
DEMANDS: Final = "需求清单"
SUPPLIES: Final = "供给清单"
COLUMNS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    ITEMS: {
        "item": ("事项标识", "事项代码", "item"), "name_zh": ("事项名称", "name"), "name_en": ("英文名称", "name en"),
        "agency": ("责任单位", "单位", "agency"), "basis": ("依据", "basis"),
    },
    DEMANDS: {
        "item": ("事项标识", "事项代码", "item"), "title": ("需求名称", "需求", "title"),
        "purpose": ("用途", "purpose"), "dataset": ("数据资源标识", "资源标识", "dataset"),
        "fields": ("需要的信息项", "信息项", "fields"), "update_cycle": ("更新周期", "update cycle"),
        "mode": ("供给方式", "方式", "mode"), "asked_of": ("向谁要", "责任部门", "asked of"),
    },
    SUPPLIES: {
        "dataset": ("数据资源标识", "资源标识", "dataset"), "system": ("系统标识", "信息系统标识", "system"),
        "system_name": ("系统名称", "信息系统", "system name"), "agency": ("供给单位", "单位", "agency"),
        "fields": ("供给的信息项", "信息项", "fields"), "mode": ("供给方式", "方式", "mode"),
        "update_cycle": ("更新周期", "update cycle"), "rank": ("次序", "rank"), "note": ("说明", "备注", "note"),
    },
}  # fmt: skip
NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    ITEMS: ("item", "name_zh"),
    DEMANDS: ("item", "title"),
    SUPPLIES: ("dataset", "system"),
}


@dataclass(frozen=True, slots=True)
class RowReceipt:
    """What became of one row: added, changed, unchanged or refused, with the reason."""

    sheet: str
    row: int
    what: str
    outcome: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a file."""

    rows: tuple[RowReceipt, ...]

    @property
    def counts(self) -> dict[str, int]:
        return dict(Counter(one.outcome for one in self.rows))


def export_lists(actor: Actor) -> bytes:
    """Return the lists that the actor sees as .xlsx, all cells as text. Raises Forbidden."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    require(actor, LISTS)
    items: QuerySet[TaskItem] = TaskItem.objects.visible_to(actor).filter(is_active=True)
    demands: QuerySet[Demand] = Demand.objects.visible_to(actor).filter(is_active=True)
    supplies: QuerySet[Supply] = Supply.objects.visible_to(actor).filter(is_active=True)
    sheets: dict[str, list[list[str]]] = {
        ITEMS: [_item_row(one) for one in items.select_related("agency")],
        DEMANDS: [_demand_row(one) for one in demands.select_related("item", "dataset", "asked_of")],
        SUPPLIES: [_supply_row(one) for one in supplies.select_related("dataset", "system__agency")],
    }
    book = Workbook(write_only=True)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        sheet.freeze_panes = "A2"
        heads = [WriteOnlyCell(sheet, value=titles[0]) for titles in COLUMNS[title].values()]
        for place, head in enumerate(heads, start=1):
            sheet.column_dimensions[get_column_letter(place)].width = 22
            head.font = Font(bold=True)
        sheet.append(heads)
        for row in rows:
            sheet.append([_cell(sheet, value) for value in row])
    out = io.BytesIO()
    book.save(out)
    record(
        actor.key, "catalogue.export_lists", "catalogue", {name: len(rows) for name, rows in sheets.items()}
    )
    return out.getvalue()


def _cell(sheet: Any, value: str) -> Any:
    from openpyxl.cell import WriteOnlyCell

    cell = WriteOnlyCell(sheet, value=value)
    cell.data_type, cell.number_format = "s", "@"
    return cell


def _item_row(one: TaskItem) -> list[str]:
    return [one.key, one.name_zh, one.name_en, one.agency.name, one.basis]


def _demand_row(one: Demand) -> list[str]:
    fields = "；".join(field_text(field) for field in one.fields)
    dataset, asked = one.dataset.code if one.dataset else "", one.asked_of.name if one.asked_of else ""
    return [
        one.item.key, one.title, one.purpose, dataset, fields, _label(UpdateCycle, one.update_cycle),
        _label(SupplyMode, one.mode) if one.mode else "", asked,
    ]  # fmt: skip


def _supply_row(one: Supply) -> list[str]:
    return [
        one.dataset.code, one.system.key, one.system.name, one.system.agency.name, "、".join(one.fields),
        _label(SupplyMode, one.mode), _label(UpdateCycle, one.update_cycle), str(one.rank), one.note,
    ]  # fmt: skip


def field_text(field: Mapping[str, str]) -> str:
    """Return one field of a demand as people write it: its name or Chinese name, and its type behind a blank."""
    return " ".join(filter(None, [field.get("name") or field.get("zh", ""), field.get("type", "")]))


def fields_from(written: str) -> list[dict[str, str]]:
    """Return the fields that a text asks for, one a line or parted by ； or 、. A type may stand behind a blank."""
    found = []
    for part in CUT.split(written.replace("；", "\n").replace(";", "\n")):
        name, _sign, kind = part.strip().rpartition(" ")
        if not name or not _is_type(kind):
            name, kind = part.strip(), ""
        if name:
            key = "name" if re.fullmatch(r"[a-z][a-z0-9_]*", name) else "zh"
            found.append({key: name.strip(), "type": kind})
    return found


def _is_type(written: str) -> bool:
    try:
        Type.parse(written)
    except BadType:
        return False
    return True


Choices = type[IntegerChoices] | type[TextChoices]


def _label(choices: Choices, value: Any) -> str:
    with override("zh-hans"):
        return str(choices(value).label)


def _choice(choices: Choices, written: str, name: str, otherwise: Any) -> Any:
    """Return the value of a label or a value as it is written. Raises Refused for any other."""
    if not written:
        return otherwise
    with override("zh-hans"):
        known = {str(label): value for value, label in choices.choices} | {
            str(one): one for one in choices.values
        }
        if written not in known:
            text = _("“%(value)s”不是可选值：%(known)s。")
            labels = _("、").join(str(label) for _value, label in choices.choices)
            raise refuse(name, text % {"value": written, "known": labels})
    return known[written]


class _Import:
    """One import: who brings it in, and what may be broken."""

    def __init__(self, actor: Actor, *, accept_breaks: bool) -> None:
        self.actor, self.accept_breaks = actor, accept_breaks
        bodies = list(Agency.objects.in_force())
        self.bodies = {one.name: one for one in bodies} | {one.key: one for one in bodies}

    def agency(self, written: str, otherwise: Agency | None = None) -> Agency:
        found = self.bodies.get(written) if written else otherwise
        if found is None:
            raise refuse("agency", _("没有单位“%(name)s”。") % {"name": written})
        return found

    def dataset(self, code: str) -> DataSet:
        found: DataSet | None = (
            DataSet.objects.visible_to(self.actor)
            .filter(code=code)
            .select_related("provider", "current")
            .first()
        )
        if found is None:
            raise refuse("dataset", _("没有数据资源“%(code)s”。") % {"code": code})
        return found

    def item(self, line: Line) -> str:
        """Bring in one item."""
        known = TaskItem.objects.select_related("agency").filter(key=line.get("item")).first()
        values = {name: line.get(name) for name in ("name_zh", "name_en", "basis") if name in line.values}
        if known is None:
            actions.add_item(self.actor, self.agency(line.get("agency")), key=line.get("item"), **values)
            return "added"
        if known.is_active and all(getattr(known, name) == value for name, value in values.items()):
            return "unchanged"
        actions.change_item(self.actor, known, **values, is_active=True)
        return "changed"

    def demand(self, line: Line) -> str:
        """Bring in one demand: that of an item under its title."""
        item = TaskItem.objects.select_related("agency").filter(key=line.get("item")).first()
        if item is None:
            raise refuse("item", _("没有事项“%(key)s”。") % {"key": line.get("item")})
        values: dict[str, Any] = {
            "title": line.get("title"),
            "purpose": line.get("purpose"),
            "fields": fields_from(line.get("fields")),
            "dataset": self.dataset(line.get("dataset")) if line.get("dataset") else None,
            "update_cycle": _choice(
                UpdateCycle, line.get("update_cycle"), "update_cycle", UpdateCycle.IRREGULAR
            ),
            "mode": _choice(SupplyMode, line.get("mode"), "mode", ""),
            "asked_of": self.agency(line.get("asked_of")) if line.get("asked_of") else None,
        }
        known = Demand.objects.select_related("agency", "dataset", "asked_of").filter(
            item=item, title=line.get("title")
        ).first()  # fmt: skip
        if known is None:
            actions.add_demand(self.actor, item, **values)
            return "added"
        before = known.is_active, _comparable(known.fields), *(getattr(known, name) for name in _DEMAND)
        if before == (True, _comparable(values["fields"]), *(values[name] for name in _DEMAND)):
            return "unchanged"
        if _same_fields(known.fields, values["fields"]):
            values["fields"] = known.fields
        actions.change_demand(self.actor, known, **values)
        return "changed"

    def supply(self, line: Line) -> str:
        """Bring in one supply: that of a set from a system, which is made where it isn't known."""
        dataset = self.dataset(line.get("dataset"))
        system = System.objects.select_related("agency").filter(key=line.get("system")).first()
        if system is None:
            agency = self.agency(line.get("agency"), dataset.provider)
            name = line.get("system_name") or line.get("system")
            system = actions.add_system(self.actor, agency, key=line.get("system"), name=name)
        fields = [part.strip() for part in CUT.split(line.get("fields")) if part.strip()]
        by_zh = {one.zh: one.name for one in dataset.shape.fields} if dataset.current else {}
        rank = line.get("rank") or "1"
        if not rank.isdecimal() or not 1 <= int(rank) <= 99:
            raise refuse("rank", _("次序应为 1 到 99。"))
        values: dict[str, Any] = {
            "fields": [by_zh.get(name, name) for name in fields],
            "mode": _choice(SupplyMode, line.get("mode"), "mode", SupplyMode.TABLE),
            "update_cycle": _choice(
                UpdateCycle, line.get("update_cycle"), "update_cycle", UpdateCycle.IRREGULAR
            ),
            "rank": int(rank),
            "note": line.get("note")[:500],
        }
        known = Supply.objects.select_related("dataset__provider", "dataset__current", "system").filter(
            dataset=dataset, system=system
        ).first()  # fmt: skip
        if known is None:
            note = values.pop("note")
            actions.add_supply(self.actor, dataset, system, **values, note_text=note)
            return "added"
        if known.is_active and all(getattr(known, name) == value for name, value in values.items()):
            return "unchanged"
        actions.change_supply(self.actor, known, values, accept_breaks=self.accept_breaks)
        return "changed"


_DEMAND: Final = ("purpose", "dataset", "update_cycle", "mode", "asked_of")


def _comparable(fields: Iterable[Mapping[str, str]]) -> list[tuple[str, str]]:
    return [(one.get("name") or one.get("zh", ""), one.get("type", "")) for one in fields]


def _same_fields(known: Sequence[Mapping[str, str]], told: Sequence[Mapping[str, str]]) -> bool:
    return _comparable(known) == _comparable(told)


def import_lists(
    actor: Actor, content: bytes, *, trial: bool = False, accept_breaks: bool = False
) -> Receipt:
    """Add and change the rows of a file, each by itself; rows that aren't in it stay as they are.

    A supply whose change breaks demands is refused unless that was accepted. `trial`: nothing is kept.
    Raises Forbidden, and Refused for a file that holds none of the lists.
    """
    require(actor, LISTS)
    tables = tables_of(content)
    lines = {title: _lines_of(tables, title) for title in COLUMNS}
    if not any(lines.values()):
        raise refuse("file", _("文件里没有三张清单的表头，请先导出清单作为模板。"))
    bringing = _Import(actor, accept_breaks=accept_breaks)
    takes: dict[str, Callable[[Line], str]] = {
        ITEMS: bringing.item, DEMANDS: bringing.demand, SUPPLIES: bringing.supply,
    }  # fmt: skip
    with transaction.atomic():
        found = [_one(line, title, takes[title]) for title in COLUMNS for line in lines[title]]
        done = Receipt(tuple(found))
        if trial:
            transaction.set_rollback(True)
        else:
            record(actor.key, "catalogue.import_lists", "catalogue", done.counts)
    return done


def _one(line: Line, title: str, take: Callable[[Line], str]) -> RowReceipt:
    what = " · ".join(filter(None, (line.get(name) for name in NEEDED[title])))
    try:
        with transaction.atomic():
            return RowReceipt(line.sheet, line.number, what, take(line))
    except Refused as refused:
        return RowReceipt(line.sheet, line.number, what, "refused", str(refused))
    except Forbidden as forbidden:
        return RowReceipt(line.sheet, line.number, what, "refused", forbidden.reason_zh)


def _lines_of(tables: Sequence[tuple[str, list[list[str]]]], title: str) -> list[Line]:
    """Return the rows of one list. A sheet is known by its name, one under another name by its headings."""
    found: list[Line] = []
    for name, rows in tables:
        if name in COLUMNS and name != title:
            continue
        at = header(rows, COLUMNS[title], NEEDED[title])
        if at is not None:
            found += lines_below(name, rows, *at)
    return found
