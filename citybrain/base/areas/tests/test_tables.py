import io
import zipfile

import openpyxl
import pytest

from citybrain.base.areas import tables
from citybrain.base.areas.errors import FileError
from citybrain.base.areas.tables import AreaRow, parse_table

EXPECTED = [AreaRow(2, "990101", "东湖区", "99"), AreaRow(4, "990102", "西山区", "99")]
TEXT = "区划代码,名称,上级代码\r\n990101,东湖区,99\r\n,,\r\n990102,西山区,99\r\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_every_usual_encoding_is_read(encoding):
    assert parse_table(TEXT.encode(encoding), "x.csv") == EXPECTED


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_delimiters_are_recognised(delimiter):
    assert parse_table(TEXT.replace(",", delimiter).encode(), "x.txt") == EXPECTED


def test_english_headers_are_read_in_any_case():
    rows = parse_table(b"Name,Area Code,Parent_Code,Name EN,note\nEast,990101,99,East Lake,x\n", "x.csv")
    assert rows == [AreaRow(2, "990101", "East", "99", "", "East Lake")]


def test_a_title_above_the_header_is_passed_over():
    rows = parse_table(f"津海市区划一览表\n2026 年\n{TEXT}".encode(), "x.csv")
    assert [row.line for row in rows] == [4, 6]


def workbook(*rows, title="Sheet"):
    book = openpyxl.Workbook()
    book.active.title = title
    for row in rows:
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def test_a_workbook_with_codes_as_numbers_is_read():
    data = workbook(
        ["津海市"], ["编码", "名称", "级别"], [990101001001001, "第1网格", "网格"], [99.0, "津海市", 1]
    )
    assert parse_table(data, "x.xlsx") == [
        AreaRow(3, "990101001001001", "第1网格", "", "网格"),
        AreaRow(4, "99", "津海市", "", "1"),
    ]


@pytest.mark.parametrize(
    ("data", "name", "reason"),
    [
        (b"a,b\n1,2\n", "x.csv", r"no header found .* the file begins: a \| b"),
        (b"", "x.csv", "no header found .* with nothing"),
        (b"\xd0\xcf\x11\xe0rest", "x.xls", "old .xls form"),
        (b"PK\x03\x04rest", "x.xlsx", "not a readable .xlsx"),
        (b"%PDF", "x.pdf", "not a CSV or .xlsx"),
        (b"\xff\xff\xff\xff\x80", "x.csv", "neither UTF-8 nor GB18030"),
    ],
)
def test_a_file_that_can_not_be_read_says_why(data, name, reason):
    with pytest.raises(FileError, match=reason):
        parse_table(data, name)


def test_a_workbook_that_unpacks_to_too_much_is_refused_unread(monkeypatch):
    monkeypatch.setattr(tables, "MOST_BYTES_UNPACKED", 1_000_000)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("xl/worksheets/sheet1.xml", b"0" * 2_000_000)
    assert len(packed.getvalue()) < 5_000
    with pytest.raises(FileError, match="unpacks to 2,000,000 bytes"):
        parse_table(packed.getvalue(), "x.xlsx")


def test_a_missing_or_too_large_file_is_refused(tmp_path, monkeypatch):
    with pytest.raises(FileError, match="No such file"):
        tables.read_table(tmp_path / "none.csv")
    file = tmp_path / "large.csv"
    file.write_text(TEXT)
    monkeypatch.setattr(tables, "MOST_BYTES", 10)
    with pytest.raises(FileError, match="at most 10 are read"):
        tables.read_table(file)


def test_too_many_rows_are_refused(monkeypatch):
    monkeypatch.setattr(tables, "MOST_ROWS", 1)
    with pytest.raises(FileError, match="more than 1 rows"):
        parse_table(TEXT.encode(), "x.csv")
