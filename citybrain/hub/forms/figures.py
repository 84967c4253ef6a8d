"""Figures of an area that live rosters tell (data/figures.toml): which there are, and what a column of a form asks.

A column keeps a figure's key: "roster:elders", "roster:elders/80-", "roster:elders/80-/women". Rules only: no database.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from citybrain.base.catalogue.conditions import Condition

FILE: Final = Path(__file__).parent / "data" / "figures.toml"
PREFIX: Final = "roster:"
AGES: Final = re.compile(r"(\d{1,3})?-(\d{1,3})?")
PEOPLE: Final = "人"


class UnknownFigure(ValueError):
    """No such figure."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure. `where` are conditions on the rows of a set, `total` the "dataset.field" that is added up, or "".

    `homes` are the sets that tell who lives in an area; `within` the wider figures; `unit` 人 or 户.
    """

    key: str
    roster: str
    zh: str
    en: str
    words: tuple[str, ...]
    weak: tuple[str, ...]
    homes: tuple[str, ...]
    where: Mapping[str, tuple[Condition, ...]]
    total: str = ""
    within: tuple[str, ...] = ()
    unit: str = PEOPLE

    @property
    def divisible(self) -> bool:
        """Whether it counts people one by one, so that their age and sex can be asked."""
        return not self.total and self.unit == PEOPLE


@dataclass(frozen=True, slots=True)
class Sex:
    """What forms call a sex, and what the register's code means."""

    key: str
    zh: str
    en: str
    words: tuple[str, ...]
    codes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Figures:
    """All of data/figures.toml. `born` and `sex` are the fields that tell a person's."""

    figures: Mapping[str, Figure]
    sexes: Mapping[str, Sex]
    ages: Mapping[str, tuple[int | None, int | None]]
    ignored: tuple[str, ...]
    born: str
    sex: str


@cache
def known() -> Figures:
    """Return the figures there are."""
    read = tomllib.loads(FILE.read_text(encoding="utf-8"))
    homes = tuple(read["homes"])
    return Figures(
        {key: _figure(key, one, homes) for key, one in read["figures"].items()},
        {
            key: Sex(key, one["zh"], one["en"], tuple(one["words"]), frozenset(one["codes"]))
            for key, one in read["sexes"].items()
        },
        {word: _ages(text) for word, text in read["ages"].items()},
        tuple(sorted(read["ignored"], key=len, reverse=True)),
        read["born"],
        read["sex"],
    )


def _figure(key: str, one: Mapping[str, Any], homes: tuple[str, ...]) -> Figure:
    where = {
        code: tuple(Condition.from_json(each) for each in listed)
        for code, listed in one.get("where", {}).items()
    }
    return Figure(
        key, one["roster"], one["zh"], one["en"], tuple(one["words"]), tuple(one.get("weak", ())),
        tuple(one.get("homes", homes)), where, one.get("total", ""), tuple(one.get("within", ())),
        one.get("unit", PEOPLE),
    )  # fmt: skip


def _ages(text: str) -> tuple[int | None, int | None]:
    found = AGES.fullmatch(text)
    if found is None or text == "-":
        raise UnknownFigure(f"ages are written from-until, {text!r} received")
    return tuple(None if one is None else int(one) for one in found.groups())  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class Counted:
    """What a column counts: people of a figure from `since` to `until` years of age, both included, of one sex."""

    figure: str
    since: int | None = None
    until: int | None = None
    sex: str = ""

    @property
    def key(self) -> str:
        """The key as a column keeps it."""
        ages = f"{_text(self.since)}-{_text(self.until)}" if self.asks_age else ""
        return PREFIX + "/".join(one for one in (self.figure, ages, self.sex) if one)

    @property
    def of(self) -> Figure:
        return known().figures[self.figure]

    @property
    def name(self) -> str:
        """What is counted, in the reader's language."""
        english = (get_language() or "").startswith("en")
        parts = [self.of.en if english else self.of.zh]
        if self.since is not None and self.until is not None:
            parts.append(_("%(since)d—%(until)d岁") % {"since": self.since, "until": self.until})
        elif self.since is not None:
            parts.append(_("%(since)d岁及以上") % {"since": self.since})
        elif self.until is not None:
            parts.append(_("%(until)d岁及以下") % {"until": self.until})
        if self.sex:
            told = known().sexes[self.sex]
            parts.append(told.en if english else told.zh)
        return " · ".join(parts)

    def holds(self, age: int | None, sex: str) -> bool | None:
        """Return whether a person is counted; None where age or sex (a key of a sex) is asked and nobody knows it."""
        if (self.asks_age and age is None) or (self.sex and not sex):
            return None
        old_enough = self.since is None or (age or 0) >= self.since
        young_enough = self.until is None or (age or 0) <= self.until
        return old_enough and young_enough and (not self.sex or sex == self.sex)

    @property
    def asks_age(self) -> bool:
        """Whether people's age decides."""
        return not (self.since is None and self.until is None)


def _text(years: int | None) -> str:
    return "" if years is None else str(years)


def sex_of(text: str) -> str:
    """Return the key of a sex as the register tells it (男性), "" where it tells none."""
    return next((one.key for one in known().sexes.values() if text in one.codes), "")


def is_figure(field: str) -> bool:
    """Return whether a column's field is a figure's key."""
    return field.startswith(PREFIX)


def counted(key: str) -> Counted:
    """Return what a key asks for. Raises UnknownFigure."""
    if not is_figure(key):
        raise UnknownFigure(key)
    name, *rest = key.removeprefix(PREFIX).split("/")
    found = known().figures.get(name)
    if found is None or (rest and not found.divisible):
        raise UnknownFigure(key)
    made = Counted(name)
    for one in rest:
        if one in known().sexes:
            made = Counted(name, made.since, made.until, one)
        else:
            made = Counted(name, *_ages(one), made.sex)
    if made.since is not None and made.until is not None and made.since > made.until:
        raise UnknownFigure(key)
    return made
