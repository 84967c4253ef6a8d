"""Rows put aside: what is wrong with each, mended in place, replayed, or settled with a reason."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from citybrain.base.catalogue import lists
from citybrain.base.catalogue.shape import Shape
from citybrain.base.exchange import actions
from citybrain.base.exchange.models import Quarantined
from citybrain.base.exchange.models.intake import MEND
from citybrain.base.identity.access import why_not
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.errors import Refused
from citybrain.faces.desk.addresses import query
from citybrain.faces.desk.data.intake import found_run, sees_intake
from citybrain.faces.desk.data.sets import number
from citybrain.faces.desk.data.shown import field_name
from citybrain.faces.desk.doors import actor_of, officers
from citybrain.faces.desk.shell import page as shell_page

TONES = {
    "open": "late",
    "mended": "due_soon",
    "replaying": "info",
    "replayed": "normal",
    "dismissed": "quiet",
}


@never_cache
@officers
@require_GET
def list_view(request: HttpRequest, run_id: int) -> HttpResponse:
    """The rows of a run that were put aside, those that wait first asked for."""
    from citybrain.base.exchange import aside  # with the engine that checks

    actor = actor_of(request)
    run = found_run(actor, run_id)
    chosen = "all" if request.GET.get("list") == "all" else "open"
    rows = Quarantined.objects.filter(run=run).order_by("id")
    waiting = rows.filter(state__in=("open", "mended"))
    found = lists.page_of(waiting if chosen == "open" else rows, number(request.GET.get("page", "")) or 1)
    shape = run.dataset.shape
    kept = {"list": None if chosen == "open" else chosen}
    context = {
        "run": run,
        "rows": [line_of(one, shape) for one in found.rows],
        "may_mend": not why_not(actor, MEND, run.source.guard()),
        "mended": rows.filter(state="mended").count(),
        "tabs": [
            {"label": label, "url": f"?list={key}", "active": key == chosen, "count": None}
            for key, label in (("open", _("待修正")), ("all", _("全部")))
        ],
        "total": found.total,
        "whole": run.figures.get("rows_bad", 0) if aside.path_of(run.pk).exists() else 0,
        "first": (found.number - 1) * lists.PAGE + 1 if found.rows else 0,
        "last": (found.number - 1) * lists.PAGE + len(found.rows),
        "prev_url": query(kept, page=found.number - 1) if found.number > 1 else "",
        "next_url": query(kept, page=found.number + 1) if found.number < found.pages else "",
    }
    return shell_page(request, "desk/data/bad.html", "data_intake", context)


def line_of(row: Quarantined, shape: Shape) -> dict[str, Any]:
    """Return one row with its problems as sentences and the cells to be mended."""
    from citybrain.base.exchange.checks import Problem
    from citybrain.base.exchange.checks.reasons import explain

    problems = [Problem.from_json(one) for one in row.problems]
    now = {**row.raw, **(row.mended or {})}
    wrong = {name for problem in problems for name in problem.field.split(",")}
    wrong |= {
        name
        for problem in problems
        if problem.reason == "rule"
        for rule in shape.rules
        if rule.key == problem.detail
        for name in rule.fields
    }
    cells = [(one.name, field_name(one), now.get(one.name) or "") for one in shape.fields]
    return {
        "one": row,
        "state": row.get_state_display(),
        "tone": TONES[row.state],
        "problems": [(explain(one, shape), one.value) for one in problems],
        "broken": row.raw.get("", ""),
        "wrong": [cell for cell in cells if cell[0] in wrong],
        "others": [cell for cell in cells if cell[0] not in wrong],
        "waits": row.state in {"open", "mended"},
    }


@never_cache
@officers
@require_GET
def file_view(request: HttpRequest, run_id: int) -> StreamingHttpResponse:
    """All rows that a run put aside as one table, more than are listed here."""
    from citybrain.base.exchange import aside

    run = found_run(actor_of(request), run_id)
    if not aside.path_of(run.pk).exists():
        raise Http404
    answer = StreamingHttpResponse(aside.as_csv(run), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{run.dataset.code}-run-{run.pk}.csv"'
    return answer


def found_row(actor: Actor, row_id: int) -> Quarantined:
    """Return a row put aside within right. Raises Forbidden, Http404."""
    sees_intake(actor)
    rows = Quarantined.objects.visible_to(actor).select_related(
        "run__source__agency", "run__source__dataset__provider", "dataset__current"
    )
    row: Quarantined | None = rows.filter(pk=row_id).first()
    if row is None:
        raise Http404
    return row


@require_POST
@officers
def mend_view(request: HttpRequest, row_id: int) -> HttpResponse:
    """Keep new values of a row, or settle it without storing it; then back to where it stands in the list."""
    from citybrain.base.exchange.checks.reasons import explain

    actor = actor_of(request)
    row = found_row(actor, row_id)
    shape = row.dataset.shape
    try:
        if "dismiss" in request.POST:
            actions.dismiss(actor, row, request.POST.get("note", ""))
            messages.success(request, _("已标为不予处理。"))
        else:
            values = {
                name: request.POST[name].strip() or None for name in shape.names if name in request.POST
            }
            left = actions.mend_row(actor, row, values)
            if left:
                reasons = _("；").join(explain(one, shape) for one in left)
                messages.error(
                    request, _("第 %(row)s 行还有问题：%(why)s") % {"row": row.row, "why": reasons}
                )
            else:
                messages.success(request, _("第 %(row)s 行已修正，可以重新入库。") % {"row": row.row})
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect(reverse("desk:data_bad", args=[row.run_id]) + f"#row-{row.pk}")


@require_POST
@officers
def replay_view(request: HttpRequest, run_id: int) -> HttpResponse:
    """Store the mended rows of the run's source."""
    actor = actor_of(request)
    run = actions.replay(actor, found_run(actor, run_id).source)
    if run is None:
        messages.info(request, _("没有已修正、待入库的行。"))
        return redirect("desk:data_bad", run_id)
    return redirect("desk:data_run", run.pk)
