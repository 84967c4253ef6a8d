"""Changing the three lists, by row or by an Excel file. A supply says what it breaks before it is kept."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from citybrain.base.catalogue import actions
from citybrain.base.catalogue.access import EDIT, LISTS, Side
from citybrain.base.catalogue.list_sheets import export_lists, import_lists
from citybrain.base.catalogue.models import DataSet, Demand, Supply, System, TaskItem
from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.errors import Refused
from citybrain.base.identity.models import Agency
from citybrain.faces.desk.data.catalogue_files import OUTCOMES
from citybrain.faces.desk.data.finding import found_set
from citybrain.faces.desk.data.list_forms import OWN_SYSTEM, DemandForm, ItemForm, SupplyForm
from citybrain.faces.desk.data.three_lists import items_of, sees_lists, told_gaps
from citybrain.faces.desk.doors import actor_of, officers
from citybrain.faces.desk.shell import page as shell_page
from citybrain.faces.desk.taking_out import XLSX

LINES_SHOWN = 300
NAMES = {
    "fields": ("fields_wanted", "fields_given"),
    "name": ("name_zh", "system_name"),
    "system": ("system",),
}


def agencies_of(actor: Actor, permission: str) -> list[Agency]:
    """Return the agencies whose lists the actor keeps, in the order of names."""
    ids = {hat.agency_id or actor.agency_id for hat in actor.hats_with(permission)}
    return list(
        Agency.objects.filter(pk__in=[one for one in ids if one is not None]).order_by("pinyin", "id")
    )


def _put(form: forms.Form, refused: Refused) -> None:
    for problem in refused.problems:
        names = (problem.field, *NAMES.get(problem.field, ()))
        form.add_error(next((name for name in names if name in form.fields), None), problem.reason)


def _form_page(request: HttpRequest, form: forms.Form, here: str, title: str, **more: Any) -> HttpResponse:
    context = {"form": form, "title": title, "back_url": reverse(f"desk:data_list_{here}"), **more}
    template = more.pop("template", "desk/data/list_edit.html")
    return shell_page(request, template, "data_list_items", context, status=422 if form.errors else 200)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@officers
def item_view(request: HttpRequest, item_id: int | None = None) -> HttpResponse:
    """A new item, or one changed."""
    actor = actor_of(request)
    require(actor, EDIT)
    item = None
    if item_id is not None:
        item = TaskItem.objects.visible_to(actor).select_related("agency").filter(pk=item_id).first()
        if item is None:
            raise Http404
        require(actor, EDIT, Side(item.agency))
    agencies = agencies_of(actor, EDIT)
    form = ItemForm(agencies, item, request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = dict(form.cleaned_data)
        try:
            if item is None:
                agency = next(one for one in agencies if str(one.pk) == given.pop("agency"))
                actions.add_item(actor, agency, **given)
            else:
                actions.change_item(actor, item, **given)
        except Refused as refused:
            _put(form, refused)
        else:
            messages.success(request, _("已保存。"))
            return redirect("desk:data_list_items")
    return _form_page(request, form, "items", _("修改事项") if item else _("添加事项"))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@officers
def demand_view(request: HttpRequest, demand_id: int | None = None) -> HttpResponse:
    """A new demand, or one changed; `set` names the data set it begins with."""
    actor = actor_of(request)
    require(actor, LISTS)
    demand = _demand(actor, demand_id) if demand_id is not None else None
    dataset = found_set(actor, request.GET["set"]) if request.GET.get("set") else None
    mine = [one.pk for one in agencies_of(actor, LISTS)]
    items = list(items_of(actor).filter(agency__in=mine).select_related("agency")) if demand is None else []
    form = DemandForm(actor, items, demand, dataset, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            if demand is None:
                item = next(one for one in items if str(one.pk) == form.cleaned_data["item"])
                actions.add_demand(actor, item, **form.values())
            else:
                actions.change_demand(actor, demand, **form.values())
        except Refused as refused:
            _put(form, refused)
        else:
            messages.success(request, _("已保存。"))
            return redirect("desk:data_list_demands")
    title = _("修改需求") if demand else _("添加需求")
    end = reverse("desk:data_demand_end", args=[demand.pk]) if demand else ""
    more = {"end_url": end, "end_label": _("撤销需求"), "no_items": demand is None and not items}
    return _form_page(request, form, "demands", title, **more)


def _demand(actor: Actor, demand_id: int) -> Demand:
    """Return a demand that the actor keeps. Raises Forbidden, Http404."""
    rows = Demand.objects.visible_to(actor).select_related("agency", "item", "dataset__current", "asked_of")
    demand: Demand | None = rows.filter(pk=demand_id, is_active=True).first()
    if demand is None:
        raise Http404
    require(actor, LISTS, Side(demand.agency))
    return demand


@require_POST
@officers
def demand_end_view(request: HttpRequest, demand_id: int) -> HttpResponse:
    """Ask for it no longer."""
    actor = actor_of(request)
    sees_lists(actor)
    actions.close_demand(actor, _demand(actor, demand_id))
    messages.success(request, _("需求已撤销。"))
    return redirect("desk:data_list_demands")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@officers
def supply_add_view(request: HttpRequest, code: str) -> HttpResponse:
    """A new supply of a set."""
    actor = actor_of(request)
    require(actor, EDIT)
    dataset = found_set(actor, code)
    require(actor, EDIT, dataset)
    systems = _systems(actor, dataset)
    form = SupplyForm(dataset, systems, None, request.POST or None)
    if request.method == "POST" and form.is_valid():
        values = form.values()
        note = values.pop("note")
        try:
            system = _system(actor, dataset, systems, form.cleaned_data)
            actions.add_supply(actor, dataset, system, **values, note_text=note)
        except Refused as refused:
            _put(form, refused)
        else:
            messages.success(request, _("已加入供给清单。"))
            return redirect("desk:data_list_supplies")
    return _form_page(
        request, form, "supplies", _("添加供给"), dataset=dataset, template="desk/data/supply_edit.html"
    )


def _systems(actor: Actor, dataset: DataSet) -> list[System]:
    """Return the systems that may give a set and don't yet: those of the actor's lists and of its provider."""
    rows = System.objects.filter(is_active=True).exclude(supplies__dataset=dataset).select_related("agency")
    own = System.objects.visible_to(actor).values("pk")
    return list((rows.filter(pk__in=own) | rows.filter(agency=dataset.provider)).order_by("name", "id"))


def _system(actor: Actor, dataset: DataSet, systems: Sequence[System], given: dict[str, Any]) -> System:
    """Return the system chosen, or a new one of the provider."""
    if given["system"] != OWN_SYSTEM:
        return next(one for one in systems if str(one.pk) == given["system"])
    from pypinyin import lazy_pinyin  # a dictionary of 50,000 phrases: loaded by those who need it

    name = given["system_name"].strip()
    sound = "".join(
        letter for letter in "".join(lazy_pinyin(name)).lower() if letter.isascii() and letter.isalnum()
    )
    key = f"{dataset.provider.key}-{sound}"[:60]
    return actions.add_system(actor, dataset.provider, key=key, name=name)


def _supply(actor: Actor, supply_id: int) -> Supply:
    rows = Supply.objects.visible_to(actor).select_related(
        "dataset__provider", "dataset__current", "system__agency"
    )
    supply: Supply | None = rows.filter(pk=supply_id, is_active=True).first()
    if supply is None:
        raise Http404
    require(actor, EDIT, supply.dataset)
    return supply


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@officers
def supply_view(request: HttpRequest, supply_id: int) -> HttpResponse:
    """A supply changed or ended; what it would break is shown first, and kept only when that was accepted."""
    actor = actor_of(request)
    require(actor, EDIT)
    supply = _supply(actor, supply_id)
    form = SupplyForm(supply.dataset, [], supply, request.POST or None)
    context: dict[str, Any] = {}
    if request.method == "POST" and form.is_valid():
        accepts = request.POST.get("accept_breaks") == "1"
        try:
            if request.POST.get("word") == "end":
                actions.end_supply(actor, supply, accept_breaks=accepts)
            else:
                actions.change_supply(actor, supply, form.values(), accept_breaks=accepts)
        except actions.Breaks as breaks:
            form.add_error(None, _("这样改会让下面的需求落空，请确认。"))
            context = {
                "breaks": told_gaps(actor, list(breaks.gaps)),
                "word": request.POST.get("word", "save"),
            }
        except Refused as refused:
            _put(form, refused)
        else:
            messages.success(request, _("已保存。"))
            return redirect("desk:data_list_supplies")
    return _form_page(
        request, form, "supplies", _("修改供给"), dataset=supply.dataset, supply=supply,
        template="desk/data/supply_edit.html", **context,
    )  # fmt: skip


@require_POST
@officers
def breaks_view(request: HttpRequest, supply_id: int) -> HttpResponse:
    """What the change on the form would break, while it is being made."""
    actor = actor_of(request)
    require(actor, EDIT)
    supply = _supply(actor, supply_id)
    form = SupplyForm(supply.dataset, [], supply, request.POST)
    gaps = actions.breaks_of(supply, form.values()) if form.is_valid() else []
    return render(request, "desk/data/breaks.html", {"breaks": told_gaps(actor, gaps), "looked": True})


@officers
@require_GET
def export_view(request: HttpRequest) -> HttpResponse:
    """The lists within right as Excel; that they were taken out is in the ledger."""
    actor = actor_of(request)
    answer = HttpResponse(export_lists(actor), content_type=XLSX)
    name = f"{_('三张清单')}_{timezone.localtime():%Y%m%d_%H%M}.xlsx"
    answer["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return answer


class ListsForm(forms.Form):
    """Lists to bring in."""

    file = forms.FileField(label=gettext_lazy("清单文件"))
    accept_breaks = forms.BooleanField(
        label=gettext_lazy("供给变更使需求落空时也写入"), required=False,
        help_text=gettext_lazy("不勾选时，这样的行不写入，并说明哪些需求会落空。"),
    )  # fmt: skip
    trial = forms.BooleanField(
        label=gettext_lazy("只检查，不写入"),
        required=False,
        initial=True,
        help_text=gettext_lazy("先看回执，确认无误后去掉勾选再导入。"),
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@officers
def import_view(request: HttpRequest) -> HttpResponse:
    """Bring the lists in, or only check them; each row has its receipt."""
    actor = actor_of(request)
    require(actor, LISTS)
    form = ListsForm(request.POST or None, request.FILES or None)
    context: dict[str, Any] = {"form": form}
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            done = import_lists(
                actor, given["file"].read(), trial=given["trial"], accept_breaks=given["accept_breaks"]
            )
        except Refused as refused:
            _put(form, refused)
        else:
            wrong = [one for one in done.rows if one.outcome == "refused"]
            context |= {
                "done": done,
                "trial": given["trial"],
                "counts": [(*OUTCOMES[key], count) for key, count in done.counts.items()],
                "wrong": wrong[:LINES_SHOWN],
                "left_out": max(0, len(wrong) - LINES_SHOWN),
            }
    return shell_page(
        request, "desk/data/list_import.html", "data_list_items", context, status=422 if form.errors else 200
    )
