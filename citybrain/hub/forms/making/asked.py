"""What a form asks for, as a set that can be held against another form's: fields of the catalogue, or headings."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from citybrain.base.areas.tree import tree
from citybrain.hub.forms.columns import Asks, Column
from citybrain.hub.forms.matching import heading
from citybrain.hub.forms.matching.headings import alike_form
from citybrain.hub.forms.matching.matcher import relevance
from citybrain.hub.forms.models import Cycle, Form

ASKED: Final = (
    Asks.DATA,
    Asks.ANSWER,
)  # what somebody must fill or the city knows; the rest follows by itself
OFTEN: Final = {
    Cycle.DAY: 1, Cycle.WEEK: 2, Cycle.MONTH: 3, Cycle.QUARTER: 4, Cycle.YEAR: 5, Cycle.ONCE: 6,
}  # fmt: skip
EVERYBODY: Final = "residents"
WIDER: Final = {
    "alone": ("alone", "elders", EVERYBODY)
}  # rosters that hold everybody of one; usually it and all people
ABOUT: Final = 0.7  # relevance of a title from which a data set counts as its subject


@dataclass(frozen=True, slots=True)
class Wish:
    """One column that asks for something: by its field and by the normal form of its heading."""

    letter: str
    name: str
    field: str
    words: str

    def same_as(self, other: "Wish") -> bool:
        """Return whether both columns ask for the same."""
        return (bool(self.field) and self.field == other.field) or (
            bool(self.words) and self.words == other.words
        )


@cache
def words_of(path: tuple[str, ...]) -> str:
    """Return the normal form of a column's names: without blanks, brackets, numbers, with words alike as one."""
    return alike_form(heading(path).joined)


def wishes(columns: Sequence[Column]) -> tuple[Wish, ...]:
    """Return what the columns ask for, those that follow by themselves left out."""
    return tuple(
        Wish(
            one.letter,
            one.name,
            f"{one.field}:{one.derived}" if one.derived else one.field,
            words_of(one.path),
        )
        for one in columns
        if one.asks in ASKED
    )


def in_common(mine: Sequence[Wish], other: Sequence[Wish]) -> tuple[tuple[Wish, Wish], ...]:
    """Return the pairs of columns of two forms that ask for the same, each of mine once."""
    fields = {one.field: one for one in reversed(other) if one.field}
    words = {one.words: one for one in reversed(other) if one.words}
    found = [(one, fields.get(one.field) or words.get(one.words)) for one in mine]
    return tuple((one, there) for one, there in found if there is not None)


def subjects(title: str, sets: dict[str, str]) -> frozenset[str]:
    """Return the data sets (code: Chinese name) that a form's title speaks of."""
    return frozenset(code for code, name in sets.items() if relevance(title, code, name) >= ABOUT)


def same_subject(one: Form, other: Form, sets: dict[str, str]) -> bool:
    """Return whether another form may be about all that one is about: neither roster nor title says otherwise."""
    if one.shaped != other.shaped:
        return False
    if one.roster and other.roster:
        return other.roster in WIDER.get(one.roster, (one.roster, EVERYBODY))
    mine, theirs = subjects(one.title, sets), subjects(other.title, sets)
    return not mine or not theirs or bool(mine & theirs)


def contains(area_id: int, inner_id: int) -> bool:
    """Return whether an area is another, or contains it."""
    node = tree().find(inner_id)
    return node is not None and area_id in node.lineage


def often_enough(form: Form, other: Form) -> bool:
    """Return whether another form is filled at least as often, by the same level of area or one below."""
    if other.cycle == Cycle.ONCE and form.cycle != Cycle.ONCE:
        return False
    return OFTEN[Cycle(other.cycle)] <= OFTEN[Cycle(form.cycle)] and other.fillers >= form.fillers
