"""Reports as files: Word for who reads them, Excel for who counts on. No macro, no formula, no link."""

import io
from typing import Any, Final

from django.utils.translation import gettext as _

from citybrain.hub.hotline.models.report import HotlineReport
from citybrain.hub.hotline.reports.tables import Table, Value, heading, tables

FONT: Final = "宋体"
_BAD_SHEET = str.maketrans(dict.fromkeys("[]:*?/\\", "-"))
_CONTROLS = str.maketrans(dict.fromkeys([*range(9), 11, 12, *range(14, 32)]))


def document(report: HotlineReport) -> bytes:
    """Return the report as .docx: a title, and a table under each heading; headings and rows for screen readers."""
    from docx import Document
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.oxml.ns import qn
    from docx.shared import Pt

    made = Document()
    style = made.styles["Normal"]
    style.font.size, style.font.name = Pt(10.5), FONT
    style.element.rPr.rFonts.set(qn("w:eastAsia"), FONT)
    title, line = heading(report)
    made.core_properties.title = title
    made.core_properties.author = ""
    made.add_heading(_clean(title), 0).alignment = WD_ALIGN_PARAGRAPH.CENTER
    made.add_paragraph(_clean(line))
    for table in tables(report):
        made.add_heading(_clean(table.title), 1)
        _add(made, table)
    held = io.BytesIO()
    made.save(held)
    return held.getvalue()


def _add(made: Any, table: Table) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH

    if not table.rows:
        made.add_paragraph(_("本期没有数据。"))
        return
    grid = made.add_table(rows=1, cols=len(table.columns))
    grid.style = "Table Grid"
    for cell, name in zip(grid.rows[0].cells, table.columns, strict=True):
        cell.paragraphs[0].add_run(_clean(name)).bold = True
    for row in table.rows:
        for at, (cell, value) in enumerate(zip(grid.add_row().cells, row, strict=True)):
            cell.text = _shown(value, at in table.shares)
            if isinstance(value, int | float):
                cell.paragraphs[0].alignment = WD_ALIGN_PARAGRAPH.RIGHT
    if table.note:
        made.add_paragraph(_clean(table.note))


def sheet(report: HotlineReport) -> bytes:
    """Return the report as .xlsx, a sheet for each table; shares are numbers with a format."""
    from openpyxl import Workbook
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book = Workbook()
    book.remove(book.worksheets[0])
    title, line = heading(report)
    for table in tables(report):
        page: Any = book.create_sheet(table.title.translate(_BAD_SHEET)[:31])
        page.append([_safe(title)])
        page.append([_safe(line)])
        page.append([_safe(name) for name in table.columns])
        for row in table.rows:
            page.append([_safe(value) for value in row])
        page["A1"].font = Font(bold=True, size=14)
        for cell in page[3]:
            cell.font = Font(bold=True)
        page.freeze_panes = "A4"
        page.column_dimensions["A"].width = 28
        for column in table.shares:
            page.column_dimensions[get_column_letter(column + 1)].width = 14
            for cell in page[get_column_letter(column + 1)][3:]:
                cell.number_format = "0.0%"
    held = io.BytesIO()
    book.save(held)
    return held.getvalue()


def _clean(text: str) -> str:
    return text.translate(_CONTROLS)


def _safe(value: Value) -> Value:
    """Return a cell's value; a text that a spreadsheet would take for a formula is marked as text."""
    if not isinstance(value, str):
        return value
    text = _clean(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _shown(value: Value, is_share: bool) -> str:
    if value is None:
        return "—"
    return f"{value:.1%}" if is_share and isinstance(value, int | float) else _clean(str(value))
