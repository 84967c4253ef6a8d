"""日报、周报: the hotline's figures of a day or a week, made by themselves or now, taken as Word or Excel."""

from datetime import timedelta
from typing import Any, Final
from urllib.parse import quote

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from citybrain.base.areas.tree import tree
from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor
from citybrain.faces.desk.choosing import area_name
from citybrain.faces.desk.doors import actor_of
from citybrain.faces.desk.hotline.doors import hotline
from citybrain.faces.desk.shell import page as shell_page
from citybrain.hub.hotline.errors import BadInput, TicketError
from citybrain.hub.hotline.models.report import RIGHT, HotlineReport, ReportKind
from citybrain.hub.hotline.reports.making import download, make_report

SHOWN: Final = 60
LEVELS: Final = 2  # areas that are offered: the actor's own and the next below


@hotline
@require_http_methods(["GET", "POST"])
def reports_view(request: HttpRequest) -> HttpResponse:
    """The latest reports on the reader's areas; make one now."""
    actor = actor_of(request)
    require(actor, RIGHT)
    if request.method != "POST":
        return _draw(request)
    try:
        one = _make(request, actor)
    except TicketError as error:
        if error.status == 403:
            raise
        return _draw(request, str(error), error.status)
    messages.success(request, _("已生成第 %(n)d 版。") % {"n": one.version})
    return HttpResponseRedirect(reverse("desk:hotline_reports"))


def _make(request: HttpRequest, actor: Actor) -> HotlineReport:
    kind, area, day = (request.POST.get(key, "") for key in ("kind", "area", "starts_on"))
    try:
        starts_on = parse_date(day)
    except ValueError:
        starts_on = None
    if kind not in ReportKind.values or not area.isdigit() or starts_on is None:
        raise BadInput(_("请选择日报或周报、地区和日期。"), "starts_on")
    if kind == ReportKind.WEEKLY:
        starts_on -= timedelta(days=starts_on.weekday())  # any day stands for its week
    return make_report(actor, ReportKind(kind), int(area), starts_on)


def _draw(request: HttpRequest, wrong: str = "", status: int = 200) -> HttpResponse:
    actor = actor_of(request)
    rows = HotlineReport.objects.visible_to(actor).select_related("area", "made_by").defer(
        "figures", "document", "sheet"
    )[:SHOWN]  # fmt: skip
    context: dict[str, Any] = {
        "rows": [{"one": one, "area": area_name(tree().get(one.area_id))} for one in rows],
        "kinds": ReportKind.choices,
        "areas": _areas(actor),
        "yesterday": timezone.localdate() - timedelta(days=1),
        "wrong": wrong,
    }
    return shell_page(request, "desk/hotline/guiding/reports.html", "hotline_reports", context, status=status)


def _areas(actor: Actor) -> list[tuple[int, str]]:
    """Return the areas a report may be made on: those of the actor's hats, and those right below."""
    areas = tree()
    found: dict[int, str] = {}
    for hat in actor.hats_with(RIGHT):
        if hat.area_id is None:
            continue
        found[hat.area_id] = area_name(areas.get(hat.area_id))
        if (hat.area_level or 0) < LEVELS:
            found |= {one.id: area_name(one) for one in areas.children(hat.area_id)}
    return list(found.items())


@hotline
@require_GET
def file_view(request: HttpRequest, report_id: int, form: str) -> HttpResponse:
    """A report's file as it was made."""
    file = download(actor_of(request), report_id, form)
    answer = HttpResponse(file.content, content_type=file.content_type)
    answer["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(file.name)}"
    return answer
