"""Fetching what a source has that is new, as one file."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from citybrain.base.exchange.models import Source
from citybrain.base.exchange.sources import folders, interfaces, tables
from citybrain.base.exchange.sources.fetched import Fetched

KINDS: Final[Mapping[str, Callable[[Source, Path], Fetched | None]]] = {
    "folder": folders.fetch,
    "sql": tables.fetch,
    "http": interfaces.fetch,
}


def fetch(source: Source, folder: Path) -> Fetched | None:
    """Return what is new, in `folder`; None when nothing is. Raises SourceError."""
    folder.mkdir(parents=True, exist_ok=True)
    found = KINDS.get(source.kind)
    return found(source, folder) if found else None
