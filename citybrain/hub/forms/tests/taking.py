"""A round whose form is a workbook, its sheet taken out and changed as in Excel: what tests of bringing stand on."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from citybrain.hub.forms import book, collecting
from citybrain.hub.forms.making.workbooks import keep, path_of
from citybrain.hub.forms.tests.rounds import COLUMNS, Gathering

Change = Callable[[Worksheet], None]


@pytest.fixture
def gathered(gathering: Gathering, settings: Any, tmp_path: Path) -> Gathering:
    """The round, its form made from a workbook: a title, the header in row 2, rows from 3."""
    settings.HOME = tmp_path / "home"
    made = openpyxl.Workbook()
    sheet = made.worksheets[0]
    sheet.title = "表"
    sheet["A1"] = "社区居民情况表"
    for at, one in enumerate(COLUMNS, 1):
        sheet.cell(2, at, one.name)
    made.save(tmp_path / "form.xlsx")
    version = gathering.round.version
    version.workbook = keep(tmp_path / "form.xlsx", "form.xlsx", "xlsx")
    version.sheet, version.header_first, version.header_last, version.begins = "表", 2, 2, 3
    version.save()
    gathering.opened()
    return gathering


def taken_out(gathering: Gathering, path: Path, change: Change | None = None) -> Path:
    """Take the sheet of 友谊社区 out as its filler does, change it as in Excel, and keep it at the path."""
    sheet = gathering.sheet()
    version = sheet.round.version
    assert version.workbook is not None
    table = book.Table(path_of(version.workbook), "表", 2, 2, 3, version.shape, "xlsx")
    path.write_bytes(book.write(table, collecting.export_rows(gathering.town.leader, sheet)).content)
    if change is not None:
        made = openpyxl.load_workbook(path)
        change(made["表"])
        made.save(path)
    return path


def put(*cells: tuple[str, str, object]) -> Change:
    """Return a change that writes (name in column B, letter, value)."""

    def change(sheet: Worksheet) -> None:
        rows = {sheet.cell(at, 2).value: at for at in range(3, sheet.max_row + 1)}
        for name, letter, value in cells:
            sheet[f"{letter}{rows[name]}"] = value

    return change
