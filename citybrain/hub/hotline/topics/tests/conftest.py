"""A hotline whose tickets are read, with the loop that gathers them, and twenty people with matters of their own."""

from typing import Any

import pytest

from citybrain.hub.cases.tests.conftest import village
from citybrain.hub.hotline.models import Ticket, Topic, TopicState
from citybrain.hub.hotline.tests.conftest import Line, line
from citybrain.hub.hotline.topics import loop
from citybrain.hub.hotline.topics.tests.messages import OTHER, WATER

__all__ = ["line", "village"]


class City:
    """A hotline whose tickets are read, and the loop that gathers them."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.callers = 0
        loop.forget()

    def hear(self, text: str, grid: str = "east1", phone: str = "", **more: Any) -> Ticket:
        self.callers += 1
        number = phone or f"139{self.callers:08d}"
        ticket = self.line.hear(text, area_id=self.line.area(grid), phone=number, name="", **more)
        Ticket.objects.filter(pk=ticket.pk).update(read_at=self.line.now)
        return ticket

    def water(self, *grids: str) -> list[Ticket]:
        """Six people without water, in the grids named in turn."""
        return [self.hear(text, grids[at % len(grids)]) for at, text in enumerate(WATER)]

    def noise(self) -> None:
        for text in OTHER:
            self.hear(text)

    def round(self) -> int:
        return loop.tick(self.line.now)

    def topic(self) -> Topic:
        """Return the one topic there is, counted anew."""
        self.round()
        return Topic.objects.exclude(state=TopicState.MERGED).get()


@pytest.fixture
def city(line: Line) -> City:
    made = City(line)
    made.noise()
    return made
