"""A sheet on its way: handed in and signed by the filler, reviewed by the street, accepted by the office, or back."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.areas.models import Level
from citybrain.base.catalogue.access import Side
from citybrain.base.identity.access import Forbidden, require
from citybrain.base.identity.actor import Actor, Hat
from citybrain.base.identity.errors import Problem, Refused, refuse
from citybrain.hub.forms.access import FILL, ISSUE, REVIEW
from citybrain.hub.forms.collecting import history, rows
from citybrain.hub.forms.collecting.filling import lines_of, locked_sheet
from citybrain.hub.forms.collecting.rounds import OWED, locked_round, require_open
from citybrain.hub.forms.collecting.rows import Line
from citybrain.hub.forms.collecting.sight import Sight, may_issue, seen, sight
from citybrain.hub.forms.collecting.signing import digest, signings, told
from citybrain.hub.forms.collecting.totals import totals
from citybrain.hub.forms.collecting.values import EDIT, HOUSE, Cell, CellState, Signing
from citybrain.hub.forms.columns import Asks, Column
from citybrain.hub.forms.knowing import answers
from citybrain.hub.forms.knowing.people import tokens_of
from citybrain.hub.forms.making.history import note as note_form
from citybrain.hub.forms.models import Round, RoundState, Shaped, Sheet, SheetState

NAMED_MOST: Final = 20  # missing cells named at once
WHY_MOST: Final = 500
ID_CHECK: Final = "gb11643"


def submit(actor: Actor, sheet: Sheet, *, stamp: int | None = None, now: datetime | None = None) -> Signing:
    """Hand a sheet in under the actor's signature. `stamp`: the one on the screen, to sign what one has seen.

    Raises Forbidden; Refused when cells are missing (each named, `field` "row:letter"), somebody changed the sheet
    meanwhile, it was handed in before, or the round has ended.
    """
    moment = now or timezone.now()
    sheet = seen(actor, sheet)
    hat = require(actor, FILL, sheet)
    with transaction.atomic():
        sheet = locked_sheet(sheet)
        require_open(sheet.round)
        _verify(sheet, stamp)
        columns, lines = sheet.round.version.shape, lines_of(sheet)
        problems = missing(lines, columns)
        if problems:
            raise Refused(*problems)
        held = sight(actor, sheet, moment)
        changed = _withheld(lines, held, columns) | _by_house(actor, lines, columns, moment)
        rows.change([line for line in lines if line.key in changed])
        signing = Signing(
            digest(sheet, lines, columns),
            actor.key,
            actor.name,
            moment,
            sheet.stamp,
            _letters_withheld(lines),
        )
        _hand_in(sheet, lines, columns, signing)
        answers.keep(actor, sheet.area_id, _given(sheet, lines, columns), sheet=sheet, now=moment)
        details = {"digest": signing.digest, "rows": sheet.rows_count, "withheld": list(signing.withheld)}
        history.note(actor, "submit_sheet", sheet, moment, details, hat=hat)
    return signing


def _verify(sheet: Sheet, stamp: int | None) -> None:
    if sheet.state not in OWED:
        raise refuse("sheet", _("本表已上报，不需重复上报。"))
    if sheet.opened_at is None:
        raise refuse("sheet", _("请先打开本表，核对后再上报。"))
    if stamp is not None and stamp != sheet.stamp:
        raise refuse("stamp", _("本表刚被他人修改，请核对最新内容后再上报。"))


def missing(lines: Sequence[Line], columns: Sequence[Column]) -> list[Problem]:
    """Return the required cells that are empty, the first of them one by one, the rest as a number."""
    required = [column for column in rows.typed(columns) if column.required]
    left = [line for line in lines if not line.removed]
    empty = [
        (place, line.key, column)
        for place, line in enumerate(left, 1)
        for column in required
        if rows.lacks(line, column.letter)
    ]
    problems = [
        Problem(
            f"{key}:{column.letter}",
            _("第 %(row)d 行“%(name)s”未填。") % {"row": place, "name": column.name},
        )
        for place, key, column in empty[:NAMED_MOST]
    ]
    if len(empty) > NAMED_MOST:
        text = _("另有 %(count)d 个必填格未填。")
        problems.append(Problem("cells", text % {"count": len(empty) - NAMED_MOST}))
    return problems


def _withheld(lines: Sequence[Line], held: Sight, columns: Sequence[Column]) -> set[str]:
    """Mark what the signer may not see as not handed over; return the keys of rows that changed."""
    changed = set()
    for line in lines:
        for column in columns:
            cell = line.cell(column.letter)
            if cell.of_data and cell.value and held.cell(line, column.letter).state == CellState.NO_RIGHT:
                line.marks[column.letter][2] = str(CellState.NO_RIGHT)
                changed.add(line.key)
    return changed


def _letters_withheld(lines: Sequence[Line]) -> tuple[str, ...]:
    found = {
        letter
        for line in lines
        if not line.removed
        for letter, mark in line.marks.items()
        if mark[2] == CellState.NO_RIGHT and letter in line.values
    }
    return tuple(sorted(found))


def _by_house(actor: Actor, lines: Sequence[Line], columns: Sequence[Column], now: datetime) -> set[str]:
    """Put in who filled and on which day, where nobody wrote it; return the keys of rows that changed."""
    day = timezone.localdate(now).isoformat()
    texts = {Asks.FILLER: actor.name, Asks.DATE: day}
    changed = set()
    for column in columns:
        if column.asks not in texts:
            continue
        for line in lines:
            if not line.removed and not line.values.get(column.letter):
                line.put(column.letter, Cell(texts[column.asks], HOUSE, day, CellState.KNOWN))
                changed.add(line.key)
    return changed


def _hand_in(sheet: Sheet, lines: Sequence[Line], columns: Sequence[Column], signing: Signing) -> None:
    by_itself = sheet.round.level <= Level.STREET  # nobody stands between a street and the office
    sheet.state = SheetState.REVIEWED if by_itself else SheetState.SUBMITTED
    sheet.submitted_at, sheet.submitted_by, sheet.submitter_name = (
        signing.at, signing.by, signing.name[:60],
    )  # fmt: skip
    sheet.reviewed_at, sheet.reviewed_by, sheet.accepted_at = (signing.at if by_itself else None), "", None
    sheet.signature = [*(told(one) for one in signings(sheet)), told(signing)]
    sheet.totals = totals(lines, columns, sheet.round.form.shaped)
    sheet.save()


def _given(sheet: Sheet, lines: Sequence[Line], columns: Sequence[Column]) -> list[answers.Given]:
    """Return what people typed and no data set knew, to be kept for the next form."""
    if sheet.round.form.shaped == Shaped.FREE:
        return []
    asked = rows.typed(columns)
    found = []
    for line in lines:
        token = None if line.removed else _token(sheet, line, columns)
        if token is None:
            continue
        for column in asked:
            cell = line.cell(column.letter)
            if cell.state == CellState.EDITED and cell.source == EDIT and cell.value:
                found.append(answers.Given(column, token, cell.value))
    return found


def _token(sheet: Sheet, line: Line, columns: Sequence[Column]) -> str | None:
    """Return whom a row is about: "" the area itself, None nobody that could be found again."""
    if line.key == rows.AREA_ROW:
        return ""
    known = rows.token_of(line.key, sheet.round.key_seed)
    if known:
        return known
    numbers = [line.values.get(one.letter, "") for one in columns if one.check == ID_CHECK]
    named = [one for one in numbers if one]
    return tokens_of(named[:1])[0] if named else None


def review(actor: Actor, sheet: Sheet, *, note: str = "", now: datetime | None = None) -> Sheet:
    """Say for the street that a sheet is right; it goes on to the office. Raises Forbidden, Refused."""
    moment = now or timezone.now()
    with transaction.atomic():
        sheet = locked_sheet(seen(actor, sheet))
        hat = require(actor, REVIEW, sheet)
        _require_state(sheet, SheetState.SUBMITTED)
        if sheet.submitted_by == actor.key and not actor.is_system:
            raise Forbidden(_("上报人不能审核自己上报的表。"), _("请由其他审核人员审核。"))
        sheet.state, sheet.reviewed_at, sheet.reviewed_by = SheetState.REVIEWED, moment, actor.key
        sheet.save(update_fields=["state", "reviewed_at", "reviewed_by"])
        history.note(actor, "review_sheet", sheet, moment, {"note": note.strip()[:WHY_MOST]}, hat=hat)
    return sheet


def send_back(actor: Actor, sheet: Sheet, why: str, *, now: datetime | None = None) -> Sheet:
    """Send a sheet back to the filler: the street before it goes on, the office after. Raises Forbidden, Refused."""
    moment = now or timezone.now()
    if not why.strip():
        raise refuse("why", _("请写明退回的原因。"))
    with transaction.atomic():
        sheet = locked_sheet(seen(actor, sheet))
        hat = _require_sending_back(actor, sheet)
        require_open(sheet.round)
        sheet.state, sheet.returned_at, sheet.returned_why = (
            SheetState.RETURNED, moment, why.strip()[:WHY_MOST],
        )  # fmt: skip
        sheet.totals = None
        sheet.save(update_fields=["state", "returned_at", "returned_why", "totals"])
        history.note(actor, "send_back_sheet", sheet, moment, {"why": sheet.returned_why}, hat=hat)
    return sheet


def _require_sending_back(actor: Actor, sheet: Sheet) -> Hat:
    if sheet.state in {SheetState.REVIEWED, SheetState.ACCEPTED} and may_issue(actor, sheet.round):
        return require(actor, ISSUE, Side(sheet.round.office))
    hat = require(actor, REVIEW, sheet)
    _require_state(sheet, SheetState.SUBMITTED)
    return hat


def accept(actor: Actor, sheet: Sheet, *, now: datetime | None = None) -> Sheet:
    """Say for the office that a sheet is taken. Raises Forbidden, Refused."""
    moment = now or timezone.now()
    with transaction.atomic():
        sheet = locked_sheet(seen(actor, sheet))
        hat = require(actor, ISSUE, Side(sheet.round.office))
        _require_state(sheet, SheetState.REVIEWED)
        sheet.state, sheet.accepted_at = SheetState.ACCEPTED, moment
        sheet.save(update_fields=["state", "accepted_at"])
        history.note(actor, "accept_sheet", sheet, moment, {}, hat=hat)
    return sheet


_SQL_ACCEPT: Final = """
WITH done AS (
    UPDATE forms_sheet SET state = 'accepted', accepted_at = %s WHERE round_id = %s AND state = 'reviewed'
    RETURNING id
)
INSERT INTO forms_sheetevent (sheet_id, at, action, actor, actor_name, on_behalf_of, details)
SELECT id, %s, 'accept_sheet', %s, %s, %s, '{}'::jsonb FROM done
"""


def accept_all(actor: Actor, round_: Round, *, now: datetime | None = None) -> int:
    """Take all reviewed sheets of a round at once; return how many. Raises Forbidden."""
    moment = now or timezone.now()
    with transaction.atomic():
        round_ = locked_round(round_)
        hat = require(actor, ISSUE, Side(round_.office))
        if round_.state == RoundState.CALLED_OFF:
            require_open(round_)
        behalf = hat.on_behalf_key
        with connection.cursor() as cursor:
            cursor.execute(_SQL_ACCEPT, [moment, round_.pk, moment, actor.key, actor.name[:60], behalf])
            count = int(cursor.rowcount)
        if count:
            note_form(actor, "accept_sheets", round_.form, moment, {"sheets": count}, hat=hat, round_=round_)
            history.tell([f"round:{round_.pk}"])
    return count


def _require_state(sheet: Sheet, state: SheetState) -> None:
    if sheet.state != state:
        now = SheetState(sheet.state).label
        text = _("本表目前是“%(now)s”，只有“%(wanted)s”的表才能这样处理。")
        raise refuse("sheet", text % {"now": now, "wanted": state.label})
