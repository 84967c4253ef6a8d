"""A zoo of bad files, made anew for each test: what suppliers really send."""

import gzip
import io
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.worksheet.worksheet import Worksheet

PEOPLE = "姓名,身份证号,登记日期\n张三,11010519491231002X,2024-01-05\n李四,34052419800101001X,2024-02-29\n"
TWO = [("张三", "11010519491231002X", "2024-01-05"), ("李四", "34052419800101001X", "2024-02-29")]
NAMES = ("姓名", "身份证号", "登记日期")


def put(folder: Path, name: str, content: bytes | str) -> Path:
    """Write a file; a text goes as UTF-8."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def sheet(
    folder: Path, name: str, rows: list[list[Any]], merge: tuple[str, ...] = (), **sheets: list[list[Any]]
) -> Path:
    """Write a workbook: the first sheet's rows, its merged cells, and further sheets by name."""
    book = openpyxl.Workbook()
    first: Worksheet = book.worksheets[0]
    first.title = "数据"
    for row in rows:
        first.append(row)
    for span in merge:
        first.merge_cells(span)
    for title, more in sheets.items():
        other: Worksheet = book.create_sheet(title)
        for row in more:
            other.append(row)
    path = folder / name
    buffer = io.BytesIO()
    book.save(buffer)
    path.write_bytes(buffer.getvalue())
    return path


def zipped(folder: Path, name: str, members: dict[str, bytes]) -> Path:
    """Write a zip file."""
    path = folder / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    return path


def bomb(folder: Path) -> Path:
    """Write a gz that unpacks a thousandfold."""
    path = folder / "bomb.csv.gz"
    with gzip.open(path, "wb") as out:
        for _ in range(96):
            out.write(b"0" * (1 << 20))
    return path


def rows_of(reading: Any) -> list[tuple[str | None, ...]]:
    """Return all rows a reading gives."""
    return reading.plan.sample(1_000_000)
