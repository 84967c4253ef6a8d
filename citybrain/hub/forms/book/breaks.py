"""What a damaged workbook breaks is told by name, whatever part of it was read."""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from citybrain.base.exchange.reading.report import Unreadable
from citybrain.hub.forms.book.table import NotTaken


@contextmanager
def sound() -> Iterator[None]:
    """Raise Unreadable("damaged") for whatever a broken file makes go wrong within."""
    try:
        yield
    except (NotTaken, Unreadable):
        raise
    except (
        ValueError, LookupError, EOFError, OverflowError, NotImplementedError, RuntimeError, struct.error,
        zipfile.BadZipFile, zlib.error,
    ) as bad:  # fmt: skip
        raise Unreadable("damaged", detail=f"{type(bad).__name__}: {str(bad)[:120]}") from bad
