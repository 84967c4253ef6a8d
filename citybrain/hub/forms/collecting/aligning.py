"""Which row of a workbook is which row of a sheet: by identity number, by what data filled, else by place. Pure.

Nothing is guessed: a row that fits two, or whose place holds something else, is said to fit none.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Final

from citybrain.base.catalogue.types import BadType, Type
from citybrain.hub.forms.collecting import rows
from citybrain.hub.forms.collecting.checking import BadCell, checked, plain
from citybrain.hub.forms.columns import Asks, Column
from citybrain.hub.forms.matching import heading

NAMES: Final = frozenset({"name", "xm", "person_name"})
NUMBERS: Final = frozenset({"gb11643"})
PATTERNS_MOST: Final = 200
COMPARED_MOST: Final = 400_000


class Lost(StrEnum):
    """Why a row of the workbook is no row of the sheet."""

    SEVERAL = "several"  # it fits several rows, or several of the workbook fit one
    OTHER = "other"  # it resembles a row of the sheet without being plainly the same
    NO_ROWS = "no_rows"  # this form takes no rows of one's own
    ELSEWHERE = "elsewhere"  # it names another area


@dataclass(frozen=True, slots=True)
class Held:
    """A row of the sheet: its key, and by letter what its filler sees. Its place is its place in the list."""

    key: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Came:
    """A row of the workbook: its number there, its place below the header from 0, its values, the key if it is new."""

    number: int
    place: int
    values: Mapping[str, str]
    new_key: str


@dataclass(slots=True)
class Aligned:
    """By number of the workbook's row: the sheet's key, or that it is new, or why it is neither."""

    pairs: dict[int, str] = field(default_factory=dict)
    new: list[int] = field(default_factory=list)
    lost: dict[int, Lost] = field(default_factory=dict)


def title_letter(columns: Sequence[Column]) -> str:
    """Return the letter of the column that a row is called by: the person's name, else the first one filled."""
    for column in columns:
        if column.field_name in NAMES or heading(column.path).joined in {"姓名", "名称"}:
            return column.letter
    plain_ = (column.letter for column in columns if column.asks not in {Asks.SERIAL, Asks.FORMULA})
    return next(plain_, columns[0].letter if columns else "")


def folded(column: Column, text: str) -> str:
    """Return a value in the one writing in which two can be compared; what can't be a value stays as it is."""
    try:
        told = checked(column, text)
    except BadCell:
        return plain(text)
    try:
        if not column.options and Type.parse(column.type).is_number:
            return str(Decimal(told).normalize()) if told else ""
    except (BadType, InvalidOperation):
        pass
    return told


def align(
    columns: Sequence[Column], held: Sequence[Held], came: Sequence[Came], *, alone: bool = False
) -> Aligned:
    """Return which rows are which. `alone`: the sheet has one row by its nature, which the first of the workbook is."""
    found = Aligned()
    if alone:
        for at, one in enumerate(came):
            if at == 0 and len(held) == 1:
                found.pairs[one.number] = held[0].key
            else:
                found.lost[one.number] = Lost.NO_ROWS
        return found
    work = _Work(columns, held, came)
    work.by_key()
    work.by_number()
    work.by_values(leave_out=False)
    work.by_values(leave_out=True)
    work.by_place()
    found.pairs = {came[at].number: held[to].key for at, to in work.pairs.items()}
    for at, why in work.why_not_new().items():
        if why is None:
            found.new.append(came[at].number)
        else:
            found.lost[came[at].number] = why
    return found


class _Work:
    """Pairs of places: in the workbook → in the sheet."""

    def __init__(self, columns: Sequence[Column], held: Sequence[Held], came: Sequence[Came]) -> None:
        typed = [one for one in columns if rows.editable(one)]
        self.title = title_letter(columns)
        self.numbers = [one.letter for one in typed if one.check in NUMBERS]
        by_letter = {one.letter: one for one in typed}
        self.held = [self._folded(by_letter, one.values) for one in held]
        self.came = [self._folded(by_letter, one.values) for one in came]
        data = frozenset(one.letter for one in typed if one.asks == Asks.DATA)
        self.marks = [self._marks(one, data) for one in self.held]
        self.keys = {one.key: at for at, one in enumerate(held)}
        self.new_keys = [one.new_key for one in came]
        self.places = [one.place for one in came]
        self.pairs: dict[int, int] = {}
        self.taken: set[int] = set()
        self.doubtful: set[int] = set()

    @staticmethod
    def _folded(by_letter: Mapping[str, Column], values: Mapping[str, str]) -> dict[str, str]:
        found = {
            letter: folded(by_letter[letter], text) for letter, text in values.items() if letter in by_letter
        }
        return {letter: text for letter, text in found.items() if text}

    @staticmethod
    def _marks(values: Mapping[str, str], data: frozenset[str]) -> tuple[str, ...]:
        """Return the letters that a row is known by: what data filled; all it holds, where data filled nothing."""
        return tuple(sorted(data & values.keys())) or tuple(sorted(values))

    def left(self) -> list[int]:
        return [at for at in range(len(self.came)) if at not in self.pairs]

    def free(self) -> list[int]:
        return [at for at in range(len(self.held)) if at not in self.taken]

    def pair(self, at: int, to: int) -> None:
        self.pairs[at] = to
        self.taken.add(to)

    def by_key(self) -> None:
        """Pair the rows that this very workbook brought before."""
        for at, key in enumerate(self.new_keys):
            if key in self.keys:
                self.pair(at, self.keys[key])

    def by_number(self) -> None:
        """Pair rows with the same identity number, where one row each has it."""
        for letter in self.numbers:
            there = self._once(self.held, letter)
            here = self._once(self.came, letter)
            for number, at in here.items():
                to = there.get(number)
                if to is not None and at not in self.pairs and to not in self.taken:
                    self.pair(at, to)

    @staticmethod
    def _once(lines: Sequence[Mapping[str, str]], letter: str) -> dict[str, int]:
        counted = Counter(one[letter] for one in lines if letter in one)
        return {
            one[letter]: at for at, one in enumerate(lines) if letter in one and counted[one[letter]] == 1
        }

    def by_values(self, *, leave_out: bool) -> None:
        """Pair rows that agree in all the sheet's row is known by, or, the name apart, in all but one."""
        wanted: dict[tuple[str, ...], set[int]] = {}
        for to in self.free():
            for letters in self._ways(self.marks[to], leave_out=leave_out):
                wanted.setdefault(letters, set()).add(to)
        edges = self._edges(sorted(wanted.items(), key=lambda one: -len(one[1]))[:PATTERNS_MOST])
        back = Counter(to for several in edges.values() for to in several)
        for at, several in edges.items():
            to = next(iter(several))
            if len(several) == 1 and back[to] == 1:
                self.pair(at, to)
            else:
                self.doubtful.add(at)

    def _edges(self, wanted: Sequence[tuple[tuple[str, ...], set[int]]]) -> dict[int, set[int]]:
        """Return for rows of the workbook the sheet's rows that they agree with in the letters wanted."""
        edges: dict[int, set[int]] = {}
        for letters, these in wanted:
            index: dict[tuple[str, ...], list[int]] = {}
            for at in self.left():
                index.setdefault(self._of(self.came[at], letters), []).append(at)
            for to in these:
                for at in index.get(self._of(self.held[to], letters), ()):
                    edges.setdefault(at, set()).add(to)
        return edges

    def _ways(self, letters: tuple[str, ...], *, leave_out: bool) -> Iterable[tuple[str, ...]]:
        if leave_out:
            if len(letters) > 2 and self.title in letters:
                yield from (
                    tuple(one for one in letters if one != out) for out in letters if out != self.title
                )
        elif len(letters) > 1 or self.title in letters:
            yield letters

    @staticmethod
    def _of(values: Mapping[str, str], letters: Iterable[str]) -> tuple[str, ...]:
        return tuple(values.get(letter, "") for letter in letters)

    def by_place(self) -> None:
        """Pair what lies where it lay, if all that is known lies where it lay."""
        if any(self.places[at] != to for at, to in self.pairs.items() if not self._was_brought(at)):
            return
        for at in self.left():
            to = self.places[at]
            if 0 <= to < len(self.held) and to not in self.taken and self._fits(at, to):
                self.pair(at, to)

    def _was_brought(self, at: int) -> bool:
        return self.new_keys[at] in self.keys

    def _fits(self, at: int, to: int) -> bool:
        """Return whether what stands in a row doesn't speak against its being the sheet's row."""
        marks, here, there = self.marks[to], self.came[at], self.held[to]
        if not marks:
            return True
        both = [letter for letter in marks if letter in here]
        if self.title in marks:
            return here.get(self.title) == there[self.title]
        return bool(both) and 2 * sum(here[letter] == there[letter] for letter in both) >= len(both)

    def why_not_new(self) -> dict[int, Lost | None]:
        """Return for each row that fits none why it can't be taken for a new one; None where it can."""
        free, left = self.free(), self.left()
        called = {one[self.title] for one in self.held if self.title in one}
        too_many = len(free) * len(left) > COMPARED_MOST
        found: dict[int, Lost | None] = {}
        for at in left:
            if at in self.doubtful:
                found[at] = Lost.SEVERAL
            elif too_many or self.came[at].get(self.title) in called:
                found[at] = Lost.OTHER
            else:
                found[at] = Lost.OTHER if any(self._resembles(at, to) for to in free) else None
        return found

    def _resembles(self, at: int, to: int) -> bool:
        marks, here, there = self.marks[to], self.came[at], self.held[to]
        if not marks:  # an empty row of the sheet: this one may be meant for it
            return True
        both = [letter for letter in marks if letter in here]
        return not both or 2 * sum(here[letter] == there[letter] for letter in both) >= len(both)
