"""The full city, drawn once for the tests that need its size."""

import pytest

from citybrain.sample.city import City, make_city
from citybrain.sample.plan import plan_for


@pytest.fixture(scope="session")
def full_city() -> City:
    """The city of scale 1, without a database."""
    return make_city(plan_for(1))
