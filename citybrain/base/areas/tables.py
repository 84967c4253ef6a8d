"""Rows of areas out of a CSV or Excel file of one's own: encoding, header and cells, no rules about areas.

The header may be Chinese or English and may stand below a title; blank rows are skipped.
"""

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from citybrain.base.areas.errors import FileError

MOST_BYTES = 60_000_000
MOST_BYTES_UNPACKED = 600_000_000
MOST_ROWS = 1_000_000
HEADER_WITHIN = 20

_HEADERS: dict[str, tuple[str, ...]] = {
    "code": (
        "代码", "编码", "区划代码", "区划编码", "行政区划代码", "统计用区划代码", "区域代码", "区域编码",
        "网格编码", "网格代码", "社区代码", "社区编码", "街道代码", "code", "areacode", "adcode", "gridcode",
    ),
    "name": (
        "名称", "区划名称", "行政区划名称", "单位名称", "区域名称", "网格名称", "社区名称", "街道名称",
        "name", "areaname", "gridname", "namezh",
    ),
    "parent": ("上级代码", "上级编码", "父级代码", "上级区划代码", "所属代码", "上级", "parent", "parentcode"),
    "level": ("级别", "层级", "行政级别", "区划级别", "level"),
    "name_en": ("英文名", "英文名称", "english", "englishname", "nameen"),
    "valid_from": ("生效日期", "启用日期", "validfrom", "since"),
}  # fmt: skip
_FIELD_OF = {header: field for field, headers in _HEADERS.items() for header in headers}

Cells = Sequence[object]


@dataclass(frozen=True, slots=True)
class AreaRow:
    """One row as it came, blanks trimmed. `line` is the row's number in its file, from 1; empty text: not given."""

    line: int
    code: str
    name: str
    parent: str = ""
    level: str = ""
    name_en: str = ""
    valid_from: str = ""


def read_table(path: Path) -> list[AreaRow]:
    """Return the rows of a .csv, .tsv, .txt or .xlsx file.

    Text may be UTF-8 (with BOM or not), UTF-16 with BOM or GB18030.

    Raises FileError for another form, a file too large, or one without a header naming code and name.
    """
    try:
        size = path.stat().st_size
    except OSError as error:
        raise FileError(f"{path}: {error.strerror or error}") from None
    if size > MOST_BYTES:
        raise FileError(f"{path.name}: {size:,} bytes, at most {MOST_BYTES:,} are read; split the file")
    return parse_table(path.read_bytes(), path.name)


def parse_table(data: bytes, name: str) -> list[AreaRow]:
    """Return the rows of a file's bytes; `name` tells its form by its ending. Raises FileError."""
    ending = Path(name).suffix.lower()
    if data[:2] == b"PK" and ending in {".xlsx", ".xlsm"}:
        return _first_with_header(_sheets(data, name), name)
    if data[:4] == b"\xd0\xcf\x11\xe0" or ending == ".xls":
        raise FileError(f"{name}: the old .xls form is not read; save it as .xlsx or .csv")
    if ending in {".csv", ".tsv", ".txt"}:
        return _first_with_header([_lines(decode(data, name))], name)
    raise FileError(f"{name}: not a CSV or .xlsx file")


def decode(data: bytes, name: str) -> str:
    """Return text of UTF-8, UTF-16 with BOM, or GB18030 bytes; raises FileError."""
    marked = data[:2] in {b"\xff\xfe", b"\xfe\xff"}
    order = ["utf-16"] if marked else ["utf-8-sig", "gb18030"]
    for encoding in order:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise FileError(f"{name}: neither UTF-8 nor GB18030; save it as UTF-8")


def _lines(text: str) -> Iterator[Cells]:
    head = text[:4096]
    delimiter = max(",;\t", key=head.count)
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    except csv.Error as error:
        raise FileError(f"not readable as CSV: {error}") from None


def _sheets(data: bytes, name: str) -> Iterator[Iterable[Cells]]:
    """Yield each sheet's rows; a workbook that unpacks to too much is refused before it is read."""
    import openpyxl

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            unpacked = sum(entry.file_size for entry in packed.infolist())
        if unpacked > MOST_BYTES_UNPACKED:
            raise FileError(
                f"{name}: unpacks to {unpacked:,} bytes, at most {MOST_BYTES_UNPACKED:,} are read"
            )
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    except (zipfile.BadZipFile, KeyError, ValueError, OSError, SyntaxError) as error:
        raise FileError(f"{name}: not a readable .xlsx workbook ({error})") from None
    for sheet in book.worksheets:
        yield _sheet_rows(sheet.iter_rows(values_only=True), name)


def _sheet_rows(rows: Iterable[Cells], name: str) -> Iterator[Cells]:
    """Yield the rows; a sheet is only unpacked while it is read, so that it can still turn out to be broken."""
    try:
        yield from rows
    except (zipfile.BadZipFile, KeyError, ValueError, OSError, SyntaxError) as error:
        raise FileError(f"{name}: not a readable .xlsx workbook ({error})") from None


def _first_with_header(sheets: Iterable[Iterable[Cells]], name: str) -> list[AreaRow]:
    seen: list[str] = []
    for sheet in sheets:
        rows = enumerate(sheet, 1)
        for line, cells in rows:
            columns = _header(cells)
            if {"code", "name"} <= columns.keys():
                return list(_body(rows, columns, name))
            if len(seen) < 3 and any(map(_text, cells)):
                seen.append(" | ".join(filter(None, map(_text, cells)))[:80])
            if line >= HEADER_WITHIN:
                break
    raise FileError(
        f"{name}: no header found in the first {HEADER_WITHIN} rows; a column 代码 (code) and a column"
        f" 名称 (name) are needed; the file begins: {' / '.join(seen) or 'with nothing'}"
    )


def _header(cells: Cells) -> dict[str, int]:
    """Return the column of each field that the row names; the first of two alike counts."""
    columns: dict[str, int] = {}
    for place, cell in enumerate(cells):
        key = "".join(char for char in _text(cell).lower() if char not in " _-\u3000\ufeff*")
        field = _FIELD_OF.get(key)
        if field:
            columns.setdefault(field, place)
    return columns


def _body(rows: Iterator[tuple[int, Cells]], columns: dict[str, int], name: str) -> Iterator[AreaRow]:
    count = 0
    for line, cells in rows:
        texts = {field: _text(cells[place]) if place < len(cells) else "" for field, place in columns.items()}
        if not any(texts.values()):
            continue
        count += 1
        if count > MOST_ROWS:
            raise FileError(f"{name}: more than {MOST_ROWS:,} rows; split the file")
        yield AreaRow(line, **texts)


def _text(cell: object) -> str:
    """Return a cell as text: whole numbers without a point, dates as ISO, nothing as empty."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    return str(cell).strip().strip("'\u3000")
