"""The page of one case, the steps taken on it, and the reporter's contact."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from citybrain.faces.desk import pageview, stepping
from citybrain.faces.desk.doors import actor_of, is_partial, officers
from citybrain.faces.desk.shell import page as shell_page
from citybrain.hub.cases import contact
from citybrain.hub.cases.detail import case_page
from citybrain.hub.cases.errors import BadInput


@officers
@require_GET
def case_view(request: HttpRequest, number: str) -> HttpResponse:
    """The case: a pane beside a list for htmx, else a page of its own."""
    return show_case(request, number)


def show_case(request: HttpRequest, number: str, done: str = "", **more: Any) -> HttpResponse:
    """Return the case: its pane for htmx, else a page. Raises NotFound."""
    view = pageview.view_of(case_page(actor_of(request), number), timezone.now())
    context = {"view": view, "page": view.page, "done": done, **more}
    if is_partial(request):
        return render(request, "desk/case/pane.html", context)
    return shell_page(request, "desk/case/page.html", "work", context)


def _draw(request: HttpRequest, context: dict[str, Any], status: int) -> HttpResponse:
    return shell_page(request, "desk/case/step_page.html", "work", context, status=status)


PLACE = stepping.Place("desk:case", "desk:step", _draw, show_case)


@officers
@require_http_methods(["GET", "POST"])
def step_view(request: HttpRequest, number: str, step: str) -> HttpResponse:
    """The form of a step, and the step itself."""
    return stepping.step(request, number, step, PLACE)


@officers
@require_POST
def contact_view(request: HttpRequest, number: str) -> HttpResponse:
    """The reporter's name and number, against a reason; the look is in the ledger."""
    actor = actor_of(request)
    why = request.POST.get("why", "")
    case_id = pageview.visible_id(actor, number)
    context: dict[str, Any] = {"number": number, "why": why}
    status = 200
    try:
        context["contact"] = contact.reveal(actor, case_id, why)
    except BadInput as error:
        context["wrong"], status = error.message, error.status
        context["masked"] = case_page(actor, number).contact
    if is_partial(request):
        return render(request, "desk/case/contact.html", context, status=status)
    return show_case(request, number, revealed=context.get("contact"), contact_wrong=context.get("wrong", ""))
