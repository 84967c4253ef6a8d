"""A table as data: columns with units and alignment, rows of cells; drawn by `{% data_table %}`."""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `kind`: text, number (right-aligned), time (a datetime), state (a badge) or html-free text.

    `unit` stands in the header, `hidden` columns are offered in the column choice but not shown at first.
    """

    key: str
    label: str
    unit: str = ""
    kind: str = "text"
    hidden: bool = False
    sort_url: str = ""
    sorted: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell. `value` is shown (a datetime for kind time); `url` makes it a link, `tone` a state badge."""

    value: object
    url: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One row; its first cell is its heading."""

    cells: Sequence[Cell]
    current: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A whole table. `key` names the kept column choice; `foot` is a row of totals."""

    key: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    foot: Sequence[Cell] = field(default_factory=tuple)
    excel_url: str = ""
    empty_title: str = ""
    empty_text: str = ""

    @property
    def lines(self) -> list[tuple[bool, list[tuple[Column, Cell]]]]:
        """Return each row as (is the current one, its columns with their cells)."""
        return [(row.current, list(zip(self.columns, row.cells, strict=True))) for row in self.rows]

    @property
    def foot_line(self) -> list[tuple[Column, Cell]]:
        return list(zip(self.columns, self.foot, strict=True)) if self.foot else []
