"""Old workbooks (.xls) as offices still send them."""

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xlwt

from citybrain.hub.forms.book.xls import container
from citybrain.hub.forms.tests.shaping import NAMES, Shape


def old(names: tuple[str, ...] = NAMES, rows: int = 3) -> tuple[Any, Any]:
    """Return an old book with title, header and prepared rows as `started`."""
    book = xlwt.Workbook(encoding="utf-8")
    sheet = book.add_sheet("登记表", cell_overwrite_ok=True)
    head = xlwt.easyxf(
        "font: bold on, name 宋体; borders: left thin; pattern: pattern solid, fore_colour ice_blue"
    )
    sheet.write_merge(
        0, 0, 0, len(names) - 1, "社区居民登记表", xlwt.easyxf("font: height 400; align: horiz center")
    )
    for column, name in enumerate(names):
        sheet.write(1, column, name, head)
    for row in range(2, 2 + rows):
        sheet.row(row).height = 430
        for column in range(len(names)):
            code = {2: "@", 5: "#,##0.00"}.get(column, "General")
            sheet.write(row, column, None, xlwt.easyxf("borders: left thin", num_format_str=code))
    return book, sheet


def old_saved(book: Any, folder: Path) -> Path:
    path = folder / "form.xls"
    book.save(str(path))
    return path


def old_plain(folder: Path) -> Shape:
    return Shape(old_saved(old()[0], folder))


def old_two_headers(folder: Path) -> Shape:
    book, sheet = old(("序号", "姓名", "身份证号", "住址", "电话", "金额"), rows=0)
    book = xlwt.Workbook(encoding="utf-8")
    sheet = book.add_sheet("登记表", cell_overwrite_ok=True)
    sheet.write_merge(0, 0, 0, 5, "登记表")
    for column, name in ((0, "序号"), (1, "姓名"), (4, "电话"), (5, "金额")):
        sheet.write_merge(1, 2, column, column, name)
    sheet.write_merge(1, 1, 2, 3, "住址")
    sheet.write(2, 2, "小区")
    sheet.write(2, 3, "门牌")
    for row in (3, 4, 5):
        for column in range(6):
            sheet.write(row, column, None, xlwt.easyxf("borders: left thin"))
    return Shape(old_saved(book, folder))


def old_totals(folder: Path) -> Shape:
    book, sheet = old((*NAMES, "累计"))
    for row in (3, 4, 5):
        sheet.write(row - 1, 6, xlwt.Formula(f"SUM(F$3:F{row})"), xlwt.easyxf("font: italic on"))
    sheet.write(5, 0, "合计")
    sheet.write(5, 5, xlwt.Formula("SUM(F3:F5)"))
    sheet.write_merge(6, 6, 0, 6, "填表人：")
    moved = {
        ("登记表", "F9"): "SUM(F3:F8)",
        **{("登记表", f"G{row}"): f"SUM(F$3:F{row})" for row in (6, 7, 8)},
    }
    return Shape(old_saved(book, folder), moved, computed="G")


def old_hidden(folder: Path) -> Shape:
    book, sheet = old()
    other = book.add_sheet("字典")
    other.visibility = 1
    other.write(0, 0, xlwt.Formula("SUM(登记表!F3:F5)+登记表!F6"))
    other.write(1, 0, "男")
    sheet.write(5, 0, "合计")
    sheet.write(5, 5, xlwt.Formula("SUM(F3:F5)"))
    sheet.protect, sheet.password = True, "1"
    sheet.panes_frozen, sheet.horz_split_pos = True, 2
    moved = {("登记表", "F9"): "SUM(F3:F8)", ("字典", "A1"): "SUM(登记表!F3:F8)+登记表!F9"}
    return Shape(old_saved(book, folder), moved)


def old_merged(folder: Path) -> Shape:
    book, sheet = old(rows=0)
    sheet.write(2, 0, "")
    for row in (2, 3, 4):
        sheet.write_merge(row, row, 3, 4, None, xlwt.easyxf("borders: left thin"))
        for column in (1, 2, 5):
            sheet.write(row, column, None)
    return Shape(old_saved(book, folder), letters="BCDF")


def old_many_texts(folder: Path) -> Shape:
    book, _ = old()
    other = book.add_sheet("长文")
    for row in range(400):
        other.write(row, 0, f"第{row}条 " + "一二三四五六七八九十" * (row % 60))
    other.write_rich_text(400, 0, [("红", xlwt.easyfont("colour red")), ("黑", xlwt.easyfont("bold on"))])
    return Shape(old_saved(book, folder))


def old_macro(folder: Path) -> Shape:
    path = old_saved(old()[0], folder)
    path.write_bytes(
        with_storage(path.read_bytes(), "_VBA_PROJECT_CUR", {"dir": b"x" * 100, "VBA": b"y" * 9000})
    )
    return Shape(path)


def old_dated(folder: Path) -> Shape:
    book, sheet = old()
    for row in (2, 3, 4):
        sheet.write(row, 4, None, xlwt.easyxf("", num_format_str="yyyy-mm-dd"))
    return Shape(old_saved(book, folder))


def old_dated_1904(folder: Path) -> Shape:
    book, sheet = old()
    book.dates_1904 = True
    for row in (2, 3, 4):
        sheet.write(row, 4, None, xlwt.easyxf("", num_format_str="yyyy\\年m\\月d\\日"))
    return Shape(old_saved(book, folder))


def with_storage(content: bytes, name: str, streams: Mapping[str, bytes]) -> bytes:
    """Return a compound file with a storage of streams beside its others, as a workbook with macros has it."""
    file = container.read(content)

    def entry(name: str, kind: int, left: int, right: int, child: int) -> bytes:
        raw = name.encode("utf-16-le") + b"\0\0"
        return (
            raw.ljust(64, b"\0")
            + struct.pack("<HBB3I", len(raw), kind, 1, left, right, child)
            + (bytes(range(16)) + b"\0" * 20 + struct.pack("<IQ", 0, 0))
        )

    none = container.NONE
    at = len(file.entries)
    file.entries.append(entry(name, 1, none, none, at + 1))
    for i, (stream, content_) in enumerate(streams.items(), start=1):
        last = i == len(streams)
        file.entries.append(entry(stream, 2, none, none if last else at + i + 1, none))
        file.streams[at + i] = content_
    while len(file.entries) % 4:
        file.entries.append(b"\0" * 68 + b"\xff" * 12 + b"\0" * 48)
    root = struct.unpack_from("<I", file.entries[0], 76)[0]
    first = bytearray(file.entries[root])
    struct.pack_into("<I", first, 68, at)
    file.entries[root] = bytes(first)
    return container.written(file, {})
