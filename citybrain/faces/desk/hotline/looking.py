"""What the system sees while an operator types: who called before, same matters near, item, urgency, knowledge.

Each part stands on its own: one that fails is left out with a word, the others still answer.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from citybrain.base.areas import index as area_index
from citybrain.base.areas.tree import Node, tree
from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor
from citybrain.faces.desk.choosing import area_name
from citybrain.faces.desk.doors import actor_of
from citybrain.faces.desk.hotline.answers import Entry, find
from citybrain.faces.desk.hotline.doors import hotline
from citybrain.faces.desk.hotline.live_reading import Heard, hear
from citybrain.faces.desk.hotline.readings import Guess
from citybrain.faces.desk.hotline.same import Same, Told, find_same
from citybrain.faces.desk.hotline.shown import TONES, title_of
from citybrain.faces.look import words
from citybrain.hub.cases import items, routing
from citybrain.hub.hotline.callers.looking import CallerView, look_up
from citybrain.hub.hotline.limits import limit_for
from citybrain.hub.hotline.states import State, Step, Urgency
from citybrain.hub.hotline.unsent import TAKE

log = logging.getLogger("citybrain.desk.hotline")
TEXT_MOST: Final = 20_000  # characters looked at while typing
PLACES_MOST: Final = 5
UNITS_MOST: Final = 3
WATCHED: Final = ("text", "phone", "place_text", "item", "area", "agency", "lon", "lat")
NOWHERE: Final[tuple[int | None, ...]] = (None, None, None, None, None)
NO_PLACES: Final[tuple["PlaceLine", ...]] = ()
NO_ENTRIES: Final[tuple[Entry, ...]] = ()
Part = TypeVar("Part")


@dataclass(frozen=True, slots=True)
class UrgencyLine:
    level: str
    said: str
    words: tuple[str, ...]
    limit: str


@dataclass(frozen=True, slots=True)
class PlaceLine:
    id: int
    name: str
    note: str
    full: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class ItemLine:
    code: str
    name: str
    why: str
    percent: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class UnitLine:
    id: int
    name: str
    why: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class BeforeLine:
    url: str
    line: str
    state: str
    tone: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CallerLine:
    """A caller in words. `care` is what an operator should mind."""

    caller_id: int
    shown: str
    is_repeat: bool
    recent_words: str
    open_tickets: int
    open_words: str
    care: str
    mark: bool
    tickets: tuple[BeforeLine, ...]


@dataclass(frozen=True, slots=True)
class Looked:
    """All that is shown beside the form. `failed` says which parts could not answer."""

    has_text: bool
    has_phone: bool
    urgency: UrgencyLine | None = None
    caller: CallerLine | None = None
    places: tuple[PlaceLine, ...] = ()
    items: tuple[ItemLine, ...] = ()
    no_item: bool = False
    doubt: str = ""
    units: tuple[UnitLine, ...] = ()
    same: tuple[Same, ...] = ()
    answers: tuple[Entry, ...] = ()
    failed: tuple[str, ...] = ()


@hotline
@require_POST
def look_view(request: HttpRequest) -> HttpResponse:
    """What the system sees of what is on the form now."""
    actor = actor_of(request)
    require(actor, TAKE)
    given = {name: request.POST.get(name, "") for name in WATCHED}
    return render(request, "desk/hotline/looked.html", {"looked": look(actor, given)})


def look(actor: Actor, given: Mapping[str, str], now: datetime | None = None) -> Looked:
    """Return what is known for a form's fields."""
    moment = now or timezone.now()
    text = given.get("text", "")[:TEXT_MOST].strip()
    failed: list[str] = []

    def part(name: str, act: Callable[[], Part], otherwise: Part) -> Part:
        try:
            return act()
        except Exception:
            log.exception("the part %s of the operator's screen failed", name)
            failed.append(_("“%(part)s”暂时不可用，不影响登记。") % {"part": name})
            return otherwise

    phone = given.get("phone", "").strip()
    caller = part(_("来电人"), lambda: _caller(actor, phone, moment), None)
    if not text:
        return Looked(False, bool(phone), caller=caller, failed=tuple(failed))
    heard = part(
        _("识别"), lambda: hear(text, given.get("place_text", ""), _whole(given.get("area", ""))), Heard()
    )
    places = part(_("地点"), lambda: _places(actor, heard, given), NO_PLACES)
    lineage = part(_("地点"), lambda: _lineage(given, places), NOWHERE)
    lines, none = _items(heard, given)
    code = next((one.code for one in lines if one.chosen), given.get("item", ""))
    lon, lat = _point(given)
    told = Told(text, code, lineage, lon, lat, moment)
    found = part(_("知识库"), lambda: find(actor, text, code), NO_ENTRIES)
    return Looked(
        has_text=True,
        has_phone=bool(phone),
        urgency=_urgency(heard),
        caller=caller,
        places=places,
        items=lines,
        no_item=none,
        doubt=heard.doubt,
        units=part(_("派给"), lambda: _units(code, lineage, given), ()),
        same=part(_("同类事"), lambda: find_same(actor, told), ()),
        answers=found,
        failed=tuple(dict.fromkeys(failed)),
    )


def _caller(actor: Actor, phone: str, now: datetime) -> CallerLine | None:
    known = look_up(actor, phone, now) if len(phone) >= 3 else None
    return caller_line(known) if known is not None else None


def caller_line(known: CallerView) -> CallerLine:
    """Return a caller in words."""
    return CallerLine(
        known.caller_id,
        known.shown,
        known.is_repeat,
        _often(known),
        known.open_tickets,
        _("%(n)d 件还没办完") % {"n": known.open_tickets},
        known.care,
        known.mark is not None,
        tuple(
            BeforeLine(
                reverse("desk:hotline_ticket", args=[one.number]),
                title_of(one),
                str(State(one.state).label),
                TONES[State(one.state)],
                one.received_at,
            )
            for one in known.tickets[:5]
        ),
    )  # fmt: skip


def _often(known: CallerView) -> str:
    if known.recent:
        return _("30 天内第 %(n)d 次") % {"n": known.recent + 1}
    return _("以前来过 %(n)d 次") % {"n": known.messages} if known.messages else _("第一次来电")


def _urgency(heard: Heard) -> UrgencyLine | None:
    if heard.urgency not in {Urgency.DANGER, Urgency.UTILITIES}:
        return None
    said = _("可能危及生命财产安全") if heard.urgency == Urgency.DANGER else _("可能是水电气热中断")
    limit = limit_for(Step.SIGNING, heard.urgency, False, timezone.localdate())
    return UrgencyLine(
        heard.urgency, said, heard.urgency_words, _("单位须在 %(n)d 分钟内签收") % {"n": limit.minutes}
    )


def _places(actor: Actor, heard: Heard, given: Mapping[str, str]) -> tuple[PlaceLine, ...]:
    """Return areas that may be meant, the chosen one first."""
    known = tree()
    chosen = _whole(given.get("area", ""))
    tops = [hat.area_id for hat in actor.hats_with(TAKE) if hat.area_id is not None]
    wanted = [*([chosen] if chosen is not None else []), *heard.areas]
    nodes = [known.find(one) for one in dict.fromkeys(wanted)]
    inside = [one for one in nodes if one is not None and any(known.contains(top, one.id) for top in tops)]
    only = inside[0].id if len(inside) == 1 else None
    return tuple(_place_line(one, one.id in (chosen, only)) for one in inside[:PLACES_MOST])


def _place_line(node: Node, chosen: bool) -> PlaceLine:
    known = tree()
    above = known.find(node.parent_id) if node.parent_id is not None else None
    full = known.full_name(node.id, english=words.is_english())
    return PlaceLine(node.id, area_name(node), area_name(above), full, chosen)


def _point(given: Mapping[str, str]) -> tuple[float | None, float | None]:
    try:
        return float(given.get("lon", "")), float(given.get("lat", ""))
    except ValueError:
        return None, None


def _lineage(given: Mapping[str, str], places: tuple[PlaceLine, ...]) -> tuple[int | None, ...]:
    """Return where it lies: by the point on the map, the chosen area, or the only area that may be meant."""
    lon, lat = _point(given)
    if lon is not None and lat is not None and abs(lon) <= 180 and abs(lat) <= 90:
        found = area_index.locate_one(lon, lat)
        if found is not None:
            return tuple(found)
    area = _whole(given.get("area", "")) or (places[0].id if len(places) == 1 else None)
    node = tree().find(area) if area is not None else None
    return tuple(node.lineage) if node is not None else NOWHERE


def _items(heard: Heard, given: Mapping[str, str]) -> tuple[tuple[ItemLine, ...], bool]:
    """Return the item guesses, the chosen one marked, and whether "none of these" is the answer."""
    chosen = given.get("item", "")
    guesses: list[Guess] = list(heard.guesses)
    first = chosen or ("" if heard.is_none or not guesses else guesses[0].code)
    lines = [ItemLine(one.code, one.name, one.why, one.percent, one.code == first) for one in guesses]
    if chosen and all(one.code != chosen for one in guesses):
        item = items.index().by_code.get(chosen)
        if item is not None:
            lines.insert(0, ItemLine(chosen, item.name, _("话务员选定"), "", chosen=True))
    return tuple(lines), bool(lines) and not first


def _units(code: str, lineage: tuple[int | None, ...], given: Mapping[str, str]) -> tuple[UnitLine, ...]:
    ranked = routing.rank(items.index().by_code.get(code), lineage, UNITS_MOST) if any(lineage) else []
    chosen = _whole(given.get("agency", ""))
    if ranked and all(one.agency_id != chosen for one in ranked):
        chosen = ranked[0].agency_id
    return tuple(
        UnitLine(one.agency_id, one.name, _("；").join(one.reasons), one.agency_id == chosen)
        for one in ranked
    )


def _whole(value: str) -> int | None:
    return int(value) if value.isascii() and value.isdigit() and len(value) < 18 else None
