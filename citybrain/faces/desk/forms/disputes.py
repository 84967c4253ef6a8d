"""Disputes on single values: what fillers said is wrong, answered by the data set's provider within a time."""

from datetime import datetime
from typing import Any, Final

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from citybrain.base.catalogue import lists
from citybrain.base.catalogue.access import Side
from citybrain.base.identity.access import why_not
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.errors import Refused
from citybrain.base.worktime.calendar import MissingYear, current
from citybrain.base.worktime.clock import Clock
from citybrain.faces.desk.addresses import query
from citybrain.faces.desk.data.home import Waiting
from citybrain.faces.desk.data.sets import number
from citybrain.faces.desk.data.shown import names_of
from citybrain.faces.desk.doors import actor_of, officers
from citybrain.faces.desk.forms.shown import place
from citybrain.faces.desk.shell import page as shell_page
from citybrain.faces.look import words
from citybrain.hub.forms.access import FILL, REVIEW, ROSTERS, SETTLE
from citybrain.hub.forms.knowing import disputes
from citybrain.hub.forms.knowing.rights import require_work
from citybrain.hub.forms.models import Dispute, DisputeState

TONES: Final = {"open": "due_soon", "stands": "quiet", "mended": "normal", "withdrawn": "quiet"}
WORKING: Final = (FILL, REVIEW, ROSTERS)


def rows_of(actor: Actor, kind: str) -> QuerySet[Dispute]:
    """Return the disputes the actor is to answer, those of their area that wait, or those that are over."""
    settling = disputes.to_settle(actor) if actor.may(SETTLE) else Dispute.objects.none()
    if kind == "answer":
        return settling.filter(state=DisputeState.OPEN).order_by("due_at", "id")
    within = Q(pk__in=settling.values("pk")) | Q(pk__in=Dispute.objects.visible_to(actor).values("pk"))
    mine = Dispute.objects.filter(within).select_related("dataset__provider", "dataset__current", "area")
    if kind == "open":
        return mine.filter(state=DisputeState.OPEN).order_by("due_at", "id")
    return mine.exclude(state=DisputeState.OPEN).order_by("-answered_at", "-id")


def waiting_to_settle(actor: Actor, _now: datetime) -> list[Waiting]:
    """Return how many disputes wait for the actor's answer, for the first page. No query for who answers none."""
    if not actor.may(SETTLE):
        return []
    return [Waiting(_("数据异议待核实"), rows_of(actor, "answer").count(), reverse("desk:forms_disputes"))]


def left_of(one: Dispute, now: datetime) -> words.Left | None:
    """Return how the time for an answer stands, None where it was given."""
    if one.state != DisputeState.OPEN or not one.clock:
        return None
    clock = Clock.from_json(one.clock)
    try:
        remaining = clock.remaining(current(), now)
    except MissingYear:
        remaining = None
    return words.left(one.due_at, now, started=clock.started_at, remaining=remaining, working=True)


def row_of(one: Dispute, now: datetime) -> dict[str, Any]:
    """Return one line of the list: nobody's name or number is in it."""
    return {
        "one": one,
        "href": reverse("desk:forms_dispute", args=[one.pk]),
        "field": names_of(one.dataset.shape, [one.field])[0],
        "place": place(one.area_id),
        "tone": TONES[one.state],
        "state": one.get_state_display(),
        "left": left_of(one, now),
    }


@never_cache
@officers
@require_GET
def list_view(request: HttpRequest) -> HttpResponse:
    """Disputes within right: to be answered, open, over."""
    actor, now = actor_of(request), timezone.now()
    kinds = [
        ("answer", _("等我单位答复")),
        ("open", _("待核实")),
        ("closed", _("已了结")),
    ][0 if actor.may(SETTLE) else 1 :]
    chosen = request.GET.get("list", "")
    chosen = chosen if chosen in {kind for kind, _label in kinds} else kinds[0][0]
    found = lists.page_of(rows_of(actor, chosen), number(request.GET.get("page", "")) or 1)
    kept = {"list": chosen}
    context = {
        "tabs": [
            {
                "label": label,
                "url": query({"list": kind}),
                "active": kind == chosen,
                "count": rows_of(actor, kind).count() if kind != "closed" else None,
            }
            for kind, label in kinds
        ],
        "rows": [row_of(one, now) for one in found.rows],
        "chosen": chosen,
        "total": found.total,
        "first": (found.number - 1) * lists.PAGE + 1 if found.rows else 0,
        "last": (found.number - 1) * lists.PAGE + len(found.rows),
        "prev_url": query(kept, page=found.number - 1) if found.number > 1 else "",
        "next_url": query(kept, page=found.number + 1) if found.number < found.pages else "",
    }
    return shell_page(request, "desk/forms/disputes.html", "forms_disputes", context)


def found_dispute(actor: Actor, dispute_id: int) -> Dispute:
    """Return a dispute within right. Raises Http404."""
    one = disputes.seen_by(actor, dispute_id)
    if one is None:
        raise Http404
    return one


@never_cache
@officers
@require_GET
def dispute_view(request: HttpRequest, dispute_id: int) -> HttpResponse:
    """One dispute; whose row it is stays unsaid until the provider asks."""
    return _page(request, found_dispute(actor_of(request), dispute_id), {})


@never_cache
@require_POST
@officers
def reveal_view(request: HttpRequest, dispute_id: int) -> HttpResponse:
    """The same with the key of the row, for the provider; that it was looked at is in the ledger."""
    actor = actor_of(request)
    one = found_dispute(actor, dispute_id)
    return _page(request, one, disputes.person_of(actor, one))


def _page(request: HttpRequest, one: Dispute, key: dict[str, str]) -> HttpResponse:
    actor = actor_of(request)
    settles = not why_not(actor, SETTLE, Side(one.dataset.provider))
    is_open = one.state == DisputeState.OPEN
    shape = one.dataset.shape
    context = {
        **row_of(one, timezone.now()),
        "keys": [(names_of(shape, [name])[0], value) for name, value in key.items()],
        "may_reveal": settles and not key,
        "may_settle": settles and is_open,
        "may_withdraw": is_open and _works_there(actor, one),
        "back": _sheet_of(actor, one),
    }
    return shell_page(request, "desk/forms/dispute.html", "forms_disputes", context)


def _works_there(actor: Actor, one: Dispute) -> bool:
    if one.by_id != actor.person_id:
        return False
    return bool(require_work(actor, one.area_id, WORKING)) if actor.may(FILL) or actor.may(ROSTERS) else False


def _sheet_of(actor: Actor, one: Dispute) -> str:
    """Return the address of the sheet it was said on, for who fills it."""
    if one.sheet_id is None or not actor.may(FILL) or one.by_id != actor.person_id:
        return ""
    return f"{reverse('desk:forms_fill_sheet', args=[one.sheet_id])}{query({'row': one.row_key})}"


@require_POST
@officers
def settle_view(request: HttpRequest, dispute_id: int) -> HttpResponse:
    """Mend the value, or let it stand with a ground."""
    actor = actor_of(request)
    one = found_dispute(actor, dispute_id)
    outcome = request.POST.get("outcome", "")
    try:
        disputes.settle(
            actor,
            one,
            outcome,
            request.POST.get("note", ""),
            request.POST.get("value", "").replace("\x00", ""),
        )
        done = _("已更正，随即按正常流程入库。") if outcome == "mended" else _("已答复：原值无误。")
        messages.success(request, done)
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect("desk:forms_dispute", dispute_id)


@require_POST
@officers
def withdraw_view(request: HttpRequest, dispute_id: int) -> HttpResponse:
    """Take one's dispute back."""
    actor = actor_of(request)
    one = found_dispute(actor, dispute_id)
    try:
        disputes.withdraw(actor, one)
        messages.success(request, _("异议已撤回。"))
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect("desk:forms_dispute", dispute_id)
