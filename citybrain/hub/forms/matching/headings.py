"""A column's heading as it stands on paper, taken apart: whose it is, what it means, in which unit."""

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

FILE: Final = Path(__file__).parent.parent / "data" / "concepts.toml"
BRACKETS: Final = re.compile("[(\\[【\u3014《<]([^)\\]】\u3015》>]*)[)\\]】\u3015》>]?")
LEADING: Final = re.compile(r"^(?:\d{1,2}|[一二三四五六七八九十]{1,2})[.、,)]|^[*★☆#※·]+")
TRAILING: Final = re.compile(r"[:：*★☆。.、,;；/]+$")
TRUTHS: Final = re.compile(r"是\s*[/、或]?\s*否|有\s*[/、]?\s*无|√")
DATES: Final = re.compile(r"格式|年月日|yyyy|\d{4}[-./年]|如[:：]?\d{4}")
JOINTS: Final = ("的", "之")


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading taken apart.

    `leaf` is the column's own name without blanks, brackets and number; `parents` stand above it; `role` says whose
    it is ("" its subject), `rest` the leaf without the role; `concept` is what it means, None where no word is known.
    `unit` and `hint` ("truth", "date", "") come from brackets.
    """

    leaf: str
    parents: tuple[str, ...]
    role: str
    rest: str
    concept: str | None
    unit: str = ""
    hint: str = ""

    @property
    def joined(self) -> str:
        """The names from the outermost to the column's own."""
        return "".join((*self.parents, self.leaf))


@dataclass(frozen=True, slots=True)
class Words:
    """The words of data/concepts.toml: meaning by word, role by word (longest first), kind of computed column."""

    concepts: Mapping[str, str]
    roles: tuple[tuple[str, str], ...]
    computed: Mapping[str, str]
    of: Mapping[str, tuple[str, ...]]
    fields: Mapping[str, str]
    under: Mapping[str, str]
    authority: frozenset[str]
    units: frozenset[str]
    also: Mapping[str, frozenset[str]]


@cache
def _read() -> dict[str, Any]:
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


@cache
def words() -> Words:
    """Return the words of data/concepts.toml."""
    read = _read()
    concepts = {word: key for key, listed in read["concepts"].items() for word in listed}
    roles = [(word, key) for key, listed in read["roles"].items() for word in listed]
    computed = {word: key for key, listed in read["computed"].items() for word in listed}
    of = {key: tuple(listed) for key, listed in read["concepts"].items()}
    authority = frozenset(key for listed in read["authority"].values() for key in listed)
    ranked = tuple(sorted(roles, key=lambda one: -len(one[0])))
    return Words(
        concepts,
        ranked,
        computed,
        of,
        read["fields"],
        read["under"],
        authority,
        frozenset(read["units"]),
        {word: frozenset(listed) for word, listed in read["also"].items()},
    )


def plain(text: str) -> tuple[str, tuple[str, ...]]:
    """Return a name without blanks, number and brackets, in small letters, and what stood in the brackets."""
    folded = unicodedata.normalize("NFKC", text).lower()
    inside = tuple("".join(one.split()) for one in BRACKETS.findall(folded))
    bare = "".join(BRACKETS.sub("", folded).split())
    bare = TRAILING.sub("", LEADING.sub("", bare)).strip("_-")
    return (bare or "".join(inside), inside)


def heading(path: Sequence[str]) -> Heading:
    """Return a heading taken apart; `path` holds its names from the outermost to the column's own."""
    names = [plain(one) for one in path if one.strip()]
    if not names:
        return Heading("", (), "", "", None)
    if len(names) > 1 and names[-1][0] in words().units:  # a unit in a line of its own
        names = [*names[:-2], (names[-2][0], (*names[-2][1], names[-1][0]))]
    leaf, inside = names[-1]
    parents = tuple(name for name, _ in names[:-1] if name and name != leaf)
    unit = next((one for one in inside if one.removeprefix("单位:") in words().units), "")
    told = "".join((*inside, leaf))
    hint = "truth" if leaf.startswith("是否") or TRUTHS.search(told) else "date" if DATES.search(told) else ""
    role, rest, concept = _with_parents(leaf, parents)
    return Heading(
        leaf,
        parents,
        role or role_of("".join((*parents, leaf))),
        rest,
        concept,
        unit.removeprefix("单位:"),
        hint,
    )


def _with_parents(leaf: str, parents: Sequence[str]) -> tuple[str, str, str | None]:
    """Return the meaning of a name together with what stands above it: 联系人 over 电话, 户籍地 over 详细地址."""
    role, rest, concept = meaning(leaf)
    for parent in reversed(parents):
        above = meaning(parent)
        under = words().under.get(f"{above[2]}.{concept}")
        if under:
            return above[0], rest, under
        both = meaning(parent + leaf)
        if both[2] is not None and (concept is None or not both[0]):
            return both
        if not role:
            role = role_of(parent)
    return role, rest, concept


def role_of(text: str) -> str:
    """Return whose a name speaks of, "" where it doesn't say or speaks of the subject."""
    for word, key in words().roles:
        if word in text and key:
            return key
    return ""


@cache
def meaning(name: str) -> tuple[str, str, str | None]:
    """Return (role, name without it, concept) of a bare name; the concept is None where no word fits."""
    known = words()
    if name in known.concepts:
        return "", name, known.concepts[name]
    for word, key in known.roles:
        if name == word:
            return key, "姓名", "name"
        if name.startswith(word):
            rest = name[len(word) :]
            for joint in JOINTS:
                rest = rest.removeprefix(joint)
            return key, rest, known.concepts.get(rest)
    return "", name, None


@cache
def _endings() -> tuple[dict[str, str], re.Pattern[str]]:
    read: dict[str, str] = _read()["endings"]
    return read, re.compile("|".join(map(re.escape, read)))


def alike_form(text: str) -> str:
    """Return a name in which words that offices use for each other are one: 级别 and 等级, 类型 and 类别."""
    endings, pattern = _endings()
    return pattern.sub(lambda found: endings[found[0]], text)


def computed(of: Heading) -> str | None:
    """Return the kind of a column that is worked out or signed, not looked up; None for any other."""
    known = words().computed
    return known.get(of.leaf) or (known.get(of.rest) if of.concept is None else None)
