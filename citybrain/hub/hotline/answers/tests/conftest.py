"""The hotline's village, with a keeper of knowledge, and a few entries."""

from collections.abc import Iterator
from datetime import date

import pytest

from citybrain.base.identity.models import Person, RoleGrant
from citybrain.hub.cases.tests.conftest import village
from citybrain.hub.hotline.answers import drafts
from citybrain.hub.hotline.tests.conftest import Line, line

__all__ = ["base", "line", "village"]


@pytest.fixture
def base(line: Line) -> Iterator[Line]:
    """Return the line with a keeper at the east's city management; nothing remembered of other tests."""
    body = line.village.agencies["east_cm"]
    for login, name in (("keeper", "知识员甲"), ("keeper_west", "知识员乙")):
        agency = line.village.agencies["west_cm"] if login.endswith("west") else body
        person = Person.objects.create(login=login, name=name, kind="officer", agency=agency)
        line.village.people[login] = person
        RoleGrant.objects.create(
            person=person,
            role="knowledge_manager",
            area=agency.area,
            agency=agency,
            valid_from=date(2020, 1, 1),
        )
    drafts.forget_ground()
    yield line
    drafts.forget_ground()
