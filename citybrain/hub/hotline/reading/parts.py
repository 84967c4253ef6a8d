"""A long letter is read part by part: what it asks for mostly stands in one sentence, the others water it down.

A label's margin is a third what the whole says for it and two thirds what its best part does. A text of one part is
read as ever, so that what was calibrated on single sentences holds for them.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

Floats = np.ndarray[Any, np.dtype[Any]]
LEAST: Final = 12  # characters of a part; chosen on held-out phrasings made longer by sentences of our own
MOST: Final = 48  # parts of a text; a longer text has longer parts
BEST: Final = 2.0  # the weight of the best part against the whole's


def parts_of(text: str) -> list[str]:
    """Return a normalised text cut at its breaks into parts of at least `LEAST` characters."""
    least = max(LEAST, len(text) // MOST)
    found: list[str] = []
    part = ""
    for clause in text.split(" "):
        part = f"{part} {clause}" if part else clause
        if len(part) >= least:
            found.append(part)
            part = ""
    if part and found:
        found[-1] += f" {part}"
    return found or [text]


def margins_by_parts(margins: Callable[[Sequence[str]], Floats], texts: Sequence[str]) -> Floats:
    """Return [texts, labels]: the margins of normalised texts, the whole and its best part together."""
    whole = margins(texts)
    cut = [parts_of(text) for text in texts]
    long = [at for at, parts in enumerate(cut) if len(parts) > 1]
    if not long:
        return whole
    told = margins([part for at in long for part in cut[at]])
    begins = np.cumsum([0, *(len(cut[at]) for at in long[:-1])])
    whole[long] = (whole[long] + BEST * np.maximum.reduceat(told, begins)) / (1.0 + BEST)
    return whole
