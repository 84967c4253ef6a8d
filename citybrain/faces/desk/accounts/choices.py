"""What the fields offer while one types: areas, agencies and people inside the asker's own reach."""

from collections.abc import Iterable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from citybrain.base.areas.tree import Node, tree
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.delegation import GRANT, MANAGE
from citybrain.base.identity.lists import Search, search_people
from citybrain.base.identity.models import Agency, AgencyQuerySet
from citybrain.faces.desk.choosing import area_name
from citybrain.faces.desk.doors import actor_of, officers
from citybrain.faces.look.words import is_english

MOST = 20


def _asked(request: HttpRequest, name: str) -> str:
    return request.GET.get(name, request.GET.get("q", "")).replace("\x00", "").strip().lower()[:60]


def _offer(request: HttpRequest, offers: Iterable[tuple[str, str]]) -> HttpResponse:
    return render(request, "desk/accounts/offers.html", {"offers": list(offers)})


def roots_of(actor: Actor, permission: str) -> list[Node]:
    """Return the areas of the hats with which the actor manages people, each once."""
    ids = dict.fromkeys(hat.area_id for hat in actor.hats_with(permission) if hat.area_id is not None)
    return [tree().get(area_id) for area_id in ids]


def _fits(node: Node, word: str) -> bool:
    return node.code.startswith(word) or word in node.name or f" {node.pinyin}".find(f" {word}") >= 0


@require_safe
@officers
def areas(request: HttpRequest) -> HttpResponse:
    """Offer areas inside those in which the actor may give roles, widest first."""
    word = _asked(request, "area")
    found: list[tuple[str, str]] = []
    for root in roots_of(actor_of(request), GRANT):
        for node in (root, *tree().descendants(root.id)):
            if len(found) >= MOST:
                break
            if not word or _fits(node, word):
                found.append(
                    (f"{node.code} {area_name(node)}", tree().full_name(node.id, english=is_english()))
                )
    return _offer(request, dict(found).items())


@require_safe
@officers
def agencies(request: HttpRequest) -> HttpResponse:
    """Offer the agencies whose people the actor manages."""
    actor, word = actor_of(request), _asked(request, "agency")
    known = Agency.objects.visible_to(actor).in_force() if actor.may(MANAGE) else Agency.objects.none()
    if word:
        known = known.filter(key__startswith=word) if "-" in word else _agencies_like(known, word)
    rows = known.select_related("area").order_by("area__level", "pinyin")[:MOST]
    return _offer(request, ((f"{one.key} {one}", area_name(tree().find(one.area_id))) for one in rows))


def _agencies_like(known: AgencyQuerySet, word: str) -> AgencyQuerySet:
    if not word.isascii():
        return known.filter(name__contains=word)
    return known.filter(pinyin__startswith=word) | known.filter(pinyin__contains=f" {word}")


@require_safe
@officers
def people(request: HttpRequest) -> HttpResponse:
    """Offer active people whom the actor manages."""
    found = search_people(actor_of(request), Search(text=_asked(request, "deputy"), state="active")).people[
        :MOST
    ]
    return _offer(request, ((f"{one.login} {one.name}", str(one.agency or "")) for one in found))
