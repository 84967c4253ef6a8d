"""A form is filled and grown the same however its XML is written, and what isn't asked for stays as it is written."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from citybrain.hub.forms.book import layout, look, read_rows, write
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
