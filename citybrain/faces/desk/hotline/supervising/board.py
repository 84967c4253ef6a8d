"""看板: what waits and how late, what today brought, the rates by area and unit; each figure opens its list."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from citybrain.base.areas.tree import tree
from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor
from citybrain.base.worktime import calendar as calendars
from citybrain.faces.desk.addresses import query
from citybrain.faces.desk.choosing import area_name
from citybrain.faces.desk.doors import actor_of
from citybrain.faces.desk.hotline.doors import hotline
from citybrain.faces.desk.hotline.guiding.topics import topic_line
from citybrain.faces.desk.hotline.rate_words import definition_words
from citybrain.faces.desk.hotline.shown import TONES
from citybrain.faces.desk.hotline.supervising.news import news_for
from citybrain.faces.desk.hotline.supervising.spans import SPANS, Span, span_of
from citybrain.faces.desk.shell import page as shell_page
from citybrain.hub.hotline import board, filters, limits, rates
from citybrain.hub.hotline.access import VIEW
from citybrain.hub.hotline.models import Watch
from citybrain.hub.hotline.models.topic import RIGHT as TOPICS
from citybrain.hub.hotline.rates import PERMISSION, Definition, Rate
from citybrain.hub.hotline.readers import shifting, using
from citybrain.hub.hotline.rows import agency_name
from citybrain.hub.hotline.states import State, Step, Urgency
from citybrain.hub.hotline.topics import lists as topic_lists

UNITS: Final = 15
UNITS_RATED: Final = 20  # units whose rates are shown unless all are asked for
TOPICS_SHOWN: Final = 5
RATES: Final = ("response", "resolution", "satisfaction")
BELOW: Final = {1: "district", 2: "street"}


Opens = Callable[..., str]


def _closed(_key: str, **_asked: object) -> str:
    """Return no address: there is no list of just these tickets."""
    return ""


class Links:
    """Addresses of the lists behind figures; empty for who sees figures only."""

    def __init__(self, actor: Actor) -> None:
        self.opens = actor.may(VIEW)

    def __call__(self, key: str, **asked: object) -> str:
        return reverse("desk:hotline_work", args=[key]) + query(asked) if self.opens else ""


@hotline
@require_GET
def board_view(request: HttpRequest) -> HttpResponse:
    """The board: now, today, and the rates of a span (?days= or ?since=&until=) within an area (?area=).

    `?units=all` shows the rates of every unit.
    """
    actor = actor_of(request)
    require(actor, PERMISSION)
    now, span, links = timezone.now(), span_of(request), Links(actor)
    area = filters.read({"area": request.GET.get("area", "")}).area_id
    standing = board.standing(actor, now)
    context = {
        "now": now,
        "figures": _figures(standing, links),
        "states": _states(standing, links),
        "signing": _signing(standing, links),
        "units": _units(standing, links),
        "today": _today(actor, now, links),
        "automatic": automatic(actor),
        "news": news_for(actor),
        "topics": _topics(actor, now),
        **_rates(actor, span, area, now, links, every=request.GET.get("units") == "all"),
    }
    return shell_page(request, "desk/hotline/supervising/board.html", "hotline_board", context)


def _figures(standing: board.Standing, links: Opens) -> list[dict[str, Any]]:
    unsigned = sum(one.late for one in standing.signing.values())
    whole, received = standing.whole, standing.states.get(State.RECEIVED, board.Count())
    return [
        {"label": _("在办"), "value": whole.waiting, "url": links("open"), "tone": ""},
        {"label": _("待受理"), "value": received.waiting, "url": links("open", state=10), "tone": ""},
        {"label": _("签收超时"), "value": unsigned, "url": links("late", state=30), "tone": "late" if unsigned else ""},
        {"label": _("已超时"), "value": whole.late, "url": links("late"), "tone": "late" if whole.late else ""},
    ]  # fmt: skip


def _line(count: board.Count, links: Opens, **asked: object) -> dict[str, Any]:
    """Return waiting and late of one row, each with its list."""
    return {
        "waiting": count.waiting,
        "url": links("open", **asked),
        "late": count.late,
        "late_url": links("late", **asked),
        "oldest": count.oldest,
    }


def _states(standing: board.Standing, links: Opens) -> list[dict[str, Any]]:
    return [
        {"name": state.label, "tone": TONES[state], **_line(standing.states[state], links, state=state.value)}
        for state in State
        if state in standing.states
    ]


def _signing(standing: board.Standing, links: Opens) -> list[dict[str, Any]]:
    """Return what units have not signed for yet, by urgency, with the limit that holds."""
    rows = []
    for urgency in Urgency:
        count = standing.signing.get(urgency, board.Count())
        asked = {"state": State.DISPATCHED.value, "urgency": urgency.value}
        rows.append({"name": urgency.label, "limit": limit_words(urgency), **_line(count, links, **asked)})
    return rows


def limit_words(urgency: Urgency) -> str:
    """Return the limit for signing in words."""
    limit = limits.limit_for(Step.SIGNING, urgency, False, timezone.localdate())
    day = calendars.current().day_minutes
    if limit.working and limit.minutes % day == 0:
        days = limit.minutes // day
        return ngettext("%(n)d 个工作日", "%(n)d 个工作日", days) % {"n": days}
    if limit.working:
        return _("%(n)d 分钟（工作时间）") % {"n": limit.minutes}
    return _("%(n)d 分钟") % {"n": limit.minutes}


def _units(standing: board.Standing, links: Opens) -> list[dict[str, Any]]:
    rows = []
    for agency_id, count in standing.busiest(UNITS):
        unsigned = standing.unsigned.get(agency_id, board.Count())
        rows.append(
            {
                "name": agency_name(agency_id) or "–",
                **_line(count, links, lead=agency_id),
                "unsigned": unsigned.late,
                "unsigned_url": links("late", lead=agency_id, state=State.DISPATCHED.value),
            }
        )
    return rows


def _today(actor: Actor, now: datetime, links: Opens) -> dict[str, Any]:
    told, day = board.today(actor, now), timezone.localdate(now).isoformat()
    share = told.automatic / told.received if told.received else None
    return {
        "told": told,
        "automatic": percent(share),
        "received_url": links("all", since=day, until=day),
        "phone_url": links("all", since=day, until=day, channel="phone"),
        "direct_url": links("all", since=day, until=day, counted="direct.above") if _knows("direct") else "",
        "urgent_url": links("all", since=day, until=day, urgency="danger,utilities"),
    }


def _knows(key: str) -> bool:
    return any(one.key == key for one in rates.definitions())


def percent(share: float | None) -> str:
    return "–" if share is None else f"{share * 100:.1f} %"


def automatic(actor: Actor) -> dict[str, Any]:
    """Return which classes are not dispatched by themselves, and why. Three queries at the most."""
    row = using.in_use()
    told: dict[str, Any] = {
        "url": reverse("desk:hotline_reading") if actor.may(using.MANAGE) else "",
        "model": row is not None,
        "promises": row is not None and row.threshold is not None,
        "off": [],
        "classes": 0,
        "shifted": False,
    }
    if row is not None:
        told["off"] = list(Watch.objects.filter(scheme=row.scheme, label__in=row.labels, on=False))
        told["classes"] = len(row.labels)
        told["shifted"] = shifting.standing() is not None
    return told


def _topics(actor: Actor, now: datetime) -> list[dict[str, Any]] | None:
    """Return the hottest topics, None for who has no part in them."""
    if not actor.may(TOPICS):
        return None
    return [topic_line(one) for one in topic_lists.topics(actor, limit=TOPICS_SHOWN, now=now)]


def _rates(
    actor: Actor, span: Span, area: int | None, now: datetime, links: Opens, *, every: bool
) -> dict[str, Any]:
    """Return the rates of a span: overall, by the areas below, by unit (those with most tickets). One statement."""
    chosen = rates.definitions(span.first)
    main = [one for one in chosen if one.key in RATES] or list(chosen[:3])
    within = filters.read({"area": str(area or "")})
    asked = {**span.asked, "area": area}

    level = _level(actor, area)
    groups = ("", "agency", *([level] if level else []))
    rows = rates.several(actor, span.since, span.until, groups, filters=within, now=now)
    overall = next(iter(rows[""]), None)
    units = rows["agency"]
    shown = len(units) if every else UNITS_RATED
    kept = {"days": span.key or None, **({} if span.key else span.asked)}
    return {
        "span": span,
        "area": area_name(tree().get(area)) if area is not None else "",
        "area_id": area or "",
        "whole": query(kept) or "?",
        "spans": [(key, label, query({"days": key, "area": area}), key == span.key) for key, label in SPANS.items()],
        "overall": [_overall(one, overall.rates[one.key] if overall else Rate(0, 0), asked, links) for one in chosen],
        "columns": [one.name for one in main],
        "areas_rates": [_area_row(row, main, kept, span, links) for row in (rows[level] if level else [])],
        "units_rates": [_unit_row(row, main, asked, links) for row in units[:shown]],
        "units_all": len(units),
        "units_url": query({**kept, "area": area, "units": "all"}) if len(units) > shown else "",
    }  # fmt: skip


def _level(actor: Actor, area: int | None) -> str:
    """Return by which areas the rates are told: those below the chosen one, or below the widest of the reader's."""
    if area is not None:
        return BELOW.get(tree().get(area).level, "")
    levels = [hat.area_level for hat in actor.hats_with(PERMISSION) if hat.area_level is not None]
    return BELOW.get(min(levels, default=0), "")


def _cell(one: Definition, rate: Rate, asked: dict[str, Any], links: Opens) -> dict[str, Any]:
    """Return a rate as its share, and what it divides; what is below the line opens the tickets that it counts."""
    return {
        "name": one.name,
        "share": percent(rate.value),
        "above": rate.above,
        "below": rate.below,
        "below_url": links("all", **asked, counted=f"{one.key}.below") if rate.below else "",
    }


def _overall(one: Definition, rate: Rate, asked: dict[str, Any], links: Opens) -> dict[str, Any]:
    """Return a rate with its definition, each of its figures opening the tickets that it counts."""
    return {
        **_cell(one, rate, asked, links),
        "missed": rate.below - rate.above,
        **{
            f"{part}_url": links("all", **asked, counted=f"{one.key}.{part}")
            for part in ("above", "below", "missed")
        },
        "words": definition_words(one),
    }


def _area_row(
    row: rates.Row, main: list[Definition], kept: dict[str, Any], span: Span, links: Opens
) -> dict[str, Any]:
    node = tree().find(row.group) if row.group is not None else None
    opens = links if node is not None else _closed
    asked = {**span.asked, "area": row.group}
    return {
        "name": area_name(node) or _("位置未知"),
        "url": query(kept, area=row.group) if node is not None else "",
        "cells": [_cell(one, row.rates[one.key], asked, opens) for one in main],
    }


def _unit_row(row: rates.Row, main: list[Definition], asked: dict[str, Any], links: Opens) -> dict[str, Any]:
    opens = links if row.group is not None else _closed
    return {
        "name": agency_name(row.group) or (_("热线自办") if row.group is None else "–"),
        "url": "",
        "cells": [_cell(one, row.rates[one.key], {**asked, "lead": row.group}, opens) for one in main],
    }
