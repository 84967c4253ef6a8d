"""Typing into a sheet: several people, several devices, nothing overwritten, each edit once.

An edit says which stamp the person saw. A cell that somebody else changed after it isn't overwritten: the edit is
kept beside it and the person chooses. Everything of a batch is saved in one transaction, or nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.errors import refuse
from citybrain.base.ledger import record
from citybrain.hub.forms.access import FILL
from citybrain.hub.forms.collecting import history, rows
from citybrain.hub.forms.collecting.checking import BadCell, checked, plain
from citybrain.hub.forms.collecting.filling import COUNTED, locked_sheet
from citybrain.hub.forms.collecting.rounds import OWED, require_open
from citybrain.hub.forms.collecting.rows import Counts, Line
from citybrain.hub.forms.collecting.sight import Sight, seen, sight
from citybrain.hub.forms.collecting.values import EDIT, Cell, CellEdit, CellState, Did, EditDone, Saved
from citybrain.hub.forms.columns import Column
from citybrain.hub.forms.models import Edit, Row, Sheet, SheetState

EDITS_MOST: Final = 2_000
ROWS_MOST: Final = 20_000
ADD: Final = "add"
REMOVE: Final = "remove"
RESTORE: Final = "restore"
STEPS: Final = frozenset({ADD, REMOVE, RESTORE})


def edit(actor: Actor, sheet: Sheet, edits: Sequence[CellEdit], *, now: datetime | None = None) -> Saved:
    """Save a batch of edits and return what became of each; one that can't be saved stops no other.

    Raises Forbidden; Refused when the sheet is handed in, the round has ended, or the batch is too large.
    """
    moment = now or timezone.now()
    sheet = seen(actor, sheet)
    require(actor, FILL, sheet)
    if len(edits) > EDITS_MOST:
        raise refuse("edits", _("一次最多保存 %(most)d 处修改。") % {"most": EDITS_MOST})
    with transaction.atomic():
        sheet = locked_sheet(sheet)
        require_open(sheet.round)
        if sheet.state not in OWED:
            raise refuse("sheet", _("本表已上报，不能再修改；如需修改，请审核人退回。"))
        work = _Work(actor, sheet, sight(actor, sheet, moment), moment)
        results = work.done(edits)
        work.write()
    return Saved(sheet.stamp, tuple(results), sheet.cells, sheet.cells_known, sheet.cells_missing)


@dataclass
class _Work:
    """One batch on a locked sheet."""

    actor: Actor
    sheet: Sheet
    sight: Sight
    now: datetime
    columns: dict[str, Column] = field(init=False)
    lines: dict[str, Line] = field(default_factory=dict)
    before: dict[str, Counts] = field(default_factory=dict)
    kept: list[Edit] = field(default_factory=list)
    own: set[int] = field(default_factory=set)  # stamps of this batch and of this person's earlier edits

    def __post_init__(self) -> None:
        self.columns = {column.letter: column for column in self.sight.columns}
        self.asked = rows.asked_for(self.sight.columns)
        self.count = self.sheet.rows_count

    def done(self, edits: Sequence[CellEdit]) -> list[EditDone]:
        """Return what becomes of each edit, those sent before answered as the first time."""
        earlier = self._earlier(one.client for one in edits)
        self._load({one.row for one in edits})
        results: dict[UUID, EditDone] = {}
        for one in edits:
            if one.client not in results:
                known = earlier.get(one.client)
                results[one.client] = self._one(one) if known is None else self._again(known)
        return [results[one.client] for one in edits]

    def _earlier(self, clients: Iterable[UUID]) -> dict[UUID, Edit]:
        return {one.client: one for one in Edit.objects.filter(sheet=self.sheet, client__in=list(clients))}

    def _load(self, keys: set[str]) -> None:
        names = ("id", "key", "position", "values", "marks", "removed")
        found = Row.objects.filter(sheet=self.sheet, key__in=sorted(keys)).values(*names)
        for line in rows.stored(found):
            self.lines[line.key] = line
            self.before[line.key] = rows.counted(line, self.sight.columns, self.asked)

    def _one(self, one: CellEdit) -> EditDone:
        reason = self._why_not(one)
        if reason:
            return EditDone(one.client, Did.REFUSED, one.row, one.letter, self.sheet.stamp, reason=reason)
        if not one.letter:
            return self._row_step(one)
        try:
            value = checked(self.columns[one.letter], one.value)
        except BadCell as bad:
            return EditDone(one.client, Did.REFUSED, one.row, one.letter, self.sheet.stamp, reason=str(bad))
        return self._cell(one, value)

    def _why_not(self, one: CellEdit) -> str:
        if not one.letter:
            return self._why_not_row(one)
        line, column = self.lines.get(one.row), self.columns.get(one.letter)
        if line is None:
            return _("没有找到这一行，可能已被移除。")
        if column is None:
            return _("本表没有“%(letter)s”列。") % {"letter": one.letter[:8]}
        if not rows.editable(column):
            return _("“%(name)s”由表格自动生成，不需填写。") % {"name": column.name}
        held = line.cell(one.letter)
        if held.value and self.sight.cell(line, one.letter).state == CellState.NO_RIGHT:
            return _("“%(name)s”的数据授权已失效，原值已保留，暂不能查看和修改。") % {"name": column.name}
        return ""

    def _why_not_row(self, one: CellEdit) -> str:
        if one.value not in STEPS:
            return _("不认识的操作：%(step)s") % {"step": one.value[:20]}
        if one.value != ADD:
            return "" if one.row in self.lines else _("没有找到这一行，可能已被移除。")
        if not rows.NEW_KEY.fullmatch(one.row):
            return _("新增行的编号无效，请刷新页面。")
        if self.count >= ROWS_MOST:
            return _("一张表最多 %(most)d 行。") % {"most": ROWS_MOST}
        return ""

    def _cell(self, one: CellEdit, value: str) -> EditDone:
        line = self.lines[one.row]
        held = line.cell(one.letter)
        base = min(max(one.base, 0), self.sheet.stamp)
        if held.value == value and held.stamp > base:  # somebody typed the same meanwhile
            self._keep(one, base, held.value, value, held.stamp)
            return EditDone(
                one.client, Did.SAVED, one.row, one.letter, held.stamp, self.sight.cell(line, one.letter)
            )
        if held.stamp > base and not self._is_own(held.stamp):
            return self._refuse_to_overwrite(one, line, base, value)
        stamp = self._next_stamp()
        source = held.source if held.of_data and held.value else EDIT
        day = timezone.localdate(self.now).isoformat()
        line.put(one.letter, Cell(value, source, day, CellState.EDITED, stamp))
        self._keep(one, base, held.value, value, stamp)
        return EditDone(one.client, Did.SAVED, one.row, one.letter, stamp, line.cell(one.letter))

    def _refuse_to_overwrite(self, one: CellEdit, line: Line, base: int, value: str) -> EditDone:
        kept = self._keep(one, base, line.cell(one.letter).value, value, None)
        return self._conflict(kept)

    def _conflict(self, kept: Edit) -> EditDone:
        line = self.lines.get(kept.row_key)
        cell = (
            self.sight.cell(line, kept.letter) if line is not None and kept.letter in self.columns else None
        )
        last = None if cell is None else self._by(cell.stamp)
        return EditDone(
            kept.client, Did.CONFLICT, kept.row_key, kept.letter, self.sheet.stamp, cell,
            who=last.name if last else "", when=last.at if last else None,
            reason=_("这一格已被修改，您填的内容已保留，请选择采用哪一个。"),
        )  # fmt: skip

    def _by(self, stamp: int) -> Edit | None:
        mine = next((one for one in self.kept if one.stamp == stamp), None)
        return mine or Edit.objects.filter(sheet=self.sheet, stamp=stamp, applied=True).first()

    def _is_own(self, stamp: int) -> bool:
        """Return whether the cell was last changed by this very person: then the later word counts."""
        if stamp in self.own:
            return True
        last = self._by(stamp)
        if last is not None and last.by == self.actor.key:
            self.own.add(stamp)
            return True
        return False

    def _row_step(self, one: CellEdit) -> EditDone:
        line = self.lines.get(one.row) or self._added(one.row)
        gone = one.value == REMOVE
        before = REMOVE if line.removed else ""
        self.count += int(line.removed and not gone) - int(gone and not line.removed)
        line.removed = gone
        stamp = self._next_stamp()
        base = min(max(one.base, 0), self.sheet.stamp)
        self._keep(one, base, before, one.value, stamp)
        return EditDone(one.client, Did.SAVED, one.row, "", stamp)

    def _added(self, key: str) -> Line:
        """Return a new row at the end."""
        places = Row.objects.filter(sheet=self.sheet).order_by("-position").values_list("position", flat=True)
        highest = max((held.position for held in self.lines.values()), default=0)
        line = self.lines[key] = Line(key, max(places.first() or 0, highest) + 1)
        self.before[key] = Counts()
        self.count += 1
        return line

    def _again(self, known: Edit) -> EditDone:
        if not known.applied:
            return self._conflict(known)
        line = self.lines.get(known.row_key)
        cell = (
            self.sight.cell(line, known.letter) if line is not None and known.letter in self.columns else None
        )
        return EditDone(known.client, Did.SAVED, known.row_key, known.letter, known.stamp or 0, cell)

    def _next_stamp(self) -> int:
        self.sheet.stamp += 1
        self.own.add(self.sheet.stamp)
        return self.sheet.stamp

    def _keep(self, one: CellEdit, base: int, before: str, after: str, stamp: int | None) -> Edit:
        kept = Edit(
            sheet=self.sheet, row_key=one.row, letter=one.letter, before=before, after=plain(after), base=base,
            stamp=stamp, applied=stamp is not None, client=one.client, by=self.actor.key,
            name=self.actor.name[:60], at=self.now,
        )  # fmt: skip
        self.kept.append(kept)
        return kept

    def write(self) -> None:
        """Write rows, edits, counts and the ledger's row; nothing where nothing was new."""
        if not self.kept:
            return
        touched = {one.row_key for one in self.kept if one.applied}
        lines = [self.lines[key] for key in sorted(touched)]
        rows.add(self.sheet.pk, [line for line in lines if line.id is None])
        rows.change([line for line in lines if line.id is not None])
        Edit.objects.bulk_create(self.kept)
        for line in lines:
            change = rows.counted(line, self.sight.columns, self.asked) - self.before[line.key]
            self.sheet.cells += change.cells
            self.sheet.cells_known += change.known
            self.sheet.cells_missing += change.missing
        self.sheet.rows_count = self.count
        if self.sheet.state == SheetState.WAITING:
            self.sheet.state, self.sheet.opened_at = SheetState.FILLING, self.now
        self.sheet.save(update_fields=[*COUNTED, "state", "opened_at"])
        body = {
            "edits": sum(one.applied for one in self.kept),
            "conflicts": sum(not one.applied for one in self.kept),
            "stamp": self.sheet.stamp,
        }
        record(self.actor.key, "forms.edit_sheet", f"sheet:{self.sheet.pk}", body, at=self.now)
        history.tell([f"sheet:{self.sheet.pk}"])


def kept_aside(actor: Actor, sheet: Sheet) -> list[Edit]:
    """Return the actor's own edits that were not taken over because somebody else was faster, newest first."""
    mine = Edit.objects.filter(sheet=seen(actor, sheet), applied=False, by=actor.key)
    return list(mine.order_by("-at")[:200])
