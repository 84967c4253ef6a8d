"""What messages of one topic share: names of places and bodies, and the matter in a few words."""

from typing import Final

from citybrain.hub.hotline.reading.agency import duties
from citybrain.hub.hotline.reading.whole_reading import Entity, ItemReading, Place

MOST_NAMES: Final = 8
MOST_MATTERS: Final = 6
_NAMES: Final = {"estate": "place", "road": "place", "landmark": "place", "area": "place", "body": "body"}


def find_entities(text: str, place: Place, items: ItemReading | None = None) -> tuple[Entity, ...]:
    """Return names first, most often said first, then matters: the item's words, and what agencies are in charge of."""
    names = [
        Entity(_NAMES[one.kind], one.text)
        for one in sorted(place.spans, key=lambda one: -text.count(one.text))
        if one.kind in _NAMES
    ]
    said = duties(text)
    words = sorted(said, key=lambda word: (-said[word], -len(word), word))
    if items and not items.is_none:
        words = [*items.guesses[0].words, *words]
    matters = [Entity("matter", word) for word in words]
    return (*dict.fromkeys(names[:MOST_NAMES]), *list(dict.fromkeys(matters))[:MOST_MATTERS])
