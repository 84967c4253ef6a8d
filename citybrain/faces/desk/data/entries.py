"""An entry of the catalogue written on screen; what keeps it from being shared so is said while it is written."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from citybrain.base.catalogue import actions, grading, matching
from citybrain.base.catalogue.access import EDIT
from citybrain.base.catalogue.entry import Meta, narrowed, verify
from citybrain.base.catalogue.models import DataSet, Revision
from citybrain.base.catalogue.shape import Shape
from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.errors import Refused
from citybrain.faces.desk.data.entry_forms import (
    MetaForm,
    Row,
    blank,
    changed,
    offered,
    rows_from,
    rows_of,
    shape_from,
)
from citybrain.faces.desk.data.finding import found_set
from citybrain.faces.desk.data.list_editing import agencies_of
from citybrain.faces.desk.data.shown import GRADES, field_name
from citybrain.faces.desk.data.three_lists import told_gaps
from citybrain.faces.desk.doors import actor_of, is_partial, officers
from citybrain.faces.desk.shell import page as shell_page


@dataclass
class Page:
    """What is being written: a new entry (`dataset` None) or a version of one that is there."""

    actor: Actor
    dataset: DataSet | None
    last: Revision | None
    form: MetaForm
    rows: list[Row]

    @property
    def before(self) -> Shape | None:
        return self.last.shaped if self.last else None


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@officers
def edit_view(request: HttpRequest, code: str = "") -> HttpResponse:
    """Write a new entry, or the next version of one. `do` changes the table of fields, `look` only checks."""
    page = _page(request, actor_of(request), code)
    if request.method != "POST":
        return _shown(request, page)
    do = request.GET.get("do") or request.POST.get("do", "")
    if do == "look":
        return render(request, "desk/data/entry_check.html", {"checked": checked(page)})
    if do:
        page.rows = changed(page.rows, do)
        if is_partial(request):
            return render(request, "desk/data/entry_fields.html", {"rows": page.rows, **offered()})
        return _shown(request, page)
    shape = shape_from(page.rows, page.before)
    if shape is None and all(row.is_blank for row in page.rows):
        page.form.add_error(None, _("请至少写一个信息项。"))
    if not page.form.is_valid() or shape is None:
        return _shown(request, page, status=422)
    try:
        saved = _saved(page, shape)
    except Refused as refused:
        page.form.put(refused, page.rows)
        return _shown(request, page, status=422)
    messages.success(request, _("草稿已保存，提交审批后发布。"))
    number = saved.revisions.order_by("-number").values_list("number", flat=True)[0]
    return redirect(f"{reverse('desk:data_set', args=[saved.code])}?version={number}")


def _page(request: HttpRequest, actor: Actor, code: str) -> Page:
    """Return what is being written. Raises Forbidden, Http404."""
    require(actor, EDIT)
    dataset, last, meta = None, None, None
    if code:
        dataset = found_set(actor, code)
        require(actor, EDIT, dataset)
        last = dataset.revisions.latest("number")
        meta = Meta.from_json(last.meta)
    form = MetaForm(agencies_of(actor, EDIT) if meta is None else [], meta, request.POST or None)
    if request.method == "POST":
        rows = rows_from(request.POST)
    elif last is not None and meta is not None:
        rows = rows_of(last.shaped, meta)
    else:
        rows = []
        for _place in range(3):
            rows.append(blank(rows))
    return Page(actor, dataset, last, form, rows)


def _shown(request: HttpRequest, page: Page, *, status: int = 200) -> HttpResponse:
    context = {
        "form": page.form,
        "dataset": page.dataset,
        "last": page.last,
        "rows": page.rows,
        "checked": checked(page) if page.dataset else None,
        "back_url": reverse("desk:data_set", args=[page.dataset.code])
        if page.dataset
        else reverse("desk:data_sets"),
        **offered(),
    }
    return shell_page(request, "desk/data/entry.html", "data_sets", context, status=status)


def _saved(page: Page, shape: Shape) -> DataSet:
    meta = page.form.made(shape, page.rows)
    if page.dataset is not None:
        actions.revise(page.actor, page.dataset, meta, shape)
        return page.dataset
    agencies = agencies_of(page.actor, EDIT)
    provider = next(one for one in agencies if str(one.pk) == page.form.cleaned_data["provider"])
    return actions.draft_dataset(page.actor, provider, meta, shape)


def checked(page: Page) -> dict[str, Any]:
    """Return what stands against an entry as it is written: mistakes, why it can't be shared so, what it takes away."""
    form = page.form if page.form.is_bound else MetaForm([], page.form.meta, _as_data(page.form))
    shape = shape_from(page.rows, page.before)
    mistakes = [reason for row in page.rows for reason in row.wrong.values()]
    if shape is None or not form.is_valid():
        return {"mistakes": [*mistakes, *_of_form(form)], "refusals": [], "lost": [], "gaps": []}
    try:
        meta = form.made(shape, page.rows)
        verify(meta, shape)
    except Refused as refused:
        return {"mistakes": [one.reason for one in refused.problems], "refusals": [], "lost": [], "gaps": []}
    published = page.dataset is not None and page.dataset.current is not None
    lost = narrowed(page.dataset.shape, shape) if page.dataset and published else []
    gaps = []
    if page.dataset and published and shape != page.dataset.shape:
        gaps = matching.reshaped(matching.read(), page.dataset.code, shape)
    return {
        "mistakes": [],
        "refusals": grading.refusals(meta.entry(shape)),
        "lost": lost,
        "gaps": told_gaps(page.actor, gaps) if gaps else [],
        "grade": GRADES[grading.grade(shape)],
        "because": [field_name(one) for one in grading.grade_reasons(shape)],
        "free": [
            field_name(shape.field(name))
            for name in shape.names
            if name in grading.free_fields(meta.entry(shape))
        ],
    }


def _as_data(form: MetaForm) -> Any:
    """Return what the form begins with as if it had been typed."""
    from django.http import QueryDict

    data = QueryDict(mutable=True)
    for name in form.fields:
        value = form.initial.get(name, "")
        data.setlist(name, [str(one) for one in value] if isinstance(value, list) else [str(value)])
    return data


def _of_form(form: MetaForm) -> list[str]:
    return [
        f"{form[name].label}：{reason}"
        for name, reasons in form.errors.items()
        if name in form.fields
        for reason in reasons
    ]
