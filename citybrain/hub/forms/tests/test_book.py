"""What a workbook can't be is said by name; what was written by hand in it is read as it was meant."""

import random
import struct
import zipfile
from contextlib import suppress
from dataclasses import replace
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook

from citybrain.base.exchange.reading import Limits, Unreadable
from citybrain.hub.forms.book import NotTaken, Table, about, layout, look, read_rows, write
from citybrain.hub.forms.book.references import Growth
from citybrain.hub.forms.book.values import Shows, from_cell, to_cell
from citybrain.hub.forms.book.writing import body_of
from citybrain.hub.forms.book.xls.facts import formulas
from citybrain.hub.forms.columns import Asks, Column, Sums
from citybrain.hub.forms.tests import shapes
from citybrain.hub.forms.tests.test_shapes import cells_of, rows_of, sheets_of, table_of

TYPES = {"B": "varchar(50)", "C": "char(18)", "D": "date", "E": "integer", "F": "decimal(10,2)"}
NAMES = ("序号", "姓名", "身份证号", "出生日期", "家庭人口数", "补贴金额")


def table(path: Path, header: int = 2) -> Table:
    columns = [
        Column(
            "ABCDEF"[i], (name,), Asks.ANSWER if i else Asks.SERIAL, type=TYPES.get("ABCDEF"[i], "varchar(9)")
        )
        for i, name in enumerate(NAMES)
    ]
    return Table(path, "登记表", header, header, header + 1, tuple(columns))


@pytest.fixture
def form(tmp_path: Path) -> Path:
    return shapes.saved(shapes.started(names=NAMES)[0], tmp_path)


def filled(folder: Path, rows: list[list[Any]], above: int = 0, names: tuple[str, ...] = NAMES) -> Path:
    """Return the form as somebody filled it in Excel, `above` rows put in at its top."""
    book, sheet = shapes.started(names=names)
    for number, row in enumerate(rows, start=3):
        for column, value in enumerate(row, start=1):
            sheet.cell(number, column, value)
    if above:
        sheet.unmerge_cells("A1:F1")
        sheet.insert_rows(1, above)
    return shapes.saved(book, folder, "filled.xlsx")


def test_dates_and_numbers_written_as_text_are_read_as_they_were_meant(form: Path, tmp_path: Path) -> None:
    path = filled(
        tmp_path,
        [
            [1, " 张三 ", "11010519491231002X", "1949年12月31日", " 3 人", "1,200.50 元"],
            [2, "李四\u3000", " 34052419800101001X", "1980.1.1", "\uff14", "￥300"],
            [3, "王五", "11010119900307461X", date(1990, 3, 7), 2, 88.5],
            [4, "赵六", "110101199003074610", "19900307", "2 ", "1.2e3"],
            [5, None, None, None, None, None],
            [6, "钱七", 110101199003074610, "三月", "两个", "#REF!"],
        ],
    )
    taken = read_rows(table(form), path)
    assert [dict(one.values) for one in taken.rows[:4]] == [
        {"B": "张三", "C": "11010519491231002X", "D": "1949-12-31", "E": "3", "F": "1200.50"},
        {"B": "李四", "C": "34052419800101001X", "D": "1980-01-01", "E": "4", "F": "300"},
        {"B": "王五", "C": "11010119900307461X", "D": "1990-03-07", "E": "2", "F": "88.5"},
        {"B": "赵六", "C": "110101199003074610", "D": "1990-03-07", "E": "2", "F": "1200"},
    ]
    assert [one.number for one in taken.rows] == [3, 4, 5, 6, 8]
    assert [(one.reference, one.key) for one in taken.problems] == [
        ("C8", "digits"), ("D8", "date"), ("E8", "number"), ("F8", "error"),
    ]  # fmt: skip
    assert str(taken.problems[1]) == "D8: “三月”不是日期；请写成 2024-03-05 的样子。"


@pytest.mark.parametrize(
    ("text", "kind", "told"),
    [
        ("2024-02-30", "date", ("2024-02-30", "date")),
        ("2024/3", "date", ("2024-03", "date")),
        ("45356", "date", ("2024-03-05", "")),
        ("2024-03-05 08:30:00", "timestamp", ("2024-03-05 08:30:00", "")),
        ("2024-03-05 08:30:00", "date", ("2024-03-05", "")),
        ("007", "integer", ("007", "")),
        ("12,34", "integer", ("12,34", "number")),
        ("-1,234,567.8", "decimal", ("-1234567.8", "")),
        ("1.23456789012346E+17", "varchar", ("1.23456789012346E+17", "digits")),
        ("1.5E+3", "varchar", ("1.5E+3", "")),
        ("#N/A", "varchar", ("#N/A", "error")),
        ("\u200b \u3000", "integer", ("", "")),
    ],
)
def test_a_cell_is_read_by_its_columns_type(text: str, kind: str, told: tuple[str, str]) -> None:
    assert from_cell(text, kind) == told


@pytest.mark.parametrize(
    ("value", "kind", "shows", "told"),
    [
        ("2024-03-05", "date", Shows.DATE, date(2024, 3, 5)),
        ("2024-03-05", "date", Shows.GENERAL, "2024-03-05"),
        ("110105194912310021", "integer", Shows.GENERAL, "110105194912310021"),
        ("0012", "integer", Shows.GENERAL, "0012"),
        ("3.50", "decimal", Shows.TEXT, "3.50"),
        ("不详", "decimal", Shows.NUMBER, "不详"),
        ("12", "varchar", Shows.GENERAL, "12"),
        (date(2024, 3, 5), "date", Shows.GENERAL, "2024-03-05"),
        ("  ", "varchar", Shows.GENERAL, None),
        ("=1+1", "varchar", Shows.GENERAL, "=1+1"),
    ],
)
def test_a_cell_is_written_as_its_format_shows_it(value: Any, kind: str, shows: Shows, told: Any) -> None:
    assert to_cell(value, kind, shows) == told


def test_a_text_that_looks_like_a_formula_stays_a_text(form: Path, tmp_path: Path) -> None:
    out = write(table(form), [{"B": '=HYPERLINK("http://x")', "C": "+1"}])
    assert load_workbook(BytesIO(out.content))["登记表"]["B3"].data_type == "s"
    old = shapes.old_plain(tmp_path)
    path = tmp_path / "out.xls"
    path.write_bytes(write(table_of(old, tmp_path), [{"B": "=1+1"}]).content)
    assert cells_of(sheets_of(path.read_bytes())[1][0])[2, 1][0] == 0x00FD


def test_a_summed_column_is_written_as_numbers_and_formulas_are_never_overwritten(tmp_path: Path) -> None:
    shape = shapes.totals(tmp_path)
    known = table_of(shape, tmp_path)
    known = replace(
        known,
        columns=tuple(
            one.changed(type="varchar(20)", sums=Sums.SUM)
            if one.letter == "F"
            else one.changed(asks=Asks.ANSWER)
            for one in known.columns
        ),
    )
    out = write(known, [{"F": "12.5", "G": "7", "H": ""}, {"F": None}])
    assert [str(one) for one in out.problems] == ["G3: 是公式，由表自行计算，未覆盖。"]
    sheet = load_workbook(BytesIO(out.content)).active
    assert [sheet["F3"].value, sheet["F4"].value, sheet["G3"].value] == [12.5, None, "=SUM(F$3:F3)"]


def test_a_value_inside_a_merged_cell_is_told(tmp_path: Path) -> None:
    shape = shapes.region(tmp_path)
    out = write(table_of(shape, tmp_path), [{"E": "一号楼"}, {"E": "二号楼"}, {"E": ""}])
    assert [(one.reference, one.key) for one in out.problems] == [("E4", "merged")]


def test_a_header_that_moved_is_found_and_another_one_is_refused(form: Path, tmp_path: Path) -> None:
    rows = [[1, "张三", "11010519491231002X", "1949-12-31", 3, 5]]
    taken = read_rows(table(form), filled(tmp_path, rows, above=2))
    assert [one.values["B"] for one in taken.rows] == ["张三"]
    assert [str(one) for one in taken.notes] == ["表头不在原来的第 2 行，而在第 4 行，已按表头读取。"]
    with pytest.raises(NotTaken) as refused:
        read_rows(
            table(form), filled(tmp_path, rows, names=("序号", "姓名", "出生日期", "身份证号", *NAMES[4:]))
        )
    assert (refused.value.key, refused.value.params) == ("header", {"columns": "C 身份证号、D 出生日期"})
    other = filled(tmp_path, rows)
    with pytest.raises(NotTaken, match="登记表"):
        read_rows(replace(table(form), sheet="没有"), other)
    assert [one.key for one in read_rows(table(form), form).notes] == ["emptied"]


def big(folder: Path, rows: int, cell: str) -> Path:
    """Return a form with so many rows, made without a library."""
    path = shapes.saved(shapes.started(names=NAMES, rows=0)[0], folder)
    told = "".join(f'<row r="{row}">{cell.format(row=row)}</row>' for row in range(3, rows + 3)).encode()
    shapes.raw_sheet(path, lambda xml: xml.replace(b"</sheetData>", told + b"</sheetData>"))
    return path


def test_two_hundred_thousand_rows_are_data_and_no_form(tmp_path: Path) -> None:
    path = big(tmp_path, 200_000, '<c r="A{row}"><v>1</v></c><c r="B{row}"><v>2</v></c>')
    for told in (lambda: write(table(path), [{"B": "x"}]), lambda: read_rows(table(path), path)):
        with pytest.raises(NotTaken) as refused:
            told()
        assert (refused.value.key, refused.value.params["count"]) == ("many_rows", 200_000)
    with pytest.raises(NotTaken) as refused:
        write(table(path), [{"B": "x"}] * 200_001)
    assert refused.value.params == {"count": 200_001, "limit": 200_000}


def test_a_sheet_of_a_million_empty_cells_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = big(tmp_path, 160_000, "".join(f'<c r="{letter}{{row}}" s="1"/>' for letter in "ABCDEFGHIJ"))
    with pytest.raises(NotTaken, match="请删除表格以下的空白行"):
        write(table(path), [{"B": "x"}])


@pytest.mark.parametrize(
    "make", [shapes.from_1904, shapes.old_dated, shapes.old_dated_1904], ids=lambda one: one.__name__
)
def test_a_day_is_the_same_day_whatever_first_day_the_workbook_counts_from(make: Any, tmp_path: Path) -> None:
    shape = make(tmp_path)
    known = table_of(shape, tmp_path)
    known = replace(
        known, columns=tuple(one.changed(type="date") if one.letter == "E" else one for one in known.columns)
    )
    path = tmp_path / f"filled{shape.path.suffix}"
    path.write_bytes(
        write(known, [{"E": day} for day in ("2024-02-29", "1949-10-01", "不详", "2024-12-31")]).content
    )
    taken = read_rows(known, path)
    assert [one.values["E"] for one in taken.rows] == ["2024-02-29", "1949-10-01", "不详", "2024-12-31"]
    assert [(one.reference, one.key) for one in taken.problems] == [("E5", "date")]


def test_columns_that_an_old_sheet_works_out_itself_are_known(tmp_path: Path) -> None:
    path = shapes.old_totals(tmp_path).path
    assert [formulas(path, "登记表", row, Limits()) for row in (2, 3, 6)] == [set(), {"G"}, {"F"}]


def test_an_old_sheet_ends_at_its_last_row(tmp_path: Path) -> None:
    known = table_of(shapes.old_totals(tmp_path), tmp_path)
    with pytest.raises(NotTaken) as refused:
        write(replace(known, begins=65_530), [{"B": "x"}] * 20)
    assert (refused.value.key, refused.value.params["limit"]) == ("sheet_full", 65_536)


def test_what_is_no_workbook_or_locked_is_refused_by_name(tmp_path: Path) -> None:
    def told(content: bytes, name: str = "x.xlsx") -> str:
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises((NotTaken, Unreadable)) as refused:
            look(path, name)
        return str(refused.value)

    assert told(b"a,b\n1,2\n") == "这是 CSV 文件；请报送 Excel 表（.xlsx、.xlsm 或 .xls）。"
    assert told(b"").startswith("文件是空的")
    assert "PDF" in told(b"%PDF-1.7")
    locked = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le")
    assert "密码" in told(locked)
    old = shapes.old_plain(tmp_path).path.read_bytes()
    assert "已损坏" in told(old[:1200], "x.xls")
    name = "Workbook".encode("utf-16-le")
    assert "Excel 95" in told(old.replace(name, "Book".encode("utf-16-le") + b"\0" * 8), "x.xls")
    at = old.index(b"\x09\x08\x10\x00\x00\x06")
    assert "Excel 95" in told(old[: at + 4] + b"\x00\x05" + old[at + 6 :], "x.xls")
    known = struct.unpack_from("<HH", old, at + 20)
    secret = old[: at + 20] + struct.pack("<HH", 0x002F, known[1]) + old[at + 24 :]
    assert "密码" in told(secret, "x.xls")
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("word/document.xml", "<x/>")
    assert "Word" in told(out.getvalue())


def test_macros_links_hidden_and_protected_sheets_are_told(tmp_path: Path) -> None:
    def notes(shape: shapes.Shape, name: str = "") -> list[str]:
        facts = look(shape.path, name)
        kind = "xls" if facts.kind == "xls" else "xlsx"
        found = layout(shape.path, tmp_path, kind)
        known = table_of(shape, tmp_path)
        return [
            str(one) for one in (*facts.notes, *about(facts, found, body_of(known, kind, Limits()).footer))
        ]

    assert notes(shapes.macro(tmp_path)) == ["工作簿里有宏：原样保留，从不运行。"]
    assert notes(shapes.old_macro(tmp_path)) == ["工作簿里有宏：原样保留，从不运行。"]
    assert notes(shapes.linked(tmp_path))[0] == (
        "公式引用了别的文件（2025.xlsx）：原样保留，从不打开；其中的值可能已过时。"
    )
    assert notes(shapes.hidden(tmp_path)) == [
        "有隐藏的工作表（旧表、底稿）：原样保留，不填写。",
        "工作簿有 3 个工作表，填写“登记表”，其余原样保留。",
    ]
    assert "工作表“登记表”受保护：照常填写，保护原样保留。" in notes(shapes.protected(tmp_path))
    assert "工作表“登记表”受保护：照常填写，保护原样保留。" in notes(shapes.old_hidden(tmp_path))
    assert notes(shapes.locked(tmp_path)) == ["工作簿的结构受保护：原样保留。"]
    assert notes(shapes.twice(tmp_path)) == ["有同名的列（联系电话），按列的位置区分。"]
    assert notes(shapes.explained(tmp_path)) == ["表下有说明或合计（第 7 行起），不当作数据，随表保留。"]
    assert notes(shapes.three_headers(tmp_path)) == ["表头占 3 行。"]
    assert notes(shapes.titled(tmp_path), "a.xls") == ["文件名以 .xls 结尾，内容其实是 .xlsx，已按内容读取。"]


def test_a_title_is_neither_the_number_of_an_attachment_nor_a_label(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    for row in (["附件 1：", None], ["填报单位：", None], ["残疾人补贴花名册", None], list(NAMES)):
        sheet.append(row)
    assert layout(shapes.saved(book, tmp_path), tmp_path).title == "残疾人补贴花名册"


@pytest.mark.parametrize(
    "make", [shapes.totals, shapes.old_totals, shapes.old_many_texts], ids=lambda one: one.__name__
)
def test_a_damaged_workbook_is_refused_and_nothing_else_happens(make: Any, tmp_path: Path) -> None:
    shape = make(tmp_path)
    known = table_of(shape, tmp_path)
    whole = shape.path.read_bytes()
    random_ = random.Random(7)
    path = tmp_path / "broken.bin"
    refused = 0
    for _ in range(150):
        raw = bytearray(whole)
        for _ in range(random_.randint(1, 12)):
            raw[random_.randrange(len(raw))] = random_.randrange(256)
        path.write_bytes(bytes(raw[: random_.choice((len(raw), random_.randrange(len(raw)))) or 1]))
        for ask in (
            lambda: look(path),
            lambda: write(replace(known, path=path), rows_of(shape, 6)),
            lambda: read_rows(known, path),
        ):
            with suppress(NotTaken, Unreadable):
                ask()
                refused -= 1
            refused += 1
    assert refused > 100


def test_references_move_as_excel_moves_them() -> None:
    growth = Growth("表 '1'", begins=5, after=7, by=3)

    def told(formula: str, *, here: bool = True, in_rows: bool = False) -> str:
        return growth.formula(formula, here=here, in_rows=in_rows)

    assert told("SUM(G5:G7)+G8*$A$1") == "SUM(G5:G10)+G11*$A$1"
    assert told("SUM(G5:G7)", in_rows=True) == "SUM(G5:G7)"
    assert told("SUM(G$5:G$7)/G7", in_rows=True) == "SUM(G$5:G$10)/G7"
    assert told("SUM(D7:F7)") == "SUM(D7:F7)"
    assert told("SUM(5:7)+COUNTA(B:B)") == "SUM(5:10)+COUNTA(B:B)"
    assert told('IF(A8="A8:B9",LOG10(5),Q1_8)') == 'IF(A11="A8:B9",LOG10(5),Q1_8)'
    assert told("'表 ''1'''!A8+表!A8+A8", here=False) == "'表 ''1'''!A11+表!A8+A8"
    assert told("[1]Sheet1!A8+'[2]表'!B9+Table1[[#This Row],[A8]]") == (
        "[1]Sheet1!A8+'[2]表'!B9+Table1[[#This Row],[A8]]"
    )
    assert growth.ranges("A5:A7 B7 C8:D9 E1") == "A5:A10 B7:B10 C11:D12 E1"
    assert Growth("x", 5, 5, 2).formula("SUM(G5:G5)", here=True) == "SUM(G5:G7)"
    assert Growth("x", 5, 4, 2).formula("SUM(A1:A4)+A5", here=True) == "SUM(A1:A4)+A7"
