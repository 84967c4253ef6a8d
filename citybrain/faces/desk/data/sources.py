"""Where rows come from: a source set up, tried, run, changed; its runs and when it is next due."""

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from citybrain.base.catalogue.models import DataSet
from citybrain.base.exchange import actions, telling
from citybrain.base.exchange.models import Kind, Source
from citybrain.base.exchange.models.intake import RUN, SOURCES
from citybrain.base.exchange.sealing import sealed
from citybrain.base.identity.access import require, why_not
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.errors import Refused
from citybrain.faces.desk.data.asking_forms import put_refusals
from citybrain.faces.desk.data.finding import found_set
from citybrain.faces.desk.data.intake import run_line, sees_intake
from citybrain.faces.desk.data.shown import field_name
from citybrain.faces.desk.data.source_forms import (
    ADDED,
    EVERY,
    FETCHED,
    PAGINGS,
    SECRETS,
    SYSTEMS,
    Giver,
    SourceForm,
    givers,
    mapping_lines,
)
from citybrain.faces.desk.doors import actor_of, is_partial, officers
from citybrain.faces.desk.shell import page as shell_page
from citybrain.faces.look.templatetags.look import as_json

if TYPE_CHECKING:
    from citybrain.base.exchange.trial import Trial

RUNS = 20


def found_source(actor: Actor, source_id: int) -> Source:
    """Return a source within right. Raises Forbidden, Http404."""
    sees_intake(actor)
    rows = Source.objects.visible_to(actor).select_related(
        "agency", "supply__system", "dataset__provider", "dataset__current"
    )
    source: Source | None = rows.filter(pk=source_id).first()
    if source is None:
        raise Http404
    return source


@never_cache
@officers
@require_GET
def source_view(request: HttpRequest, source_id: int) -> HttpResponse:
    """One source: what it is told, how it is mapped, its last runs, when it is next due."""
    actor = actor_of(request)
    return _page(request, actor, found_source(actor, source_id))


def _page(request: HttpRequest, actor: Actor, source: Source, trial: "Trial | None" = None) -> HttpResponse:
    shape, may_set = source.dataset.shape, not why_not(actor, SOURCES, source.guard())
    columns = [name for name, _kind in source.columns]
    context = {
        "source": source,
        "every": dict(EVERY).get(source.every_minutes or "", source.every_minutes),
        "facts": facts(source),
        "secret": (_("已保存，不显示") if source.secret else _("无")) if source.kind in SECRETS else "",
        "mapping": mapping_lines(columns, source.mapping, shape, blank=False),
        "names": {one.name: field_name(one) for one in shape.fields},
        "runs": [
            run_line(one) for one in source.runs.select_related("source", "dataset").order_by("-id")[:RUNS]
        ],
        "may_set": may_set,
        "may_try": may_set and source.kind in FETCHED,
        "may_run": source.kind in FETCHED and source.is_active and not why_not(actor, RUN, source.guard()),
        "upload_url": _upload_url(actor, source),
        "push_call": _push_call(request, source) if source.kind == "push" else "",
        **_tried(trial, source.dataset),
    }
    return shell_page(request, "desk/data/source.html", "data_intake", context)


def _push_call(request: HttpRequest, source: Source) -> str:
    """Return what to type to push a row."""
    row = {one.name: "…" for one in source.dataset.shape.fields if one.key or one.required}
    body = as_json({"rows": [row], "source": source.name})
    head = 'curl -H "Authorization: Bearer cb_…" -H "Content-Type: application/json"'
    return f"{head} -d '{body}' {request.build_absolute_uri('/api/v1/data/')}{source.dataset.code}/rows"


def _upload_url(actor: Actor, source: Source) -> str:
    fits = source.kind == "upload" and source.is_active and not why_not(actor, RUN, source.guard())
    return reverse("desk:data_upload", args=[source.dataset.code]) if fits else ""


def facts(source: Source) -> list[tuple[str, str]]:
    """Return what a source is told, label and text; never its secret."""
    told, labels = source.settings, SourceForm(source.kind, source.dataset, [], source)
    words: dict[str, dict[str, Any]] = {"system": dict(SYSTEMS), "paging": dict(PAGINGS)}
    found = []
    for name, field in labels.asked.items():
        value = told.get(name)
        if value in (None, "", {}, []):
            continue
        if isinstance(value, dict):
            value = [f"{key}={one}" for key, one in value.items()]
        if isinstance(value, list):
            value = _("、").join(map(str, value))
        found.append((str(field.label), str(words.get(name, {}).get(value, value))))
    return found


def _tried(trial: "Trial | None", dataset: DataSet) -> dict[str, Any]:
    if trial is None:
        return {}
    names = {one.name: field_name(one) for one in dataset.shape.fields}
    return {"trial": trial, "trial_fields": [(names[name], column) for name, column in trial.fields]}


@require_http_methods(["POST"])
@officers
def try_view(request: HttpRequest, source_id: int) -> HttpResponse:
    """Try a source as it is kept; the answer is on its page."""
    from citybrain.base.exchange.trial import try_source  # with the clients of every kind of source

    actor = actor_of(request)
    source = found_source(actor, source_id)
    return _page(request, actor, source, try_source(actor, source, source.dataset.shape))


@require_POST
@officers
def run_view(request: HttpRequest, source_id: int) -> HttpResponse:
    """Fetch now."""
    actor = actor_of(request)
    try:
        run = actions.run_source(actor, found_source(actor, source_id))
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("desk:data_source", source_id)
    return redirect("desk:data_run", run.pk)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@officers
def add_view(request: HttpRequest, code: str, *, trying: bool = False) -> HttpResponse:
    """Set up a source of a set, or only try it."""
    actor = actor_of(request)
    require(actor, SOURCES)
    dataset = found_set(actor, code)
    choices = givers(actor, dataset)
    if dataset.current is None or not choices:
        raise Http404
    kind = request.GET.get("kind", "")
    kind = kind if kind in ADDED else ADDED[0]
    form = SourceForm(kind, dataset, choices, None, request.POST or None)
    if request.method == "POST" and form.is_valid():
        giver = form.givers[form.cleaned_data["giver"]]
        if trying:
            return _form_page(request, form, _try_unsaved(actor, form, giver))
        try:
            source = actions.add_source(
                actor,
                dataset,
                giver.agency,
                kind=kind,
                supply=giver.supply,
                secret=form.given_secret() or "",
                **form.values(),
            )
        except Refused as refused:
            put_refusals(form, refused)
        else:
            messages.success(request, _("来源已添加。"))
            return redirect("desk:data_source", source.pk)
    return _form_page(request, form)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@officers
def edit_view(request: HttpRequest, source_id: int, *, trying: bool = False) -> HttpResponse:
    """Change a source, or only try it as it would be."""
    actor = actor_of(request)
    source = found_source(actor, source_id)
    require(actor, SOURCES, source.guard())
    form = SourceForm(source.kind, source.dataset, [], source, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            if trying:
                return _form_page(
                    request, form, _try_unsaved(actor, form, Giver(source.agency, source.supply))
                )
            actions.change_source(actor, source, secret=form.given_secret(), **form.values())
        except Refused as refused:
            put_refusals(form, refused)
        else:
            messages.success(request, _("已保存。"))
            return redirect("desk:data_source", source_id)
    return _form_page(request, form)


def _try_unsaved(actor: Actor, form: SourceForm, giver: Giver) -> "Trial":
    """Return what a source would answer as the form has it. A kept secret goes only where it went before."""
    from citybrain.base.exchange.trial import try_source

    source = Source(
        dataset=form.dataset, agency=giver.agency, supply=giver.supply, kind=form.kind, name=form.cleaned_data["name"],
        settings=form.settings(), mapping=form.mapping(form.dataset.shape),
    )  # fmt: skip
    secret = form.given_secret()
    if secret is not None:
        source.secret = sealed(secret)
    elif form.source is not None and form.source.secret:
        telling.verify_kept(form.kind, form.source.settings, source.settings)
        source.secret = form.source.secret
    return try_source(actor, source, form.dataset.shape)


def _form_page(request: HttpRequest, form: SourceForm, trial: "Trial | None" = None) -> HttpResponse:
    source, dataset = form.source, form.dataset
    columns = [name for name, _kind in source.columns] if source else []
    columns += list(trial.columns) if trial else []
    mapping = form.mapping(dataset.shape) if form.is_bound else source.mapping if source else {}
    place = f"?kind={form.kind}"
    context = {
        "form": form,
        "dataset": dataset,
        "source": source,
        "kinds": [
            {"label": str(Kind(kind).label), "url": f"?kind={kind}", "active": kind == form.kind}
            for kind in ADDED
        ],
        "lines": mapping_lines(columns, mapping, dataset.shape),
        "fields": [(one.name, field_name(one)) for one in dataset.shape.fields],
        "may_try": form.kind in FETCHED,
        "try_url": reverse("desk:data_source_edit_try", args=[source.pk])
        if source
        else reverse("desk:data_source_add_try", args=[dataset.code]) + place,
        "back_url": reverse("desk:data_source", args=[source.pk])
        if source
        else reverse("desk:data_set", args=[dataset.code]),
        **_tried(trial, dataset),
    }
    status = 422 if form.errors else 200
    if is_partial(request):
        return render(request, "desk/data/source_trial.html", context, status=status)
    return shell_page(request, "desk/data/source_edit.html", "data_intake", context, status=status)
