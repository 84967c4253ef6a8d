"""The village's hotline, with a small city model: made-up messages of heating, noise and buses."""

from collections.abc import Iterator
from functools import cache

import pytest

from citybrain.hub.hotline.models.reader import ModelInUse
from citybrain.hub.hotline.readers import teaching, using
from citybrain.hub.hotline.reading.model import Model
from citybrain.hub.hotline.reading.tests.messages import made_up
from citybrain.hub.hotline.reading.training import lesson
from citybrain.hub.hotline.tests.conftest import MORNING, Line, line, village

__all__ = ["MORNING", "Line", "line", "village"]

HEATING = "花园社区暖气不热，室温低，供热管道漏水，热力公司换热站不处理，老人受冻。"


@pytest.fixture(autouse=True)
def fresh_reader() -> Iterator[None]:
    using.forget()
    yield
    using.forget()


@cache
def learnt() -> Model:
    first = teaching.Compared(
        0, 0, "the model out of the box", None, None, True, "there is none to compare with"
    )
    return teaching.learn(lesson(made_up(60)), 0.9, first)


@pytest.fixture
def model(line: Line) -> ModelInUse:
    """A city model in use that promises 90 % and keeps it."""
    return teaching.keep(
        learnt(), "person:1", MORNING, 0.9, seen=teaching.marks(lesson(made_up(60)).texts), use=True
    )
