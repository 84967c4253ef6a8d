"""What a source is told, asked by kind. What may be is decided by exchange's actions."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from citybrain.base.catalogue.models import DataSet, Supply
from citybrain.base.catalogue.shape import Shape
from citybrain.base.exchange.mapping import match
from citybrain.base.exchange.models import Kind, MergeMode, OnDrift, Source
from citybrain.base.exchange.models.intake import SOURCES
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.models import Agency
from citybrain.faces.desk.data.shown import field_name

FETCHED: Final = ("folder", "sql", "http")
ADDED: Final = (*FETCHED, "push")
SECRETS: Final = frozenset({"sql", "http"})
BY_NAME: Final = "*"  # the choice "as its name says" of a column's field
BLANK_LINES: Final = 2
EVERY: Final = (
    ("", _("只在需要时")), (5, _("每 5 分钟")), (15, _("每 15 分钟")), (60, _("每小时")), (360, _("每 6 小时")),
    (1440, _("每天")), (10080, _("每周")), (43200, _("每 30 天")),
)  # fmt: skip
SYSTEMS: Final = (
    ("postgresql", "PostgreSQL"),
    ("mariadb", "MariaDB"),
    ("mysql", "MySQL"),
    ("sqlite", "SQLite"),
)
PAGINGS: Final = (
    ("none", _("不翻页")),
    ("page", _("页码")),
    ("offset", _("起始行")),
    ("cursor", _("游标")),
    ("link", _("Link 应答头")),
)
ENCODINGS: Final = (("", _("自动识别")), ("utf-8", "UTF-8"), ("gb18030", "GB 18030"), ("latin-1", "Latin-1"))


@dataclass(frozen=True, slots=True)
class Giver:
    """Who may give rows of a set: an agency, under a supply of the list where it is in it."""

    agency: Agency
    supply: Supply | None

    @property
    def key(self) -> str:
        return f"{self.agency.pk}-{self.supply.pk if self.supply else 0}"

    @property
    def label(self) -> str:
        return f"{self.agency} · {self.supply.system}" if self.supply else str(self.agency)


def givers(actor: Actor, dataset: DataSet) -> list[Giver]:
    """Return for whom the actor may set up sources of a set: the provider for all suppliers, others for themselves."""
    mine = {hat.agency_id or actor.agency_id for hat in actor.hats_with(SOURCES)}
    rows = Supply.objects.filter(dataset=dataset, is_active=True).select_related("system__agency")
    if dataset.provider_id not in mine:
        rows = rows.filter(system__agency__in=[one for one in mine if one is not None])
    found = [Giver(one.system.agency, one) for one in rows.order_by("rank", "id")]
    own = dataset.provider_id in mine and all(one.agency.pk != dataset.provider_id for one in found)
    return [*found, *([Giver(dataset.provider, None)] if own else [])]


def _text(
    label: Any, *, needed: bool = False, most: int = 300, help_text: Any = "", hint: str = ""
) -> forms.CharField:
    widget = forms.TextInput(attrs={"placeholder": hint, "autocomplete": "off", "spellcheck": "false"})
    return forms.CharField(label=label, required=needed, max_length=most, help_text=help_text, widget=widget)


def _reading() -> dict[str, forms.Field]:
    return {
        "encoding": forms.ChoiceField(label=_("编码"), choices=ENCODINGS, required=False),
        "delimiter": _text(_("分隔符"), most=1, help_text=_("不填则自动识别。")),
        "sheet": _text(_("工作表"), most=100, help_text=_("不填则取第一张有数据的表。")),
        "header_row": forms.IntegerField(
            label=_("表头在第几行"), required=False, min_value=1, max_value=1000
        ),
    }


def _ending() -> dict[str, forms.Field]:
    return {
        "ended_column": _text(
            _("标记已结束的列"), most=200, help_text=_("这一列说某行已注销、作废时，按主键删除。")
        ),
        "ended_values": _text(
            _("哪些值表示已结束"), hint="1、是、注销", help_text=_("不填则认 1、是、删除、注销等。")
        ),
    }


def _asked(kind: str) -> dict[str, forms.Field]:
    """Return the fields about where rows come from, in the order they are asked."""
    if kind == "folder":
        return {
            "folder": _text(
                _("文件夹"), needed=True, hint="/data/in", help_text=_("服务器上的完整路径。文件不会被移动或删除。")
            ),
            "pattern": _text(_("文件名"), hint="*.csv", help_text=_("可用 * 和 ?；不填则全部文件。")),
            "ended_pattern": _text(
                _("已结束的行在哪些文件"), hint="del_*.csv", help_text=_("这些文件里的行按主键删除；不填则没有。")
            ),
            **_reading(), **_ending(),
        }  # fmt: skip
    if kind == "sql":
        return {
            "system": forms.ChoiceField(label=_("数据库类型"), choices=SYSTEMS),
            "host": _text(_("主机"), hint="db.example.cn"),
            "port": forms.IntegerField(label=_("端口"), required=False, min_value=1, max_value=65535),
            "database": _text(_("数据库名"), needed=True, help_text=_("SQLite 填文件的完整路径。")),
            "schema": _text(_("模式"), help_text=_("不填则为默认模式。")),
            "table": _text(_("表或视图"), needed=True),
            "since_column": _text(_("增量列"), help_text=_("只增不减的列，如更新时间；填了只取新的行。")),
            "user": _text(_("用户名"), help_text=_("请用只读账号。")),
            **_ending(),
        }
    if kind == "http":
        return {
            "url": _text(_("地址"), needed=True, most=1000, hint="https://"),
            "params": forms.CharField(
                label=_("请求参数"), required=False, max_length=2000, help_text=_("每行一个：名称=值。"),
                widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
            ),
            "rows": _text(
                _("行所在位置"), hint="data.list", help_text=_("应答里放行的地方；不填表示应答本身就是列表。")
            ),
            "paging": forms.ChoiceField(label=_("翻页方式"), choices=PAGINGS),
            "size": forms.IntegerField(label=_("每页行数"), required=False, min_value=1, max_value=100_000),
            "position_param": _text(_("页码参数"), hint="page", most=60),
            "size_param": _text(_("行数参数"), hint="size", most=60),
            "next": _text(_("下一页游标的位置"), hint="next", most=200),
            "secret_header": _text(
                _("密钥放在哪个请求头"), hint="Authorization", most=60, help_text=_("不填则为 Authorization: Bearer。")
            ),
            **_ending(),
        }  # fmt: skip
    return {}


class SourceForm(forms.Form):
    """One source. The secret is asked for and never shown: an empty one keeps what is there."""

    name = forms.CharField(label=_("来源名称"), max_length=120)
    giver = forms.ChoiceField(label=_("提供方"))
    secret = forms.CharField(
        label=_("密码或密钥"), required=False, max_length=1000, strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )  # fmt: skip
    forget = forms.BooleanField(label=_("清除已保存的密码或密钥"), required=False)
    mode = forms.ChoiceField(label=_("入库方式"))
    every_minutes = forms.TypedChoiceField(
        label=_("多久取一次"), choices=EVERY, required=False, coerce=int, empty_value=None
    )
    on_drift = forms.ChoiceField(label=_("列变化时"), choices=OnDrift.choices)
    bad_percent = forms.IntegerField(
        label=_("问题行超过百分之几时停下"), min_value=0, max_value=100, help_text=_("可能送错了文件。")
    )
    is_active = forms.BooleanField(label=_("启用"), required=False)

    def __init__(
        self, kind: str, dataset: DataSet, choices: Sequence[Giver], source: Source | None, data: Any = None
    ) -> None:
        super().__init__(data, initial=_initial(kind, dataset, source))
        self.kind, self.dataset, self.source = kind, dataset, source
        self.givers = {one.key: one for one in choices}
        self.asked = _asked(kind)
        self.fields |= self.asked
        modes = [one for one in MergeMode.choices if one[0] != "upsert" or dataset.shape.keys]
        _choose(self.fields["mode"], modes)
        _choose(self.fields["giver"], [(one.key, one.label) for one in choices])
        left_out = {"every_minutes"} if kind not in FETCHED else set()
        left_out |= {"secret", "forget"} if kind not in SECRETS else set()
        left_out |= {"giver"} if source is not None else {"is_active"}
        left_out |= set() if source is not None and source.secret else {"forget"}
        for name in left_out:
            self.fields.pop(name, None)
        if "secret" in self.fields and source is not None and source.secret:
            self.fields["secret"].help_text = gettext("已保存，不显示；留空则保持不变。")

    @property
    def places(self) -> list[forms.BoundField]:
        """The fields about where rows come from, with the secret behind them."""
        return [self[name] for name in (*self.asked, "secret", "forget") if name in self.fields]

    @property
    def rules(self) -> list[forms.BoundField]:
        """The fields about what is done with what comes."""
        names = ("mode", "every_minutes", "on_drift", "bad_percent", "is_active")
        return [self[name] for name in names if name in self.fields]

    def settings(self) -> dict[str, Any]:
        """Return what the source is told; what this page doesn't ask stays. Only after `is_valid`."""
        kept = dict(self.source.settings) if self.source else {}
        for name in self.asked:
            value = self.cleaned_data[name]
            value = {"params": _params, "ended_values": _listed}.get(name, _same)(value)
            kept.pop(name, None)
            if value not in ("", None, {}, []):
                kept[name] = value
        return kept

    def mapping(self, shape: Shape) -> dict[str, str]:
        """Return column → field as chosen; columns that go by their name aren't in it."""
        lists = self.data.getlist if hasattr(self.data, "getlist") else lambda _name: []
        pairs = zip(lists("column"), lists("field"), strict=False)
        return {
            column.strip()[:200]: name
            for column, name in pairs
            if column.strip() and name != BY_NAME and (not name or shape.has(name))
        }

    def values(self) -> dict[str, Any]:
        """Return what actions set. Only after `is_valid`."""
        given = self.cleaned_data
        names = ("name", "mode", "every_minutes", "on_drift", "bad_percent", "is_active")
        found = {name: given[name] for name in names if name in self.fields}
        return {**found, "settings": self.settings(), "mapping": self.mapping(self.dataset.shape)}

    def given_secret(self) -> str | None:
        """Return the secret to keep, None to leave the one there is. Only after `is_valid`."""
        given: str = self.cleaned_data.get("secret", "")
        return "" if self.cleaned_data.get("forget") else given or None


def _choose(field: forms.Field, choices: Sequence[tuple[str, Any]]) -> None:
    if isinstance(field, forms.ChoiceField):
        field.choices = choices


def _initial(kind: str, dataset: DataSet, source: Source | None) -> dict[str, Any]:
    if source is None:
        mode = "upsert" if dataset.shape.keys else "append"
        return {"mode": mode, "on_drift": "stop", "bad_percent": 50, "name": str(Kind(kind).label)}
    names = ("name", "mode", "every_minutes", "on_drift", "bad_percent", "is_active")
    told = {name: getattr(source, name) for name in names} | dict(source.settings)
    params = source.settings.get("params") or {}
    ended = "、".join(map(str, source.settings.get("ended_values") or ()))
    return told | {
        "params": "\n".join(f"{name}={value}" for name, value in params.items()),
        "ended_values": ended,
    }


def _same(value: Any) -> Any:
    return value


def _listed(written: str) -> list[str]:
    return [part for part in re.split(r"[、,，;；\s]+", written) if part]


def _params(written: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in written.splitlines() if line.strip())
    return {name.strip(): value.strip() for name, _sign, value in pairs if name.strip()}


def mapping_lines(
    columns: Sequence[str], mapping: Mapping[str, str], shape: Shape, *, blank: bool = True
) -> list[dict[str, Any]]:
    """Return a line for each column: what was chosen, and what its name says. `blank` adds lines to write one in."""
    names = list(dict.fromkeys([*columns, *mapping]))
    told = {column: name for name, column in match(names, shape, {}).items()}
    lines = [
        {
            "column": column,
            "field": mapping.get(column, BY_NAME),
            "by_name": field_name(shape.field(told[column])) if column in told else "",
        }
        for column in names
    ]
    more = BLANK_LINES if blank else 0
    return lines + [{"column": "", "field": BY_NAME, "by_name": ""} for _place in range(more)]
