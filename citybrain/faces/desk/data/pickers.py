"""Choosing a data set or an agency in a form by typing; the choices are those within right."""

from typing import Any

from django import forms
from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from citybrain.base.catalogue import lists
from citybrain.base.catalogue.access import LISTS, VIEW
from citybrain.base.catalogue.models import DataSet
from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.models import Agency
from citybrain.faces.desk.choosing import agency_choices
from citybrain.faces.desk.doors import actor_of, officers

MOST = 30


class Picker(forms.Widget):
    """An input that offers what fits. `shown` is the name of what is chosen; `kind` is sets or agencies."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind, self.shown = kind, ""

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        """Return the input, the words for the eye and the value behind them."""
        told = {"class": "form-control", **(attrs or {})}
        given = format_html(
            '<input type="text" class="{}" id="{}" autocomplete="off" role="combobox" aria-expanded="false"'
            ' aria-autocomplete="list" value="{}" placeholder="{}" data-picker-words>',
            told["class"], told.get("id", ""), self.shown, _("名称或拼音"),
        )  # fmt: skip
        return format_html(
            '<div class="desk-picker" data-picker="{}">{}'
            '<input type="hidden" name="{}" value="{}" data-picker-value></div>',
            reverse(f"desk:data_choose_{self.kind}"), given, name, value or "",
        )  # fmt: skip


class SetField(forms.CharField):
    """A data set by its code, among those that the actor sees."""

    def __init__(self, **more: Any) -> None:
        super().__init__(widget=Picker("sets"), max_length=60, **more)
        self.actor: Actor | None = None

    def clean(self, value: Any) -> Any:
        code = str(super().clean(value) or "")
        if not code or self.actor is None:
            return None
        rows = DataSet.objects.visible_to(self.actor).select_related("provider", "current")
        found = rows.filter(code=code).first()
        if found is None:
            raise forms.ValidationError(_("没有数据资源“%(code)s”。") % {"code": code})
        self.widget.shown = found.name
        return found


class AgencyField(forms.CharField):
    """An agency by its number, of those in force."""

    def __init__(self, **more: Any) -> None:
        super().__init__(widget=Picker("agencies"), max_length=12, **more)

    def clean(self, value: Any) -> Any:
        written = str(super().clean(value) or "")
        if not written:
            return None
        found = Agency.objects.in_force().filter(pk=int(written) if written.isdecimal() else 0).first()
        if found is None:
            raise forms.ValidationError(_("请从列表中选择单位。"))
        self.widget.shown = str(found)
        return found


@officers
def sets_view(request: HttpRequest) -> JsonResponse:
    """Data sets for typed words."""
    actor = actor_of(request)
    require(actor, VIEW)
    words = request.GET.get("q", "").replace("\x00", "")[:60]
    rows = lists.matching(actor, lists.Search(words=words)).select_related("provider")[:MOST]
    return JsonResponse(
        {"choices": [{"value": one.code, "label": one.name, "note": str(one.provider)} for one in rows]}
    )


@officers
def agencies_view(request: HttpRequest) -> JsonResponse:
    """Agencies for typed words."""
    require(actor_of(request), LISTS)
    found = agency_choices(request.GET.get("q", "").replace("\x00", "")[:60], None)
    return JsonResponse({"choices": [one.to_json() for one in found]})
