"""What is heard in words that are still being typed: read by the models in use, by plain rules where there are none."""

import logging
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from django.utils.translation import gettext as _

from citybrain.base.areas.tree import tree
from citybrain.faces.desk.hotline.readings import MOST, Guess, guess_of, keyword_guesses
from citybrain.hub.hotline.readers import using
from citybrain.hub.hotline.reading.whole_reading import Hint, ItemReading, WholeReading

log = logging.getLogger("citybrain.desk.hotline")
AREAS_MOST: Final = 8
SURE: Final = 0.6
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


def hear(text: str, place_text: str = "", area_id: int | None = None) -> Heard:
    """Return what is heard in a text; names of areas are found in the words about the place, too."""
    whole = _read(f"{place_text} {text}".strip(), area_id)
    named = areas_in(f"{place_text}\n{text}")
    if whole is None:
        doubt = _("识别模型暂时不可用，以下按关键词推荐。")
        return Heard(guesses=keyword_guesses(text), areas=named, doubt=doubt)
    read = whole.items
    guesses = (guess_of(one.code, one.confidence, one.words) for one in read.guesses[:MOST])
    return Heard(
        guesses=tuple(one for one in guesses if one is not None),
        is_none=read.is_none,
        urgency=whole.urgency.level,
        urgency_words=whole.urgency.words,
        areas=tuple(dict.fromkeys((*whole.place.areas, *named)))[:AREAS_MOST],
        doubt=_doubt(read),
    )


def _read(text: str, area_id: int | None) -> WholeReading | None:
    """Return what the models in use read; None where they don't answer."""
    try:
        return using.current().reader.read(text, hint=Hint(area_id=area_id))
    except Exception:
        log.exception("the reader does not answer; keywords do")
        return None


def _doubt(read: ItemReading) -> str:
    """Return why a person should look at the guesses, an empty text where they are sure enough."""
    if not read.guesses:
        return ""
    if read.is_none:
        return _("系统认为可能都不是，请判断。")
    return _("把握不大，请核对。") if read.guesses[0].confidence < SURE else ""


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
    order = sorted(found.items(), key=lambda one: -len(one[0][0]))
    return tuple((name, level, area) for (name, area), level in order)


def areas_in(text: str) -> tuple[int, ...]:
    """Return the areas whose names stand in a text, the smallest first; those below a named wider one in front."""
    hits = [(level, area) for name, level, area in _names(tree().version) if name in text]
    named = {area for _level, area in hits}
    order = sorted(dict.fromkeys(hits), key=lambda hit: (-_inside(hit[1], named), -hit[0]))
    return tuple(dict.fromkeys(area for _level, area in order))[:AREAS_MOST]


def _inside(area: int, named: set[int]) -> int:
    """Return how many of the named areas an area lies in, itself counted."""
    return sum(one in named for one in tree().get(area).lineage if one is not None)
