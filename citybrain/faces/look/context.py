"""What every template knows: how to paint, where pushes come from, what the product is called."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from citybrain.faces.look.middleware import push_origin
from citybrain.faces.look.preferences import Choice, choice_of


@dataclass(frozen=True, slots=True)
class Cover:
    """Someone for whom this person acts now."""

    name: str


class Look:
    """`look` in templates; each part is worked out when a template asks for it."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request

    @cached_property
    def choice(self) -> Choice:
        return choice_of(self.request)

    @property
    def product(self) -> str:
        """The product's name: a city sets its own (CITY_NAME)."""
        return getattr(settings, "CITY_NAME", "") or _("城市大脑")

    @property
    def phone(self) -> str:
        """The number of a human, on every page of the portal."""
        return getattr(settings, "SERVICE_PHONE", "") or "12345"

    @property
    def push(self) -> str:
        """The address of the push process; empty for people who are not signed in."""
        return push_origin(self.request) if self.request.user.is_authenticated else ""

    @property
    def tiles(self) -> str:
        """The tile address a city set, else empty: our own area shapes alone."""
        return getattr(settings, "MAP_TILES", "")

    @property
    def tiles_credit(self) -> str:
        return getattr(settings, "MAP_TILES_CREDIT", "")

    @property
    def covers(self) -> list[Cover]:
        """For whom this person acts now (代办), each once."""
        actor = getattr(self.request, "actor", None)
        names = {hat.on_behalf_name: None for hat in getattr(actor, "hats", ()) if hat.on_behalf_of}
        return [Cover(name) for name in names]


def look(request: HttpRequest) -> dict[str, Any]:
    """Context processor: `look`."""
    return {"look": Look(request)}
