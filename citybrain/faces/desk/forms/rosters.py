"""Live rosters: who of my area stands on one now, filtered, with what changed, visits, and my own views."""

import io
from typing import Any, Final

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from citybrain.base.areas.models import Level
from citybrain.base.areas.tree import Node, tree
from citybrain.base.identity.access import Forbidden, require
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.errors import Refused
from citybrain.faces.desk.choosing import area_name
from citybrain.faces.desk.doors import actor_of, officers
from citybrain.faces.desk.forms.roster_shown import (
    OP_WORDS,
    address,
    asked_of,
    chips_told,
    columns_told,
    counts_told,
    missing_told,
    row_told,
    views_told,
)
from citybrain.faces.desk.shell import page as shell_page
from citybrain.hub.forms import rosters
from citybrain.hub.forms.access import ROSTERS
from citybrain.hub.forms.models import Looked
from citybrain.hub.forms.rosters import Asked, Page, changes, visits
from citybrain.hub.forms.rosters.pages import OPS

VISITED: Final = (
    ("never", gettext_lazy("从未走访")),
    ("month", gettext_lazy("一个月未走访")),
    ("due", gettext_lazy("到期应走访")),
)
CHANGED: Final = (("new", gettext_lazy("新增人员")), ("changed", gettext_lazy("信息有变化")))
FILTER_ROWS: Final = 3


def areas_of(actor: Actor) -> list[Node]:
    """Return the areas whose rosters the actor may read: their own, and below a street its communities."""
    known = tree()
    found: dict[int, Node] = {}
    for hat in actor.hats_with(ROSTERS):
        node = known.find(hat.area_id)
        if node is None:
            continue
        below = [node, *known.descendants(node.id)] if node.level >= Level.STREET else _streets(node)
        found |= {one.id: one for one in below if one.level <= Level.COMMUNITY or one is node}
    return list(found.values())


def _streets(node: Node) -> list[Node]:
    return [one for one in tree().descendants(node.id) if one.level == Level.STREET]


def chosen_area(actor: Actor, asked: str) -> Node:
    """Return the area asked for, else the first. Raises Forbidden where there is none, or it isn't the actor's."""
    require(actor, ROSTERS)
    areas = areas_of(actor)
    if not areas:
        raise Forbidden(_("您没有可以查看名册的地区。"))
    if not asked:
        return next((one for one in areas if one.level == Level.COMMUNITY), areas[0])
    wanted = int(asked) if asked.isdecimal() and len(asked) < 19 else None
    found = next((one for one in areas if one.id == wanted), None)
    if found is None:
        raise Forbidden(_("该地区不在您的权限范围内。"))
    return found


def kind_of(key: str) -> rosters.Roster:
    """Return a roster. Raises Http404."""
    try:
        return rosters.roster(key)
    except KeyError:
        raise Http404 from None


@never_cache
@officers
@require_GET
def list_view(request: HttpRequest) -> HttpResponse:
    """The rosters there are, for one of my areas; none is read before it is opened."""
    actor = actor_of(request)
    area = chosen_area(actor, request.GET.get("area", ""))
    looked = dict(
        Looked.objects.filter(person_id=actor.person_id or 0, area_id=area.id).values_list("roster", "at")
    )
    lines = [
        {
            "name": one.name,
            "href": f"{reverse('desk:forms_roster', args=[one.key])}?area={area.id}",
            "at": looked.get(one.key),
        }
        for one in rosters.rosters().values()
    ]
    context = {
        "rosters": lines,
        "area": area,
        "area_name": area_name(area),
        "areas": _area_choices(actor, area),
    }
    return shell_page(request, "desk/forms/rosters.html", "forms_rosters", context)


def _area_choices(actor: Actor, area: Node) -> list[dict[str, Any]]:
    return [
        {
            "id": one.id,
            "name": ("　" if one.level == Level.COMMUNITY else "") + area_name(one),
            "on": one.id == area.id,
        }
        for one in areas_of(actor)
    ]


@never_cache
@officers
@require_GET
def roster_view(request: HttpRequest, key: str) -> HttpResponse:
    """One roster of an area, by pages."""
    actor, kind = actor_of(request), kind_of(key)
    area = chosen_area(actor, request.GET.get("area", ""))
    wrong, asked = "", Asked()
    try:
        asked = asked_of(request.GET)
        page = rosters.rows(actor, key, area.id, asked)
    except Refused as refused:
        wrong = str(refused)
        asked, page = _plain(actor, kind, area)
    context = {
        "kind": kind,
        "area": area,
        "area_name": area_name(area),
        "areas": _area_choices(actor, area),
        "page": page,
        "wrong": wrong,
        "columns": columns_told(page, area, asked),
        "rows": [row_told(one, page, key, area) for one in page.rows],
        "chips": chips_told(page, area, asked),
        "counts": counts_told(page, area, asked),
        "views": views_told(actor, key, area, asked),
        "missing": missing_told(page),
        "filters": [asked.where[at] if at < len(asked.where) else None for at in range(FILTER_ROWS)],
        "ops": [(op, str(OP_WORDS[op])) for op in OPS],
        "asked": asked,
        "visited": VISITED,
        "changed": CHANGED if page.looked_at else (),
        "clear": address(area, Asked()),
        "here": address(area, asked),
        "export": reverse("desk:forms_roster_export", args=[key]) + address(area, asked),
        "first": (page.page - 1) * asked.size + 1 if page.rows else 0,
        "last": (page.page - 1) * asked.size + len(page.rows),
        "prev_url": address(area, asked, page=page.page - 1) if page.page > 1 else "",
        "next_url": address(area, asked, page=page.page + 1) if page.page < page.pages else "",
    }
    return shell_page(
        request, "desk/forms/roster.html", "forms_rosters", context, status=422 if wrong else 200
    )


def _plain(actor: Actor, kind: rosters.Roster, area: Node) -> tuple[Asked, Page]:
    """Return the roster as it stands without filters; an empty page where even that is refused."""
    try:
        return Asked(), rosters.rows(actor, kind.key, area.id, Asked())
    except Refused:
        return Asked(), Page(kind, area.id, ())


@officers
@require_GET
def export_view(request: HttpRequest, key: str) -> FileResponse | HttpResponseRedirect:
    """The rows that are shown, as a workbook; that it was taken is in the ledger."""
    from openpyxl import Workbook

    actor = actor_of(request)
    kind_of(key)
    area = chosen_area(actor, request.GET.get("area", ""))
    try:
        table = rosters.table(actor, key, area.id, asked_of(request.GET))
    except Refused as refused:
        messages.error(request, str(refused))
        return HttpResponseRedirect(f"{reverse('desk:forms_roster', args=[key])}?area={area.id}")
    book = Workbook(write_only=True)
    page = book.create_sheet(table.title[:31])
    page.append(table.headings)
    for row in table.rows:
        page.append([f"'{one}" if one[:1] in "=+-@" else one for one in row])
    out = io.BytesIO()
    book.save(out)
    out.seek(0)
    return FileResponse(out, as_attachment=True, filename=f"{table.title}_{timezone.localtime():%Y%m%d}.xlsx")


def _back(request: HttpRequest, key: str) -> HttpResponseRedirect:
    """Return to the view that a form was sent from."""
    here = request.POST.get("here", "")
    return HttpResponseRedirect(
        reverse("desk:forms_roster", args=[key]) + (here if here.startswith("?") else "")
    )


@require_POST
@officers
def looked_view(request: HttpRequest, key: str) -> HttpResponse:
    """From here on changes are counted."""
    actor = actor_of(request)
    kind_of(key)
    area = chosen_area(actor, request.POST.get("area", ""))
    changes.look(actor, key, area.id)
    messages.success(request, _("已阅，从现在起记录变化。"))
    return _back(request, key)


@require_POST
@officers
def save_view(request: HttpRequest, key: str) -> HttpResponse:
    """Keep the view under a name."""
    actor = actor_of(request)
    kind_of(key)
    require(actor, ROSTERS)
    try:
        asked = asked_of(QueryDict(request.POST.get("here", "").removeprefix("?")))
        visits.save_view(actor, key, request.POST.get("name", "").replace("\x00", ""), asked)
        messages.success(request, _("视图已保存。"))
    except Refused as refused:
        messages.error(request, str(refused))
    return _back(request, key)


@require_POST
@officers
def drop_view(request: HttpRequest, view_id: int) -> HttpResponse:
    """Remove one of my views."""
    if not visits.drop_view(actor_of(request), view_id):
        raise Http404
    messages.success(request, _("视图已删除。"))
    key = request.POST.get("roster", "")
    return _back(request, key if key in rosters.rosters() else next(iter(rosters.rosters())))
