"""Two agencies that exchange data: who provides with a manager, who asks with one, and their chief."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import pytest
from django.test import Client

from citybrain.base.catalogue.load import load
from citybrain.base.catalogue.models import DataSet
from citybrain.base.identity.actor import SYSTEM, Actor, actor_for
from citybrain.base.identity.models import Agency, Person, RoleGrant
from citybrain.sample.fixtures import TinyCity

CODES = ["ga_population", "ga_vehicle", "mz_subsistence", "jt_bridge", "wx_data_filing"]


@dataclass
class Exchange:
    """`supplier` provides `people` (and `bridges` lie with another body); `asker` asks; `chief` is over both."""

    people: DataSet
    bridges: DataSet
    refused: DataSet
    persons: dict[str, Person]
    asking: Agency

    def actor(self, key: str) -> Actor:
        return actor_for(self.persons[key])

    def client(self, key: str) -> Client:
        client = Client()
        client.force_login(self.persons[key])
        return client


def officer(login: str, role: str, agency: Agency, area_id: int) -> Person:
    """Make an officer with one role in an agency."""
    person = Person.objects.create(login=login, name=login, agency=agency, kind="officer", auth_level="L2")
    RoleGrant.objects.create(
        person=person,
        role=role,
        area_id=area_id,
        agency=agency if role == "data_manager" else None,
        valid_from=date(2026, 1, 1),
    )
    return person


@pytest.fixture
def exchange(city: TinyCity, once: Callable[..., Exchange]) -> Exchange:
    return once("exchange", _exchange)


def _exchange() -> Exchange:
    load(SYSTEM, CODES)
    sets = {one.code: one for one in DataSet.objects.select_related("provider", "current")}
    people = sets["ga_population"]
    area = people.provider.city_id
    others = Agency.objects.filter(area_id=area).exclude(pk__in=[one.provider_id for one in sets.values()])
    asking = others.order_by("id")[0]
    persons = {
        "supplier": officer("supplier", "data_manager", people.provider, area),
        "supplier2": officer("supplier2", "data_manager", people.provider, area),
        "asker": officer("asker", "data_manager", asking, area),
        "chief": officer("chief", "chief_data_officer", asking, area),
        "stranger": officer("stranger", "data_manager", others.order_by("id")[1], area),
        "auditor": Person.objects.get(login="auditor"),
        "worker": Person.objects.get(login="worker"),
    }
    return Exchange(people, sets["jt_bridge"], sets["wx_data_filing"], persons, asking)


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """What is kept in memory is not looked at again meanwhile, so that queries can be counted."""
    from citybrain.base.areas import tree
    from citybrain.base.identity import agencies

    for module in (tree, agencies):
        monkeypatch.setattr(module, "CHECK_SECONDS", 1e9)
    return lambda: None
