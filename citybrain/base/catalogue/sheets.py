"""Reading the catalogue's form: which sheet holds what, and each row as words. Reading only."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext as _
from python_calamine import CalamineError, CalamineWorkbook

from citybrain.base.catalogue.headings import ENTRY, FIELD, NEEDED, header
from citybrain.base.identity.errors import refuse
from citybrain.base.identity.roster import cell_text

MOST_BYTES: Final = 20_000_000
MOST_UNPACKED_BYTES: Final = 300_000_000
MOST_ROWS: Final = 60_000


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a sheet as text by column, with the number that Excel shows for it."""

    sheet: str
    number: int
    values: Mapping[str, str]

    def get(self, name: str) -> str:
        return self.values.get(name, "")


@dataclass(frozen=True, slots=True)
class Form:
    """What a file holds: rows of entries and rows of fields, each in their order."""

    entries: list[Line]
    fields: list[Line]


def read_form(content: bytes) -> Form:
    """Return the rows of an .xlsx, .xls or .ods file. Sheets are known by their headings, not by their names.

    A single sheet with both kinds of columns is read, too: a field belongs to the entry named last above it.
    Raises Refused for a file that is no workbook, is too large, or holds neither.
    """
    entries: list[Line] = []
    fields: list[Line] = []
    for name, lines in tables_of(content):
        found_fields = header(lines, FIELD, NEEDED["field"])
        found_entries = header(lines, ENTRY, NEEDED["entry"])
        has_entries = found_entries is not None and _is_entries(found_entries[1], found_fields)
        if has_entries and found_entries is not None:
            both = found_fields is not None
            entries += lines_below(name, lines, *found_entries, needs="name_zh" if both else "")
        if found_fields is not None:
            fields += lines_below(name, lines, *found_fields, filled="dataset")
    if not entries and not fields:
        raise refuse("file", _("文件里没有数据资源或信息项的表头，请先导出目录作为模板。"))
    return Form(entries, fields)


def _is_entries(found: Mapping[str, int], fields: tuple[int, dict[str, int]] | None) -> bool:
    """Whether a sheet with the name of a set in it describes sets: it says more of them than their names."""
    telling = {"share_type", "provider", "update_cycle", "open_type", "category", "summary"}
    return fields is None or bool(telling & set(found))


def tables_of(content: bytes) -> list[tuple[str, list[list[str]]]]:
    """Return the sheets of a workbook with their cells as text. Raises Refused for what is none, or too large."""
    if len(content) > MOST_BYTES:
        raise refuse("file", _("文件超过 %(size)d MB。") % {"size": MOST_BYTES // 1_000_000})
    try:
        if content[:2] == b"PK":
            with zipfile.ZipFile(io.BytesIO(content)) as packed:
                if sum(part.file_size for part in packed.infolist()) > MOST_UNPACKED_BYTES:
                    raise refuse("file", _("文件展开后过大。"))
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        return [(name, _texts(book, name)) for name in book.sheet_names]
    except (CalamineError, zipfile.BadZipFile, OSError) as broken:
        raise refuse("file", _("无法读取该文件，请另存为 .xlsx 后再导入。")) from broken


def _texts(book: Any, name: str) -> list[list[str]]:
    sheet = book.get_sheet_by_name(name)
    if sheet.total_height > MOST_ROWS:
        raise refuse("file", _("一次最多导入 %(rows)d 行，请分成几个文件。") % {"rows": MOST_ROWS})
    return [[cell_text(cell) for cell in row] for row in sheet.to_python(skip_empty_area=False)]


def lines_below(
    sheet: str,
    lines: Sequence[Sequence[str]],
    at: int,
    places: Mapping[str, int],
    *,
    needs: str = "",
    filled: str = "",
) -> list[Line]:
    """Return the filled rows below a header; `filled` is a column whose blanks mean the value above (merged)."""
    found: list[Line] = []
    above = ""
    for number, cells in enumerate(lines[at + 1 :], start=at + 2):
        values = {name: cells[place] for name, place in places.items() if place < len(cells)}
        if filled and filled in places:
            above = values.get(filled) or above
            values[filled] = above
        told = [value for name, value in values.items() if name != filled]
        if any(told) and (not needs or values.get(needs)):
            found.append(Line(sheet, number, values))
    return found
