"""The cockpit's screen: one page, and its moving parts again when something changed or another area is chosen."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from citybrain.base.areas.models import Level
from citybrain.base.areas.tree import tree
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.roles import role_named
from citybrain.faces.cockpit import feed, measures, pictures
from citybrain.faces.cockpit.chosen import LIST_FROM, SPANS, Chosen, address, crumbs, name_of, read
from citybrain.faces.cockpit.doors import LOOK, actor_of, leaders
from citybrain.faces.cockpit.maps import below_url
from citybrain.faces.cockpit.measures import AreaLine
from citybrain.faces.cockpit.vitals import Part, pulse, vitals
from citybrain.faces.look.words import amount
from citybrain.hub.cases import figures


@leaders
@never_cache
@vary_on_headers("HX-Request")
@require_GET
def home_view(request: HttpRequest) -> HttpResponse:
    """The city, or the part of it that the reader answers for; for htmx its parts alone."""
    actor = actor_of(request)
    chosen = read(actor, request.GET)
    now = timezone.now()
    context = {**screen(actor, chosen, now), "me": actor, "my_roles": roles_of(actor)}
    is_part = (
        request.headers.get("HX-Request") == "true"
        and request.headers.get("HX-History-Restore-Request") != "true"
    )
    return render(request, "cockpit/parts.html" if is_part else "cockpit/page.html", context)


def screen(actor: Actor, chosen: Chosen, now: datetime) -> dict[str, Any]:
    """Return everything one view shows."""
    beat = pulse(actor, chosen, now)
    lines = measures.lines(actor, chosen.area, chosen.days, now)
    hours = figures.hours(actor, chosen.filters, now, permission=LOOK)
    classes = figures.by_class(actor, chosen.days, chosen.filters, now, permission=LOOK)
    listed = chosen.area.level >= LIST_FROM
    return {
        "chosen": chosen,
        "now": now,
        "area_name": name_of(chosen.area),
        "crumbs": crumbs(chosen),
        "vitals": vitals(chosen, beat),
        "first": feed.first_cases(actor, chosen, now, feed.LISTED_MOST if listed else feed.FIRST_MOST),
        "moves": feed.newest_moves(actor, chosen, now),
        "listed": listed,
        "charts": [
            pictures.hours_chart(chosen, hours, now),
            pictures.days_chart(chosen, beat),
            pictures.classes_chart(chosen, beat, classes),
        ],
        **map_parts(chosen, lines, beat.today.open, now),
        **links(chosen),
    }


def map_parts(chosen: Chosen, lines: list[AreaLine], open_cases: int, now: datetime) -> dict[str, Any]:
    """Return what the map and the table under it show. `elsewhere`: open cases that lie in none of the areas."""
    measure = measures.BY_KEY[chosen.measure]
    unit = str(measure.unit)
    return {
        "measure": measure,
        "measures": [
            (one, chosen.url(measure=one.key), one.key == chosen.measure) for one in measures.MEASURES
        ],
        "spans": [(days, chosen.url(days=days), days == chosen.days) for days in SPANS],
        "unit": unit,
        "legend": str(measure.name) if measure.is_count else f"{measure.name} · {unit}",
        "areas_url": data_url("cockpit:areas", chosen, at=int(now.timestamp())) if lines else "",
        "points_url": data_url("cockpit:cases", chosen, at=int(now.timestamp())),
        "table": [
            (
                line,
                name_of(line.node),
                below_url(chosen, line),
                amount(measure.value(line), measure.digits),
                counts_of(chosen, line, now),
            )
            for line in lines
        ],
        "elsewhere": open_cases - measures.total(lines)[0] if lines else 0,
        "elsewhere_url": chosen.desk("open", unplaced=lines[0].node.level) if lines else "",
    }


def counts_of(chosen: Chosen, line: AreaLine, now: datetime) -> dict[str, Part]:
    """Return the counts of an area in the table, each with the list of exactly those cases."""
    said = {
        "open": (line.now.open, chosen.desk_below(line.node, "open")),
        "late": (line.now.late, chosen.desk_below(line.node, "late")),
        "today": (
            line.now.reported_today,
            chosen.desk_below(line.node, "all", since=timezone.localdate(now)),
        ),
    }
    return {key: Part(amount(count), count, url) for key, (count, url) in said.items()}


def data_url(name: str, chosen: Chosen, at: int) -> str:
    """Return the address of the map's data; another moment makes it another address."""
    params = {"area": chosen.area.id, "measure": chosen.measure, "days": chosen.days}
    return address(name, {**params, "points": int(chosen.points), "at": at})


def links(chosen: Chosen) -> dict[str, Any]:
    """Return the addresses around a view: up, other roots, the wall and its stops, the brief."""
    above = tree().find(chosen.area.parent_id) if chosen.area.id != chosen.root.id else None
    stops = [chosen.root, *(one for one in tree().children(chosen.root.id) if one.level <= Level.COMMUNITY)]
    return {
        "up_url": chosen.url(area=above.id) if above is not None else "",
        "other_roots": [
            (name_of(one), chosen.url(area=one.id)) for one in chosen.roots if one.id != chosen.root.id
        ],
        "points_toggle": chosen.url(points=int(not chosen.points)),
        "wall_url": chosen.url(wall=1),
        "plain_url": chosen.url(wall=None),
        "stops": [chosen.url(area=one.id) for one in stops] if chosen.wall else [],
        "brief_url": chosen.url("cockpit:brief", wall=None, points=None),
        "all_url": chosen.desk("open"),
        "moved_url": chosen.desk("all", order="changed"),
        "home_url": reverse("cockpit:home"),
    }


def roles_of(actor: Actor) -> list[str]:
    """Return the names of the roles worn, each once."""
    return list(dict.fromkeys(role_named(hat.role).name for hat in actor.hats if hat.area_id is not None))
