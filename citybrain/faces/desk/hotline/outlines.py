"""Which outlines a map of the hotline begins with: the areas below the first that an actor works in."""

from django.urls import reverse

from citybrain.base.identity.actor import Actor
from citybrain.faces.desk.addresses import query


def outline_of(actor: Actor, permission: str) -> str:
    """Return the address of the outlines, empty for none."""
    for hat in actor.hats_with(permission):
        if hat.area_id is not None and hat.area_level is not None:
            level = min(hat.area_level + 1, 5)
            return reverse("desk:map_areas") + query({"level": level, "within": hat.area_id, "zoom": 11})
    return ""
