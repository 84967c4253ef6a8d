"""Workbooks as offices send them come back filled, every cell, style, formula and part that wasn't asked for equal."""

import re
import struct
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from openpyxl import load_workbook
from openpyxl.worksheet.formula import ArrayFormula
from python_calamine import CalamineWorkbook

from citybrain.base.exchange.reading.limits import Limits
from citybrain.base.exchange.reading.workbook import open_workbook
from citybrain.hub.forms.book import Table, Written, layout, look, read_rows, write
from citybrain.hub.forms.book.xls import container
from citybrain.hub.forms.columns import Asks, Column
from citybrain.hub.forms.tests import shapes
from citybrain.hub.forms.tests.shapes import Shape

Make = Callable[[Path], Shape]
PUT = 3  # rows more than the form has prepared
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def table_of(shape: Shape, folder: Path) -> Table:
    """Return the form's table as its layout is found."""
    kind = look(shape.path).kind
    found = layout(shape.path, folder, "xls" if kind == "xls" else "xlsx", shape.sheet)
    columns = tuple(
        Column(
            one.letter,
            one.path,
            Asks.SERIAL
            if one.letter == "A"
            else Asks.FORMULA
            if one.letter in shape.computed
            else Asks.ANSWER,
            type="decimal(18,2)" if one.letter in shape.numbers else "varchar(100)",
        )
        for one in found.columns
    )
    return Table(shape.path, found.sheet, found.header_first, found.header_last, found.begins, columns)


def rows_of(shape: Shape, count: int) -> list[dict[str, str]]:
    """Return rows to be written: texts, a number where the column asks one."""
    return [
        {
            letter: str(100 + i) if letter in shape.numbers else f"{letter}{i} 王<&>\U00020bb7"
            for letter in shape.letters
        }
        for i in range(count)
    ]


def parts(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def no_results(xml: bytes) -> bytes:
    """Return a sheet's XML without what its formulas came to, told apart from the code under test."""
    root = ElementTree.fromstring(xml)
    for cell in root.iter(f"{MAIN}c"):
        value = cell.find(f"{MAIN}v")
        if cell.find(f"{MAIN}f") is not None and value is not None and value.text:
            cell.remove(value)
            cell.attrib.pop("t", None)
    return ElementTree.tostring(root)


def without(xml: bytes, cells: set[str]) -> str:
    """Return a sheet's XML in canonical form without some cells."""
    root = ElementTree.fromstring(xml)
    for row in root.iter(f"{MAIN}row"):
        for cell in list(row):
            if cell.get("r") in cells:
                row.remove(cell)
    for row in list(root.iter(f"{MAIN}sheetData"))[0:1]:
        for one in list(row):
            if not len(one) and one.get("r") and set(one.keys()) <= {"r"}:
                row.remove(one)
    return ElementTree.canonicalize(ElementTree.tostring(root))


def written_cells(table: Table, shape: Shape, count: int) -> set[str]:
    letters = [one.letter for one in table.columns if one.letter in shape.letters or one.asks is Asks.SERIAL]
    return {f"{letter}{table.begins + i}" for i in range(count) for letter in letters}


def styles_of(content: bytes, folder: Path) -> dict[str, dict[str, str]]:
    """Return the style of each cell that is told, by sheet and reference, and each row's properties."""
    path = folder / "styles.xlsx"
    path.write_bytes(content)
    told = parts(content)
    found: dict[str, dict[str, str]] = {}
    for sheet in open_workbook(path, Limits()).sheets:
        root = ElementTree.fromstring(told[sheet.part])
        found[sheet.name] = {one.get("r", ""): one.get("s", "") for one in root.iter(f"{MAIN}c")}
        for row in root.iter(f"{MAIN}row"):
            about = {key: value for key, value in row.items() if key != "r"}
            found[sheet.name][f"row {row.get('r')}"] = str(sorted(about.items()))
    return found


def value_of(cell: Any) -> Any:
    return f"{cell.value.ref} {cell.value.text}" if isinstance(cell.value, ArrayFormula) else cell.value


@pytest.mark.parametrize("make", shapes.XLSX, ids=lambda one: one.__name__)
def test_prepared_rows_are_filled_and_nothing_else_changes(make: Make, tmp_path: Path) -> None:
    shape = make(tmp_path)
    table = table_of(shape, tmp_path)
    rows = rows_of(shape, shape.prepared)
    out = write(table, rows)
    assert (out.added, out.problems, out.rows) == (0, (), shape.prepared)
    was, now = parts(shape.path.read_bytes()), parts(out.content)
    assert list(was) == list(now)
    changed = {name for name in was if was[name] != now[name]} - {"xl/workbook.xml"}
    assert len(changed) == (1 if rows else 0)
    cells = written_cells(table, shape, shape.prepared)
    for name in changed:
        assert without(no_results(was[name]), cells) == without(now[name], cells)
    assert now["xl/workbook.xml"].replace(b' fullCalcOnLoad="1"', b"") == was["xl/workbook.xml"].replace(
        b' fullCalcOnLoad="1"', b""
    )
    before = styles_of(shape.path.read_bytes(), tmp_path)[table.sheet]
    after = styles_of(out.content, tmp_path)[table.sheet]
    assert {one: after.get(one) for one in before} == before
    read_back(table, shape, out, rows, tmp_path)


@pytest.mark.parametrize("make", shapes.XLSX, ids=lambda one: one.__name__)
def test_rows_are_put_in_and_all_else_moves_with_its_styles_and_formulas(make: Make, tmp_path: Path) -> None:
    shape = make(tmp_path)
    table = table_of(shape, tmp_path)
    count = shape.prepared + PUT
    rows = rows_of(shape, count)
    out = write(table, rows)
    assert (out.added, out.problems) == (PUT, ())
    last = table.begins + shape.prepared - 1
    was, now = load_workbook(shape.path), load_workbook(BytesIO(out.content))
    written = written_cells(table, shape, count)
    styles, styles_now = styles_of(shape.path.read_bytes(), tmp_path), styles_of(out.content, tmp_path)
    assert parts(shape.path.read_bytes())["xl/styles.xml"] == parts(out.content)["xl/styles.xml"]
    told: set[tuple[str, str]] = set()
    for sheet in was.worksheets:
        here = sheet.title == table.sheet
        for line in sheet.iter_rows():
            for cell in line:
                row = cell.row + PUT if here and cell.row > last else cell.row
                other = now[sheet.title].cell(row, cell.column)
                style = styles[sheet.title].get(cell.coordinate)
                assert styles_now[sheet.title].get(other.coordinate) == style or style is None, (
                    cell.coordinate
                )
                if here and other.coordinate in written:
                    continue
                key = (sheet.title, other.coordinate)
                expected = shape.formulas.get(key, value_of(cell))
                assert value_of(other) == expected, key
                told.add(key)
    if shape.prepared:
        here = styles[table.sheet]
        like = {
            re.sub(r"\d+$", "", one): style for one, style in here.items() if re.search(rf"\D{last}$", one)
        }
        for row in range(last + 1, last + PUT + 1):
            assert {one: styles_now[table.sheet][f"{one}{row}"] for one in like} == like
            for column in shape.computed:
                key = (table.sheet, f"{column}{row}")
                assert value_of(now[table.sheet][key[1]]) == shape.formulas[key]
                told.add(key)
    assert set(shape.formulas) <= told
    read_back(table, shape, out, rows, tmp_path)


def read_back(table: Table, shape: Shape, out: Written, rows: list[dict[str, str]], folder: Path) -> None:
    """What was written is read again, however it was put into cells."""
    path = folder / f"filled{shape.path.suffix}"
    path.write_bytes(out.content)
    taken = read_rows(table, path)
    assert taken.problems == ()
    given = [
        {letter: text for letter, text in one.values.items() if letter in shape.letters} for one in taken.rows
    ]
    assert given == rows
    assert [one.number for one in taken.rows] == [table.begins + i for i in range(len(rows))]


def grown(make: Make, folder: Path) -> tuple[Any, dict[str, bytes]]:
    shape = make(folder)
    out = write(table_of(shape, folder), rows_of(shape, shape.prepared + PUT))
    return load_workbook(BytesIO(out.content)), parts(out.content)


def test_merged_cells_lists_formats_and_print_areas_follow(tmp_path: Path) -> None:
    assert [
        str(one) for one in sorted(grown(shapes.region, tmp_path)[0].active.merged_cells.ranges, key=str)
    ] == [
        "A1:F1",
        "E3:E8",
    ]
    merged = {str(one) for one in grown(shapes.merged_rows, tmp_path)[0].active.merged_cells.ranges}
    assert merged == {"A1:F1", "D2:E2", *(f"D{row}:E{row}" for row in range(3, 9))}
    book, raw = grown(shapes.printed, tmp_path)
    assert (book.active.print_area, book.active.print_title_rows) == ("'登记表'!$A$1:$F$9", "$1:$2")
    assert [one.id for one in book.active.row_breaks.brk] == [9]
    assert b'<mergeCells count="1">' in raw["xl/worksheets/sheet1.xml"]
    rules = grown(shapes.rules, tmp_path)[0].active.data_validations.dataValidation
    assert [(str(one.sqref), one.formula1) for one in rules] == [
        ("E3:E8", '"是,否"'),
        ("C3:C8", "18"),
        ("B3:B8", "COUNTIF($C$3:$C$8,C3)=1"),
    ]
    formats = grown(shapes.coloured, tmp_path)[0].active.conditional_formatting
    assert [(str(one.sqref), [rule.formula for rule in one.rules]) for one in formats] == [
        ("F3:F8", [["$F$9/3"], []]),
        ("A3:F8", [["COUNTIF($C$3:$C$8,$C3)>1"]]),
    ]


def test_rows_right_below_a_header_do_not_look_like_it(tmp_path: Path) -> None:
    sheet = grown(shapes.bare, tmp_path)[0].active
    assert (sheet["B2"].font.bold, [sheet[f"B{row}"].font.bold for row in (3, 4, 5)]) == (True, [False] * 3)
    assert [sheet[f"A{row}"].value for row in (3, 4, 5, 6)] == [1, 2, 3, "填表人："]


def test_comments_pictures_charts_tables_filters_and_names_follow(tmp_path: Path) -> None:
    book, raw = grown(shapes.commented, tmp_path)
    assert {cell.coordinate for row in book.active.iter_rows() for cell in row if cell.comment} == {
        "C2",
        "F9",
    }
    drawing = next(content for name, content in raw.items() if name.endswith(".vml"))
    assert sorted(re.findall(rb"Row>(\d+)<", drawing)) == [b"1", b"8"]
    book, raw = grown(shapes.drawn, tmp_path)
    drawing = next(
        content for name, content in raw.items() if "drawings/drawing" in name and name.endswith("xml")
    )
    assert re.findall(rb"<(?:\w+:)?from>.*?row>(\d+)<", drawing) == [b"11", b"11"]
    chart = next(content for name, content in raw.items() if "charts/chart" in name)
    assert "'登记表'!$F$3:$F$8".encode() in chart
    book, raw = grown(shapes.listed, tmp_path)
    assert (book.active.tables["居民"].ref, book.active.tables["居民"].autoFilter.ref) == ("A2:F8", "A2:F8")
    assert grown(shapes.folded, tmp_path)[0].active.auto_filter.ref == "A2:F8"
    assert grown(shapes.named, tmp_path)[0].defined_names["金额"].attr_text == "登记表!$F$3:$F$8"
    raw = grown(shapes.chained, tmp_path)[1]
    assert "xl/calcChain.xml" not in raw
    assert b"calcChain" not in raw["[Content_Types].xml"] + raw["xl/_rels/workbook.xml.rels"]
    links = grown(shapes.clicked, tmp_path)[1]["xl/worksheets/sheet1.xml"]
    assert sorted(re.findall(rb'<hyperlink [^>]*?ref="(\w+)"', links)) == [b"B9", b"H2"]


Told = list[tuple[int, bytes]]


def stream_of(content: bytes) -> bytes:
    file = container.read(content)
    at = file.find("Workbook")
    assert at is not None
    return file.streams[at]


def sheets_of(content: bytes) -> tuple[Told, list[Told]]:
    """Return (the workbook's records, each sheet's records) of an .xls."""
    raw = stream_of(content)
    groups: list[Told] = [[]]
    at = depth = 0
    while at + 4 <= len(raw):
        op, size = struct.unpack_from("<HH", raw, at)
        if not op and not size:
            break
        depth += (op == 0x0809) - (op == 0x000A)
        groups[-1].append((op, raw[at + 4 : at + 4 + size]))
        if not depth:
            groups.append([])
        at += 4 + size
    return groups[0], groups[1:-1]


CELLS = {0x0201, 0x0203, 0x027E, 0x00FD, 0x0205, 0x0006, 0x0208, 0x00BE, 0x00BD}
SIZES = {0x0200, 0x020B, 0x00D7}


def cells_of(told: Told) -> dict[tuple[int, int], tuple[int, int, bytes]]:
    """Return (row, column) → (kind, style, what it holds) of a sheet's single cells; formulas without their flags."""
    found: dict[tuple[int, int], tuple[int, int, bytes]] = {}
    for op, data in told:
        if op in {0x0201, 0x0203, 0x027E, 0x00FD, 0x0205, 0x0006}:
            row, column, style = struct.unpack_from("<HHH", data)
            found[row, column] = (op, style, data[20:] if op == 0x0006 else data[6:])
        elif op in {0x00BE, 0x00BD}:
            row, first = struct.unpack_from("<HH", data)
            step = 2 if op == 0x00BE else 6
            for i in range((len(data) - 6) // step):
                one = data[4 + i * step : 4 + (i + 1) * step]
                kind = 0x0201 if op == 0x00BE else 0x027E
                found[row, first + i] = (kind, struct.unpack_from("<H", one)[0], one[2:])
    return found


@pytest.mark.parametrize("more", [0, PUT])
@pytest.mark.parametrize("make", shapes.XLS, ids=lambda one: one.__name__)
def test_an_old_workbook_keeps_every_record_that_was_not_asked_for(
    make: Make, more: int, tmp_path: Path
) -> None:
    shape = make(tmp_path)
    table = table_of(shape, tmp_path)
    rows = rows_of(shape, shape.prepared + more)
    out = write(table, rows)
    assert (out.added, out.problems, out.kind) == (more, (), "xls")
    content = shape.path.read_bytes()
    was, now = container.read(content), container.read(out.content)
    strip = [(one[:116], was.name(i)) for i, one in enumerate(was.entries)]
    assert strip == [(one[:116], now.name(i)) for i, one in enumerate(now.entries)]
    book = was.find("Workbook")
    assert {at: one for at, one in was.streams.items() if at != book} == {
        at: one for at, one in now.streams.items() if at != book
    }
    main, sheets = sheets_of(content)
    main_now, sheets_now = sheets_of(out.content)
    kept = [one for one in main if one[0] not in {0x0085, 0x00FC, 0x003C, 0x00FF, 0x01C1, 0x0018}]
    assert kept == [one for one in main_now if one[0] not in {0x0085, 0x00FC, 0x003C, 0x00FF, 0x01C1, 0x0018}]
    last = table.begins + shape.prepared - 2
    letters = [one.letter for one in table.columns if one.letter in shape.letters or one.asks is Asks.SERIAL]
    for number, (told, told_now) in enumerate(zip(sheets, sheets_now, strict=True)):
        assert [one for one in told if one[0] not in CELLS | SIZES | {0x00E5}] == [
            one for one in told_now if one[0] not in CELLS | SIZES | {0x00E5}
        ]
        after = cells_of(told_now)
        for (row, column), one in cells_of(told).items():
            at = row + more if not number and row > last else row
            assert after[at, column][1] == one[1]
            formula = one[0] == 0x0006 and more
            inside = not number and table.begins - 1 <= at < table.begins - 1 + len(rows)
            if not formula and not (inside and chr(65 + column) in letters):
                assert after[at, column] == one, (row, column)
    read_back(table, shape, out, rows, tmp_path)
    values = CalamineWorkbook.from_filelike(BytesIO(out.content))
    before = CalamineWorkbook.from_path(str(shape.path))
    for name in before.sheet_names[1:]:
        assert values.get_sheet_by_name(name).to_python() == before.get_sheet_by_name(name).to_python()


@pytest.mark.parametrize("make", [shapes.old_totals, shapes.old_hidden], ids=lambda one: one.__name__)
def test_formulas_of_an_old_workbook_read_as_a_new_one_would_write_them(make: Make, tmp_path: Path) -> None:
    import xlwt

    shape = make(tmp_path)
    out = write(table_of(shape, tmp_path), rows_of(shape, shape.prepared + PUT))
    _, sheets = sheets_of(out.content)
    names = CalamineWorkbook.from_filelike(BytesIO(out.content)).sheet_names
    for (name, reference), formula in shape.formulas.items():
        book = xlwt.Workbook(encoding="utf-8")
        for one in names:
            book.add_sheet(one)
        row, column = int(reference[1:]) - 1, ord(reference[0]) - 65
        book.get_sheet(names.index(name)).write(row, column, xlwt.Formula(formula))
        raw = BytesIO()
        book.save(raw)
        expected = cells_of(sheets_of(raw.getvalue())[1][names.index(name)])[row, column][2]
        assert cells_of(sheets[names.index(name)])[row, column][2] == expected, reference
