"""来电人: who calls again and again and whose matter may not be solved; marks for nuisance, decided with care."""

from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor
from citybrain.faces.desk.doors import actor_of
from citybrain.faces.desk.hotline.doors import hotline
from citybrain.faces.desk.hotline.looking import caller_line
from citybrain.faces.desk.hotline.shown import rows_of
from citybrain.faces.desk.shell import page as shell_page
from citybrain.hub.cases.errors import CaseError
from citybrain.hub.hotline.callers import marks
from citybrain.hub.hotline.callers.looking import look_at, look_up, repeat_callers
from citybrain.hub.hotline.callers.looking import marks as all_marks
from citybrain.hub.hotline.errors import NotFound, TicketError
from citybrain.hub.hotline.models import CallerMark
from citybrain.hub.hotline.models.caller import MarkState

TAKE: Final = "hotline.take"
DECIDE: Final = "hotline.callers"
MARKS_MOST: Final = 20
DAYS_FIRST: Final = 30


@hotline
@require_GET
def callers_view(request: HttpRequest) -> HttpResponse:
    """Look a number up; for the manager: who comes again and again, and the marks to decide on."""
    actor = actor_of(request)
    require(actor, TAKE)
    now = timezone.now()
    decides = actor.may(DECIDE)
    context = {
        "decides": decides,
        "repeats": repeat_callers(actor, now) if decides else [],
        "marks": [mark_line(one, actor, now) for one in all_marks(actor, MARKS_MOST)] if decides else [],
        "latest": timezone.localdate(now + marks.LONGEST),
        "first_end": timezone.localdate(now + timedelta(days=DAYS_FIRST)),
    }
    return shell_page(request, "desk/hotline/callers.html", "hotline_callers", context)


@hotline
@require_POST
def find_view(request: HttpRequest) -> HttpResponse:
    """Open the caller of a number; the number goes by POST, so that it stands in no log."""
    known = look_up(actor_of(request), request.POST.get("phone", ""))
    if known is None:
        messages.info(request, _("这个号码没有来过电话。"))
        return HttpResponseRedirect(reverse("desk:hotline_callers"))
    return HttpResponseRedirect(reverse("desk:hotline_caller", args=[known.caller_id]))


@hotline
@require_GET
def caller_view(request: HttpRequest, caller_id: int) -> HttpResponse:
    """One caller: what they told before, what to mind, and the mark if there is one."""
    return _draw(request, caller_id)


def _draw(request: HttpRequest, caller_id: int, wrong: str = "", status: int = 200) -> HttpResponse:
    actor = actor_of(request)
    now = timezone.now()
    known = look_at(actor, caller_id, now)
    if known is None:
        raise NotFound
    marked = CallerMark.objects.filter(caller_id=caller_id).order_by("-id")[:MARKS_MOST]
    context: dict[str, Any] = {
        "one": known,
        "line": caller_line(known),
        "rows": rows_of(known.tickets, now),
        "marks": [mark_line(one, actor, now) for one in marked],
        "may_propose": all(one.state not in marks.OPEN or _is_over(one, now) for one in marked),
        "latest": timezone.localdate(now + marks.LONGEST),
        "first_end": timezone.localdate(now + timedelta(days=DAYS_FIRST)),
        "wrong": wrong,
    }
    return shell_page(request, "desk/hotline/caller.html", "hotline_callers", context, status=status)


def _is_over(mark: CallerMark, now: datetime) -> bool:
    return mark.state == MarkState.IN_FORCE and not marks.in_force(mark, now)


def mark_line(mark: CallerMark, actor: Actor, now: datetime) -> dict[str, Any]:
    """Return a mark in words, with what this person may do about it."""
    over = _is_over(mark, now)
    words = {
        MarkState.PROPOSED: ("due_soon", _("待审核")),
        MarkState.IN_FORCE: ("quiet", _("已到期")) if over else ("info", _("生效中")),
        MarkState.DECLINED: ("quiet", _("未同意")),
        MarkState.ENDED: ("quiet", _("已结束")),
    }
    tone, word = words[MarkState(mark.state)]
    decides = actor.may(DECIDE)
    return {
        "mark": mark,
        "tone": tone,
        "word": word,
        "may_decide": decides and mark.state == MarkState.PROPOSED and mark.proposed_by != actor.key,
        "own": decides and mark.state == MarkState.PROPOSED and mark.proposed_by == actor.key,
        "may_end": decides and mark.state == MarkState.IN_FORCE and not over,
    }


@hotline
@require_POST
def care_view(request: HttpRequest, caller_id: int) -> HttpResponse:
    """Keep what an operator should mind with a caller."""
    marks.set_care(actor_of(request), caller_id, request.POST.get("care", ""))
    messages.success(request, _("已保存，下次来电时会显示。"))
    return HttpResponseRedirect(reverse("desk:hotline_caller", args=[caller_id]))


@hotline
@require_POST
def propose_view(request: HttpRequest, caller_id: int) -> HttpResponse:
    """Propose a mark; a manager decides."""
    try:
        marks.propose_mark(actor_of(request), caller_id, request.POST.get("reason", ""))
    except (CaseError, TicketError) as error:
        return _draw(request, caller_id, str(error), error.status)
    messages.success(request, _("已提交，由热线主管审核；在那以前一切照常。"))
    return HttpResponseRedirect(reverse("desk:hotline_caller", args=[caller_id]))


@hotline
@require_POST
def decide_view(request: HttpRequest, mark_id: int) -> HttpResponse:
    """Agree with an end, or decline; both with a reason."""
    actor = actor_of(request)
    caller_id = CallerMark.objects.filter(pk=mark_id).values_list("caller_id", flat=True).first()
    if caller_id is None:
        raise NotFound
    agree = request.POST.get("then") == "agree"
    reason = request.POST.get("reason", "")
    try:
        if request.POST.get("then") == "end":
            marks.end_mark(actor, mark_id, reason)
        else:
            marks.decide_mark(
                actor, mark_id, agree=agree, reason=reason, ends_at=_end(request) if agree else None
            )
    except (CaseError, TicketError) as error:
        return _draw(request, caller_id, str(error), error.status)
    messages.success(request, _("已决定，记入审计。"))
    return HttpResponseRedirect(reverse("desk:hotline_caller", args=[caller_id]))


def _end(request: HttpRequest) -> datetime | None:
    """Return the end of the day chosen, None for no day."""
    try:
        day = parse_date(request.POST.get("ends_at", ""))
    except ValueError:
        return None
    if day is None:
        return None
    ends = datetime(day.year, day.month, day.day, 18, 0, tzinfo=timezone.get_current_timezone())
    return min(ends, timezone.now() + marks.LONGEST)
