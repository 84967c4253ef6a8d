"""Data coming in: what is late, where rows come from, runs, a file uploaded and what was made of it."""

import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.db.models import Count, OuterRef, Q, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from citybrain.base.catalogue import lists
from citybrain.base.catalogue.models import DataSet, Supply
from citybrain.base.catalogue.quality import PROMISED
from citybrain.base.exchange import actions, landing
from citybrain.base.exchange.mapping import match
from citybrain.base.exchange.models import Quarantined, Run, RunState, Source
from citybrain.base.exchange.models.intake import MEND, RUN, SEEING, SOURCES
from citybrain.base.exchange.reading import Unreadable, read
from citybrain.base.exchange.words import drift_lines, why
from citybrain.base.identity.access import require, why_not
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.errors import Refused
from citybrain.base.identity.models import Agency
from citybrain.faces.desk.addresses import query
from citybrain.faces.desk.data.asking_forms import put_refusals
from citybrain.faces.desk.data.finding import found_set
from citybrain.faces.desk.data.sets import number
from citybrain.faces.desk.data.shown import field_name
from citybrain.faces.desk.doors import actor_of, officers
from citybrain.faces.desk.shell import page as shell_page
from citybrain.faces.look import words

RUN_TONES: Final = {
    "queued": "paused",
    "running": "info",
    "waiting": "due_soon",
    "done": "normal",
    "failed": "late",
    "refused": "late",
}
FIGURES: Final = (
    ("rows", gettext_lazy("收到")),
    ("rows_good", gettext_lazy("合格")),
    ("rows_bad", gettext_lazy("问题行")),
    ("repeated", gettext_lazy("重复")),
    ("inserted", gettext_lazy("新增")),
    ("updated", gettext_lazy("更新")),
    ("unchanged", gettext_lazy("不变")),
    ("removed", gettext_lazy("删除")),
)
LOOKED_AT_MOST: Final = 30_000_000  # bytes of a file whose columns are read for the page itself


def sees_intake(actor: Actor) -> None:
    """Raise Forbidden for who has nothing to do with intake."""
    if not any(actor.may(one) for one in SEEING):
        require(actor, RUN)


def agencies_of(actor: Actor) -> set[int]:
    """Return the agencies for which the actor brings data in."""
    ids = {hat.agency_id or actor.agency_id for hat in actor.hats_with(RUN)}
    return {one for one in ids if one is not None}


def supplies(actor: Actor, dataset: DataSet) -> tuple[Agency, Supply | None] | None:
    """Return for which agency, under which supply, the actor gives rows of a set; None for who doesn't."""
    mine = agencies_of(actor)
    supply = (
        Supply.objects.filter(dataset=dataset, is_active=True, system__agency__in=mine)
        .select_related("system__agency")
        .first()
    )
    if supply is not None:
        return supply.system.agency, supply
    return (dataset.provider, None) if dataset.provider_id in mine else None


@never_cache
@officers
@require_GET
def list_view(request: HttpRequest) -> HttpResponse:
    """What is late, the sources within right with their bad rows, and runs, the newest first."""
    actor, now = actor_of(request), timezone.now()
    sees_intake(actor)
    open_rows = Count("runs__quarantined", filter=Q(runs__quarantined__state__in=("open", "mended")))
    last = Subquery(Run.objects.filter(source=OuterRef("pk")).order_by("-id").values("state")[:1])
    sources = (
        Source.objects.visible_to(actor)
        .select_related("dataset", "agency")
        .annotate(bad=open_rows, last=last)
    )
    runs = Run.objects.visible_to(actor).select_related("source", "dataset")
    found = lists.page_of(runs.order_by("-id"), number(request.GET.get("page", "")) or 1)
    context = {
        "late": late_of(actor, now),
        "sources": [
            (one, RUN_TONES.get(one.last or "", ""), RunState(one.last).label if one.last else "")
            for one in sources.order_by("dataset__pinyin", "name", "id")[: lists.PAGE * 4]
        ],
        "runs": [run_line(one) for one in found.rows],
        "total": found.total,
        "first": (found.number - 1) * lists.PAGE + 1 if found.rows else 0,
        "last": (found.number - 1) * lists.PAGE + len(found.rows),
        "prev_url": query({}, page=found.number - 1) if found.number > 1 else "",
        "next_url": query({}, page=found.number + 1) if found.number < found.pages else "",
    }
    return shell_page(request, "desk/data/intake.html", "data_intake", context)


def late_of(actor: Actor, now: datetime) -> list[tuple[DataSet, str]]:
    """Return the sets that the actor keeps whose data are staler than promised, the latest first. One query."""
    rows = DataSet.objects.kept_by(actor).filter(state="published", data_at__isnull=False)
    found = []
    for dataset in rows.select_related("provider"):
        promised = PROMISED[dataset.update_cycle]
        if promised is not None and now > dataset.data_at + promised:
            found.append((dataset, now - dataset.data_at - promised))
    found.sort(key=lambda one: one[1], reverse=True)
    return [(dataset, words.span(late)) for dataset, late in found]


def run_line(run: Run) -> dict[str, Any]:
    """Return one line of the list of runs."""
    return {
        "one": run,
        "href": reverse("desk:data_run", args=[run.pk]),
        "state": run.get_state_display(),
        "tone": RUN_TONES[run.state],
        "why": why(run),
        "rows": run.figures.get("rows"),
        "rows_bad": run.figures.get("rows_bad"),
    }


class UploadForm(forms.Form):
    """A file for a data set."""

    file = forms.FileField(label=gettext_lazy("文件"))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@officers
def upload_view(request: HttpRequest, code: str) -> HttpResponse:
    """Take a file for a set that the reader's agency supplies; what becomes of it is the run's page."""
    actor = actor_of(request)
    require(actor, RUN)
    dataset = found_set(actor, code)
    giver = supplies(actor, dataset)
    if giver is None or dataset.current is None:
        raise Http404
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data["file"]
        try:
            run = actions.receive_file(actor, _source(actor, dataset, *giver), given.chunks(), given.name)
        except Refused as refused:
            put_refusals(form, refused)
        else:
            return redirect("desk:data_run", run.pk)
    context = {"form": form, "dataset": dataset, "names": [field_name(one) for one in dataset.shape.fields]}
    status = 422 if form.errors else 200
    return shell_page(request, "desk/data/upload.html", "data_intake", context, status=status)


def _source(actor: Actor, dataset: DataSet, agency: Agency, supply: Supply | None) -> Source:
    """Return where files of the agency for this set are uploaded to, made when the first one comes."""
    rows = Source.objects.select_related("dataset__provider", "agency")
    found: Source | None = rows.filter(dataset=dataset, agency=agency, kind="upload", is_active=True).first()
    if found is not None:
        return found
    name = _("%(agency)s上传") % {"agency": agency.name}
    return actions.add_source(actor, dataset, agency, name=name, kind="upload", supply=supply)


def found_run(actor: Actor, run_id: int) -> Run:
    """Return a run within right. Raises Forbidden, Http404."""
    sees_intake(actor)
    rows = Run.objects.visible_to(actor).select_related(
        "source__agency", "source__dataset__provider", "dataset__provider", "dataset__current", "landed"
    )
    run: Run | None = rows.filter(pk=run_id).first()
    if run is None:
        raise Http404
    return run


@never_cache
@officers
@require_GET
def run_view(request: HttpRequest, run_id: int) -> HttpResponse:
    """One run: what was read, what was made of it, what waits."""
    actor = actor_of(request)
    run = found_run(actor, run_id)
    states = dict(
        run.quarantined.order_by()
        .values_list("state")
        .annotate(Count("id"))
        .values_list("state", "id__count")
    )
    may_run = not why_not(actor, RUN, run.source.guard())
    reading = run.done.get("read", {}).get("reading")
    waits = run.state == "waiting"
    context = {
        **run_line(run),
        "reading": reading,
        "mapping": _mapped(run) if reading else [],
        "figures": [(label, run.figures[key]) for key, label in FIGURES if key in run.figures],
        "skipped": run.figures.get("skipped", ""),
        "drift": drift_lines(run.drift) if run.drift else [],
        "bad": sum(count for state, count in states.items() if state in {"open", "mended"}),
        "working": run.state in {"queued", "running"},
        "columns": _columns(run) if waits and may_run else [],
        "fields": [(one.name, field_name(one)) for one in run.dataset.shape.fields] if waits else [],
        "may_accept": waits and may_run,
        "may_retry": run.state == "failed" and may_run,
        "may_mend": not why_not(actor, MEND, run.source.guard()),
    }
    return shell_page(request, "desk/data/run.html", "data_intake", context)


def _mapped(run: Run) -> list[tuple[str, str]]:
    """Return each field of the set with its column, the columns that aren't used last."""
    mapping: Mapping[str, str] = run.done["read"]["mapping"]
    shape = run.dataset.shape
    found = [(field_name(one), mapping.get(one.name, "")) for one in shape.fields]
    used = set(mapping.values())
    left = [one["name"] for one in run.done["read"]["reading"]["columns"] if one["name"] not in used]
    return found + [("", name) for name in left]


def _columns(run: Run) -> list[dict[str, Any]]:
    """Return the columns of a file that waits, each with the field it seems to hold; none of one too large."""
    if run.landed is None or run.landed.size > LOOKED_AT_MOST:
        return []
    try:
        with tempfile.TemporaryDirectory(prefix="citybrain-look-") as folder:
            found = read(landing.path_of(run.landed), Path(folder), name=run.name)
    except (Unreadable, OSError):
        return []
    by_column = {
        column: name for name, column in match(found.names, run.dataset.shape, run.source.mapping).items()
    }
    return [
        {"name": one.name, "examples": one.examples[:3], "field": by_column.get(one.name, "")}
        for one in found.columns
    ]


@require_POST
@officers
def accept_view(request: HttpRequest, run_id: int) -> HttpResponse:
    """Let a waiting run go on, with the columns as the reader maps them."""
    actor = actor_of(request)
    run = found_run(actor, run_id)
    pairs = zip(request.POST.getlist("column"), request.POST.getlist("field"), strict=False)
    mapping = {column: name for column, name in pairs if column and (not name or run.dataset.shape.has(name))}
    try:
        actions.accept_drift(actor, run, mapping or None)
        messages.success(request, _("已确认，继续入库。"))
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect("desk:data_run", run_id)


@require_POST
@officers
def retry_view(request: HttpRequest, run_id: int) -> HttpResponse:
    """Try a failed run again."""
    actor = actor_of(request)
    try:
        actions.retry(actor, found_run(actor, run_id))
        messages.success(request, _("已重新排队。"))
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect("desk:data_run", run_id)


def may_upload(actor: Actor, dataset: DataSet) -> bool:
    """Return whether the actor's agency gives rows of this set. One query for who brings data in at all."""
    may = actor.may(RUN) and actor.may(SOURCES) and dataset.state == "published"
    return may and supplies(actor, dataset) is not None


def bad_rows_of(actor: Actor) -> int:
    """Return how many rows within right wait to be mended. One query."""
    rows = Quarantined.objects.visible_to(actor).filter(state__in=("open", "mended"))
    return int(rows.count())
