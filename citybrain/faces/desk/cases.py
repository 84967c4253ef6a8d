"""The page of one case, and the steps taken on it."""

import json
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from citybrain.base.identity.access import Forbidden
from citybrain.base.identity.actor import Actor
from citybrain.faces.desk import pageview, stepforms
from citybrain.faces.desk.doors import actor_of, is_partial, officers
from citybrain.faces.desk.shell import page as shell_page
from citybrain.faces.look.toasts import toast
from citybrain.hub.cases import actions, contact
from citybrain.hub.cases.detail import case_page
from citybrain.hub.cases.errors import BadInput, CaseError, Conflict, NotFound, NotNow
from citybrain.hub.cases.lifecycle import TRANSITIONS, Transition


@officers
def case_view(request: HttpRequest, number: str) -> HttpResponse:
    """The case: a pane beside a list for htmx, else a page of its own."""
    return _show(request, number)


def _show(request: HttpRequest, number: str, **more: Any) -> HttpResponse:
    view = pageview.view_of(case_page(actor_of(request), number), timezone.now())
    context = {"view": view, "page": view.page, **more}
    if is_partial(request):
        return render(request, "desk/case/pane.html", context)
    return shell_page(request, "desk/case/page.html", "work", context)


def _transition(step: str) -> Transition:
    if step not in TRANSITIONS:
        raise NotFound
    return TRANSITIONS[step]


@officers
@require_http_methods(["GET", "POST"])
def step_view(request: HttpRequest, number: str, step: str) -> HttpResponse:
    """GET: the form of a step. POST: take it; the answer is the case as it is then."""
    transition = _transition(step)
    if request.method == "POST":
        return _take(request, number, transition)
    page = case_page(actor_of(request), number)
    _still_offered(page.steps, transition)
    return _form(request, number, stepforms.form_for(transition, page))


def _still_offered(steps: list[Any], transition: Transition) -> None:
    if all(one.key != transition.key for one in steps):
        raise NotNow(_("现在不能“%(step)s”, 请刷新案件查看可用的操作。") % {"step": transition.label})


def _form(request: HttpRequest, number: str, form: stepforms.StepForm, status: int = 200) -> HttpResponse:
    context = {"form": form, "number": number, "action": reverse("desk:step", args=[number, form.key])}
    if is_partial(request):
        return render(request, "desk/case/step.html", context, status=status)
    return shell_page(request, "desk/case/step_page.html", "work", context, status=status)


def _take(request: HttpRequest, number: str, transition: Transition) -> HttpResponse:
    actor = actor_of(request)
    given = stepforms.given_by(transition, request.POST)
    try:
        page_id = _id_of(actor, number)
        outcome = actions.take(actor, page_id, transition.key, given, seen_version=_seen(request))
    except BadInput as error:
        return _refused(
            request, number, transition, stepforms.asked_from(given, error.field, error.message), 422
        )
    except Conflict as error:
        return _conflict(request, number, transition, error, stepforms.asked_from(given))
    except (CaseError, Forbidden) as error:
        status = getattr(error, "status", 403)
        return _refused(request, number, transition, stepforms.asked_from(given, "", str(error)), status)
    done = _("%(number)s 已%(step)s, 现为“%(state)s”。") % {
        "number": outcome.number,
        "step": transition.label,
        "state": outcome.state.label,
    }
    if is_partial(request):
        answer = _show(request, number, done=done)
        answer["HX-Trigger"] = json.dumps({"desk-taken": {"number": number, "step": transition.key}})
        return toast(answer, done)
    pageview.remember(request, done)
    return HttpResponseRedirect(reverse("desk:case", args=[number]))


def _seen(request: HttpRequest) -> int | None:
    value = request.POST.get("seen_version", "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else None


def _id_of(actor: Actor, number: str) -> int:
    return pageview.visible_id(actor, number)


def _refused(
    request: HttpRequest, number: str, transition: Transition, asked: stepforms.Asked, status: int
) -> HttpResponse:
    """Show the form again with what was typed and what is wrong with it."""
    page = case_page(actor_of(request), number)
    return _form(request, number, stepforms.form_for(transition, page, asked), status)


def _conflict(
    request: HttpRequest, number: str, transition: Transition, error: Conflict, asked: stepforms.Asked
) -> HttpResponse:
    """Say who was faster and when; the form keeps what was typed, and can be sent again where it still fits."""
    page = case_page(actor_of(request), number)
    offered = any(one.key == transition.key for one in page.steps)
    form = stepforms.form_for(transition, page, asked)
    context = {
        "form": form,
        "number": number,
        "conflict": error.message,
        "offered": offered,
        "last": page.events[-1] if page.events else None,
        "action": reverse("desk:step", args=[number, transition.key]),
    }
    if is_partial(request):
        return render(request, "desk/case/step.html", context, status=409)
    return shell_page(request, "desk/case/step_page.html", "work", context, status=409)


@officers
@require_POST
def contact_view(request: HttpRequest, number: str) -> HttpResponse:
    """The reporter's name and number, against a reason; the look is in the ledger."""
    actor = actor_of(request)
    why = request.POST.get("why", "")
    context: dict[str, Any] = {"number": number, "why": why}
    status = 200
    try:
        context["contact"] = contact.reveal(actor, pageview.visible_id(actor, number), why)
    except BadInput as error:
        context["wrong"], status = error.message, 422
    if is_partial(request):
        return render(request, "desk/case/contact.html", context, status=status)
    return _show(request, number, revealed=context.get("contact"), contact_wrong=context.get("wrong", ""))
