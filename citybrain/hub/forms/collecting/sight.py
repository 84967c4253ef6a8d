"""What of a sheet an actor may see: by letter, for the filler, the reviewer, the office and those who only look.

A value that came from a data set is shown under a grant that holds now. Whoever works in the area reads through the
grants of offices at or above it, the office that asks through its own. Who may look at everything of an area without
working there sees no personal column, nothing of a data set, and no row of a roster.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.catalogue import grants
from citybrain.base.catalogue.access import Side
from citybrain.base.identity.access import Forbidden, require
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.errors import refuse
from citybrain.hub.forms.access import FILL, ISSUE
from citybrain.hub.forms.collecting.rounds import OWED
from citybrain.hub.forms.collecting.rows import Line
from citybrain.hub.forms.collecting.values import Cell, CellState
from citybrain.hub.forms.columns import Asks, Column
from citybrain.hub.forms.knowing import rights
from citybrain.hub.forms.knowing.homes import same
from citybrain.hub.forms.knowing.rights import Shown
from citybrain.hub.forms.models import Round, RoundState, Shaped, Sheet
from citybrain.hub.forms.rosters import counting

ALL: Final = Shown(True)


@dataclass(frozen=True, slots=True)
class Sight:
    """By letter how a column's cells may be shown to one actor now; `typed` how what people typed may be.

    `rows`: whether rows may be shown one by one at all; those of a roster are people.
    """

    columns: tuple[Column, ...]
    by_letter: dict[str, Shown]
    typed: dict[str, bool]
    rows: bool = True

    def cell(self, line: Line, letter: str) -> Cell:
        """Return a cell as it may be shown."""
        held = line.cell(letter)
        if held.state == CellState.NO_RIGHT:
            return Cell("", held.source, "", CellState.NO_RIGHT, held.stamp)
        if not held.of_data:
            if self.typed[letter] or not held.value:
                return held
            return Cell("", "", "", CellState.NO_RIGHT, held.stamp)
        how = self.by_letter.get(instead(letter, held.source)) or self.by_letter[letter]
        if not how.allowed:
            return Cell("", held.source, "", CellState.NO_RIGHT, held.stamp)
        return Cell(rights.hidden(held.value, how), held.source, held.as_of, held.state, held.stamp)

    def searchable(self) -> list[str]:
        """Return the letters whose values may be searched: shown whole to this actor, whoever put them in."""
        return [
            column.letter
            for column in self.columns
            if self.typed[column.letter]
            and self.by_letter[column.letter].allowed
            and not self.by_letter[column.letter].mask
        ]

    def not_whole(self, letter: str) -> list[str]:
        """Return the data sets that may have stood in for a column's own and aren't shown whole."""
        begin = instead(letter, "")
        return [
            key.removeprefix(begin)
            for key, how in self.by_letter.items()
            if key.startswith(begin) and (not how.allowed or how.mask)
        ]

    def withheld(self) -> tuple[str, ...]:
        """Return the letters of data columns that may not be shown now."""
        return tuple(column.letter for column in self.columns if not self.by_letter[column.letter].allowed)


def seen(actor: Actor, sheet: Sheet) -> Sheet:
    """Return the sheet with its round, where the actor may look at it at all. Raises Refused: there is none."""
    rows = Sheet.objects.visible_to(actor).select_related("round__version", "round__form", "round__office")
    found: Sheet | None = rows.filter(pk=sheet.pk).first()
    if found is None:
        raise refuse("sheet", _("没有找到这张表，或您无权查看。"))
    return found


def instead(letter: str, code: str) -> str:
    """Return the key under which `Sight` keeps a column's cells that another set than its own filled."""
    return f"{letter}|{code}"


def with_instead(columns: Sequence[Column]) -> list[Column]:
    """Return the columns, and one more for each field that may have stood in for a column's own."""
    more = [
        Column(instead(column.letter, other.partition(".")[0]), (), Asks.DATA, field=other)
        for column in columns
        if column.asks == Asks.DATA
        for other in same().get(column.field, ())
    ]
    return [*columns, *more]


def sight(actor: Actor, sheet: Sheet, now: datetime | None = None) -> Sight:
    """Return what the actor sees of a sheet as `seen` gives it."""
    moment = now or timezone.now()
    columns, rows = sheet.round.version.shape, True
    try:
        found = area_shown(actor, sheet.area_id, with_instead(columns), moment)
        typed = dict.fromkeys((column.letter for column in columns), True)
    except Forbidden:
        found, typed = from_outside(actor, sheet.round, sheet.area_id, columns, moment)
        rows = sheet.round.form.shaped != Shaped.ROSTER or may_issue(actor, sheet.round)
    if sheet.state in OWED:
        found = _still_filled_under(sheet, columns, found, moment)
    return Sight(columns, found, typed, rows)


def area_shown(actor: Actor, area_id: int, columns: Sequence[Column], now: datetime) -> dict[str, Shown]:
    """Return by letter what the grants show that whoever works in an area reads through. Raises Forbidden."""
    return rights.shown(actor, area_id, columns, now) | counting.shown(area_id, columns, now)


def from_outside(
    actor: Actor, round_: Round, area_id: int, columns: Sequence[Column], now: datetime
) -> tuple[dict[str, Shown], dict[str, bool]]:
    """Return what the office that asks sees, or somebody who may only look: (by letter, of what people typed)."""
    if may_issue(actor, round_):
        found = office_shown(round_, area_id, with_instead(columns), now)
        return found, dict.fromkeys((column.letter for column in columns), True)
    hidden = Shown(False, why=_("个人信息按授权查看。"))
    of_data = {Asks.DATA, Asks.COUNT}
    open_ = {column.letter: column.personal == "none" and column.asks not in of_data for column in columns}
    return {letter: ALL if is_open else hidden for letter, is_open in open_.items()}, {
        column.letter: column.personal == "none" for column in columns
    }


def may_issue(actor: Actor, round_: Round) -> bool:
    """Return whether the actor acts for the office that asks."""
    try:
        require(actor, ISSUE, Side(round_.office))
    except Forbidden:
        return False
    return True


def office_shown(round_: Round, area_id: int, columns: Sequence[Column], now: datetime) -> dict[str, Shown]:
    """Return by letter what the office's own grants show."""
    wanted = rights.by_set(columns)
    held = rights.rights_of(area_id, wanted, now)
    chosen = {
        code: rights.best(
            [one for one in held.get(code, ()) if one.grant.agency_id == round_.office_id], fields
        )
        for code, fields in wanted.items()
    }
    found = {}
    for column in columns:
        right = chosen.get(column.dataset) if column.asks == Asks.DATA and column.field else None
        if column.asks != Asks.DATA or not column.field:
            found[column.letter] = ALL
        elif right is None or column.field_name not in right.fields:
            found[column.letter] = Shown(False, why=rights.why_not(column.dataset, right))
        else:
            found[column.letter] = Shown(True, right.mask(column.field_name))
    return found | counting.shown(area_id, columns, now, round_.office_id)


def _still_filled_under(
    sheet: Sheet, columns: Sequence[Column], found: dict[str, Shown], now: datetime
) -> dict[str, Shown]:
    """Hide what was filled under a grant that has ended, until it is filled again under one that holds."""
    asked = {code: one.get("grant") for code, one in sheet.filled_from.items() if isinstance(one, dict)}
    numbers = [one for one in asked.values() if one]
    if not numbers:
        return found
    live = set(grants.live_grants(now).filter(number__in=numbers).values_list("number", flat=True))
    ended = {code for code, number in asked.items() if number and number not in live}
    if not ended:
        return found
    why = Shown(False, why=_("填入时所依据的授权已终止，请重新打开本表。"))
    of = {one.letter: {one.dataset, *counting.codes_of(one)} for one in with_instead(columns)}
    return {letter: why if of.get(letter, set()) & ended else how for letter, how in found.items()}


def why_not_edit(actor: Actor, sheet: Sheet) -> str:
    """Return why the sheet can't be changed by the actor now, empty where it can."""
    if sheet.round.state != RoundState.OPEN:
        return _("本次填报%(state)s，不能再修改。") % {"state": RoundState(sheet.round.state).label}
    if sheet.state not in OWED:
        return _("本表已上报，不能再修改；如需修改，请审核人退回。")
    try:
        require(actor, FILL, sheet)
    except Forbidden as refused:
        return f"{refused.reason_zh}{refused.whom_to_ask}"
    return ""
