"""The first page: what is mine to do, what is late or soon due, and today's figures in my area."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.areas.tree import tree
from citybrain.base.identity.actor import Actor
from citybrain.faces.desk import boards
from citybrain.faces.desk.choosing import area_name
from citybrain.faces.desk.data.home import waiting_for
from citybrain.faces.desk.doors import actor_of, officers
from citybrain.faces.desk.forms.home import leads_for
from citybrain.faces.desk.forms.home import waiting_for as forms_waiting_for
from citybrain.faces.desk.hotline.home import waiting_for as hotline_waiting_for
from citybrain.faces.desk.shell import page as shell_page
from citybrain.faces.desk.shown import case_row, row_views
from citybrain.faces.desk.work import Tab, tabs_for
from citybrain.faces.look.charts import Chart, Series
from citybrain.hub.cases import figures, lists
from citybrain.hub.cases.access import VIEW
from citybrain.hub.cases.filters import Filters

WATCHED = frozenset({"due_soon", "late", "supervised", "suspended"})
EVERYTHING = frozenset({"open", "closed", "all", "mine"})
FIELD_ROLES = frozenset({"grid_worker", "grid_leader", "handler", "enforcer"})
SHOWN = 6


def is_phone(request: HttpRequest) -> bool:
    """Return whether the browser says that it is a phone's."""
    return "Mobi" in request.headers.get("User-Agent", "")


def works_outside(actor: Actor) -> bool:
    """Return whether all that somebody does is done outside: grid workers, handlers."""
    roles = {hat.role for hat in actor.hats if hat.area_id is not None}
    return bool(roles) and roles <= FIELD_ROLES


@officers
def home_view(request: HttpRequest) -> HttpResponse:
    """The officer's first page; who works outside with a phone goes to the phone's pages."""
    actor = actor_of(request)
    if is_phone(request) and works_outside(actor):
        return HttpResponseRedirect(reverse("desk:m_tasks"))
    now = timezone.now()
    waiting = {
        "data_waiting": waiting_for(actor, now),
        "forms_waiting": forms_waiting_for(actor, now),
        "forms_leads": leads_for(actor),
        "hotline_waiting": hotline_waiting_for(actor),
    }
    if not actor.may(VIEW):
        given = {"areas": area_names(actor), **waiting}
        return shell_page(request, "desk/home/none.html", "home", given)
    tabs = tabs_for(actor)
    context: dict[str, Any] = {
        "todo": [tab for tab in tabs if tab.key not in WATCHED | EVERYTHING],
        "watched": [tab for tab in tabs if tab.key in WATCHED],
        "everything": [tab for tab in tabs if tab.key in EVERYTHING],
        "areas": area_names(actor),
        **waiting,
        "boards": boards.boards_for(actor),
        "today": figures.today(actor, now=now),
        "now": now,
        **_hours(actor, now),
        **{f"lists_{key}": reverse("desk:work", args=[key]) for key in ("all", "closed", "open", "late")},
        **_urgent_rows(actor, tabs),
    }
    return shell_page(request, "desk/home/page.html", "home", context, tabs=tabs)


def _hours(actor: Actor, now: datetime) -> dict[str, Any]:
    """Return today's reports and closings per hour as a chart, and the reports as points of a spark line."""
    hours = figures.hours(actor, now=now)
    drawn = Chart(
        key="hours",
        title=_("今天各小时上报与办结"),
        unit=_("件"),
        kind="bar",
        categories=[timezone.localtime(one.at).strftime("%H") for one in hours],
        series=[
            Series(_("上报量"), [one.reported for one in hours]),
            Series(_("办结量"), [one.closed for one in hours]),
        ],
        size="sm",
        as_of=now,
    )
    return {"chart": drawn, "hour_points": [one.reported for one in hours]}


def _urgent_rows(actor: Actor, tabs: list[Tab]) -> dict[str, Any]:
    """Return the first rows of what is late and of what is due soon, where there are any."""
    counted = {tab.key: tab.count or 0 for tab in tabs}
    late = lists.page(actor, "late", Filters(), limit=SHOWN).rows if counted.get("late") else []
    soon = lists.page(actor, "due_soon", Filters(), limit=SHOWN).rows if counted.get("due_soon") else []
    rows = [
        case_row(view, reverse("desk:case", args=[view.row.number])) for view in row_views([*late, *soon])
    ]
    return {"late_rows": rows[: len(late)], "soon_rows": rows[len(late) :]}


def area_names(actor: Actor) -> list[str]:
    """Return the areas that an actor's hats are for, each once."""
    ids = dict.fromkeys(hat.area_id for hat in actor.hats if hat.area_id is not None)
    return [area_name(tree().find(one)) for one in ids]
