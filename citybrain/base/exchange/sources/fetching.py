"""Fetching what a source has that is new, as one file."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from citybrain.base.exchange.models import Source


class SourceError(RuntimeError):
    """A source can't be read; the message names it and what to do. Tried again later, after `wait` at the earliest."""

    def __init__(self, text: str, wait: timedelta | None = None) -> None:
        super().__init__(text)
        self.wait = wait


@dataclass(frozen=True)
class Fetched:
    """A file that was fetched. `cursor` is where the source goes on once the file is stored.

    `ended`: its rows are those that ended, to be taken out of the set.
    """

    path: Path
    name: str
    cursor: dict[str, Any] = field(default_factory=dict)
    ended: bool = False


def fetch(source: Source, folder: Path) -> Fetched | None:
    """Return what is new, in `folder`; None when nothing is. Raises SourceError."""
    from citybrain.base.exchange.sources import folders, interfaces, tables

    kinds: dict[str, Callable[[Source, Path], Fetched | None]] = {
        "folder": folders.fetch,
        "sql": tables.fetch,
        "http": interfaces.fetch,
    }
    folder.mkdir(parents=True, exist_ok=True)
    found = kinds.get(source.kind)
    return found(source, folder) if found else None
