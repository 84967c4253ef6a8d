"""The village of hub.cases with five cases, looked at on a Thursday at ten in the city."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.test import Client

from citybrain.base.identity.models import Person, RoleGrant
from citybrain.hub.cases import actions
from citybrain.hub.cases.models import Case
from citybrain.hub.cases.tests.conftest import MORNING, Village, village

__all__ = ["village"]

NOW = MORNING + timedelta(hours=1)

# name, grid, reported how long ago, point
TOLD = (
    ("a", "east1", timedelta(minutes=50), (117.201, 39.101)),
    ("b", "east2", timedelta(minutes=40), (117.202, 39.102)),
    ("c", "east3", timedelta(days=1), (117.203, 39.103)),
    ("d", "west1", timedelta(minutes=30), (117.901, 39.901)),
    ("e", "west1", timedelta(days=2), (117.902, 39.902)),
)


@pytest.fixture
def at_ten(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """Let every clock of the process say ten o'clock of that Thursday."""
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)
    return NOW


@pytest.fixture
def five(village: Village, at_ten: datetime) -> dict[str, Case]:
    """a, b (east, urgent b), c (east, late), d (west), e (west, closed yesterday: late, solved, four stars)."""
    found: dict[str, Case] = {}
    for name, grid, ago, (lon, lat) in TOLD:
        report = village.report(f"编号{name}暴露垃圾一堆", grid=grid)
        pk = actions.report(village.actor("citizen"), report, now=NOW - ago).case_id
        later = NOW + timedelta(days=1)
        Case.objects.filter(pk=pk).update(lon=lon, lat=lat, due_at=later, urgent=name == "b")
        found[name] = Case(pk=pk)
    Case.objects.filter(pk=found["c"].pk).update(due_at=NOW - timedelta(minutes=5))
    Case.objects.filter(pk=found["e"].pk).update(
        state=70,
        is_open=False,
        due_at=None,
        closed_at=NOW - timedelta(days=1),
        on_time=False,
        solved=True,
        rating=4,
    )
    return {name: Case.objects.get(pk=case.pk) for name, case in found.items()}


@pytest.fixture
def browser(village: Village, at_ten: datetime) -> Callable[[str], Client]:
    """Return a browser in which one of the village is signed in."""

    def make(login: str) -> Client:
        client = Client()
        client.force_login(village.people[login])
        return client

    return make


@pytest.fixture
def data_officer(village: Village) -> Person:
    """The chief data officer of the east: figures, no cases."""
    person = Person.objects.create(login="cdo", name="数据官甲", kind="officer")
    village.people["cdo"] = person
    RoleGrant.objects.create(
        person=person, role="chief_data_officer", area=village.areas["129801"], valid_from=NOW.date()
    )
    return person
