"""What is asked when somebody asks for data or decides. What may be is decided by catalogue's actions."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from django import forms
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from citybrain.base.catalogue.actions import Asked, Terms, condition_from
from citybrain.base.catalogue.conditions import NO_VALUE, Condition
from citybrain.base.catalogue.models import DataSet, DeliveryMode, Grant, Request
from citybrain.base.catalogue.shape import Field, Shape
from citybrain.base.identity.errors import Refused, refuse
from citybrain.base.identity.models import Agency
from citybrain.faces.desk.data.shown import OPS, field_name

CONDITIONS: Final = 3
TRUE: Final = frozenset({"1", "true", "yes", "是"})


def _day(label: Any, help_text: Any = "") -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=label, required=False, widget=widget, help_text=help_text)


def _modes() -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=_("使用方式"), choices=DeliveryMode.choices, widget=forms.CheckboxSelectMultiple
    )


class AskForm(forms.Form):
    """A request: who asks, for which fields, which rows, in which ways, until when."""

    agency = forms.ChoiceField(label=_("申请单位"))
    purpose = forms.CharField(
        label=_("用途"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("写清办什么事、为什么需要这些信息项。被查到的本人会看到这段话。"),
    )
    basis = forms.CharField(
        label=_("依据"), max_length=500, required=False, help_text=_("法律法规、文件或工作职责。")
    )
    scene = forms.CharField(label=_("应用场景"), max_length=60, required=False)
    fields_asked = forms.MultipleChoiceField(label=_("信息项"))
    plain = forms.MultipleChoiceField(label=_("明文信息项"), required=False)
    modes = _modes()
    until = _day(_("使用到"), _("最长三年；不填为长期，可随时撤销。"))
    daily_limit = forms.IntegerField(label=_("每日数据量（行）"), required=False, min_value=1)

    def __init__(self, dataset: DataSet, agencies: Sequence[Agency], *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.shape: Shape = dataset.shape
        choices: dict[str, list[tuple[str, str]]] = {
            "agency": [(str(one.pk), str(one)) for one in agencies],
            "fields_asked": [(one.name, field_name(one)) for one in self.shape.fields],
            "plain": [(one.name, field_name(one)) for one in self.shape.fields if one.mask],
        }
        for name, offered in choices.items():
            chosen = self.fields[name]
            if isinstance(chosen, forms.ChoiceField):
                chosen.choices = offered

    def given(self) -> list[tuple[str, str, str]]:
        """Return the lines of conditions as they were typed, as many as are drawn."""

        def typed(index: int, part: str) -> str:
            return str(self.data.get(f"where_{index}_{part}", "")).strip()

        return [
            (typed(index, "field"), typed(index, "op"), typed(index, "value")) for index in range(CONDITIONS)
        ]

    def asked(self) -> Asked:
        """Return what was asked. Only after `is_valid`; raises Refused for conditions that can't be."""
        given = self.cleaned_data
        return Asked(
            purpose=given["purpose"], basis=given["basis"], scene=given["scene"], fields=given["fields_asked"],
            plain=given["plain"], modes=given["modes"], until=given["until"], daily_limit=given["daily_limit"],
            conditions=conditions(self.shape, self.given()),
        )  # fmt: skip


def conditions(shape: Shape, given: Sequence[tuple[str, str, str]]) -> list[Condition]:
    """Return the conditions of typed lines; lines without a field are left out. Raises Refused."""
    found = []
    for name, op, text in given:
        if not name:
            continue
        if not shape.has(name) or op not in OPS:
            raise refuse("conditions", _now("行条件不完整：%(what)s。") % {"what": name})
        found.append(
            condition_from(name, op, None if op in NO_VALUE else _value(shape.field(name), op, text))
        )
    return found


def _value(field: Field, op: str, text: str) -> Any:
    if op not in {"in", "between"}:
        return _one(field, text)
    parts = [part for part in text.replace("，", ",").replace("、", ",").split(",") if part.strip()]
    if op == "between" and len(parts) != 2:
        raise refuse(
            "conditions", _now("“介于”需要两个值，用逗号隔开：%(what)s。") % {"what": field_name(field)}
        )
    return [_one(field, part) for part in parts]


def _one(field: Field, text: str) -> Any:
    """Return one value of the field's type. Raises Refused."""
    text = text.strip()
    problem = refuse("conditions", _now("行条件的值不对：%(what)s。") % {"what": field_name(field)})
    if not text:
        raise problem
    try:
        if field.type.is_number:
            return float(text) if "." in text else int(text)
        if field.type.kind == "date":
            return date.fromisoformat(text).isoformat()
    except ValueError as bad:
        raise problem from bad
    return text.lower() in TRUE if field.type.kind == "boolean" else text


class DecideForm(forms.Form):
    """The supplier's word: what is granted of what was asked, and why."""

    fields_given = forms.MultipleChoiceField(label=_("授予的信息项"), required=False)
    plain = forms.MultipleChoiceField(label=_("明文信息项"), required=False)
    modes = forms.MultipleChoiceField(
        label=_("使用方式"), required=False, widget=forms.CheckboxSelectMultiple
    )
    until = _day(_("使用到"), _("只能缩短，不能超出申请的期限。"))
    daily_rows = forms.IntegerField(label=_("每日数据量（行）"), required=False, min_value=1)
    rate_per_second = forms.IntegerField(label=_("每秒调用次数"), required=False, min_value=1)
    reason = forms.CharField(
        label=_("审核意见"),
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("拒绝时必须写明理由，申请单位会看到。"),
    )

    def __init__(self, request: Request, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.initial = {"modes": request.modes, "until": request.until}
        shape = request.dataset.shape
        modes = [(mode.value, mode.label) for mode in DeliveryMode if mode.value in request.modes]
        for name, offered in (
            ("fields_given", [(one, one) for one in request.fields]),
            ("plain", [(one, one) for one in request.plain if shape.has(one)]),
            ("modes", modes),
        ):
            chosen = self.fields[name]
            if isinstance(chosen, forms.ChoiceField):
                chosen.choices = offered

    def terms(self) -> Terms:
        """Return what is granted. Only after `is_valid`."""
        given = self.cleaned_data
        return Terms(
            fields=given["fields_given"], plain=given["plain"], modes=given["modes"], until=given["until"],
            daily_rows=given["daily_rows"], rate_per_second=given["rate_per_second"],
        )  # fmt: skip


class KeyForm(forms.Form):
    """A key for one system."""

    label = forms.CharField(
        label=_("给哪个系统用"), max_length=80, help_text=_("一个系统一把密钥，停用时互不影响。")
    )
    until = _day(_("密钥有效期至"), _("不填则与授权同时到期。"))


def put_refusals(form: forms.Form, refused: Refused) -> None:
    """Put what an action refused beside the field it is about, else above the form."""
    names = {"fields": "fields_asked" if "fields_asked" in form.fields else "fields_given"}
    for problem in refused.problems:
        name = names.get(problem.field, problem.field)
        form.add_error(name if name in form.fields else None, problem.reason)


def example(grant: Grant) -> dict[str, Any]:
    """Return the body of a call that fits the grant: by key where it may, else by filter."""
    shape = grant.dataset.shape
    if DeliveryMode.KEY in grant.modes:
        keys = shape.keys
        return {"key": "…" if len(keys) == 1 else dict.fromkeys(keys, "…")}
    return {"fields": grant.fields, "limit": 100}
