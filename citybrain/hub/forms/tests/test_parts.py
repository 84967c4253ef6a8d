"""Workbooks by any writer: parts found by what they are, results of formulas that no longer hold left out."""

import struct
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from openpyxl import load_workbook

from citybrain.base.exchange.reading.containers import identify
from citybrain.base.exchange.reading.report import Unreadable
from citybrain.hub.forms.book import NotTaken, look, write
from citybrain.hub.forms.book.results import unresolved
from citybrain.hub.forms.book.xls.cells import calculated
from citybrain.hub.forms.tests import shapes
from citybrain.hub.forms.tests.shapes import Shape
from citybrain.hub.forms.tests.test_shapes import PUT, parts, read_back, rows_of, table_of

RENAMED = {
    b"workbook.xml": b"book.xml",
    b"xl/": b"content/",
    b"worksheets/sheet": b"tabs/s",
    b"styles.xml": b"a b.xml",
}


def elsewhere(shape: Shape) -> Shape:
    """Write a workbook's parts under other names, as writers other than Excel may; links to them follow."""

    def renamed(text: bytes) -> bytes:
        for was, now in RENAMED.items():
            text = text.replace(was, now)
        return text

    told = parts(shape.path.read_bytes())
    with zipfile.ZipFile(shape.path, "w") as archive:
        for name, content in told.items():
            lists = name.endswith(".rels") or name == "[Content_Types].xml"
            archive.writestr(renamed(name.encode()).decode(), renamed(content) if lists else content)
    return shape


def back(content: bytes) -> bytes:
    """Return a workbook with its parts under the usual names again, as the library of the tests wants them."""
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, part in parts(content).items():
            lists = name.endswith(".rels") or name == "[Content_Types].xml"
            for was, now in RENAMED.items():
                name, part = (
                    name.replace(now.decode(), was.decode()),
                    part.replace(now, was) if lists else part,
                )
            archive.writestr(name, part)
    return file.getvalue()


@pytest.mark.parametrize(
    "make", [shapes.named, shapes.commented, shapes.drawn, shapes.listed, shapes.coloured]
)
def test_a_workbook_whose_parts_have_other_names_is_read_filled_and_grown(
    make: Callable[[Path], Shape], tmp_path: Path
) -> None:
    shape = elsewhere(make(tmp_path))
    assert identify(shape.path) == "xlsx"
    rows = rows_of(shape, shape.prepared + PUT)
    table = table_of(shape, tmp_path)
    out = write(table, rows)
    assert (out.added, out.problems) == (PUT, ())
    read_back(table, shape, out, rows, tmp_path)
    now = parts(out.content)
    assert not [name for name in now if name.startswith("xl/")]
    assert b'fullCalcOnLoad="1"' in now["content/book.xml"]
    book = load_workbook(BytesIO(back(out.content)))
    assert {key: book[key[0]][key[1]].value for key in shape.formulas} == shape.formulas
    if make is shapes.drawn:
        charts = [content for name, content in now.items() if "charts/chart" in name]
        assert ["'登记表'!$F$3:$F$8".encode() in one for one in charts] == [True]


def test_order_of_calculation_macros_and_links_are_found_by_other_names_too(tmp_path: Path) -> None:
    shape = elsewhere(shapes.chained(tmp_path))
    out = parts(write(table_of(shape, tmp_path), rows_of(shape, shape.prepared + PUT)).content)
    assert "content/calcChain.xml" not in out
    assert b"calcChain" not in out["[Content_Types].xml"] + out["content/_rels/book.xml.rels"]
    assert look(elsewhere(shapes.macro(tmp_path)).path).macros
    assert look(elsewhere(shapes.linked(tmp_path)).path).links == ("2025.xlsx",)


def test_a_letter_or_slides_are_no_workbook_whatever_their_parts_are_called(tmp_path: Path) -> None:
    shape = elsewhere(shapes.plain(tmp_path))
    told = parts(shape.path.read_bytes())
    for program in (b"wordprocessingml.document", b"presentationml.presentation"):
        with zipfile.ZipFile(shape.path, "w") as archive:
            for name, content in told.items():
                archive.writestr(name, content.replace(b"spreadsheetml.sheet", program))
        with pytest.raises(NotTaken) as refused:
            look(shape.path)
        assert (refused.value.key, refused.value.params) == ("kind", {"kind": "Word/PowerPoint"})


def saved_with_results(shape: Shape) -> Shape:
    """Put a result into each formula of a workbook, as Excel saves them."""
    told = parts(shape.path.read_bytes())
    with zipfile.ZipFile(shape.path, "w") as archive:
        for name, content in told.items():
            archive.writestr(
                name, content.replace(b"</f><v></v>", b"</f><v>0</v>").replace(b"</f><v/>", b"</f><v>0</v>")
            )
    return shape


def results(content: bytes) -> dict[tuple[str, str], object]:
    """Return what is saved of a workbook's formulas, by sheet and cell."""
    book, values = load_workbook(BytesIO(content)), load_workbook(BytesIO(content), data_only=True)
    cells = (
        cell
        for sheet in book.worksheets
        for row in sheet.iter_rows()
        for cell in row
        if cell.data_type == "f"
    )
    return {
        (one.parent.title, one.coordinate): values[one.parent.title][one.coordinate].value for one in cells
    }


@pytest.mark.parametrize("more", [0, PUT])
def test_totals_of_the_empty_form_are_not_left_in_the_filled_one(more: int, tmp_path: Path) -> None:
    shape = saved_with_results(shapes.named(tmp_path))
    assert set(results(shape.path.read_bytes()).values()) == {0}
    out = write(table_of(shape, tmp_path), rows_of(shape, shape.prepared + more))
    left = results(out.content)
    assert set(left) == {
        ("登记表", f"F{6 + more}"),
        ("登记表", f"F{7 + more}"),
        *(("汇总", f"A{i}") for i in (1, 2, 3)),
    }
    assert set(left.values()) == {None}


def test_a_form_in_which_nothing_was_filled_keeps_its_results(tmp_path: Path) -> None:
    shape = saved_with_results(shapes.named(tmp_path))
    assert set(results(write(table_of(shape, tmp_path), []).content).values()) == {0}


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ('<c r="A1" s="2" t="str"><f>B1&amp;"x"</f><v>y</v></c>', '<c r="A1" s="2"><f>B1&amp;"x"</f></c>'),
        (
            '<x:c r="A1"><x:f t="shared" si="0"/><x:v>1</x:v></x:c>',
            '<x:c r="A1"><x:f t="shared" si="0"/></x:c>',
        ),
        (
            "<c t='e' r=\"A1\">\n<f><![CDATA[1<2]]></f> <v>#N/A</v></c>",
            '<c r="A1">\n<f><![CDATA[1<2]]></f> </c>',
        ),
        ('<c r="A1" t="s"><v>4</v></c><c r="B1"><v>7</v></c>', None),
        ('<!-- <c><f>1</f><v>1</v></c> --><c r="A1"><f>1</f><v/></c>', None),
        ("</row><other><f>1</f><v>1</v></other><row>", None),
        ('<c r="A1"><f>1</f><v a="b"><!-- 7 --><![CDATA[7]]></v></c>', '<c r="A1"><f>1</f></c>'),
    ],
)
def test_only_what_formulas_came_to_is_left_out(was: str, now: str | None) -> None:
    whole = "<worksheet xmlns:x='u'><sheetData><row>%s</row></sheetData></worksheet>"
    assert unresolved((whole % was).encode()).decode() == whole % (was if now is None else now)


@pytest.mark.parametrize(
    ("was", "now"),
    [
        (struct.pack("<d", 615.0), b"\x03\0\0\0\0\0\xff\xff"),
        (b"\x01\0\x01\0\0\0\xff\xff", b"\x03\0\0\0\0\0\xff\xff"),
        (b"\0\0\0\0\0\0\xff\xff", b"\0\0\0\0\0\0\xff\xff"),
    ],
    ids=["number", "truth", "text in a record of its own"],
)
def test_an_old_workbook_shows_no_totals_of_the_empty_form(was: bytes, now: bytes) -> None:
    head, rest = (
        struct.pack("<HHHHH", 0x0006, 27, 5, 5, 15),
        b"\0\0" + b"\0" * 4 + struct.pack("<H", 5) + b"\x1e\1\0",
    )
    told = calculated(head + was + rest + b"\0\0")
    assert told == head + now + b"\1\0" + rest[2:] + b"\0\0"


def test_a_list_of_parts_that_is_no_list_is_told_as_damaged(tmp_path: Path) -> None:
    path = shapes.plain(tmp_path).path
    raw = bytearray(path.read_bytes())
    at = raw.index(b"_rels/.rels") + len(b"_rels/.rels")
    raw[at : at + 8] = struct.pack("<Q", 0xFFFFFFFFFFFFFFFF)
    path.write_bytes(bytes(raw))
    with pytest.raises(Unreadable):
        look(path)
