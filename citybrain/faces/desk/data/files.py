"""Files under a grant: asked for, their state, fetched at the desk, with the receipt that each has."""

from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from citybrain.base.catalogue import lists
from citybrain.base.catalogue.access import Side
from citybrain.base.catalogue.grants import live
from citybrain.base.catalogue.models import DeliveryMode, Grant
from citybrain.base.exchange.delivery import batch
from citybrain.base.exchange.delivery.compile import Asked
from citybrain.base.exchange.models import Delivery
from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor
from citybrain.faces.desk.addresses import query
from citybrain.faces.desk.data.asking_forms import conditions
from citybrain.faces.desk.data.grants import SEE_RECEIPTS, found_grant
from citybrain.faces.desk.data.sets import number
from citybrain.faces.desk.data.shown import OPS, field_name, mask_name, names_of
from citybrain.faces.desk.doors import actor_of, officers
from citybrain.faces.desk.shell import page as shell_page

FORMS: Final = (
    ("xlsx", gettext_lazy("Excel（最多 104 万行）")),
    ("csv", "CSV"),
    ("parquet", "Parquet"),
    ("jsonl", gettext_lazy("JSON（每行一条）")),
)
TONES: Final = {
    "asked": "paused",
    "running": "info",
    "ready": "normal",
    "refused": "late",
    "failed": "late",
    "expired": "quiet",
}
FILED: Final = frozenset({DeliveryMode.BATCH, DeliveryMode.CHANGES})


class FileForm(forms.Form):
    """A file to be made: in which form, which fields, which rows, or what changed since a version."""

    form = forms.ChoiceField(
        label=gettext_lazy("文件格式"), choices=FORMS, widget=forms.RadioSelect, initial="xlsx"
    )
    names = forms.MultipleChoiceField(
        label=gettext_lazy("信息项"), required=False, widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("不选表示授权的全部信息项。"),
    )  # fmt: skip
    field = forms.ChoiceField(label=gettext_lazy("只要这些行"), required=False)
    op = forms.ChoiceField(label=gettext_lazy("条件"), required=False, choices=list(OPS.items()))
    value = forms.CharField(label=gettext_lazy("值"), required=False, max_length=500)
    since = forms.IntegerField(
        label=gettext_lazy("只要这一版本以来的变化"), required=False, min_value=0,
        help_text=gettext_lazy("填上次取到的数据版本；不填则取全部。"),
    )  # fmt: skip

    def __init__(self, grant: Grant, data: Any = None) -> None:
        super().__init__(data)
        shape = grant.dataset.shape
        self.shape = shape
        known = [(name, field_name(shape.field(name))) for name in grant.fields if shape.has(name)]
        for name, choices in (("names", known), ("field", [("", _("全部")), *known])):
            field = self.fields[name]
            if isinstance(field, forms.ChoiceField):
                field.choices = choices
        if DeliveryMode.CHANGES not in grant.modes:
            self.fields.pop("since")
        self.fields_needed = DeliveryMode.BATCH not in grant.modes

    def asked(self) -> Asked:
        """Return what is asked for. Only after `is_valid`; raises catalogue's Refused for a condition that can't be."""
        given = self.cleaned_data
        where = conditions(self.shape, [(given["field"], given["op"] or "eq", given["value"])])
        return Asked(fields=tuple(given["names"]), where=tuple(where))

    def clean(self) -> dict[str, Any]:
        """Refuse a whole file where only changes are granted."""
        given: dict[str, Any] = super().clean() or {}
        if self.fields_needed and given.get("since") is None:
            self.add_error("since", _("授权只允许取变化，请填数据版本；第一次填 0。"))
        return given


def takes_files(grant: Grant) -> bool:
    """Return whether a grant gives files at all."""
    return bool(FILED.intersection(grant.modes))


def receiving(actor: Actor, wanted: str) -> Grant:
    """Return a grant under which the actor's agency fetches files. Raises Forbidden, Http404."""
    grant = found_grant(actor, wanted)
    require(actor, batch.PERMISSION, Side(grant.agency))
    if not takes_files(grant):
        raise Http404
    return grant


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@officers
def list_view(request: HttpRequest, wanted: str) -> HttpResponse:
    """The files of a grant, the newest first; another is asked for here."""
    actor = actor_of(request)
    grant = receiving(actor, wanted)
    form = FileForm(grant, request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            batch.ask_file(actor, grant, given["form"], form.asked(), given.get("since"))
        except ValueError as refused:  # the catalogue's and delivery's refusals both are
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("已申请，生成后可在这里下载。"))
            return redirect("desk:data_files", wanted)
    rows = Delivery.objects.filter(grant=grant).order_by("-id")
    found = lists.page_of(rows, number(request.GET.get("page", "")) or 1)
    context = {
        "grant": grant,
        "form": form,
        "may_ask": live(grant, timezone.now()),
        "rows": [line_of(one) for one in found.rows],
        "working": any(one.state in {"asked", "running"} for one in found.rows),
        "total": found.total,
        "first": (found.number - 1) * lists.PAGE + 1 if found.rows else 0,
        "last": (found.number - 1) * lists.PAGE + len(found.rows),
        "prev_url": query({}, page=found.number - 1) if found.number > 1 else "",
        "next_url": query({}, page=found.number + 1) if found.number < found.pages else "",
    }
    status = 422 if form.errors else 200
    return shell_page(request, "desk/data/files.html", "data_grants", context, status=status)


def line_of(one: Delivery) -> dict[str, Any]:
    """Return one line of the list of files."""
    manifest = one.manifest or {}
    return {
        "one": one,
        "href": reverse("desk:data_file", args=[one.number]),
        "state": one.get_state_display(),
        "tone": TONES[one.state],
        "form": str(dict(FORMS).get(one.form, one.form)),
        "rows": manifest.get("rows"),
        "size": manifest.get("bytes"),
        "since": one.asked.get("since"),
    }


def found_file(actor: Actor, wanted: str) -> Delivery:
    """Return a file that the actor's agency asked for. Raises Forbidden, Http404."""
    rows = Delivery.objects.filter(grant__in=Grant.objects.visible_to(actor), number=wanted)
    found = rows.select_related(
        "grant__agency", "grant__dataset__provider", "grant__dataset__current"
    ).first()
    if found is None:
        require(actor, batch.PERMISSION)
        raise Http404
    require(actor, batch.PERMISSION, Side(found.grant.agency))
    return found


@never_cache
@officers
@require_GET
def file_view(request: HttpRequest, wanted: str) -> HttpResponse:
    """One file: what is in it, until when it can be fetched, its digest and its receipt."""
    actor = actor_of(request)
    one = found_file(actor, wanted)
    manifest, shape = one.manifest or {}, one.grant.dataset.shape
    context = {
        **line_of(one),
        "manifest": manifest,
        "fields": [
            (
                names_of(shape, [told["name"]])[0],
                told["name"],
                mask_name(told["mask"]) if told.get("mask") else "",
            )
            for told in manifest.get("fields", ())
        ],
        "may_fetch": one.state == "ready" and live(one.grant, timezone.now()),
        "sees_receipts": actor.may(SEE_RECEIPTS),
        "working": one.state in {"asked", "running"},
    }
    return shell_page(request, "desk/data/file.html", "data_grants", context)


@never_cache
@require_POST
@officers
def fetch_view(request: HttpRequest, wanted: str) -> HttpResponseBase:
    """The file itself, as long as it and its grant stand."""
    one = found_file(actor_of(request), wanted)
    found = batch.fetched(batch.link_of(one), timezone.now())
    if found is None or not found[1].is_file():
        messages.error(request, _("文件已过期或授权已失效。"))
        return redirect("desk:data_file", wanted)
    return FileResponse(
        found[1].open("rb"), as_attachment=True, filename=f"{one.grant.dataset.code}-{one.number}.{one.form}"
    )


@require_POST
@officers
def withdraw_view(request: HttpRequest, wanted: str) -> HttpResponse:
    """Remove a file before its time."""
    actor = actor_of(request)
    one = found_file(actor, wanted)
    batch.withdraw(actor, one, _("使用单位删除"))
    messages.success(request, _("文件已删除，回执保留。"))
    return redirect("desk:data_files", one.grant.number)
