"""A round: a form issued down the tree, urged, closed or called off."""

import secrets
from datetime import datetime
from typing import Final

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.areas.models import Area, Level
from citybrain.base.areas.tree import Node, tree
from citybrain.base.catalogue.access import Side
from citybrain.base.identity.access import Forbidden, require
from citybrain.base.identity.actor import Actor, Hat
from citybrain.base.identity.errors import refuse
from citybrain.hub.forms.access import ISSUE, REVIEW
from citybrain.hub.forms.collecting import history
from citybrain.hub.forms.making.history import note as note_form
from citybrain.hub.forms.models import Form, FormState, Reminder, Round, RoundState, Sheet, SheetState

OWED: Final = (SheetState.WAITING, SheetState.FILLING, SheetState.RETURNED)  # the filler has to do something
IN: Final = (SheetState.REVIEWED, SheetState.ACCEPTED)  # what an office gets to see and a roll-up counts
TEXT_MOST: Final = 300
SEED_BYTES: Final = 32

_SQL_SHEETS: Final = """
INSERT INTO forms_sheet (round_id, area_id, city_id, district_id, street_id, community_id, grid_id, state, stamp,
    rows_count, cells, cells_known, cells_missing, filled_from, submitted_by, submitter_name, reviewed_by,
    returned_why, reminders)
SELECT %s, a, c, d, s, m, g, 'waiting', 0, 0, 0, 0, 0, '{}'::jsonb, '', '', '', '', 0
FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
    AS t(a, c, d, s, m, g)
"""


def issue(
    actor: Actor,
    form: Form,
    root: Area,
    level: int,
    due_at: datetime,
    *,
    period: str = "",
    note: str = "",
    now: datetime | None = None,
) -> Round:
    """Send an admitted form to all areas of a level below one area (or to that area itself).

    Raises Forbidden; Refused when the form isn't admitted, the area isn't the office's, or nobody is there to fill.
    """
    moment = now or timezone.now()
    with transaction.atomic():
        locked = Form.objects.select_for_update(of=("self",)).select_related("office", "current")
        form = locked.get(pk=form.pk)
        hat = require(actor, ISSUE, Side(form.office))
        takers = _takers(form, root, level, due_at, moment)
        made = Round.objects.create(
            form=form, version_id=form.current_id or 0, office=form.office, root=root, level=level,
            period=period.strip()[:40], note=note.strip()[:500], issued_by_id=actor.person_id,
            issued_at=moment, due_at=due_at, key_seed=secrets.token_bytes(SEED_BYTES),
        )  # fmt: skip
        made.number = f"TB{timezone.localtime(moment):%Y}{made.pk:07d}"
        made.save(update_fields=["number"])
        _make_sheets(made, takers)
        details = {
            "area": root.code,
            "level": int(level),
            "sheets": len(takers),
            "due_at": due_at.isoformat(),
        }
        note_form(actor, "issue", form, moment, details, hat=hat, round_=made)
        history.tell([f"round:{made.pk}"])
    return made


def _takers(form: Form, root: Area, level: int, due_at: datetime, now: datetime) -> list[Node]:
    """Return the areas that are to fill. Raises Refused, naming what is wrong."""
    if form.state != FormState.ADMITTED or form.current is None:
        raise refuse("form", _("报表“%(title)s”未经准入，不能下发。请先申请准入。") % {"title": form.title})
    areas = tree()
    if not areas.contains(form.office.area_id, root.pk):
        text = _("%(area)s不在%(office)s的管辖范围内。")
        raise refuse("root", text % {"area": root.name, "office": form.office.name})
    if due_at <= now:
        raise refuse("due_at", _("截止时间须在现在之后。"))
    if level not in Level.values or level < root.level:
        raise refuse("level", _("填报层级须在所选区域或其下。"))
    below = [areas.get(root.pk)] if level == root.level else areas.descendants(root.pk)
    takers = [node for node in below if node.level == level]
    if not takers:
        raise refuse("level", _("%(area)s之下没有这一层级的区域。") % {"area": root.name})
    return takers


def _make_sheets(made: Round, takers: list[Node]) -> None:
    lineages = [list(column) for column in zip(*(node.lineage for node in takers), strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(_SQL_SHEETS, [made.pk, [node.id for node in takers], *lineages])


def locked_round(round_: Round) -> Round:
    """Return a round locked until the transaction ends, with its form and office."""
    rows = Round.objects.select_for_update(of=("self",)).select_related("form", "office", "version")
    found: Round = rows.get(pk=round_.pk)
    return found


def require_open(round_: Round) -> None:
    """Raise Refused when the round has ended."""
    if round_.state != RoundState.OPEN:
        at = timezone.localtime(round_.closed_at).strftime("%Y-%m-%d %H:%M") if round_.closed_at else ""
        state = RoundState(round_.state).label
        raise refuse("round", _("本次填报%(state)s（%(at)s）。") % {"state": state, "at": at})


def remind(
    actor: Actor,
    round_: Round,
    *,
    within: Area | None = None,
    text: str = "",
    now: datetime | None = None,
) -> Reminder:
    """Urge all areas that haven't handed in (催报), or those inside one area.

    The office urges everybody, a reviewer their own area. Raises Forbidden, Refused when nobody is owing.
    """
    moment = now or timezone.now()
    with transaction.atomic():
        round_ = locked_round(round_)
        hat = _require_urging(actor, round_, within)
        require_open(round_)
        reminder = urge(actor.key, round_, moment, within=within, text=text)
        if reminder is None:
            raise refuse("round", _("没有尚未上报的区域，无需催报。"))
        details = {"sheets": reminder.sheets, "within": within.code if within else "", "text": reminder.text}
        note_form(actor, "remind", round_.form, moment, details, hat=hat, round_=round_)
    return reminder


def _require_urging(actor: Actor, round_: Round, within: Area | None) -> Hat:
    try:
        return require(actor, ISSUE, Side(round_.office))
    except Forbidden:
        if within is None:
            raise
        from citybrain.hub.forms.knowing.rights import Place, node_of

        return require(actor, REVIEW, Place(node_of(within)))


def urge(
    by: str, round_: Round, now: datetime, *, within: Area | None = None, text: str = ""
) -> Reminder | None:
    """Mark the sheets that are owing as urged; None where nobody is owing. No rights: see `remind`."""
    owing = Sheet.objects.filter(round=round_, state__in=OWED)
    if within is not None:
        column = ("city_id", "district_id", "street_id", "community_id", "grid_id")[within.level - 1]
        owing = owing.filter(**{f"{column}__any": tree().scope_ids(within.pk)})
    count = owing.update(reminders=F("reminders") + 1, reminded_at=now)
    if not count:
        return None
    history.tell([f"round:{round_.pk}"])
    made: Reminder = Reminder.objects.create(
        round=round_, sheets=count, scope=within, text=text.strip()[:TEXT_MOST], by=by, at=now
    )
    return made


def close(actor: Actor, round_: Round, why: str = "", *, now: datetime | None = None) -> Round:
    """End a round: nothing is filled or handed in any more; what was handed in can still be reviewed and accepted."""
    return _end(actor, round_, RoundState.CLOSED, "close", why, now)


def call_off(actor: Actor, round_: Round, why: str, *, now: datetime | None = None) -> Round:
    """Take a round back: it was sent by mistake. Raises Forbidden, Refused without a reason."""
    if not why.strip():
        raise refuse("why", _("请写明撤回的原因。"))
    return _end(actor, round_, RoundState.CALLED_OFF, "call_off", why, now)


def _end(
    actor: Actor, round_: Round, state: RoundState, action: str, why: str, now: datetime | None
) -> Round:
    moment = now or timezone.now()
    with transaction.atomic():
        round_ = locked_round(round_)
        hat = require(actor, ISSUE, Side(round_.office))
        require_open(round_)
        round_.state, round_.closed_at = state, moment
        round_.save(update_fields=["state", "closed_at"])
        owing = Sheet.objects.filter(round=round_, state__in=OWED).count()
        details = {"why": why.strip()[:500], "owing": owing}
        note_form(actor, action, round_.form, moment, details, hat=hat, round_=round_)
        history.tell([f"round:{round_.pk}"])
    return round_
