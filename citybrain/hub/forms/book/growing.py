"""Rows put into an .xlsx below the last prepared row of a form; what lies beneath moves down.

Formulas, merged cells, validation lists, conditional formats, print areas, names, tables, comments, drawings and
charts follow as Excel would let them; a row put in looks like the last prepared one and carries its formulas.
Source: ECMA-376, part 1, 18.3.1 (worksheets), 18.2.5 (definedName), 20.5.2 (drawing anchors), 21.2.2.65 (c:f).
"""

import re
from collections.abc import Callable, Mapping
from typing import Final
from xml.sax.saxutils import escape, unescape

from citybrain.hub.forms.book.filling import Sheet, letters_of
from citybrain.hub.forms.book.references import Growth, copied
from citybrain.hub.forms.book.table import NotTaken

Told = Callable[[int], Mapping[int, bytes]]
"""The cells of a new row: its number → column (from 0) → XML."""
ENTITIES: Final = {"&quot;": '"', "&apos;": "'"}
FORMULA: Final = re.compile(
    rb"<(?P<tag>(?:\w+:)?f)(?P<told>(?:\s[^>]*?)?)(?:/>|>(?P<text>[^<]*)</(?:\w+:)?f>)"
)
CELL: Final = re.compile(rb"<(?:\w+:)?c\b[^>]*>")
ROW: Final = re.compile(rb"<(?:\w+:)?row\b[^>]*>")
AT: Final = re.compile(rb'(\sr=")([A-Z]*)(\d+)(")')
NUMERIC: Final = re.compile(r"&#(x[0-9a-fA-F]+|\d+);")
RANGED: Final = re.compile(
    rb"<(?:\w+:)?(?P<name>autoFilter|sortState|sortCondition|conditionalFormatting|dataValidation|protectedRange"
    rb"|ignoredError|dimension|table|cellWatch)\b[^>]*>"
)
RANGE: Final = re.compile(rb'(\s(?:ref|sqref|r)=")([^"]*)(")')
PLACED: Final = re.compile(rb"<(?:\w+:)?(?P<name>hyperlink|comment|threadedComment|location)\b[^>]*>")
TEXTED: Final = re.compile(
    rb"(<(?P<tag>(?:\w+:)?(?P<name>formula|formula1|formula2|f|sqref|definedName))\b[^>]*(?<!/)>)([^<]*)(</(?P=tag)>)"
)
MERGES: Final = re.compile(rb"<((?:\w+:)?)mergeCells\b[^>]*>.*?</(?:\w+:)?mergeCells>", re.DOTALL)
MERGE: Final = re.compile(rb'<(?:\w+:)?mergeCell\b[^>]*?\sref="([^"]+)"[^>]*?(?:/>|></(?:\w+:)?mergeCell>)')
BREAKS: Final = re.compile(rb"<(?:\w+:)?rowBreaks\b.*?</(?:\w+:)?rowBreaks>", re.DOTALL)
BREAK: Final = re.compile(rb'(<(?:\w+:)?brk\b[^>]*?\sid=")(\d+)(")')
ANCHOR: Final = re.compile(rb"(<(?:\w+:)?row>)(\d+)(</(?:\w+:)?row>)")
VML_ROW: Final = re.compile(rb"(<(?:\w+:)?Row>)(\d+)(</(?:\w+:)?Row>)")
VML_ANCHOR: Final = re.compile(rb"(<(?:\w+:)?Anchor>)([^<]*)(</(?:\w+:)?Anchor>)")
SOURCE: Final = re.compile(rb"<(?:\w+:)?worksheetSource\b[^>]*>")


def plain(xml: bytes) -> str:
    """Return the text that XML means."""
    text = unescape(xml.decode(), ENTITIES)
    return NUMERIC.sub(lambda one: chr(int(one[1][1:], 16) if one[1][0] == "x" else int(one[1])), text)


def _changed(xml: bytes, change: Callable[[str], str]) -> bytes:
    text = plain(xml)
    told = change(text)
    return xml if told == text else escape(told).encode()


class Formulas:
    """The formulas of a sheet, each with its own text; shared ones are told apart first."""

    def __init__(self, growth: Growth, *, here: bool) -> None:
        self.growth, self.here = growth, here
        self.shared: dict[bytes, tuple[str, str]] = {}

    def learn(self, xml: bytes, reference: str) -> None:
        """Keep a shared formula's text from the cell that holds it."""
        for found in FORMULA.finditer(xml):
            number = _told(found["told"], b"si")
            if _told(found["told"], b"t") == b"shared" and found["text"]:
                self.shared[number] = (plain(found["text"]), reference)

    def moved(self, xml: bytes, reference: str, row: int) -> bytes:
        """Return a cell's XML with its formula moved."""
        return FORMULA.sub(lambda found: self._one(found, reference, row), xml)

    def _one(self, found: re.Match[bytes], reference: str, row: int) -> bytes:
        kind, growth = _told(found["told"], b"t"), self.growth
        in_rows = self.here and growth.begins <= row <= growth.after
        if kind == b"dataTable":
            if self.here and row > growth.after:
                raise NotTaken("grow_data_table", reference=reference)
            return found[0]
        if kind == b"shared":
            text, origin = self.shared[_told(found["told"], b"si")]
            told = copied(text, origin, reference) if reference != origin else text
            tag = found["tag"].decode()
            return f"<{tag}>{escape(growth.formula(told, here=self.here, in_rows=in_rows))}</{tag}>".encode()
        if not found["text"]:
            return found[0]
        told_as = found["told"]
        if self.here:
            told_as = RANGE.sub(lambda one: one[1] + growth.place(one[2].decode()).encode() + one[3], told_as)
        text_now = _changed(found["text"], lambda text: growth.formula(text, here=self.here, in_rows=in_rows))
        tag_now = found["tag"]
        return b"<" + tag_now + told_as + b">" + text_now + b"</" + tag_now + b">"


def _told(attributes: bytes, name: bytes) -> bytes:
    found = re.search(rb"\s" + name + rb'="([^"]*)"', attributes)
    return found[1] if found else b""


def pointing(xml: bytes, sheet: Sheet, growth: Growth) -> bytes:
    """Return another sheet's XML with its formulas moved that point to the grown one."""
    formulas = Formulas(growth, here=False)
    told = [(place.start, place.end, one) for one, place in sheet.cells.items() if place.formula]
    for start, end, reference in told:
        formulas.learn(xml[start:end], reference)
    pieces, at = [], 0
    for start, end, reference in sorted(told):
        pieces += [xml[at:start], formulas.moved(xml[start:end], reference, 0)]
        at = end
    pieces.append(xml[at:])
    whole = b"".join(pieces)
    ends = (
        whole.rfind(b"sheetData>")
        if sheet.data and not sheet.data.empty
        else sheet.data.end
        if sheet.data
        else 0
    )
    return whole[:ends] + texted(whole[ends:], growth, here=False)


def grown(xml: bytes, sheet: Sheet, growth: Growth, told: Told | None = None) -> bytes:
    """Return a sheet's XML with rows put in, their cells by `told`. Raises NotTaken where the form can't be grown."""
    told = told or _nothing
    if sheet.data is None:
        return xml
    formulas = Formulas(growth, here=True)
    for reference, place in sheet.cells.items():
        if place.formula:
            formulas.learn(xml[place.start : place.end], reference)
    parts = [around(xml[: sheet.data.start], growth)]
    at = sheet.data.start
    put = False
    for number in sorted(sheet.rows):
        place = sheet.rows[number]
        if number > growth.after and not put:
            parts += [xml[at : place.start], _new_rows(xml, sheet, growth, formulas, told)]
            at, put = place.start, True
        row = _row(xml[place.start : place.end], number, sheet, formulas, growth)
        parts += [xml[at : place.start], row]
        at = place.end
    end = sheet.data.end if sheet.data.empty else xml.rindex(b"<", sheet.data.start, sheet.data.end)
    parts.append(xml[at:end])
    if not put and not sheet.data.empty:
        parts.append(_new_rows(xml, sheet, growth, formulas, told))
    parts.append(_merged(around(xml[end:], growth), sheet, growth))
    return b"".join(parts)


def _row(xml: bytes, number: int, sheet: Sheet, formulas: Formulas, growth: Growth) -> bytes:
    """Return a row where it stands now, its formulas moved."""
    if number > growth.after:
        xml = ROW.sub(lambda tag: _renumbered(tag[0], number + growth.by), xml, count=1)
    if not _formulas_in(sheet, number):
        return xml if number <= growth.after else CELL.sub(lambda tag: _shifted(tag[0], growth.by), xml)
    pieces, at = [], 0
    for found in re.finditer(rb"<(?:\w+:)?c\b[^>]*?(?:/>|>.*?</(?:\w+:)?c>)", xml, re.DOTALL):
        where = AT.search(found[0])
        reference = (where[2] + where[3]).decode() if where else ""
        cell = formulas.moved(found[0], reference, number)
        if number > growth.after:
            cell = CELL.sub(lambda tag: _shifted(tag[0], growth.by), cell, count=1)
        pieces += [xml[at : found.start()], cell]
        at = found.end()
    return b"".join([*pieces, xml[at:]])


def _formulas_in(sheet: Sheet, row: int) -> bool:
    return any(sheet.cells[f"{letters_of(one)}{row}"].formula for one, _ in sheet.columns.get(row, ()))


def _renumbered(tag: bytes, row: int) -> bytes:
    return AT.sub(lambda one: one[1] + one[2] + str(row).encode() + one[4], tag)


def _shifted(tag: bytes, by: int) -> bytes:
    return AT.sub(lambda one: one[1] + one[2] + str(int(one[3]) + by).encode() + one[4], tag)


def _nothing(_: int) -> Mapping[int, bytes]:
    return {}


def _new_rows(xml: bytes, sheet: Sheet, growth: Growth, formulas: Formulas, told: Told) -> bytes:
    """Return the rows put in: height, styles and formulas of the last prepared one, values as told."""
    like = sheet.rows.get(growth.after) if growth.after >= growth.begins else None
    tag = ROW.match(xml, like.start) if like else None
    head = tag[0].removesuffix(b"/>").removesuffix(b">") if tag else f'<{sheet.prefix}row r="0"'.encode()
    close = f"</{sheet.prefix}row>".encode()
    cells: dict[int, tuple[bytes, str]] = {}
    for column, _ in sheet.columns.get(growth.after, []) if like else ():
        reference = f"{letters_of(column)}{growth.after}"
        known = sheet.cells[reference]
        style = b"" if known.style is None else f' s="{known.style}"'.encode()
        text = ""
        if known.formula:
            whole = formulas.moved(xml[known.start : known.end], reference, growth.after)
            found = FORMULA.search(whole)
            array = found is not None and _told(found["told"], b"t") == b"array"
            text = plain(found["text"] or b"") if found and not array else ""
        cells[column] = (style, text)
    made: list[bytes] = []
    for row in range(growth.after + 1, growth.after + growth.by + 1):
        given = told(row)
        made.append(_renumbered(head, row) + b">")
        for column in sorted({*cells, *given}):
            one = given.get(column)
            made.append(one or _blank(sheet.prefix, letters_of(column), *cells[column], row, growth.after))
        made.append(close)
    return b"".join(made)


def _blank(prefix: str, letters: str, style: bytes, formula: str, row: int, origin: int) -> bytes:
    head = f'<{prefix}c r="{letters}{row}"'.encode() + style
    if not formula:
        return head + b"/>"
    told = escape(copied(formula, f"{letters}{origin}", f"{letters}{row}"))
    return head + f"><{prefix}f>{told}</{prefix}f></{prefix}c>".encode()


def around(xml: bytes, growth: Growth) -> bytes:
    """Return what stands before or after the rows, moved; merged cells are done apart."""
    xml = RANGED.sub(
        lambda tag: RANGE.sub(lambda one: one[1] + growth.ranges(one[2].decode()).encode() + one[3], tag[0]),
        xml,
    )
    xml = placed(xml, growth)
    xml = BREAKS.sub(
        lambda all_: BREAK.sub(lambda one: one[1] + str(growth.row(int(one[2]))).encode() + one[3], all_[0]),
        xml,
    )
    xml = anchored(xml, growth)
    return texted(xml, growth, here=True)


def placed(xml: bytes, growth: Growth) -> bytes:
    """Return links or comments where their cells stand now."""
    return PLACED.sub(
        lambda tag: RANGE.sub(lambda one: one[1] + growth.place(one[2].decode()).encode() + one[3], tag[0]),
        xml,
    )


def texted(xml: bytes, growth: Growth, *, here: bool) -> bytes:
    """Return formulas that stand as an element's text moved: of validation, formats, names and charts."""

    def one(found: re.Match[bytes]) -> bytes:
        if found["name"] == b"sqref":
            return found[1] + _changed(found[4], growth.ranges) + found[5] if here else found[0]
        return found[1] + _changed(found[4], lambda text: growth.formula(text, here=here)) + found[5]

    return TEXTED.sub(one, xml)


def anchored(xml: bytes, growth: Growth) -> bytes:
    """Return a drawing whose anchors below the table moved down; its rows count from 0."""
    return ANCHOR.sub(lambda one: one[1] + _from_0(one[2], growth) + one[3], xml)


def _from_0(row: bytes, growth: Growth) -> bytes:
    return str(growth.row(int(row) + 1) - 1).encode()


def vml(xml: bytes, growth: Growth) -> bytes:
    """Return the boxes of comments and controls moved down."""

    def anchor(found: re.Match[bytes]) -> bytes:
        numbers = [one.strip() for one in found[2].split(b",")]
        if len(numbers) == 8:
            numbers[2], numbers[6] = _from_0(numbers[2], growth), _from_0(numbers[6], growth)
        return found[1] + b", ".join(numbers) + found[3]

    xml = VML_ROW.sub(lambda one: one[1] + _from_0(one[2], growth) + one[3], xml)
    return VML_ANCHOR.sub(anchor, xml)


def sourced(xml: bytes, growth: Growth) -> bytes:
    """Return a pivot table's source moved where it is the grown sheet."""

    def one(tag: re.Match[bytes]) -> bytes:
        if plain(_told(tag[0], b"sheet")) != growth.sheet:
            return tag[0]
        return RANGE.sub(lambda told: told[1] + growth.ranges(told[2].decode()).encode() + told[3], tag[0])

    return SOURCE.sub(one, xml)


def _merged(xml: bytes, sheet: Sheet, growth: Growth) -> bytes:
    """Return the merged cells moved, those within the last prepared row also in every new one."""
    again: list[tuple[int, int]] = []
    for top, left, bottom, right in sheet.merged:
        if top == bottom == growth.after:
            again.append((left, right))
        elif growth.begins < top <= growth.after <= bottom:
            raise NotTaken("grow_merged", reference=f"{letters_of(left)}{top}:{letters_of(right)}{bottom}")

    def moved(found: re.Match[bytes]) -> bytes:
        rows = [int(one) for one in re.findall(rb"\d+", found[1])]
        text = found[1].decode()
        ends = len(set(rows)) == 2 and rows[-1] == growth.after
        new = growth.ranges(text) if ends else growth.place(text)
        return found[0].replace(found[1], new.encode())

    def whole(found: re.Match[bytes]) -> bytes:
        told = MERGE.sub(moved, found[0])
        more = b"".join(
            f'<{found[1].decode()}mergeCell ref="{letters_of(left)}{row}:{letters_of(right)}{row}"/>'.encode()
            for row in range(growth.after + 1, growth.after + growth.by + 1)
            for left, right in again
        )
        end = told.rindex(b"</")
        told = told[:end] + more + told[end:]
        count = str(len(MERGE.findall(told))).encode()
        return re.sub(
            rb'(<(?:\w+:)?mergeCells\b[^>]*?\scount=")\d+"', rb"\g<1>" + count + b'"', told, count=1
        )

    return MERGES.sub(whole, xml)
