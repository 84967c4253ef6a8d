"""Forms drafted from a workbook or from columns, changed and revised by the office that asks for them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.areas.models import Level
from citybrain.base.catalogue.access import Side
from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.errors import Problem, Refused, refuse
from citybrain.base.identity.models import Agency
from citybrain.hub.forms.access import DRAFT
from citybrain.hub.forms.columns import Asks, Column
from citybrain.hub.forms.making.drawing import Drawn, draw
from citybrain.hub.forms.making.history import note
from citybrain.hub.forms.making.reading import COLUMNS_MOST, Read, read_table
from citybrain.hub.forms.making.workbooks import keep
from citybrain.hub.forms.models import Cycle, Form, FormState, Shaped, Version, Workbook

OPEN: Final = (FormState.DRAFT, FormState.REFUSED)
LENGTHS: Final = {"title": 200, "purpose": 500, "basis": 500}


@dataclass(frozen=True, slots=True)
class About:
    """What a form is for. `title` empty: the workbook's own; `shaped` empty: rows and roster as the table seems.

    `fillers` is the areas.Level that fills it. `roster` is the key of the live roster its rows are, empty for none.
    """

    title: str = ""
    purpose: str = ""
    basis: str = ""
    cycle: str = Cycle.ONCE
    fillers: int = Level.COMMUNITY
    shaped: str = ""
    roster: str = ""


def draft_form(
    actor: Actor,
    office: Agency,
    about: About,
    *,
    file: Path | None = None,
    name: str = "",
    sheet: str = "",
    columns: Sequence[Column] = (),
) -> Form:
    """Draft a form of an office from a workbook (`name` as the person calls it), or from columns without one.

    Raises Forbidden; WhichSheet where several sheets hold a table and none is named; Refused with what is wrong.
    """
    hat = require(actor, DRAFT, Side(office))
    found = read_table(file, name, sheet) if file is not None else None
    about = replace(about, title=about.title.strip() or (found.layout.title if found else ""))
    verify(about)
    if found is not None:
        drawn = draw(about.title, office.kind.name_zh, office.kind_id, found, about.fillers)
        columns, about = drawn.columns, _seeming(about, drawn)
    verify_columns(columns)
    now = timezone.now()
    with transaction.atomic():
        form = Form.objects.create(
            office=office, title=about.title, purpose=about.purpose.strip(), basis=about.basis.strip(),
            cycle=about.cycle, fillers=about.fillers, shaped=about.shaped or Shaped.FREE, roster=about.roster,
            created_by_id=actor.person_id, created_at=now,
        )  # fmt: skip
        form.number = f"BB{timezone.localtime(now):%Y}{form.pk:06d}"
        version = new_version(
            actor,
            form,
            columns,
            now,
            workbook=keep(file, name, found.kind) if file and found else None,
            found=found,
        )
        form.current = version
        form.save(update_fields=["number", "current"])
        body = {"title": form.title, "office": office.key, "columns": len(columns),
                "workbook": version.workbook.digest if version.workbook else None, "notes": noted(found)}  # fmt: skip
        note(actor, "draft_form", form, now, body, hat=hat)
    return form


def _seeming(about: About, drawn: Drawn) -> About:
    """Return the description with what the table tells where the person said nothing of its rows."""
    if about.shaped:
        return about
    return replace(about, shaped=drawn.shaped, roster=about.roster or drawn.roster)


def preview(
    actor: Actor, office: Agency, about: About, *, file: Path, name: str = "", sheet: str = ""
) -> Form:
    """Return the form that a workbook would become, unsaved, to be looked at and assessed. Raises as `draft_form`."""
    require(actor, DRAFT, Side(office))
    found = read_table(file, name, sheet)
    about = replace(about, title=about.title.strip() or found.layout.title)
    verify(about)
    drawn = draw(about.title, office.kind.name_zh, office.kind_id, found, about.fillers)
    verify_columns(drawn.columns)
    about = _seeming(about, drawn)
    form = Form(
        office=office, title=about.title, cycle=about.cycle, fillers=about.fillers, shaped=about.shaped,
        roster=about.roster,
    )  # fmt: skip
    form.current = Version(number=1, columns=[one.to_json() for one in drawn.columns])
    return form


def change_form(actor: Actor, form: Form, about: About) -> Form:
    """Change what a form is for, while it is a draft or was refused. Raises Forbidden, Refused."""
    hat = require(actor, DRAFT, Side(form.office))
    about = replace(about, title=about.title.strip() or form.title)
    verify(about)
    now = timezone.now()
    with transaction.atomic():
        form = locked(form)
        in_state(form, OPEN)
        changed = {}
        for key in ("title", "purpose", "basis", "cycle", "fillers", "shaped", "roster"):
            value = getattr(about, key)
            value = value.strip() if isinstance(value, str) else value
            if key == "shaped" and not value:
                continue
            if getattr(form, key) != value:
                changed[key] = value
                setattr(form, key, value)
        form.state = FormState.DRAFT
        form.save()
        note(actor, "change_form", form, now, {key: str(value) for key, value in changed.items()}, hat=hat)
    return form


def revise(
    actor: Actor,
    form: Form,
    *,
    file: Path | None = None,
    name: str = "",
    sheet: str = "",
    columns: Sequence[Column] | None = None,
    why: str = "",
) -> Version:
    """Put a new table in place of a form's, as its next version; rounds that run keep theirs.

    Columns called as before keep what people settled about them. An admitted form that asks for more than what was
    admitted becomes a draft and must be admitted again. Raises Forbidden, WhichSheet, Refused.
    """
    hat = require(actor, DRAFT, Side(form.office))
    found = read_table(file, name, sheet) if file is not None else None
    if found is None and columns is None:
        raise refuse("file", _("请上传新的表格。"))
    now = timezone.now()
    with transaction.atomic():
        form = locked(form)
        in_state(form, (*OPEN, FormState.ADMITTED))
        if found is not None:
            drawn = draw(form.title, form.office.kind.name_zh, form.office.kind_id, found, form.fillers)
            columns = kept(form, drawn.columns)
        columns = columns or ()
        verify_columns(columns)
        before = form.current.shape if form.current else ()
        workbook = keep(file, name, found.kind) if file and found else None
        version = new_version(actor, form, columns, now, workbook=workbook, found=found, why=why)
        more = asks_more(before, columns)
        form.current = version
        if form.state == FormState.REFUSED or more:
            form.state = FormState.DRAFT
        form.save(update_fields=["current", "state"])
        body = {
            "version": version.number,
            "columns": len(columns),
            "more": list(more),
            "why": why.strip(),
            "notes": noted(found),
        }
        note(actor, "revise", form, now, body, hat=hat)
    return version


def discard_draft(actor: Actor, form: Form) -> None:
    """Remove a form that never was anything but a draft. The ledger keeps that it was. Raises Forbidden, Refused."""
    hat = require(actor, DRAFT, Side(form.office))
    now = timezone.now()
    with transaction.atomic():
        form = locked(form)
        in_state(form, (FormState.DRAFT,))
        if form.asked_at is not None or form.rounds.exists():
            raise refuse("state", _("这张报表已申请过准入，不能删除；可以废止。"))
        note(actor, "discard_draft", form, now, {"title": form.title}, hat=hat)
        Form.objects.filter(pk=form.pk).update(current=None)
        form.delete()


def verify(about: About) -> None:
    """Raise Refused with everything about a form's description that can't be."""
    problems = []
    if not about.title.strip():
        problems.append(Problem("title", _("请填写报表名称。")))
    for key, most in LENGTHS.items():
        if len(getattr(about, key)) > most:
            problems.append(Problem(key, _("内容过长，最多 %(most)d 字。") % {"most": most}))
    if about.cycle not in Cycle.values:
        problems.append(Problem("cycle", _("请选择报送周期。")))
    if about.fillers not in Level.values:
        problems.append(Problem("fillers", _("请选择由哪一级填报。")))
    if about.shaped and about.shaped not in Shaped.values:
        problems.append(Problem("shaped", _("请选择报表的种类。")))
    if problems:
        raise Refused(*problems)


def verify_columns(columns: Sequence[Column]) -> None:
    """Raise Refused for a table without columns, with too many, or with a letter twice."""
    if not columns:
        raise refuse("columns", _("报表至少要有一列。"))
    if len(columns) > COLUMNS_MOST:
        raise refuse("columns", _("表格有 %(count)d 列，最多 %(most)d 列。")
                     % {"count": len(columns), "most": COLUMNS_MOST})  # fmt: skip
    if len({one.letter for one in columns}) < len(columns):
        raise refuse("columns", _("列号重复。"))


def new_version(
    actor: Actor,
    form: Form,
    columns: Sequence[Column],
    now: datetime,
    *,
    workbook: Workbook | None = None,
    found: Read | None = None,
    why: str = "",
) -> Version:
    """Return the form's next version, saved."""
    last = form.versions.order_by("-number").values_list("number", flat=True).first() or 0
    place: dict[str, Any] = {}
    if found is not None:
        place = {
            "sheet": found.layout.sheet, "header_first": found.layout.header_first,
            "header_last": found.layout.header_last, "begins": found.layout.begins,
        }  # fmt: skip
    return Version.objects.create(
        form=form, number=last + 1, workbook=workbook, columns=[one.to_json() for one in columns],
        changed_by=actor.key, changed_at=now, note=why.strip()[:500], **place,
    )  # fmt: skip


def noted(found: Read | None) -> list[dict[str, Any]]:
    """Return what the sender of a workbook should know, as it is kept with the history."""
    return [{"key": one.key, "params": dict(one.params)} for one in found.notes] if found else []


def kept(form: Form, columns: Sequence[Column]) -> list[Column]:
    """Return new columns with what people settled about those called as before."""
    settled = {one.path: one for one in form.current.shape if one.sure} if form.current else {}
    return [settled[one.path].changed(letter=one.letter) if one.path in settled else one for one in columns]


def asks_more(before: Sequence[Column], after: Sequence[Column]) -> tuple[str, ...]:
    """Return the names of columns that ask for what wasn't asked before."""
    own = (Asks.DATA, Asks.COUNT, Asks.ANSWER)
    asked = {one.path for one in before if one.asks in own} | {one.field for one in before if one.field}
    return tuple(
        one.name for one in after if one.asks in own and one.path not in asked and one.field not in asked
    )


def locked(form: Form) -> Form:
    """Return the form as it is now, for a change."""
    rows = Form.objects.select_for_update(of=("self",)).select_related("office__kind", "current__workbook")
    found: Form = rows.get(pk=form.pk)
    return found


def in_state(form: Form, states: Sequence[str]) -> None:
    """Raise Refused where the form is in none of the states."""
    if form.state not in states:
        state = FormState(form.state).label
        raise refuse("state", _("报表目前是“%(state)s”，不能这样操作。") % {"state": state})
