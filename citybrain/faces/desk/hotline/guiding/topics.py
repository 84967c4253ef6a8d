"""热点: what many different people speak of now, on a list and on a map; one topic and what people decide on it."""

from datetime import datetime
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from citybrain.base.areas.tree import tree
from citybrain.base.identity.access import require
from citybrain.faces.desk.choosing import area_name
from citybrain.faces.desk.doors import actor_of
from citybrain.faces.desk.hotline.doors import hotline
from citybrain.faces.desk.hotline.outlines import outline_of
from citybrain.faces.desk.hotline.shown import rows_of, who_word
from citybrain.faces.desk.shell import page as shell_page
from citybrain.faces.look.charts import Chart, Series
from citybrain.hub.cases.errors import CaseError
from citybrain.hub.hotline.errors import BadInput, TicketError
from citybrain.hub.hotline.models.topic import RIGHT, Severity, TopicState, TopicWarning
from citybrain.hub.hotline.topics import actions, lists, mapfeed

TICKETS: Final = 50
TONES: Final = {
    Severity.NONE: "quiet", Severity.BLUE: "info", Severity.YELLOW: "due_soon", Severity.ORANGE: "late",
    Severity.RED: "urgent",
}  # fmt: skip
SHOWN: Final = (TopicState.ACTIVE, TopicState.QUIET, TopicState.DISMISSED)
STEADY: Final = 0.05  # around a half: neither growing nor fading
EVENTS: Final = {
    "opened": gettext_lazy("形成"), "joined": gettext_lazy("收进其他热点"), "quiet": gettext_lazy("平息"),
    "again": gettext_lazy("又有人说起"), "named": gettext_lazy("改名"), "dismissed": gettext_lazy("标为非热点"),
    "restored": gettext_lazy("恢复为热点"), "merged": gettext_lazy("并入其他热点"),
    "took": gettext_lazy("收进其他热点"),
    "split": gettext_lazy("拆分"), "parted": gettext_lazy("由拆分形成"), "moved": gettext_lazy("移动工单"),
    "case": gettext_lazy("立案"), "warned": gettext_lazy("预警"),
}  # fmt: skip


@hotline
@require_GET
def topics_view(request: HttpRequest) -> HttpResponse:
    """The topics of the reader's areas, hottest first; warnings nobody has seen; the map."""
    actor = actor_of(request)
    require(actor, RIGHT)
    state = _state(request)
    rows = lists.topics(actor, state=state)
    called = {one.id: one.name for one in rows}
    context = {
        "rows": [topic_line(one) for one in rows],
        "states": [(one.value, one.label, one == state) for one in SHOWN],
        "warnings": [_warning(one, called) for one in lists.warnings(actor)],
        "outline": outline_of(actor, RIGHT),
        "active": state == TopicState.ACTIVE,
    }
    return shell_page(request, "desk/hotline/guiding/topics.html", "hotline_topics", context)


def _state(request: HttpRequest) -> TopicState:
    given = request.GET.get("state", "")
    return TopicState(given) if given in TopicState.values else TopicState.ACTIVE


def topic_line(one: lists.TopicRow) -> dict[str, Any]:
    """Return a topic in words: how loud, how many people, growing or fading."""
    if one.growth > 0.5 + STEADY:
        trend = _("在增多")
    elif one.growth < 0.5 - STEADY:
        trend = _("在减少")
    else:
        trend = _("持平")
    return {
        "one": one,
        "url": reverse("desk:hotline_topic", args=[one.id]),
        "tone": TONES[one.severity],
        "word": _("%(colour)s预警") % {"colour": one.severity.label} if one.severity else "",
        "trend": trend,
    }


def _warning(one: TopicWarning, called: dict[int, str]) -> dict[str, Any]:
    """Return a warning in words; `called`: what the reader's topics are called now, else it has the name of its day."""
    return {
        "one": one,
        "name": called.get(one.topic_id, one.name),
        "tone": TONES[Severity(one.severity)],
        "word": Severity(one.severity).label,
        "place": area_name(tree().get(where)) if (where := _area_of(one)) is not None else "",
        "url": reverse("desk:hotline_topic", args=[one.topic_id]),
    }


def _area_of(one: TopicWarning) -> int | None:
    """Return the finest area that a warning is for."""
    return next((area for area in reversed(one.guard_lineage()) if area is not None), None)


@hotline
@require_GET
def map_view(request: HttpRequest) -> HttpResponse:
    """The active topics as points, each opening its page."""
    feed = mapfeed.feed(actor_of(request), _box(request.GET.get("box", "")))
    for feature in feed["features"]:
        told = feature["properties"]
        told["title"] = told["name"]
        told["label"] = _("%(n)d 人") % {"n": told["people"]}
        told["tone"] = TONES[Severity(told["severity"])]
        told["url"] = reverse("desk:hotline_topic", args=[told["id"]])
    return JsonResponse(feed, content_type="application/geo+json")


def _box(value: str) -> mapfeed.Box | None:
    try:
        west, south, east, north = (float(one) for one in value.split(","))
    except ValueError:
        return None
    return mapfeed.Box(west, south, east, north)


@hotline
@require_GET
def topic_view(request: HttpRequest, topic_id: int) -> HttpResponse:
    """One topic: who speaks of it, where, since when, and what can be done about it."""
    return _draw(request, topic_id)


def _draw(request: HttpRequest, topic_id: int, wrong: str = "", status: int = 200) -> HttpResponse:
    actor = actor_of(request)
    now = timezone.now()
    found = lists.topic(actor, topic_id, now)
    active = lists.topics(actor, now=now)
    areas = tree()
    context = {
        "line": topic_line(found.row),
        "one": found.row,
        "chart": _days(found, now),
        "areas": [(area_name(areas.get(area)), n) for area, n in found.areas],
        "rows": rows_of(list(found.tickets[:TICKETS]), now),
        "more": max(0, found.row.messages - TICKETS),
        "events": [_event(one) for one in found.events],
        "others": [(one.id, one.name) for one in active if one.id != topic_id],
        "may_change": found.row.state in SHOWN,
        "is_dismissed": found.row.state == TopicState.DISMISSED,
        "wrong": wrong,
        "given": request.POST.get("text", ""),
    }
    return shell_page(request, "desk/hotline/guiding/topic.html", "hotline_topics", context, status=status)


def _days(found: lists.TopicDetail, now: datetime) -> Chart:
    return Chart(
        key="topic-days",
        title=_("每天有多少人说起"),
        unit=_("人"),
        kind="bar",
        categories=[f"{day:%m-%d}" for day, _n in found.days],
        series=[Series(_("人数"), [n for _day, n in found.days])],
        size="sm",
        as_of=now,
    )


def _event(one: Any) -> dict[str, Any]:
    return {
        "at": one.at,
        "who": who_word(one.actor_name),
        "what": str(EVENTS.get(one.action, one.action)),
        "why": one.reason,
    }


@hotline
@require_POST
def step_view(request: HttpRequest, topic_id: int) -> HttpResponse:
    """Name, dismiss, restore, merge, split a topic, or open its case."""
    try:
        return _take(request, topic_id)
    except (TicketError, CaseError) as error:
        if error.status in {403, 404}:
            raise
        return _draw(request, topic_id, str(error), error.status)


def _take(request: HttpRequest, topic_id: int) -> HttpResponse:
    actor, given = actor_of(request), request.POST
    step, reason = given.get("then", ""), given.get("reason", "")
    to = topic_id
    if step == "name":
        actions.name_topic(actor, topic_id, given.get("name", ""))
        said = _("已改名。")
    elif step == "dismiss":
        actions.dismiss_topic(actor, topic_id, reason)
        said = _("已标为非热点，不再预警。")
    elif step == "restore":
        actions.restore_topic(actor, topic_id, reason)
        said = _("已恢复为热点。")
    elif step == "merge":
        to = _number(given.get("into", ""))
        actions.merge_topics(actor, topic_id, to, reason)
        said = _("已并入。")
    elif step == "split":
        to = actions.split_topic(actor, topic_id, [_number(one) for one in given.getlist("ticket")], reason)
        said = _("已拆分为新的热点。")
    elif step == "case":
        opened = actions.open_case(actor, topic_id, given.get("text", ""))
        said = _("已立案 %(number)s，%(tied)d 件工单随案办理。") % {
            "number": opened.number, "tied": opened.tied,
        }  # fmt: skip
    else:
        raise BadInput(_("没有这个操作。"), "then")
    messages.success(request, said)
    return HttpResponseRedirect(reverse("desk:hotline_topic", args=[to]))


def _number(value: str) -> int:
    if not value.isdigit():
        raise BadInput(_("请选择。"))
    return int(value)


@hotline
@require_POST
def warning_view(request: HttpRequest, warning_id: int) -> HttpResponse:
    """Say that a warning was seen, and what is done."""
    actions.see_warning(actor_of(request), warning_id, request.POST.get("said", ""))
    messages.success(request, _("已记录。"))
    return HttpResponseRedirect(reverse("desk:hotline_topics"))
