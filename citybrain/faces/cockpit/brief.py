"""日报: one A4 page of an area with the figures of the screen, each chart with its numbers."""

from datetime import datetime
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from citybrain.base.areas.tree import tree
from citybrain.faces.cockpit import feed, measures, pictures
from citybrain.faces.cockpit.chosen import name_of, read
from citybrain.faces.cockpit.doors import LOOK, actor_of, leaders
from citybrain.faces.cockpit.vitals import Pulse, pulse, vitals
from citybrain.faces.look.words import is_english
from citybrain.hub.cases import figures

AREAS_MOST: Final = 16
CLASSES_MOST: Final = 5
CASES_MOST: Final = 5
WEEKDAYS: Final = ("一", "二", "三", "四", "五", "六", "日")


@leaders
@never_cache
@require_GET
def brief_view(request: HttpRequest) -> HttpResponse:
    """The day's brief of the area looked at, ready for paper."""
    actor = actor_of(request)
    chosen = read(actor, request.GET)
    now = timezone.now()
    beat = pulse(actor, chosen, now)
    lines = sorted(measures.lines(actor, chosen.area, chosen.days, now), key=lambda line: -line.now.open)
    classes = figures.by_class(actor, chosen.days, chosen.filters, now, permission=LOOK)[:CLASSES_MOST]
    counted = measures.total(lines)
    context: dict[str, Any] = {
        "chosen": chosen,
        "now": now,
        "me": actor,
        "area_name": name_of(chosen.area),
        "full_name": tree().full_name(chosen.area.id, english=is_english()),
        "day": day_words(now),
        "vitals": vitals(chosen, beat),
        "beat": beat,
        "days": [(timezone.localtime(one.at), one) for one in beat.days],
        "days_chart": pictures.days_chart(chosen, beat, size="sm"),
        "classes_chart": pictures.classes_chart(chosen, beat, classes, size="sm", most=CLASSES_MOST),
        "classes": [(pictures.class_names().get(one.code, one.code), one.count) for one in classes],
        "lines": [(line, name_of(line.node)) for line in lines[:AREAS_MOST]],
        "left_out": max(0, len(lines) - AREAS_MOST),
        "counted": counted,
        "elsewhere": beat.today.open - counted[0] if lines else 0,
        "first": feed.first_cases(actor, chosen, now, CASES_MOST),
        "sentence": sentence(beat),
        "back": chosen.url(),
    }
    return render(request, "cockpit/brief.html", context)


def day_words(now: datetime) -> str:
    """Return the day of the brief: 2026年11月21日 星期六."""
    local = timezone.localtime(now)
    if is_english():
        return f"{local:%A}, {local.day} {local:%B %Y}"
    return f"{local.year}年{local.month}月{local.day}日 星期{WEEKDAYS[local.weekday()]}"


def sentence(beat: Pulse) -> str:
    """Return the day in one sentence."""
    return _(
        "截至 %(at)s，今日上报 %(reported)d 件、办结 %(closed)d 件；"
        "在办 %(open)d 件，其中超时 %(late)d 件、紧急 %(urgent)d 件。"
    ) % {
        "at": timezone.localtime(beat.now).strftime("%H:%M"),
        "reported": beat.today.reported,
        "closed": beat.days[-1].closed if beat.days else 0,
        "open": beat.today.open,
        "late": beat.today.late,
        "urgent": beat.today.urgent,
    }
