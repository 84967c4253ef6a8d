"""What is known of one cell and of one column: the value, its source, its date, its state."""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import Final

from citybrain.hub.forms.columns import Column

ANSWER: Final = "answer"
SHEET: Final = "sheet"


class State(StrEnum):
    """What is known of a cell."""

    KNOWN = "known"
    STALE = "stale"  # older than the catalogue promises
    CONFLICT = "conflict"  # two suppliers say different things
    DISPUTED = "disputed"  # a filler said it is wrong; the supplier looks
    ANSWERED = "answered"  # a person answered it before
    MISSING = "missing"  # nobody knows: to be asked
    NONE = "none"  # the set was read and has no row of this person: nothing to be filled in
    DOWN = "down"  # the set can't be read now
    NO_RIGHT = "no_right"  # no grant lets this area read it
    BLANK = "blank"  # worked out by the sheet, or by nobody


Mark = tuple[str, str, str]
FILLED: Final = frozenset({State.KNOWN, State.STALE, State.CONFLICT, State.DISPUTED, State.ANSWERED})


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell. `source` is a data set's code, "answer" or "sheet"; `many` the rows the set has of this person."""

    value: str
    source: str
    as_of: date | None
    state: State
    mask: str = ""
    many: int = 1


@dataclass
class Filled:
    """One column for all people, in their order. Cells that differ from the column's own state stand in `odd`."""

    column: Column
    source: str
    state: State
    as_of: date | None = None
    mask: str = ""
    why: str = ""
    values: list[str] = field(default_factory=list, repr=False)
    odd: dict[int, tuple[str, date | None, State]] = field(default_factory=dict)
    many: dict[int, int] = field(default_factory=dict)

    def cell(self, at: int) -> Cell:
        source, as_of, state = self.odd.get(at, (self.source, self.as_of, self.state))
        return Cell(self.values[at], source, as_of, state, self.mask, self.many.get(at, 1))

    def mark(self, at: int) -> Mark:
        """Return (source, date, state) as `Row.marks` keeps them."""
        return _mark(*self.odd.get(at, (self.source, self.as_of, self.state)))

    def marks(self) -> list[Mark]:
        """Return the marks of all rows."""
        found = [_mark(self.source, self.as_of, self.state)] * len(self.values)
        for at, told in self.odd.items():
            found[at] = _mark(*told)
        return found


@lru_cache(2_000)
def _mark(source: str, as_of: date | None, state: State) -> Mark:
    return (source, as_of.isoformat() if as_of else "", str(state))
