"""A step taken on several tickets at once, and rows asked for again."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from citybrain.base.identity.access import Forbidden
from citybrain.base.identity.actor import Actor
from citybrain.faces.desk.doors import is_partial
from citybrain.faces.desk.hotline import stepforms
from citybrain.faces.desk.hotline.shown import title_of
from citybrain.faces.desk.shell import page as shell_page
from citybrain.faces.desk.work import ids_of
from citybrain.hub.hotline import actions
from citybrain.hub.hotline.errors import TicketError
from citybrain.hub.hotline.lifecycle import Transition
from citybrain.hub.hotline.models import Ticket
from citybrain.hub.hotline.rows import NAMES, PREVIEW, TicketRow, rows_from


def rows_now(actor: Actor, ids: Sequence[int]) -> list[TicketRow]:
    """Return the rows among `ids` that the actor may see, in their order."""
    at = NAMES.index("plain")
    found: dict[int, list[Any]] = {}
    for one in Ticket.objects.visible_to(actor).filter(pk__in=ids).values_list(*NAMES):
        found[one[0]] = [value[:PREVIEW] if place == at else value for place, value in enumerate(one)]
    return rows_from([found[one] for one in ids if one in found])


def exact_number(actor: Actor, words: str) -> str:
    """Return the number of the ticket meant, where the words are the number of one in sight; else an empty text."""
    number = words.replace(" ", "").replace("-", "").upper()
    if not (number.isascii() and number.isalnum() and 8 <= len(number) <= 20):
        return ""
    seen = Ticket.objects.visible_to(actor).filter(number=number)
    return seen.values_list("number", flat=True).first() or ""


def batch(request: HttpRequest, actor: Actor, transition: Transition) -> HttpResponse:
    """GET: the form for the chosen tickets. POST: take the step on each; each stands alone."""
    given = request.POST if request.method == "POST" else request.GET
    ids = ids_of(",".join(given.getlist("ids")))
    chosen = rows_now(actor, ids)
    context: dict[str, Any] = {
        "form": stepforms.form_for(transition, None),
        "ids": ",".join(str(one.id) for one in chosen),
        "chosen": [(one.number, title_of(one)) for one in chosen],
        "action": request.path,
    }
    if request.method == "POST":
        inputs = stepforms.given_by(transition, request.POST)
        context["results"] = [_one(actor, one, transition, inputs) for one in chosen]
        context["done"] = sum(not why for _number, _title, why in context["results"])
    template = "desk/hotline/batch.html" if is_partial(request) else "desk/hotline/batch_page.html"
    if is_partial(request):
        return render(request, template, context)
    return shell_page(request, template, "hotline_home", context)


def _one(
    actor: Actor, row: TicketRow, transition: Transition, inputs: dict[str, Any]
) -> tuple[str, str, str]:
    """Return number, title, and why it was not done (empty: it was)."""
    try:
        actions.take(actor, row.id, transition.key, inputs, seen_version=row.version)
    except (TicketError, Forbidden) as error:
        return row.number, title_of(row), str(error)
    return row.number, title_of(row), ""
