"""Fixtures for the tests of the whole house: `city` (the tiny one, no cases), `lively_city` (with cases), `cast`.

Imported by the root conftest before Django is set up: what needs models is imported by the fixtures.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from citybrain.sample.fixtures import Cast, TinyCity


@pytest.fixture
def city(db: None, once: Callable[..., int]) -> Iterator["TinyCity"]:
    """The tiny city without a case, in the test's own transaction."""
    yield from tiny(once, 0)


@pytest.fixture
def lively_city(db: None, once: Callable[..., int]) -> Iterator["TinyCity"]:
    """The tiny city with some seventy cases: something for each of the cast, in every state."""
    yield from tiny(once, 30)


def tiny(once: Callable[..., int], cases: int) -> Iterator["TinyCity"]:
    """Make the tiny city in the current database, and forget it at the end."""
    from citybrain.sample.fixtures import NOW, TinyCity, forget, tiny_city
    from citybrain.sample.load import world_of
    from citybrain.sample.plan import TINY

    forget()
    made = once(f"tiny city, {cases} cases", lambda: tiny_city(cases=cases).cases)
    yield TinyCity(world_of(TINY), NOW, made)
    forget()


@pytest.fixture
def cast(request: pytest.FixtureRequest) -> "Cast":
    """The standing cast of whichever city the test uses (the one without cases where it names none)."""
    from citybrain.sample.fixtures import the_cast

    if "lively_city" not in request.fixturenames:
        request.getfixturevalue("city")
    return the_cast()
