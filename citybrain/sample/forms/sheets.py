"""The Excels that the made-up city's offices send: title, header of two rows, units, choices, as such forms look."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from openpyxl import Workbook
from openpyxl.styles import Alignment, Border, Font, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

EMPTY_ROWS = 12


@dataclass(frozen=True)
class Asked:
    """A column: its heading below its group's, what it asks for, and what may be written."""

    name: str
    group: str = ""
    field: str = ""
    width: int = 12
    options: tuple[str, ...] = ()
    required: bool = False


def write(path: Path, title: str, columns: Sequence[Asked], note: str) -> Path:
    """Write the form as a workbook and return where it lies."""
    book = Workbook()
    book.remove(book.worksheets[0])
    sheet = book.create_sheet("Sheet1")
    count = len(columns)
    last = get_column_letter(count)
    thin = Side(style="thin")
    middle = Alignment(horizontal="center", vertical="center", wrap_text=True)
    sheet.merge_cells(f"A1:{last}1")
    sheet["A1"] = title
    sheet["A1"].font, sheet["A1"].alignment = Font(size=18, bold=True), middle
    sheet["A2"] = note
    sheet.merge_cells(f"A2:{last}2")
    for at, column in enumerate(columns, 1):
        letter = get_column_letter(at)
        sheet.column_dimensions[letter].width = column.width
        first = at == 1 or columns[at - 2].group != column.group
        if not column.group:
            sheet.merge_cells(f"{letter}3:{letter}4")
            sheet[f"{letter}3"] = column.name
        else:
            if first:
                span = sum(1 for one in columns if one.group == column.group)
                sheet.merge_cells(f"{letter}3:{get_column_letter(at + span - 1)}3")
                sheet[f"{letter}3"] = column.group
            sheet[f"{letter}4"] = column.name
        if column.options:
            choice = DataValidation(type="list", formula1=f'"{",".join(column.options)}"', allow_blank=True)
            sheet.add_data_validation(choice)
            choice.add(f"{letter}5:{letter}{4 + EMPTY_ROWS}")
    for row in sheet.iter_rows(min_row=3, max_row=4 + EMPTY_ROWS, max_col=count):
        for cell in row:
            cell.border = Border(left=thin, right=thin, top=thin, bottom=thin)
            if row[0].row in {3, 4}:
                cell.font, cell.alignment = Font(bold=True), middle
    sheet.print_title_rows = "3:4"
    sheet.page_setup.orientation = "landscape"
    book.save(path)
    return path
