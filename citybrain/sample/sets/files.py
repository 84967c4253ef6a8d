"""How the agencies hand their data over: CSV in several encodings, Excel with titles, JSON lines, Parquet."""

import zlib
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile

import orjson
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet
from openpyxl import Workbook
from openpyxl.utils import get_column_letter

from citybrain.base.catalogue.shape import Shape

MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
MANY, FEW = 30_000, 3_000
"""Above the first a set comes as Parquet, below the second it may come as Excel."""


def way_of(code: str, rows: int) -> str:
    """Return how a set is handed over: parquet, xlsx, csv, csv_gb18030 or jsonl; always the same for a set's size."""
    if rows > MANY:
        return "parquet"
    ways = ("csv", "csv_gb18030", "jsonl", "csv") + (("xlsx", "xlsx") if rows <= FEW else ())
    return ways[zlib.crc32(code.encode()) % len(ways)]


def write(folder: Path, code: str, title: str, shape: Shape, table: pa.Table) -> Path:
    """Write a set of text columns into `folder`; return the file. An older one of the same name is replaced whole."""
    way = way_of(code, table.num_rows)
    path = folder / f"{code}.{'csv' if way.startswith('csv') else way}"
    part = path.with_name(f".{path.name}.part")
    if way == "parquet":
        pa_parquet.write_table(table, part, compression="zstd")
    elif way == "xlsx":
        _excel(part, title, shape, table)
    elif way == "jsonl":
        part.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in table.to_pylist()))
    else:
        _csv(part, shape, table, "gb18030" if way == "csv_gb18030" else "utf-8-sig")
    part.replace(path)
    return path


def _headed(shape: Shape, table: pa.Table) -> list[str]:
    return [shape.field(name).zh for name in table.column_names]


def _csv(path: Path, shape: Shape, table: pa.Table, encoding: str) -> None:
    sink = pa.BufferOutputStream()
    pa_csv.write_csv(table.rename_columns(_headed(shape, table)), sink)
    path.write_bytes(sink.getvalue().to_pybytes().decode("utf-8").encode(encoding))


def _excel(path: Path, title: str, shape: Shape, table: pa.Table) -> None:
    """A title row above the header, as such sheets have."""
    whole, empty = BytesIO(), Workbook(write_only=True)
    empty.create_sheet(title[:31])
    empty.save(whole)
    rows = zip(*(table.column(name).to_pylist() for name in table.column_names), strict=True)
    with ZipFile(whole) as before, ZipFile(path, "w", ZIP_DEFLATED, compresslevel=1) as book:
        for one in before.infolist():
            sheet = one.filename == "xl/worksheets/sheet1.xml"
            book.writestr(
                one.filename, _sheet([(title,), _headed(shape, table), *rows]) if sheet else before.read(one)
            )


def _sheet(rows: Sequence[Sequence[str | None]]) -> str:
    """Return a sheet of texts as SpreadsheetML: a tenth of what openpyxl takes to write it cell by cell."""
    told = (
        f'<row r="{number}">{"".join(_cell(number, column, text) for column, text in enumerate(row, 1) if text)}</row>'
        for number, row in enumerate(rows, start=1)
    )
    return f'<worksheet xmlns="{MAIN}"><sheetData>{"".join(told)}</sheetData></worksheet>'


def _cell(row: int, column: int, text: str) -> str:
    place = f"{get_column_letter(column)}{row}"
    return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{escape(text)}</t></is></c>'
