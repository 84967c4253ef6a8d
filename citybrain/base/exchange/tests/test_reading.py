"""What suppliers really send is read right, or refused by name."""

import gzip
import json
import os
import zipfile
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from citybrain.base.exchange.reading import Limits, Options, Reading, Unreadable, read
from citybrain.base.exchange.tests import zoo

SHARED = Path(os.environ.get("CITYBRAIN_SHARED", Path(__file__).parents[5] / "shared")) / "data"


def notes(reading: Reading) -> set[str]:
    return {note.key for note in reading.notes}


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("utf-8", "UTF-8"),
        ("utf-8-sig", "UTF-8 (BOM)"),
        ("gb18030", "GB18030"),
        ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16"),
        ("utf-16-be", "UTF-16 (BE)"),
    ],
)
def test_chinese_is_read_in_every_encoding_offices_use(tmp_path: Path, encoding: str, shown: str) -> None:
    path = zoo.put(tmp_path, "a.csv", (zoo.PEOPLE * 1).encode(encoding))
    found = read(path, tmp_path / "w").count()
    assert (found.encoding, found.names, zoo.rows_of(found)) == (shown, zoo.NAMES, zoo.TWO)
    assert (found.rows_good, found.rows_bad, found.header_rows) == (2, 0, (1,))


@pytest.mark.parametrize("text", ["Straße;Größe\nMüller;5°C\nJörg;ä\n", "name,temp\ncafé,21°C\nnaïve,3½\n"])
def test_latin_letters_are_not_taken_for_rare_chinese_characters(tmp_path: Path, text: str) -> None:
    found = read(zoo.put(tmp_path, "a.csv", text.encode("latin-1")), tmp_path / "w")
    assert found.encoding == "Latin-1"
    assert zoo.rows_of(found)[0][0] in {"Müller", "café"}


def test_a_gb18030_file_with_rare_names_stays_chinese(tmp_path: Path) -> None:
    text = "姓名,村\n喆堃,塱坜村\n㛃垚,𠮷野村\n王小明,和平里\n李建国,东风社区\n"
    found = read(zoo.put(tmp_path, "a.csv", text.encode("gb18030")), tmp_path / "w")
    assert (found.encoding, zoo.rows_of(found)[1]) == ("GB18030", ("㛃垚", "𠮷野村"))


def test_a_cut_character_is_marked_and_the_rest_of_the_file_read(tmp_path: Path) -> None:
    raw = ("姓名,地址\n" + "王小明,和平区建设路一号\n" * 900).encode()
    cut = raw.replace("号\n".encode(), "号".encode()[:2] + b"\n", 1)
    found = read(zoo.put(tmp_path, "a.csv", cut), tmp_path / "w").count()
    assert (found.encoding, found.rows_good) == ("UTF-8", 900)
    assert "undecodable" in notes(found)
    assert zoo.rows_of(found)[0] == ("王小明", "和平区建设路一\ufffd")


def test_an_encoding_asked_for_must_hold(tmp_path: Path) -> None:
    path = zoo.put(tmp_path, "a.csv", zoo.PEOPLE.encode("gb18030"))
    with pytest.raises(Unreadable) as refused:
        read(path, tmp_path / "w", options=Options(encoding="utf-8"))
    assert (refused.value.key, refused.value.params["at"]) == ("encoding", 1)


@pytest.mark.parametrize("sign", [",", ";", "\t", "|", "||", "\x01", "，"])
def test_the_sign_between_cells_is_found(tmp_path: Path, sign: str) -> None:
    path = zoo.put(tmp_path, "a.txt", zoo.PEOPLE.replace(",", sign))
    found = read(path, tmp_path / "w")
    assert (found.delimiter, zoo.rows_of(found)) == (sign, zoo.TWO)


def test_a_blank_between_sign_and_quote_is_no_part_of_the_cell(tmp_path: Path) -> None:
    text = '"编号", "名称", "数"\n"1", "甲, 乙", 2.5\n"2", "丙", 3\n'
    found = read(zoo.put(tmp_path, "a.csv", text), tmp_path / "w")
    assert found.names == ("编号", "名称", "数")
    assert zoo.rows_of(found) == [("1", "甲, 乙", "2.5"), ("2", "丙", "3")]


def test_decimal_commas_do_not_hide_semicolons(tmp_path: Path) -> None:
    found = read(zoo.put(tmp_path, "a.csv", "名;长;宽\n桥一;1,5;2,5\n桥二;3,25;4,0\n"), tmp_path / "w")
    assert zoo.rows_of(found) == [("桥一", "1,5", "2,5"), ("桥二", "3,25", "4,0")]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_every_line_ending_is_known(tmp_path: Path, newline: str) -> None:
    found = read(zoo.put(tmp_path, "a.csv", zoo.PEOPLE.replace("\n", newline)), tmp_path / "w").count()
    assert (found.rows_good, zoo.rows_of(found)) == (2, zoo.TWO)


def test_mixed_line_endings_give_the_same_rows(tmp_path: Path) -> None:
    found = read(zoo.put(tmp_path, "a.csv", zoo.PEOPLE.replace("\n", "\r\n", 1)), tmp_path / "w")
    assert zoo.rows_of(found) == zoo.TWO


def test_a_title_above_the_header_and_a_total_below_are_no_data(tmp_path: Path) -> None:
    text = "某市人口登记表,,\n制表日期：2024-03-01,,\n" + zoo.PEOPLE + "合计,2,\n备注：数据截至二月,,\n,,\n"
    found = read(zoo.put(tmp_path, "a.csv", text), tmp_path / "w").count()
    assert (found.header_rows, found.rows_good, zoo.rows_of(found)) == ((3,), 2, zoo.TWO)
    assert {"title_rows", "footer"} <= notes(found)


def test_two_header_rows_become_names_joined_by_a_stroke(tmp_path: Path) -> None:
    text = "街道,人口,,住户\n,男,女,\n一街,10,12,5\n二街,20,22,9\n"
    found = read(zoo.put(tmp_path, "a.csv", text), tmp_path / "w")
    assert (found.names, found.header_rows) == (("街道", "人口/男", "人口/女", "住户"), (1, 2))
    assert zoo.rows_of(found) == [("一街", "10", "12", "5"), ("二街", "20", "22", "9")]


def test_columns_without_or_with_the_same_name_get_one(tmp_path: Path) -> None:
    found = read(zoo.put(tmp_path, "a.csv", "甲,Unnamed: 1,甲\n1,2,3\n4,5,6\n"), tmp_path / "w")
    assert found.names == ("甲", "列2", "甲_2")
    assert {"unnamed", "repeated"} <= notes(found)


def test_a_file_without_header_is_read_under_numbers(tmp_path: Path) -> None:
    found = read(zoo.put(tmp_path, "a.csv", "1,2,3\n4,5,6\n"), tmp_path / "w")
    assert (found.names, zoo.rows_of(found)) == (("列1", "列2", "列3"), [("1", "2", "3"), ("4", "5", "6")])


def test_a_row_numbering_the_columns_is_no_data(tmp_path: Path) -> None:
    found = read(zoo.put(tmp_path, "a.csv", "名称,男,女,合\n甲,1,2,3\n一街,7,8,9\n"), tmp_path / "w")
    assert zoo.rows_of(found) == [("一街", "7", "8", "9")]


def test_broken_rows_are_kept_with_the_line_they_stand_in(tmp_path: Path) -> None:
    text = 'a,b,c\n1,2,3\n4,5\n"多\n行",x,y\n6,7,8,9\n7,"un"q",z\n8,9,10\n'
    found = read(zoo.put(tmp_path, "a.csv", text), tmp_path / "w").count()
    assert (found.rows_good, found.rows_bad) == (3, 3)
    assert [(one.line, one.reason, one.text) for one in found.broken] == [
        (3, "missing_columns", "4,5"),
        (6, "too_many_columns", "6,7,8,9"),
        (7, "quote", '7,"un"q",z'),
    ]


def test_zeros_and_marks_inside_a_text_are_taken_out_and_told(tmp_path: Path) -> None:
    raw = zoo.PEOPLE.encode() + b"\xef\xbb\xbf" + "王\0五,x,2024-01-01\n".encode()
    found = read(zoo.put(tmp_path, "a.csv", raw), tmp_path / "w")
    assert zoo.rows_of(found)[2] == ("王五", "x", "2024-01-01")
    assert {"nul", "bom_inside"} <= notes(found)


def test_numbers_keep_leading_zeros_and_lost_digits_are_named(tmp_path: Path) -> None:
    found = read(zoo.put(tmp_path, "a.csv", "编号,证号\n007,1.10105E+17\n008,1.10106E+17\n"), tmp_path / "w")
    assert zoo.rows_of(found) == [("007", "1.10105E+17"), ("008", "1.10106E+17")]
    assert {"lost_digits", "leading_zeros"} <= notes(found)
    assert [column.kind for column in found.columns] == ["text", "decimal"]


def test_a_workbook_named_csv_and_a_text_named_xlsx_are_read_by_content(tmp_path: Path) -> None:
    book = zoo.sheet(tmp_path, "a.csv", [list(zoo.NAMES), *map(list, zoo.TWO)])
    found = read(book, tmp_path / "w")
    assert (found.format, zoo.rows_of(found), "misnamed" in notes(found)) == ("xlsx", zoo.TWO, True)
    found = read(zoo.put(tmp_path, "b.xlsx", zoo.PEOPLE), tmp_path / "w2")
    assert (found.format, zoo.rows_of(found), "misnamed" in notes(found)) == ("csv", zoo.TWO, True)


def test_a_sheet_with_title_merged_cells_and_total_is_read(tmp_path: Path) -> None:
    rows = [
        ["某区网格人口统计表"],
        ["街道", "人口", None, "更新"],
        [None, "男", "女", None],
        ["一街", 10, 12, "x"],
        [None, 11, 13, "y"],
        ["二街", 1, 2, "z"],
        ["合计", 22, 27, None],
    ]
    path = zoo.sheet(tmp_path, "a.xlsx", rows, merge=("A1:D1", "A2:A3", "B2:C2", "D2:D3", "A4:A5"))
    found = read(path, tmp_path / "w").count()
    assert (found.names, found.header_rows) == (("街道", "人口/男", "人口/女", "更新"), (2, 3))
    assert zoo.rows_of(found) == [
        ("一街", "10", "12", "x"),
        ("一街", "11", "13", "y"),
        ("二街", "1", "2", "z"),
    ]
    assert {"title_rows", "header_rows", "merged", "footer"} <= notes(found)


def test_dates_numbers_truths_and_formulas_of_a_sheet_become_texts(tmp_path: Path) -> None:
    from datetime import date, datetime

    rows = [
        ["日", "时", "数", "长数", "真", "式", "证"],
        [
            date(2024, 2, 29),
            datetime(2024, 1, 2, 3, 4, 5),  # noqa: DTZ001
            0.1 + 0.2,
            110105194912310021,
            True,
            "=1+1",
            "007",
        ],
    ]
    found = read(zoo.sheet(tmp_path, "a.xlsx", rows), tmp_path / "w")
    expected = ("2024-02-29", "2024-01-02 03:04:05", "0.3", "1.10105194912310E+17", "TRUE", "=1+1", "007")
    assert zoo.rows_of(found) == [expected]
    assert {"formulas", "lost_digits"} <= notes(found)


def test_a_formula_that_calls_out_stays_a_text(tmp_path: Path) -> None:
    text = '名,值\n一,=cmd|\'/C calc\'!A0\n二,"=HYPERLINK(""http://evil"")"\n'
    found = read(zoo.put(tmp_path, "a.csv", text), tmp_path / "w")
    assert zoo.rows_of(found) == [("一", "=cmd|'/C calc'!A0"), ("二", '=HYPERLINK("http://evil")')]
    assert "formula_texts" in notes(found)


def test_the_first_sheet_with_rows_is_read_and_the_others_named(tmp_path: Path) -> None:
    people = [list(zoo.NAMES), *map(list, zoo.TWO)]
    path = zoo.sheet(tmp_path, "a.xlsx", [], 说明=people, 其他=[["x", "y"], ["1", "2"]])
    assert read(path, tmp_path / "w").sheet == "说明"
    found = read(path, tmp_path / "w2", options=Options(sheet="其他"))
    assert zoo.rows_of(found) == [("1", "2")]
    with pytest.raises(Unreadable) as refused:
        read(path, tmp_path / "w3", options=Options(sheet="没有"))
    assert refused.value.key == "sheet"


def test_a_page_named_xls_is_read(tmp_path: Path) -> None:
    page = (
        "<html><head><meta charset=gb2312></head><table><tr><th rowspan=2>街道</th><th colspan=2>人口</th></tr>"
        "<tr><th>男</th><th>女</th></tr><tr><td>一街</td><td>1</td><td>2</td></tr></table></html>"
    )
    found = read(zoo.put(tmp_path, "a.xls", page.encode("gb18030")), tmp_path / "w")
    assert (found.format, found.names) == ("html", ("街道", "人口/男", "人口/女"))
    assert zoo.rows_of(found) == [("一街", "1", "2")]


def test_json_lines_keep_every_digit_and_broken_lines_their_number(tmp_path: Path) -> None:
    text = '{"id":110105194912310021234,"v":1.10,"a":{"b":1,"c":[1,2]}}\n{oops\n[1]\n{"id":2,"v":null,"new":true}\n'
    found = read(zoo.put(tmp_path, "a.jsonl", text), tmp_path / "w").count()
    assert (found.format, found.names) == ("jsonl", ("id", "v", "a.b", "a.c", "new"))
    assert zoo.rows_of(found) == [
        ("110105194912310021234", "1.10", "1", "[1,2]", None),
        ("2", None, None, None, "true"),
    ]
    assert [(one.line, one.text) for one in found.broken] == [(2, "{oops\n"), (3, "[1]")]


@pytest.mark.parametrize("wrap", ["%s", '{"code":0,"result":{"total":2,"rows":%s}}'])
def test_a_json_list_is_found_in_its_envelope(tmp_path: Path, wrap: str) -> None:
    rows = json.dumps([dict(zip(zoo.NAMES, row, strict=True)) for row in zoo.TWO], ensure_ascii=False)
    found = read(zoo.put(tmp_path, "a.json", wrap % rows), tmp_path / "w")
    assert (found.format, found.names, zoo.rows_of(found)) == ("json", zoo.NAMES, zoo.TWO)


def test_parquet_is_read_as_texts(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1, 2], "b": ["x", None], "c": [[1], [2, 3]]}), tmp_path / "a.csv")
    found = read(tmp_path / "a.csv", tmp_path / "w").count()
    assert (found.format, zoo.rows_of(found)) == ("parquet", [("1", "x", "[1]"), ("2", None, "[2,3]")])


def test_packed_files_are_unpacked_once_or_twice(tmp_path: Path) -> None:
    path = zoo.zipped(tmp_path, "a.zip", {"人口.csv": zoo.PEOPLE.encode(), "__MACOSX/x": b"1"})
    found = read(path, tmp_path / "w")
    assert (found.container, zoo.rows_of(found)) == ("zip", zoo.TWO)
    path = zoo.put(tmp_path, "b.csv.gz", gzip.compress(zoo.PEOPLE.encode()))
    assert zoo.rows_of(read(path, tmp_path / "w2")) == zoo.TWO


def test_a_bomb_is_stopped_and_leaves_nothing(tmp_path: Path) -> None:
    work = tmp_path / "w"
    with pytest.raises(Unreadable) as refused:
        read(zoo.bomb(tmp_path), work)
    assert refused.value.key == "bomb"
    assert list(work.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "content", "key"),
    [
        ("a.csv", b"", "empty"),
        ("a.csv", b"\n\n  \n", "no_rows"),
        ("a.pdf", b"%PDF-1.7 xx", "kind"),
        ("a.rar", b"Rar!\x1a\x07", "kind"),
        ("a.gz", b"\x1f\x8b\x08\x00garbage garbage", "damaged"),
        ("a.zip", b"PK\x03\x04garbage", "damaged"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "encrypted"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 4000, "damaged"),
        ("a.parquet", b"PAR1 cut off", "damaged"),
        ("a.parquet", b"PAR1 cut off PAR1", "damaged"),
        ("a.json", b'{"a": [1, 2', "damaged"),
        ("a.json", b"[]", "json"),
        ("a.json", b"[" * 100_000, "damaged"),
        ("a.xml", b"<?xml version='1.0'?><a/>", "kind"),
    ],
)
def test_what_holds_no_table_is_refused_by_name(tmp_path: Path, name: str, content: bytes, key: str) -> None:
    with pytest.raises(Unreadable) as refused:
        read(zoo.put(tmp_path, name, content), tmp_path / "w")
    assert refused.value.key == key
    assert str(refused.value)


def test_archives_with_many_files_entities_and_too_many_columns_are_refused(tmp_path: Path) -> None:
    many = zoo.zipped(tmp_path, "a.zip", {"a.csv": b"1", "b.csv": b"2"})
    with pytest.raises(Unreadable) as refused:
        read(many, tmp_path / "w")
    assert (refused.value.key, refused.value.params["count"]) == ("archive_many", 2)
    evil = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><workbook/>'
    with pytest.raises(Unreadable) as refused:
        read(zoo.zipped(tmp_path, "b.xlsx", {"xl/workbook.xml": evil}), tmp_path / "w2")
    assert refused.value.key == "external"
    wide = zoo.put(tmp_path, "c.csv", ",".join(f"c{i}" for i in range(50)) + "\n" + ",".join("1" * 50) + "\n")
    with pytest.raises(Unreadable) as refused:
        read(wide, tmp_path / "w3", options=Options(limits=Limits(columns=40)))
    assert refused.value.key == "columns"


def test_columns_left_blank_by_merged_cells_are_filled_when_asked(tmp_path: Path) -> None:
    text = "大类,小类\n公用设施,井盖\n,路灯\n交通设施,站牌\n,护栏\n"
    path = zoo.put(tmp_path, "a.csv", text)
    found = read(path, tmp_path / "w", options=Options(fill=("大类",)))
    assert [row[0] for row in zoo.rows_of(found)] == ["公用设施", "公用设施", "交通设施", "交通设施"]


def test_a_report_survives_its_json(tmp_path: Path) -> None:
    found = read(zoo.put(tmp_path, "a.csv", zoo.PEOPLE + "x\n"), tmp_path / "w").count()
    assert Reading.from_json(json.loads(json.dumps(found.to_json()))) == found


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data is missing")
@pytest.mark.parametrize(
    ("name", "encoding", "header", "width", "good"),
    [
        ("tabular/gb18030_quarter.csv", "GB18030", (1,), 7, 856),
        ("tabular/standards_preview.csv", "UTF-8 (BOM)", (2,), 12, 279),
        ("events/boston311_dev_jan-jun.csv.gz", "UTF-8", (1,), 31, 58_119),
        ("bridge/nab/nyc_taxi.csv", "ASCII", (1,), 2, 10_320),
        ("linkage/dataset1.csv", "ASCII", (1,), 11, 1_000),
        ("port/reference_values.csv", "ASCII", (1,), 7, 2),
    ],
)
def test_real_files_are_read_whole(
    tmp_path: Path, name: str, encoding: str, header: tuple[int, ...], width: int, good: int
) -> None:
    found = read(SHARED / name, tmp_path / "w").count()
    told = (found.encoding, found.header_rows, len(found.columns), found.rows_good, found.rows_bad)
    assert told == (encoding, header, width, good, 0)


def test_what_is_no_text_at_all_is_refused_and_odd_texts_are_not(tmp_path: Path) -> None:
    noise = bytes((n * 7919 + n // 256 * 31) % 256 for n in range(5_000))
    with pytest.raises(Unreadable) as refused:
        read(zoo.put(tmp_path, "noise.csv", noise), tmp_path / "work")
    assert (refused.value.key, str(refused.value)) == (
        "kind",
        "这是二进制文件，不是数据表；请报送 CSV、Excel、JSON 或 Parquet。",
    )
    long = zoo.PEOPLE + "".join(f"王{n},34052419800101001X,2024-02-29\n" for n in range(200))
    for encoding in ("gb18030", "utf-16-le", "utf-16-be", "big5"):
        text = (
            long
            if encoding != "big5"
            else long.replace("张", "張").replace("登记", "登記").replace("证", "證")
        )
        path = zoo.put(tmp_path, f"{encoding}.csv", text.encode(encoding, "replace"))
        assert len(zoo.rows_of(read(path, tmp_path / f"work-{encoding}"))) == 202


def test_a_sheet_that_unpacks_without_end_is_refused_by_name(tmp_path: Path) -> None:
    book = openpyxl.Workbook(write_only=True)
    page = book.create_sheet("表")
    for _ in range(20_000):
        page.append(["同一个值"] * 10)
    path = tmp_path / "大.xlsx"
    book.save(path)
    limits = Limits(ratio_from=1 << 20, ratio=5)
    with pytest.raises(Unreadable) as refused:
        read(path, tmp_path / "w", options=Options(limits=limits))
    assert refused.value.key == "bomb"
    assert list((tmp_path / "w").glob("sheet-*")) == []


def test_a_sheet_of_more_rows_than_excel_holds_is_refused_by_name(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    page = book.active
    page["A1"], page["A2"], page.cell(1_048_576, 1).value = "编号", "1", "2"
    path = tmp_path / "满.xlsx"
    book.save(path)
    assert len(zoo.rows_of(read(path, tmp_path / "full"))) == 2
    with zipfile.ZipFile(path) as packed:
        parts = {one: packed.read(one).replace(b'"1048576"', b'"1048577"') for one in packed.namelist()}
    with pytest.raises(Unreadable) as refused:
        read(zoo.zipped(tmp_path, "多.xlsx", parts), tmp_path / "w")
    assert refused.value.key == "rows"
