"""What can be chosen in the hotline's forms: units ranked for a ticket, areas by name or pinyin."""

from typing import Final

from django.http import HttpRequest, JsonResponse

from citybrain.base.areas.tree import Node, tree
from citybrain.base.identity.actor import Actor
from citybrain.faces.desk.choosing import AreaChoice, Choice, agency_choices, area_name
from citybrain.faces.desk.doors import actor_of
from citybrain.faces.desk.hotline.doors import hotline
from citybrain.faces.look.words import is_english
from citybrain.hub.hotline.access import UNIT_VIEW, VIEW
from citybrain.hub.hotline.models import Ticket

MOST: Final = 20


@hotline
def agencies_view(request: HttpRequest) -> JsonResponse:
    """Units for a picker: q (words typed), ticket (number: those that cover its place come first)."""
    actor = actor_of(request)
    number = request.GET.get("ticket", "")[:20]
    ticket = Ticket.objects.visible_to(actor).filter(number=number).first() if number else None
    lineage = ticket.guard_lineage() if ticket is not None and any(ticket.guard_lineage()) else None
    found = agency_choices(request.GET.get("q", "")[:60], lineage)
    return JsonResponse({"choices": [choice.to_json() for choice in found]})


@hotline
def places_view(request: HttpRequest) -> JsonResponse:
    """Areas for a picker by the words typed (q): name, English name, pinyin or code; larger ones first."""
    found = area_choices(actor_of(request), request.GET.get("q", "")[:60])
    return JsonResponse({"choices": [choice.to_json() for choice in found]})


def area_choices(actor: Actor, words: str) -> list[Choice]:
    """Return areas inside the actor's own that are called so."""
    text = words.strip().lower()
    if not text:
        return []
    known = tree()
    hats = [*actor.hats_with(VIEW), *actor.hats_with(UNIT_VIEW)]
    tops = [hat.area_id for hat in hats if hat.area_id is not None]
    found = [
        node
        for node in known
        if node.in_force
        and (
            text in node.name
            or text in node.name_en.lower()
            or text in node.pinyin
            or node.code.startswith(text)
        )
        and any(known.contains(top, node.id) for top in tops)
    ]
    found.sort(key=lambda node: (node.level, node.code))
    return [
        Choice(str(node.id), area_name(node), known.full_name(node.id, english=is_english()))
        for node in found[:MOST]
    ]


def areas_below(actor: Actor, chosen: int | None) -> list[AreaChoice]:
    """Return the areas that an officer may narrow a list to: the tops of their hats, what is below, and the way
    down to the chosen one with its children."""
    known = tree()
    hats = [*actor.hats_with(VIEW), *actor.hats_with(UNIT_VIEW)]
    tops = dict.fromkeys(hat.area_id for hat in hats if hat.area_id is not None)
    opened = {*tops, *(known.get(chosen).lineage if chosen is not None else ())}
    found: dict[int, AreaChoice] = {}

    def add(node: Node, depth: int) -> None:
        if node.id not in found:
            found[node.id] = AreaChoice(node.id, area_name(node), depth)
            if node.id in opened:
                for child in known.children(node.id):
                    add(child, depth + 1)

    for top in tops:
        if top is not None:
            add(known.get(top), 0)
    return list(found.values())
