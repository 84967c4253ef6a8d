"""Fixtures for the tests of the whole house: `city` (the tiny one, no cases), `lively_city` (with cases), `cast`."""

from collections.abc import Iterator

import pytest

from citybrain.base.areas import tree
from citybrain.base.identity import agencies as directory
from citybrain.hub.cases import items
from citybrain.sample import marker
from citybrain.sample.fixtures import Cast, TinyCity, the_cast, tiny_city


def _forget() -> None:
    tree.forget()
    directory.forget()
    items.forget()
    marker.forget()


@pytest.fixture
def city(db: None) -> Iterator[TinyCity]:
    """The tiny city without a case, in the test's own transaction."""
    _forget()
    yield tiny_city()
    _forget()


@pytest.fixture
def lively_city(db: None) -> Iterator[TinyCity]:
    """The tiny city with some sixty cases: something for each of the cast, in every state."""
    _forget()
    yield tiny_city(cases=30)
    _forget()


@pytest.fixture
def cast(request: pytest.FixtureRequest) -> Cast:
    """The standing cast of whichever city the test uses (the one without cases where it names none)."""
    if "lively_city" not in request.fixturenames:
        request.getfixturevalue("city")
    return the_cast()
