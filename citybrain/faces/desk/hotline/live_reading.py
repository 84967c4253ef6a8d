"""What is heard in words that are still being typed: read by the models in use, by plain rules where there are none."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from citybrain.base.areas.tree import tree
from citybrain.faces.desk.hotline.readings import Guess, keyword_guesses

log = logging.getLogger("citybrain.desk.hotline")
AREAS_MOST: Final = 8
NAME_LEAST: Final = 2
TAILS: Final = ("社区居委会", "居委会", "社区", "街道", "村委会")


@dataclass(frozen=True, slots=True)
class Heard:
    """What a text seems to say. `areas` are ids, likeliest first; `doubt` says why a person should look."""

    guesses: tuple[Guess, ...] = ()
    is_none: bool = False
    urgency: str = ""
    urgency_words: tuple[str, ...] = ()
    areas: tuple[int, ...] = ()
    doubt: str = ""


def hear(text: str, place_text: str = "") -> Heard:
    """Return what is heard in a text."""
    return Heard(guesses=keyword_guesses(text), areas=areas_in(f"{place_text}\n{text}"))


@lru_cache(maxsize=2)
def _names(version: int) -> tuple[tuple[str, int, int], ...]:
    """Return (name or its short form, level, area id) of areas below the city, the longest names first."""
    found: dict[tuple[str, int], int] = {}
    for node in tree():
        if not node.in_force or node.level not in (2, 3, 4):
            continue
        found[node.name, node.id] = node.level
        for tail in TAILS:
            short = node.name.removesuffix(tail)
            if short != node.name and len(short) >= NAME_LEAST:
                found[short, node.id] = node.level
                break
    return tuple(
        (name, level, area) for (name, area), level in sorted(found.items(), key=lambda one: -len(one[0][0]))
    )


def areas_in(text: str, version: int | None = None) -> tuple[int, ...]:
    """Return the areas whose names stand in a text, the smallest first; those below a named wider one in front."""
    known = tree()
    hits = [
        (level, area)
        for name, level, area in _names(known.version if version is None else version)
        if name in text
    ]
    named = {area for _level, area in hits}
    order = sorted(dict.fromkeys(hits), key=lambda hit: (-_inside(hit[1], named), -hit[0]))
    return tuple(dict.fromkeys(area for _level, area in order))[:AREAS_MOST]


def _inside(area: int, named: Sequence[int] | set[int]) -> int:
    """Return how many of the named areas an area lies in, itself counted."""
    return sum(one in named for one in tree().get(area).lineage if one is not None)
