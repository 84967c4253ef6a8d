"""What is asked when a form is made, admitted or sent down. What may be is decided by the hub's actions."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from citybrain.base.areas.models import Level
from citybrain.base.identity.errors import Refused
from citybrain.base.identity.models import Agency
from citybrain.hub.forms.making.actions import About
from citybrain.hub.forms.models import Cycle, Form, Shaped
from citybrain.hub.forms.rosters import rosters

FILLERS: Final = [(level.value, level.label) for level in Level if level != Level.CITY]
USUAL_DAYS: Final = 5
DUE_AT: Final = time(17, 30)


def period_of(cycle: str, day: date) -> str:
    """Return what a period of a cycle is called on a day; empty for forms that are asked once."""
    told = {"year": day.year, "month": day.month, "day": day.day, "quarter": (day.month + 2) // 3}
    named = {
        Cycle.DAY: _now("%(year)d年%(month)d月%(day)d日"),
        Cycle.WEEK: _now("%(year)d年%(month)d月%(day)d日当周"),
        Cycle.MONTH: _now("%(year)d年%(month)d月"),
        Cycle.QUARTER: _now("%(year)d年第%(quarter)d季度"),
        Cycle.YEAR: _now("%(year)d年"),
    }
    return named[Cycle(cycle)] % told if cycle in named else ""


def put_refusals(form: forms.Form, refused: Refused) -> None:
    """Put what an action refused beside the field it is about, else above the form."""
    for problem in refused.problems:
        form.add_error(problem.field if problem.field in form.fields else None, problem.reason)


def _agency_choices(field: forms.Field, offices: Sequence[Agency]) -> None:
    if isinstance(field, forms.ChoiceField):
        field.choices = [(str(one.pk), str(one)) for one in offices]


class NewForm(forms.Form):
    """A form to be made from a workbook. Only the file is needed: the rest can be said before admission."""

    file = forms.FileField(label=_("表格文件"), required=False, allow_empty_file=True)
    sheet = forms.CharField(
        label=_("工作表名称"), max_length=100, required=False, help_text=_("不填则用第一张有内容的工作表。")
    )
    title = forms.CharField(
        label=_("报表名称"), max_length=200, required=False, help_text=_("不填则用表格的标题。")
    )
    office = forms.ChoiceField(label=_("要报的单位"))
    fillers = forms.TypedChoiceField(
        label=_("谁来填"), choices=FILLERS, coerce=int, initial=Level.COMMUNITY.value
    )
    cycle = forms.ChoiceField(label=_("多久一次"), choices=Cycle.choices, initial=Cycle.ONCE.value)
    purpose = forms.CharField(
        label=_("用途"), max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("填了拿去做什么。申请准入前必须写明。"),
    )  # fmt: skip
    basis = forms.CharField(
        label=_("依据"), max_length=500, required=False, help_text=_("法律法规、文件或工作职责。")
    )

    def __init__(self, offices: Sequence[Agency], *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        _agency_choices(self.fields["office"], offices)


def rows_choices() -> list[tuple[str, Any]]:
    """Return what a row of a form may be: somebody on a roster, an area, anything."""
    people = [
        (f"{Shaped.ROSTER}:{key}", _("名册：%(name)s") % {"name": one.name}) for key, one in rosters().items()
    ]
    return [
        (f"{Shaped.ROSTER}:", _("名册：本地全部居民")),
        *people,
        (f"{Shaped.FIGURES}:", Shaped.FIGURES.label),
        (f"{Shaped.FREE}:", Shaped.FREE.label),
    ]


def roster_of(title: str) -> str:
    """Return the key of the roster that a title names, the longest name of several; empty for none."""
    bare = title.replace("老年人", "老人")
    names = {one.zh.replace("老年人", "老人"): key for key, one in rosters().items()}
    named = [name for name in names if name in bare]
    return names[max(named, key=len)] if named else ""


def about_of(one: Form, **changes: Any) -> About:
    """Return what a form is for, with some of it changed."""
    kept = About(one.title, one.purpose, one.basis, one.cycle, one.fillers, one.shaped, one.roster)
    return replace(kept, **changes)


class AboutForm(forms.Form):
    """What a form is for, changed while it is a draft or was refused."""

    title = forms.CharField(label=_("报表名称"), max_length=200)
    rows = forms.ChoiceField(label=_("一行是什么"))
    fillers = forms.TypedChoiceField(label=_("谁来填"), choices=FILLERS, coerce=int)
    cycle = forms.ChoiceField(label=_("多久一次"), choices=Cycle.choices)
    purpose = forms.CharField(
        label=_("用途"), max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
    basis = forms.CharField(label=_("依据"), max_length=500, required=False)

    def __init__(self, one: Form, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.initial = {
            "title": one.title, "rows": f"{one.shaped}:{one.roster}", "fillers": one.fillers, "cycle": one.cycle,
            "purpose": one.purpose, "basis": one.basis,
        }  # fmt: skip
        field = self.fields["rows"]
        if isinstance(field, forms.ChoiceField):
            field.choices = rows_choices()

    def about(self) -> About:
        """Return what was said. Only after `is_valid`."""
        given = dict(self.cleaned_data)
        shaped, _colon, roster = given.pop("rows").partition(":")
        return About(shaped=shaped, roster=roster, **given)


class AdmissionForm(forms.Form):
    """What must be said to ask for admission."""

    purpose = forms.CharField(
        label=_("用途"), max_length=500, widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("填了拿去做什么、谁用。基层会看到。"),
    )  # fmt: skip
    basis = forms.CharField(label=_("依据"), max_length=500, help_text=_("法律法规、文件或工作职责。"))


class DecisionForm(forms.Form):
    """The word on admission."""

    reason = forms.CharField(
        label=_("意见"), max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("不予准入时必须写明理由，要报的单位会看到。"),
    )  # fmt: skip


class IssueForm(forms.Form):
    """A form to be sent down: below which area, to which level, for which period, until when."""

    root = forms.TypedChoiceField(label=_("下发范围"), coerce=int, empty_value=None)
    level = forms.TypedChoiceField(label=_("由谁填"), choices=FILLERS, coerce=int)
    period = forms.CharField(
        label=_("期次"), max_length=40, required=False, help_text=_("如“2026年11月”“第四季度”。")
    )
    due_day = forms.DateField(
        label=_("截止日期"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    due_time = forms.TimeField(
        label=_("截止时间"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"), initial=DUE_AT
    )
    note = forms.CharField(
        label=_("填报说明"), max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("填报人一打开就看到。"),
    )  # fmt: skip

    def __init__(
        self, roots: Sequence[tuple[int, str]], one: Form, today: date, *args: Any, **more: Any
    ) -> None:
        super().__init__(*args, **more)
        field = self.fields["root"]
        if isinstance(field, forms.ChoiceField):
            field.choices = list(roots)
        self.initial = {
            "level": one.fillers, "period": period_of(one.cycle, today),
            "due_day": today + timedelta(days=USUAL_DAYS), "due_time": DUE_AT,
        }  # fmt: skip

    def due(self) -> datetime:
        """Return the moment of the deadline. Only after `is_valid`."""
        given = self.cleaned_data
        return timezone.make_aware(datetime.combine(given["due_day"], given["due_time"]))

    def clean(self) -> dict[str, Any]:
        """Refuse a deadline that is over."""
        given: dict[str, Any] = super().clean() or {}
        if given.get("due_day") and given.get("due_time"):
            self.cleaned_data = given
            if self.due() <= timezone.now():
                self.add_error("due_day", _now("截止时间已经过去，请选今天以后的时间。"))
        return given
