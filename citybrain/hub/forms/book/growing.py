"""Rows put into an .xlsx below the last prepared row of a form; what lies beneath moves down.

Formulas, merged cells, validation lists, conditional formats, print areas, names, tables, comments, drawings and
charts follow as Excel would let them; a row put in looks like the last prepared one and carries its formulas.
Source: ECMA-376, part 1, 18.3.1 (worksheets), 18.2.5 (definedName), 20.5.2 (drawing anchors), 21.2.2.65 (c:f).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from citybrain.base.exchange.reading.markup import (
    Edit,
    Element,
    attributes_at,
    elements,
    escaped,
    spliced,
)
from citybrain.hub.forms.book.references import Growth, copied
from citybrain.hub.forms.book.sheet import Place, Sheet, letters_of
from citybrain.hub.forms.book.table import NotTaken

Told = Callable[[int], Mapping[int, bytes]]
"""The cells of a new row: its number → column (from 0) → XML."""
RANGED: Final = frozenset({
    "autoFilter", "sortState", "sortCondition", "conditionalFormatting", "dataValidation", "protectedRange",
    "ignoredError", "dimension", "table", "cellWatch",
})  # fmt: skip
RANGES: Final = ("ref", "sqref", "r")
PLACED: Final = frozenset({"hyperlink", "comment", "threadedComment", "location"})
TEXTED: Final = frozenset({"formula", "formula1", "formula2", "f", "definedName"})
AROUND: Final = frozenset(
    {*RANGED, *PLACED, *TEXTED, "sqref", "rowBreaks", "brk", "row", "mergeCells", "mergeCell"}
)


class Formulas:
    """The formulas of a sheet, each with its own text; shared ones are told apart where they change."""

    def __init__(self, xml: bytes, sheet: Sheet, growth: Growth, *, here: bool) -> None:
        self.growth, self.here = growth, here
        self.there: dict[str, Element] = {}
        self.shared: dict[str, tuple[str, str]] = {}
        for reference, place in sheet.cells.items():
            if place.formula:
                self._learn(reference, xml, place)
        self.apart = {
            told.attributes["si"]
            for reference, told in self.there.items()
            if _kind(told) == "shared" and (here or self.text(reference) != self._unmoved(reference))
        }

    def _learn(self, reference: str, xml: bytes, place: Place) -> None:
        told = next(elements(xml, {"f"}, place.tag_end, place.text_end), None)
        if told is None:
            return
        self.there[reference] = told
        if _kind(told) == "shared" and told.text:
            self.shared[told.attributes["si"]] = told.text, reference

    def _unmoved(self, reference: str) -> str:
        told = self.there[reference]
        if _kind(told) != "shared":
            return told.text
        text, origin = self.shared[told.attributes["si"]]
        return copied(text, origin, reference) if reference != origin else text

    def text(self, reference: str, row: int = 0) -> str:
        """Return a cell's formula where all stands now; empty for none. `row` is the cell's own."""
        if reference not in self.there:
            return ""
        in_rows = self.here and self.growth.begins <= row <= self.growth.after
        return self.growth.formula(self._unmoved(reference), here=self.here, in_rows=in_rows)

    def edits(self, reference: str, row: int) -> Iterator[Edit]:
        """Yield what changes in a cell's formula."""
        told = self.there.get(reference)
        if told is None:
            return
        kind = _kind(told)
        if kind == "dataTable":
            if self.here and row > self.growth.after:
                raise NotTaken("grow_data_table", reference=reference)
        elif kind == "shared":
            if told.attributes["si"] in self.apart:
                yield from told.set({"t": None, "si": None, "ref": None})
                yield from told.say(self.text(reference, row))
        elif told.text:
            if self.here:
                yield from told.set({"ref": self.growth.place})
            yield from told.say(self.text(reference, row))


def _kind(formula: Element) -> str:
    return formula.attributes.get("t", "")


def pointing(xml: bytes, sheet: Sheet, growth: Growth) -> bytes:
    """Return another sheet's XML with its formulas moved that point to the grown one."""
    formulas = Formulas(xml, sheet, growth, here=False)
    edits = [edit for reference in formulas.there for edit in formulas.edits(reference, 0)]
    end = sheet.data.end if sheet.data else 0
    return spliced(xml, [*edits, *_texts(elements(xml, TEXTED, end), growth, here=False)])


def grown(xml: bytes, sheet: Sheet, growth: Growth, told: Told | None = None) -> bytes:
    """Return a sheet's XML with rows put in, their cells by `told`. Raises NotTaken where the form can't be grown."""
    if sheet.data is None:
        return xml
    formulas = Formulas(xml, sheet, growth, here=True)
    edits: list[Edit] = []
    for number, place in sheet.rows.items():
        if number > growth.after:
            edits += _numbered(xml, place, number + growth.by)
        for column, _ in sheet.columns.get(number, ()):
            reference = f"{letters_of(column)}{number}"
            known = sheet.cells[reference]
            if number > growth.after:
                edits += _numbered(xml, known, f"{letters_of(column)}{number + growth.by}")
            if known.formula:
                edits += formulas.edits(reference, number)
    if not sheet.data.empty:
        below = (sheet.rows[one].start for one in sheet.numbers if one > growth.after)
        at = next(below, sheet.data.text_end)
        edits.append((at, at, _new_rows(xml, sheet, growth, formulas, told or _nothing)))
    beside = [*elements(xml, AROUND, 0, sheet.data.start), *elements(xml, AROUND, sheet.data.end)]
    return spliced(xml, [*edits, *_around(beside, growth), *_merged(beside, sheet, growth)])


def _numbered(xml: bytes, place: Place, now: int | str) -> Iterator[Edit]:
    """Yield the edit that gives a row or a cell its new reference; one without counts from the one before it."""
    for name, _, start, end in attributes_at(xml, place.start, place.tag_end):
        if name == "r":
            yield start + 1, end - 1, str(now).encode()


def _nothing(_: int) -> Mapping[int, bytes]:
    return {}


def _new_rows(xml: bytes, sheet: Sheet, growth: Growth, formulas: Formulas, told: Told) -> bytes:
    """Return the rows put in: height, styles and formulas of the last prepared one, values as told."""
    like = sheet.rows.get(growth.after) if growth.after >= growth.begins else None
    prefix = sheet.prefix_in(growth.after if like else 0)
    before, behind = _head(xml, like) if like else (f'<{prefix}row r="'.encode(), b'">')
    close = f"</{prefix}row>".encode()
    cells: dict[int, tuple[str, str]] = {}
    for column, _ in sheet.columns.get(growth.after, []) if like else ():
        reference = f"{letters_of(column)}{growth.after}"
        style = sheet.cells[reference].style
        known = formulas.there.get(reference)
        alone = known is None or _kind(known) in {"array", "dataTable"}
        text = "" if alone else formulas.text(reference, growth.after)
        cells[column] = ("" if style is None else f' s="{style}"', text)
    made: list[bytes] = []
    for row in range(growth.after + 1, growth.after + growth.by + 1):
        given = told(row)
        made.append(before + str(row).encode() + behind)
        for column in sorted({*cells, *given}):
            one = given.get(column)
            made.append(one or _blank(prefix, letters_of(column), *cells[column], row, growth.after))
        made.append(close)
    return b"".join(made)


def _head(xml: bytes, like: Place) -> tuple[bytes, bytes]:
    """Return a row's tag, open, before and behind its number."""
    for name, _, start, end in attributes_at(xml, like.start, like.tag_end):
        if name == "r":
            rest = xml[end - 1 : like.tag_end]
            return xml[like.start : start + 1], rest.removesuffix(b">").removesuffix(b"/") + b">"
    tag = xml[like.start : like.tag_end].removesuffix(b">").removesuffix(b"/")
    return tag + b' r="', b'">'


def _blank(prefix: str, letters: str, style: str, formula: str, row: int, origin: int) -> bytes:
    head = f'<{prefix}c r="{letters}{row}"{style}'.encode()
    if not formula:
        return head + b"/>"
    told = escaped(copied(formula, f"{letters}{origin}", f"{letters}{row}"))
    return head + f"><{prefix}f>".encode() + told + f"</{prefix}f></{prefix}c>".encode()


def around(xml: bytes, growth: Growth) -> bytes:
    """Return a part around the rows, as a table is, moved."""
    return spliced(xml, _around(elements(xml, AROUND), growth))


def _around(known: Iterable[Element], growth: Growth) -> Iterator[Edit]:
    """Yield what moves before and after the rows; merged cells are done apart."""
    for one in known:
        if one.name in RANGED:
            yield from one.set(dict.fromkeys(RANGES, growth.ranges))
        elif one.name == "brk" and one.inside == "rowBreaks":
            yield from one.set({"id": lambda row: str(growth.row(int(row)))})
        elif one.name == "sqref" and one.leaf:
            yield from one.say(growth.ranges(one.text))
        else:
            yield from (*_places([one], growth), *_anchors([one], growth), *_texts([one], growth, here=True))


def placed(xml: bytes, growth: Growth) -> bytes:
    """Return links or comments where their cells stand now."""
    return spliced(xml, _places(elements(xml, PLACED), growth))


def _places(known: Iterable[Element], growth: Growth) -> Iterator[Edit]:
    for one in known:
        if one.name in PLACED:
            yield from one.set({"ref": growth.place})


def texted(xml: bytes, growth: Growth) -> bytes:
    """Return names or a chart moved that point to the grown sheet from elsewhere."""
    return spliced(xml, _texts(elements(xml, TEXTED), growth, here=False))


def _texts(known: Iterable[Element], growth: Growth, *, here: bool) -> Iterator[Edit]:
    """Yield formulas moved that stand as an element's text: of validation, formats, names and charts."""
    for one in known:
        if one.name in TEXTED and one.leaf:
            yield from one.say(growth.formula(one.text, here=here))


def anchored(xml: bytes, growth: Growth) -> bytes:
    """Return a drawing whose anchors below the table moved down; its rows count from 0."""
    return spliced(xml, _anchors(elements(xml, {"row"}), growth))


def _anchors(known: Iterable[Element], growth: Growth) -> Iterator[Edit]:
    for one in known:
        if one.name == "row" and one.leaf:
            yield from one.say(_from_0(one.text, growth))


def _from_0(row: str, growth: Growth) -> str:
    was = int(row) + 1 if row.strip().isdigit() else 0
    return row if growth.row(was) == was else str(growth.row(was) - 1)


def vml(xml: bytes, growth: Growth) -> bytes:
    """Return the boxes of comments and controls moved down."""

    def edits() -> Iterator[Edit]:
        for one in elements(xml, {"Row", "Anchor"}):
            numbers = one.text.split(",")
            if one.name == "Row" and one.leaf:
                yield from one.say(_from_0(one.text, growth))
            elif len(numbers) == 8:
                for at in (2, 6):
                    numbers[at] = _from_0(numbers[at], growth)
                yield from one.say(",".join(numbers))

    return spliced(xml, edits())


def sourced(xml: bytes, growth: Growth) -> bytes:
    """Return a pivot table's source moved where it is the grown sheet."""
    known = elements(xml, {"worksheetSource"})
    here = (one for one in known if one.attributes.get("sheet") == growth.sheet)
    return spliced(xml, (edit for one in here for edit in one.set({"ref": growth.ranges})))


def _merged(known: Iterable[Element], sheet: Sheet, growth: Growth) -> Iterator[Edit]:
    """Yield the merged cells moved, and those within the last prepared row also for every new one."""
    again: list[tuple[int, int]] = []
    for top, left, bottom, right in sheet.merged:
        if top == bottom == growth.after:
            again.append((left, right))
        elif growth.begins < top <= growth.after <= bottom:
            raise NotTaken("grow_merged", reference=f"{letters_of(left)}{top}:{letters_of(right)}{bottom}")

    def moved(text: str) -> str:
        top, bottom = (int("".join(filter(str.isdigit, one))) for one in (text.split(":") * 2)[:2])
        return growth.ranges(text) if top != bottom == growth.after else growth.place(text)

    known = [one for one in known if one.name in {"mergeCells", "mergeCell"}]
    count = sum(one.name == "mergeCell" for one in known) + len(again) * growth.by
    for one in known:
        if one.name == "mergeCell":
            yield from one.set({"ref": moved})
        else:
            yield from one.set({"count": lambda _: str(count)})
            more = "".join(
                f'<{one.prefix}mergeCell ref="{letters_of(left)}{row}:{letters_of(right)}{row}"/>'
                for row in range(growth.after + 1, growth.after + growth.by + 1)
                for left, right in again
            )
            yield one.text_end, one.text_end, more.encode()
