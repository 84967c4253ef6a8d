"""What follows when rows are put into an .xls: lists, formats, comments, links, shapes, charts, shared formulas."""

import struct
from pathlib import Path

import pytest

from citybrain.base.exchange.reading import Limits
from citybrain.hub.forms.book import NotTaken, write
from citybrain.hub.forms.book.xls import cells, container
from citybrain.hub.forms.book.xls.records import Book, Record
from citybrain.hub.forms.book.xls.tokens import Unknown, copied, tokens, unshared
from citybrain.hub.forms.columns import Asks
from citybrain.hub.forms.tests import shapes
from citybrain.hub.forms.tests.test_shapes import Told, rows_of, sheets_of, table_of

DV, CONDFMT, CF, NOTE, HLINK, BREAKS, DRAWING, PIVOT, CHART = (
    0x01BE, 0x01B0, 0x01B1, 0x001C, 0x01B8, 0x001B, 0x00EC, 0x00B0, 0x1051,
)  # fmt: skip
LIST = b"\x25" + struct.pack("<HHHH", 2, 4, 5, 5)  # $F$3:$F$5
BELOW = b"\x24" + struct.pack("<HH", 5, 5)  # $F$6
RELATIVE = b"\x2c" + struct.pack("<HH", 3, 0x8005)  # $F6 seen from row 3
EMPTY = b"\x01\x00\x00\x00"


def ranges(*told: tuple[int, int, int, int]) -> bytes:
    return struct.pack("<H", len(told)) + b"".join(struct.pack("<HHHH", *one) for one in told)


def validation(first: bytes, second: bytes, *where: tuple[int, int, int, int]) -> bytes:
    def part(raw: bytes) -> bytes:
        return struct.pack("<HH", len(raw), 0) + raw

    return struct.pack("<I", 3) + EMPTY * 4 + part(first) + part(second) + ranges(*where)


def with_records(
    path: Path, told: list[Record], change: dict[tuple[int, int], list[Record]] | None = None
) -> None:
    """Put records behind the cells of a workbook's first sheet, and others in the place of cells."""
    book = Book(path, Limits())
    at = book.tabs[0].at
    sheet = cells.grid(book.parts[at])
    sheet.after[-1:-1] = told
    for (row, column), records in (change or {}).items():
        cell = sheet.cell(row, column)
        assert cell is not None
        cell.told = records
    path.write_bytes(book.written({at: sheet.raw()}, [], 0))


def grown(shape: shapes.Shape, folder: Path) -> list[Told]:
    out = write(table_of(shape, folder), rows_of(shape, shape.prepared + 3))
    assert out.added == 3
    return sheets_of(out.content)[1]


def test_lists_formats_comments_links_breaks_and_shapes_follow(tmp_path: Path) -> None:
    shape = shapes.old_totals(tmp_path)
    anchor = b"\x00\x00\x10\xf0\x12\x00\x00\x00" + struct.pack("<9H", 2, 1, 0, 7, 0, 3, 0, 9, 0)
    with_records(
        shape.path,
        [
            Record(DRAWING, b"head" + anchor),
            Record(NOTE, struct.pack("<HHHHH", 5, 5, 0, 1, 0)),
            Record(HLINK, struct.pack("<HHHH", 6, 6, 0, 0) + b"rest"),
            Record(DV, validation(LIST, b"", (2, 4, 4, 4))),
            Record(DV, validation(RELATIVE, BELOW, (2, 4, 1, 1), (6, 6, 0, 0))),
            Record(CONDFMT, struct.pack("<HH4H", 1, 1, 2, 4, 5, 5) + ranges((2, 4, 5, 5))),
            Record(CF, struct.pack("<BBHH", 2, 0, len(RELATIVE), len(BELOW)) + b"style!" + RELATIVE + BELOW),
            Record(BREAKS, struct.pack("<HHHH", 1, 6, 0, 255)),
        ],
    )
    told = {}
    for op, data in grown(shape, tmp_path)[0]:
        told.setdefault(op, []).append(data)
    moved_list = b"\x25" + struct.pack("<HHHH", 2, 7, 5, 5)
    moved_below = b"\x24" + struct.pack("<HH", 8, 5)
    moved_relative = b"\x2c" + struct.pack("<HH", 6, 0x8005)
    assert told[DV] == [
        validation(moved_list, b"", (2, 7, 4, 4)),
        validation(moved_relative, moved_below, (2, 7, 1, 1), (9, 9, 0, 0)),
    ]
    assert told[CONDFMT] == [struct.pack("<HH4H", 1, 1, 2, 7, 5, 5) + ranges((2, 7, 5, 5))]
    assert told[CF][0].endswith(b"style!" + moved_relative + moved_below)
    assert told[NOTE] == [struct.pack("<HHHHH", 8, 5, 0, 1, 0)]
    assert told[HLINK] == [struct.pack("<HHHH", 9, 9, 0, 0) + b"rest"]
    assert told[BREAKS][-1] == struct.pack("<HHHH", 1, 9, 0, 255)
    assert told[DRAWING][0].endswith(struct.pack("<9H", 2, 1, 0, 10, 0, 3, 0, 12, 0))


def test_a_shared_formula_becomes_each_cells_own(tmp_path: Path) -> None:
    shape = shapes.old_totals(tmp_path)
    twice = b"\x4c" + struct.pack("<HH", 0, 0xC0FF) + b"\x1e\x02\x00\x05"  # the cell to the left, times 2
    share = Record(0x04BC, struct.pack("<HHBBBBH", 2, 4, 6, 6, 0, 3, len(twice)) + twice)
    change = {}
    for row in (2, 3, 4):
        head = struct.pack("<HHH", row, 6, 20) + b"\0" * 8 + struct.pack("<HI", 0x0008, 0)
        formula = Record(0x0006, head + struct.pack("<H", 5) + b"\x01" + struct.pack("<HH", 2, 6))
        change[row, 6] = [formula, share] if row == 2 else [formula]
    with_records(shape.path, [], change)
    sheet = grown(shape, tmp_path)[0]
    assert not [one for one in sheet if one[0] == 0x04BC]
    formulas = {
        struct.unpack_from("<HH", data): (data[14] & 0x08, data[22:])
        for op, data in sheet
        if op == 0x0006 and struct.unpack_from("<H", data, 2)[0] == 6
    }
    assert formulas == {
        (row, 6): (0, b"\x44" + struct.pack("<HH", row, 0xC005) + b"\x1e\x02\x00\x05") for row in range(2, 8)
    }


def test_a_chart_keeps_showing_the_table(tmp_path: Path) -> None:
    shape = shapes.old_hidden(tmp_path)
    area = b"\x3b" + struct.pack("<HHHHH", 1, 2, 4, 5, 5)
    chart = [
        Record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0020, 0, 0, 0, 0)),
        Record(CHART, struct.pack("<BBHHH", 1, 2, 0, 0, len(area)) + area),
        Record(0x000A, b""),
    ]
    with_records(shape.path, chart)
    found = next(data for op, data in grown(shape, tmp_path)[0] if op == CHART)
    assert found[8:] == b"\x3b" + struct.pack("<HHHHH", 1, 2, 7, 5, 5)


def test_what_can_not_follow_is_refused_with_its_reason(tmp_path: Path) -> None:
    def refused(*told: Record) -> str:
        shape = shapes.old_totals(tmp_path)
        with_records(shape.path, list(told))
        with pytest.raises(NotTaken) as why:
            grown(shape, tmp_path)
        assert (
            write(table_of(shape, tmp_path), rows_of(shape, 3)).added == 0
        )  # the prepared rows can be filled
        return str(why.value)

    assert "数据透视表" in refused(Record(PIVOT, struct.pack("<HHHH", 8, 12, 0, 3)))
    assert "B4:B5 跨出了表格的数据行" in refused(Record(0x00E5, ranges((3, 4, 1, 1))))
    assert "公式无法随插入的行调整" in refused(
        Record(DV, validation(b"\x18\x00\x00\x00\x00\x00", b"", (2, 4, 1, 1)))
    )


def test_tokens_are_walked_to_their_end_or_refused() -> None:
    told = (
        b"\x17\x02\x00ab" b"\x19\x04\x01\x00\x00\x00\x00\x00" b"\x19\x40\x00\x01" b"\x1f" + b"\0" * 8
        + b"\x22\x02\x04\x00" b"\x60" + b"\0" * 7 + b"\x3a\x01\x00\x02\x00\x03\x00"
    )  # fmt: skip
    assert [one.kind for one in tokens(told)] == [0x17, 0x19, 0x19, 0x1F, 0x22, 0x20, 0x3A]
    with pytest.raises(Unknown):
        list(tokens(b"\x18\x01"))
    assert copied(b"\x24" + struct.pack("<HH", 4, 0x8001), 3) == b"\x24" + struct.pack("<HH", 7, 0x8001)
    assert copied(b"\x24" + struct.pack("<HH", 4, 1), 3) == b"\x24" + struct.pack("<HH", 4, 1)
    assert unshared(b"\x2d" + struct.pack("<4H", 0xFFFF, 0, 0xC000, 0x0003), 9, 2) == (
        b"\x25" + struct.pack("<4H", 8, 0, 0xC002, 0x0003)
    )


def test_a_file_with_many_and_large_streams_is_written_whole(tmp_path: Path) -> None:
    shape = shapes.old_plain(tmp_path)
    content = shapes.with_storage(
        shape.path.read_bytes(), "_VBA_PROJECT_CUR", {f"s{i}": bytes([i]) * (i * 997) for i in range(40)}
    )
    content = shapes.with_storage(
        content, "MBD01", {"big": b"z" * 8_000_000}
    )  # beyond what the header can place
    file = container.read(content)
    again = container.read(container.written(file, {}))
    assert again.streams == file.streams
    assert [again.name(at) for at in range(len(again.entries))] == [
        file.name(at) for at in range(len(file.entries))
    ]
    assert {len(one) for one in again.streams.values()} >= {0, 997, 38 * 997, 8_000_000}
    assert struct.unpack_from("<I", content, 72)[0] > 0


def test_long_texts_go_on_over_records(tmp_path: Path) -> None:
    shape = shapes.old_plain(tmp_path)
    known = table_of(shape, tmp_path)
    long = "长" * 32_767
    out = write(known, [{"B": long + "x", "D": "a"}, {"B": "", "D": long}, {"D": "b" * 5_000}])
    path = tmp_path / "long.xls"
    path.write_bytes(out.content)
    from python_calamine import CalamineWorkbook

    rows = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python(skip_empty_area=False)
    assert [(row[1], row[3]) for row in rows[2:5]] == [(long, "a"), ("", long), ("", "b" * 5_000)]
    assert known.columns[1].asks is Asks.ANSWER
