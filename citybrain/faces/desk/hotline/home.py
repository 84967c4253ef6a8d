"""What waits for somebody of the hotline or of a unit, counted for the first page."""

from typing import Final

from django.urls import reverse
from django.utils.translation import gettext as _

from citybrain.base.identity.actor import Actor
from citybrain.faces.desk.data.home import Waiting
from citybrain.hub.hotline import lists
from citybrain.hub.hotline.access import UNIT_VIEW, VIEW
from citybrain.hub.hotline.readers import news

WATCHED: Final = frozenset({"open", "due_soon", "asked"}) | lists.UNCOUNTED


def waiting_for(actor: Actor) -> list[Waiting]:
    """Return the lists of what is to do, and what is late; nothing, and no query, for who has no part in it."""
    if not (actor.may(VIEW) or actor.may(UNIT_VIEW)):
        return _reading(actor)
    had = [one for one in lists.lists_for(actor) if one.key not in WATCHED]
    counted = lists.counts(actor, had)
    lines = [
        Waiting(str(one.label), counted[one.key], reverse("desk:hotline_work", args=[one.key])) for one in had
    ]
    return [*_reading(actor), *lines]


def _reading(actor: Actor) -> list[Waiting]:
    """Return what automatic dispatch did by itself and waits for a manager's word; no line where nothing does."""
    waiting = news.count(actor)
    label = _("自动派单变动待处理")
    return [Waiting(label, waiting, reverse("desk:hotline_reading"))] if waiting else []
