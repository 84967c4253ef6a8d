"""Where a form's prepared rows end: before its totals, remarks and signatures."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from citybrain.base.exchange.reading.grid import Row, Span
from citybrain.base.exchange.reading.header import TOTAL
from citybrain.hub.forms.book.table import NotTaken

MOST_ROWS: Final = 50_000
SIGNED: Final = re.compile(
    r"[（(【]?\s*(?:注|备\s*注|说\s*明|填\s*表|填\s*报|制\s*表|审\s*[核批]|复\s*核|数据来源|来\s*源|经\s*办|负\s*责|单位|主管|联\s*系|日\s*期"
    r"|盖\s*章|签\s*[字名]|note|source)[^:：]{0,12}[:：]",
    re.IGNORECASE,
)
SENTENCE: Final = re.compile(
    r"(?:\d+|[一二三四五六七八九十]+|[（(]\d+[)）]|[①-⑳])\s*[、.:：)）]?.{12,}", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Body:
    """The rows of a form between header and footer. `footer` is 0 where nothing follows the table.

    `held` are the rows that hold something, number → texts.
    """

    begins: int
    footer: int
    held: dict[int, list[str]]
    beyond: int = 0

    @property
    def last(self) -> int:
        """The last row that holds something, or the one before the first."""
        return max(self.held, default=self.begins - 1)


def body(rows: Iterable[Row], spans: Iterable[Span], begins: int, width: int) -> Body:
    """Return the body of a table that begins at a row. Raises NotTaken for more rows than a form may have."""
    wide = {top for top, left, _, right in spans if left == 0 and right + 1 >= max(3, width * 0.6)}
    source = iter(rows)
    held: dict[int, list[str]] = {}
    footer = beyond = 0
    for number, cells in source:
        if number < begins or not any(cell.strip() for cell in cells):
            continue
        beyond = number
        if footer:
            continue
        if ends(cells, width):
            footer = number
            continue
        held[number] = cells
        if len(held) > MOST_ROWS:
            raise NotTaken("many_rows", count=_counted(source, len(held)), limit=MOST_ROWS)
    for number in sorted(held, reverse=True):
        if number not in wide:
            break
        footer = number
        del held[number]
    return Body(begins, footer, held, beyond if footer else 0)


def _counted(rows: Iterable[Row], known: int) -> int:
    return known + sum(any(cell.strip() for cell in cells) for _, cells in rows)


def ends(cells: list[str], width: int) -> bool:
    """Return whether a row is no more of the table: a total, a remark, a line for signatures."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    if not filled or width < 2:
        return False
    if TOTAL.fullmatch(filled[0]) or SIGNED.match(filled[0]):
        return True
    return len(filled) == 1 and width > 2 and SENTENCE.fullmatch(filled[0]) is not None
