"""Columns of a form matched to fields of the catalogue: ranked, with a confidence and the reasons.

A column is first compared with every field by itself: what it means, whose it is, how alike the names are. Then the
form speaks as a whole: what its title is about, who sends it, and which data sets answer many of its columns.
"""

import math
import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from citybrain.hub.forms.matching.examples import fits
from citybrain.hub.forms.matching.headings import Heading, alike_form, computed, heading, plain, words
from citybrain.hub.forms.matching.heads import agree, differ
from citybrain.hub.forms.matching.known import Known

YES_NO: Final = re.compile(r"^(?:是否|有无|是不是)(?:完成|已经|已|属于)?|^(?:已|未)")
DATA: Final = Path(__file__).parent.parent / "data"
MOST: Final = 5
LEARNT: Final = 0.99
HEARD: Final = 0.79  # what others said is offered first where nothing certain is found, and must be confirmed
THEME: Final = 0.7  # relevance from which a form is about a data set
CLOSE: Final = 0.6  # how alike names are that only end alike, in a form about the data set
FOREIGN: Final = 0.6  # what is left of it where the names are of other people or things
ALIKE: Final = 0.5  # names less alike than this are not compared further


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a form: its letter, its names from the outermost inwards, and some of its cells."""

    letter: str
    path: tuple[str, ...]
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """A field that may be meant. `confidence` is the chance that it is right; `why` names the reasons by key."""

    known: Known
    confidence: float
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a column asks for. `computed` names a column that is worked out or written by hand (see concepts.toml).

    `unknown`: somebody said that no data set has it; `matches` are then what might have been.
    """

    column: Column
    heading: Heading
    matches: tuple[Match, ...]
    computed: str | None = None
    unknown: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """How a column and a field look together, each from 0 to 1."""

    alike: float
    same: bool
    role: float
    about: float
    above: float
    office: bool
    support: float
    fits: float
    source: bool

    def features(self) -> tuple[float, ...]:
        """Return the numbers that are weighed (data/weights.toml), in its order."""
        return (
            self.alike**3, float(self.same), self.role, self.about, self.above, float(self.office),
            self.support, self.fits, self.alike * self.about, float(self.source), float(self.source) * self.role,
        )  # fmt: skip

    def reasons(self) -> tuple[str, ...]:
        """Return the keys of what spoke for the field."""
        told = {
            "same_meaning": self.same, "alike": not self.same, "about": max(self.about, self.above) >= 0.5,
            "office": self.office, "source": self.source, "together": self.support >= 0.3, "examples": self.fits > 0.5,
        }  # fmt: skip
        return tuple(key for key, holds in told.items() if holds)


@dataclass(frozen=True, slots=True)
class _Said:
    """What people said of headings: of the same kind of office, and others."""

    learnt: Mapping[str, str]
    heard: Mapping[str, str]


class Matcher:
    """Matching against one state of the catalogue. Cheap to ask, about 50 ms to make."""

    def __init__(self, fields: Sequence[Known], learnt: Mapping[str, str] | None = None) -> None:
        self.fields = tuple(fields)
        self.learnt = dict(learnt or {})
        self.by_key = {one.key: one for one in self.fields}
        self.names = {one.dataset: one.dataset_zh for one in self.fields}
        counted = Counter(pair for one in self.fields for pair in set(_pairs(alike_form(one.zh))))
        self.weight = {pair: math.log(1 + len(self.fields) / many) for pair, many in counted.items()}
        self.unseen = math.log(1 + len(self.fields))
        self.vectors = [self._vector(one.zh) for one in self.fields]
        meant = {one.concept for one in self.fields if one.concept}
        self.concepts = {key: [self._vector(word) for word in words().of[key]] for key in meant}

    def answers(
        self,
        title: str,
        office: str,
        columns: Sequence[Column],
        learnt: Mapping[str, str] | None = None,
        heard: Mapping[str, str] | None = None,
    ) -> list[Answer]:
        """Return what each column asks for, likeliest field first; `office` is the sending body's short name.

        `learnt` is what people of such an office said of headings (joined: field's key, or "" for a heading that no
        data set answers), on top of what the matcher was made with; `heard` what others said, which must be confirmed.
        """
        headings = [heading(column.path) for column in columns]
        seen = self.seen(title, office, columns, headings)
        said = _Said({**self.learnt, **(learnt or {})}, heard or {})
        return [self._answer(*one, said) for one in zip(columns, headings, seen, strict=True)]

    def seen(
        self, title: str, office: str, columns: Sequence[Column], headings: Sequence[Heading]
    ) -> list[list[tuple[Known, Seen]]]:
        """Return for each column the fields that may be meant, with how the two look together."""
        main = main_role(title)
        about = {code: relevance(title, code, name) for code, name in self.names.items()}
        theme = frozenset(code for code, much in about.items() if much >= THEME)
        firsts = [self._alone(one, main, theme) for one in headings]
        support = self._support(firsts)
        return [
            [
                (
                    known := self.fields[at],
                    Seen(
                        alike, same, role, about[known.dataset], _above(of, known),
                        _sends(known, office), support.get(known.dataset, 0.0), fits(known, of, column.examples),
                        same and known.key in words().authority,
                    ),
                )
                for at, alike, same, role in first
            ]
            for column, of, first in zip(columns, headings, firsts, strict=True)
        ]  # fmt: skip

    def _alone(self, of: Heading, main: str, theme: frozenset[str]) -> list[tuple[int, float, bool, float]]:
        """Return (field, alikeness, same meaning, role) of the fields a heading may mean by itself.

        `theme` are the data sets that the form's title speaks of: their fields are looked at more closely.
        """
        if not of.leaf:
            return []
        leaf, joined = self._vector(of.rest or of.leaf), self._vector(of.joined)
        meant = {key: max(_cosine(leaf, one) for one in vectors) for key, vectors in self.concepts.items()}
        found = []
        for at, one in enumerate(self.fields):
            same = _same_meaning(of, one)
            own = max(_cosine(leaf, self.vectors[at]), 0.95 * _cosine(joined, self.vectors[at]))
            own = max(
                own, self._without_subject(of, at), _letters(of.rest or of.leaf, one.zh), _asked(of, one.zh)
            )
            alike = 1.0 if same else max(own, 0.9 * meant.get(one.concept or "", 0.0))
            if not same and one.dataset in theme and agree(of.leaf, one.zh):
                alike = max(alike, CLOSE)
            if of.role and one.role and of.role != one.role:  # somebody else's
                same, alike = False, FOREIGN * alike
            if not same and differ(of.leaf, one.zh):  # a telephone is no time, whatever letters they share
                alike *= FOREIGN
            if alike >= ALIKE:
                found.append((at, alike, same, _roles_agree(of.role or main, one, main)))
        return sorted(found, key=lambda one: (-one[1] * one[3], one[0]))

    def _without_subject(self, of: Heading, at: int) -> float:
        """Return how alike the names are where the heading begins with what the data set is about: 隐患|级别."""
        for word in _subjects()["subjects"].get(self.fields[at].dataset, ()):
            if of.leaf.startswith(word) and len(of.leaf) > len(word):
                return 0.9 * _cosine(self._vector(of.leaf[len(word) :]), self.vectors[at])
        return 0.0

    def _support(self, firsts: Sequence[Sequence[tuple[int, float, bool, float]]]) -> dict[str, float]:
        """Return the share of the columns that each data set answers well."""
        counted: Counter[str] = Counter()
        for first in firsts:
            counted.update(
                {self.fields[at].dataset for at, alike, _same, role in first if alike >= 0.85 and role >= 0.5}
            )
        return {code: many / max(1, len(firsts)) for code, many in counted.items()}

    def _answer(
        self, column: Column, of: Heading, seen: Sequence[tuple[Known, Seen]], said: "_Said"
    ) -> Answer:
        found = [Match(known, chance(one.features()), one.reasons()) for known, one in seen]
        found.sort(key=lambda one: (-one.confidence, one.known.key))
        word = said.learnt.get(of.joined)
        if word is None and (kind := computed(of)) is not None:
            return Answer(column, of, (), kind)
        if word is not None and word not in self.by_key:
            return Answer(column, of, tuple(found[:MOST]), None, word == "")
        if word is not None:
            found = self._taught(found, word, LEARNT, "learnt")
        elif said.heard.get(of.joined) in self.by_key:
            found = self._taught(found, said.heard[of.joined], HEARD, "heard")
        return Answer(column, of, tuple(found[:MOST]))

    def _taught(self, found: Sequence[Match], key: str, confidence: float, reason: str) -> list[Match]:
        """Return the matches with the field that people named in its place; it need not have been among them."""
        own = next((one for one in found if one.known.key == key), Match(self.by_key[key], 0.0, ()))
        told = Match(own.known, max(confidence, own.confidence), (reason, *own.why))
        rest = [one for one in found if one.known.key != key]
        return sorted([told, *rest], key=lambda one: (-one.confidence, one.known.key))

    def _vector(self, text: str) -> dict[str, float]:
        """Return the pairs of letters of a text with their weights, of length 1."""
        counted = {pair: self.weight.get(pair, self.unseen) for pair in _pairs(alike_form(text))}
        length = math.sqrt(sum(weight * weight for weight in counted.values())) or 1.0
        return {pair: weight / length for pair, weight in counted.items()}


def _same_meaning(of: Heading, known: Known) -> bool:
    """Return whether a heading and a field mean the same: by their words, or written alike."""
    if of.leaf == known.zh or (of.concept is not None and of.concept == known.concept):
        return True
    return known.concept is not None and known.concept in words().also.get(of.leaf, ())


def _asked(of: Heading, name: str) -> float:
    """Return how alike the names are where the heading asks yes or no of a state: 是否在保 and 保障状态."""
    bare = YES_NO.sub("", of.leaf)
    return 0.9 * _letters(bare, name) if bare != of.leaf else 0.0


def _above(of: Heading, known: Known) -> float:
    """Return how much a column's own names are about a field's data set."""
    return relevance("".join((*of.parents, of.leaf)), known.dataset, known.dataset_zh)


def _sends(known: Known, office: str) -> bool:
    return bool(office) and known.provider.startswith(office[:2])


def _pairs(text: str) -> list[str]:
    return [text[at : at + 2] for at in range(len(text) - 1)] or [text]


def _letters(one: str, other: str) -> float:
    """Return how alike two names are by their letters alone: one within the other, or most letters in common."""
    if len(one) < 2 or len(other) < 2:
        return 0.0
    short, long = sorted((alike_form(one), alike_form(other)), key=len)
    if short in long:
        return 0.55 + 0.35 * len(short) / len(long)
    common = len(set(short) & set(long))
    return 0.8 * 2 * common / (len(set(short)) + len(set(long)))


def _cosine(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    return sum(weight * other.get(pair, 0.0) for pair, weight in one.items())


def _roles_agree(asked: str, known: Known, main: str) -> float:
    """Return 1 for the same person, less where one is the form's subject, or everybody is in the register."""
    if asked == known.role:
        return 1.0
    if main and {asked, known.role} <= {main, ""}:
        return 0.6
    return 0.25 if not known.role and known.key in words().authority else 0.0


@cache
def _subjects() -> dict[str, Any]:
    return tomllib.loads((DATA / "subjects.toml").read_text(encoding="utf-8"))


def main_role(title: str) -> str:
    """Return the role of whom a form's rows are about, "" for most."""
    bare = plain(title)[0]
    return next(
        (key for key, listed in _subjects()["main_roles"].items() if any(word in bare for word in listed)), ""
    )


def roster_of(title: str) -> str:
    """Return the key of the live roster that a form's rows are, by its title; "" where it says nothing."""
    bare = plain(title)[0]
    return next(
        (key for key, listed in _subjects()["rosters"].items() if any(word in bare for word in listed)), ""
    )


def relevance(title: str, dataset: str, name: str) -> float:
    """Return how much a form with that title is about a data set: 1 where it says so, less by alike letters."""
    bare = plain(title)[0]
    said = sum(word in bare for word in _subjects()["subjects"].get(dataset, ()))
    if said:
        return min(1.0, 0.7 + 0.15 * said)
    own = set(_pairs(name))
    return min(0.6, len(own & set(_pairs(bare))) / max(1, len(own)) * 1.5)


@cache
def _weights() -> tuple[tuple[float, ...], float]:
    read = tomllib.loads((DATA / "weights.toml").read_text(encoding="utf-8"))
    return tuple(read["weights"].values()), read["bias"]


def chance(features: Sequence[float]) -> float:
    """Return the chance that a field with these features is right (logistic; data/weights.toml)."""
    weights, bias = _weights()
    total = bias + sum(weight * value for weight, value in zip(weights, features, strict=True))
    return 1 / (1 + math.exp(-total))
