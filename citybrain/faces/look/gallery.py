"""The living gallery at /look/: every component in every state, for those who build faces."""

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from citybrain.faces.look.gallery_data import FRAMES, sample
from citybrain.faces.look.gallery_map import areas, points
from citybrain.faces.look.views import may_see_gallery


def gallery(request: HttpRequest) -> HttpResponse:
    """Return all components on one page. Raises Http404 for people it isn't for."""
    if not may_see_gallery(request):
        raise Http404
    return render(request, "look/gallery/components.html", sample())


def frame(request: HttpRequest, frame: str) -> HttpResponse:
    """Return one of the frames (desk, phone, portal, cockpit, print) with sample content."""
    if not may_see_gallery(request) or frame not in FRAMES:
        raise Http404
    return render(request, f"look/gallery/{frame}.html", sample())


def shapes(request: HttpRequest, kind: str) -> HttpResponse:
    """Return made-up shapes and points for the gallery's maps."""
    if not may_see_gallery(request) or kind not in {"areas", "points"}:
        raise Http404
    return JsonResponse(areas() if kind == "areas" else points())
