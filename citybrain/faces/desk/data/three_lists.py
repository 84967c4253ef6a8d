"""The three lists (事项清单, 需求清单, 供给清单): what needs doing, which data it needs, who gives them."""

from typing import Any, Final

from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from citybrain.base.catalogue import lists, matching
from citybrain.base.catalogue.access import AUDIT, EDIT, LISTS, REQUEST, Side
from citybrain.base.catalogue.matching import Gap
from citybrain.base.catalogue.models import DataSet, Demand, Supply, TaskItem
from citybrain.base.identity.access import require, why_not
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.models import Agency
from citybrain.faces.desk.addresses import query
from citybrain.faces.desk.data.sets import number
from citybrain.faces.desk.data.shown import names_of
from citybrain.faces.desk.doors import actor_of, officers
from citybrain.faces.desk.shell import page as shell_page

ASKABLE: Final = frozenset({"no_grant"})


def sees_lists(actor: Actor) -> None:
    """Raise Forbidden for who has nothing to do with the lists."""
    if not actor.may(AUDIT):
        require(actor, LISTS)


def items_of(actor: Actor, words: str = "") -> QuerySet[TaskItem]:
    """Return the items within right that are still done."""
    rows: QuerySet[TaskItem] = TaskItem.objects.visible_to(actor).filter(is_active=True)
    fits = Q(name_zh__icontains=words) | Q(name_en__icontains=words) | Q(key__icontains=words)
    return rows.filter(fits) if words else rows


def demands_of(actor: Actor, words: str = "") -> QuerySet[Demand]:
    """Return the demands within right that stand."""
    rows: QuerySet[Demand] = Demand.objects.visible_to(actor).filter(is_active=True)
    fits = Q(title__icontains=words) | Q(dataset__name_zh__icontains=words) | Q(agency__name__icontains=words)
    return rows.filter(fits) if words else rows


def supplies_of(actor: Actor, words: str = "") -> QuerySet[Supply]:
    """Return the supplies within right that stand."""
    rows: QuerySet[Supply] = Supply.objects.visible_to(actor).filter(is_active=True)
    fits = Q(system__name__icontains=words) | Q(dataset__name_zh__icontains=words)
    return rows.filter(fits | Q(system__agency__name__icontains=words)) if words else rows


def frame(actor: Actor, here: str, words: str = "") -> dict[str, Any]:
    """Return what every page of the lists shows: tabs with their counts, the search. Three queries."""
    counts = {
        "items": items_of(actor).count(), "demands": demands_of(actor).count(), "supplies": supplies_of(actor).count(),
    }  # fmt: skip
    tabs = (
        ("items", _("事项清单")),
        ("demands", _("需求清单")),
        ("supplies", _("供给清单")),
        ("unmet", _("未满足的需求")),
    )
    address = reverse(f"desk:data_list_{here}")
    return {
        "tabs": [
            {
                "label": label,
                "url": reverse(f"desk:data_list_{key}"),
                "active": key == here,
                "count": counts.get(key),
            }
            for key, label in tabs
        ],
        "filters": [{"kind": "search", "name": "q", "label": _("名称、资源或单位"), "value": words}],
        "clear_url": address,
        "may_edit": actor.may(EDIT),
        "may_demand": actor.may(LISTS),
    }


def words_of(request: HttpRequest) -> str:
    """Return what is searched for."""
    return request.GET.get("q", "").replace("\x00", "").strip()[:60]


def paged(request: HttpRequest, rows: QuerySet[Any]) -> tuple[list[Any], dict[str, Any]]:
    """Return one page of rows, and what the pager needs."""
    found = lists.page_of(rows, number(request.GET.get("page", "")) or 1)
    return found.rows, _pager(words_of(request), found.total, found.number, found.pages, len(found.rows))


def _pager(words: str, total: int, page: int, pages: int, shown: int) -> dict[str, Any]:
    kept = {"q": words}
    return {
        "total": total,
        "first": (page - 1) * lists.PAGE + 1 if shown else 0,
        "last": (page - 1) * lists.PAGE + shown,
        "prev_url": query(kept, page=page - 1) if page > 1 else "",
        "next_url": query(kept, page=page + 1) if page < pages else "",
    }


@never_cache
@officers
@require_GET
def items_view(request: HttpRequest) -> HttpResponse:
    """What needs doing."""
    actor, words = actor_of(request), words_of(request)
    sees_lists(actor)
    rows = items_of(actor, words).select_related("agency")
    rows = rows.annotate(needs=Count("demands", filter=Q(demands__is_active=True)))
    found, pager = paged(request, rows.order_by("name_zh", "id"))
    rows_shown = [(one, not why_not(actor, EDIT, Side(one.agency))) for one in found]
    return shell_page(
        request,
        "desk/data/list_items.html",
        "data_list_items",
        {**frame(actor, "items", words), **pager, "rows": rows_shown},
    )


@never_cache
@officers
@require_GET
def demands_view(request: HttpRequest) -> HttpResponse:
    """What data the items need."""
    actor, words = actor_of(request), words_of(request)
    sees_lists(actor)
    rows = demands_of(actor, words).select_related("agency", "item", "dataset__provider")
    found, pager = paged(request, rows.order_by("item__name_zh", "id"))
    shown = [(one, _wanted(one), not why_not(actor, LISTS, Side(one.agency))) for one in found]
    context = {**frame(actor, "demands", words), **pager, "rows": shown}
    return shell_page(request, "desk/data/list_demands.html", "data_list_items", context)


def _wanted(one: Demand) -> list[str]:
    return [field.get("zh") or field.get("name", "") for field in one.fields]


@never_cache
@officers
@require_GET
def supplies_view(request: HttpRequest) -> HttpResponse:
    """Which system gives what."""
    actor, words = actor_of(request), words_of(request)
    sees_lists(actor)
    rows = supplies_of(actor, words).select_related("dataset__provider", "dataset__current", "system__agency")
    found, pager = paged(request, rows.order_by("dataset__pinyin", "rank", "id"))
    shown = [
        (
            one,
            names_of(one.dataset.shape, one.fields) if one.dataset.current else one.fields,
            not why_not(actor, EDIT, one.dataset),
        )
        for one in found
    ]
    context = {**frame(actor, "supplies", words), **pager, "rows": shown}
    return shell_page(request, "desk/data/list_supplies.html", "data_list_items", context)


@never_cache
@officers
@require_GET
def unmet_view(request: HttpRequest) -> HttpResponse:
    """The demands within right that aren't met: why, and whom to ask."""
    actor = actor_of(request)
    sees_lists(actor)
    gaps = matching.check(matching.read(actor))
    pages = max(1, -(-len(gaps) // lists.PAGE))
    page = min(max(1, number(request.GET.get("page", "")) or 1), pages)
    shown = gaps[(page - 1) * lists.PAGE : page * lists.PAGE]
    context = {
        **frame(actor, "unmet"),
        **_pager("", len(gaps), page, pages, len(shown)),
        "rows": told_gaps(actor, shown),
    }
    return shell_page(request, "desk/data/list_unmet.html", "data_list_items", context)


def told_gaps(actor: Actor, gaps: list[Gap]) -> list[dict[str, Any]]:
    """Return gaps with whom to ask and where to go. Four queries at most."""
    asked = {gap.ask for gap in gaps if gap.ask}
    agencies = {one.pk: str(one) for one in Agency.objects.filter(pk__in=asked)}
    people = matching.contacts(asked)
    rows = Demand.objects.filter(pk__in={gap.demand_id for gap in gaps}).select_related("agency", "item")
    demands = {one.pk: one for one in rows}
    names = {one.code: one.name for one in DataSet.objects.filter(code__in={gap.dataset for gap in gaps})}
    own = {hat.agency_id or actor.agency_id for hat in actor.hats_with(REQUEST)}
    return [
        {
            "gap": gap,
            "demand": demands[gap.demand_id],
            "dataset": names.get(gap.dataset, ""),
            "ask": agencies.get(gap.ask or 0, ""),
            "people": people.get(gap.ask or 0, []),
            "may_open": not why_not(actor, LISTS, Side(demands[gap.demand_id].agency)),
            "may_ask": gap.kind in ASKABLE and demands[gap.demand_id].agency_id in own,
        }
        for gap in gaps
        if gap.demand_id in demands
    ]
