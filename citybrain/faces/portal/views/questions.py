"""The small questions that the report's page asks on the way: where a point lies, what words may be about."""

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, JsonResponse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from citybrain.base.areas import index, shapes
from citybrain.base.areas.models import Level
from citybrain.base.areas.tree import tree
from citybrain.faces.portal import places, submission, throttle
from citybrain.faces.portal.doors import address_of, portal, wait_words
from citybrain.hub.cases import guess

GUESS_LETTERS = 4
GUESSES = 3
OUTLINE_LEVELS = (Level.CITY, Level.DISTRICT, Level.STREET, Level.COMMUNITY)
COMMUNITIES_WITHIN = (Level.DISTRICT, Level.STREET, Level.COMMUNITY)


def _asks_too_much(request: HttpRequest) -> bool:
    return throttle.take(throttle.QUESTIONS_OF_ADDRESS, address_of(request), timezone.now()) > 0


@portal
@require_GET
def find_place(request: HttpRequest) -> HttpResponse:
    """Return the areas that a text names."""
    if _asks_too_much(request):
        return JsonResponse({"detail": wait_words(1)}, status=429)
    return JsonResponse({"places": [one.to_json() for one in places.search(request.GET.get("q", ""))]})


@portal
@require_GET
def locate(request: HttpRequest) -> HttpResponse:
    """Return what a point is called, and its district; or that it lies outside the city."""
    lon = submission.degrees(request.GET.get("lon", ""), 180)
    lat = submission.degrees(request.GET.get("lat", ""), 90)
    if lon is None or lat is None:
        return JsonResponse({"detail": _("没有看懂这个位置，请重新选择地点。")}, status=422)
    lineage = index.locate_one(lon, lat)
    if lineage is None:
        return JsonResponse({"inside": False, "detail": submission.outside()})
    return JsonResponse(
        {"inside": True, "name": places.name_of_lineage(lineage), "district": lineage[1], "area": lineage[3]}
    )


@portal
@require_POST
def guess_item(request: HttpRequest) -> HttpResponse:
    """Return up to three things that the words may be about, likeliest first. By POST: words are no address."""
    if _asks_too_much(request):
        return JsonResponse({"detail": wait_words(1)}, status=429)
    text = request.POST.get("text", "")
    found = guess.guess(text, limit=GUESSES) if len(text.strip()) >= GUESS_LETTERS else []
    return JsonResponse({"guesses": [{"code": one.item.code, "name": one.item.name} for one in found]})


def _whole(value: str) -> int | None:
    return int(value) if value.isascii() and value.isdigit() and len(value) < 16 else None


@require_GET
def outline(request: HttpRequest) -> HttpResponse:
    """Return outlines of public areas as GeoJSON: ?level=, ?within=, ?zoom=; kept by the browser for an hour.

    Communities only inside one district, so that an answer stays small on a slow network.
    """
    known = tree()
    level, within, zoom = (_whole(request.GET.get(name, "")) for name in ("level", "within", "zoom"))
    if level not in OUTLINE_LEVELS:
        return JsonResponse({"detail": "level: 1 to 4"}, status=422)
    node = known.find(within)
    if within is not None and node is None:
        return JsonResponse({"detail": "within: no such area"}, status=422)
    if level == Level.COMMUNITY and (node is None or node.level not in COMMUNITIES_WITHIN):
        return JsonResponse({"detail": "within: a district or a street is needed"}, status=422)
    tag = f'"{known.version}-{get_language()}"'
    if request.headers.get("If-None-Match") == tag:
        return HttpResponseNotModified()
    answer = HttpResponse(
        shapes.outlines(level, within, min(zoom or 12, 16)), content_type="application/geo+json"
    )
    answer["ETag"] = tag
    answer["Cache-Control"] = "public, max-age=3600"
    return answer
