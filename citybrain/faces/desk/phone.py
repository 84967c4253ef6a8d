"""The phone's pages for grid workers and handlers: what is near and due, report, map, me."""

import uuid
from dataclasses import dataclass, replace
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from citybrain.base.areas.tree import tree
from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor
from citybrain.faces.desk import maps, pageview, photos, stepping
from citybrain.faces.desk.choosing import area_name, item_choices
from citybrain.faces.desk.doors import actor_of, officers, person_of, wants_json
from citybrain.faces.desk.home import area_names
from citybrain.faces.desk.hotline.home import waiting_for as hotline_waiting_for
from citybrain.faces.desk.shell import roles_of
from citybrain.faces.desk.shown import RowView, case_row, row_views
from citybrain.faces.desk.work import list_of, offset_of
from citybrain.hub.cases import actions, guess, lists
from citybrain.hub.cases.detail import case_page
from citybrain.hub.cases.errors import BadInput
from citybrain.hub.cases.filters import Filters
from citybrain.hub.cases.intake import Report
from citybrain.hub.cases.states import PhotoKind, Source
from citybrain.hub.forms.access import FILL, ROSTERS

REPORT: Final = "cases.report"
FIELD_LISTS: Final = ("to_verify", "checking", "to_accept", "handling")
MOST_DESCRIPTION: Final = 2000


@dataclass(frozen=True, slots=True)
class Bar:
    """One of the four or five at the bottom."""

    key: str
    label: str
    icon: str
    href: str
    here: bool = False
    main: bool = False
    count: int | None = None


def bar(actor: Actor, here: str, todo: int | None) -> list[Bar]:
    """Return the bottom bar: who may not report has the list of what is done instead."""
    second = (
        Bar("report", _("上报"), "camera", reverse("desk:m_report"), main=True)
        if actor.may(REPORT)
        else Bar("done", _("已办"), "checks", reverse("desk:m_list", args=["closed"]))
    )
    found = [
        Bar("tasks", _("任务"), "list-check", reverse("desk:m_tasks"), count=todo),
        *form_ways(actor)[:1],
        second,
        Bar("map", _("地图"), "map-2", reverse("desk:m_map")),
        Bar("me", _("我的"), "user", reverse("desk:m_me")),
    ]
    return [replace(one, here=one.key == here) for one in found]


def form_ways(actor: Actor) -> list[Bar]:
    """Return the ways to sheets and rosters of who fills or visits; both are on the page about me. No query."""
    ways = (
        (FILL, "fill", _("填报"), "pencil", "desk:forms_fill"),
        (ROSTERS, "rosters", _("名册"), "users", "desk:forms_rosters"),
    )
    return [
        Bar(key, label, icon, reverse(name))
        for permission, key, label, icon, name in ways
        if actor.may(permission)
    ]


def _page(
    request: HttpRequest,
    template: str,
    here: str,
    context: dict[str, Any],
    todo: int | None = None,
    status: int = 200,
) -> HttpResponse:
    actor = actor_of(request)
    frame = {"bar": bar(actor, here, todo), "here": here, "me": actor}
    return render(request, template, {**frame, **context}, status=status)


@dataclass(frozen=True, slots=True)
class Section:
    """One list of tasks. `count` is true; the rows are its first."""

    key: str
    label: str
    count: int
    rows: list[dict[str, object]]


@officers
@require_GET
def tasks_view(request: HttpRequest) -> HttpResponse:
    """What this person must do, list by list, due first; the browser sorts by nearness when asked."""
    actor = actor_of(request)
    had = field_lists(actor)
    counted = lists.counts(actor, had)
    pages = {one.key: lists.page(actor, one.key, Filters()).rows for one in had if counted[one.key]}
    views = {view.row.id: view for view in row_views([row for rows in pages.values() for row in rows])}
    sections = [
        Section(
            one.key,
            str(one.label),
            counted[one.key],
            [on_phone(views[row.id]) for row in pages.get(one.key, [])],
        )
        for one in had
    ]
    todo = sum(section.count for section in sections)
    waiting = [one for one in hotline_waiting_for(actor) if one.count]
    context = {"sections": sections, "todo": todo, "hotline_waiting": waiting}
    return _page(request, "desk/phone/tasks.html", "tasks", context, todo)


def on_phone(view: RowView) -> dict[str, object]:
    """Return a row that opens on the phone."""
    return case_row(view, reverse("desk:m_case", args=[view.row.number]))


def field_lists(actor: Actor) -> list[lists.WorkList]:
    """Return the lists worked through outside; for who has none of them, all their lists of steps."""
    had = [one for one in lists.lists_for(actor) if one.key not in lists.UNCOUNTED]
    field = [one for one in had if one.key in FIELD_LISTS]
    return field or had


@officers
@require_GET
def list_view(request: HttpRequest, key: str) -> HttpResponse:
    """One list on the phone, by pages."""
    actor = actor_of(request)
    one = list_of(actor, key)
    start = offset_of(request.GET.get("offset", ""))
    rows = lists.page(actor, key, Filters(), offset=start)
    context = {
        "list": one,
        "rows": [on_phone(view) for view in row_views(rows.rows)],
        "next_offset": rows.next_offset,
        "start": start,
    }
    return _page(request, "desk/phone/list.html", "done" if key == "closed" else "tasks", context)


@officers
@require_GET
def case_view(request: HttpRequest, number: str) -> HttpResponse:
    """One case on the phone: where, what, the steps within reach of the thumb, then the rest."""
    view = pageview.view_of(case_page(actor_of(request), number), timezone.now())
    return _page(
        request,
        "desk/phone/case.html",
        "tasks",
        {"view": view, "page": view.page, "is_new": "new" in request.GET},
    )


def _draw_step(request: HttpRequest, context: dict[str, Any], status: int) -> HttpResponse:
    return _page(request, "desk/phone/step.html", "tasks", context, status=status)


PLACE: Final = stepping.Place("desk:m_case", "desk:m_step", _draw_step)


@officers
@require_http_methods(["GET", "POST"])
def step_view(request: HttpRequest, number: str, step: str) -> HttpResponse:
    """The form of a step on the phone, and the step itself."""
    return stepping.step(request, number, step, PLACE)


@officers
@require_http_methods(["GET", "POST"])
def report_view(request: HttpRequest) -> HttpResponse:
    """Report in twenty seconds: photo, a word, the guess, send. The same submission twice is one case."""
    actor = actor_of(request)
    require(actor, REPORT)
    if request.method == "GET":
        return _page(request, "desk/phone/report.html", "report", _report_form(request, {}))
    sent = {
        name: request.POST.get(name, "").strip() for name in ("description", "item", "lon", "lat", "address")
    }
    try:
        receipt = actions.report(actor, _report_of(request, sent))
    except BadInput as error:
        if wants_json(request):
            return JsonResponse({"detail": error.message, "field": error.field}, status=error.status)
        form = _report_form(request, sent, error)
        return _page(request, "desk/phone/report.html", "report", form, status=error.status)
    done = reverse("desk:m_case", args=[receipt.number])
    if wants_json(request):
        return JsonResponse({"number": receipt.number, "created": receipt.created, "url": done}, status=201)
    return HttpResponseRedirect(f"{done}?new=1")


def _report_form(request: HttpRequest, sent: dict[str, str], error: BadInput | None = None) -> dict[str, Any]:
    return {
        "sent": sent,
        "tokens": request.POST.getlist("photos"),
        "submission_key": request.POST.get("submission_key") or str(uuid.uuid4()),
        "wrong": error.message if error else "",
        "wrong_field": error.field if error else "",
        "kinds": [(kind.value, kind.label) for kind in (PhotoKind.CLOSE, PhotoKind.WIDE)],
        "grid": _own_grid(actor_of(request)),
        "outline": maps.own_outline(actor_of(request)),
    }


def _report_of(request: HttpRequest, sent: dict[str, str]) -> Report:
    """Return the report a form holds. Raises BadInput naming the field."""
    if not sent["description"] and not sent["item"]:
        raise BadInput(_("请写一句话, 或选择事项。"), "description")
    description = sent["description"] or _item_name(sent["item"])
    if len(description) > MOST_DESCRIPTION:
        raise BadInput(_("描述过长, 最多 %(most)d 字。") % {"most": MOST_DESCRIPTION}, "description")
    return Report(
        source=Source.GRID_WORKER,
        description=description,
        lon=_degrees(sent["lon"], "lon"),
        lat=_degrees(sent["lat"], "lat"),
        address=sent["address"][:200],
        item_code=sent["item"],
        submission_key=_uuid(request.POST.get("submission_key", ""), "submission_key"),
        photos=[_uuid(token, "photos") for token in photos.collect(request, "photos")],
        area_id=_own_grid_id(actor_of(request)),
    )


def _item_name(code: str) -> str:
    return next((one.label for one in item_choices(code) if one.value == code), "")


def _degrees(value: str, name: str) -> float | None:
    if not value:
        return None
    try:
        number = float(value)
    except ValueError:
        raise BadInput(_("位置无效, 请重新定位。"), name) from None
    if not -180 <= number <= 180:
        raise BadInput(_("位置无效, 请重新定位。"), name)
    return number


def _uuid(value: str, name: str) -> uuid.UUID:
    try:
        return uuid.UUID(value)
    except ValueError:
        raise BadInput(_("表单已失效, 请刷新后重试。"), name) from None


def _own_grid_id(actor: Actor) -> int | None:
    """Return the area of the first hat that may report: where a report without a point belongs."""
    return next((hat.area_id for hat in actor.hats_with(REPORT) if hat.area_id is not None), None)


def _own_grid(actor: Actor) -> str:
    return area_name(tree().find(_own_grid_id(actor)))


@officers
@require_GET
def guess_view(request: HttpRequest) -> JsonResponse:
    """Items that a description may be about, best first."""
    found = guess.guess(request.GET.get("text", "")[:500])
    return JsonResponse(
        {
            "guesses": [
                {"code": one.item.code, "name": one.item.name, "words": list(one.words)} for one in found
            ]
        }
    )


@officers
@require_GET
def map_view(request: HttpRequest) -> HttpResponse:
    """My area's outline, the open cases in it, and today's route: what is to do, in the order of nearness."""
    actor = actor_of(request)
    stops: list[RowView] = []
    for one in field_lists(actor):
        stops += row_views(lists.page(actor, one.key, Filters(), limit=20).rows)
    context = {
        "outline": maps.own_outline(actor),
        "feed": reverse("desk:map_cases"),
        "stops": [
            on_phone(one)
            for one in {stop.row.id: stop for stop in stops if stop.row.lon is not None}.values()
        ],
        "areas": area_names(actor),
    }
    return _page(request, "desk/phone/map.html", "map", context)


@officers
@require_GET
def me_view(request: HttpRequest) -> HttpResponse:
    """Who I am here, what waits to be sent, and what I reported."""
    actor = actor_of(request)
    own = lists.page(actor, "mine", Filters(), limit=20).rows if actor.may(REPORT) else []
    context = {
        "person": person_of(request),
        "my_roles": roles_of(actor),
        "me_may_report": actor.may(REPORT),
        "areas": area_names(actor),
        "own": [on_phone(view) for view in row_views(own)],
        "form_ways": form_ways(actor),
    }
    return _page(request, "desk/phone/me.html", "me", context)
