"""What is asked when one of the three lists is changed. What may be is decided by catalogue's actions."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from citybrain.base.catalogue.list_sheets import field_text, fields_from
from citybrain.base.catalogue.models import DataSet, Demand, Supply, SupplyMode, System, TaskItem, UpdateCycle
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.models import Agency
from citybrain.faces.desk.data.pickers import AgencyField, Picker, SetField
from citybrain.faces.desk.data.shown import field_name

CYCLES = [(str(value), label) for value, label in UpdateCycle.choices]
OWN_SYSTEM = "new"


def _choose(form: forms.Form, name: str, choices: Sequence[tuple[str, Any]]) -> None:
    field = form.fields[name]
    if isinstance(field, forms.ChoiceField):
        field.choices = choices


class ItemForm(forms.Form):
    """What needs doing."""

    agency = forms.ChoiceField(label=_("责任单位"))
    key = forms.SlugField(
        label=_("事项标识"), max_length=60, help_text=_("由字母、数字、下划线和横线组成，以后不能更改。")
    )
    name_zh = forms.CharField(label=_("事项名称"), max_length=120)
    name_en = forms.CharField(label=_("英文名称"), max_length=200, required=False)
    basis = forms.CharField(
        label=_("依据"), max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("哪条法律法规、文件或职责要求办这件事。"),
    )  # fmt: skip
    is_active = forms.BooleanField(
        label=_("仍在办理"), required=False, help_text=_("不再办理的事项，其数据需求随之撤销。")
    )

    def __init__(self, agencies: Sequence[Agency], item: TaskItem | None, data: Any = None) -> None:
        names = ("key", "name_zh", "name_en", "basis", "is_active")
        super().__init__(data, initial={name: getattr(item, name) for name in names} if item else {})
        _choose(self, "agency", [(str(one.pk), str(one)) for one in agencies])
        for name in ("agency", "key") if item else ("is_active",):
            self.fields.pop(name)


class DemandForm(forms.Form):
    """What data an item needs."""

    item = forms.ChoiceField(label=_("事项"))
    title = forms.CharField(label=_("需求名称"), max_length=120)
    purpose = forms.CharField(label=_("用途"), max_length=500, widget=forms.Textarea(attrs={"rows": 2}))
    dataset = SetField(label=_("数据资源"), required=False, help_text=_("不知道在哪个资源里可以不填。"))
    fields_wanted = forms.CharField(
        label=_("需要的信息项"), max_length=4000, widget=forms.Textarea(attrs={"rows": 5, "spellcheck": "false"}),
        help_text=_("每行一个，中文名或标识；后面可以空一格写类型，如 姓名 varchar(50)。"),
    )  # fmt: skip
    update_cycle = forms.TypedChoiceField(label=_("要多新"), choices=CYCLES, coerce=int, initial="8")
    mode = forms.ChoiceField(
        label=_("供给方式"), required=False, choices=[("", _("都可以")), *SupplyMode.choices]
    )
    asked_of = AgencyField(label=_("估计哪个单位有"), required=False)

    def __init__(
        self,
        actor: Actor,
        items: Sequence[TaskItem],
        demand: Demand | None,
        dataset: DataSet | None,
        data: Any = None,
    ) -> None:
        super().__init__(data, initial=_of_demand(demand) if demand else _of_set(dataset))
        _choose(self, "item", [(str(one.pk), f"{one.name_zh} · {one.agency}") for one in items])
        if demand:
            self.fields.pop("item")
        field, named = self.fields["dataset"], demand.dataset if demand else dataset
        if isinstance(field, SetField):
            field.actor = actor
        self._show("dataset", named.name if named else "")
        self._show("asked_of", str(demand.asked_of) if demand and demand.asked_of else "")

    def _show(self, name: str, text: str) -> None:
        widget = self.fields[name].widget
        if isinstance(widget, Picker) and not self.is_bound:
            widget.shown = text

    def values(self) -> dict[str, Any]:
        """Return what actions take. Only after `is_valid`."""
        given = self.cleaned_data
        names = ("title", "purpose", "dataset", "update_cycle", "mode", "asked_of")
        return {name: given[name] for name in names} | {"fields": fields_from(given["fields_wanted"])}


def _of_demand(demand: Demand) -> dict[str, Any]:
    names = ("title", "purpose", "update_cycle", "mode")
    return {name: getattr(demand, name) for name in names} | {
        "dataset": demand.dataset.code if demand.dataset else "",
        "fields_wanted": "\n".join(field_text(one) for one in demand.fields),
        "asked_of": demand.asked_of_id or "",
    }


def _of_set(dataset: DataSet | None) -> dict[str, Any]:
    if dataset is None or dataset.current is None:
        return {}
    lines = [f"{one.zh} {one.type.text}" for one in dataset.shape.fields]
    return {"dataset": dataset.code, "fields_wanted": "\n".join(lines), "update_cycle": dataset.update_cycle}


class SupplyForm(forms.Form):
    """Which system gives which fields of a set."""

    system = forms.ChoiceField(label=_("信息系统"))
    system_name = forms.CharField(
        label=_("新系统的名称"),
        max_length=120,
        required=False,
        help_text=_("上面选“登记新的信息系统”时填写。"),
    )
    fields_given = forms.MultipleChoiceField(
        label=_("供给的信息项"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("不选表示全部。"),
    )
    mode = forms.ChoiceField(label=_("供给方式"), choices=SupplyMode.choices)
    update_cycle = forms.TypedChoiceField(label=_("更新周期"), choices=CYCLES, coerce=int)
    rank = forms.IntegerField(
        label=_("次序"), min_value=1, max_value=99, initial=1, help_text=_("几个系统说法不一时，数小的为准。")
    )
    note = forms.CharField(
        label=_("说明"), max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(
        self, dataset: DataSet, systems: Sequence[System], supply: Supply | None, data: Any = None
    ) -> None:
        super().__init__(data, initial=_of_supply(dataset, supply))
        shape = dataset.shape if dataset.current else dataset.revisions.latest("number").shaped
        _choose(self, "fields_given", [(one.name, field_name(one)) for one in shape.fields])
        _choose(
            self,
            "system",
            [
                *((str(one.pk), f"{one.name} · {one.agency}") for one in systems),
                (OWN_SYSTEM, _("登记新的信息系统")),
            ],
        )
        for name in ("system", "system_name") if supply else ():
            self.fields.pop(name)

    def values(self) -> dict[str, Any]:
        """Return what may be changed of a supply. Only after `is_valid`."""
        given = self.cleaned_data
        return {
            "fields": given["fields_given"],
            **{name: given[name] for name in ("mode", "update_cycle", "rank", "note")},
        }


def _of_supply(dataset: DataSet, supply: Supply | None) -> dict[str, Any]:
    if supply is None:
        return {"update_cycle": dataset.update_cycle, "mode": "table"}
    names = ("mode", "update_cycle", "rank", "note")
    return {name: getattr(supply, name) for name in names} | {"fields_given": supply.fields}
