"""What people say a column means: corrected, confirmed, and remembered for the next form."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.catalogue.access import Side
from citybrain.base.catalogue.models import DataSet
from citybrain.base.catalogue.types import BadType, Type
from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.errors import Problem, Refused, refuse
from citybrain.hub.forms.access import DRAFT
from citybrain.hub.forms.columns import Asks, Column, Sums
from citybrain.hub.forms.figures import is_figure
from citybrain.hub.forms.making import meanings
from citybrain.hub.forms.making.drafting import OPEN, in_state, locked, new_version
from citybrain.hub.forms.making.drawing import LOOKED_UP, asking, counting
from citybrain.hub.forms.making.history import note
from citybrain.hub.forms.models import Form, FormState, Shaped, Version

CHANGEABLE: Final = frozenset(
    {
        "asks",
        "field",
        "derived",
        "type",
        "required",
        "unit",
        "code_table",
        "options",
        "minimum",
        "maximum",
        "sums",
    }
)
NOT_COUNTED: Final = frozenset(
    {"type", "derived", "code_table", "options"}
)  # a number of people has none of them
OPTIONS_MOST: Final = 200
DERIVED: Final = {Asks.AREA: frozenset({"", "district", "street", "community", "grid", "city"})}


class Unsettled(Refused):
    """Columns whose meaning somebody must confirm first; `letters` names them."""

    def __init__(self, columns: Sequence[Column]) -> None:
        super().__init__(
            *(
                Problem(one.letter, _("请确认“%(name)s”列（%(letter)s）对应的信息项。")
                        % {"name": one.name, "letter": one.letter})
                for one in columns
            )
        )  # fmt: skip
        self.letters = tuple(one.letter for one in columns)


def correct_column(actor: Actor, form: Form, letter: str, **changes: Any) -> Version:
    """Say what a column means: `field` "dataset.field" (asks for data) or a figure's key (counts people of a live
    roster, in a table of figures), or "" for what no data set has.

    Others of CHANGEABLE may be given as well: asks, derived, type, required, unit, code_table, options, minimum,
    maximum, sums. What is said about the meaning is remembered for the next form with such a heading. A version that
    a round may use isn't touched: the next one is made. Raises Forbidden, Refused.
    """
    hat = require(actor, DRAFT, Side(form.office))
    unknown = set(changes) - CHANGEABLE
    if unknown:
        raise TypeError(f"correct_column: can't change {', '.join(sorted(unknown))}")
    now = timezone.now()
    with transaction.atomic():
        form = locked(form)
        in_state(form, (*OPEN, FormState.ADMITTED))
        columns = {one.letter: one for one in _shape(form)}
        if letter not in columns:
            raise refuse("letter", _("没有 %(letter)s 列。") % {"letter": letter})
        before = columns[letter]
        _verify_row(form, changes)
        after = _changed(meanings.published(), before, changes)
        columns[letter] = after
        version = _kept(actor, form, list(columns.values()), now)
        _remember(actor, form, before, after, changes, now)
        body = {"letter": letter, "name": before.name, "from": before.field, "to": after.field, "asks": str(after.asks),
                "changes": sorted(changes), "version": version.number}  # fmt: skip
        note(actor, "correct_column", form, now, body, hat=hat)
    return version


def confirm_columns(actor: Actor, form: Form, letters: Sequence[str] = ()) -> Version:
    """Say that columns mean what was found, all where none is named; it is remembered. Raises Forbidden, Refused."""
    hat = require(actor, DRAFT, Side(form.office))
    now = timezone.now()
    with transaction.atomic():
        form = locked(form)
        in_state(form, (*OPEN, FormState.ADMITTED))
        wanted = set(letters) or {one.letter for one in _shape(form)}
        confirmed = [one for one in _shape(form) if one.letter in wanted and not one.sure]
        columns = [replace(one, sure=True) if one in confirmed else one for one in _shape(form)]
        version = _kept(actor, form, columns, now)
        for one in confirmed:
            if one.asks in LOOKED_UP and not one.derived:  # what is worked out is no meaning
                meanings.remember(actor, one.path, form.office.kind_id, _meaning(one), now)
        body = {"letters": [one.letter for one in confirmed], "version": version.number}
        note(actor, "confirm_columns", form, now, body, hat=hat)
    return version


def _shape(form: Form) -> tuple[Column, ...]:
    if form.current is None:
        raise refuse("columns", _("报表至少要有一列。"))
    return form.current.shape


def _kept(actor: Actor, form: Form, columns: Sequence[Column], now: datetime) -> Version:
    """Return the version with the columns: the current one of a draft, else a new one with the same table."""
    version = form.current
    if version is None:
        raise refuse("columns", _("报表至少要有一列。"))
    if form.state in OPEN and not form.rounds.filter(version=version).exists():
        version.columns, version.changed_by, version.changed_at = (
            [one.to_json() for one in columns],
            actor.key,
            now,
        )
        version.save(update_fields=["columns", "changed_by", "changed_at"])
        return version
    made = new_version(actor, form, columns, now, workbook=version.workbook)
    for key in ("sheet", "header_first", "header_last", "begins"):
        setattr(made, key, getattr(version, key))
    made.save()
    form.current = made
    form.save(update_fields=["current"])
    return made


def _meaning(column: Column) -> str:
    return column.field if column.asks in LOOKED_UP and not column.derived else ""


def _remember(
    actor: Actor, form: Form, before: Column, after: Column, changes: dict[str, Any], now: datetime
) -> None:
    """Keep what was said about the meaning; columns that are worked out are no meaning."""
    if not {"field", "asks"} & set(changes) or after.derived:
        return
    if after.asks in {*LOOKED_UP, Asks.ANSWER}:
        meanings.remember(actor, before.path, form.office.kind_id, _meaning(after), now)


def _changed(sets: dict[str, DataSet], column: Column, changes: dict[str, Any]) -> Column:
    """Return the column as said. Raises Refused."""
    said = dict(changes)
    field, asks = said.pop("field", None), said.pop("asks", None)
    if is_figure(str(field or "")):
        column = counting(column, str(field), 1.0, ("person",))
    elif field:
        column = asking(sets, column, str(field), 1.0, ("person",))
    elif field == "" or (asks is not None and str(asks) not in LOOKED_UP):
        column = replace(column, asks=_asks(asks or Asks.ANSWER), field="", derived="", personal="none", code_table="",
                         check="", confidence=1.0, why=("person",))  # fmt: skip
    elif asks is not None and (not column.field or str(asks) != column.asks):
        raise refuse("field", _("请选择目录中的信息项。"))
    if column.asks == Asks.COUNT:
        said = {key: value for key, value in said.items() if key not in NOT_COUNTED}
    column = replace(column, **_verified(column, said), sure=True)
    _verify(column)
    return column


def _verify_row(form: Form, changes: dict[str, Any]) -> None:
    """Raise Refused where people are to be counted in a form whose rows aren't areas."""
    if is_figure(str(changes.get("field") or "")) and form.shaped != Shaped.FIGURES:
        raise refuse("field", _("一地一行的统计表才能按名册计数，请先把“一行是什么”选为统计表。"))


def _asks(value: object) -> Asks:
    try:
        return Asks(str(value))
    except ValueError as bad:
        raise refuse("asks", _("请选择这一列由谁填写。")) from bad


def _verified(column: Column, said: dict[str, Any]) -> dict[str, Any]:
    found = dict(said)
    if "type" in found:
        try:
            found["type"] = Type.parse(str(found["type"])).text
        except BadType as bad:
            raise refuse("type", _("“%(value)s”不是数据类型。") % {"value": found["type"]}) from bad
    if "sums" in found:
        if str(found["sums"]) not in set(Sums):
            raise refuse("sums", _("请选择汇总方式。"))
        found["sums"] = Sums(str(found["sums"]))
    if "options" in found:
        found["options"] = tuple(
            dict.fromkeys(str(one).strip() for one in found["options"] if str(one).strip())
        )
        if len(found["options"]) > OPTIONS_MOST:
            raise refuse("options", _("可选值最多 %(most)d 个。") % {"most": OPTIONS_MOST})
    return found


def _verify(column: Column) -> None:
    """Raise Refused for a column whose properties contradict each other."""
    kind = Type.parse(column.type)
    if column.sums in {Sums.SUM, Sums.MEAN} and not (kind.is_number or column.derived == "age"):
        raise refuse("sums", _("“%(name)s”列不是数字，不能求和或平均。") % {"name": column.name})
    if column.minimum is not None and column.maximum is not None and column.minimum > column.maximum:
        raise refuse("minimum", _("最小值大于最大值。"))
    if column.asks == Asks.AREA and column.derived not in DERIVED[Asks.AREA]:
        raise refuse("derived", _("请选择显示哪一级的名称。"))
    if column.derived == "age" and (column.asks != Asks.DATA or not column.field):
        raise refuse("derived", _("年龄须由出生日期得出，请选择出生日期所在的信息项。"))
