"""The rosters there are (data/rosters.toml): who stands on each, and its columns."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Final

from django.utils.translation import get_language

from citybrain.base.catalogue.conditions import Condition
from citybrain.base.catalogue.models import DataSet
from citybrain.hub.forms.columns import Asks, Column

FILE: Final = Path(__file__).parent.parent / "data" / "rosters.toml"


@dataclass(frozen=True, slots=True)
class Member:
    """Rows of a data set whose people stand on the roster. `since` and `below` are ages in years.

    `here`: the row itself must say that the person lives in the area.
    """

    dataset: str
    where: tuple[Condition, ...] = ()
    born: str = ""
    since: int | None = None
    below: int | None = None
    here: bool = False

    def conditions(self, today: date) -> tuple[Condition, ...]:
        """Return the conditions as they hold today."""
        found = list(self.where)
        if self.since is not None:
            found.append(Condition(self.born, "le", _years_before(today, self.since).isoformat()))
        if self.below is not None:
            found.append(Condition(self.born, "gt", _years_before(today, self.below).isoformat()))
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Roster:
    """One roster. `columns` are (field, Chinese heading, English heading)."""

    key: str
    zh: str
    en: str
    members: tuple[Member, ...]
    columns: tuple[tuple[str, str, str], ...]
    search: tuple[str, ...]

    @property
    def name(self) -> str:
        """Its name in the language of the reader."""
        return self.en if (get_language() or "").startswith("en") else self.zh


@cache
def rosters() -> Mapping[str, Roster]:
    """Return the rosters of data/rosters.toml by key, in their order."""
    read = tomllib.loads(FILE.read_text(encoding="utf-8"))["rosters"]
    return {key: _roster(key, one) for key, one in read.items()}


def roster(key: str) -> Roster:
    """Return a roster. Raises KeyError."""
    return rosters()[key]


def _roster(key: str, one: Mapping[str, Any]) -> Roster:
    columns = tuple((field, zh, en) for field, zh, en in one["columns"])
    return Roster(
        key, one["zh"], one["en"], tuple(map(_member, one["members"])), columns, tuple(one["search"])
    )


def _member(one: Mapping[str, Any]) -> Member:
    age = one.get("age", {})
    where = tuple(Condition.from_json(each) for each in one.get("where", ()))
    return Member(
        one["dataset"], where, age.get("field", ""), age.get("from"), age.get("below"), one.get("here", False)
    )


def columns_of(kind: Roster) -> tuple[Column, ...]:
    """Return the columns as a form has them: letter by letter, with type and sensitivity from the catalogue."""
    codes = {field.partition(".")[0] for field, _zh, _en in kind.columns}
    sets = DataSet.objects.filter(code__in=codes, current__isnull=False).select_related("current")
    shapes = {one.code: one.shape for one in sets}
    english = (get_language() or "").startswith("en")
    found = []
    for at, (key, zh, en) in enumerate(kind.columns):
        code, _dot, name = key.partition(".")
        known = shapes[code].field(name) if code in shapes and shapes[code].has(name) else None
        told: dict[str, Any] = {} if known is None else {"type": known.type.text, "personal": known.personal}
        found.append(
            Column(letter_of(at), (en if english else zh,), Asks.DATA, field=key, confidence=1.0, **told)
        )
    return tuple(found)


def letter_of(at: int) -> str:
    """Return the letter of a column by its place: A … Z, AA …"""
    text = ""
    at += 1
    while at:
        at, rest = divmod(at - 1, 26)
        text = chr(65 + rest) + text
    return text


def _years_before(today: date, years: int) -> date:
    """Return the same day years ago; 29 February becomes 28 February where there is none."""
    try:
        return today.replace(year=today.year - years)
    except ValueError:
        return today.replace(year=today.year - years, day=28)
