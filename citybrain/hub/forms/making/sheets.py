"""Which sheets of a workbook hold a form: shown ones with a table, not explanations and lists of codes."""

import re
from itertools import islice
from pathlib import Path
from typing import Final

import python_calamine

from citybrain.base.exchange.reading.header import LOOKED_AT, filled, find_header
from citybrain.base.exchange.reading.limits import Limits
from citybrain.base.exchange.reading.report import Unreadable
from citybrain.base.exchange.reading.sheets import calamine, open_sheet
from citybrain.base.exchange.reading.workbook import open_workbook

BESIDE: Final = re.compile(
    r"说明|须知|要求|字典|代码表|代码$|码表|下拉|选项|参数|范例|示例|样表|样例|封面|目录"
)
LOOKED_INTO: Final = 30


def tables(path: Path, work: Path, kind: str, limits: Limits | None = None) -> tuple[str, ...]:
    """Return the names of the sheets that may be the form, in their order.

    Those that are called an explanation or a list of codes count only if nothing else is there. Raises Unreadable.
    """
    limits = limits or Limits()
    shown = _shown(path, kind, limits)[:LOOKED_INTO]
    found = [name for name in shown if _holds_table(path, work, kind, name, limits)]
    return tuple([name for name in found if not BESIDE.search(name)] or found)


def _shown(path: Path, kind: str, limits: Limits) -> list[str]:
    if kind == "xls":
        with calamine():
            old = python_calamine.CalamineWorkbook.from_path(str(path))
            visible = python_calamine.SheetVisibleEnum.Visible
            return [one.name for one in old.sheets_metadata if one.visible == visible]
    book = open_workbook(path, limits)
    with book.archive:
        return [one.name for one in book.sheets if not one.hidden]


def _holds_table(path: Path, work: Path, kind: str, name: str, limits: Limits) -> bool:
    """Return whether a sheet has a header of at least two columns."""
    try:
        opened = open_sheet(path, "xls" if kind == "xls" else "xlsx", work, limits, name)
    except Unreadable as refused:
        if refused.key in {"no_rows", "sheet"}:  # empty, or a sheet of charts
            return False
        raise
    rows = [cells for _number, cells in islice(opened.rows, LOOKED_AT)]
    spans = [(top - 1, left, bottom - 1, right) for top, left, bottom, right in opened.spans]
    if not any(filled(row) > 1 for row in rows):
        return False
    header = find_header(rows, spans=spans)
    return header.last >= header.first and len(header.names) > 1
