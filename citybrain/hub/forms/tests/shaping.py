"""How the workbooks of `shapes` are built: a title, a header, prepared rows, and parts changed by hand."""

import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side

NAMES = ("序号", "姓名", "身份证号", "住址", "电话", "金额")
Sheet = Any
FOOT = {("登记表", "F9"): "=SUM(F3:F8)"}


@dataclass
class Shape:
    """A workbook. `formulas` are those that read differently once three rows more were put in: (sheet, cell as it
    stands then) → formula. `numbers` are the letters of number columns, `computed` those of formulas."""

    path: Path
    formulas: Mapping[tuple[str, str], str] = field(default_factory=dict)
    numbers: str = "F"
    computed: str = ""
    letters: str = "BCDEF"
    prepared: int = 3
    sheet: str = ""


def started(
    title: str = "社区居民登记表", names: tuple[str, ...] = NAMES, rows: int = 3
) -> tuple[Workbook, Sheet]:
    """Return a book with a title in row 1, a header in row 2 and prepared rows from row 3 on."""
    book = Workbook()
    sheet = book.active
    sheet.title = "登记表"
    sheet["A1"] = title
    sheet["A1"].font = Font(name="方正小标宋简体", size=20)
    sheet["A1"].alignment = Alignment(horizontal="center")
    sheet.merge_cells(start_row=1, end_row=1, start_column=1, end_column=len(names))
    thin = Border(*[Side("thin")] * 4)
    for column, name in enumerate(names, start=1):
        cell = sheet.cell(2, column, name)
        cell.font, cell.border = Font(bold=True), thin
        cell.fill = PatternFill("solid", fgColor="DDEBF7")
    for row in range(3, 3 + rows):
        sheet.row_dimensions[row].height = 21.5
        for column in range(1, len(names) + 1):
            cell = sheet.cell(row, column)
            cell.border = thin
            cell.number_format = {3: "@", 6: "#,##0.00"}.get(column, "General")
    return book, sheet


def saved(book: Workbook, folder: Path, name: str = "form.xlsx") -> Path:
    path = folder / name
    book.save(path)
    return path


def remade(
    path: Path, change: Mapping[str, Callable[[bytes], bytes]], more: Mapping[str, bytes] | None = None
) -> None:
    """Write a package anew with some parts changed and others added."""
    out = BytesIO()
    with zipfile.ZipFile(path) as was, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as now:
        for name in was.namelist():
            now.writestr(name, change.get(name, bytes)(was.read(name)))
        for name, content in (more or {}).items():
            now.writestr(name, content)
    path.write_bytes(out.getvalue())


def raw_sheet(path: Path, change: Callable[[bytes], bytes]) -> None:
    remade(path, {"xl/worksheets/sheet1.xml": change})


def footed(sheet: Sheet, row: int = 6) -> None:
    sheet.cell(row, 1, "合计").font = Font(bold=True)
    sheet.cell(row, 6, f"=SUM(F3:F{row - 1})").number_format = "#,##0.00"
