"""A file handed over, as one process tells it to another: light, for it may be told before Django is set up."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Handed:
    """A file: `second` tells that it is another agency's word. `rows` counts those in the file."""

    code: str
    path: Path
    rows: int
    faults: int
    second: bool = False
