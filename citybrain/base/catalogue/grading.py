"""Grades and what they forbid: which share and open types an entry can have, and why not.

Source: GB/T 43697-2024 (the highest field decides the set; four levels of general data after its informative
appendix); PIPL art. 28 (sensitive personal information) and art. 23 (giving it to others needs a ground).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _

from citybrain.base.catalogue.shape import Field, Shape

UNCONDITIONAL: Final = 1
CONDITIONAL: Final = 2
REFUSED: Final = 3
# Grade up to which fields may be shared without being asked, and opened to everybody.
SHARE_GRADE_MOST: Final = 2
OPEN_GRADE_MOST: Final = 2
NAMES_TOLD: Final = 6


@dataclass(frozen=True, slots=True)
class Entry:
    """What grading looks at. `share_fields`: the fields given without being asked, empty for all of them;
    `open_fields` those opened to everybody, empty for all."""

    shape: Shape
    share_type: int
    open_type: int
    share_condition: str = ""
    open_condition: str = ""
    share_fields: Sequence[str] = ()
    open_fields: Sequence[str] = ()


def grade(shape: Shape) -> int:
    """Return the grade of a set: that of its highest field."""
    return max((field.grade for field in shape.fields), default=1)


def grade_reasons(shape: Shape) -> list[Field]:
    """Return the fields that give the set its grade."""
    highest = grade(shape)
    return [field for field in shape.fields if field.grade == highest]


def free_fields(entry: Entry) -> frozenset[str]:
    """Return the fields given at once, without the supplier being asked."""
    if entry.share_type != UNCONDITIONAL:
        return frozenset()
    return frozenset(entry.share_fields or entry.shape.names)


def opened_fields(entry: Entry) -> frozenset[str]:
    """Return the fields opened to everybody (under the open condition where the type is conditional)."""
    return frozenset() if entry.open_type == REFUSED else frozenset(entry.open_fields or entry.shape.names)


def refusals(entry: Entry) -> list[str]:
    """Return why the share and open types of an entry can't stand, in the reader's language; empty if they can."""
    found: list[str] = []
    if entry.share_type == UNCONDITIONAL:
        found += _held_back(entry.shape, free_fields(entry), _("无条件共享"), SHARE_GRADE_MOST)
    if entry.open_type in {UNCONDITIONAL, CONDITIONAL}:
        found += _held_back(entry.shape, opened_fields(entry), _("向社会开放"), OPEN_GRADE_MOST)
    if entry.share_type in {CONDITIONAL, REFUSED} and not entry.share_condition.strip():
        found.append(
            _("有条件共享的数据资源须写明共享条件。")
            if entry.share_type == CONDITIONAL
            else _("不予共享的数据资源须写明依据。")
        )
    if entry.share_type == REFUSED and entry.open_type != REFUSED:
        found.append(_("不予共享的数据资源不能向社会开放。"))
    return found + _unknown(entry) + _undergraded(entry.shape)


def _held_back(shape: Shape, given: frozenset[str], what: str, most: int) -> list[str]:
    fields = [field for field in shape.fields if field.name in given]
    sensitive = [field for field in fields if field.personal == "sensitive"]
    personal = [field for field in fields if field.personal == "personal"]
    high = [field for field in fields if not field.is_personal and field.grade > most]
    found = []
    if sensitive:
        text = _("%(fields)s是敏感个人信息，不能%(what)s。")
        found.append(text % {"fields": told(sensitive), "what": what})
    if personal:
        text = _("%(fields)s是个人信息，不能%(what)s：请改为有条件，或不列入%(what)s的信息项。")
        found.append(text % {"fields": told(personal), "what": what})
    if high:
        text = _("%(fields)s为一般数据%(most)d级以上，不能%(what)s。")
        found.append(text % {"fields": told(high), "what": what, "most": most})
    return found


def _unknown(entry: Entry) -> list[str]:
    unknown = [name for name in (*entry.share_fields, *entry.open_fields) if not entry.shape.has(name)]
    if not unknown:
        return []
    return [_("没有信息项“%(names)s”。") % {"names": _("、").join(dict.fromkeys(unknown))}]


def _undergraded(shape: Shape) -> list[str]:
    """Sensitive personal information is of grade 3 at least, personal information of grade 2."""
    least = {"none": 1, "personal": 2, "sensitive": 3}
    low = [field for field in shape.fields if field.grade < least[field.personal]]
    if not low:
        return []
    return [_("%(fields)s的分级过低：个人信息不低于2级，敏感个人信息不低于3级。") % {"fields": told(low)}]


def told(fields: Iterable[Field]) -> str:
    """Return the Chinese names of fields as a phrase: “姓名”“住址”等 8 项."""
    names = [field.zh for field in fields]
    text = "".join(f"“{name}”" for name in names[:NAMES_TOLD])
    return text if len(names) <= NAMES_TOLD else _("%(names)s等 %(n)d 项") % {"names": text, "n": len(names)}
