"""Fixtures for the tests of the whole house: `city` (the tiny one, no cases), `lively_city` (with cases), `cast`.

Imported by the root conftest before Django is set up: what needs models is imported by the fixtures.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from citybrain.sample.fixtures import Cast, TinyCity


@pytest.fixture
def city(db: None) -> Iterator["TinyCity"]:
    """The tiny city without a case, in the test's own transaction."""
    from citybrain.sample.fixtures import forget, tiny_city

    forget()
    yield tiny_city()
    forget()


@pytest.fixture
def lively_city(db: None) -> Iterator["TinyCity"]:
    """The tiny city with some seventy cases: something for each of the cast, in every state."""
    from citybrain.sample.fixtures import forget, tiny_city

    forget()
    yield tiny_city(cases=30)
    forget()


@pytest.fixture
def cast(request: pytest.FixtureRequest) -> "Cast":
    """The standing cast of whichever city the test uses (the one without cases where it names none)."""
    from citybrain.sample.fixtures import the_cast

    if "lively_city" not in request.fixturenames:
        request.getfixturevalue("city")
    return the_cast()
