"""One step taken on several cases of a list, with an answer for each."""

import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from citybrain.faces.desk import stepforms
from citybrain.faces.desk.doors import actor_of, is_partial, officers
from citybrain.faces.desk.shell import page as shell_page
from citybrain.faces.desk.shown import RowView
from citybrain.faces.desk.work import ids_of, list_of, rows_now
from citybrain.hub.cases import actions
from citybrain.hub.cases.errors import BadInput
from citybrain.hub.cases.lifecycle import TRANSITIONS, Transition
from citybrain.hub.cases.lists import WorkList


@officers
def batch_view(request: HttpRequest, key: str, step: str) -> HttpResponse:
    """GET ?ids=: the form of one step for several cases. POST: take it on each, and say what became of each."""
    actor = actor_of(request)
    one = list_of(actor, key)
    if step not in one.batch:
        raise BadInput(_("此操作不能批量进行。"), "step")
    transition = TRANSITIONS[step]
    if request.method == "POST":
        return _take_many(request, one, transition)
    ids = ids_of(request.GET.get("ids", ""))
    form = stepforms.form_for(transition, None)
    return _batch_form(request, one, form, rows_now(actor, ids))


def _batch_form(
    request: HttpRequest, one: WorkList, form: stepforms.StepForm, views: list[RowView], status: int = 200
) -> HttpResponse:
    context = {
        "form": form,
        "list": one,
        "views": views,
        "ids": ",".join(str(view.row.id) for view in views),
        "action": reverse("desk:batch", args=[one.key, form.key]),
    }
    if is_partial(request):
        return render(request, "desk/work/batch.html", context, status=status)
    return shell_page(request, "desk/work/batch_page.html", "work", context, status=status)


def _take_many(request: HttpRequest, one: WorkList, transition: Transition) -> HttpResponse:
    actor = actor_of(request)
    ids = ids_of(request.POST.get("ids", ""))
    given = stepforms.given_by(transition, request.POST)
    views = rows_now(actor, ids)
    if not views:
        raise BadInput(_("请先选择案件。"), "ids")
    missing = _missing(transition, given)
    if missing:
        form = stepforms.form_for(transition, None, stepforms.asked_from(given, *missing))
        return _batch_form(request, one, form, views, 422)
    taken = {row.case_id: row.error for row in actions.take_many(actor, ids, transition.key, given)}
    results = [(view, taken.get(view.row.id, "")) for view in rows_now(actor, ids)]
    context = {
        "list": one,
        "label": str(transition.label),
        "results": results,
        "done": sum(1 for _view, error in results if not error),
        "failed": sum(1 for _view, error in results if error),
    }
    template = "desk/work/batch_done.html"
    if is_partial(request):
        answer = render(request, template, context)
        answer["HX-Trigger"] = json.dumps({"desk-taken": {"step": transition.key}})
        return answer
    return shell_page(request, "desk/work/batch_done_page.html", "work", context)


def _missing(transition: Transition, given: dict[str, Any]) -> tuple[str, str] | None:
    """Return (field, what is wrong) of the first input that every case needs and that is not there."""
    for need in transition.needs:
        own = need.kind.value in {"item", "agency"}
        if need.required and not own and need.name not in given:
            return need.name, _("请填写“%(label)s”。") % {"label": need.label}
    return None
