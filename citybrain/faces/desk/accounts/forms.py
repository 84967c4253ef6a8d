"""Forms of the account screens: what is asked and how it is typed. What may be is decided by the actions."""

import re
from datetime import datetime
from typing import Any

from django import forms
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from citybrain.base.areas.tree import AmbiguousCode, UnknownCode, tree
from citybrain.base.identity.models import Agency, Person
from citybrain.base.identity.roles import Role


class Chosen(forms.CharField):
    """A text whose first word is a key, offered by a list that narrows while one types.

    `offers` names the address that lists the choices; without scripts the key can be typed.
    """

    def __init__(self, offers: str, list_id: str, **more: Any) -> None:
        super().__init__(max_length=200, **more)
        self.widget.attrs.update(
            {
                "list": list_id,
                "autocomplete": "off",
                "hx-get": reverse_lazy(offers),
                "hx-trigger": "input changed delay:200ms, focus once",
                "hx-target": f"#{list_id}",
                "hx-swap": "innerHTML",
            }
        )

    def clean(self, value: Any) -> str:
        text = str(super().clean(value))
        return re.split(r"[\s　]", text.strip(), maxsplit=1)[0]


class PasswordForm(forms.Form):
    old = forms.CharField(
        label=_("原密码"), strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )
    new = forms.CharField(
        label=_("新密码"),
        strip=False,
        help_text=_("至少 10 位，不要用生日、姓名或常见词。几个不相干的词连起来，好记又难猜。"),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "minlength": 10}),
    )
    again = forms.CharField(
        label=_("再输一次新密码"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean(self) -> dict[str, Any]:
        kept = super().clean() or {}
        if kept.get("new") and kept.get("again") and kept["new"] != kept["again"]:
            self.add_error("again", _("两次输入的新密码不一致。"))
        return kept


class FirstPasswordForm(PasswordForm):
    """The same with the words of the first time."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["old"].label = _("一次性密码")
        self.fields["old"].help_text = _("刚才登录用的那个。")


def _when(label: Any) -> forms.DateTimeField:
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    return forms.DateTimeField(label=label, widget=widget, input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"])


class CoverForm(forms.Form):
    """Who stands in, from when to when."""

    starts_at = _when(_("开始时间"))
    ends_at = _when(_("结束时间"))
    reason = forms.CharField(
        label=_("事由"),
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"placeholder": _("年假")}),
    )


class MyCoverForm(CoverForm):
    """One's own leave: a colleague of the same agency."""

    deputy = forms.ChoiceField(label=_("代办人"))
    field_order = ("deputy", "starts_at", "ends_at", "reason")

    def __init__(self, *args: Any, colleagues: list[Person], **more: Any) -> None:
        super().__init__(*args, **more)
        choices: list[tuple[str, Any]] = [("", _("请选择本单位同事"))]
        field = self.fields["deputy"]
        if isinstance(field, forms.ChoiceField):
            field.choices = choices + [(str(one.pk), one.name) for one in colleagues]


class TheirCoverForm(CoverForm):
    """Someone else's leave, arranged by who manages both."""

    deputy = Chosen("people:choose_person", "deputy-offers", label=_("代办人"))
    field_order = ("deputy", "starts_at", "ends_at", "reason")

    def clean_deputy(self) -> Person:
        person = Person.objects.filter(login=self.cleaned_data["deputy"], kind="officer").first()
        if person is None:
            raise forms.ValidationError(_("没有这个登录名，请从列表里选。"))
        return person


class PersonForm(forms.Form):
    """An officer's account."""

    name = forms.CharField(label=_("姓名"), max_length=60)
    login = forms.CharField(
        label=_("登录名"),
        max_length=40,
        help_text=_("小写字母开头，可用字母、数字、点、横线。"),
        widget=forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false"}),
    )
    agency = Chosen(
        "people:choose_agency",
        "agency-offers",
        label=_("单位"),
        help_text=_("输入名称、拼音首字母或标识，从列表里选。"),
    )
    phone = forms.CharField(
        label=_("手机号"), required=False, max_length=20, widget=forms.TextInput(attrs={"inputmode": "tel"})
    )

    def clean_agency(self) -> Agency:
        agency = Agency.objects.in_force().filter(key=self.cleaned_data["agency"]).first()
        if agency is None:
            raise forms.ValidationError(_("没有这个单位，请从列表里选。"))
        return agency


class EditForm(PersonForm):
    """The same for an account that exists; `version` tells whether somebody else was faster."""

    version = forms.IntegerField(widget=forms.HiddenInput)


class GrantForm(forms.Form):
    """A role for an area, an agency and a time."""

    role = forms.ChoiceField(label=_("角色"))
    area = Chosen(
        "people:choose_area",
        "area-offers",
        label=_("区域"),
        help_text=_("输入名称、拼音首字母或代码，从列表里选。"),
    )
    agency = forms.ChoiceField(
        label=_("单位"), required=False, help_text=_("处置员、执法人员须选：只办理派给该单位的案件。")
    )
    valid_from = forms.DateField(
        label=_("生效日期"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("不填为今天。"),
    )
    valid_until = forms.DateField(
        label=_("失效日期"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("最后一天。不填为长期。"),
    )

    def __init__(self, *args: Any, roles: list[Role], person: Person, **more: Any) -> None:
        super().__init__(*args, **more)
        role, agency = self.fields["role"], self.fields["agency"]
        if isinstance(role, forms.ChoiceField) and isinstance(agency, forms.ChoiceField):
            role.choices = [("", _("请选择")), *((one.key, one.name) for one in roles)]
            own = [(str(person.agency_id), str(person.agency))] if person.agency else []
            agency.choices = [("", _("不限单位")), *own]

    def clean_area(self) -> int:
        try:
            return tree().by_code(self.cleaned_data["area"]).id
        except AmbiguousCode as split:
            names = "、".join(f"{node.code} {node.name}" for node in split.successors)
            raise forms.ValidationError(
                _("该区域已拆分，请改选：%(names)s"), params={"names": names}
            ) from split
        except UnknownCode as unknown:
            raise forms.ValidationError(_("没有这个区域，请从列表里选。")) from unknown


class ReasonForm(forms.Form):
    """A word on why, asked before what can't simply be undone."""

    reason = forms.CharField(label=_("原因"), max_length=200, required=False)


class NoForm(forms.Form):
    """A button."""


class ImportForm(forms.Form):
    """A roster to import."""

    file = forms.FileField(label=_("人员名单"))
    passwords = forms.BooleanField(
        label=_("为新账号生成一次性密码"),
        required=False,
        initial=True,
        help_text=_("密码只在回执里出现这一次，请下载后分发。"),
    )


def local(at: datetime) -> str:
    """Return a time as a datetime-local field holds it."""
    return at.strftime("%Y-%m-%dT%H:%M")
