"""What the reading of a message said, in words an officer reads: item guesses with their words, urgency, mood."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from citybrain.hub.cases import guess as keywords
from citybrain.hub.cases import items
from citybrain.hub.hotline.models import Ticket, TicketReading
from citybrain.hub.hotline.readers.deciding import retold
from citybrain.hub.hotline.states import Urgency

log = logging.getLogger("citybrain.desk.hotline")
MOST: Final = 3
LEAST: Final = 0.01
MOODS: Final = {
    "thankful": gettext_lazy("感谢"),
    "calm": gettext_lazy("平静"),
    "upset": gettext_lazy("不满"),
    "angry": gettext_lazy("愤怒"),
}
OWN_CLASSES: Final = {  # the scheme out of the box; a city's own classes are shown as it calls them
    "城乡建设": gettext_lazy("城乡建设"), "环境保护": gettext_lazy("环境保护"), "交通运输": gettext_lazy("交通运输"),
    "教育文体": gettext_lazy("教育文体"), "劳动和社会保障": gettext_lazy("劳动和社会保障"),
    "商贸旅游": gettext_lazy("商贸旅游"), "卫生计生": gettext_lazy("卫生计生"), "其他": gettext_lazy("其他"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Guess:
    """An item that a message may be about. `percent` is empty where the confidence isn't a chance."""

    code: str
    name: str
    percent: str
    why: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Read:
    """A reading as the ticket's page shows it. `is_none`: it says that it is none of the items."""

    label: str
    confidence: str
    guesses: tuple[Guess, ...]
    is_none: bool
    urgency: str
    urgency_words: tuple[str, ...]
    mood: str
    mood_words: tuple[str, ...]
    place: str
    why_person: str


def guess_of(code: str, confidence: float | None, heard: Sequence[str]) -> Guess | None:
    """Return a guess in words, None for an item that isn't in force."""
    item = items.index().by_code.get(code)
    if item is None:
        return None
    said = _("、").join(f"“{one}”" for one in heard)
    why = _("提到 %(words)s") % {"words": said} if said else _("按整句意思推荐")
    percent = "" if confidence is None or confidence < LEAST else f"{confidence * 100:.0f} %"
    return Guess(code, item.name, percent, why, tuple(heard))


def keyword_guesses(text: str) -> tuple[Guess, ...]:
    """Return what the items' own keywords say: what is left when no model is there."""
    found = [guess_of(one.item.code, None, one.words) for one in keywords.guess(text[:2000])[:MOST]]
    return tuple(one for one in found if one is not None)


def reading_of(ticket: Ticket) -> Read | None:
    """Return the reading of a ticket, None where it has not been read. One query."""
    kept = TicketReading.objects.filter(ticket_id=ticket.pk).first()
    return read_from(kept.whole, ticket) if kept is not None and kept.whole else None


def read_from(told: Mapping[str, Any], ticket: Ticket) -> Read:
    """Return a reading out of its JSON (`WholeReading.to_json`)."""
    read_items = told.get("items") or {}
    guesses = [
        guess_of(str(one["code"]), float(one["confidence"]), one.get("words") or ())
        for one in (read_items.get("guesses") or ())[:MOST]
    ]
    urgency, mood = told.get("urgency") or {}, told.get("sentiment") or {}
    level = str(urgency.get("level") or "")
    return Read(
        label=str(OWN_CLASSES.get(label := str(told.get("label") or ""), label)),
        confidence=f"{float(told.get('confidence') or 0) * 100:.0f} %",
        guesses=tuple(one for one in guesses if one is not None),
        is_none=bool(told.get("item_none")),
        urgency=str(Urgency(level).label) if level in Urgency.values else "",
        urgency_words=tuple(urgency.get("words") or ()),
        mood=str(MOODS.get(str(mood.get("level") or ""), "")),
        mood_words=tuple(mood.get("words") or ()),
        place=str((told.get("place") or {}).get("text") or ""),
        why_person=retold(ticket.person_reason) if ticket.needs_person else "",
    )
