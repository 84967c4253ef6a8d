"""One form: what it asks, where it stands, what became of it; its workbook, its end."""

from collections.abc import Iterable
from typing import Any, Final

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from citybrain.base.catalogue.access import Side
from citybrain.base.identity.access import why_not
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.errors import Refused
from citybrain.faces.desk.doors import actor_of, officers
from citybrain.faces.desk.forms.asking import AboutForm, put_refusals, rows_choices
from citybrain.faces.desk.forms.finding import found_form
from citybrain.faces.desk.forms.shown import (
    ROUND_TONES,
    SUMS,
    FormLine,
    asked_name,
    confidence,
    level_name,
    place,
    sets_of,
)
from citybrain.faces.desk.shell import page as shell_page
from citybrain.hub.forms.access import ADMIT, DRAFT, ISSUE
from citybrain.hub.forms.columns import Column, Sums
from citybrain.hub.forms.making import actions
from citybrain.hub.forms.making.workbooks import path_of
from citybrain.hub.forms.models import Form, FormEvent, FormState, Round

OPEN: Final = (FormState.DRAFT, FormState.REFUSED)
EVENTS: Final = 12
SAID: Final = {
    "draft_form": ("file-spreadsheet", "info", gettext_lazy("建立")),
    "change_form": ("edit", "quiet", gettext_lazy("改基本信息")),
    "correct_column": ("edit", "quiet", gettext_lazy("改列的对应")),
    "confirm_columns": ("checks", "quiet", gettext_lazy("确认各列")),
    "revise": ("file-spreadsheet", "info", gettext_lazy("换新版表格")),
    "ask_admission": ("send", "info", gettext_lazy("申请准入")),
    "take_back": ("arrow-back-up", "due_soon", gettext_lazy("撤回申请")),
    "decide_admission": ("gavel", "info", gettext_lazy("准入决定")),
    "retire": ("archive", "late", gettext_lazy("废止")),
    "issue": ("send-2", "normal", gettext_lazy("下发")),
    "remind": ("bell", "due_soon", gettext_lazy("催报")),
    "close": ("lock", "quiet", gettext_lazy("结束收集")),
    "call_off": ("arrow-back-up", "late", gettext_lazy("撤回下发")),
}
TYPES: Final = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "xlsm": "application/vnd.ms-excel.sheet.macroEnabled.12",
    "xls": "application/vnd.ms-excel",
}


def column_lines(columns: Iterable[Column]) -> list[dict[str, Any]]:
    """Return columns as a list shows them. One query."""
    kept = list(columns)
    sets = sets_of(kept)
    found = []
    for column in kept:
        tone, word = confidence(column)
        told = SUMS[column.sums] if column.sums != Sums.NONE else "–"
        found.append(
            {
                "column": column,
                "asked": asked_name(column, sets),
                "tone": tone,
                "word": word,
                "sums_word": told,
                "required": column.required,
            }
        )
    return found


def event_lines(events: Iterable[FormEvent]) -> list[dict[str, Any]]:
    """Return a history as look's timeline draws it."""
    found = []
    for one in events:
        icon, tone, label = SAID.get(one.action, ("point", "quiet", one.action))
        details = one.details or {}
        if one.action == "decide_admission":
            admitted = bool(details.get("admitted"))
            label, tone = (_("准予下发"), "normal") if admitted else (_("不予准入"), "late")
        why = str(details.get("reason") or details.get("why") or details.get("text") or "")
        name = str(details.get("name") or "")
        found.append(
            {
                "what": f"{label} {name}".strip(),
                "who": one.actor_name,
                "at": one.at,
                "icon": icon,
                "tone": tone,
                "why": why,
                "key": f"event-{one.pk}",
            }
        )
    return found


def round_line(one: Round) -> tuple[Round, str, str, str]:
    """Return a round with tone, state and where it was sent."""
    return (
        one,
        ROUND_TONES[one.state],
        one.get_state_display(),
        f"{place(one.root_id)} · {level_name(one.level)}",
    )


@never_cache
@officers
@require_GET
def form_view(request: HttpRequest, form_id: int) -> HttpResponse:
    """One form."""
    actor, now = actor_of(request), timezone.now()
    one = found_form(actor, form_id)
    shape = one.current.shape if one.current else ()
    rounds = Round.objects.visible_to(actor).filter(form=one).order_by("-issued_at", "-id")[:20]
    line = FormLine.of(one, "", now)
    context = {
        "one": one,
        "line": line,
        "version": one.current,
        "lines": column_lines(shape),
        "level": level_name(one.fillers),
        "share": line.known,
        "assessed": one.assessed is not None,
        "unsettled": len(actions.unsettled(shape)) if one.state in OPEN else 0,
        "rounds": [round_line(each) for each in rounds],
        "events": event_lines(one.events.all()[:EVENTS]),
        "rows_word": rows_word(one),
        "about": AboutForm(one) if one.state in OPEN else None,
        "has_file": bool(one.current and one.current.workbook_id),
        **_rights(actor, one),
    }
    return shell_page(request, "desk/forms/form.html", "forms", context)


def rows_word(one: Form) -> str:
    """Return what a row of a form is."""
    return str(dict(rows_choices()).get(f"{one.shaped}:{one.roster}", one.get_shaped_display()))


@require_POST
@officers
def about_view(request: HttpRequest, form_id: int) -> HttpResponse:
    """Change what a form is for; what can't be is said on a page of its own, with everything typed."""
    actor = actor_of(request)
    one = found_form(actor, form_id)
    form = AboutForm(one, request.POST)
    if form.is_valid():
        try:
            actions.change_form(actor, one, form.about())
        except Refused as refused:
            put_refusals(form, refused)
        else:
            messages.success(request, _("已保存。"))
            return redirect("desk:form", form_id)
    return shell_page(request, "desk/forms/about.html", "forms", {"one": one, "about": form}, status=422)


def _rights(actor: Actor, one: Form) -> dict[str, bool]:
    """Return what the actor may do with a form as it stands."""
    side = Side(one.office)
    drafts = not why_not(actor, DRAFT, side)
    admits = not why_not(actor, ADMIT, side)
    return {
        "may_match": drafts and one.state in (*OPEN, FormState.ADMITTED),
        "may_revise": drafts and one.state in (*OPEN, FormState.ADMITTED),
        "may_ask": drafts and one.state in OPEN,
        "may_take_back": drafts and one.state == FormState.ASKING,
        "may_discard": drafts and one.state == FormState.DRAFT and one.asked_at is None,
        "may_decide": admits and one.state == FormState.ASKING,
        "may_issue": one.state == FormState.ADMITTED and not why_not(actor, ISSUE, side),
        "may_retire": (drafts or admits) and one.state == FormState.ADMITTED,
    }


@never_cache
@require_GET
@officers
def file_view(request: HttpRequest, form_id: int) -> HttpResponseBase:
    """The workbook as it came, byte for byte."""
    one = found_form(actor_of(request), form_id)
    workbook = one.current.workbook if one.current else None
    if workbook is None:
        raise Http404
    path = path_of(workbook)
    if not path.is_file():
        messages.error(request, _("表格文件不在了，请联系系统管理员。"))
        return redirect("desk:form", form_id)
    return FileResponse(
        path.open("rb"), as_attachment=True, filename=workbook.name, content_type=TYPES[workbook.kind]
    )


@require_POST
@officers
def retire_view(request: HttpRequest, form_id: int) -> HttpResponse:
    """End a form."""
    actor = actor_of(request)
    try:
        actions.retire(actor, found_form(actor, form_id), request.POST.get("why", ""))
        messages.success(request, _("已废止，不能再下发。"))
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect("desk:form", form_id)


@require_POST
@officers
def take_back_view(request: HttpRequest, form_id: int) -> HttpResponse:
    """Take back what was asked and isn't decided."""
    actor = actor_of(request)
    try:
        actions.take_back(actor, found_form(actor, form_id))
        messages.success(request, _("准入申请已撤回，可以修改后再申请。"))
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect("desk:form", form_id)


@require_POST
@officers
def discard_view(request: HttpRequest, form_id: int) -> HttpResponse:
    """Remove a draft."""
    actor = actor_of(request)
    try:
        actions.discard_draft(actor, found_form(actor, form_id))
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("desk:form", form_id)
    messages.success(request, _("草稿已删除。"))
    return redirect(reverse("desk:forms"))
