"""The small city of base.identity, and browsers that are signed in."""

from collections.abc import Callable

import pytest
from django.test import Client

from citybrain.base.identity.models import Person
from citybrain.base.identity.tests.conftest import City, _hashers, city

__all__ = ["City", "_hashers", "city"]


@pytest.fixture
def client_for() -> Callable[[Person], Client]:
    def make(person: Person) -> Client:
        client = Client()
        client.force_login(person)
        return client

    return make


@pytest.fixture
def manager(city: City) -> Person:
    person = city.person("manager", "马丽", "subdistrict-980101001")
    city.give(person, "people_manager", "980101001")
    return person
