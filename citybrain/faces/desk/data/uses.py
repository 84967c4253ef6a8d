"""Who used my data for what: receipts by grant for the supplier, one grant's receipts, one receipt with its proof."""

from datetime import timedelta
from typing import Any, Final

from django.db.models import Count, Max, QuerySet, Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from citybrain.base.catalogue import lists
from citybrain.base.catalogue.access import reach
from citybrain.base.catalogue.models import Grant
from citybrain.base.exchange.delivery import proving
from citybrain.base.exchange.models import Receipt
from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor
from citybrain.faces.desk.addresses import query
from citybrain.faces.desk.data.grants import SEE_RECEIPTS, found_grant, tabs_of
from citybrain.faces.desk.data.sets import number
from citybrain.faces.desk.data.shown import OPS, grant_state, modes_of, names_of
from citybrain.faces.desk.doors import actor_of, officers
from citybrain.faces.desk.shell import page as shell_page

DAYS: Final = (7, 30, 365)


def lent(actor: Actor) -> QuerySet[Grant]:
    """Return the grants of data sets whose receipts the actor sees as their supplier."""
    rows: QuerySet[Grant] = Grant.objects.visible_to(actor).filter(
        reach(actor, (SEE_RECEIPTS,), "dataset__provider")
    )
    return rows


@never_cache
@officers
@require_GET
def list_view(request: HttpRequest) -> HttpResponse:
    """Each grant of my data that was used within some days: by whom, for what, how often, how many rows."""
    actor, now = actor_of(request), timezone.now()
    require(actor, SEE_RECEIPTS)
    days = number(request.GET.get("days", "")) or DAYS[1]
    days = days if days in DAYS else DAYS[1]
    mine = lent(actor)
    receipts = Receipt.objects.filter(
        grant_id__in=mine.order_by().values("pk"), last_at__gte=now - timedelta(days=days)
    )
    used = receipts.order_by().values("grant_id").annotate(
        calls_made=Sum("calls"), rows_given=Sum("rows"), last=Max("last_at"), receipts=Count("id")
    )  # fmt: skip
    found = lists.page_of(used.order_by("-last", "-grant_id"), number(request.GET.get("page", "")) or 1)
    named = mine.filter(pk__in=[one["grant_id"] for one in found.rows])
    grants = {one.pk: one for one in named.select_related("dataset__provider", "agency")}
    kept = {"days": days}
    context = {
        "tabs": tabs_of(actor, "uses"),
        "spans": [
            {"label": label, "url": f"?days={span}", "active": span == days} for span, label in _spans()
        ],
        "rows": [
            {**one, "grant": grants[one["grant_id"]], "state": grant_state(grants[one["grant_id"]], now)}
            for one in found.rows
            if one["grant_id"] in grants
        ],
        "total": found.total,
        "first": (found.number - 1) * lists.PAGE + 1 if found.rows else 0,
        "last": (found.number - 1) * lists.PAGE + len(found.rows),
        "prev_url": query(kept, page=found.number - 1) if found.number > 1 else "",
        "next_url": query(kept, page=found.number + 1) if found.number < found.pages else "",
    }
    return shell_page(request, "desk/data/uses.html", "data_grants", context)


def _spans() -> list[tuple[int, str]]:
    return [(7, _("最近 7 天")), (30, _("最近 30 天")), (365, _("最近一年"))]


@never_cache
@officers
@require_GET
def receipts_view(request: HttpRequest, wanted: str) -> HttpResponse:
    """All receipts of one grant, the newest first."""
    actor = actor_of(request)
    require(actor, SEE_RECEIPTS)
    grant = found_grant(actor, wanted)
    rows = Receipt.objects.filter(grant_id=grant.pk).order_by("-last_at", "-id")
    found = lists.page_of(rows, number(request.GET.get("page", "")) or 1)
    shape = grant.dataset.shape
    context = {
        "grant": grant,
        "receipts": [(one, modes_of([one.mode]), names_of(shape, one.fields)) for one in found.rows],
        "total": found.total,
        "first": (found.number - 1) * lists.PAGE + 1 if found.rows else 0,
        "last": (found.number - 1) * lists.PAGE + len(found.rows),
        "prev_url": query({}, page=found.number - 1) if found.number > 1 else "",
        "next_url": query({}, page=found.number + 1) if found.number < found.pages else "",
    }
    return shell_page(request, "desk/data/receipts.html", "data_grants", context)


@never_cache
@officers
@require_GET
def receipt_view(request: HttpRequest, receipt_id: int) -> HttpResponse:
    """One receipt: what left, of which version, of how many, and whether it still is what the ledger has."""
    actor = actor_of(request)
    require(actor, SEE_RECEIPTS)
    visible = Grant.objects.visible_to(actor)
    receipt = Receipt.objects.filter(pk=receipt_id, grant_id__in=visible.order_by().values("pk")).first()
    if receipt is None:
        raise Http404
    grant = visible.select_related("dataset__provider", "dataset__current", "agency").get(pk=receipt.grant_id)
    shape = grant.dataset.shape
    context: dict[str, Any] = {
        "receipt": receipt,
        "grant": grant,
        "modes": modes_of([receipt.mode]),
        "names": names_of(shape, receipt.fields),
        "conditions": [
            f"{names_of(shape, [name])[0]} {OPS.get(op, op)}"
            for name, op in (one[:2] for one in receipt.conditions)
        ],
        "kind": receipt.get_kind_display(),
        "intact": proving.intact(receipt),
    }
    return shell_page(request, "desk/data/receipt.html", "data_grants", context)
