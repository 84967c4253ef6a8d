"""Reading any file a supplier sends: what it is, where its table begins, which rows can't be read.

`read(path, work)` returns a `Reading`: a report, and a `Plan` by which the engine scans the rows as texts. A clean
UTF-8 file is scanned where it lies; anything else is first written anew into `work`. Nothing in a file is ever
evaluated or followed. What can't be read is refused by name (`Unreadable`), never half read.
"""

from citybrain.base.exchange.reading.broken import Broken
from citybrain.base.exchange.reading.limits import Limits
from citybrain.base.exchange.reading.plan import Plan
from citybrain.base.exchange.reading.read import Options, read
from citybrain.base.exchange.reading.report import Column, Note, Reading, Unreadable

__all__ = ["Broken", "Column", "Limits", "Note", "Options", "Plan", "Reading", "Unreadable", "read"]
