"""A form is filled and grown the same however its XML is written, and what isn't asked for stays as it is written."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from citybrain.hub.forms.book import growing, layout, look, read_rows, write
from citybrain.hub.forms.book.references import Growth
from citybrain.hub.forms.book.sheet import Sheet
from citybrain.hub.forms.tests import shapes
from citybrain.hub.forms.tests.serialising import WAYS, as_written, infoset, is_xml, rewritten
from citybrain.hub.forms.tests.shapes import Shape
from citybrain.hub.forms.tests.test_shapes import PUT, parts, rows_of, table_of

Make = Callable[[Path], Shape]


@pytest.mark.parametrize("make", shapes.XLSX, ids=lambda one: one.__name__)
def test_a_workbook_grows_the_same_however_it_is_written(make: Make, tmp_path: Path) -> None:
    shape = make(tmp_path)
    table = table_of(shape, tmp_path)
    rows = rows_of(shape, shape.prepared + PUT)
    facts, found = look(shape.path), layout(shape.path, tmp_path, "xlsx", shape.sheet)
    before = parts(shape.path.read_bytes())
    expected = parts(write(table, rows).content)
    said = {name: infoset(part) for name, part in expected.items() if is_xml(name)}
    for name, way in WAYS.items():
        path = tmp_path / f"{name}{shape.path.suffix}"
        path.write_bytes(rewritten(shape.path.read_bytes(), way))
        assert (look(path), layout(path, tmp_path, "xlsx", shape.sheet)) == (facts, found), name
        out = write(replace(table, path=path), rows)
        was, now = parts(path.read_bytes()), parts(out.content)
        assert list(now) == list(expected), name
        for part, content in now.items():
            if expected[part] == before[part]:
                assert content == was[part], (name, part)
            elif is_xml(part):
                assert infoset(content) == said[part], (name, part)
                kept(was[part], content)
        again = tmp_path / f"filled{shape.path.suffix}"
        again.write_bytes(out.content)
        taken = read_rows(table, again)
        assert [one.values["B"] for one in taken.rows] == [row["B"] for row in rows], name


def kept(was: bytes, now: bytes) -> None:
    """What says the same as before is written as before, and so is the part's encoding."""
    assert now[:20] == was[:20]
    known: dict[Any, set[bytes]] = as_written(was)
    for said, written in as_written(now).items():
        assert said not in known or written == known[said]


def test_formulas_that_are_shared_stay_shared_where_none_of_them_points_to_the_grown_rows() -> None:
    xml = (
        b"<worksheet xmlns='u'><sheetData><row><c><f t='shared' ref='A1:A2' si='0'>B1*2</f></c>"
        b"<c><f t='shared' ref='B1:B2' si='1' ca='1'>&#34920;!C1</f></c></row>"
        b"<row><c><f si='0' t='shared'/></c><c><f t='shared' si='1'/><v>7</v></c></row></sheetData></worksheet>"
    )
    moved = growing.pointing(xml, Sheet(xml), Growth("\u8868", 1, 1, 3))
    assert (
        moved
        == (
            "<worksheet xmlns='u'><sheetData><row><c><f t='shared' ref='A1:A2' si='0'>B1*2</f></c>"
            "<c><f ca='1'>&#34920;!C1</f></c></row>"
            "<row><c><f si='0' t='shared'/></c><c><f>\u8868!C5</f><v>7</v></c></row></sheetData></worksheet>"
        ).encode()
    )
    assert growing.pointing(xml, Sheet(xml), Growth("\u522b", 1, 1, 3)) == xml


def test_rows_without_numbers_are_counted_and_those_put_in_say_theirs() -> None:
    xml = (
        b"<x:worksheet xmlns:x='u'><x:sheetData ><x:row><x:c/></x:row><x:row ht='21'\n><x:c s='3'><x:v>1</x:v></x:c>"
        b"<x:c><x:f>A2+1</x:f></x:c></x:row><x:row><x:c><x:f>SUM(A2:A2)</x:f></x:c></x:row></x:sheetData >"
        b"<x:mergeCells count='1'><x:mergeCell ref='A3:C3'/></x:mergeCells></x:worksheet>"
    )
    grown = growing.grown(xml, Sheet(xml), Growth("s", 2, 2, 1))
    assert grown == (
        b"<x:worksheet xmlns:x='u'><x:sheetData ><x:row><x:c/></x:row><x:row ht='21'\n><x:c s='3'><x:v>1</x:v></x:c>"
        b'<x:c><x:f>A2+1</x:f></x:c></x:row><x:row ht=\'21\'\n r="3"><x:c r="A3" s="3"/>'
        b'<x:c r="B3"><x:f>A3+1</x:f></x:c></x:row><x:row><x:c><x:f>SUM(A2:A3)</x:f></x:c></x:row></x:sheetData >'
        b"<x:mergeCells count='1'><x:mergeCell ref='A4:C4'/></x:mergeCells></x:worksheet>"
    )


def test_what_a_library_draws_for_comments_may_be_no_sound_xml() -> None:
    drawing = b"<xml><div>a<br>b</div><x:Row> 5</x:Row><x:Anchor>1, 2, 5, 4, 3, 6, 9, 8</x:Anchor></xml>"
    assert growing.vml(drawing, Growth("s", 3, 5, 2)) == (
        b"<xml><div>a<br>b</div><x:Row>7</x:Row><x:Anchor>1, 2,7, 4, 3, 6,11, 8</x:Anchor></xml>"
    )
