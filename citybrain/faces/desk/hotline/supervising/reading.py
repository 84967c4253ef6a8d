"""识别: which model reads, what it promises, class by class whether it keeps the promise, and what to do if not."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from citybrain.base.identity.access import require
from citybrain.faces.desk.doors import actor_of
from citybrain.faces.desk.hotline.doors import hotline
from citybrain.faces.desk.hotline.supervising.news import news_for
from citybrain.faces.desk.shell import page as shell_page
from citybrain.faces.look.charts import Chart, Series
from citybrain.hub.cases import items
from citybrain.hub.hotline.models import Correction, ModelInUse, Ticket, TicketReading, Watch
from citybrain.hub.hotline.models.reader import ModelState
from citybrain.hub.hotline.readers import shifting, using, watching
from citybrain.hub.hotline.readers.deciding import REASONS

SPAN: Final = timedelta(days=30)
CORRECTIONS: Final = 20
SIGNS: Final = ("confidence", "classes", "characters")


@hotline
@require_GET
def reading_view(request: HttpRequest) -> HttpResponse:
    """The model in use with its curve, each class's automatic dispatch, what officers put right, earlier models."""
    actor = actor_of(request)
    require(actor, using.MANAGE)
    now = timezone.now()
    row, kept = using.in_use(), using.models_of()
    trouble = next((one.trouble for one in kept if one.trouble and one.state == ModelState.IN_USE), "")
    context = {
        "model": _model(row) if row is not None else None,
        "trouble": trouble,
        "chart": _curve(row) if row is not None else None,
        "watches": [_watch(one, row) for one in Watch.objects.filter(scheme=row.scheme)] if row else [],
        "notice": _notice(),
        "news": news_for(actor),
        "models": [_model(one) for one in kept],
        "done": _done(now),
        "reasons": _reasons(now),
        "corrections": _corrections(actor),
    }
    return shell_page(request, "desk/hotline/supervising/reading.html", "hotline_reading", context)


def _model(row: ModelInUse) -> dict[str, Any]:
    """Return a version in figures and words."""
    about: Mapping[str, Any] = row.about
    figures = about.get("out_of_fold") or {}
    compared = about.get("compared") or {}
    return {
        "row": row,
        "tone": {"in_use": "normal", "kept": "quiet", "refused": "late"}[row.state],
        "messages": about.get("messages"),
        "macro_f1": _percent(figures.get("macro_f1")),
        "ece": _percent(figures.get("ece")),
        "promise": _percent(row.promise, 0),
        "threshold": _percent(row.threshold),
        "kept": _point(row),
        "compared": _compared(compared),
        "may_use": row.state != ModelState.IN_USE,
    }


def _percent(share: float | None, digits: int = 1) -> str:
    return "" if share is None else f"{share * 100:.{digits}f} %"


def _compared(told: Mapping[str, Any]) -> str:
    """Return how a version did beside the one it was to replace, in words."""
    new, before = told.get("new"), told.get("before")
    if not new or not before:
        return ""
    return _("同一批 %(n)d 件留出来件：新模型准确率 %(new)s，原模型 %(before)s") % {
        "n": told.get("messages", 0),
        "new": _percent(new.get("accuracy")),
        "before": _percent(before.get("accuracy")),
    }


def _point(row: ModelInUse) -> dict[str, str]:
    """Return the curve's point at the threshold: how many are sent by themselves, how many of those are right."""
    points = row.about.get("risk_coverage") or []
    if row.threshold is None:
        return {}
    above = [one for one in points if one["threshold"] >= row.threshold]
    last = above[-1] if above else None
    return (
        {
            "coverage": _percent(last["coverage"], 0),
            "precision": _percent(last["precision"]),
            "low": _percent(last["low"]),
        }
        if last
        else {}
    )


def _curve(row: ModelInUse) -> Chart:
    """Return precision by the share that is dispatched by itself, with its lower bound and the promise."""
    points = row.about.get("risk_coverage") or []
    return Chart(
        key="risk-coverage",
        title=_("自动派单越多，准确率越低：各覆盖率下的准确率"),
        unit="%",
        digits=1,
        kind="line",
        categories=[f"{one['coverage'] * 100:.0f}" for one in points],
        series=[
            Series(_("准确率"), [round(one["precision"] * 100, 2) for one in points]),
            Series(_("90% 置信下限"), [round(one["low"] * 100, 2) for one in points]),
        ],
        threshold=round(row.promise * 100, 2),
        threshold_label=_("承诺"),
        as_of=row.trained_at,
        empty_text=_("这一版没有留下曲线。"),
    )


def _watch(watch: Watch, row: ModelInUse) -> dict[str, Any]:
    """Return whether a class may be dispatched by itself, and how that did of late."""
    if watch.on:
        tone, word = "normal", _("自动派单")
    else:
        tone, word = ("late", _("已自动停用")) if watch.changed_by == "system" else ("quiet", _("已停用"))
    return {
        "watch": watch,
        "tone": tone,
        "word": word,
        "share": _percent(watch.right / watch.sent) if watch.sent else "",
        "high": _percent(watch.high) if watch.sent else "",
        "may_begin": not watch.on and row.threshold is not None,
    }


def _notice() -> dict[str, Any] | None:
    """Return the standing notice that messages are others than those learnt from, in words."""
    notice = shifting.standing()
    if notice is None:
        return None
    told: Mapping[str, Any] = notice.measures
    words = {
        "confidence": _("平均把握由 %(then)s 降到 %(now)s")
        % {"then": _percent(told.get("confidence_then")), "now": _percent(told.get("confidence"))},
        "classes": _("各分类的比例变了 %(moved)s") % {"moved": _percent(told.get("moved"))},
        "characters": _("没见过的字由 %(then)s 增到 %(now)s")
        % {"then": _percent(told.get("unknown_then")), "now": _percent(told.get("unknown"))},
    }
    signs = [words[one] for one in SIGNS if one in told.get("signs", ())]
    return {"notice": notice, "signs": "；".join(signs)}


def _done(now: datetime) -> dict[str, Any]:
    """Return how many messages of the last 30 days were read, and sent by themselves. One query."""
    told = TicketReading.objects.filter(at__gte=now - SPAN).aggregate(
        read=Count("ticket_id"), sent=Count("ticket_id", filter=Q(automatic=True))
    )
    share = told["sent"] / told["read"] if told["read"] else None
    return {**told, "share": _percent(share, 0)}


def _reasons(now: datetime) -> list[tuple[str, int]]:
    """Return why the readings of the last 30 days went to a person, the commonest first. One query."""
    counted: dict[str, int] = {}
    rows = TicketReading.objects.filter(at__gte=now - SPAN, automatic=False)
    for keys, n in rows.values_list("reasons").annotate(n=Count("ticket_id")):
        for key in keys or ():
            counted[key] = counted.get(key, 0) + n
    ranked = sorted(counted.items(), key=lambda one: -one[1])
    return [(str(REASONS.get(key, key)), n) for key, n in ranked]


def _corrections(actor: Any) -> list[dict[str, Any]]:
    """Return the latest corrections on tickets that the actor may see. Two queries."""
    rows = (
        Correction.objects.filter(ticket__in=Ticket.objects.visible_to(actor))
        .select_related("ticket")
        .order_by("-at")[:CORRECTIONS]
    )
    return [{"one": one, "was": _said(one, one.was), "now": _said(one, one.now)} for one in rows]


def _said(one: Correction, value: str) -> str:
    """Return a label, the name of an item, or of a unit."""
    from citybrain.base.identity.agencies import agency_by_id

    if one.kind == Correction.Kind.ITEM:
        item = items.index().by_code.get(value)
        return item.name if item is not None else value or "–"
    if one.kind == Correction.Kind.UNIT:
        agency = agency_by_id(int(value)) if value.isdigit() else None
        return agency.name if agency is not None else "–"
    return value or "–"


def _back(text: str, request: HttpRequest) -> HttpResponseRedirect:
    messages.success(request, text)
    return HttpResponseRedirect(reverse("desk:hotline_reading"))


@hotline
@require_POST
def switch_view(request: HttpRequest) -> HttpResponse:
    """Switch a class's automatic dispatch on or off, with a reason."""
    on = request.POST.get("then") == "on"
    watching.switch(actor_of(request), request.POST.get("label", ""), on, request.POST.get("why", ""))
    return _back(_("已恢复自动派单，从现在起重新计数。") if on else _("已停用，来件交话务员。"), request)


@hotline
@require_POST
def use_view(request: HttpRequest) -> HttpResponse:
    """Let another version read; 0 is the model out of the box."""
    actor = actor_of(request)
    given = request.POST.get("version", "")
    version = int(given) if given.isdigit() else -1
    if version == 0:
        using.out_of_the_box(actor)
        return _back(_("已改用自带模型，不再自动派单。"), request)
    using.use_version(actor, version)
    return _back(_("已改用第 %(n)d 版。") % {"n": version}, request)


@hotline
@require_POST
def notice_view(request: HttpRequest, notice_id: int) -> HttpResponse:
    """Set a notice aside, with what was found."""
    shifting.set_aside(actor_of(request), notice_id, request.POST.get("note", ""))
    return _back(_("已记录，符合承诺的分类恢复自动派单。"), request)
