"""Work lists: the list keeps its place, the case stands beside it; the address is the view."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from citybrain.base.areas.models import Level
from citybrain.base.identity.access import Forbidden
from citybrain.base.identity.actions.people import set_preference
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.agencies import agency_by_id
from citybrain.faces.desk import pageview
from citybrain.faces.desk.addresses import asked, query
from citybrain.faces.desk.cases import show_case
from citybrain.faces.desk.choosing import AreaChoice, area_choices
from citybrain.faces.desk.doors import actor_of, is_partial, officers, person_of
from citybrain.faces.desk.shell import page as shell_page
from citybrain.faces.desk.shown import RowView, case_row, row_views
from citybrain.faces.look import words
from citybrain.hub.cases import filters, items, lists
from citybrain.hub.cases.detail import case_page
from citybrain.hub.cases.errors import BadInput, NotFound
from citybrain.hub.cases.filters import Filters
from citybrain.hub.cases.lifecycle import TRANSITIONS
from citybrain.hub.cases.lists import DEEPEST, PAGE, UNCOUNTED, WorkList
from citybrain.hub.cases.models import Case
from citybrain.hub.cases.rows import NAMES, area_names, rows_from
from citybrain.hub.cases.states import Rating, Source, State

COLUMNS_KEPT: Final = "columns"
COLUMNS: Final[dict[str, Promise]] = {
    "number": gettext_lazy("编号"),
    "state": gettext_lazy("状态"),
    "item": gettext_lazy("事项"),
    "left": gettext_lazy("剩余时间"),
    "what": gettext_lazy("内容"),
    "where": gettext_lazy("地点"),
    "address": gettext_lazy("地址"),
    "source": gettext_lazy("来源"),
    "reported": gettext_lazy("上报时间"),
    "holder": gettext_lazy("目前负责"),
    "returns": gettext_lazy("退回(次)"),
    "reworks": gettext_lazy("返工(次)"),
    "urges": gettext_lazy("催办(次)"),
    "reports": gettext_lazy("反映(人)"),
}
TABS_SHOWN: Final = 8
NUMBERS: Final = frozenset({"returns", "reworks", "urges", "reports"})
SHOWN_FIRST: Final = ("number", "state", "item", "left", "what", "where", "reported", "holder")
ORDERS: Final[dict[str, Promise]] = {
    "": gettext_lazy("默认排序"),
    "due": gettext_lazy("先到期的在前"),
    "newest": gettext_lazy("新上报的在前"),
    "oldest": gettext_lazy("早上报的在前"),
    "changed": gettext_lazy("最近变动的在前"),
}
VERDICTS: Final[dict[str, Promise]] = {
    "any": gettext_lazy("有时限结论"),
    "on_time": gettext_lazy("按时办结"),
    "late": gettext_lazy("超时办结"),
}
SOLVED: Final[dict[str, Promise]] = {
    "any": gettext_lazy("有核查结论"),
    "yes": gettext_lazy("已解决"),
    "no": gettext_lazy("未解决"),
}


@dataclass(frozen=True, slots=True)
class Tab:
    """One work list as a tab. `count` None: not counted (it would be everything there ever was)."""

    key: str
    label: str
    count: int | None
    href: str


@dataclass(frozen=True, slots=True)
class Chip:
    """One filter in force, with the address without it."""

    text: str
    href: str


@dataclass(frozen=True, slots=True)
class Column:
    key: str
    label: str
    shown: bool
    number: bool


@dataclass(frozen=True, slots=True)
class Pager:
    """Where this page stands. `total` is exact up to DEEPEST."""

    first: int
    last: int
    total: int
    more: bool
    previous: str
    following: str


def tabs_for(actor: Actor, counted: dict[str, int] | None = None) -> list[Tab]:
    """Return the actor's work lists with their true counts. One query unless they were counted already."""
    had = lists.lists_for(actor)
    numbers = lists.counts(actor, had) if counted is None else counted
    return [
        Tab(one.key, str(one.label), numbers.get(one.key), reverse("desk:work", args=[one.key]))
        for one in had
    ]


def list_of(actor: Actor, key: str) -> WorkList:
    """Return a list the actor has. Raises NotFound, Forbidden."""
    one = lists.BY_KEY.get(key)
    if one is None:
        raise NotFound
    if not actor.may(one.permission):
        raise Forbidden(
            _("“%(name)s”不在您的职责内。") % {"name": one.label}, _("如工作需要, 请向本单位人员管理员申请。")
        )
    return one


def read_filters(request: HttpRequest) -> tuple[Filters, dict[str, str], str]:
    """Return the filters, what was asked, and what was wrong with it; wrong filters are not applied."""
    wanted = asked(request.GET)
    try:
        return filters.read(wanted), wanted, ""
    except BadInput as error:
        return Filters(), wanted, error.message


@officers
def work_view(request: HttpRequest, key: str) -> HttpResponse:
    """One list: rows, filters, tabs, and the case chosen (?case=number) beside them."""
    actor = actor_of(request)
    one = list_of(actor, key)
    number = request.GET.get("case", "")
    if is_partial(request) and request.headers.get("HX-Target", "").endswith("#detail"):
        return show_case(request, number)
    chosen, wanted, wrong = read_filters(request)
    start = offset_of(request.GET.get("offset", ""))
    mode = "table" if request.GET.get("view") == "table" else "list"
    tabs = tabs_for(actor)
    rows = lists.page(actor, key, chosen, offset=start)
    kept = {**wanted, "view": "table" if mode == "table" else ""}
    batch = [TRANSITIONS[step] for step in one.batch if actor.may(f"cases.{step}")]
    views = row_views(rows.rows)
    here = {**kept, "offset": start or None}
    context: dict[str, Any] = {
        "list": one,
        **split_tabs(tabs, key),
        "views": views,
        "rows": [in_list(view, key, here, number, pick=bool(batch)) for view in views],
        "mode": mode,
        "filters": chosen,
        "wanted": wanted,
        "wrong": wrong,
        "chips": chips(chosen, kept),
        "pager": _pager(actor, one, chosen, start, rows, kept, tabs),
        "as_list": query({**wanted}) or "?",
        "as_table": query({**wanted, "view": "table"}),
        "clear": query({"view": kept["view"]}) or "?",
        "export": reverse("desk:export", args=[key]) + query(wanted),
        "may_export": actor.may("cases.export"),
        "may_print": key not in {"to_file", "to_verify", "to_dispatch", "returned"},
        "batch": [(step, reverse("desk:batch", args=[key, step.key])) for step in batch],
        "number": number,
        "view": _case_beside(actor, number) if number and mode == "list" else None,
        "columns": columns(request) if mode == "table" else (),
        "columns_url": reverse("desk:columns", args=[key]) + query(wanted),
        **_filter_form(actor, chosen),
    }
    return shell_page(request, f"desk/work/{mode}.html", "work", context)


def in_list(
    view: RowView, key: str, here: Mapping[str, object], number: str, *, pick: bool
) -> dict[str, object]:
    """Return a row of a list: its address is the list's with the case beside it."""
    return case_row(
        view,
        reverse("desk:work", args=[key]) + query(here, case=view.row.number),
        current=view.row.number == number,
        pick=pick,
        target="#detail",
        push=True,
        live=reverse("desk:rows", args=[key]) + query(here, ids=view.row.id, pick="1" if pick else ""),
    )


def split_tabs(tabs: Sequence[Tab], key: str) -> dict[str, Any]:
    """Return the tabs shown, and those under "更多": the list that is open is always shown."""
    drawn = [
        {
            "label": tab.label,
            "url": tab.href,
            "active": tab.key == key,
            "count": tab.count,
            "tone": "late" if tab.key == "late" and tab.count else "",
            "key": tab.key,
        }
        for tab in tabs
    ]
    most = TABS_SHOWN - 2 if words.is_english() else TABS_SHOWN
    shown, rest = drawn[:most], drawn[most:]
    active = next((tab for tab in rest if tab["active"]), None)
    return {
        "tabs": [*shown, *([active] if active else [])],
        "more_tabs": [tab for tab in rest if tab is not active],
    }


def offset_of(value: str) -> int:
    """Return a whole number of rows to skip; anything else is the beginning."""
    return min(int(value), DEEPEST) if value.isascii() and value.isdigit() and len(value) < 8 else 0


def _case_beside(actor: Actor, number: str) -> pageview.PageView | None:
    try:
        return pageview.view_of(case_page(actor, number), timezone.now())
    except NotFound:
        return None


def _pager(
    actor: Actor,
    one: WorkList,
    chosen: Filters,
    start: int,
    rows: lists.Page,
    kept: dict[str, str],
    tabs: list[Tab],
) -> Pager:
    counted = next((tab.count for tab in tabs if tab.key == one.key), None)
    narrowed = replace(chosen, order="", raw={}) != Filters()
    if counted is None or narrowed:
        counted = lists.total(actor, one.key, chosen)
    last = start + len(rows.rows)
    return Pager(
        first=start + 1 if rows.rows else 0,
        last=last,
        total=counted,
        more=counted >= DEEPEST and (narrowed or one.key in UNCOUNTED),
        previous=query(kept, offset=max(start - PAGE, 0) or None) or "?" if start else "",
        following=query(kept, offset=rows.next_offset) if rows.next_offset is not None else "",
    )


def _filter_form(actor: Actor, chosen: Filters) -> dict[str, Any]:
    """Return what the form of filters offers. No query: all from tables in memory."""
    areas: list[AreaChoice] = area_choices(actor, chosen.area_id)
    return {
        "areas": areas,
        "classes": item_classes(chosen.item),
        "states": [(state.value, state.label, state.value in chosen.states) for state in State],
        "sources": [(source.value, source.label, source.value in chosen.sources) for source in Source],
        "orders": [(key, label) for key, label in ORDERS.items()],
        "verdicts": [(key, label, key == chosen.verdict) for key, label in VERDICTS.items()],
        "solved_choices": [(key, label, key == chosen.solved) for key, label in SOLVED.items()],
        "ratings": [(one.value, one.label, one.value in chosen.ratings) for one in Rating],
        "agency_name": _agency_name(chosen.agency_id),
    }


def item_classes(chosen: str) -> list[tuple[str, str, int]]:
    """Return (code prefix, name, depth) of the classes of items, opened down to the chosen one."""
    found: dict[str, tuple[str, str, int]] = {}
    for item in items.index().by_code.values():
        english = item.name == item.name_en != item.name_zh
        found.setdefault(item.class_code, (item.class_code, item.class_en if english else item.class_zh, 0))
        if chosen[:2] == item.class_code:
            name = item.subclass_en if english else item.subclass_zh
            found.setdefault(item.subclass_code, (item.subclass_code, name, 1))
        if chosen[:4] == item.subclass_code:
            found.setdefault(item.code, (item.code, item.name, 2))
    return [found[code] for code in sorted(found)]


def _agency_name(agency_id: int | None) -> str:
    agency = agency_by_id(agency_id) if agency_id is not None else None
    return str(agency) if agency else ""


def chips(chosen: Filters, kept: dict[str, str]) -> list[Chip]:
    """Return the filters in force in words, each with the address without it."""
    said: dict[str, str] = {
        "q": f"“{chosen.q}”" if chosen.q else "",
        "state": _("、").join(str(State(one).label) for one in chosen.states),
        "source": _("、").join(str(Source(one).label) for one in chosen.sources),
        "item": next(
            (name for code, name, _depth in item_classes(chosen.item) if code == chosen.item), chosen.item
        ),
        "area": _("、").join(area_names([chosen.area_id])),
        "agency": _agency_name(chosen.agency_id) or (str(chosen.agency_id) if chosen.agency_id else ""),
        "since": _("%(day)s 起") % {"day": chosen.since} if chosen.since else "",
        "until": _("至 %(day)s") % {"day": chosen.until} if chosen.until else "",
        "urgent": _("紧急") if chosen.urgent else "",
        "late": _("超时") if chosen.late else "",
        "supervised": _("督办") if chosen.supervised else "",
        **_end_chips(chosen),
    }
    return [Chip(text, query(kept, **{name: None}) or "?") for name, text in said.items() if text]


def _end_chips(chosen: Filters) -> dict[str, str]:
    """Return what is asked about how and when cases ended, and where they don't lie, in words."""
    since, until = chosen.closed_since, chosen.closed_until
    return {
        "hour": _("%(hour)02d 时上报") % {"hour": chosen.hour} if chosen.hour is not None else "",
        "closed_since": _("%(day)s 起办结") % {"day": since} if since else "",
        "closed_until": _("至 %(day)s 办结") % {"day": until} if until else "",
        "verdict": str(VERDICTS.get(chosen.verdict, "")),
        "solved": str(SOLVED.get(chosen.solved, "")),
        "rating": _("、").join(str(Rating(one).label) for one in chosen.ratings),
        "unplaced": _("未落到%(level)s") % {"level": Level(chosen.unplaced).label} if chosen.unplaced else "",
    }


def columns(request: HttpRequest) -> list[Column]:
    """Return the table's columns; which are shown is kept with the person."""
    kept = person_of(request).preferences.get(COLUMNS_KEPT)
    wanted = [key for key in kept if key in COLUMNS] if isinstance(kept, list) else []
    shown = wanted or list(SHOWN_FIRST)
    return [Column(key, str(label), key in shown, key in NUMBERS) for key, label in COLUMNS.items()]


@officers
@require_POST
def columns_view(request: HttpRequest, key: str) -> HttpResponse:
    """Keep which columns the table shows, and go back to it."""
    wanted = [name for name in request.POST.getlist("column") if name in COLUMNS]
    set_preference(actor_of(request), COLUMNS_KEPT, wanted)
    return HttpResponseRedirect(
        reverse("desk:work", args=[key]) + query({**asked(request.GET), "view": "table"})
    )


@officers
def counts_view(request: HttpRequest) -> JsonResponse:
    """List key → number, for tabs that are open."""
    return JsonResponse(lists.counts(actor_of(request)))


@officers
def rows_view(request: HttpRequest, key: str) -> HttpResponse:
    """The rows asked for (?ids=1,2) as they are now, to be drawn in place of the old; those out of sight are left out.

    A row that left the list stays where it is, marked, so that nothing jumps.
    """
    actor = actor_of(request)
    one = list_of(actor, key)
    ids = ids_of(request.GET.get("ids", ""))
    inside = lists.members(actor, one.key, ids)
    here = {**asked(request.GET), "offset": request.GET.get("offset", "")}
    pick = request.GET.get("pick") == "1"
    shown = []
    for view in rows_now(actor, ids):
        row = in_list(view, key, here, request.GET.get("case", ""), pick=pick and view.row.id in inside)
        if view.row.id not in inside:
            row["marks"] = (("quiet", _("已离开本列表")), *view.marks)
        shown.append(row)
    return render(request, "desk/work/rows.html", {"rows": shown})


def ids_of(text: str) -> list[int]:
    """Return at most 200 ids out of "1,2,3"; what is no number is left out."""
    words = [word for word in text.split(",") if word.isascii() and word.isdigit() and len(word) < 19]
    return [int(word) for word in dict.fromkeys(words[:200])]


def rows_now(actor: Actor, ids: Sequence[int]) -> list[RowView]:
    """Return the rows among `ids` that the actor may see, in their order."""
    found = {row[0]: row for row in Case.objects.visible_to(actor).filter(pk__in=ids).values_list(*NAMES)}
    return row_views(rows_from([found[one] for one in ids if one in found]))
