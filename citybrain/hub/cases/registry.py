"""Changes of the item table: a new version from a day on; what was holds for what was."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import transaction
from django.forms.models import model_to_dict
from django.utils.translation import gettext as _

from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.models import AgencyKind
from citybrain.base.ledger.append import record
from citybrain.hub.cases import items
from citybrain.hub.cases.errors import BadInput
from citybrain.hub.cases.models import Item

FIRST_DAY = date(2000, 1, 1)
KEYWORDS_MOST = 400
MINUTES_MOST = 5_000_000


@dataclass(frozen=True, slots=True)
class Receipt:
    """How many items of a table are new, changed, unchanged and ended; `errors` is (line, what) of rows left out."""

    added: int
    changed: int
    unchanged: int
    ended: int
    errors: tuple[tuple[int, str], ...]


def load(
    actor: Actor,
    rows: Iterable[Mapping[str, str]],
    valid_from: date = FIRST_DAY,
    *,
    whole: bool = False,
    trial: bool = False,
) -> Receipt:
    """Bring in an item table: each row that differs becomes a version from `valid_from` on.

    `whole`: items in force that the table leaves out end on that day, unless a row of it is faulty: the item that
    this row is about would end by a slip of the pen. The same table twice changes nothing.
    `trial`: only the receipt is made, nothing is written.

    Raises BadInput for a table without rows.
    """
    require(actor, "items.manage")
    kinds = dict(AgencyKind.objects.values_list("name_zh", "key"))
    errors: list[tuple[int, str]] = []
    values: dict[str, dict[str, Any]] = {}
    for place, row in enumerate(rows, start=2):
        line = int(row.get("line") or place)
        try:
            one = _values(row, kinds)
        except KeyError as missing:
            errors.append((line, _("缺少列 %(name)s。") % {"name": missing.args[0]}))
            continue
        except ValueError as error:
            errors.append((line, str(error)))
            continue
        if one["code"] in values:
            errors.append((line, _("事项编码 %(code)s 重复。") % {"code": one["code"]}))
            continue
        values[one["code"]] = one
    if not values and not errors:
        raise BadInput(_("文件里没有事项。"), "file")
    with transaction.atomic():
        receipt = _apply(values, valid_from, whole, tuple(errors))
        if trial:
            transaction.set_rollback(True)
            return receipt
        record(
            actor.key,
            "items.load",
            f"items:{valid_from.isoformat()}",
            {
                "added": receipt.added,
                "changed": receipt.changed,
                "ended": receipt.ended,
                "errors": len(errors),
            },
        )
    items.forget()
    return receipt


def _apply(
    values: dict[str, dict[str, Any]], valid_from: date, whole: bool, errors: tuple[tuple[int, str], ...]
) -> Receipt:
    current = {item.code: item for item in Item.objects.filter(valid_until=None).select_for_update()}
    fresh: list[Item] = []
    ending: list[Item] = []
    changed = 0
    for code, one in values.items():
        old = current.get(code)
        if old is not None and _same(old, one):
            continue
        if old is not None:
            changed += 1
            _end(old, valid_from, ending)
        fresh.append(Item(**one, valid_from=valid_from))
    _after_the_last([item.code for item in fresh if item.code not in current], valid_from)
    gone = [item for code, item in current.items() if whole and not errors and code not in values]
    for item in gone:
        _end(item, valid_from, ending)
    Item.objects.bulk_update(ending, ["valid_until"])
    Item.objects.bulk_create(fresh)
    unchanged = len(values) - len(fresh)
    return Receipt(len(fresh) - changed, changed, unchanged, len(gone), errors)


def _after_the_last(codes: list[str], valid_from: date) -> None:
    """Raise BadInput where an item that had ended would come back before the day it ended on."""
    ended = Item.objects.filter(code__in=codes, valid_until__gt=valid_from).order_by("code").first()
    if ended is not None and ended.valid_until:
        text = _("事项 %(code)s 已有版本至 %(day)s 止，新版本不能早于这一天。")
        raise BadInput(text % {"code": ended.code, "day": ended.valid_until.isoformat()}, "valid_from")


def _end(item: Item, on: date, ending: list[Item]) -> None:
    if on <= item.valid_from:
        text = _("事项 %(code)s 已有自 %(day)s 起的版本，新版本须晚于这一天。")
        raise BadInput(text % {"code": item.code, "day": item.valid_from.isoformat()}, "valid_from")
    item.valid_until = on
    ending.append(item)


def _same(item: Item, values: Mapping[str, Any]) -> bool:
    old = model_to_dict(item, fields=list(values))
    return all(old[name] == value for name, value in values.items())


def _values(row: Mapping[str, str], kinds: Mapping[str, str]) -> dict[str, Any]:
    """Return a row's columns, typed. Raises ValueError naming the column."""
    code = row["code"].strip()
    if not (code.isdigit() and len(code) == 6):
        raise ValueError(_("事项编码“%(code)s”应为六位数字。") % {"code": code})
    lead, assist = row["lead_agency"].strip(), row.get("assist_agency", "").strip()
    if lead not in kinds and lead not in kinds.values():
        raise ValueError(_("没有“%(name)s”这类单位。") % {"name": lead})
    if assist and assist not in kinds and assist not in kinds.values():
        raise ValueError(_("没有“%(name)s”这类单位。") % {"name": assist})
    return {
        "code": code,
        **{name: _text(row, name) for name in _TEXTS},
        "lead_kind": kinds.get(lead, lead),
        "assist_kind": kinds.get(assist, assist),
        "urgent": row["priority"].strip() in {"紧急", "特急"},
        "accept_minutes": _minutes(row, "accept_minutes"),
        "disposal_minutes": _minutes(row, "disposal_minutes"),
        "working": row["disposal_clock"].strip() == "working",
        "accept_limit": f"{row['accept_limit'].strip()}{row['accept_unit'].strip()}",
        "disposal_limit": f"{row['disposal_limit'].strip()}{row['disposal_unit'].strip()}",
        "grid_self_handle": row["grid_self_handle"].strip() == "是",
        "whistle_allowed": row["whistle_allowed"].strip() == "是",
        "keywords": _keywords(row.get("keywords") or ""),
    }


def longest(name: str) -> int:
    """Return how many letters a text column of the item table holds; 0: no text."""
    return int(getattr(Item._meta.get_field(name), "max_length", 0) or 0)


def _text(row: Mapping[str, str], name: str) -> str:
    text, most = row[name].strip(), longest(name)
    if len(text) > most:
        raise ValueError(_("%(name)s 过长，最多 %(most)d 字。") % {"name": name, "most": most})
    return text


def _keywords(text: str) -> str:
    """Return citizens' phrases with one space between. Raises ValueError for more than the column holds."""
    kept = " ".join(text.split())
    if len(kept) > KEYWORDS_MOST:
        raise ValueError(
            _("市民用语共 %(n)d 字，最多 %(most)d 字。") % {"n": len(kept), "most": KEYWORDS_MOST}
        )
    return kept


_TEXTS = (
    "name_zh", "name_en", "class_code", "class_zh", "class_en", "subclass_code", "subclass_zh", "subclass_en",
    "kind", "first_level", "filing_condition", "close_condition", "gb30428_ref",
)  # fmt: skip


def _minutes(row: Mapping[str, str], name: str) -> int:
    text = row[name].strip()
    if not (text.isascii() and text.isdigit() and 0 < int(text) < MINUTES_MOST):
        raise ValueError(
            _("%(name)s 的“%(value)s”应为 1 至 500 万的分钟数。") % {"name": name, "value": text[:20]}
        )
    return int(text)
