"""How a roster is told on the screens: its columns, rows, counts and filters; and what an address asks of it."""

from typing import Any, Final
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from citybrain.base.areas.tree import Node
from citybrain.base.catalogue.models import DataSet
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.errors import Refused
from citybrain.faces.desk.data.sets import number
from citybrain.hub.forms.knowing.cells import Cell, Filled, State
from citybrain.hub.forms.rosters import Asked, Page, RosterRow, visits

TONES: Final = {
    "stale": "due_soon",
    "conflict": "late",
    "disputed": "info",
    "down": "quiet",
    "no_right": "paused",
}
WORDS: Final = {
    "stale": gettext_lazy("已旧"),
    "conflict": gettext_lazy("有出入"),
    "disputed": gettext_lazy("异议中"),
    "answered": gettext_lazy("往次填报"),
    "down": gettext_lazy("来源中断"),
    "no_right": gettext_lazy("无权显示"),
}
OP_WORDS: Final = {
    "eq": gettext_lazy("等于"),
    "ne": gettext_lazy("不等于"),
    "contains": gettext_lazy("包含"),
    "prefix": gettext_lazy("开头是"),
    "lt": gettext_lazy("小于"),
    "le": gettext_lazy("不大于"),
    "gt": gettext_lazy("大于"),
    "ge": gettext_lazy("不小于"),
    "empty": gettext_lazy("为空"),
    "filled": gettext_lazy("不为空"),
}
SHORT: Final = 18  # characters that stay on one line
UNREAD: Final = frozenset({State.NO_RIGHT, State.DOWN})


def asked_of(sent: QueryDict) -> Asked:
    """Return what the address asks for. Raises Refused."""
    where = [part.split("~", 2) for part in sent.getlist("where") if part.count("~") == 2]
    fields, ops, values = (sent.getlist(name) for name in ("field", "op", "value"))
    where += [list(one) for one in zip(fields, ops, values, strict=False) if one[0]]
    told = {
        "where": [[part.replace("\x00", "") for part in one] for one in where],
        "search": sent.get("q", "").replace("\x00", ""),
        "sort": sent.get("sort", ""),
        "down": sent.get("down") == "1",
        "page": number(sent.get("page", "")) or 1,
        "visited": sent.get("visited", ""),
        "changed": sent.get("changed", ""),
    }
    return Asked.from_json(told)


def address(area: Node, asked: Asked, **other: Any) -> str:
    """Return the address of a view of a roster; `other` changes parts of it, None takes one away."""
    parts: dict[str, Any] = {
        "area": area.id,
        "where": [f"{one.field}~{one.op}~{one.value}" for one in asked.where],
        "q": asked.search,
        "sort": asked.sort,
        "down": "1" if asked.down else "",
        "visited": asked.visited,
        "changed": asked.changed,
        **other,
    }
    return "?" + urlencode({name: value for name, value in parts.items() if value}, doseq=True)


def source_names(columns: tuple[Filled, ...]) -> dict[str, str]:
    """Return the names of the data sets columns are read from, by code. One query."""
    codes = {one.column.dataset for one in columns}
    return {one.code: one.name for one in DataSet.objects.filter(code__in=codes)}


def columns_told(page: Page, area: Node, asked: Asked) -> list[dict[str, Any]]:
    names = source_names(page.columns)
    first = asked.sort or (page.columns[0].column.field if page.columns else "")
    return [
        {
            "field": one.column.field,
            "name": one.column.name,
            "source": names.get(one.column.dataset, ""),
            "as_of": one.as_of,
            "tone": TONES.get(str(one.state), ""),
            "word": WORDS.get(str(one.state), ""),
            "why": one.why,
            "readable": one.state not in UNREAD,
            "sorted": ("descending" if asked.down else "ascending") if one.column.field == first else "",
            "url": address(
                area,
                asked,
                sort=one.column.field,
                down="1" if one.column.field == first and not asked.down else None,
            ),
        }
        for one in page.columns
    ]


def cell_of(cell: Cell, column: Filled, *, changed: bool) -> dict[str, Any]:
    """Return a cell: its value, and a mark where there is something to say about it alone."""
    state = str(cell.state)
    own = cell.state != column.state and state in WORDS
    return {
        "value": cell.value,
        "long": len(cell.value) > SHORT,
        "tone": TONES.get(state, "quiet") if own else "",
        "word": str(WORDS[state]) if own else "",
        "changed": changed,
        "as_of": cell.as_of,
    }


def row_told(one: RosterRow, page: Page, key: str, area: Node) -> dict[str, Any]:
    cells = [
        cell_of(cell, column, changed=column.column.letter in one.changed)
        for cell, column in zip(one.cells, page.columns, strict=True)
    ]
    today = timezone.localdate()
    return {
        "cells": cells,
        "href": f"{reverse('desk:forms_roster_person', args=[key, one.token])}?area={area.id}",
        "name": cells[0]["value"] if cells and cells[0]["value"] else _("（无姓名）"),
        "second": " · ".join(_second(one, page)),
        "change": one.change,
        "visits": one.visits,
        "last": one.last_visit,
        "due": one.next_on if one.next_on and one.next_on <= today else None,
        "next": one.next_on if one.next_on and one.next_on > today else None,
    }


def _second(one: RosterRow, page: Page) -> list[str]:
    """Return what stands below the name on a phone: two short values, nothing sensitive."""
    pairs = zip(one.cells[1:], page.columns[1:], strict=True)
    return [
        cell.value
        for cell, column in pairs
        if cell.value and len(cell.value) < SHORT and column.column.personal != "sensitive"
    ][:2]


def chips_told(page: Page, area: Node, asked: Asked) -> list[dict[str, str]]:
    names = {one.column.field: one.column.name for one in page.columns}
    found = []
    for one in asked.where:
        rest = [f"{each.field}~{each.op}~{each.value}" for each in asked.where if each is not one]
        text = " ".join(filter(None, [names.get(one.field, one.field), str(OP_WORDS[one.op]), one.value]))
        found.append({"text": text, "href": address(area, asked, where=rest)})
    return found


def counts_told(page: Page, area: Node, asked: Asked) -> list[dict[str, Any]]:
    """Return what is told above the list: members, who came, changed, left, whom to visit."""
    told = [{"label": _("在册"), "value": page.members, "href": address(area, Asked())}]
    ways = (
        ("new", _("新增"), {"changed": "new"}),
        ("changed", _("有变化"), {"changed": "changed"}),
        ("left", _("移出"), None),
        ("due", _("到期应走访"), {"visited": "due"}),
        ("never", _("从未走访"), {"visited": "never"}),
    )
    for key, label, way in ways:
        if key in page.counts:
            href = address(area, Asked(), **way) if way and page.counts[key] else ""
            told.append({"label": label, "value": page.counts[key], "href": href, "key": key})
    return told


def views_told(actor: Actor, key: str, area: Node, asked: Asked) -> list[dict[str, Any]]:
    found = []
    for one in visits.views(actor, key):
        try:
            kept = Asked.from_json(one.asked)
        except Refused:
            continue
        on = kept.to_json() == asked.to_json()
        found.append({"one": one, "href": address(area, kept), "on": on})
    return found


def missing_told(page: Page) -> list[str]:
    """Return which data sets should have told who stands here and could not, with why."""
    names = (
        {one.code: one.name for one in DataSet.objects.filter(code__in=page.not_asked)}
        if page.not_asked
        else {}
    )
    told = {"no_right": _("没有授权"), "down": _("来源中断，或今日授权的数据量已用完")}
    return [f"{names.get(code, code)}（{told.get(why, why)}）" for code, why in page.not_asked.items()]
