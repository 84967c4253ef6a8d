"""Which figure of a live roster a column of a table of figures asks for, by its names alone.

A column's names are used up: words of a figure, of a sex, ages, and words that say nothing. What is left over means
something that no roster tells, so there is no match: 老年人就餐人数 is no number of older people.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from citybrain.hub.forms.figures import PEOPLE, Counted, Figure, UnknownFigure, counted, is_figure, known
from citybrain.hub.forms.matching.examples import sign
from citybrain.hub.forms.matching.headings import heading, plain, words
from citybrain.hub.forms.matching.matcher import HEARD, LEARNT, Column

SURE: Final = 0.95  # the column, or what stands above it, names the figure
PARTED: Final = 0.9  # and says an age or a sex as well
BESIDE: Final = 0.85  # 其中: part of the column before
GUESSED: Final = 0.6  # the form's title tells what is counted, or the word has several meanings
PART: Final = "其中"
PUNCTUATION: Final = re.compile(r"[:：,，、.。;；/\s]")
USED: Final = "\x00"
UNITS: Final = {PEOPLE: frozenset({"", "人", "名", "位", "个"}), "户": frozenset({"", "户", "个"})}
_TO: Final = r"[-—–~～至到]+"
AGES: Final = (  # (pattern, what is added to `until` to include it)
    (re.compile(rf"(?P<since>\d{{1,3}})(?:周?岁)?{_TO}(?P<until>\d{{1,3}})周?岁"), 0),
    (re.compile(r"(?P<since>\d{1,3})周?岁(?:及|含|及其)?以上"), 0),
    (re.compile(r"(?:未满|不满)(?P<until>\d{1,3})周?岁"), -1),
    (re.compile(r"(?P<until>\d{1,3})周?岁(?:及|含)?(?:以下|以内)"), 0),
)


@dataclass(frozen=True, slots=True)
class CountMatch:
    """A figure that may be meant. `confidence` is the chance that it is right; `why` names the reasons by key."""

    counted: Counted
    confidence: float
    why: tuple[str, ...]


@dataclass
class _Left:
    """A column's names, and what of them isn't used up yet."""

    text: str
    since: int | None = None
    until: int | None = None
    sex: str = ""
    strange: bool = False

    def take(self, word: str) -> bool:
        there = word in self.text
        self.text = self.text.replace(word, USED)
        return there

    @property
    def parted(self) -> bool:
        return bool(self.sex) or self.since is not None or self.until is not None

    @property
    def empty(self) -> bool:
        return not self.text.replace(USED, "") and not self.strange


def counts(
    title: str,
    columns: Sequence[Column],
    learnt: Mapping[str, str] | None = None,
    heard: Mapping[str, str] | None = None,
) -> list[CountMatch | None]:
    """Return for each column the figure it asks for, None where it asks for none.

    `learnt` and `heard` are what people said of headings, as `Matcher.answers` takes them.
    """  # fmt: skip
    said, others = learnt or {}, heard or {}
    about = _one_of(_figures_in(plain(title)[0], weak=False)[0])
    before: Figure | None = None
    found: list[CountMatch | None] = []
    for column in columns:
        joined = heading(column.path).joined
        match = _by_names(column, before, about)
        if joined in said:
            match = _told(said[joined], LEARNT, "learnt")
        elif is_figure(others.get(joined, "")):
            match = _told(others[joined], HEARD, "heard") or match
        found.append(match)
        before = match.counted.of if match else None
    return found


def by_words(text: str) -> Counted | None:
    """Return the figure that typed words ask for, None where they ask for none."""
    match = _by_names(Column("", (text,)), None, None)
    return match.counted if match else None


def _told(key: str, confidence: float, why: str) -> CountMatch | None:
    """Return what people said, None where they said something else, or of a figure there is no longer."""
    try:
        return CountMatch(counted(key), confidence, (why,))
    except UnknownFigure:
        return None


def _by_names(column: Column, before: Figure | None, about: Figure | None) -> CountMatch | None:
    of = heading(column.path)
    if not of.leaf or sign(of, column.examples) in {"text", "date", "truth"}:
        return None
    text = PUNCTUATION.sub("", "".join((*of.parents, of.leaf, *_in_brackets(column.path))))
    figure, left = _read(text)
    confidence, why = PARTED if left.parted else SURE, "same_meaning"
    if left.empty and figure is None and left.parted:
        beside = PART in of.joined and before is not None
        figure, confidence, why = (before, BESIDE, "beside") if beside else (about, GUESSED, "about")
    if figure is None:
        figure, left = _read(text, weak=True)
        confidence, why = GUESSED, "alike"
    if not left.empty:
        return None
    if figure is None or of.unit not in UNITS[figure.unit] or (left.parted and not figure.divisible):
        return None
    made = Counted(figure.key, left.since, left.until, left.sex)
    if made.since is not None and made.until is not None and made.since > made.until:
        return None
    return CountMatch(made, confidence, (why, "part") if left.parted else (why,))


def _in_brackets(path: Iterable[str]) -> list[str]:
    """Return what stands in brackets and is no unit: 老年人口（60岁以上）."""
    inside = [one for name in path for one in plain(name)[1] if one != plain(name)[0]]
    return [one for one in inside if one.removeprefix("单位:") not in words().units]


def _read(text: str, *, weak: bool = False) -> tuple[Figure | None, _Left]:
    """Return the one figure that a text names, and the rest of it with age and sex taken out."""
    found, rest = _figures_in(_ages_out(left := _Left(text)), weak=weak)
    left.text = rest
    for word, (since, until) in known().ages.items():
        if left.take(word):
            _narrow(left, since, until)
    for sex in known().sexes.values():
        taken = [left.take(word) for word in sex.words]
        if any(taken):
            left.strange |= bool(left.sex)
            left.sex = sex.key
    for word in known().ignored:
        left.take(word)
    left.strange |= len(found) > 1 and _one_of(found) is None
    return _one_of(found), left


def _ages_out(left: _Left) -> str:
    for pattern, more in AGES:
        for one in pattern.finditer(left.text):
            told = one.groupdict()
            since, until = (None if told.get(key) is None else int(told[key]) for key in ("since", "until"))
            _narrow(left, since, None if until is None else until + more)
        left.text = pattern.sub(USED, left.text)
    return left.text


def _narrow(left: _Left, since: int | None, until: int | None) -> None:
    if since is not None:
        left.since = since if left.since is None else max(left.since, since)
    if until is not None:
        left.until = until if left.until is None else min(left.until, until)


@cache
def _words(*, weak: bool) -> tuple[tuple[str, str], ...]:
    listed = [
        (word, one.key)
        for one in known().figures.values()
        for word in (*one.words, *(one.weak if weak else ()))
    ]
    return tuple(sorted(listed, key=lambda one: -len(one[0])))


def _figures_in(text: str, *, weak: bool) -> tuple[tuple[str, ...], str]:
    """Return the figures a text names, and what is left of it; longer words come first."""
    found: dict[str, None] = {}
    for word, key in _words(weak=weak):
        if word in text:
            text = text.replace(word, USED)
            found[key] = None
    return tuple(found), text


def _one_of(keys: Sequence[str]) -> Figure | None:
    """Return the figure meant where several are named and the others are wider: 老年人口 over 独居."""
    wider = {one for key in keys for one in known().figures[key].within}
    left = [key for key in keys if key not in wider]
    return known().figures[left[0]] if len(left) == 1 else None


def without_parts(match: CountMatch) -> CountMatch:
    """Return the figure as a whole, without age and sex."""
    return replace(match, counted=Counted(match.counted.figure))
