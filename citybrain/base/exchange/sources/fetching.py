"""Fetching what a source has that is new, as one file."""

from pathlib import Path

from citybrain.base.exchange.models import Source
from citybrain.base.exchange.sources.fetched import Fetched


def fetch(source: Source, folder: Path) -> Fetched | None:
    """Return what is new, in `folder`; None when nothing is. Raises SourceError."""
    from citybrain.base.exchange.sources import folders, interfaces, tables  # with the clients of every kind

    folder.mkdir(parents=True, exist_ok=True)
    kinds = {"folder": folders.fetch, "sql": tables.fetch, "http": interfaces.fetch}
    return kinds[source.kind](source, folder) if source.kind in kinds else None
