"""An Excel form as it came, filled, and read back: every cell that wasn't asked for stays.

`look` says what a workbook is, `layout` where its table is, `write` fills rows into it, `read_rows` reads one that was
filled elsewhere, `pdf` makes the paper.
"""

from citybrain.hub.forms.book.facts import Facts, about, look
from citybrain.hub.forms.book.filling import CellProtected, Filled, fill
from citybrain.hub.forms.book.layout import Layout, layout
from citybrain.hub.forms.book.paper import Paper, Source, pdf
from citybrain.hub.forms.book.sheet import NoCell
from citybrain.hub.forms.book.table import Note, NotTaken, Problem, Table, Taken, TakenRow, Written
from citybrain.hub.forms.book.taking import read_rows
from citybrain.hub.forms.book.writing import write

__all__ = [
    "CellProtected",
    "Facts",
    "Filled",
    "Layout",
    "NoCell",
    "NotTaken",
    "Note",
    "Paper",
    "Problem",
    "Source",
    "Table",
    "Taken",
    "TakenRow",
    "Written",
    "about",
    "fill",
    "layout",
    "look",
    "pdf",
    "read_rows",
    "write",
]
