"""The item table as an Excel file for people: taken out, changed in an office, brought in again."""

import io
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from django.utils.translation import gettext as _

from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.models import AgencyKind
from citybrain.base.identity.roster import cell_text, table_lines
from citybrain.base.ledger.append import record
from citybrain.hub.cases.errors import BadInput
from citybrain.hub.cases.models import Item

MANAGE: Final = "items.manage"
MOST_ROWS: Final = 5_000
HEADER_WITHIN: Final = 10
LIMIT: Final = re.compile(r"([\d.]+)(\D+)")
# Column of the table → its heading in the file; the names of the columns themselves are read, too.
COLUMNS: Final[dict[str, str]] = {
    "code": "事项编码",
    "name_zh": "名称",
    "name_en": "英文名称",
    "class_code": "大类编码",
    "class_zh": "大类",
    "class_en": "大类英文",
    "subclass_code": "小类编码",
    "subclass_zh": "小类",
    "subclass_en": "小类英文",
    "kind": "类型",
    "lead_agency": "牵头单位类别",
    "assist_agency": "协办单位类别",
    "priority": "紧急程度",
    "accept_limit": "受理时限",
    "accept_unit": "受理时限单位",
    "disposal_limit": "处置时限",
    "disposal_unit": "处置时限单位",
    "accept_minutes": "受理分钟",
    "disposal_minutes": "处置分钟",
    "disposal_clock": "计时方式",
    "first_level": "先行处置层级",
    "grid_self_handle": "网格员自行处置",
    "whistle_allowed": "可以吹哨",
    "filing_condition": "立案条件",
    "close_condition": "结案条件",
    "gb30428_ref": "国标编号",
    "keywords": "市民用语",
}
OPTIONAL: Final = frozenset({"assist_agency", "keywords"})
WIDE: Final = {"name_zh": 22, "name_en": 30, "filing_condition": 36, "close_condition": 24, "keywords": 80}


def workbook(actor: Actor, found: Iterable[Item]) -> bytes:
    """Return items as .xlsx, all cells as text, so that a code keeps its first nought. Raises Forbidden."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    require(actor, MANAGE)
    kinds = dict(AgencyKind.objects.values_list("key", "name_zh"))
    book = Workbook(write_only=True)
    sheet = book.create_sheet("事项清单")
    sheet.freeze_panes = "C2"
    for place, name in enumerate(COLUMNS, start=1):
        sheet.column_dimensions[get_column_letter(place)].width = WIDE.get(name, 14)
    heads = [WriteOnlyCell(sheet, value=title) for title in COLUMNS.values()]
    for cell in heads:
        cell.font = Font(bold=True)
    sheet.append(heads)
    rows = [_values(item, kinds) for item in found]
    for values in rows:
        sheet.append([_text_cell(sheet, value) for value in values])
    out = io.BytesIO()
    book.save(out)
    record(actor.key, "items.export", "items", {"rows": len(rows)})
    return out.getvalue()


def _text_cell(sheet: Any, value: str) -> Any:
    from openpyxl.cell import WriteOnlyCell

    cell = WriteOnlyCell(sheet, value=value)
    cell.data_type, cell.number_format = "s", "@"
    return cell


def _values(item: Item, kinds: dict[str, str]) -> list[str]:
    said = {True: "是", False: "否"}
    accept, accept_unit = _parts(item.accept_limit)
    disposal, disposal_unit = _parts(item.disposal_limit)
    told = {
        "lead_agency": kinds.get(item.lead_kind, item.lead_kind),
        "assist_agency": kinds.get(item.assist_kind, item.assist_kind),
        "priority": "紧急" if item.urgent else "普通",
        "accept_limit": accept,
        "accept_unit": accept_unit,
        "disposal_limit": disposal,
        "disposal_unit": disposal_unit,
        "disposal_clock": "working" if item.working else "clock",
        "grid_self_handle": said[item.grid_self_handle],
        "whistle_allowed": said[item.whistle_allowed],
    }
    return [told[name] if name in told else str(getattr(item, name)) for name in COLUMNS]


def _parts(limit: str) -> tuple[str, str]:
    found = LIMIT.fullmatch(limit)
    return (found[1], found[2]) if found else (limit, "")


def read(content: bytes, file_name: str) -> list[dict[str, str]]:
    """Return the rows of an item table (.xlsx or .csv; headings in Chinese or as the columns are named).

    Each row holds the number it has in the file as `line`.

    Raises Refused for a file that is no table, BadInput for one without the columns or with too many rows.
    """
    places: dict[str, int] | None = None
    rows: list[dict[str, str]] = []
    for number, line in enumerate(table_lines(content, file_name), start=1):
        cells = [cell_text(cell) for cell in line]
        if places is None:
            places = _header(cells, number)
        elif any(cells):
            rows.append(
                {"line": str(number)}
                | {name: cells[at] if at < len(cells) else "" for name, at in places.items()}
            )
        if len(rows) > MOST_ROWS:
            raise BadInput(_("一次最多导入 %(rows)d 行，请分成几个文件。") % {"rows": MOST_ROWS}, "file")
    if places is None:
        raise BadInput(_("文件里没有表头，请先导出现行清单作为模板。"), "file")
    return rows


def _header(cells: Sequence[str], number: int) -> dict[str, int] | None:
    names = {title: name for name, title in COLUMNS.items()}
    found = {names.get(cell, cell): place for place, cell in enumerate(cells) if cell}
    if "code" in found:
        missing = [title for name, title in COLUMNS.items() if name not in found and name not in OPTIONAL]
        if missing:
            raise BadInput(_("缺少列：%(columns)s。") % {"columns": "、".join(missing)}, "file")
        return {name: place for name, place in found.items() if name in COLUMNS}
    if number >= HEADER_WITHIN:
        raise BadInput(_("文件里没有表头，请先导出现行清单作为模板。"), "file")
    return None
