"""How the work of a call grows with its text, in one run: no clock of the machine is believed, only a ratio."""

import time
from collections.abc import Callable

TIMES = 16
STRAIGHT = 4 * TIMES
"""Work in step with the text takes 16 times as long for 16 times the text, work by its square 256 times."""


def cost(act: Callable[[], object], runs: int = 3) -> float:
    """Return the processor's seconds for `act`, the least of some runs."""
    least = float("inf")
    for _ in range(runs):
        began = time.process_time()
        act()
        least = min(least, time.process_time() - began)
    return least


def growth(act: Callable[[str], object], text: str) -> float:
    """Return how many times as long `act` works on `text` as on its first sixteenth."""
    short = text[: len(text) // TIMES]
    return cost(lambda: act(text)) / cost(lambda: act(short), runs=5)
