"""Names that nobody bears: of districts, streets, communities, roads and people, drawn from our own words."""

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from pypinyin import Style, lazy_pinyin

DATA = Path(__file__).parent / "data"


@cache
def words() -> dict[str, Any]:
    """Return the word lists of data/words.toml."""
    return tomllib.loads((DATA / "words.toml").read_text(encoding="utf-8"))


@cache
def wording() -> dict[str, list[str]]:
    """Return the sentences of data/wording.toml by key."""
    return tomllib.loads((DATA / "wording.toml").read_text(encoding="utf-8"))


@cache
def syllable(sign: str) -> str:
    """Return the pinyin of one character, without its tone ("西" → "xi")."""
    return str(lazy_pinyin(sign, style=Style.NORMAL)[0]).replace("ü", "v")


def pinyin_key(name: str) -> str:
    """Return full pinyin, a space, initials: what officers type ("听潮" → "tingchao tc")."""
    parts = [syllable(sign) for sign in name]
    return f"{''.join(parts)} {''.join(part[0] for part in parts)}".lower()


def english(name: str, kind: str) -> str:
    """Return a name in Latin letters with its kind in English ("听潮", "District" → "Tingchao District")."""
    return f"{''.join(syllable(sign) for sign in name).capitalize()} {kind}".strip()


class Names:
    """Draws names without repeating one, in an order that only `rng` decides."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        source = words()
        taken = {*source["districts"], *source["avoid"]}
        pairs = self._mixed("".join(pair) for pair in product(source["first"], source["second"]))
        pairs = [pair for pair in pairs if pair not in taken]
        self._districts = iter([*source["districts"], *pairs[:80]])
        self._streets = self._endless(pairs[80:])
        self._urban = self._communities()
        self._rural = self._endless(self._mixed("".join(p) for p in product(pairs, source["village_ends"])))
        self._roads = self._mixed(
            "".join(p) for p in product(source["first"], source["road_second"], source["road_ends"])
        )

    def _mixed(self, found: Iterator[str]) -> list[str]:
        names = list(found)
        return [names[place] for place in self._rng.permutation(len(names)).tolist()]

    def _communities(self) -> Iterator[str]:
        """Yield plain names first, then their eastern and western parts: a larger city has more of these."""
        source = words()
        plain = self._mixed("".join(p) for p in product(source["words"], source["endings"]))
        yield from plain
        for part in source["parts"][1:]:
            yield from (name[:2] + part + name[2:] for name in plain)
        yield from self._numbered(plain)

    @staticmethod
    def _endless(names: list[str]) -> Iterator[str]:
        yield from names
        yield from Names._numbered(names)

    @staticmethod
    def _numbered(names: list[str]) -> Iterator[str]:
        for number in range(2, 1000):
            yield from (f"{name}{_numeral(number)}" for name in names)

    def district(self) -> str:
        return str(next(self._districts))

    def street(self) -> str:
        return next(self._streets)

    def community(self, *, rural: bool) -> str:
        return next(self._rural if rural else self._urban)

    def roads(self, number: int) -> list[str]:
        """Return the six roads of the street with that number; far streets may share a road."""
        start = number * 6 % (len(self._roads) - 6)
        return self._roads[start : start + 6]


def _numeral(number: int) -> str:
    """Return 2 … 999 in Chinese ("十二")."""
    signs = "零一二三四五六七八九"
    if number >= 100:
        rest = number % 100
        tail = "" if not rest else ("零" if rest < 10 else "") + _numeral(rest)
        return f"{signs[number // 100]}百{tail}"
    if number < 10:
        return signs[number]
    tens = "" if number < 20 else signs[number // 10]
    return f"{tens}十{signs[number % 10] if number % 10 else ''}"


def people_names(rng: np.random.Generator, count: int) -> list[str]:
    """Return names of people, common family names more often, a third of them with one given sign."""
    source = words()
    families = [(name, int(weight)) for name, weight in re.findall(r"(\S)(\d+)", source["surnames"])]
    weights = np.array([weight for _, weight in families], dtype=float)
    signs = [sign for sign in source["given"] if sign.strip()]
    family = rng.choice(len(families), size=count, p=weights / weights.sum())
    first, second = rng.integers(0, len(signs), (2, count))
    single = rng.uniform(size=count) < 0.3
    return [
        families[f][0] + signs[a] + ("" if alone else signs[b])
        for f, a, b, alone in zip(
            family.tolist(), first.tolist(), second.tolist(), single.tolist(), strict=True
        )
    ]
