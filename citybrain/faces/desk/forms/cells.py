"""A sheet's cells as the table in the browser takes them: small, each mark told once; and edits as it sends them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from django.utils.translation import gettext as _

from citybrain.base.catalogue.models import DataSet
from citybrain.base.catalogue.types import BadType, Type
from citybrain.base.identity.errors import refuse
from citybrain.faces.desk.forms.shown import sets_of
from citybrain.hub.forms.collecting import rows
from citybrain.hub.forms.collecting.aligning import title_letter
from citybrain.hub.forms.collecting.values import (
    ANSWER,
    EDIT,
    Cell,
    CellEdit,
    CellState,
    Did,
    EditDone,
    Seen,
    SeenRow,
)
from citybrain.hub.forms.columns import Asks, Column
from citybrain.hub.forms.rosters.counting import JOINED, codes_in, codes_of

MOST_OPTIONS: Final = 200
YES_NO: Final = ("是", "否")
OUTCOMES: Final = {Did.SAVED: "applied", Did.CONFLICT: "conflict", Did.REFUSED: "refused"}


def kind_of(column: Column) -> str:
    """Return how a column's values are typed: number, date or text."""
    try:
        wanted = Type.parse(column.type)
    except BadType:
        return "text"
    if wanted.is_number:
        return "number"
    return "date" if wanted.kind == "date" else "text"


def most_of(column: Column) -> int | None:
    """Return how many characters fit, None where there is no limit."""
    try:
        wanted = Type.parse(column.type)
    except BadType:
        return None
    return wanted.length if wanted.kind == "varchar" else None


def options_of(column: Column) -> list[str]:
    """Return what may be chosen in a column, empty where anything may be written."""
    if column.options:
        return list(column.options[:MOST_OPTIONS])
    try:
        return list(YES_NO) if Type.parse(column.type).kind == "boolean" else []
    except BadType:
        return []


def columns_json(
    columns: Sequence[Column], sources: Mapping[str, DataSet], days: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return the columns as the table takes them; `days` the latest day of each data set's values."""
    asked = {column.letter for column in rows.asked_for(columns)}
    title = title_letter(columns)
    return [
        {
            "letter": column.letter,
            "name": column.name,
            "group": " / ".join(column.path[:-1]),
            "asks": str(column.asks),
            "kind": kind_of(column),
            "options": options_of(column),
            "unit": "" if column.unit in column.name else column.unit,
            "required": column.required,
            "asked": column.letter in asked,
            "fixed": not rows.editable(column),
            "title": column.letter == title,
            "most": most_of(column),
            "source": source_name(source_of(column), sources),
            "as_of": days.get(source_of(column), ""),
        }
        for column in columns
    ]


def source_name(source: str, sources: Mapping[str, DataSet]) -> str:
    """Return where a cell comes from, in words."""
    if source in {"", EDIT}:
        return ""
    if source == ANSWER:
        return _("往次填报")
    return _("、").join(sources[code].name for code in codes_in(source) if code in sources)


def source_of(column: Column) -> str:
    """Return the source that a column's cells have where data fill them: its data set, or those it is counted from."""
    if column.asks == Asks.COUNT:
        return JOINED.join(codes_of(column))
    return column.dataset if column.asks == Asks.DATA else ""


class Marks:
    """Marks of cells, each told once: (source, day, state) → its number."""

    def __init__(self, sources: Mapping[str, DataSet]) -> None:
        self.sources = sources
        self.known: dict[tuple[str, str, str], int] = {}

    def number(self, cell: Cell) -> int:
        """Return the number of a cell's mark."""
        key = (cell.source, cell.as_of, str(cell.state))
        return self.known.setdefault(key, len(self.known))

    def one(self, cell: Cell) -> list[str]:
        """Return a mark by itself."""
        return [source_name(cell.source, self.sources), cell.as_of, str(cell.state)]

    def told(self) -> list[list[str]]:
        return [[source_name(source, self.sources), day, state] for source, day, state in self.known]


def row_json(row: SeenRow, columns: Sequence[Column], marks: Marks) -> dict[str, Any]:
    """Return a row: values and the numbers of their marks in the columns' order."""
    values, numbers = [], []
    for column in columns:
        cell = row.cells.get(column.letter)
        values.append(cell.value if cell else "")
        numbers.append(marks.number(cell) if cell else -1)
    return {"k": row.key, "p": row.position, "v": values, "m": numbers}


def sheet_json(seen: Seen, *, whole: bool) -> dict[str, Any]:
    """Return a sheet, or what of it changed, as the table takes it."""
    used = {cell.source for row in seen.rows for cell in row.cells.values() if cell.source}
    sources = sets_of(seen.columns) | _others(used, seen.columns)
    marks = Marks(sources)
    told: dict[str, Any] = {
        "stamp": seen.stamp,
        "state": seen.state,
        "open": seen.may_edit,
        "rows": [row_json(row, seen.columns, marks) for row in seen.rows if not row.removed],
        "removed": [row.key for row in seen.rows if row.removed],
        "marks": [],
    }
    told["marks"] = marks.told()
    if whole:
        told["columns"] = columns_json(seen.columns, sources, _days(marks))
        told["down"] = [source_name(code, sources) or code for code in seen.down]
    return told


def _others(used: Iterable[str], columns: Sequence[Column]) -> dict[str, DataSet]:
    """Return data sets that stood in for a column's own. One query, or none."""
    known = {code for column in columns for code in codes_in(source_of(column))}
    missing = {code for one in used for code in codes_in(one)} - known - {EDIT, ANSWER, "sheet", "house"}
    if not missing:
        return {}
    return {one.code: one for one in DataSet.objects.filter(code__in=missing)}


def _days(marks: Marks) -> dict[str, str]:
    days: dict[str, str] = {}
    for source, day, state in marks.known:
        if day and state != CellState.EDITED:
            days[source] = max(day, days.get(source, ""))
    return days


def edits_of(sent: Any) -> list[CellEdit]:
    """Return the edits that a browser sent. Raises Refused for what isn't one."""
    listed = sent.get("edits") if isinstance(sent, dict) else None
    if not isinstance(listed, list):
        raise refuse("edits", _("发送的内容无效，请刷新页面。"))
    return [_edit(one) for one in listed]


def _edit(one: Any) -> CellEdit:
    try:
        row, letter, value = (str(one[name]).replace("\x00", "") for name in ("row", "letter", "value"))
        return CellEdit(row[:80], letter[:8], value, int(one["base"]), UUID(str(one["client"])))
    except (KeyError, TypeError, ValueError):
        raise refuse("edits", _("发送的内容无效，请刷新页面。")) from None


def results_json(results: Sequence[EditDone], sources: Mapping[str, DataSet]) -> list[dict[str, Any]]:
    """Return what became of each edit."""
    marks = Marks(sources)
    return [
        {
            "client": str(one.client),
            "outcome": OUTCOMES[one.did],
            "stamp": one.stamp,
            "value": one.cell.value if one.cell else None,
            "mark": marks.one(one.cell) if one.cell else None,
            "by": one.who,
            "message": one.reason,
        }
        for one in results
    ]
