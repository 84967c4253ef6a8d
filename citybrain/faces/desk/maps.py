"""What the desk's maps draw: outlines of areas, and cases within rights."""

from collections.abc import Sequence

import orjson
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, JsonResponse
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from citybrain.base.areas import shapes
from citybrain.base.areas.models import Level
from citybrain.base.areas.tree import tree
from citybrain.base.identity.actor import Actor
from citybrain.faces.desk.addresses import asked, query
from citybrain.faces.desk.choosing import area_name
from citybrain.faces.desk.doors import actor_of, officers
from citybrain.hub.cases import filters, mapfeed
from citybrain.hub.cases.access import VIEW
from citybrain.hub.cases.errors import BadInput


def own_outline(actor: Actor) -> str:
    """Return the address of the outline of the first area an actor works in, empty for none."""
    for hat in actor.hats_with(VIEW):
        if hat.area_id is not None:
            return reverse("desk:map_areas") + query(
                {"level": hat.area_level, "within": hat.area_id, "zoom": 14}
            )
    return ""


def outline_round(lineage: Sequence[int | None], zoom: int = 14) -> str:
    """Return the address of the outlines around a place: the areas beside the smallest that is known."""
    known = [area_id for area_id in lineage if area_id is not None]
    if not known:
        return ""
    node = tree().find(known[-1])
    within = known[-2] if len(known) > 1 else known[-1]
    if node is None:
        return ""
    return reverse("desk:map_areas") + query({"level": node.level, "within": within, "zoom": zoom})


@officers
@require_GET
def areas_view(request: HttpRequest) -> HttpResponse:
    """Outlines (GeoJSON) of the areas of ?level inside ?within, simplified for ?zoom; kept by the browser."""
    known = tree()
    level, within, zoom = (whole(request.GET.get(name, "")) for name in ("level", "within", "zoom"))
    if within is not None and known.find(within) is None:
        raise BadInput(_("没有这个区域。"), "within")
    if level is None or level not in Level.values:
        raise BadInput(_("没有这个层级。"), "level")
    etag = f'"{known.version}-{get_language()}"'
    if request.headers.get("If-None-Match") == etag:
        return HttpResponseNotModified()
    drawn = orjson.loads(shapes.outlines(level, within, zoom or 12))
    for feature in drawn["features"]:
        node = known.find(feature["id"])
        feature["properties"] = {"id": feature["id"], "name": area_name(node)}
        if request.GET.get("links") == "1":
            feature["properties"]["url"] = reverse("desk:area", args=[feature["id"]])
    answer = HttpResponse(orjson.dumps(drawn), content_type="application/geo+json")
    answer["ETag"] = etag
    answer["Cache-Control"] = "private, max-age=60"
    return answer


def whole(value: str) -> int | None:
    """Return a whole number, None for anything else."""
    return int(value) if value.isascii() and value.isdigit() and len(value) < 16 else None


@officers
@require_GET
def cases_view(request: HttpRequest) -> JsonResponse:
    """Open cases in sight as points, or counts where they are many; ?box=west,south,east,north."""
    feed = mapfeed.feed(actor_of(request), filters.read(asked(request.GET)), _box(request.GET.get("box", "")))
    return JsonResponse(feed)


def _box(value: str) -> mapfeed.Box | None:
    if not value:
        return None
    try:
        west, south, east, north = (float(part) for part in value.split(","))
    except ValueError:
        raise BadInput("box: west,south,east,north", "box") from None
    return mapfeed.Box(west, south, east, north)
