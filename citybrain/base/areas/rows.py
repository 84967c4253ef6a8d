"""What a row of areas says by itself: code, name, level and day checked, nothing of the tree known."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.areas import codes
from citybrain.base.areas.models import Level
from citybrain.base.areas.tables import AreaRow

Outcome = Literal["added", "renamed", "unchanged", "refused"]
LONGEST_NAME = 100
_LEVEL_WORDS = {
    **{str(int(level)): level for level in Level},
    **{level.name.lower(): level for level in Level},
    **dict.fromkeys(("市", "地级市", "城市", "直辖市"), Level.CITY),
    **dict.fromkeys(("区县", "区", "县", "区/县", "市辖区", "县级"), Level.DISTRICT),
    **dict.fromkeys(("街镇", "街道", "镇", "乡", "乡镇", "街道/乡镇", "镇街"), Level.STREET),
    **dict.fromkeys(("社区村", "社区", "村", "社区/村", "村居", "居委会", "村委会"), Level.COMMUNITY),
    **dict.fromkeys(("网格", "单元网格"), Level.GRID),
}


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of one row. `reason` says why it was refused, or what is worth knowing."""

    line: int
    code: str
    outcome: Outcome
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of all rows, in their order."""

    results: tuple[RowResult, ...]

    def count(self, outcome: Outcome) -> int:
        return sum(result.outcome == outcome for result in self.results)

    @property
    def counts(self) -> dict[str, int]:
        return {outcome: self.count(outcome) for outcome in ("added", "renamed", "unchanged", "refused")}

    @property
    def refused(self) -> tuple[RowResult, ...]:
        return tuple(result for result in self.results if result.outcome == "refused")


class Refusal(ValueError):
    """Why one row can't be taken, in the reader's language."""


@dataclass(slots=True)
class Wanted:
    """A row that makes sense by itself. `parent` is a code, empty for a city."""

    row: AreaRow
    code: str
    level: Level
    valid_from: date | None
    parent: str = ""


def _name(row: AreaRow) -> None:
    if not row.name:
        raise Refusal(_("名称为空。"))
    if len(row.name) > LONGEST_NAME:
        raise Refusal(
            _("名称有 %(length)d 个字，最多 %(most)d 个字。")
            % {"length": len(row.name), "most": LONGEST_NAME}
        )
    if not row.name.isprintable():
        raise Refusal(_("名称“%(name)s”含有控制字符。") % {"name": repr(row.name)[1:-1]})


def _level(row: AreaRow, code: str) -> Level:
    """Return the level by the code's length; a six-digit code may call itself a city (省直辖县级市)."""
    level = codes.level_of(code)
    if not row.level:
        return level
    said = _LEVEL_WORDS.get(row.level.lower())
    if said is None:
        raise Refusal(
            _("没有“%(level)s”这一级别，请填 1 至 5，或市、区县、街镇、社区村、网格。")
            % {"level": row.level[:40]}
        )
    if said != level and not (said == Level.CITY and len(code) == 6):
        raise Refusal(
            _("级别“%(level)s”与 %(digits)d 位代码 %(code)s 不符。")
            % {"level": row.level, "digits": len(code), "code": code}
        )
    return said


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        day = date.fromisoformat(text.replace("/", "-"))
    except ValueError:
        raise Refusal(_("日期“%(day)s”无法识别，请写成 2026-01-31。") % {"day": text[:40]}) from None
    if day > timezone.localdate():
        raise Refusal(_("生效日期 %(day)s 未到，请在生效后再导入。") % {"day": text})
    return day


def read_row(row: AreaRow) -> Wanted:
    """Return the row checked by itself; raises Refusal."""
    try:
        code = codes.normalise(row.code)
        parent = codes.normalise(row.parent) if row.parent else ""
    except codes.BadCode as error:
        raise Refusal(str(error)) from None
    _name(row)
    if len(row.name_en) > 160 or not row.name_en.isprintable():
        raise Refusal(_("英文名超过 160 个字符，或含有控制字符。"))
    return Wanted(row, code, _level(row, code), _day(row.valid_from), parent)
