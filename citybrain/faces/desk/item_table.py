"""The item table kept by people: one item changed, the whole table taken out and brought in."""

from collections.abc import Iterator
from contextlib import contextmanager

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from citybrain.base.identity.access import require
from citybrain.base.identity.errors import Refused
from citybrain.faces.desk.doors import actor_of, officers
from citybrain.faces.desk.item_forms import FIELD_OF, ItemForm, ItemsImportForm, initial_of
from citybrain.faces.desk.shell import page as shell_page
from citybrain.faces.desk.taking_out import XLSX
from citybrain.hub.cases import item_files, items, registry, revisions
from citybrain.hub.cases.errors import BadInput
from citybrain.hub.cases.models import Item
from citybrain.hub.cases.revisions import MANAGE

ERRORS_SHOWN = 200


@contextmanager
def _refusals(form: forms.Form) -> Iterator[None]:
    """Put what is refused beside the field it is about, else above the form."""
    try:
        yield
    except BadInput as bad:
        name = FIELD_OF.get(bad.field, bad.field)
        form.add_error(name if name in form.fields else None, bad.message)
    except Refused as refused:
        for problem in refused.problems:
            form.add_error(problem.field if problem.field in form.fields else None, problem.reason)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@officers
def edit_view(request: HttpRequest, code: str) -> HttpResponse:
    """Change an item: a new version from a day on."""
    actor = actor_of(request)
    require(actor, MANAGE)
    newest = Item.objects.filter(code=code, valid_until=None).first()
    if newest is None:
        raise Http404
    form = ItemForm(request.POST or None, initial=initial_of(newest))
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        with _refusals(form):
            revisions.revise_item(actor, code, form.values(), given["valid_from"], known=given["known"])
            messages.success(
                request, _("已保存，自 %(day)s 起生效。") % {"day": given["valid_from"].isoformat()}
            )
            return redirect("desk:item", code)
    context = {"form": form, "item": newest}
    return shell_page(
        request, "desk/reference/item_edit.html", "items", context, status=422 if form.errors else 200
    )


@require_POST
@officers
def withdraw_view(request: HttpRequest, code: str) -> HttpResponse:
    """Take back a version whose day has not come."""
    known = request.POST.get("known", "")
    try:
        revisions.withdraw_revision(
            actor_of(request), code, known=int(known) if known.isdecimal() and len(known) < 18 else 0
        )
        messages.success(request, _("已撤回尚未生效的版本。"))
    except BadInput as bad:
        messages.error(request, bad.message)
    return redirect("desk:item", code) if Item.objects.filter(code=code).exists() else redirect("desk:items")


@require_GET
@officers
def export_view(request: HttpRequest) -> HttpResponse:
    """The items in force as Excel; the same file can be brought in again."""
    actor = actor_of(request)
    require(actor, MANAGE)
    found = sorted(items.index().by_code.values(), key=lambda item: item.code)
    answer = HttpResponse(item_files.workbook(actor, found), content_type=XLSX)
    name = f"{_('事项清单')}_{timezone.localtime():%Y%m%d}.xlsx"
    answer["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return answer


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@officers
def import_view(request: HttpRequest) -> HttpResponse:
    """Bring in an item table, or only check it; what comes of it is shown as a receipt."""
    actor = actor_of(request)
    require(actor, MANAGE)
    form = ItemsImportForm(request.POST or None, request.FILES or None)
    receipt = None
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        with _refusals(form):
            rows = item_files.read(given["file"].read(), given["file"].name)
            receipt = registry.load(
                actor, rows, given["valid_from"], whole=given["whole"], trial=given["trial"]
            )
    context = {
        "form": form,
        "receipt": receipt,
        "trial": receipt is not None and form.cleaned_data["trial"],
        "counts": _counts(receipt) if receipt else [],
        "errors": receipt.errors[:ERRORS_SHOWN] if receipt else (),
        "left_out": max(0, len(receipt.errors) - ERRORS_SHOWN) if receipt else 0,
    }
    return shell_page(
        request, "desk/reference/items_import.html", "items", context, status=422 if form.errors else 200
    )


def _counts(receipt: registry.Receipt) -> list[tuple[str, str, int]]:
    return [
        ("normal", _("新增"), receipt.added),
        ("info", _("变更"), receipt.changed),
        ("quiet", _("无变化"), receipt.unchanged),
        ("due_soon", _("停用"), receipt.ended),
        ("late", _("未导入"), len(receipt.errors)),
    ]
