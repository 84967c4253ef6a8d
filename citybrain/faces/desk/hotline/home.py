"""What waits for somebody of the hotline or of a unit, counted for the first page."""

from typing import Final

from django.urls import reverse

from citybrain.base.identity.actor import Actor
from citybrain.faces.desk.data.home import Waiting
from citybrain.hub.hotline import lists
from citybrain.hub.hotline.access import UNIT_VIEW, VIEW

WATCHED: Final = frozenset({"open", "due_soon", "asked"}) | lists.UNCOUNTED


def waiting_for(actor: Actor) -> list[Waiting]:
    """Return the lists of what is to do, and what is late; nothing, and no query, for who has no part in it."""
    if not (actor.may(VIEW) or actor.may(UNIT_VIEW)):
        return []
    had = [one for one in lists.lists_for(actor) if one.key not in WATCHED]
    counted = lists.counts(actor, had)
    return [
        Waiting(str(one.label), counted[one.key], reverse("desk:hotline_work", args=[one.key])) for one in had
    ]
