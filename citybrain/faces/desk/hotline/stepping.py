"""Taking a step on a ticket from any of the desk's pages: the form, the refusal, the conflict, and what follows."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from citybrain.base.identity.access import Forbidden
from citybrain.faces.desk.doors import actor_of, is_partial
from citybrain.faces.desk.hotline import answers, stepforms
from citybrain.faces.desk.hotline.page import TicketPage, ticket_page, visible_ticket
from citybrain.faces.desk.shell import page as shell_page
from citybrain.faces.look.toasts import toast
from citybrain.hub.hotline import actions
from citybrain.hub.hotline.errors import BadInput, Conflict, NotFound, NotNow, TicketError
from citybrain.hub.hotline.lifecycle import TRANSITIONS, Transition
from citybrain.hub.hotline.linking import handing

DRAFTED = frozenset({"reply", "answer"})  # steps whose form shows a draft out of the city's own knowledge


@dataclass(frozen=True, slots=True)
class Place:
    """Where steps are taken: the names of the addresses of ticket and step, and how the ticket is shown after."""

    ticket: str
    step: str
    show: Callable[[HttpRequest, str, str], HttpResponse]


def step(request: HttpRequest, number: str, key: str, place: Place) -> HttpResponse:
    """GET: the form of a step. POST: take it; the answer is the ticket as it is then."""
    transition = TRANSITIONS.get(key)
    if transition is None:
        raise NotFound
    if request.method == "POST":
        return _take(request, number, transition, place)
    page = ticket_page(actor_of(request), number)
    if all(one.key != key for one in page.steps):
        raise NotNow(_("现在不能“%(step)s”，请刷新工单查看可用的操作。") % {"step": transition.label})
    return _form(request, page, transition, place, stepforms.Asked(), 200)


def _form(
    request: HttpRequest,
    page: TicketPage,
    transition: Transition,
    place: Place,
    asked: stepforms.Asked,
    status: int,
    **more: Any,
) -> HttpResponse:
    number = page.ticket.number
    form = stepforms.form_for(transition, page, asked)
    draft = answers.draft_for(actor_of(request), page.ticket) if transition.key in DRAFTED else None
    action = reverse(place.step, args=[number, transition.key])
    linked = transition.key == handing.STEP and bool(handing.partners_for(actor_of(request)))
    context = {"form": form, "number": number, "action": action, "draft": draft, "linked": linked, **more}
    if is_partial(request):
        return render(request, "desk/hotline/step.html", context, status=status)
    return shell_page(request, "desk/hotline/step_page.html", "hotline_home", context, status=status)


def _take(request: HttpRequest, number: str, transition: Transition, place: Place) -> HttpResponse:
    actor = actor_of(request)
    given = stepforms.given_by(transition, request.POST)
    try:
        ticket = visible_ticket(actor, number)
        outcome = actions.take(actor, ticket.pk, transition.key, given, seen_version=_seen(request))
    except (TicketError, Forbidden) as error:
        return _refused(request, ticket_page(actor, number), transition, place, given, error)
    done = _("%(number)s 已%(step)s，现为“%(state)s”。") % {
        "number": outcome.number,
        "step": transition.label,
        "state": outcome.state.label,
    }
    if not _still_sees(request, number):
        return _gone(request, outcome, done)
    if is_partial(request):
        return _told(place.show(request, number, done), outcome, done)
    messages.success(request, done)
    return HttpResponseRedirect(reverse(place.ticket, args=[number]))


def _told(answer: HttpResponse, outcome: actions.Outcome, done: str) -> HttpResponse:
    """Let the page know what was done, so that dialogs close and lists follow."""
    answer["HX-Trigger"] = json.dumps({"desk-taken": {"number": outcome.number, "step": outcome.step}})
    return toast(answer, done)


def _still_sees(request: HttpRequest, number: str) -> bool:
    """Return whether the step left the ticket within the reader's sight: a returned one leaves the unit's."""
    try:
        visible_ticket(actor_of(request), number)
    except NotFound:
        return False
    return True


def _gone(request: HttpRequest, outcome: actions.Outcome, done: str) -> HttpResponse:
    if is_partial(request):
        return _told(render(request, "desk/hotline/gone.html", {"done": done}), outcome, done)
    messages.success(request, done)
    return HttpResponseRedirect(reverse("desk:hotline_home"))


def _refused(
    request: HttpRequest,
    page: TicketPage,
    transition: Transition,
    place: Place,
    given: dict[str, Any],
    error: TicketError | Forbidden,
) -> HttpResponse:
    """Show the form again with what was typed and what is wrong; a conflict says who was faster, and when."""
    if isinstance(error, Conflict):
        offered = any(one.key == transition.key for one in page.steps)
        asked = stepforms.asked_from(given)
        return _form(
            request, page, transition, place, asked, error.status, conflict=error.message, offered=offered
        )
    field = error.field if isinstance(error, BadInput) else ""
    status = error.status if isinstance(error, TicketError) else 403
    return _form(request, page, transition, place, stepforms.asked_from(given, field, str(error)), status)


def _seen(request: HttpRequest) -> int | None:
    """Return the version of the ticket that was on the screen, None where the form doesn't say."""
    value = request.POST.get("seen_version", "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else None
