"""Grants: what we hold and what we gave; a grant's keys, how to call, what was taken under it; revoking it."""

from datetime import datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from citybrain.base.catalogue import actions, lists
from citybrain.base.catalogue.access import AUDIT, DECIDE, REQUEST, REVOKE, Side
from citybrain.base.catalogue.grants import live
from citybrain.base.catalogue.models import DeliveryMode, Grant
from citybrain.base.exchange.delivery import keys
from citybrain.base.exchange.models import ApiKey, CallGroup, Receipt
from citybrain.base.identity.access import require, why_not
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.errors import Refused
from citybrain.faces.desk.addresses import query
from citybrain.faces.desk.data.asking_forms import KeyForm, example, put_refusals
from citybrain.faces.desk.data.sets import number
from citybrain.faces.desk.data.shown import (
    condition_words,
    field_name,
    grant_state,
    mask_name,
    modes_of,
    names_of,
)
from citybrain.faces.desk.doors import actor_of, officers
from citybrain.faces.desk.shell import page as shell_page
from citybrain.faces.look.templatetags.look import as_json

RECEIPTS = 50
SEE_RECEIPTS = "exchange.receipts"


@never_cache
@officers
@require_GET
def list_view(request: HttpRequest) -> HttpResponse:
    """Grants that the reader's agency holds, and those of others within right."""
    actor, now = actor_of(request), timezone.now()
    if not any(actor.may(one) for one in (REQUEST, DECIDE, AUDIT)):
        require(actor, REQUEST)
    chosen = "given" if request.GET.get("list") == "given" else "held"
    found = lists.page_of(
        lists.grants(actor, held=chosen == "held"), number(request.GET.get("page", "")) or 1
    )
    context = {
        "tabs": tabs_of(actor, chosen),
        "chosen": chosen,
        "rows": [(one, *grant_state(one, now)) for one in found.rows],
        "total": found.total,
        "first": (found.number - 1) * lists.PAGE + 1 if found.rows else 0,
        "last": (found.number - 1) * lists.PAGE + len(found.rows),
        "prev_url": query({"list": chosen}, page=found.number - 1) if found.number > 1 else "",
        "next_url": query({"list": chosen}, page=found.number + 1) if found.number < found.pages else "",
    }
    return shell_page(request, "desk/data/grants.html", "data_grants", context)


def tabs_of(actor: Actor, here: str) -> list[dict[str, Any]]:
    """Return the tabs above grants and their use."""
    address = reverse("desk:data_grants")
    tabs = [
        ("held", _("我单位可用的"), f"{address}?list=held"),
        ("given", _("给其他单位的"), f"{address}?list=given"),
    ]
    if actor.may(SEE_RECEIPTS):
        tabs.append(("uses", _("谁用了我的数据"), reverse("desk:data_uses")))
    return [{"label": label, "url": url, "active": key == here, "count": None} for key, label, url in tabs]


def found_grant(actor: Actor, wanted: str) -> Grant:
    """Return a grant within right. Raises Forbidden, Http404."""
    if not any(actor.may(one) for one in (REQUEST, DECIDE, AUDIT)):
        require(actor, REQUEST)
    rows = Grant.objects.visible_to(actor).select_related(
        "dataset__provider", "dataset__current", "agency", "request"
    )
    one: Grant | None = rows.filter(number=wanted).first()
    if one is None:
        raise Http404
    return one


@never_cache
@officers
@require_GET
def grant_view(request: HttpRequest, wanted: str) -> HttpResponse:
    """One grant."""
    actor = actor_of(request)
    return _page(request, actor, found_grant(actor, wanted), KeyForm())


def _page(
    request: HttpRequest, actor: Actor, grant: Grant, form: KeyForm, *, secret: str = ""
) -> HttpResponse:
    now = timezone.now()
    tone, state = grant_state(grant, now)
    holds = not why_not(actor, keys.PERMISSION, Side(grant.agency))
    context: dict[str, Any] = {
        "grant": grant,
        "tone": tone,
        "state": state,
        "fields": _fields(grant),
        "conditions": condition_words(grant.conditions, grant.dataset.shape),
        "modes": modes_of(grant.modes),
        "form": form,
        "secret": secret,
        "is_live": live(grant, now),
        "files_url": _files_url(actor, grant),
        "may_issue": holds and live(grant, now),
        "may_revoke": grant.revoked_at is None and _may_revoke(actor, grant),
        "keys": [_key_line(one, now) for one in grant.keys.all()] if holds else [],
        "calls": _calls(request, grant, secret) if holds else [],
        **(_used(grant) if actor.may(SEE_RECEIPTS) else {}),
    }
    status = 422 if form.errors else 200
    return shell_page(request, "desk/data/grant.html", "data_grants", context, status=status)


def _files_url(actor: Actor, grant: Grant) -> str:
    """Return where files are asked for, empty where the grant gives none or the actor isn't who receives."""
    fits = {DeliveryMode.BATCH, DeliveryMode.CHANGES}.intersection(grant.modes)
    may = fits and not why_not(actor, "exchange.deliver", Side(grant.agency))
    return reverse("desk:data_files", args=[grant.number]) if may else ""


def _may_revoke(actor: Actor, grant: Grant) -> bool:
    return not why_not(actor, REVOKE, grant.dataset) or not why_not(actor, REQUEST, Side(grant.agency))


def _fields(grant: Grant) -> list[tuple[str, str, str]]:
    """Return each granted field: what it is called, its name, its mask."""
    shape = grant.dataset.shape
    return [
        (
            field_name(shape.field(name)) if shape.has(name) else name,
            name,
            mask_name(grant.masks[name]) if grant.masks.get(name) else "",
        )
        for name in grant.fields
    ]


def _key_line(key: ApiKey, now: datetime) -> dict[str, Any]:
    ended = key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= now)
    return {"one": key, "ended": ended, "tone": "quiet" if ended else "normal"}


def _calls(request: HttpRequest, grant: Grant, secret: str) -> list[tuple[str, str]]:
    """Return what to type to call: a title and the command."""
    host = request.get_host().rpartition(":")[0] or request.get_host()
    base = f"{request.scheme}://{host}:{settings.DATA_PORT}/v1/{grant.dataset.code}"
    head = f'curl -H "Authorization: Bearer {secret or "cbd_…"}"'
    found = [(_("看这把密钥能取什么"), f"{head} {base}")]
    send = f'{head} -H "Content-Type: application/json"'
    if DeliveryMode.KEY in grant.modes:
        found.append((_("按主键查询"), f"{send} -d '{as_json(example(grant))}' {base}/by-key"))
    if DeliveryMode.FILTER in grant.modes:
        found.append(
            (_("按条件查询"), f"{send} -d '{as_json({'fields': grant.fields, 'limit': 100})}' {base}/rows")
        )
    return found


def _used(grant: Grant) -> dict[str, Any]:
    """Return what was taken: receipts, and the calls of the last hour that aren't in one yet."""
    shape = grant.dataset.shape
    waiting = CallGroup.objects.filter(grant_id=grant.pk).aggregate(calls=Sum("calls"), rows=Sum("rows"))
    receipts = Receipt.objects.filter(grant_id=grant.pk).order_by("-id")[:RECEIPTS]
    return {
        "sees_receipts": True,
        "waiting": waiting if waiting["calls"] else None,
        "receipts": [(one, modes_of([one.mode]), names_of(shape, one.fields)) for one in receipts],
    }


@never_cache
@require_POST
@officers
def issue_view(request: HttpRequest, wanted: str) -> HttpResponse:
    """Make a key and show it, this once."""
    actor = actor_of(request)
    grant = found_grant(actor, wanted)
    form = KeyForm(request.POST)
    if form.is_valid():
        day = form.cleaned_data["until"]
        until = timezone.make_aware(datetime.combine(day + timedelta(days=1), time())) if day else None
        try:
            _made, secret = keys.issue_key(actor, grant, form.cleaned_data["label"], until)
        except Refused as refused:
            put_refusals(form, refused)
        except ValueError as bad:
            form.add_error(None, str(bad))
        else:
            return _page(request, actor, grant, KeyForm(), secret=secret)
    return _page(request, actor, grant, form)


@require_http_methods(["POST"])
@officers
def end_key_view(request: HttpRequest, wanted: str, key_id: int) -> HttpResponse:
    """End a key: its next call is refused."""
    actor = actor_of(request)
    grant = found_grant(actor, wanted)
    key = ApiKey.objects.select_related("grant__agency").filter(grant=grant, pk=key_id).first()
    if key is None:
        raise Http404
    keys.revoke_key(actor, key)
    messages.success(request, _("密钥已停用。"))
    return redirect("desk:data_grant", wanted)


@require_POST
@officers
def revoke_view(request: HttpRequest, wanted: str) -> HttpResponse:
    """End a grant."""
    actor = actor_of(request)
    try:
        actions.revoke(actor, found_grant(actor, wanted), request.POST.get("why", ""))
        messages.success(request, _("授权已撤销，下一次调用起即被拒绝。"))
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect(reverse("desk:data_grant", args=[wanted]))
