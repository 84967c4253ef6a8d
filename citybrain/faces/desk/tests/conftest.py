"""Who should see what, told by hand from the cast's places: never by the code under test."""

from collections.abc import Callable

import pytest
from django.test import Client

from citybrain.base.areas.tree import tree
from citybrain.hub.cases import actions
from citybrain.hub.cases.intake import Report
from citybrain.hub.cases.models import Case
from citybrain.hub.cases.states import Source
from citybrain.sample.fixtures import Cast, TinyCity

# key → (column of the area, place of the cast, kind of agency it must lie with)
REACH = {
    "worker": ("grid_id", "grid", ""),
    "worker2": ("grid_id", "far_grid", ""),
    "leader": ("community_id", "community", ""),
    "acceptor": ("street_id", "street", ""),
    "dispatcher": ("district_id", "district", ""),
    "supervisor": ("district_id", "district", ""),
    "handler": ("district_id", "district", "city_mgmt"),
    "handler2": ("district_id", "district", "traffic_police"),
    "street_handler": ("street_id", "street", "subdistrict"),
    "duty_chief": ("city_id", "city", ""),
    "commander": ("city_id", "city", ""),
}
BLIND = ("people_manager", "system_admin", "security_admin", "audit_admin", "auditor")
OWN = frozenset({"worker", "worker2", "leader"})


@pytest.fixture
def client_for(cast: Cast) -> Callable[[str], Client]:
    """Return a browser in which one of the cast is signed in."""

    def open_browser(key: str) -> Client:
        client = Client()
        client.force_login(cast[key])
        return client

    return open_browser


def elsewhere(city: TinyCity) -> list[int]:
    """Return a grid of the other district, and areas beside the cast's street and grid, if there are any."""
    known, home = tree(), city.node("grid").lineage
    district = [node for node in known.descendants(home[1]) if node.level == 5]
    beside = [
        next((node.id for node in district if node.lineage[2] != home[2]), None),
        next((node.id for node in district if node.lineage[2] == home[2] and node.id != home[4]), None),
    ]
    return [city.node("far_grid").id, *(one for one in beside if one is not None)]


@pytest.fixture
def seen_by(lively_city: TinyCity, cast: Cast) -> Callable[[str], dict[str, Case]]:
    """Return number → case of all that one of the cast should see."""
    for area in elsewhere(lively_city):
        told = Report(source=Source.CITIZEN, description="远处的路灯不亮", area_id=area)
        actions.report(cast.actor("citizen"), told)
    everything = list(Case.objects.all())

    def look(key: str) -> dict[str, Case]:
        if key in BLIND:
            return {}
        column, place, kind = REACH[key]
        area = lively_city.area(place).pk
        agency = lively_city.agency(kind, place).pk if kind else None
        found = {}
        for case in everything:
            inside = getattr(case, column) == area and (agency is None or case.agency_id == agency)
            own = key in OWN and case.reporter_id == cast[key].pk
            if inside or own:
                found[case.number] = case
        return found

    return look
