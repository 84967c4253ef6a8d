"""Code tables: which codes a field may hold, and what they mean. Shipped in data/codes.toml; areas from the tree."""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from citybrain.base.areas.models import Area, Level

FILE: Final = Path(__file__).parent / "data" / "codes.toml"


@dataclass(frozen=True, slots=True)
class CodeTable:
    """One table: its names, where it comes from, and its codes in their order.

    An excerpt doesn't hold all codes of its source: one beyond it may be right.
    """

    key: str
    zh: str
    en: str
    source: str
    codes: Mapping[str, str]
    excerpt: bool = False


@cache
def shipped() -> Mapping[str, CodeTable]:
    """Return the tables of data/codes.toml by key."""
    found = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return {
        key: CodeTable(
            key, row["zh"], row["en"], row["source"], dict(row["codes"]), bool(row.get("excerpt", False))
        )
        for key, row in found.items()
    }


def _padded(most: Level, length: int) -> dict[str, str]:
    """Return areas down to a level, their codes filled up with noughts (统计用区划代码)."""
    found = Area.objects.filter(level__lte=most).order_by("level", "code").values_list("code", "name")
    return {code.ljust(length, "0"): name for code, name in found if len(code) <= length}


def _grids() -> dict[str, str]:
    return dict(Area.objects.filter(level=Level.GRID).order_by("code").values_list("code", "name"))


# Old codes are in these tables, too: rows written before a change of areas stay right.
AREA_TABLES: Final[Mapping[str, tuple[str, str, Callable[[], dict[str, str]]]]] = {
    "region6": ("区划代码（6位）", "Area codes, 6 digits", lambda: _padded(Level.DISTRICT, 6)),
    "region12": ("区划代码（12位）", "Area codes, 12 digits", lambda: _padded(Level.COMMUNITY, 12)),
    "grid15": ("网格代码（15位）", "Grid codes, 15 digits", _grids),
}


class NoSuchTable(KeyError):
    """A code table of that key isn't known."""


def known(key: str) -> bool:
    """Return whether there is a table of that key."""
    return key in AREA_TABLES or key in shipped()


def whole(key: str) -> bool:
    """Return whether there is a table of that key that holds every code there is: others are wrong."""
    return key in AREA_TABLES or (key in shipped() and not shipped()[key].excerpt)


def keys() -> list[str]:
    """Return the keys of all tables, those of areas last."""
    return [*shipped(), *AREA_TABLES]


def code_table(key: str) -> dict[str, str]:
    """Return {code: meaning}. Tables of areas take one query. Raises NoSuchTable."""
    if key in AREA_TABLES:
        return AREA_TABLES[key][2]()
    if key not in shipped():
        raise NoSuchTable(key)
    return dict(shipped()[key].codes)


def table_name(key: str, english: bool = False) -> str:
    """Return what a table is called. Raises NoSuchTable."""
    if key in AREA_TABLES:
        zh, en, _codes = AREA_TABLES[key]
        return en if english else zh
    if key not in shipped():
        raise NoSuchTable(key)
    table = shipped()[key]
    return table.en if english else table.zh
