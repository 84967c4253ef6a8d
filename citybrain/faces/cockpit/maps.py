"""What the map draws: the areas right below the one looked at with their figures, and cases as points."""

from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from citybrain.base.areas import shapes
from citybrain.base.areas.models import Level
from citybrain.base.areas.tree import Node, tree
from citybrain.faces.cockpit import measures
from citybrain.faces.cockpit.chosen import Chosen, name_of, read
from citybrain.faces.cockpit.doors import actor_of, leaders
from citybrain.faces.cockpit.measures import AreaLine, Measure
from citybrain.faces.look.words import amount, is_english
from citybrain.hub.cases import mapfeed

ZOOM = {Level.CITY: 10, Level.DISTRICT: 12, Level.STREET: 14, Level.COMMUNITY: 16}


@leaders
@never_cache
@require_GET
def areas_view(request: HttpRequest) -> HttpResponse:
    """Outlines (GeoJSON) of the areas right below the one looked at, with the value of the measure."""
    actor = actor_of(request)
    chosen = read(actor, request.GET)
    below = tree().children(chosen.area.id)
    features: list[dict[str, Any]] = []
    if below:
        lines = measures.lines(actor, chosen.area, chosen.days, timezone.now())
        drawn = orjson.loads(
            shapes.outlines(below[0].level, chosen.area.id, ZOOM.get(Level(chosen.area.level), 14))
        )
        features = with_figures(chosen, lines, drawn["features"])
    return HttpResponse(
        orjson.dumps({"type": "FeatureCollection", "features": features}), content_type="application/geo+json"
    )


def with_figures(
    chosen: Chosen, lines: list[AreaLine], features: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return the outlines with name, value, its words, and where a click leads."""
    measure = measures.BY_KEY[chosen.measure]
    by_id = {line.node.id: line for line in lines}
    return [
        {**feature, "properties": properties(chosen, measure, by_id[feature["id"]])}
        for feature in features
        if feature["id"] in by_id
    ]


def properties(chosen: Chosen, measure: Measure, line: AreaLine) -> dict[str, Any]:
    """Return what the map knows of one area."""
    value = measure.value(line)
    return {
        "id": line.node.id,
        "name": name_of(line.node),
        "short": short_name(line.node),
        "value": None if value is None else round(value, measure.digits),
        "label": amount(value, measure.digits),
        "said": _("在办 %(open)s · 超时 %(late)s · 今日上报 %(today)s")
        % {
            "open": amount(line.now.open),
            "late": amount(line.now.late),
            "today": amount(line.now.reported_today),
        },
        "url": below_url(chosen, line),
    }


def short_name(node: Node) -> str:
    """Return what is written on the map: in English without the kind, which the whole map shares."""
    name = name_of(node)
    return name.rsplit(" ", 1)[0] if is_english() and node.level < Level.GRID else name


def below_url(chosen: Chosen, line: AreaLine) -> str:
    """Return where an area leads: into it, and from a grid to its cases on the desk."""
    if line.node.level <= Level.COMMUNITY:
        return chosen.url(area=line.node.id)
    return chosen.desk_below(line.node, "open")


@leaders
@never_cache
@require_GET
def cases_view(request: HttpRequest) -> JsonResponse:
    """Open cases of the area looked at, as points or as counts where they are many; ?box=w,s,e,n.

    None at all where points are switched off, or for who may not see cases.
    """
    actor = actor_of(request)
    chosen = read(actor, request.GET)
    if not (chosen.points and chosen.sees_cases):
        return JsonResponse({"type": "FeatureCollection", "clustered": False, "features": []})
    return JsonResponse(mapfeed.feed(actor, chosen.filters, _box(request.GET.get("box", ""))))


def _box(value: str) -> mapfeed.Box | None:
    """Return the box asked for; None (everything in the area) for one that can't be read."""
    try:
        west, south, east, north = (float(part) for part in value.split(","))
    except ValueError:
        return None
    return mapfeed.Box(west, south, east, north)
