"""Where references of formulas and ranges point once rows were put in below the last prepared row of a form.

Rows stay where they are up to `after`, those beyond move down by `by`. A range that ends with the last prepared row
grows with it, as a total below the table must; within the table's own rows only one that is fixed by $ does
(`SUM(G$5:G7)` in row 7 is a running total and stays). Nothing is evaluated.
"""

import re
from dataclasses import dataclass
from typing import Final

_CELL: Final = r"\$?[A-Z]{1,3}\$?[1-9]\d{0,6}"
_REF: Final = rf"{_CELL}(?::{_CELL})?|\$?[1-9]\d{{0,6}}:\$?[1-9]\d{{0,6}}"
_TOKEN: Final = re.compile(
    r'"(?:[^"]|"")*"'
    r"|(?P<outer>\[\d+\][^!'\s(),]*!(?:\$?[A-Z0-9$:]+)?)"
    rf"|(?P<sheet>'(?:[^']|'')+'|[^\W\d][\w.]*)!(?P<named>{_REF})(?![\w(.])"
    r"|\[[^\]]*\]"
    rf"|(?<![\w.:!$])(?P<bare>{_REF})(?![\w(.!])",
)
_ONE: Final = re.compile(r"(\$?)([A-Z]{0,3})(\$?)([1-9]\d{0,6})")
_ROWS: Final = re.compile(r"(\$?)([1-9]\d{0,6}):(\$?)([1-9]\d{0,6})")


@dataclass(frozen=True, slots=True)
class Growth:
    """Rows put in: `by` of them after row `after`, the last prepared one; the table's rows begin at `begins`."""

    sheet: str
    begins: int
    after: int
    by: int

    def row(self, number: int) -> int:
        """Return where a row stands now."""
        return number + self.by if number > self.after else number

    def formula(self, text: str, *, here: bool, in_rows: bool = False) -> str:
        """Return a formula with its references moved. `here`: it stands on the grown sheet; `in_rows`: in its table."""

        def moved(found: re.Match[str]) -> str:
            if found["bare"]:
                return self._range(found["bare"], in_rows=in_rows) if here else found[0]
            if not found["named"]:
                return found[0]
            name = found["sheet"]
            name = name[1:-1].replace("''", "'") if name.startswith("'") else name
            if name != self.sheet:
                return found[0]
            return f"{found['sheet']}!{self._range(found['named'], in_rows=in_rows and here)}"

        return _TOKEN.sub(moved, text)

    def _range(self, text: str, *, in_rows: bool) -> str:
        rows = _ROWS.fullmatch(text)
        if rows:
            top, bottom = self._ends(int(rows[2]), int(rows[4]), grows=not in_rows or bool(rows[3]))
            return f"{rows[1]}{top}:{rows[3]}{bottom}"
        first, colon, last = text.partition(":")
        one = _ONE.fullmatch(first)
        if one is None:
            return text
        if not colon:
            return f"{one[1]}{one[2]}{one[3]}{self.row(int(one[4]))}"
        other = _ONE.fullmatch(last)
        if other is None:
            return text
        grows = bool(other[3]) if in_rows else True
        top, bottom = self._ends(int(one[4]), int(other[4]), grows=grows)
        return f"{one[1]}{one[2]}{one[3]}{top}:{other[1]}{other[2]}{other[3]}{bottom}"

    def _ends(self, top: int, bottom: int, *, grows: bool) -> tuple[int, int]:
        whole = top < bottom or self.begins == self.after
        if bottom == self.after >= self.begins and grows and whole:
            return top, bottom + self.by
        return self.row(top), self.row(bottom)

    def ranges(self, text: str) -> str:
        """Return a list of ranges (sqref): whatever covers the last prepared row covers the new ones too."""
        return " ".join(self._covering(one) for one in text.split())

    def _covering(self, text: str) -> str:
        first, _, last = text.partition(":")
        one, other = _ONE.fullmatch(first), _ONE.fullmatch(last or first)
        if one is None or other is None:
            return text
        top, bottom = int(one[4]), int(other[4])
        new = self.row(bottom)
        if top <= bottom == self.after >= self.begins:
            new += self.by
        if top > self.after:
            top += self.by
        start = f"{one[1]}{one[2]}{one[3]}{top}"
        end = f"{other[1]}{other[2]}{other[3]}{new}"
        return start if start == end else f"{start}:{end}"

    def place(self, text: str) -> str:
        """Return where a cell or range stands now, without growing."""
        return _ONE.sub(lambda one: f"{one[1]}{one[2]}{one[3]}{self.row(int(one[4]))}", text)


def copied(formula: str, origin: str, to: str) -> str:
    """Return a formula (without "=") as it reads when copied from one cell to another."""
    from openpyxl.formula.translate import Translator

    told: str = Translator(f"={formula}", origin=origin).translate_formula(to)
    return told[1:]
