"""What the whole reading of a message tells: plain frozen values, each as JSON. Knows no database."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of the plain text that names a place.

    `kind`: area_code, area, road, estate, number, landmark; body for a company and the like. `areas` are the ids of
    areas it may mean (kind "area" alone), several where the name is not unique. `start` and `end` count in
    `words.plain(title, text)`.
    """

    kind: str
    text: str
    start: int
    end: int
    areas: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message says it is.

    `text` is the longest address in one piece, "" without any. `areas` are the ids of areas that may be meant,
    likeliest first; only where `certain` is the first one the place, and officers need not be asked.
    """

    text: str = ""
    spans: tuple[Span, ...] = ()
    areas: tuple[int, ...] = ()
    certain: bool = False


@dataclass(frozen=True, slots=True)
class Hint:
    """What is known of a message besides its text.

    `area_id`: an area the matter lies in for certain (an operator's choice, a located point); names elsewhere are then
    mentions. `kind`: the ticket's kind 1-6 of `codes.yaml`, "" where unknown.
    """

    area_id: int | None = None
    kind: str = ""


@dataclass(frozen=True, slots=True)
class ItemGuess:
    """An item among the 239 with its chance and the words that spoke for it, strongest first."""

    code: str
    confidence: float
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ItemReading:
    """The likeliest items, likeliest first, and the chance that it is none of them."""

    guesses: tuple[ItemGuess, ...] = ()
    none: float = 1.0

    @property
    def is_none(self) -> bool:
        """Tell whether "none of these" is likelier than any item."""
        return not self.guesses or self.none >= self.guesses[0].confidence


class ReadsItems(Protocol):
    """A model of items: `item_reader` of the examples, or one trained on a city's own tickets."""

    def read_items(self, messages: Sequence[str]) -> list[ItemReading]:
        """Return what each message was read as."""
        ...


@dataclass(frozen=True, slots=True)
class AgencyGuess:
    """A kind of agency (key of `agencies.csv`) with its weight (0-1) and the words that spoke for it."""

    key: str
    weight: float
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Urgency:
    """How soon a ticket must be signed for.

    `level`: danger (15 minutes), utilities (30 minutes), general (1 working day). `words` are those that spoke for it.
    `set_aside` are words of danger that don't count, each with the reason: negated, past, asked, supposed, told (part
    of a long account, nothing says that it is now).
    """

    level: str = "general"
    words: tuple[str, ...] = ()
    set_aside: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Sentiment:
    """How the writer feels: thankful, calm, upset or angry, by which words. `abusive` where somebody is insulted."""

    level: str = "calm"
    words: tuple[str, ...] = ()
    abusive: bool = False


@dataclass(frozen=True, slots=True)
class Entity:
    """A name or matter that messages of one topic share. `kind`: place, body, matter."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class WholeReading:
    """All that was read of a message.

    `label` is None where no class could be told; `reason` says why: "empty", "no_words" (nothing to read in it) or
    "no_model". `failed` names the parts that broke with an error; the others still stand. `candidates` are the
    likeliest classes with their chances. `signature` is `likeness.signature` as hexadecimal digits.
    """

    reason: str = ""
    shortened: bool = False
    label: str | None = None
    confidence: float = 0.0
    candidates: tuple[tuple[str, float], ...] = ()
    class_words: tuple[str, ...] = ()
    items: ItemReading = ItemReading()
    place: Place = Place()
    agencies: tuple[AgencyGuess, ...] = ()
    urgency: Urgency = Urgency()
    sentiment: Sentiment = Sentiment()
    entities: tuple[Entity, ...] = ()
    signature: str = ""
    failed: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return JSON values only."""
        return {**asdict(self), "item_none": self.items.is_none}
