"""Which column of a file holds which field, and what changed since the file before (drift)."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from difflib import SequenceMatcher
from typing import Any

from citybrain.base.catalogue.shape import Shape
from citybrain.base.exchange.reading import Column

UNIT = re.compile(r"[(（\[【].*?[)）\]】]$")


def plain(name: str) -> str:
    """Return a name without what differs between exports: case, width, spaces, a unit at its end."""
    text = unicodedata.normalize("NFKC", name).strip().lower()
    return re.sub(r"[\s_\-:：*]+", "", UNIT.sub("", text) or text)


def match(columns: Sequence[str], shape: Shape, told: Mapping[str, str]) -> dict[str, str]:
    """Return field → column: as `told` (column → field) says, else by the field's name, Chinese or English name."""
    found: dict[str, str] = {}
    for column in columns:
        if told.get(column) and shape.has(told[column]):
            found.setdefault(told[column], column)
    taken = {*found.values(), *(column for column, name in told.items() if not name)}
    known: dict[str, str] = {}
    for one in shape.fields:
        for name in (one.name, one.zh, one.en):
            if name:
                known.setdefault(plain(name), one.name)
    for column in columns:
        name = known.get(plain(column), "")
        if column not in taken and name and name not in found:
            found[name] = column
    return found


@dataclass(frozen=True)
class Drift:
    """What differs from the file before. `renamed`: (old, new) where a new column likely is a missing one."""

    missing: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    retyped: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.missing or self.added or self.retyped)

    def to_json(self) -> dict[str, Any]:
        """Return the drift as a run keeps it."""
        return {**asdict(self), "retyped": {name: list(kinds) for name, kinds in self.retyped.items()}}


def drift(before: Mapping[str, str], columns: Sequence[Column]) -> Drift:
    """Return what changed since a file with the columns `before` (name → kind); nothing before the first file."""
    if not before:
        return Drift()
    now = {column.name: column.kind for column in columns}
    missing = tuple(name for name in before if name not in now)
    added = tuple(name for name in now if name not in before)
    retyped = {
        name: (before[name], kind)
        for name, kind in now.items()
        if name in before and {before[name], kind} == {"text", kind} and before[name] != kind
    }
    return Drift(missing, added, _renamed(missing, added, before, now), retyped)


def _renamed(
    missing: Sequence[str], added: Sequence[str], before: Mapping[str, str], now: Mapping[str, str]
) -> tuple[tuple[str, str], ...]:
    """Pair missing with new columns: at the same place, or alike in name, and of the same kind."""
    old, new = list(before), list(now)
    pairs: list[tuple[str, str]] = []
    left = list(added)
    for name in missing:
        fitting = [one for one in left if now[one] == before[name]]
        same_place = [one for one in fitting if new.index(one) == old.index(name)]
        alike = [one for one in fitting if SequenceMatcher(None, name, one).ratio() > 0.6]
        for one in (same_place + alike)[:1]:
            pairs.append((name, one))
            left.remove(one)
    return tuple(pairs)
