"""A form comes back with the cells filled that were asked for, and every other cell, style and part as it was."""

import zipfile
from dataclasses import replace
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook
from openpyxl.comments import Comment
from openpyxl.formatting.rule import CellIsRule
from openpyxl.styles import Alignment, Border, Font, PatternFill, Protection, Side
from openpyxl.worksheet.datavalidation import DataValidation

from citybrain.base.exchange.reading import Limits, Unreadable
from citybrain.hub.forms.book import CellProtected, NoCell, fill, layout
from citybrain.hub.forms.book.filling import calculated, write

XML = (
    b'<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    b'<cols><col min="2" max="3" width="9" style="7"/></cols>'
    b'<sheetData><row r="1"><c r="A1" s="1"><v>1</v></c><c r="C1" s="2"/></row>'
    b'<row r="3" s="5" customFormat="1"/></sheetData>'
    b'<mergeCells count="1"><mergeCell ref="A5:B6"/></mergeCells></worksheet>'
)


@pytest.fixture
def form(tmp_path: Path) -> Path:
    """A form with nearly all that offices put into one."""
    book = Workbook()
    sheet = book.active
    sheet.title = "花名册"
    sheet["A1"] = "独居老年人巡访登记表"
    sheet["A1"].font = Font(name="方正小标宋简体", size=18, bold=True)
    sheet["A1"].alignment = Alignment(horizontal="center")
    sheet.merge_cells("A1:H1")
    sheet["A2"] = "填报单位:"
    for reference, text in {
        "A3": "序号", "B3": "姓 名", "C3": "身份证号码", "D3": "家庭住址", "F3": "联系电话", "G3": "补贴金额(元)",
        "H3": "合计", "D4": "小区", "E4": "门牌号",
    }.items():  # fmt: skip
        sheet[reference] = text
        sheet[reference].border = Border(*[Side("thin")] * 4)
    for merged in ("A3:A4", "B3:B4", "C3:C4", "D3:E3", "F3:F4", "G3:G4", "H3:H4"):
        sheet.merge_cells(merged)
    for row in (5, 6, 7):
        sheet.cell(row, 1, row - 4)
        sheet.cell(row, 7).number_format = "#,##0.00"
        sheet.cell(row, 8, f"=SUM(G$5:G{row})")
        sheet.cell(row, 2).protection = Protection(locked=False)
        sheet.cell(row, 3).number_format = "@"
    sheet["A8"] = "合计"
    sheet["G8"] = "=SUM(G5:G7)"
    lists = DataValidation(type="list", formula1="字典!$A$1:$A$3", allow_blank=True)
    sheet.add_data_validation(lists)
    lists.add("F5:F7")
    sheet.conditional_formatting.add(
        "G5:G7", CellIsRule("greaterThan", ["100"], fill=PatternFill(bgColor="FFC7CE"))
    )
    sheet.print_area = "A1:H8"
    sheet.print_title_rows = "3:4"
    sheet.freeze_panes = "C5"
    sheet.protection.sheet = True
    sheet.protection.password = "1234"
    sheet["C3"].comment = Comment("18位", "民政局")
    words = book.create_sheet("字典")
    words.sheet_state = "hidden"
    for row, word in enumerate(("一", "二", "三"), start=1):
        words.cell(row, 1, word)
    path = tmp_path / "form.xlsx"
    book.save(path)
    return path


def cells(content: bytes | Path) -> dict[str, dict[str, Any]]:
    """Return every cell of every sheet with its value and style."""
    book = load_workbook(BytesIO(content) if isinstance(content, bytes) else content)
    return {
        sheet.title: {
            cell.coordinate: (
                cell.value, cell.data_type, repr(cell.font), repr(cell.border), repr(cell.fill), cell.number_format,
                repr(cell.protection), repr(cell.alignment),
            )
            for row in sheet.iter_rows()
            for cell in row
        }
        for sheet in book.worksheets
    }  # fmt: skip


def test_cells_are_filled_and_nothing_else_changes(form: Path) -> None:
    values = {
        "B5": "张三",
        "C5": "110105194912310021",
        "G5": 120.5,
        "D6": "幸福里 <1>&",
        "B7": date(2024, 2, 29),
    }
    told = fill(form, "花名册", values)
    assert told.cells == 5
    before, after = cells(form), cells(told.content)
    for sheet, known in before.items():
        for reference, was in known.items():
            now = after[sheet][reference]
            if sheet == "花名册" and reference in values:
                assert now[2:] == was[2:], reference
            else:
                assert now == was, reference
    filled = after["花名册"]
    assert [filled[one][0] for one in ("B5", "C5", "G5", "D6")] == [
        "张三",
        "110105194912310021",
        120.5,
        "幸福里 <1>&",
    ]
    assert filled["B7"][0] == 45351
    assert filled["H5"][0] == "=SUM(G$5:G5)"


def test_every_other_part_is_the_same_to_the_byte(form: Path) -> None:
    content = fill(form, "花名册", {"B5": "甲"}).content
    with zipfile.ZipFile(form) as was, zipfile.ZipFile(BytesIO(content)) as now:
        assert was.namelist() == now.namelist()
        changed = [name for name in was.namelist() if was.read(name) != now.read(name)]
        sheet = now.read("xl/worksheets/sheet1.xml")
        book = now.read("xl/workbook.xml")
    assert set(changed) <= {"xl/worksheets/sheet1.xml", "xl/workbook.xml"}
    assert b'fullCalcOnLoad="1"' in book
    assert sheet.count(b"<dataValidation ") == 1


def test_a_formula_and_the_inside_of_a_merged_cell_are_refused(form: Path) -> None:
    with pytest.raises(CellProtected, match="H5"):
        fill(form, "花名册", {"H5": 1})
    with pytest.raises(NoCell, match="B1"):
        fill(form, "花名册", {"B1": "x"})
    with pytest.raises(NoCell, match="没有"):
        fill(form, "没有", {"A1": "x"})
    for wrong in ("5B", "A0", "XFE1", "A1048577", "a1"):
        with pytest.raises(NoCell):
            fill(form, "花名册", {wrong: "x"})


def test_a_bomb_broken_xml_and_entities_are_refused_by_name(form: Path) -> None:
    with zipfile.ZipFile(form) as archive:
        unpacked = sum(one.file_size for one in archive.infolist())
    assert fill(form, "花名册", {"B5": "x"}, replace(Limits(), document_bytes=unpacked)).cells == 1
    with pytest.raises(Unreadable) as refused:
        fill(form, "花名册", {"B5": "x"}, replace(Limits(), document_bytes=unpacked - 1))
    assert refused.value.key == "bomb"
    for xml, key in (
        (b"<worksheet><sheetData>", "damaged"),
        (b"<!DOCTYPE w [<!ENTITY a 'b'>]><w/>", "external"),
    ):
        with pytest.raises(Unreadable) as refused:
            write(xml, {"A1": 1})
        assert refused.value.key == key


def test_new_cells_stand_in_order_with_the_style_of_their_row_or_column() -> None:
    out = write(
        XML,
        {"B1": "b", "D1": 4, "A3": "x", "C2": True, "B9": None, "A2": datetime(2024, 1, 1, 12, tzinfo=UTC)},
    )
    assert (
        b'<row r="1"><c r="A1" s="1"><v>1</v></c>'
        b'<c r="B1" s="7" t="inlineStr"><is><t xml:space="preserve">b</t></is></c>'
        b'<c r="C1" s="2"/><c r="D1"><v>4</v></c></row>'
        b'<row r="2"><c r="A2"><v>45292.5</v></c><c r="C2" s="7" t="b"><v>1</v></c></row>'
        b'<row r="3" s="5" customFormat="1">'
        b'<c r="A3" s="5" t="inlineStr"><is><t xml:space="preserve">x</t></is></c></row>'
        b'<row r="9"><c r="B9" s="7"/></row></sheetData>'
    ) in out
    assert write(XML, {}) == XML


def test_a_sheet_without_rows_takes_its_first() -> None:
    out = write(b"<x:worksheet xmlns:x='u'><x:sheetData/></x:worksheet>", {"A2": 1})
    assert out == (
        b'<x:worksheet xmlns:x=\'u\'><x:sheetData><x:row r="2"><x:c r="A2"><x:v>1</x:v></x:c></x:row></x:sheetData>'
        b"</x:worksheet>"
    )


def test_a_cell_and_a_row_keep_the_prefix_they_were_written_with() -> None:
    sheet = (
        b"<m:worksheet xmlns:m='u'><sheetData xmlns='u'><row r='1'>"
        b"<o:c xmlns:o='u' r='A1' s='3'><o:v>1</o:v></o:c></row>"
        b"<p:row xmlns:p='u' r='2'/></sheetData ></m:worksheet>"
    )
    assert write(sheet, {"A1": 2, "B1": 3, "A2": "\u7532", "A3": None}) == (
        b"<m:worksheet xmlns:m='u'><sheetData xmlns='u'><row r='1'>"
        b'<o:c xmlns:o="u" r="A1" s="3"><o:v>2</o:v></o:c><c r="B1"><v>3</v></c></row>'
        b"<p:row xmlns:p='u' r='2'>"
        b'<p:c r="A2" t="inlineStr"><p:is><p:t xml:space="preserve">\xe7\x94\xb2</p:t></p:is></p:c></p:row>'
        b'<row r="3"><c r="A3"/></row></sheetData ></m:worksheet>'
    )


def test_formulas_are_asked_to_be_worked_out_whether_a_maker_says_how_or_not() -> None:
    for was, now in (
        (b"<calcPr calcId='1'/>", b"<calcPr calcId='1' fullCalcOnLoad=\"1\"/>"),
        (b"<calcPr\nfullCalcOnLoad='0'></calcPr>", b"<calcPr\nfullCalcOnLoad='1'></calcPr>"),
        (b"<!-- <calcPr/> -->", None),
    ):
        tail = b"<x:pivotCaches/></x:workbook>"
        told = calculated(b"<x:workbook xmlns:x='u'><s:sheets xmlns:s='u'/>" + was + tail)
        head = b"<x:workbook xmlns:x='u'><s:sheets xmlns:s='u'/>"
        added = b'<x:calcPr fullCalcOnLoad="1"/>' + was
        assert told == head + (now or added) + tail


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.builds("{}{}".format, st.sampled_from("ABCDEFGH"), st.integers(9, 30)),
        st.one_of(st.text(max_size=20), st.integers(-(10**9), 10**9), st.booleans()),
        max_size=12,
    )
)
def test_whatever_is_written_is_read_again(values: dict[str, Any]) -> None:
    book = Workbook()
    book.active["B12"] = "old"
    raw = BytesIO()
    book.save(raw)
    with zipfile.ZipFile(raw) as archive:
        xml = archive.read("xl/worksheets/sheet1.xml")
    out, again = BytesIO(), write(xml, values)
    with zipfile.ZipFile(raw) as archive, zipfile.ZipFile(out, "w") as packed:
        for name in archive.namelist():
            packed.writestr(name, again if name == "xl/worksheets/sheet1.xml" else archive.read(name))
    sheet = load_workbook(out).active
    for reference, value in values.items():
        found = sheet[reference].value
        assert (found or "") == readable(value) if isinstance(value, str) else found == value


def readable(text: str) -> str:
    """Return what XML can hold of a text, with its line ends."""
    kept = "".join(one for one in text if one in "\t\n\r" or (one >= " " and one not in "\ufffe\uffff"))
    return kept.replace("\r\n", "\n").replace("\r", "\n")


def test_the_layout_of_a_form_names_columns_by_all_its_header_rows(form: Path, tmp_path: Path) -> None:
    found = layout(form, tmp_path)
    assert (found.sheet, found.title) == ("花名册", "独居老年人巡访登记表")
    assert (found.header_first, found.header_last, found.begins) == (3, 4, 5)
    assert [(one.letter, one.path) for one in found.columns] == [
        ("A", ("序号",)), ("B", ("姓 名",)), ("C", ("身份证号码",)), ("D", ("家庭住址", "小区")),
        ("E", ("家庭住址", "门牌号")), ("F", ("联系电话",)), ("G", ("补贴金额(元)",)), ("H", ("合计",)),
    ]  # fmt: skip
