"""What officers look up: items in versions, areas as a tree, the working calendar."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from citybrain.base.areas.models import Level
from citybrain.base.areas.tree import Node, tree
from citybrain.base.identity.models import AgencyKind
from citybrain.base.worktime import calendar as calendars
from citybrain.base.worktime.calendar import MissingYear
from citybrain.faces.desk.addresses import query
from citybrain.faces.desk.choosing import area_name, class_path, item_choices
from citybrain.faces.desk.doors import actor_of, officers
from citybrain.faces.desk.shell import page as shell_page
from citybrain.faces.look import words
from citybrain.hub.cases import items
from citybrain.hub.cases.models import Item
from citybrain.hub.cases.revisions import MANAGE, differences


@dataclass(frozen=True, slots=True)
class ItemClass:
    """One class with its items in the order of codes."""

    code: str
    name: str
    items: list[Item]


@officers
@require_GET
def items_view(request: HttpRequest) -> HttpResponse:
    """The items in force by class, narrowed by words and by class or subclass, with who leads and the limits."""
    asked = request.GET.get("q", "").strip()[:60]
    within = request.GET.get("class", "").strip()[:4]
    by_code = items.index().by_code
    found = [by_code[one.value] for one in item_choices(asked, most=len(by_code))]
    wanted = [item for item in found if item.code.startswith(within)]
    groups: dict[str, ItemClass] = {}
    for item in sorted(wanted, key=lambda one: one.code):
        name = class_path(item).split(" / ", 1)[0]
        groups.setdefault(item.class_code, ItemClass(item.class_code, name, [])).items.append(item)
    context = {
        "filters": _item_filters(asked, within, by_code.values()),
        "clear_url": reverse("desk:items"),
        "may_manage": actor_of(request).may(MANAGE),
        "groups": list(groups.values()),
        "total": len(wanted),
        "kinds": {kind.key: str(kind) for kind in AgencyKind.objects.all()},
    }
    return shell_page(request, "desk/reference/items.html", "items", context)


def _item_filters(asked: str, within: str, known: Iterable[Item]) -> list[dict[str, Any]]:
    """Return the filter bar: words, and classes each followed by its subclasses."""
    options: dict[str, str] = {}
    for item in sorted(known, key=lambda one: one.code):
        top, below = class_path(item).split(" / ", 1)
        options.setdefault(item.class_code, top)
        options.setdefault(item.subclass_code, f"\N{NO-BREAK SPACE}· {below}")
    return [
        {"kind": "search", "name": "q", "label": _("名称、拼音、市民用语、类别或编码"), "value": asked},
        {
            "kind": "select",
            "name": "class",
            "label": _("全部类别"),
            "value": within,
            "options": [*options.items()],
        },
    ]


@officers
@require_GET
def item_view(request: HttpRequest, code: str) -> HttpResponse:
    """One item with all its versions, the newest first, and what each changed."""
    versions = list(Item.objects.filter(code=code).order_by("-valid_from"))
    if not versions:
        raise Http404
    kinds = {kind.key: str(kind) for kind in AgencyKind.objects.all()}
    today = timezone.localdate()
    current = next((one for one in versions if one.valid_from <= today), versions[0])
    earlier = [*versions[1:], None]
    context = {
        "versions": [
            Version(one, changes(before, one, kinds)) for one, before in zip(versions, earlier, strict=True)
        ],
        "item": current,
        "newest": versions[0],
        "upcoming": versions[0].valid_from > today and versions[0].valid_until is None,
        "kinds": kinds,
        "path": class_path(current),
        "may_manage": actor_of(request).may(MANAGE),
    }
    return shell_page(request, "desk/reference/item.html", "items", context)


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an item with (label, before, after) of what it changed; none for the first."""

    item: Item
    changes: list[tuple[str, str, str]]


def changes(before: Item | None, after: Item, kinds: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Return what a version changed, as people read it."""
    if before is None:
        return []

    def said(value: Any) -> str:
        if isinstance(value, bool):
            return _("是") if value else _("否")
        return kinds.get(value, value) or "–"

    return [(one.label, said(one.before), said(one.after)) for one in differences(before, after)]


@dataclass(frozen=True, slots=True)
class AreaLine:
    """One area below the open one, with how many areas are right below it."""

    node: Node
    name: str
    level: str
    below: int


@officers
@require_GET
def areas_view(request: HttpRequest, area_id: int | None = None) -> HttpResponse:
    """The tree of areas: one open, the way up, and what is right below it with its outline."""
    known = tree()
    root = known.roots()[0] if known.roots() else None
    node = known.find(area_id) if area_id is not None else root
    if area_id is not None and node is None:
        raise Http404
    below = known.children(node.id) if node is not None else []
    context = {
        "node": node,
        "name": area_name(node),
        "level": str(Level(node.level).label) if node else "",
        "outline": _outline(node, bool(below)),
        "way": [(one.id, area_name(one)) for one in known.ancestors(node.id)[:-1]] if node else [],
        "lines": [
            AreaLine(one, area_name(one), str(Level(one.level).label), len(known.children(one.id)))
            for one in below
        ],
    }
    return shell_page(request, "desk/reference/areas.html", "areas", context)


def _outline(node: Node | None, has_below: bool) -> str:
    """Return the address of the outlines of what is right below an area, of itself where nothing is."""
    if node is None:
        return ""
    level = node.level + 1 if has_below else node.level
    return reverse("desk:map_areas") + query(
        {"level": level, "within": node.id, "zoom": 9 + level, "links": "1" if has_below else None}
    )


@dataclass(frozen=True, slots=True)
class DayCell:
    """One square of the calendar; `day` None fills a week. `kind` is one of worktime's DayKind values."""

    day: date | None
    kind: str = ""
    name: str = ""
    today: bool = False


@officers
@require_GET
def calendar_view(request: HttpRequest, year: int | None = None) -> HttpResponse:
    """A year of working days, holidays and days worked instead; a missing year says which file is missing."""
    chosen = year or timezone.localdate().year
    if not 2000 <= chosen <= 2100:
        raise Http404
    context: dict[str, Any] = {"year": chosen, "before": chosen - 1, "after": chosen + 1}
    try:
        context["months"] = months(chosen)
        context["workdays"] = workdays(chosen)
    except MissingYear as missing:
        context["missing"] = missing.year
    return shell_page(request, "desk/reference/calendar.html", "calendar", context)


def workdays(year: int) -> int:
    """Return how many days of a year are worked. Raises MissingYear."""
    known = calendars.current()
    days = (date(year + 1, 1, 1) - date(year, 1, 1)).days
    return sum(known.day(date(year, 1, 1) + timedelta(days=n)).works for n in range(days))


def months(year: int) -> list[tuple[str, list[list[DayCell]]]]:
    """Return twelve months as weeks of seven days, Monday first. Raises MissingYear."""
    drawn: list[tuple[str, list[list[DayCell]]]] = []
    for month in range(1, 13):
        first = date(year, month, 1)
        after = date(year + month // 12, month % 12 + 1, 1)
        days: list[DayCell] = [DayCell(None)] * first.weekday()
        days += [day_of(first + timedelta(days=n)) for n in range((after - first).days)]
        days += [DayCell(None)] * (-len(days) % 7)
        drawn.append((_("%(n)d月") % {"n": month}, [days[i : i + 7] for i in range(0, len(days), 7)]))
    return drawn


def day_of(day: date) -> DayCell:
    """Return what a day is in the working calendar. Raises MissingYear."""
    known = calendars.current().day(day)
    name = (known.holiday.name_en if words.is_english() else known.holiday.name) if known.holiday else ""
    return DayCell(day, known.kind.value, name, day == timezone.localdate())
