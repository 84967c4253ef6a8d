"""Taking a step on a case from any of the desk's pages: the form, the refusal, the conflict, and what follows."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from citybrain.base.identity.access import Forbidden
from citybrain.faces.desk import pageview, photos, stepforms
from citybrain.faces.desk.doors import actor_of, is_partial
from citybrain.faces.look.toasts import toast
from citybrain.hub.cases import actions
from citybrain.hub.cases.detail import CasePage, case_page
from citybrain.hub.cases.errors import BadInput, CaseError, Conflict, NotFound, NotNow
from citybrain.hub.cases.lifecycle import TRANSITIONS, Kind, Transition

Draw = Callable[[HttpRequest, dict[str, Any], int], HttpResponse]


@dataclass(frozen=True, slots=True)
class Place:
    """Where steps are taken: the names of the addresses of case and step, and how a form's page is drawn."""

    case: str
    step: str
    draw: Draw
    show: Callable[[HttpRequest, str, str], HttpResponse] | None = None


def step(request: HttpRequest, number: str, key: str, place: Place) -> HttpResponse:
    """GET: the form of a step. POST: take it; the answer is the case as it is then."""
    if key not in TRANSITIONS:
        raise NotFound
    transition = TRANSITIONS[key]
    if request.method == "POST":
        return _take(request, number, transition, place)
    page = case_page(actor_of(request), number)
    if all(one.key != key for one in page.steps):
        raise NotNow(_("现在不能“%(step)s”, 请刷新案件查看可用的操作。") % {"step": transition.label})
    return _form(request, page, transition, place, stepforms.Asked(), 200)


def _form(
    request: HttpRequest,
    page: CasePage,
    transition: Transition,
    place: Place,
    asked: stepforms.Asked,
    status: int,
    **more: Any,
) -> HttpResponse:
    number = page.case.number
    form = stepforms.form_for(transition, page, asked)
    action = reverse(place.step, args=[number, transition.key])
    context = {"form": form, "number": number, "action": action, **more}
    if is_partial(request):
        return render(request, "desk/case/step.html", context, status=status)
    return place.draw(request, context, status)


def _take(request: HttpRequest, number: str, transition: Transition, place: Place) -> HttpResponse:
    actor = actor_of(request)
    given = stepforms.given_by(transition, request.POST)
    try:
        case_id = pageview.visible_id(actor, number)
        given |= _photos(request, transition)
        outcome = actions.take(actor, case_id, transition.key, given, seen_version=_seen(request))
    except (CaseError, Forbidden) as error:
        return _refused(request, case_page(actor, number), transition, place, given, error)
    done = _("%(number)s 已%(step)s, 现为“%(state)s”。") % {
        "number": outcome.number,
        "step": transition.label,
        "state": outcome.state.label,
    }
    if not _still_sees(request, number):
        return _gone(request, outcome, done)
    if place.show is not None and is_partial(request):
        return _told(place.show(request, number, done), outcome, done)
    pageview.remember(request, done)
    return HttpResponseRedirect(reverse(place.case, args=[number]))


def _told(answer: HttpResponse, outcome: actions.Outcome, done: str) -> HttpResponse:
    """Let the page know what was done, so that dialogs close and lists follow."""
    answer["HX-Trigger"] = json.dumps({"desk-taken": {"number": outcome.number, "step": outcome.step}})
    return toast(answer, done)


def _still_sees(request: HttpRequest, number: str) -> bool:
    """Return whether the step left the case within the reader's sight: a returned one leaves the handler's."""
    try:
        pageview.visible_id(actor_of(request), number)
    except NotFound:
        return False
    return True


def _gone(request: HttpRequest, outcome: actions.Outcome, done: str) -> HttpResponse:
    """Say that the step was taken and the case has gone on to others."""
    if is_partial(request):
        return _told(render(request, "desk/case/gone.html", {"done": done}), outcome, done)
    pageview.remember(request, done)
    return HttpResponseRedirect(reverse("desk:home"))


def _refused(
    request: HttpRequest,
    page: CasePage,
    transition: Transition,
    place: Place,
    given: dict[str, Any],
    error: CaseError | Forbidden,
) -> HttpResponse:
    """Show the form again with what was typed and what is wrong; a conflict says who was faster, and when."""
    if isinstance(error, Conflict):
        offered = any(one.key == transition.key for one in page.steps)
        last = page.events[-1] if page.events else None
        asked = stepforms.asked_from(given)
        told = {"conflict": error.message, "offered": offered, "last": last}
        return _form(request, page, transition, place, asked, error.status, **told)
    field = error.field if isinstance(error, BadInput) else ""
    status = error.status if isinstance(error, CaseError) else 403
    return _form(request, page, transition, place, stepforms.asked_from(given, field, str(error)), status)


def _seen(request: HttpRequest) -> int | None:
    """Return the version of the case that was on the screen, None where the form doesn't say."""
    value = request.POST.get("seen_version", "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else None


def _photos(request: HttpRequest, transition: Transition) -> dict[str, list[str]]:
    """Return the photos sent with a step by the name of its need."""
    needs = [need.name for need in transition.needs if need.kind is Kind.PHOTOS]
    found = {name: photos.collect(request, name) for name in needs}
    return {name: tokens for name, tokens in found.items() if tokens}
