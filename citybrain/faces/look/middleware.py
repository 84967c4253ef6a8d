"""What every request and every answer has: an address without the sign that no text can hold, and a strict content
security policy (our own files, the push process, a city's tiles, and nothing else).
"""

from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse

View = Callable[[HttpRequest], HttpResponse]
ZERO = "%00"
PERMISSIONS = "geolocation=(self), camera=(self), microphone=(), payment=(), usb=(), interest-cohort=()"


def push_origin(request: HttpRequest) -> str:
    """Return scheme, host and port of the push process as the browser reaches it.

    A proxy that serves it under the site's own address sets PUSH_URL; else it is our host at PUSH_PORT.
    """
    given = getattr(settings, "PUSH_URL", "")
    if given:
        parts = urlsplit(given)
        return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
    host = request.get_host()
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    return f"{request.scheme}://{name}:{settings.PUSH_PORT}"


def tile_origins() -> list[str]:
    """Return the origins of the tile address a city set; the part of a name that holds {s} becomes a wildcard."""
    parts = urlsplit(getattr(settings, "MAP_TILES", ""))
    names = ["*" if "{s}" in name else name for name in parts.netloc.split(".")]
    return [f"{parts.scheme}://{'.'.join(names)}"] if parts.netloc else []


def policy(request: HttpRequest) -> str:
    """Return the policy's text."""
    directives = {
        "default-src": ["'self'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:", "blob:", *tile_origins()],
        "font-src": ["'self'"],
        "connect-src": ["'self'", push_origin(request)],
        "media-src": ["'self'", "blob:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "worker-src": ["'self'"],
        "manifest-src": ["'self'"],
    }
    return "; ".join(" ".join([name, *filter(None, values)]) for name, values in directives.items())


class PlainQueryMiddleware:
    """Takes the zero sign out of what is asked for in an address: the database keeps no text that holds it."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        asked = request.META.get("QUERY_STRING", "")
        if ZERO in asked:
            request.META["QUERY_STRING"] = asked.replace(ZERO, "")
        return self.get_response(request)


class ContentSecurityMiddleware:
    """Puts the policy on every answer that hasn't set its own."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", policy(request))
        response.headers.setdefault("Permissions-Policy", PERMISSIONS)
        response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        return response
