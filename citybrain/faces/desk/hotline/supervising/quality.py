"""抽查: answers drawn by rule, judged one after another; what was found by unit, and what the rules found."""

from datetime import timedelta
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor
from citybrain.faces.desk.addresses import query
from citybrain.faces.desk.doors import actor_of
from citybrain.faces.desk.hotline.doors import hotline
from citybrain.faces.desk.hotline.shown import title_of
from citybrain.faces.desk.hotline.supervising.board import percent
from citybrain.faces.desk.hotline.supervising.spans import SPANS, Span, span_of
from citybrain.faces.desk.shell import page as shell_page
from citybrain.hub.hotline import quality, quality_checks, quality_findings
from citybrain.hub.hotline.errors import BadInput, TicketError
from citybrain.hub.hotline.models import QualityCheck
from citybrain.hub.hotline.quality_checks import PERMISSION
from citybrain.hub.hotline.rows import agency_name

WAITING: Final = 30
SHARES: Final = (5, 10, 20, 50, 100)
DAYS: Final = (1, 7, 30)
WHY: Final[dict[str, Promise]] = {
    "random": gettext_lazy("随机抽取"),
    "low": gettext_lazy("规则评分低"),
    "asked": gettext_lazy("主管指定"),
}
VERDICTS: Final[dict[str, tuple[Promise, str]]] = {
    "good": (gettext_lazy("合格"), "normal"),
    "poor": (gettext_lazy("不合格"), "due_soon"),
    "empty": (gettext_lazy("等于没答"), "late"),
}


@hotline
@require_GET
def quality_view(request: HttpRequest) -> HttpResponse:
    """The answer to judge now (?check= or the poorest), what waits, and what was found in a span."""
    return _draw(request)


def _draw(request: HttpRequest, wrong: str = "", status: int = 200) -> HttpResponse:
    actor = actor_of(request)
    require(actor, PERMISSION)
    span = span_of(request)
    waiting = quality_checks.to_check(actor, limit=WAITING)
    wanted = request.POST.get("check") or request.GET.get("check", "")
    now = next((one for one in waiting if str(one.pk) == wanted), waiting[0] if waiting else None)
    unit = _unit(request)
    found = quality_findings.found(actor, span.since, span.until)
    context = {
        "found": found,
        "share": percent(found.good / found.checked if found.checked else None),
        "now": check_line(now) if now is not None else None,
        "waiting": [check_line(one) for one in waiting],
        "units": _units(actor, span, unit),
        "unit": agency_name(unit),
        "all_units": query(_kept(span)) or "?",
        "faults": _faults(actor, span),
        "wanting": [check_line(one) for one in quality_findings.latest(actor, span.since, span.until, agency_id=unit)],
        "verdicts": [(key, label) for key, (label, _tone) in VERDICTS.items()],
        "spans": [(key, label, query({"days": key, "unit": unit}), key == span.key) for key, label in SPANS.items()],
        "shares": SHARES,
        "days": [(one, SPANS[str(one)]) for one in DAYS],
        "wrong": wrong,
        "given": request.POST,
    }  # fmt: skip
    return shell_page(
        request, "desk/hotline/supervising/quality.html", "hotline_quality", context, status=status
    )


def _kept(span: Span) -> dict[str, Any]:
    return {"days": span.key} if span.key else dict(span.asked)


def _unit(request: HttpRequest) -> int | None:
    given = request.GET.get("unit", "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 18 else None


def check_line(one: QualityCheck) -> dict[str, Any]:
    """Return a drawn answer in words: what was asked, what was answered, what the rules say of it. No caller."""
    told = VERDICTS.get(one.verdict)
    return {
        "one": one,
        "number": one.ticket.number,
        "title": title_of(one.ticket),
        "asked": one.ticket.plain,
        "unit": agency_name(one.agency_id) or _("热线自办"),
        "why": WHY.get(one.why, one.why),
        "faults": [quality.FAULTS.get(fault, fault) for fault in one.faults],
        "tone": "late" if quality.HARD & set(one.faults) else "due_soon",
        "verdict": told[0] if told else "",
        "verdict_tone": told[1] if told else "",
        "url": query({"check": one.pk}),
    }


def _units(actor: Actor, span: Span, chosen: int | None) -> list[dict[str, Any]]:
    rows = quality_checks.by_unit(actor, span.since, span.until)
    return [
        {
            "name": agency_name(one.agency_id) or _("热线自办"),
            "url": query({**_kept(span), "unit": one.agency_id}) if one.agency_id is not None else "",
            "current": one.agency_id is not None and one.agency_id == chosen,
            "checked": one.checked,
            "wanting": one.checked - one.good,
            "share": percent(one.good / one.checked if one.checked else None),
            "score": f"{one.mean_score:.0f}",
        }
        for one in rows
    ]


def _faults(actor: Actor, span: Span) -> list[dict[str, Any]]:
    rows = quality_findings.faults(actor, span.since, span.until)
    return [
        {"name": quality.FAULTS.get(key, key), "hard": key in quality.HARD, "count": n, "good": good}
        for key, n, good in rows
    ]


@hotline
@require_POST
def judge_view(request: HttpRequest) -> HttpResponse:
    """Write down what was found of one answer, and go on to the next."""
    given = request.POST.get("check", "")
    check = int(given) if given.isascii() and given.isdigit() and len(given) < 18 else 0
    try:
        quality_checks.decide(
            actor_of(request), check, request.POST.get("verdict", ""), request.POST.get("note", "")
        )
    except BadInput as error:
        return _draw(request, error.message, error.status)
    messages.success(request, _("已登记，看下一条。"))
    return HttpResponseRedirect(reverse("desk:hotline_quality"))


@hotline
@require_POST
def draw_view(request: HttpRequest) -> HttpResponse:
    """Draw a share of the answers of the last days now."""
    share, days = request.POST.get("share", ""), request.POST.get("days", "")
    if share not in {str(one) for one in SHARES} or days not in {str(one) for one in DAYS}:
        raise BadInput(_("请选择抽查比例和时间。"), "share")
    now = timezone.now()
    drawn = quality_checks.draw_now(actor_of(request), now - timedelta(days=int(days)), now, int(share) / 100)
    said = _("抽出 %(n)d 条。") % {"n": drawn.by_chance} if drawn.by_chance else _("没有新的答复可抽。")
    messages.success(request, said)
    return HttpResponseRedirect(reverse("desk:hotline_quality"))


@hotline
@require_POST
def ask_view(request: HttpRequest) -> HttpResponse:
    """Put one ticket's answer before whoever checks, by the ticket's number."""
    from citybrain.faces.desk.hotline.page import visible_ticket

    actor = actor_of(request)
    require(actor, PERMISSION)
    try:
        ticket = visible_ticket(actor, request.POST.get("number", "").strip()[:20])
        check = quality_checks.ask(actor, ticket.pk)
    except TicketError as error:
        return _draw(request, error.message, error.status)
    return HttpResponseRedirect(reverse("desk:hotline_quality") + query({"check": check.pk}))
