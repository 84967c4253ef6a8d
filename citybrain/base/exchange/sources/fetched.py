"""What fetching from a source gives: a file, or the reason why not."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any


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
