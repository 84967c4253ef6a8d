"""What is asked when the item table is changed. What may be is decided by hub.cases.revisions and registry."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from citybrain.base.identity.models import AgencyKind
from citybrain.hub.cases.models import Item
from citybrain.hub.cases.revisions import LEVELS

HOURS_MOST = 9_999
PLAIN = ("name_zh", "name_en", "lead_kind", "assist_kind", "urgent", "first_level", "grid_self_handle",
         "whistle_allowed", "filing_condition", "close_condition")  # fmt: skip


def _hours(label: Any) -> forms.DecimalField:
    return forms.DecimalField(
        label=label,
        min_value=Decimal("0.05"),
        max_value=HOURS_MOST,
        decimal_places=2,
        widget=forms.NumberInput(attrs={"step": "any"}),
    )


def tomorrow() -> date:
    return timezone.localdate() + timedelta(days=1)


def _from() -> forms.DateField:
    return forms.DateField(
        label=_("生效日期"),
        initial=tomorrow,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("从这一天起按新版本；此前的案件仍按当时的版本办理。"),
    )


class ItemForm(forms.Form):
    """A new version of one item; `known` tells whether somebody else was faster."""

    known = forms.IntegerField(widget=forms.HiddenInput)
    name_zh = forms.CharField(label=_("名称"), max_length=60)
    name_en = forms.CharField(label=_("英文名称"), max_length=120, required=False)
    keywords = forms.CharField(
        label=_("市民用语"),
        max_length=600,
        required=False,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("市民会怎么说这件事，每行一句或用空格隔开，如“路灯不亮”。系统据此推荐事项。"),
    )
    lead_kind = forms.ChoiceField(label=_("牵头单位类别"))
    assist_kind = forms.ChoiceField(label=_("协办单位类别"), required=False)
    accept_hours = _hours(_("受理时限（小时）"))
    disposal_hours = _hours(_("处置时限（小时）"))
    working = forms.ChoiceField(
        label=_("计时方式"), choices=(("1", _("工作时间内计时")), ("0", _("连续计时")))
    )
    urgent = forms.BooleanField(label=_("紧急"), required=False)
    first_level = forms.ChoiceField(label=_("先行处置层级"), choices=[(level, level) for level in LEVELS])
    grid_self_handle = forms.BooleanField(label=_("网格员自行处置"), required=False)
    whistle_allowed = forms.BooleanField(label=_("可以吹哨"), required=False)
    filing_condition = forms.CharField(label=_("立案条件"), max_length=200, required=False)
    close_condition = forms.CharField(label=_("结案条件"), max_length=200, required=False)
    valid_from = _from()

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        kinds = [(kind.key, str(kind)) for kind in AgencyKind.objects.all()]
        for name, none in (("lead_kind", _("请选择")), ("assist_kind", _("无"))):
            chosen = self.fields[name]
            if isinstance(chosen, forms.ChoiceField):
                chosen.choices = [("", none), *kinds]

    def values(self) -> dict[str, Any]:
        """Return what was typed as the item's columns. Only after `is_valid`."""
        given = self.cleaned_data
        return {
            **{name: given[name] for name in PLAIN},
            "keywords": given["keywords"],
            "accept_minutes": round(given["accept_hours"] * 60),
            "disposal_minutes": round(given["disposal_hours"] * 60),
            "working": given["working"] == "1",
        }


def initial_of(item: Item) -> dict[str, Any]:
    """Return what the form of an item begins with."""
    return {
        **{name: getattr(item, name) for name in PLAIN},
        "known": item.pk,
        "keywords": "\n".join(item.keywords.split()),
        "accept_hours": f"{item.accept_minutes / 60:g}",
        "disposal_hours": f"{item.disposal_minutes / 60:g}",
        "working": "1" if item.working else "0",
        "valid_from": max(tomorrow(), item.valid_from),
    }


# The column in which an action refuses → the field that asks for it.
FIELD_OF = {"accept_minutes": "accept_hours", "disposal_minutes": "disposal_hours"}


class ItemsImportForm(forms.Form):
    """An item table to bring in."""

    file = forms.FileField(label=_("事项清单"))
    valid_from = _from()
    whole = forms.BooleanField(
        label=_("清单是完整的"), required=False, help_text=_("清单里没有的现行事项自生效日期起停用。")
    )
    trial = forms.BooleanField(
        label=_("只检查，不写入"),
        required=False,
        initial=True,
        help_text=_("先看回执，确认无误后去掉勾选再导入。"),
    )

    def clean_valid_from(self) -> date:
        chosen: date = self.cleaned_data["valid_from"]
        if chosen < timezone.localdate():
            raise forms.ValidationError(_("生效日期不能早于今天。"))
        return chosen
