"""Excel files for people who import people: the template to fill in, and the receipt of an import."""

import io
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from citybrain.base.identity.roles import Role
from citybrain.base.identity.roster import COLUMNS, NEEDED

if TYPE_CHECKING:
    from openpyxl import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

HEAD, BAD = "DCE6F5", "FBE3E0"  # fills
EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
WIDTHS = {"name": 12, "login": 18, "phone": 16, "agency": 28, "role": 14, "area": 20}


def _put(sheet: "Worksheet", row: int, values: Iterable[object]) -> None:
    """Write a row of plain values: a text that begins with = stays a text."""
    for column, value in enumerate(values, start=1):
        cell = sheet.cell(row, column)
        cell.value = value  # type: ignore[assignment]
        if isinstance(value, str):
            cell.data_type = "s"
            cell.number_format = "@"


def _head(sheet: "Worksheet", titles: Iterable[str], widths: Iterable[int]) -> None:
    from openpyxl.styles import Alignment, Font, PatternFill
    from openpyxl.utils import get_column_letter

    _put(sheet, 1, titles)
    for column, width in enumerate(widths, start=1):
        cell = sheet.cell(1, column)
        cell.font, cell.fill = Font(bold=True), PatternFill("solid", fgColor=HEAD)
        cell.alignment = Alignment(vertical="center")
        sheet.column_dimensions[get_column_letter(column)].width = width
    sheet.freeze_panes = "A2"


def _bytes(book: "Workbook") -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def template_file(roles: list[Role]) -> bytes:
    """Return the template: the sheet to fill in (texts, so that codes keep their digits) and how to."""
    from openpyxl import Workbook
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation
    from openpyxl.worksheet.worksheet import Worksheet

    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)  # noqa: S101  a new workbook has one
    sheet.title = "人员"
    titles = [titles[0] + ("*" if name in NEEDED else "") for name, titles in COLUMNS.items()]
    _head(sheet, titles, [WIDTHS.get(name, 14) for name in COLUMNS])
    for column in range(1, len(COLUMNS) + 1):
        for row in range(2, 502):
            sheet.cell(row, column).number_format = "@"
    place = list(COLUMNS).index("role") + 1
    letter = get_column_letter(place)
    choice = DataValidation(type="list", formula1=f"=角色!$A$2:$A${len(roles) + 1}", allow_blank=True)
    choice.add(f"{letter}2:{letter}5000")
    sheet.add_data_validation(choice)
    _roles_sheet(book, roles)
    _notes_sheet(book)
    return _bytes(book)


def _roles_sheet(book: "Workbook", roles: list[Role]) -> None:
    sheet = book.create_sheet("角色")
    _head(sheet, ("角色", "可设层级", "须填单位"), (16, 28, 12))
    words = {1: "市", 2: "区", 3: "街镇", 4: "社区村", 5: "网格"}
    for row, role in enumerate(roles, start=2):
        levels = "、".join(words[level] for level in role.levels)
        _put(sheet, row, (role.zh, levels, "是" if role.reach == "agency" else ""))


def _notes_sheet(book: "Workbook") -> None:
    sheet = book.create_sheet("填写说明")
    notes = (
        "带 * 的列必填。一人有几个角色就写几行，登录名相同。",
        "登录名：以字母开头，3 至 40 位小写字母、数字、点、横线或下划线。",
        "单位：单位全称或单位标识，须已在系统中。",
        "角色：见“角色”页；不填则只开通账号。区域代码不填时取单位所在区域。",
        "日期：2026-01-31。生效日期不填为当天，失效日期（最后一天）不填为长期。",
        "重复导入同一文件不会产生重复的人员或角色。不合格的行不影响其他行，原因见回执。",
    )
    sheet.column_dimensions["A"].width = 90
    for row, text in enumerate(notes, start=1):
        _put(sheet, row, (text,))


def receipt_file(rows: Iterable[Mapping[str, Any]], passwords: Mapping[str, str] | None = None) -> bytes:
    """Return the receipt: a line per row of the imported file, refused ones coloured.

    `passwords` by login, known only right after the import, add a column.
    """
    from openpyxl import Workbook
    from openpyxl.styles import PatternFill
    from openpyxl.worksheet.worksheet import Worksheet

    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)  # noqa: S101  a new workbook has one
    sheet.title = "回执"
    titles = [_("行号"), _("登录名"), _("姓名"), _("结果"), _("问题列"), _("原因")]
    widths = [8, 18, 12, 16, 12, 60]
    if passwords:
        titles.append(_("一次性密码"))
        widths.append(20)
    _head(sheet, titles, widths)
    for place, row in enumerate(rows, start=2):
        line = [row["row"], row["login"], row["name"], outcome_name(row["outcome"])]
        line += [COLUMNS.get(row["field"], (row["field"],))[0], row["reason"]]
        if passwords:
            line.append(passwords.get(row["login"], ""))
        _put(sheet, place, line)
        if row["outcome"] == "refused":
            for column in range(1, len(line) + 1):
                sheet.cell(place, column).fill = PatternFill("solid", fgColor=BAD)
    return _bytes(book)


def outcome_name(outcome: str) -> str:
    """Return an outcome in the reader's language."""
    names = {
        "created": _("已新增"),
        "updated": _("已更新"),
        "granted": _("已授角色"),
        "unchanged": _("无变化"),
        "refused": _("未导入"),
    }
    return names.get(outcome, outcome)
