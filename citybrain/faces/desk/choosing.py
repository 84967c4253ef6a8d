"""What can be chosen in forms and filters: items by name, pinyin or class; agencies ranked for a case, or searched."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from django.http import HttpRequest, JsonResponse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from citybrain.base.areas.tree import Node, tree
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.agencies import agencies_covering, directory
from citybrain.base.identity.models import Agency
from citybrain.faces.desk.doors import actor_of, officers
from citybrain.hub.cases import items
from citybrain.hub.cases.access import VIEW
from citybrain.hub.cases.detail import CasePage
from citybrain.hub.cases.models import Case, Item

MOST = 30


@dataclass(frozen=True, slots=True)
class Choice:
    """One line of a picker. `why` tells what speaks for it; `best` marks a suggestion."""

    value: str
    label: str
    note: str = ""
    why: str = ""
    best: bool = False

    def to_json(self) -> dict[str, object]:
        return {
            "value": self.value,
            "label": self.label,
            "note": self.note,
            "why": self.why,
            "best": self.best,
        }


@lru_cache(maxsize=2)
def _sounds(_stamp: tuple[int, int], _day: str) -> dict[str, str]:
    """Return item code → pinyin and initials of its name and classes, for typing without a Chinese keyboard."""
    return {code: _sound(item) for code, item in items.index().by_code.items()}


def _sound(item: Item) -> str:
    from pypinyin import Style, lazy_pinyin  # a dictionary of 50,000 phrases: loaded by those who need it

    text = item.name_zh
    full = "".join(lazy_pinyin(text)).lower()
    initials = "".join(lazy_pinyin(text, style=Style.FIRST_LETTER)).lower()
    return f"{full} {initials}"


def item_choices(words: str, guesses: Sequence[tuple[Item, str]] = (), *, most: int = MOST) -> list[Choice]:
    """Return items for typed words: guesses first when nothing is typed, then by code; all words must match.

    At most `most` when words were typed; everything there is when none were.
    """
    current = items.index()
    if not words.strip():
        known = [_item_choice(item, why, best=True) for item, why in guesses]
        codes = {choice.value for choice in known}
        return known + [_item_choice(item) for code, item in current.by_code.items() if code not in codes]
    sounds = _sounds(current.stamp, current.on.isoformat())
    parts = words.lower().split()
    found = [
        _item_choice(item)
        for code, item in current.by_code.items()
        if all(part in _item_text(item, sounds[code]) for part in parts)
    ]
    return found[:most]


def _item_text(item: Item, sound: str) -> str:
    fields = (
        item.code, item.name_zh, item.name_en, item.class_zh, item.class_en, item.subclass_zh, item.subclass_en,
        item.keywords, sound,
    )  # fmt: skip
    return " ".join(fields).lower()


def _item_choice(item: Item, why: str = "", *, best: bool = False) -> Choice:
    return Choice(item.code, item.name, f"{item.code} · {class_path(item)}", why, best)


def class_path(item: Item) -> str:
    """Return class and subclass in the reader's language."""
    english = item.name == item.name_en != item.name_zh
    names = (item.class_en, item.subclass_en) if english else (item.class_zh, item.subclass_zh)
    return " / ".join(names)


def guesses_of(page: CasePage) -> list[tuple[Item, str]]:
    """Return the items a case may be about with the words that spoke for each, the named one first."""
    found: list[tuple[Item, str]] = []
    for one in page.guesses:
        heard = _("、").join(f"“{word}”" for word in one.words)
        found.append((one.item, _("描述中提到 %(words)s") % {"words": heard} if heard else _("系统推荐")))
    known = {item.code for item, _why in found}
    if page.item is not None and page.item.code not in known:
        current = items.index().by_code.get(page.item.code)
        found = [(current, _("上报时选定")), *found] if current else found
    return found


def agency_choices(words: str, lineage: Sequence[int | None] | None) -> list[Choice]:
    """Return bodies for typed words: those that cover a place first, nearest first, then any of the city's."""
    near = agencies_covering(lineage) if lineage is not None else []
    known = {agency.pk for agency in near}
    rest = (agency for agency in directory().by_id.values() if agency.pk not in known)
    found = list(islice(_matching(near, words), MOST * 2))
    if words.strip() or lineage is None:
        found += islice(_matching(rest, words), max(0, MOST - len(found)))
    return [_agency_choice(agency) for agency in found]


def _agency_choice(agency: Agency) -> Choice:
    area = tree().find(agency.area_id)
    return Choice(str(agency.pk), str(agency), " · ".join(filter(None, (str(agency.kind), area_name(area)))))


def area_name(node: Node | None) -> str:
    """Return the name of an area in the reader's language, an empty text for none."""
    if node is None:
        return ""
    english = (get_language() or "").startswith("en")
    return (node.name_en if english else "") or node.name


def _matches(words: str, *texts: str) -> bool:
    text = " ".join(texts).lower()
    return all(part in text for part in words.lower().split())


def _matching(agencies: Iterable[Agency], words: str) -> Iterable[Agency]:
    return (
        agency
        for agency in agencies
        if _matches(words, agency.name, agency.name_en, agency.pinyin, str(agency.kind))
    )


def _case_of(actor: Actor, number: str) -> Case | None:
    return Case.objects.visible_to(actor).filter(number=number).first() if number else None


@officers
def items_view(request: HttpRequest) -> JsonResponse:
    """Items for a picker by the words typed (q)."""
    found = item_choices(request.GET.get("q", "")[:60])
    return JsonResponse({"choices": [choice.to_json() for choice in found]})


@officers
def agencies_view(request: HttpRequest) -> JsonResponse:
    """Bodies for a picker: q (words typed), case (number: those that cover its place come first)."""
    case = _case_of(actor_of(request), request.GET.get("case", ""))
    found = agency_choices(request.GET.get("q", "")[:60], case.guard_lineage() if case else None)
    return JsonResponse({"choices": [choice.to_json() for choice in found]})


@dataclass(frozen=True, slots=True)
class AreaChoice:
    """An area to filter by; `depth` indents it."""

    id: int
    name: str
    depth: int


def area_choices(actor: Actor, chosen: int | None) -> list[AreaChoice]:
    """Return the areas an officer may narrow a list to: the tops of their hats, what is below, and the way
    down to the chosen one with its children."""
    known = tree()
    tops = dict.fromkeys(hat.area_id for hat in actor.hats_with(VIEW) if hat.area_id is not None)
    opened = {*tops, *(known.get(chosen).lineage if chosen is not None else ())}
    found: list[AreaChoice] = []

    def add(node: Node, depth: int) -> None:
        if all(node.id != one.id for one in found):
            found.append(AreaChoice(node.id, area_name(node), depth))
            if node.id in opened:
                for child in known.children(node.id):
                    add(child, depth + 1)

    for top in tops:
        if top is not None:
            add(known.get(top), 0)
    return found
