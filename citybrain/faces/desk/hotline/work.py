"""The hotline's work lists: the list keeps its place, the ticket stands beside it; the address is the view."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from citybrain.base.areas.tree import tree
from citybrain.base.identity.access import Forbidden
from citybrain.base.identity.actor import Actor
from citybrain.faces.desk.addresses import query
from citybrain.faces.desk.choosing import area_name
from citybrain.faces.desk.doors import actor_of, is_partial
from citybrain.faces.desk.hotline import batching, pageview
from citybrain.faces.desk.hotline.choosing import areas_below
from citybrain.faces.desk.hotline.doors import hotline
from citybrain.faces.desk.hotline.page import ticket_page
from citybrain.faces.desk.hotline.rate_words import counted_word
from citybrain.faces.desk.hotline.shown import item_name, ticket_row
from citybrain.faces.desk.hotline.starts import clock_starts
from citybrain.faces.desk.hotline.tickets import show_ticket
from citybrain.faces.desk.shell import page as shell_page
from citybrain.faces.desk.work import Chip, Pager, Tab, ids_of, offset_of, split_tabs
from citybrain.hub.hotline import filters, lists
from citybrain.hub.hotline.errors import BadInput, NotFound
from citybrain.hub.hotline.export import EXPORT
from citybrain.hub.hotline.filters import Filters
from citybrain.hub.hotline.lifecycle import TRANSITIONS
from citybrain.hub.hotline.lists import PAGE, UNCOUNTED, WorkList
from citybrain.hub.hotline.rows import TicketRow, agency_name
from citybrain.hub.hotline.states import Channel, Kind, State, Urgency

ASKED: Final = (
    "q", "state", "kind", "channel", "urgency", "item", "class", "area", "agency", "since", "until", "late", "person",
    "flag", "verdict", "solved", "rating", "topic", "caller", "case", "main", "order",
    "lead", "counted",
)  # fmt: skip
ORDERS: Final[Mapping[str, Promise]] = {
    "": gettext_lazy("默认排序"),
    "due": gettext_lazy("先到期的在前"),
    "newest": gettext_lazy("新收到的在前"),
    "oldest": gettext_lazy("早收到的在前"),
    "changed": gettext_lazy("最近变动的在前"),
}


def asked(request: HttpRequest) -> dict[str, str]:
    """Return the filters of an address; several values of one name become one, with commas."""
    found: dict[str, str] = {}
    for name in ASKED:
        values = [value.strip() for value in request.GET.getlist(name) if value.strip()]
        if values:
            found[name] = ",".join(dict.fromkeys(values))
    return found


def tabs_for(actor: Actor) -> list[Tab]:
    """Return the actor's work lists with their true counts. One query."""
    had = lists.lists_for(actor)
    numbers = lists.counts(actor, had)
    return [
        Tab(one.key, str(one.label), numbers.get(one.key), reverse("desk:hotline_work", args=[one.key]))
        for one in had
    ]


def list_of(actor: Actor, key: str) -> WorkList:
    """Return a list the actor has. Raises NotFound, Forbidden."""
    one = lists.BY_KEY.get(key)
    if one is None:
        raise NotFound
    if not lists.has(actor, one):
        raise Forbidden(
            _("“%(name)s”不在您的职责内。") % {"name": one.label}, _("如工作需要, 请向本单位人员管理员申请。")
        )
    return one


@hotline
@require_GET
def home_view(request: HttpRequest) -> HttpResponse:
    """Go to the first list that has something to do, else to all that is open."""
    actor = actor_of(request)
    tabs = tabs_for(actor)
    if not tabs:
        raise Forbidden(_("您没有热线工单的权限。"), _("如工作需要, 请向本单位人员管理员申请。"))
    watched = {"due_soon", "late", "open"} | UNCOUNTED
    first = next((tab for tab in tabs if tab.count and tab.key not in watched), None)
    return HttpResponseRedirect(first.href if first else reverse("desk:hotline_work", args=["open"]))


@hotline
@require_GET
def work_view(request: HttpRequest, key: str) -> HttpResponse:
    """One list: rows, filters, tabs, and the ticket chosen (?ticket=number) beside them."""
    actor = actor_of(request)
    one = list_of(actor, key)
    number = request.GET.get("ticket", "")[:20]
    if is_partial(request) and request.headers.get("HX-Target", "").endswith("#detail"):
        return show_ticket(request, number)
    wanted = asked(request)
    chosen, wrong = _read(wanted)
    start = offset_of(request.GET.get("offset", ""))
    tabs = tabs_for(actor)
    found = lists.page(actor, key, chosen, offset=start)
    here = {**wanted, "offset": start or None}
    batch = [TRANSITIONS[step] for step in one.batch if actor.may(TRANSITIONS[step].permission)]
    context: dict[str, Any] = {
        "list": one,
        **split_tabs(tabs, key),
        "rows": list_rows(found.rows, timezone.now(), key, here, number, pick=bool(batch)),
        "wanted": wanted,
        "wrong": wrong,
        "chips": chips(chosen, wanted),
        "pager": _pager(actor, one, chosen, start, found, wanted, tabs),
        "clear": "?",
        "export": reverse("desk:hotline_export", args=[key]) + query(wanted),
        "may_export": actor.may(EXPORT),
        "batch": [(step, reverse("desk:hotline_batch", args=[key, step.key])) for step in batch],
        "number": number,
        **_beside(actor, number),
        **_filter_form(actor, chosen, wanted),
    }
    return shell_page(request, "desk/hotline/list.html", "hotline_home", context)


def _read(wanted: Mapping[str, str]) -> tuple[Filters, str]:
    try:
        return filters.read(wanted), ""
    except BadInput as error:
        return Filters(), error.message


def list_rows(
    found: Sequence[TicketRow],
    now: datetime,
    key: str,
    here: Mapping[str, object],
    number: str,
    *,
    pick: bool,
) -> list[dict[str, Any]]:
    """Return rows of a list: their address is the list's with the ticket beside it. One query."""
    started = clock_starts(found)
    return [
        ticket_row(
            one,
            now,
            url=reverse("desk:hotline_work", args=[key]) + query(here, ticket=one.number),
            started=started.get(one.id),
            current=one.number == number,
            target="#detail",
            live=reverse("desk:hotline_rows", args=[key]) + query(here, ids=one.id, pick="1" if pick else ""),
            pick=pick,
        )
        for one in found
    ]


def _beside(actor: Actor, number: str) -> dict[str, Any]:
    if not number:
        return {}
    try:
        page = ticket_page(actor, number)
    except NotFound:
        return {}
    return {"view": pageview.view_of(actor, page), "page": page}


def _pager(
    actor: Actor,
    one: WorkList,
    chosen: Filters,
    start: int,
    found: lists.Page,
    kept: Mapping[str, str],
    tabs: Sequence[Tab],
) -> Pager:
    counted = next((tab.count for tab in tabs if tab.key == one.key), None)
    narrowed = replace(chosen, order="", raw={}) != Filters()
    if counted is None or narrowed:
        counted = lists.total(actor, one.key, chosen)
    last = start + len(found.rows)
    return Pager(
        first=start + 1 if found.rows else 0,
        last=last,
        total=counted,
        more=counted >= lists.DEEPEST,
        previous=query(kept, offset=max(start - PAGE, 0) or None) or "?" if start else "",
        following=query(kept, offset=found.next_offset) if found.next_offset is not None else "",
    )


def _filter_form(actor: Actor, chosen: Filters, wanted: Mapping[str, str]) -> dict[str, Any]:
    """Return what the form of filters offers. No query."""

    def marked(choices: Sequence[tuple[Any, Any]], name: str) -> list[tuple[str, str, bool]]:
        picked = wanted.get(name, "").split(",")
        return [(str(value), str(label), str(value) in picked) for value, label in choices]

    return {
        "states": marked(State.choices, "state"),
        "kinds": marked(Kind.choices, "kind"),
        "channels": marked(Channel.choices, "channel"),
        "urgencies": marked(Urgency.choices, "urgency"),
        "orders": [(key, label) for key, label in ORDERS.items()],
        "areas": areas_below(actor, chosen.area_id),
        "agency_name": agency_name(chosen.agency_id),
    }


def chips(chosen: Filters, kept: Mapping[str, str]) -> list[Chip]:
    """Return the filters in force in words, each with the address without it."""

    def labels(name: str, choices: Sequence[tuple[Any, Any]]) -> str:
        picked = kept.get(name, "").split(",")
        return _("、").join(str(label) for value, label in choices if str(value) in picked)

    node = tree().find(chosen.area_id) if chosen.area_id is not None else None
    said = {
        "q": f"“{chosen.q}”" if chosen.q else "",
        "state": labels("state", State.choices),
        "kind": labels("kind", Kind.choices),
        "channel": labels("channel", Channel.choices),
        "urgency": labels("urgency", Urgency.choices),
        "item": item_name(chosen.item) or chosen.item,
        "class": chosen.class_label,
        "area": area_name(node),
        "agency": agency_name(chosen.agency_id),
        "since": _("%(day)s 起") % {"day": chosen.since} if chosen.since else "",
        "until": _("至 %(day)s") % {"day": chosen.until} if chosen.until else "",
        "lead": agency_name(dict(chosen.numbers).get("t.agency_id")),
        "counted": counted_word(chosen.counted),
        "late": _("超时") if chosen.late else "",
        "person": _("须人工判断") if chosen.needs_person else "",
        "solved": {"yes": _("已解决"), "no": _("未解决")}.get(chosen.solved, ""),
        "verdict": {"on_time": _("按时答复"), "late": _("答复超时")}.get(chosen.verdict, ""),
        **{
            name: _("关联 %(name)s") % {"name": kept[name]}
            for name in ("topic", "caller", "case", "main", "flag", "rating")
            if name in kept
        },
    }
    return [Chip(text, query(kept, **{name: None}) or "?") for name, text in said.items() if text]


@hotline
@require_GET
def counts_view(request: HttpRequest) -> JsonResponse:
    """List key → number, for tabs that are open."""
    return JsonResponse(lists.counts(actor_of(request)))


@hotline
@require_GET
def rows_view(request: HttpRequest, key: str) -> HttpResponse:
    """The rows asked for (?ids=1,2) as they are now, to be drawn in place of the old; those out of sight are left out.

    A row that left the list stays where it is, marked, so that nothing jumps.
    """
    actor = actor_of(request)
    one = list_of(actor, key)
    ids = ids_of(request.GET.get("ids", ""))
    inside = lists.members(actor, one.key, ids)
    pick = request.GET.get("pick") == "1"
    here = {**asked(request), "offset": request.GET.get("offset", "")}
    found = batching.rows_now(actor, ids)
    rows = list_rows(found, timezone.now(), key, here, request.GET.get("ticket", ""), pick=pick)
    for row in rows:
        if row["id"] not in inside:
            row["marks"] = [("quiet", _("已离开本列表")), *row["marks"]]
            row["pick"] = ""
    return render(request, "desk/hotline/rows.html", {"rows": rows})


@hotline
@require_http_methods(["GET", "POST"])
def batch_view(request: HttpRequest, key: str, step: str) -> HttpResponse:
    """Take one step on the chosen tickets (?ids=); each stands alone, what can't be done says why."""
    actor = actor_of(request)
    one = list_of(actor, key)
    transition = TRANSITIONS.get(step)
    if transition is None or step not in one.batch:
        raise NotFound
    return batching.batch(request, actor, transition)


@hotline
@require_GET
def search_view(request: HttpRequest) -> HttpResponse:
    """Find tickets by number or words: a number in sight opens at once."""
    actor = actor_of(request)
    words = request.GET.get("q", "").strip()[:200]
    if words:
        found = batching.exact_number(actor, words)
        if found:
            return HttpResponseRedirect(reverse("desk:hotline_ticket", args=[found]))
        return HttpResponseRedirect(reverse("desk:hotline_work", args=["all"]) + query({"q": words}))
    return HttpResponseRedirect(reverse("desk:hotline_work", args=["all"]))
