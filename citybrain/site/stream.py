"""Where an open page gets the address of its stream of changes (see `push`)."""

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from citybrain.base.identity.sessions import hash_key
from citybrain.faces.look.middleware import push_origin
from citybrain.site.push import SALT


def stream_address(request: HttpRequest, session_key: str) -> str:
    """Return the address of a stream for one session, good for opening it within a minute."""
    ticket = signing.dumps({"s": hash_key(session_key), "l": get_language()}, salt=SALT)
    base = settings.PUSH_URL.rstrip("/") or push_origin(request)
    return f"{base}/stream?ticket={ticket}"


@never_cache
@require_GET
def ticket(request: HttpRequest) -> HttpResponse:
    """Answer {"url": …} to who is signed in; 403 to others, who have no stream."""
    key = request.session.session_key
    if not request.user.is_authenticated or key is None:
        return JsonResponse({"error": "sign in first"}, status=403)
    return JsonResponse({"url": stream_address(request, key)})
