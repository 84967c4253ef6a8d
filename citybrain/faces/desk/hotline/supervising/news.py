"""What became of automatic dispatch, before the hotline's managers: what waits for their word, what changed of late."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor
from citybrain.faces.desk.doors import actor_of
from citybrain.faces.desk.hotline.doors import hotline
from citybrain.hub.hotline.models import ReaderEvent
from citybrain.hub.hotline.readers import news


def news_for(actor: Actor) -> dict[str, Any] | None:
    """Return what a manager is shown, None for anybody else. Three queries at the most."""
    if not actor.may(news.MANAGE):
        return None
    waiting, recent = news.waiting(actor), news.recent(actor, timezone.now())
    names = news.names([*waiting, *recent])
    return {
        "waiting": [_line(one, names) for one in waiting],
        "recent": [_line(one, names) for one in recent],
    }


def _line(one: ReaderEvent, names: dict[str, str]) -> dict[str, Any]:
    return {
        "one": one,
        "by": names.get(one.by, _("系统")),
        "ended_by": names.get(one.ended_by, ""),
        "may_leave": one.waits and one.kind == ReaderEvent.Kind.CLASS_OFF,
    }


@hotline
@require_GET
def news_view(request: HttpRequest) -> HttpResponse:
    """The same part of a page, fetched anew when something changed."""
    actor = actor_of(request)
    require(actor, news.MANAGE)
    return render(request, "desk/hotline/supervising/news.html", {"news": news_for(actor)})


@hotline
@require_POST
def seen_view(request: HttpRequest, event_id: int) -> HttpResponse:
    """Let a class stay switched off, with what was found."""
    news.acknowledge(actor_of(request), event_id, request.POST.get("note", ""))
    messages.success(request, _("已记录，该分类保持停用。"))
    return HttpResponseRedirect(reverse("desk:hotline_reading"))
