"""The whole reading of a message: class, item, place, agencies, urgency, feeling, names, likeness. No database.

Each part stands alone: where one breaks, the others still tell, and the reading names what failed. Without any model
place, urgency, agencies and likeness are read all the same.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self, TypeVar

import numpy as np

from citybrain.hub.hotline.reading import likeness, modelfile
from citybrain.hub.hotline.reading.agency import find_agencies
from citybrain.hub.hotline.reading.entities import find_entities
from citybrain.hub.hotline.reading.model import Model
from citybrain.hub.hotline.reading.model import Reading as ClassReading
from citybrain.hub.hotline.reading.normal import MOST_CHARACTERS, normalise
from citybrain.hub.hotline.reading.place import find_place
from citybrain.hub.hotline.reading.place_names import Gazetteer
from citybrain.hub.hotline.reading.sentiment import find_sentiment
from citybrain.hub.hotline.reading.urgency import find_urgency
from citybrain.hub.hotline.reading.whole_reading import Hint, ItemReading, ReadsItems, WholeReading
from citybrain.hub.hotline.reading.words import plain

logger = logging.getLogger(__name__)
MOST_WORDS: Final = 5
CHUNK: Final = 256  # messages read together
_NO_HINT: Final = Hint()
T = TypeVar("T")


@dataclass(frozen=True)
class Models:
    """What a reader needs; each may be missing.

    `leads` gives the lead agency's key (agencies.csv) of each item's code.
    """

    classes: Model | None = None
    items: ReadsItems | None = None
    gazetteer: Gazetteer = field(default_factory=Gazetteer)
    leads: Mapping[str, str] = field(default_factory=dict)


class Reader:
    """Reads messages with models in use. Holds no state: safe in threads, made anew when a model is replaced."""

    def __init__(self, models: Models) -> None:
        self.models = models

    @classmethod
    def load(cls, models: Models | Path) -> Self:
        """Return a reader with models, or with the classifier of one file alone.

        Raises `ModelMissing`, `ModelDamaged` or `ModelOfAnotherVersion` for a file.
        """
        return cls(Models(modelfile.load(models)) if isinstance(models, Path) else models)

    def read(self, text: str, *, title: str = "", hint: Hint | None = None) -> WholeReading:
        """Return all that can be read of one message."""
        return self.read_many([text], [title], [hint])[0]

    def read_many(
        self,
        texts: Sequence[str],
        titles: Sequence[str] | None = None,
        hints: Sequence[Hint | None] | None = None,
    ) -> list[WholeReading]:
        """Return all that can be read of many messages, in their order; several times quicker than one by one."""
        titles = titles if titles is not None else [""] * len(texts)
        hints = hints if hints is not None else [None] * len(texts)
        if not len(texts) == len(titles) == len(hints):
            raise ValueError(
                f"{len(texts)} texts, {len(titles)} titles, {len(hints)} hints: as many of each are needed"
            )
        told: list[WholeReading] = []
        for at in range(0, len(texts), CHUNK):
            part = slice(at, at + CHUNK)
            told += self._chunk(list(texts[part]), list(titles[part]), list(hints[part]))
        return told

    def _chunk(self, texts: list[str], titles: list[str], hints: list[Hint | None]) -> list[WholeReading]:
        whole = [
            f"{title} {text}" if title.strip() else text for title, text in zip(titles, texts, strict=True)
        ]
        failed: list[list[str]] = [[] for _ in whole]
        readable = [at for at, one in enumerate(whole) if not normalise(one).reason]
        some = [whole[at] for at in readable]
        classes = self._together("class", some, readable, failed, self._classes)
        items = self._together("item", some, readable, failed, self._items)
        marks = self._together("likeness", some, readable, failed, _signatures)
        return [
            self._one(plain(titles[at], texts[at]), whole[at], hints[at] or _NO_HINT, failed[at],
                      classes.get(at), items.get(at), marks.get(at, ""))
            for at in range(len(whole))
        ]  # fmt: skip

    def _together(
        self,
        part: str,
        some: list[str],
        places: list[int],
        failed: list[list[str]],
        work: Callable[[list[str]], Sequence[T] | None],
    ) -> dict[int, T]:
        """Return what a part tells of messages read together, by their places; where it breaks, of none."""
        try:
            told = work(some) if some else None
        except Exception:
            logger.exception("hotline reading: the part %r failed on %d messages", part, len(some))
            for at in places:
                failed[at].append(part)
            return {}
        return dict(zip(places, told, strict=True)) if told is not None else {}

    def _classes(self, some: list[str]) -> list[tuple[ClassReading, tuple[str, ...]]] | None:
        model = self.models.classes
        if model is None:
            return None
        told = model.read(some)
        return [
            (one, tuple(model.why(text, one.label, MOST_WORDS)) if one.label is not None else ())
            for one, text in zip(told, some, strict=True)
        ]

    def _items(self, some: list[str]) -> list[ItemReading] | None:
        return None if self.models.items is None else self.models.items.read_items(some)

    def _one(
        self,
        text: str,
        whole: str,
        hint: Hint,
        failed: list[str],
        told: tuple[ClassReading, tuple[str, ...]] | None,
        items: ItemReading | None,
        mark: str,
    ) -> WholeReading:
        found = items or ItemReading()

        def part(name: str, work: Callable[[], T], otherwise: T) -> T:
            try:
                return work()
            except Exception:
                logger.exception("hotline reading: the part %r failed", name)
                failed.append(name)
                return otherwise

        nothing = WholeReading()
        place = part("place", lambda: find_place(text, self.models.gazetteer, hint.area_id), nothing.place)
        reason = "" if told else normalise(whole).reason or "no_model"
        reading, words = told if told else (ClassReading(None, 0.0, ()), ())
        return WholeReading(
            reason=reason,
            shortened=len(whole) > MOST_CHARACTERS,
            label=reading.label,
            confidence=reading.confidence,
            candidates=reading.candidates,
            class_words=words,
            items=found,
            place=place,
            agencies=part("agencies", lambda: find_agencies(text, found, self.models.leads), ()),
            urgency=part("urgency", lambda: find_urgency(text), nothing.urgency),
            sentiment=part("sentiment", lambda: find_sentiment(text), nothing.sentiment),
            entities=part("entities", lambda: find_entities(text, place, found), ()),
            signature=mark,
            failed=tuple(failed),
        )


def _signatures(some: list[str]) -> list[str]:
    minima: np.ndarray[tuple[int, int], np.dtype[np.uint32]] = likeness.signatures(some)
    return [likeness.to_text(one) for one in minima]
