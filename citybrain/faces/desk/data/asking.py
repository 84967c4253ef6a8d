"""Asking for data, and deciding: the form, the lists, the page of one request."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from citybrain.base.catalogue import actions, lists
from citybrain.base.catalogue.access import AUDIT, DECIDE, REQUEST, Side
from citybrain.base.catalogue.entry import Meta
from citybrain.base.catalogue.models import Request, RequestState, ShareType
from citybrain.base.identity.access import require, why_not
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.errors import Refused
from citybrain.base.identity.models import Agency
from citybrain.faces.desk.addresses import query
from citybrain.faces.desk.data.asking_forms import AskForm, DecideForm, put_refusals
from citybrain.faces.desk.data.finding import found_set
from citybrain.faces.desk.data.sets import number
from citybrain.faces.desk.data.shown import (
    OPS,
    REQUEST_TONES,
    condition_words,
    field_lines,
    left_of,
    modes_of,
)
from citybrain.faces.desk.doors import actor_of, officers
from citybrain.faces.desk.shell import page as shell_page


def agencies_of(actor: Actor) -> list[Agency]:
    """Return the agencies in whose name the actor may ask, in the order of names."""
    ids = {hat.agency_id or actor.agency_id for hat in actor.hats_with(REQUEST)}
    return list(
        Agency.objects.filter(pk__in=[one for one in ids if one is not None]).order_by("pinyin", "id")
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@officers
def ask_view(request: HttpRequest, code: str) -> HttpResponse:
    """Ask for data of one set. What isn't shared is refused at once, with its ground."""
    actor = actor_of(request)
    require(actor, REQUEST)
    dataset = found_set(actor, code)
    if dataset.current is None:
        raise Http404
    agencies = agencies_of(actor)
    form = AskForm(dataset, agencies, request.POST or None)
    refused = dataset.share_type == ShareType.REFUSED
    if request.method == "POST" and form.is_valid():
        agency = next(one for one in agencies if str(one.pk) == form.cleaned_data["agency"])
        try:
            made = actions.ask(actor, dataset, agency, form.asked())
        except Refused as problem:
            put_refusals(form, problem)
        else:
            granted = made.state == RequestState.GRANTED
            messages.success(request, _("已自动授权。") if granted else _("申请已提交，等待提供单位审核。"))
            return redirect("desk:data_request", made.number)
    picked = set(request.POST.getlist("fields_asked"))
    context = {
        "dataset": dataset,
        "form": form,
        "refused": dataset.share_condition if refused else "",
        "is_refused": refused,
        "lines": field_lines(dataset.shape, Meta.from_json(dataset.current.meta)),
        "picked": picked,
        "plain": set(request.POST.getlist("plain")),
        "where": list(enumerate(form.given())),
        "ops": list(OPS.items()),
    }
    status = 422 if form.errors else 200
    return shell_page(request, "desk/data/ask.html", "data_requests", context, status=status)


def row_of(one: Request, now: datetime) -> dict[str, Any]:
    """Return one line of the lists of requests."""
    return {
        "one": one,
        "href": reverse("desk:data_request", args=[one.number]),
        "state": one.get_state_display(),
        "tone": REQUEST_TONES[one.state],
        "left": left_of(one, now) if one.state == RequestState.ASKED else None,
    }


@never_cache
@officers
@require_GET
def list_view(request: HttpRequest) -> HttpResponse:
    """Requests: those that wait for the reader's word, those made by the reader's agency, all others within right."""
    actor, now = actor_of(request), timezone.now()
    _lends(actor)
    keys = [("decide", _("等我审核"))] if actor.may(DECIDE) else []
    keys += [("made", _("我单位的申请"))] if actor.may(REQUEST) else []
    keys += [("received", _("收到的申请"))]
    chosen = request.GET.get("list", keys[0][0])
    chosen = chosen if chosen in dict(keys) else keys[0][0]
    waiting = lists.to_decide(actor)
    rows = waiting if chosen == "decide" else lists.requests(actor, made=chosen == "made")
    found = lists.page_of(rows, number(request.GET.get("page", "")) or 1)
    count = found.total if chosen == "decide" else waiting.count() if actor.may(DECIDE) else None
    context = {
        "tabs": [
            {
                "label": label,
                "url": f"?list={key}",
                "active": key == chosen,
                "count": count if key == "decide" else None,
            }
            for key, label in keys
        ],
        "chosen": chosen,
        "rows": [row_of(one, now) for one in found.rows],
        "total": found.total,
        "first": (found.number - 1) * lists.PAGE + 1 if found.rows else 0,
        "last": (found.number - 1) * lists.PAGE + len(found.rows),
        "prev_url": query({"list": chosen}, page=found.number - 1) if found.number > 1 else "",
        "next_url": query({"list": chosen}, page=found.number + 1) if found.number < found.pages else "",
    }
    return shell_page(request, "desk/data/requests.html", "data_requests", context)


def _lends(actor: Actor) -> None:
    """Raise Forbidden for who has nothing to do with requests and grants."""
    if not any(actor.may(one) for one in (REQUEST, DECIDE, AUDIT)):
        require(actor, REQUEST)


def found_request(actor: Actor, wanted: str) -> Request:
    """Return a request within right. Raises Forbidden, Http404."""
    _lends(actor)
    rows = Request.objects.visible_to(actor).select_related(
        "dataset__provider", "dataset__current", "agency", "person"
    )
    one: Request | None = rows.filter(number=wanted).first()
    if one is None:
        raise Http404
    return one


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@officers
def request_view(request: HttpRequest, wanted: str) -> HttpResponse:
    """One request with what was asked; who may decides here."""
    actor = actor_of(request)
    one = found_request(actor, wanted)
    form = DecideForm(one, request.POST or None)
    if request.method == "POST" and form.is_valid():
        grants = request.POST.get("word") == "grant"
        try:
            terms = form.terms() if grants else None
            actions.decide(actor, one, grant=grants, reason=form.cleaned_data["reason"], terms=terms)
        except Refused as problem:
            put_refusals(form, problem)
        else:
            messages.success(request, _("已授权。") if grants else _("已拒绝，理由已告知申请单位。"))
            return redirect("desk:data_request", wanted)
    status = 422 if form.errors else 200
    return shell_page(
        request, "desk/data/request.html", "data_requests", _request_context(actor, one, form), status=status
    )


def _request_context(actor: Actor, one: Request, form: DecideForm) -> dict[str, Any]:
    now, dataset = timezone.now(), one.dataset
    meta = Meta.from_json(dataset.current.meta) if dataset.current else None
    asked, plain = set(one.fields), set(one.plain)
    lines = [line for line in field_lines(dataset.shape, meta) if line.field.name in asked] if meta else []
    own = actor.person_id is not None and one.person_id == actor.person_id
    waits = one.state == RequestState.ASKED
    return {
        **row_of(one, now),
        "left": left_of(one, now),
        "lines": [(line, line.field.name in plain) for line in lines],
        "conditions": condition_words(one.conditions, dataset.shape),
        "modes": modes_of(one.modes),
        "form": form,
        "given": set(form["fields_given"].value() or ()) if form.is_bound else asked,
        "may_decide": waits and not own and not why_not(actor, DECIDE, dataset),
        "own": waits and own and not why_not(actor, DECIDE, dataset),
        "may_withdraw": waits and not why_not(actor, REQUEST, Side(one.agency)),
        "grants": list(one.grants.all()),
    }


@require_POST
@officers
def withdraw_view(request: HttpRequest, wanted: str) -> HttpResponse:
    """Take a request back."""
    actor = actor_of(request)
    try:
        actions.withdraw_request(actor, found_request(actor, wanted))
        messages.success(request, _("申请已撤回。"))
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect("desk:data_request", wanted)
