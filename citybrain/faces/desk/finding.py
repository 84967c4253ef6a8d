"""Search: cases by number, words and address; areas and items by name or pinyin, as ways to narrow lists."""

import re
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_GET

from citybrain.base.areas.tree import tree
from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor
from citybrain.faces.desk.addresses import query
from citybrain.faces.desk.choosing import area_name, item_choices
from citybrain.faces.desk.doors import actor_of, officers
from citybrain.faces.desk.shell import page as shell_page
from citybrain.faces.desk.shown import case_row, row_views
from citybrain.faces.desk.work import offset_of
from citybrain.faces.look.words import is_english
from citybrain.hub.cases import lists
from citybrain.hub.cases.access import VIEW
from citybrain.hub.cases.filters import Filters
from citybrain.hub.cases.models import Case

PLACES_MOST: Final = 8
ITEMS_MOST: Final = 6
TOTAL_MOST: Final = 1000
NUMBER: Final = re.compile(r"(?<!\d)\d{12,20}(?!\d)", re.ASCII)
WIDE: Final = {
    code: code - 0xFEE0 for code in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))
}


@dataclass(frozen=True, slots=True)
class Way:
    """A place or an item that was found: its name, where it is, and the list narrowed to it."""

    name: str
    note: str
    href: str


@officers
@require_GET
def search_view(request: HttpRequest) -> HttpResponse:
    """What was found for ?q=. A whole case number goes straight to the case."""
    actor = actor_of(request)
    require(actor, VIEW)
    words = " ".join(request.GET.get("q", "").split())[:200]
    context: dict[str, Any] = {"q": words}
    if words:
        number = exact_number(actor, words)
        if number:
            return HttpResponseRedirect(reverse("desk:case", args=[number]))
        start = offset_of(request.GET.get("offset", ""))
        if half_wide(words) != words and not lists.total(actor, "all", Filters(q=words), 1):
            words = half_wide(words)
        found = lists.page(actor, "all", Filters(q=words), offset=start)
        context |= {
            "rows": [
                case_row(view, reverse("desk:case", args=[view.row.number])) for view in row_views(found.rows)
            ],
            "total": lists.total(actor, "all", Filters(q=words), TOTAL_MOST),
            "most": TOTAL_MOST,
            "start": start,
            "previous": query({"q": words, "offset": max(start - lists.PAGE, 0) or None}) if start else "",
            "following": query({"q": words, "offset": found.next_offset}) if found.next_offset else "",
            "places": places(actor, words),
            "subjects": subjects(words),
        }
    return shell_page(request, "desk/search.html", "search", context)


def half_wide(words: str) -> str:
    """Return the words with letters and figures of an input method's wide setting as the usual ones."""
    return words.translate(WIDE)


def exact_number(actor: Actor, words: str) -> str:
    """Return the number of the case meant, where the words hold the number of one in sight.

    As people copy it: with spaces or lines between, in wide figures, with a word before or behind.
    """
    found = NUMBER.search(half_wide(words).replace("-", "").replace(" ", ""))
    if found is None:
        return ""
    digits = found[0]
    return Case.objects.visible_to(actor).filter(number=digits).values_list("number", flat=True).first() or ""


def places(actor: Actor, words: str) -> list[Way]:
    """Return areas inside the actor's areas that are called so, by name, pinyin or code; larger ones first."""
    known = tree()
    tops = [hat.area_id for hat in actor.hats_with(VIEW) if hat.area_id is not None]
    text = words.lower()
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
    everything = reverse("desk:work", args=["open"])
    return [
        Way(
            area_name(node),
            known.full_name(node.id, english=is_english()),
            everything + query({"area": node.id}),
        )
        for node in found[:PLACES_MOST]
    ]


def subjects(words: str) -> list[Way]:
    """Return items that are called so, by name, class, pinyin or code."""
    everything = reverse("desk:work", args=["open"])
    return [
        Way(choice.label, choice.note, everything + query({"item": choice.value}))
        for choice in item_choices(words)[:ITEMS_MOST]
    ]
