"""Rosters of people as offices keep them: an Excel or CSV file read into rows, and the template to fill in.

Reading only: what a row means and whether it may be done is decided by `actions.imports`.
"""

import csv
import io
import re
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from django.utils.translation import gettext as _

from citybrain.base.identity.errors import refuse

MOST_BYTES = 10_000_000
MOST_UNPACKED_BYTES = 200_000_000
MOST_ROWS = 20_000
HEADER_WITHIN = 10  # rows that may stand above the header (a title, a note)

COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "name": ("姓名", "name"),
    "login": ("登录名", "账号", "用户名", "login"),
    "phone": ("手机号", "手机号码", "手机", "联系电话", "phone"),
    "agency": ("单位", "所属单位", "单位名称", "agency"),
    "role": ("角色", "role"),
    "area": ("区域代码", "区划代码", "area"),
    "valid_from": ("生效日期", "valid_from"),
    "valid_until": ("失效日期", "valid_until"),
}
NEEDED = ("name", "login", "agency")
DATE = re.compile(r"(\d{4})[-/.年]?(\d{1,2})[-/.月]?(\d{1,2})日?")


@dataclass(frozen=True, slots=True)
class RosterRow:
    """One row as text, by the number it has in the file (the header counts)."""

    number: int
    name: str = ""
    login: str = ""
    phone: str = ""
    agency: str = ""
    role: str = ""
    area: str = ""
    valid_from: str = ""
    valid_until: str = ""


def read_roster(content: bytes, file_name: str) -> list[RosterRow]:
    """Return the filled rows of a .xlsx (first sheet) or .csv (UTF-8 or GB 18030) file, in their order.

    Raises Refused for a file that is no table, is too large, or lacks a needed column.
    """
    return list(_rows(table_lines(content, file_name)))


def table_lines(content: bytes, file_name: str) -> Iterator[Sequence[Any]]:
    """Return the lines of a .xlsx (first sheet) or .csv (UTF-8 or GB 18030) file; `cell_text` reads their cells.

    Raises Refused for a file that is no table or is too large.
    """
    if len(content) > MOST_BYTES:
        raise refuse("file", _("文件超过 %(size)d MB。") % {"size": MOST_BYTES // 1_000_000})
    is_excel = content[:2] == b"PK"
    if not is_excel and file_name.lower().endswith((".xls", ".xlsx")):
        raise refuse("file", _("无法读取该文件，请另存为 .xlsx 或 .csv 后再导入。"))
    return _excel_lines(content) if is_excel else _csv_lines(content)


def _excel_lines(content: bytes) -> Iterator[Sequence[Any]]:
    import openpyxl

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            unpacked = sum(part.file_size for part in packed.infolist())
        if unpacked > MOST_UNPACKED_BYTES:
            raise refuse("file", _("文件展开后过大。"))
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    except (zipfile.BadZipFile, KeyError, OSError, SyntaxError) as broken:
        raise refuse("file", _("无法读取该文件，请另存为 .xlsx 或 .csv 后再导入。")) from broken
    yield from book.worksheets[0].iter_rows(
        values_only=True, max_row=MOST_ROWS + HEADER_WITHIN + 2, max_col=40
    )


def _csv_lines(content: bytes) -> Iterator[Sequence[str]]:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" in text:
            break
        yield from csv.reader(io.StringIO(text, newline=""))
        return
    raise refuse("file", _("无法识别文件的编码，请另存为 UTF-8 编码的 .csv 或 .xlsx。"))


def _rows(lines: Iterable[Sequence[Any]]) -> Iterator[RosterRow]:
    places: dict[str, int] | None = None
    found = 0
    for number, line in enumerate(lines, start=1):
        cells = [cell_text(cell) for cell in line]
        if places is None:
            places = _header(cells, number)
            continue
        values = {name: cells[place] for name, place in places.items() if place < len(cells)}
        if not any(values.values()):
            continue
        found += 1
        if found > MOST_ROWS:
            raise refuse("file", _("一次最多导入 %(rows)d 行，请分成几个文件。") % {"rows": MOST_ROWS})
        yield RosterRow(number, **values)
    if places is None:
        raise refuse("file", _("文件里没有表头。请使用模板。"))


def _header(cells: list[str], number: int) -> dict[str, int] | None:
    """Return the place of each column when this is the header; None while it may still come."""
    bare = [cell.strip("* ").lower() for cell in cells]
    places = {
        name: bare.index(title) for name, titles in COLUMNS.items() for title in titles[::-1] if title in bare
    }
    if "name" in places and "login" in places:
        missing = [COLUMNS[name][0] for name in NEEDED if name not in places]
        if missing:
            raise refuse("file", _("缺少列：%(columns)s。请使用模板。") % {"columns": "、".join(missing)})
        return places
    if number >= HEADER_WITHIN:
        raise refuse("file", _("前 %(rows)d 行里没有“姓名”“登录名”表头。请使用模板。") % {"rows": number})
    return None


def cell_text(cell: object) -> str:
    """Return a cell as an office means it: 13800000000.0 as 13800000000, a date as 2026-01-31."""
    if cell is None:
        return ""
    if isinstance(cell, datetime | date):
        return cell.strftime("%Y-%m-%d")
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return unicodedata.normalize("NFKC", str(cell)).strip()


def parse_day(text: str, field: str) -> date | None:
    """Return the day meant by 2026-01-31, 2026/1/31, 2026年1月31日 or 20260131; None for nothing.

    Raises Refused for anything else, and for days that don't exist.
    """
    if not text:
        return None
    match = DATE.fullmatch(text.split(" ")[0])
    if match:
        try:
            return date(*(int(part) for part in match.groups()))
        except ValueError:
            pass
    raise refuse(field, _("“%(value)s”不是日期，请写成 2026-01-31 的样子。") % {"value": text})
