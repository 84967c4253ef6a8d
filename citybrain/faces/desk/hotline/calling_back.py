"""回访: the queue of callers to ring, and one call with its three questions."""

from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from citybrain.base.identity.access import Forbidden, require
from citybrain.base.identity.actor import Actor
from citybrain.faces.desk.doors import actor_of
from citybrain.faces.desk.hotline import pageview, stepforms
from citybrain.faces.desk.hotline.doors import hotline
from citybrain.faces.desk.hotline.page import TicketPage, ticket_page
from citybrain.faces.desk.hotline.queues import first_numbers, queue_rows
from citybrain.faces.desk.shell import page as shell_page
from citybrain.hub.cases.states import Rating
from citybrain.hub.hotline import actions, quality
from citybrain.hub.hotline.errors import BadInput, Conflict, NotNow, TicketError
from citybrain.hub.hotline.lifecycle import TRANSITIONS
from citybrain.hub.hotline.states import Reached

CALL: Final = "hotline.call_back"
STEP: Final = "call_back"
OTHERS: Final = ("conclude", "redo", "comment")
ASKED: Final = ("reached", "contacted", "solved", "rating", "reason")


@hotline
@require_GET
def callbacks_view(request: HttpRequest) -> HttpResponse:
    """Whom to ring now, the most urgent first."""
    actor = actor_of(request)
    require(actor, CALL)
    rows, total = queue_rows(actor, timezone.now())
    context = {"rows": rows, "total": total, "first": rows[0]["url"] if rows else ""}
    return shell_page(request, "desk/hotline/callbacks.html", "hotline_callbacks", context)


@hotline
@require_http_methods(["GET", "POST"])
def callback_view(request: HttpRequest, number: str) -> HttpResponse:
    """One call: what was told and answered, the number against a reason, the questions, and on to the next."""
    actor = actor_of(request)
    require(actor, CALL)
    page = ticket_page(actor, number)
    if request.method == "GET":
        return _draw(request, actor, page, {}, 200)
    given = stepforms.given_by(TRANSITIONS[STEP], request.POST)
    try:
        outcome = actions.take(actor, page.ticket.pk, STEP, given, seen_version=_seen(request))
    except (TicketError, Forbidden) as error:
        status = error.status if isinstance(error, TicketError) else 403
        told = {
            "wrong": str(error),
            "wrong_field": error.field if isinstance(error, BadInput) else "",
            "conflict": isinstance(error, Conflict),
        }
        return _draw(request, actor, ticket_page(actor, number), given, status, **told)
    done = _("%(number)s 的回访已登记，现为“%(state)s”。") % {
        "number": outcome.number,
        "state": outcome.state.label,
    }
    messages.success(request, done)
    following = next((one for one in first_numbers(actor) if one != number), "")
    if following and request.POST.get("then") == "next":
        return HttpResponseRedirect(reverse("desk:hotline_callback", args=[following]))
    return HttpResponseRedirect(reverse("desk:hotline_ticket", args=[number]))


def _draw(
    request: HttpRequest, actor: Actor, page: TicketPage, given: dict[str, Any], status: int, **more: Any
) -> HttpResponse:
    offered = {one.key: one for one in page.steps}
    if STEP not in offered and request.method == "GET":
        raise NotNow(_("这张工单现在不能登记回访。"))
    verdict = quality.judge(page.ticket.reply, kind=page.ticket.kind, message=page.ticket.plain)
    context = {
        "page": page,
        "view": pageview.view_of(actor, page),
        "offered": STEP in offered,
        "others": [pageview.button(offered[key], page.ticket.number) for key in OTHERS if key in offered],
        "faults": verdict.labels if page.ticket.reply else [],
        "given": {name: str(given.get(name, "")) for name in ASKED},
        "reached": [one for one in Reached.choices if one[0] != Reached.MESSAGE],
        "ratings": Rating.choices,
        "why": _("回访"),
        **more,
    }
    return shell_page(request, "desk/hotline/callback.html", "hotline_callbacks", context, status=status)


def _seen(request: HttpRequest) -> int | None:
    value = request.POST.get("seen_version", "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else None
