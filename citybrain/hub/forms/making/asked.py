"""What a form asks for, as a set that can be held against another form's: fields of the catalogue, or headings."""

from collections.abc import Mapping, Sequence
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
    Asks.COUNT,
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


@dataclass(frozen=True, slots=True)
class Compared:
    """A form taken apart once, to be held against many: what it asks for, by field and by words, and of whom."""

    form: Form
    wishes: tuple[Wish, ...]
    fields: Mapping[str, Wish]
    words: Mapping[str, Wish]
    subjects: frozenset[str]
    lineage: tuple[int | None, ...]

    @staticmethod
    def of(form: Form, names: Mapping[str, str]) -> "Compared":
        """Return a form taken apart; `names` are the published data sets (code: Chinese name)."""
        mine = wishes(form.current.shape) if form.current else ()
        node = tree().find(form.office.area_id)
        return Compared(
            form,
            mine,
            {one.field: one for one in reversed(mine) if one.field},
            {one.words: one for one in reversed(mine) if one.words},
            frozenset(code for code, name in names.items() if relevance(form.title, code, name) >= ABOUT),
            node.lineage if node else (),
        )

    def inside(self, other: "Compared") -> bool:
        """Return whether the other's office works in the same area or one around it."""
        return other.form.office.area_id in self.lineage

    def shared(self, other: "Compared") -> int:
        """Return how many of this form's columns the other asks for as well."""
        fields, words = other.fields, other.words
        return sum(one.field in fields or one.words in words for one in self.wishes)

    def in_common(self, other: "Compared") -> tuple[tuple[Wish, Wish], ...]:
        """Return the pairs of columns that ask for the same, each of this form's once."""
        found = [(one, other.fields.get(one.field) or other.words.get(one.words)) for one in self.wishes]
        return tuple((one, there) for one, there in found if there is not None)

    def same_subject(self, other: "Compared") -> bool:
        """Return whether the other may be about all that this one is about: neither roster nor title says otherwise."""
        one, two = self.form, other.form
        if one.shaped != two.shaped:
            return False
        if one.roster and two.roster:
            return two.roster in WIDER.get(one.roster, (one.roster, EVERYBODY))
        return not self.subjects or not other.subjects or bool(self.subjects & other.subjects)


def contains(area_id: int, inner_id: int) -> bool:
    """Return whether an area is another, or contains it."""
    node = tree().find(inner_id)
    return node is not None and area_id in node.lineage


def often_enough(form: Form, other: Form) -> bool:
    """Return whether another form is filled at least as often, by the same level of area or one below."""
    if other.cycle == Cycle.ONCE and form.cycle != Cycle.ONCE:
        return False
    return OFTEN[Cycle(other.cycle)] <= OFTEN[Cycle(form.cycle)] and other.fillers >= form.fillers
