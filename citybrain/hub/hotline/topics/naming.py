"""What a gathering is called: the words its people share, split into a place and a matter.

No dictionary: a word is a run of characters that many heads share.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from citybrain.hub.hotline.topics.terms import phrases, reduced, written

SHARED: Final = 0.3  # of the people's heads hold a word; our choice
MOST_HEADS: Final = 40
LONGEST: Final = 12  # characters of a word
_MOST_WORDS = 6
_HEAD = 60
_DATA = Path(__file__).parent / "data" / "places.toml"


@dataclass(frozen=True)
class Name:
    """What a topic is about. `place` or `matter` is "" where its people share none; `words` are both and more."""

    place: str
    matter: str
    words: tuple[str, ...]

    @property
    def title(self) -> str:
        """Return the name in one line, "" where nothing is shared."""
        return " · ".join(part for part in (self.place, self.matter) if part)


@cache
def _places() -> dict[str, Any]:
    return tomllib.loads(_DATA.read_text("utf-8"))


@cache
def _endings() -> re.Pattern[str]:
    every = sorted(_places()["endings"], key=len, reverse=True)
    return re.compile("(?:" + "|".join(map(re.escape, every)) + ")$")


@cache
def _kind_first() -> re.Pattern[str]:
    every = sorted((one for one in _places()["endings"] if len(one) > 1), key=len, reverse=True)
    return re.compile(".?(?:" + "|".join(map(re.escape, every)) + ")")


@cache
def _areas() -> re.Pattern[str]:
    """Return what areas a run begins with, as long as two characters are left."""
    return re.compile(f"(?:^|(?<= ))(?:{_places()['areas']})+(?=[^ ][^ ])")


@cache
def _pleading() -> re.Pattern[str]:
    every = [*phrases(), *_places()["asked"]]
    return re.compile("|".join(map(re.escape, sorted(every, key=len, reverse=True))))


def bare(head: str) -> str:
    """Return a head in its normal form, without grammar, what every message says and the areas a place lies in."""
    text = " ".join(_pleading().sub(" ", reduced(head[:_HEAD])).split())
    return _areas().sub("", text)


def is_place(word: str) -> bool:
    """Tell whether a word ends as names of places and bodies do, and is two characters more than that ending."""
    found = _endings().search(word)
    return found is not None and found.start() >= 2


def name(heads: Sequence[str]) -> Name:
    """Return what the heads of a gathering's people share; each head counts once, at most 40 are looked at."""
    cut = [_whole(one) for one in shared([bare(one) for one in heads[:MOST_HEADS]])]
    words: list[str] = []
    for one in cut:
        if len(one) > 1 and not any(_overlap(one, other) for other in words):
            words.append(one)
    place = next((one for one in words if is_place(one)), "")
    rest = [one for one in words if one != place and not _overlap(one, place)]
    rest = sorted(rest, key=is_place)  # a matter before another place
    matter = rest[0] if rest else ""
    if not place and len(rest) > 1 and len(matter) < 4:
        matter = matter + rest[1]
    return Name(written(place), written(matter), tuple(written(one) for one in words))


def _whole(word: str) -> str:
    """Return a word without the end of longer names before it: what places share of their names is no word."""
    found = _kind_first().match(word)
    return word[found.end() :] if found is not None and not is_place(word) else word


def shared(texts: Sequence[str]) -> list[str]:
    """Return the words many texts share, the most telling first: how many hold it, times its length."""
    held: Counter[str] = Counter()
    for text in texts:
        runs = text.split()
        held.update({one for run in runs for one in _pieces(run)})
    least = max(2, SHARED * len(texts)) if len(texts) > 1 else 1
    enough = {word: many for word, many in held.items() if many >= least}
    kept: list[str] = []
    for word in sorted(enough, key=lambda one: (-enough[one] * (len(one) - 1), one)):
        if not any(_overlap(word, other) for other in kept):
            kept.append(_grown(word, enough))
        if len(kept) == _MOST_WORDS:
            break
    return kept


def _pieces(run: str) -> set[str]:
    """Return all pieces of a run; a number alone is none."""
    sizes = range(2, min(LONGEST, len(run)) + 1)
    return {run[at : at + size] for size in sizes for at in range(len(run) - size + 1)}


def _grown(word: str, held: dict[str, int]) -> str:
    """Return the longest word around one that nearly as many texts hold: names are told whole."""
    longer = [one for one in held if word in one and held[one] >= 0.7 * held[word]]
    return max(longer, key=lambda one: (len(one), held[one], one), default=word)


def _overlap(word: str, other: str) -> bool:
    """Tell whether two words are likely cut from one: one in the other, or an end of one the other's beginning."""
    if not other:
        return False
    if word in other or other in word:
        return True
    return any(
        word.endswith(other[:size]) or other.endswith(word[:size])
        for size in range(1, min(len(word), len(other)))
    )
