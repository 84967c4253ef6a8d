"""What every step works with."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from citybrain.base.catalogue.shape import Shape
from citybrain.base.exchange import landing
from citybrain.base.exchange.models import Run, Source
from citybrain.base.exchange.reading import Reading


class Stopped(Exception):
    """The run doesn't go on. `state` is refused or waiting; `key` and `params` say why (words.py)."""

    def __init__(self, state: str, key: str, **params: Any) -> None:
        super().__init__(key)
        self.state, self.key, self.params = state, key, params


@dataclass
class Job:
    """A run being worked on."""

    run: Run

    @property
    def source(self) -> Source:
        return self.run.source

    @cached_property
    def shape(self) -> Shape:
        return self.run.dataset.shape

    @cached_property
    def folder(self) -> Path:
        """The run's own folder."""
        made = landing.work_folder(self.run.pk)
        made.mkdir(parents=True, exist_ok=True)
        return made

    @property
    def reading(self) -> Reading:
        """The report of the step before."""
        return Reading.from_json(self.run.done["read"]["reading"])

    @property
    def ended(self) -> bool:
        """Whether all rows of the run are ones that ended."""
        return bool((self.run.done.get("internal") or {}).get("ended"))

    @property
    def columns(self) -> dict[str, str]:
        """Field → column, as agreed when the file was read."""
        return dict(self.run.done["read"]["mapping"])
