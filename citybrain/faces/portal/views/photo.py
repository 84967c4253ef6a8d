"""A photo of a case, for those who may see the case, and for its reporter."""

import uuid

from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import http_date
from django.views.decorators.http import require_safe

from citybrain.faces.portal import device
from citybrain.faces.portal.doors import actor_of
from citybrain.faces.portal.rights import photo_for
from citybrain.hub.cases import photos
from citybrain.hub.cases.errors import NotFound


@require_safe
def photo(request: HttpRequest, token: uuid.UUID, thumb: bool = False) -> HttpResponseBase:
    """Return the picture, or 404: the same for one that isn't there and one that is not for this person."""
    try:
        found = photo_for(actor_of(request), token, device.codes(request))
        path = photos.file_of(found.digest, thumb=thumb)
        file = path.open("rb")
    except (NotFound, FileNotFoundError):
        missing = HttpResponse(status=404)
        missing["Cache-Control"] = "private, no-store"
        return missing
    tag = f'"{found.digest[:32]}{"t" if thumb else ""}"'
    response: HttpResponseBase
    if request.headers.get("If-None-Match") == tag:
        file.close()
        response = HttpResponse(status=304)
    else:
        response = FileResponse(file, content_type="image/jpeg")
        response["Content-Disposition"] = f'inline; filename="{found.token}.jpg"'
    response["ETag"] = tag
    response["Last-Modified"] = http_date(found.uploaded_at.timestamp())
    response["Cache-Control"] = "private, max-age=300, must-revalidate"
    response["Vary"] = "Cookie"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
