from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from citybrain.base.identity.actor import ANONYMOUS, SYSTEM
from citybrain.base.identity.lists import Search, search_people
from citybrain.base.identity.models import Cover

from .conftest import NOW, City


@pytest.fixture
def people(city: City) -> City:
    for login, name, agency, phone in (
        ("zhangwei", "张伟", "subdistrict-980101001", "13800138000"),
        ("wangfang", "王芳", "subdistrict-980101002", ""),
        ("zhaowei", "赵薇", "community-980101001001", ""),
        ("lina", "李娜", "city_mgmt-980102", ""),
    ):
        city.give(city.person(login, name, agency, phone=phone), "acceptor", "98")
    return city


def found(actor, **search) -> list[str]:
    return [person.login for person in search_people(actor, Search(**search), NOW).people]


def test_people_are_found_by_character_pinyin_initials_login_and_phone(people: City) -> None:
    assert found(SYSTEM, text="张") == ["zhangwei"]
    assert found(SYSTEM, text="zw") == ["zhangwei", "zhaowei"]
    assert found(SYSTEM, text="ZhangW") == ["zhangwei"]
    assert found(SYSTEM, text="wangf") == ["wangfang"]
    assert found(SYSTEM, text="8000") == ["zhangwei"]
    assert found(SYSTEM, text="13800") == ["zhangwei"]
    assert found(SYSTEM, text="' OR 1=1 --") == []
    assert found(SYSTEM, text="%") == []
    assert found(SYSTEM) == ["lina", "wangfang", "zhangwei", "zhaowei"]


def test_a_search_shows_each_manager_their_own_part(people: City) -> None:
    street = people.officer("aa", "people_manager", "980101001", "subdistrict-980101001")
    district = people.officer("bb", "people_manager", "980101", "city_mgmt-980101")
    acceptor = people.officer("cc", "acceptor", "98", "city_mgmt-98")

    assert found(street, text="zw") == ["zhangwei", "zhaowei"]
    assert found(street, text="王") == []
    assert search_people(street, Search(), NOW).total == 3
    assert found(district, role="acceptor") == ["wangfang", "zhangwei", "zhaowei"]
    assert (found(acceptor), found(ANONYMOUS)) == ([], [])


def test_people_are_filtered_by_role_area_and_state(people: City) -> None:
    street = people.areas["980101001"].pk
    assert found(SYSTEM, area_id=street, area_level=3) == ["zhangwei", "zhaowei"]
    assert found(SYSTEM, role="dispatcher") == []
    people.person("closed", "某", "city_mgmt-98", is_active=False)
    assert found(SYSTEM, state="closed") == ["closed"]
    assert "closed" not in found(SYSTEM, state="unused")
    zhang = search_people(SYSTEM, Search(text="张"), NOW).people[0]
    zhao = search_people(SYSTEM, Search(text="赵"), NOW).people[0]
    Cover.objects.create(absentee=zhang, deputy=zhao, starts_at=NOW, ends_at=NOW + timedelta(days=1))
    assert found(SYSTEM, state="away") == ["zhangwei"]


def test_a_page_takes_three_queries_however_many_people(people: City) -> None:
    for number in range(60):
        people.give(people.person(f"p{number:02d}", "某", "subdistrict-980101001"), "acceptor", "980101001")
    manager = people.officer("mm", "people_manager", "980101", "city_mgmt-980101")

    with CaptureQueriesContext(connection) as asked:
        page = search_people(manager, Search(page=2), NOW)
        shown = [
            (one.name, one.agency.name, [grant.area.name for grant in one.standing]) for one in page.people
        ]
    assert (page.total, page.number, page.pages, len(shown)) == (64, 2, 2, 14)
    assert len(asked) == 3
