"""The catalogue taken out and brought in as its Excel form."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from citybrain.base.catalogue import lists
from citybrain.base.catalogue.access import EDIT, VIEW
from citybrain.base.catalogue.excel import export_excel, import_excel
from citybrain.base.identity.access import require
from citybrain.base.identity.errors import Refused
from citybrain.faces.desk.data.asking_forms import put_refusals
from citybrain.faces.desk.data.sets import asked_of, search_of
from citybrain.faces.desk.doors import actor_of, officers
from citybrain.faces.desk.shell import page as shell_page
from citybrain.faces.desk.taking_out import XLSX

LINES_SHOWN = 300


@officers
@require_GET
def export_view(request: HttpRequest) -> HttpResponse:
    """The list with its filters in the catalogue's form; that it was taken out is in the ledger."""
    actor = actor_of(request)
    require(actor, VIEW)
    chosen = "mine" if request.GET.get("list") == "mine" else "all"
    rows = lists.matching(actor, search_of(asked_of(request), chosen, 1)).select_related(
        "provider", "current"
    )
    answer = HttpResponse(export_excel(actor, rows), content_type=XLSX)
    name = f"{_('数据目录')}_{timezone.localtime():%Y%m%d_%H%M}.xlsx"
    answer["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return answer


class ImportForm(forms.Form):
    """Entries to bring in."""

    file = forms.FileField(label=gettext_lazy("目录文件"))
    trial = forms.BooleanField(
        label=gettext_lazy("只检查，不写入"),
        required=False,
        initial=True,
        help_text=gettext_lazy("先看回执，确认无误后去掉勾选再导入。"),
    )


OUTCOMES = {
    "added": ("normal", gettext_lazy("新增")),
    "changed": ("info", gettext_lazy("变更")),
    "unchanged": ("quiet", gettext_lazy("无变化")),
    "taken": ("done", gettext_lazy("信息项")),
    "refused": ("late", gettext_lazy("未导入")),
}


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@officers
def import_view(request: HttpRequest) -> HttpResponse:
    """Draft or revise entries by the form, or only check it; each row has its receipt."""
    actor = actor_of(request)
    require(actor, EDIT)
    form = ImportForm(request.POST or None, request.FILES or None)
    context: dict[str, Any] = {"form": form}
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            done = import_excel(actor, given["file"].read(), given["file"].name, trial=given["trial"])
        except Refused as refused:
            put_refusals(form, refused)
        else:
            wrong = [one for one in done.receipt if one["outcome"] == "refused"]
            context |= {
                "done": done,
                "trial": given["trial"],
                "counts": [(*OUTCOMES[key], count) for key, count in done.counts.items() if key in OUTCOMES],
                "wrong": wrong[:LINES_SHOWN],
                "left_out": max(0, len(wrong) - LINES_SHOWN),
            }
    status = 422 if form.errors else 200
    return shell_page(request, "desk/data/import.html", "data_sets", context, status=status)
