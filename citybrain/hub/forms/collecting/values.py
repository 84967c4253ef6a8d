"""What collecting hands to screens: cells, rows, the outcome of edits. Values only, no rights, no database."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from citybrain.hub.forms.columns import Asks, Column

EDIT: Final = "edit"  # the source of a cell that a person typed here
ANSWER: Final = "answer"  # the source of a cell answered once before
HOUSE: Final = "sheet"  # the source of a cell we know ourselves: number, area, filler, day
PEOPLE: Final = frozenset({"", EDIT, ANSWER, HOUSE})  # sources that no grant is needed for


class CellState(StrEnum):
    """How much a cell can be relied on, and why it is empty."""

    KNOWN = "known"  # from a data set, fresh
    STALE = "stale"  # older than its catalogue entry promises
    CONFLICT = "conflict"  # two suppliers say different things
    DISPUTED = "disputed"  # somebody says it is wrong, and it isn't settled
    ANSWERED = "answered"  # somebody answered it before
    EDITED = "edited"  # typed into this sheet
    MISSING = "missing"  # nobody knows it: to be filled
    NONE = "none"  # its set was read and has nothing of this person: nothing to be filled
    DOWN = "down"  # its source can't be read now; may be filled by hand
    NO_RIGHT = "no_right"  # there is a value, but no grant to see it (any more)


FROM_DATA: Final = frozenset({CellState.KNOWN, CellState.STALE, CellState.CONFLICT, CellState.DISPUTED})
SAVED_WORK: Final = FROM_DATA | {CellState.ANSWERED}  # cells that nobody had to type
OWN_WORK: Final = frozenset({Asks.SERIAL, Asks.AREA, Asks.FORMULA})  # columns that nobody fills by hand


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell as a person may see it. `source` a data set's code, "answer", "edit", "sheet", or empty for none."""

    value: str = ""
    source: str = ""
    as_of: str = ""  # ISO day
    state: str = CellState.MISSING
    stamp: int = 0

    @property
    def of_data(self) -> bool:
        """Whether it tells what a data set holds (also that it holds nothing); not so once a person typed over it."""
        return self.source not in PEOPLE and self.state != CellState.EDITED


@dataclass(frozen=True, slots=True)
class SeenRow:
    """A row as a person may see it: cells by letter. `added`: by a person, not by a data set."""

    key: str
    position: int
    cells: Mapping[str, Cell]
    added: bool = False
    removed: bool = False
    missing: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """A sheet, or the part of it that was asked for. `total` rows match; `stamp` is what the next edit is based on.

    `down` are codes of data sets that couldn't be read, `withheld` letters with cells that may not be shown.
    """

    sheet_id: int
    stamp: int
    state: str
    columns: tuple[Column, ...]
    rows: tuple[SeenRow, ...]
    total: int
    cells: int
    cells_known: int
    cells_missing: int
    down: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()
    may_edit: bool = False
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class CellEdit:
    """A cell changed on a device. `base`: the sheet's stamp the person saw; `client`: the device's own id of it.

    A row is added with letter "" and value "add" under a key that the device makes ("n" and 32 hexadecimal digits),
    and taken out or put back with "remove" or "restore".
    """

    row: str
    letter: str
    value: str
    base: int
    client: UUID


class Did(StrEnum):
    SAVED = "saved"
    CONFLICT = "conflict"  # somebody changed the cell meanwhile: `cell`, `who` and `when` say what it is now
    REFUSED = "refused"  # the value can't be: `reason`


@dataclass(frozen=True, slots=True)
class EditDone:
    """What became of one edit. An edit sent again gets the answer of the first time."""

    client: UUID
    did: Did
    row: str
    letter: str
    stamp: int = 0
    cell: Cell | None = None
    reason: str = ""
    who: str = ""
    when: datetime | None = None


@dataclass(frozen=True, slots=True)
class Saved:
    """What a batch of edits came to: one result an edit, in their order, and the sheet's counts after it."""

    stamp: int
    results: tuple[EditDone, ...]
    cells: int = 0
    cells_known: int = 0
    cells_missing: int = 0


@dataclass(frozen=True, slots=True)
class Signing:
    """One signature under a sheet: SM3 over its canonical content, who, when."""

    digest: str
    by: str
    name: str
    at: datetime
    stamp: int
    withheld: tuple[str, ...] = field(default=())
