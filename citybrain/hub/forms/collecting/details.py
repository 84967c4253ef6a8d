"""All rows handed in to a round, sheet after sheet, for who may read the detail. Each reading is written down."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.areas.models import Area
from citybrain.base.areas.tree import Node, tree
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.errors import refuse
from citybrain.base.ledger import record
from citybrain.hub.forms.access import LEVELS
from citybrain.hub.forms.collecting import rows
from citybrain.hub.forms.collecting.looking import NAMES, house_cell, seen_row
from citybrain.hub.forms.collecting.rollup import require_detail
from citybrain.hub.forms.collecting.rounds import IN
from citybrain.hub.forms.collecting.sight import Sight, area_shown, may_issue, office_shown, with_instead
from citybrain.hub.forms.collecting.values import SeenRow
from citybrain.hub.forms.columns import Asks, Column
from citybrain.hub.forms.models import Round, Row

LIMIT_MOST: Final = 2_000
BOOK_MOST: Final = 200_000


@dataclass(frozen=True, slots=True)
class DetailRow:
    """A row with the area that handed it in."""

    area_id: int
    area: str
    sheet_id: int
    row: SeenRow


@dataclass(frozen=True, slots=True)
class Details:
    """A page of rows; `total` rows in all."""

    columns: tuple[Column, ...]
    rows: tuple[DetailRow, ...]
    total: int
    withheld: tuple[str, ...] = ()


def details(
    actor: Actor,
    round_: Round,
    *,
    within: Area | None = None,
    offset: int = 0,
    limit: int = 500,
    now: datetime | None = None,
) -> Details:
    """Return a page of the rows handed in (reviewed or accepted) within an area, in the order of areas' codes.

    What came from data sets is shown under grants that hold now: the office's own, or those of the reviewer's area.
    Raises Forbidden.
    """
    outer = require_detail(actor, round_, within)
    held = _sight(actor, round_, outer, now or timezone.now())
    found = _rows(round_, outer)
    total = found.count()
    page = found.values(*NAMES, "sheet_id", "sheet__area_id")[
        offset : offset + max(1, min(limit, LIMIT_MOST))
    ]
    stored = list(page)
    shown = []
    for raw, line in zip(stored, rows.stored(stored), strict=True):
        node = tree().find(raw["sheet__area_id"])
        area_id = raw["sheet__area_id"]
        row = seen_row(area_id, held, line, ())
        shown.append(DetailRow(area_id, node.name if node else "", raw["sheet_id"], row))
    _write_down(actor, round_, outer, held, len(shown))
    return Details(held.columns, tuple(shown), total, held.withheld())


def book_rows(
    actor: Actor, round_: Round, *, within: Area | None = None, now: datetime | None = None
) -> list[dict[str, str]]:
    """Return all rows handed in by letter, as `book.write` takes them. Raises Forbidden, Refused beyond `BOOK_MOST`."""
    outer = require_detail(actor, round_, within)
    count = _rows(round_, outer).count()
    if count > BOOK_MOST:
        text = _("共 %(count)d 行，一个工作簿最多 %(most)d 行，请分区域导出。")
        raise refuse("rows", text % {"count": count, "most": BOOK_MOST})
    held = _sight(actor, round_, outer, now or timezone.now())
    found = list(_written(_rows(round_, outer), held))
    _write_down(actor, round_, outer, held, len(found))
    return found


def _rows(round_: Round, outer: Node) -> QuerySet[Row]:
    inside = {f"sheet__{LEVELS[outer.level - 1]}__any": tree().scope_ids(outer.id)}
    found = Row.objects.filter(sheet__round=round_, sheet__state__in=IN, removed=False, **inside)
    return found.order_by("sheet__area__code", "position", "id")


def _sight(actor: Actor, round_: Round, outer: Node, now: datetime) -> Sight:
    columns = round_.version.shape
    every = with_instead(columns)
    if may_issue(actor, round_):
        shown = office_shown(round_, outer.id, every, now)
    else:
        shown = area_shown(actor, outer.id, every, now)
    return Sight(columns, shown, dict.fromkeys((column.letter for column in columns), True))


def _written(found: QuerySet[Row], held: Sight) -> Iterator[dict[str, str]]:
    stored = list(found.values(*NAMES, "sheet__area_id")[:BOOK_MOST])
    for place, (raw, line) in enumerate(zip(stored, rows.stored(stored), strict=True), 1):
        values = {}
        for column in held.columns:
            if column.asks == Asks.FORMULA:
                continue
            cell = house_cell(raw["sheet__area_id"], column, line) or held.cell(line, column.letter)
            text = str(place) if column.asks == Asks.SERIAL else cell.value
            if text:
                values[column.letter] = text
        yield values


def _write_down(actor: Actor, round_: Round, outer: Node, held: Sight, count: int) -> None:
    letters = [column.letter for column in held.columns if held.by_letter[column.letter].allowed]
    body = {"area": outer.code, "rows": count, "letters": letters}
    record(actor.key, "forms.read_details", f"round:{round_.number}", body)
