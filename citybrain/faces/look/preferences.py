"""How a person wants the screens: theme, language, elder mode, density, rail. Cookies first, the account second."""

from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse

YEAR: Final = 365 * 24 * 3600
CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "theme": ("auto", "light", "dark"),
    "elder": ("0", "1"),
    "density": ("normal", "compact"),
    "rail": ("wide", "narrow"),
    "language": tuple(code for code, _name in settings.LANGUAGES),
}
STORED_AS: Final = {"theme": "theme", "elder": "large_type", "density": "density", "language": "language"}


@dataclass(frozen=True, slots=True)
class Choice:
    """What to paint: every value is one of CHOICES."""

    theme: str = "auto"
    elder: bool = False
    density: str = "normal"
    rail: str = "wide"

    @property
    def painted(self) -> str:
        """The theme the server paints before the browser has spoken."""
        return "dark" if self.theme == "dark" else "light"


def cookie_name(name: str) -> str:
    return settings.LANGUAGE_COOKIE_NAME if name == "language" else f"cb_{name}"


def choice_of(request: HttpRequest) -> Choice:
    """Return what this request should be painted with: its cookies, else the account's, else the defaults."""
    kept = _account(request) if any(cookie_name(name) not in request.COOKIES for name in STORED_AS) else {}

    def value(name: str, default: str) -> str:
        found = request.COOKIES.get(cookie_name(name)) or str(kept.get(STORED_AS.get(name, ""), ""))
        found = {"True": "1", "False": "0"}.get(found, found)
        return found if found in CHOICES[name] else default

    return Choice(
        theme=value("theme", "auto"),
        elder=value("elder", "0") == "1",
        density=value("density", "normal"),
        rail=value("rail", "wide"),
    )


def _account(request: HttpRequest) -> dict[str, Any]:
    user = getattr(request, "user", None)
    kept = getattr(user, "preferences", None) if user is not None and user.is_authenticated else None
    return kept if isinstance(kept, dict) else {}


def put_cookie(response: HttpResponse, name: str, value: str) -> None:
    """Keep one choice in the browser for a year. Readable by our scripts: it is no secret."""
    response.set_cookie(
        cookie_name(name), value, max_age=YEAR, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE
    )


def remember(response: HttpResponse, person: Any) -> HttpResponse:
    """Put the account's choices into the cookies of an answer: for the view that signs a person in."""
    kept = getattr(person, "preferences", None) or {}
    for name, stored in STORED_AS.items():
        found = kept.get(stored)
        value = str(int(found)) if isinstance(found, bool) else found
        if isinstance(value, str) and value in CHOICES[name]:
            put_cookie(response, name, value)
    return response
