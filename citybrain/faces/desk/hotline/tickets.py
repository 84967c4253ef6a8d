"""The page of one ticket, the caller's contact against a reason, and a call's recording."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from citybrain.faces.desk.doors import actor_of, is_partial
from citybrain.faces.desk.hotline import pageview, stepping
from citybrain.faces.desk.hotline.doors import hotline
from citybrain.faces.desk.hotline.page import ticket_page, visible_ticket
from citybrain.faces.desk.hotline.taking import take_undone
from citybrain.faces.desk.shell import page as shell_page
from citybrain.hub.hotline import contact
from citybrain.hub.hotline.errors import BadInput
from citybrain.hub.hotline.linking.calls import recording_of
from citybrain.hub.hotline.linking.recordings import can_fetch, fetch
from citybrain.hub.hotline.models import Call


@hotline
@require_GET
def ticket_view(request: HttpRequest, number: str) -> HttpResponse:
    """The ticket: a pane beside a list for htmx, else a page of its own."""
    return show_ticket(request, number)


def show_ticket(request: HttpRequest, number: str, done: str = "", **more: Any) -> HttpResponse:
    """Return the ticket: its pane for htmx, else a page. Raises NotFound."""
    actor = actor_of(request)
    page = ticket_page(actor, number)
    context = {"view": pageview.view_of(actor, page), "page": page, "done": done, **more}
    if is_partial(request):
        return render(request, "desk/hotline/pane.html", context)
    return shell_page(
        request, "desk/hotline/page.html", "hotline_home", {**context, "undone": take_undone(request)}
    )


PLACE = stepping.Place("desk:hotline_ticket", "desk:hotline_step", show_ticket)


@hotline
@require_http_methods(["GET", "POST"])
def step_view(request: HttpRequest, number: str, step: str) -> HttpResponse:
    """The form of a step, and the step itself."""
    return stepping.step(request, number, step, PLACE)


@hotline
@require_POST
def contact_view(request: HttpRequest, number: str) -> HttpResponse:
    """The caller's name and number, against a reason; the look is in the ledger."""
    actor = actor_of(request)
    why = request.POST.get("why", "")
    ticket = visible_ticket(actor, number)
    context: dict[str, Any] = {"number": number, "why": why}
    status = 200
    try:
        context["contact"] = contact.reveal(actor, ticket.pk, why)
    except BadInput as error:
        context["wrong"], status = error.message, error.status
        context["masked"] = ticket_page(actor, number).contact
    if is_partial(request):
        return render(request, "desk/hotline/contact.html", context, status=status)
    told = {"revealed": context.get("contact"), "contact_wrong": context.get("wrong", ""), "contact_why": why}
    return show_ticket(request, number, **told)


@hotline
@require_POST
def recording_view(request: HttpRequest, call_id: int) -> HttpResponse:
    """A recording's reference in the telephone system, against a reason."""
    why = request.POST.get("why", "")
    reference = recording_of(actor_of(request), call_id, why)
    call = Call.objects.select_related("partner").get(pk=call_id)
    context = {"reference": reference, "call": call_id, "why": why, "can_fetch": can_fetch(call)}
    return render(request, "desk/hotline/recording.html", context)


@hotline
@require_POST
def fetch_view(request: HttpRequest, call_id: int) -> HttpResponse:
    """The recording itself, fetched from the telephone system against a reason; it is not kept here."""
    found = fetch(actor_of(request), call_id, request.POST.get("why", ""))
    answer = HttpResponse(found.content, content_type="application/octet-stream")
    answer["Content-Disposition"] = content_disposition_header(True, found.name) or "attachment"
    answer["Cache-Control"] = "no-store"
    return answer
