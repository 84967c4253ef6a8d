from dataclasses import dataclass

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from citybrain.base.areas import tree as areas
from citybrain.base.areas.models import AreaChange, AreaDecision
from citybrain.base.identity.access import Forbidden, require, scope_q, scope_sql, why_not
from citybrain.base.identity.actor import ANONYMOUS, SYSTEM, Actor, Hat, actor_for
from citybrain.base.identity.models import Agency, Person
from citybrain.base.identity.roles import all_permissions, grantable_roles, role_named

from .conftest import NOW, SINCE, City


@dataclass
class Row:
    """A stand-in for a case."""

    lineage: tuple[int | None, ...]
    agency: int | None = None
    owner: int | None = None

    def guard_lineage(self) -> tuple[int | None, ...]:
        return self.lineage

    def guard_agency_ids(self) -> frozenset[int]:
        return frozenset() if self.agency is None else frozenset({self.agency})

    def guard_owner_id(self) -> int | None:
        return self.owner


def at(city: City, code: str, **more: int) -> Row:
    return Row(areas.tree().get(city.areas[code].pk).lineage, **more)


GRID_1, GRID_2, GRID_3 = "980101001001001", "980101001001002", "980101002001001"


def test_a_grid_worker_acts_in_their_own_grid_only(city: City) -> None:
    worker = city.officer("gridone", "grid_worker", GRID_1, "community-980101001001")

    assert require(worker, "cases.verify", at(city, GRID_1)).role == "grid_worker"
    with pytest.raises(Forbidden) as refused:
        require(worker, "cases.verify", at(city, GRID_2))
    assert refused.value.reason_zh == "您的权限范围是友谊第一网格，此项不在其中。"
    assert refused.value.whom_to_ask == "如工作需要，请向本单位人员管理员申请。"


def test_what_a_person_reported_they_see_wherever_it_lies(city: City) -> None:
    worker = city.officer("gridone", "grid_worker", GRID_1, "community-980101001001")

    assert why_not(worker, "cases.view", at(city, GRID_3, owner=worker.person_id)) == ""
    assert why_not(worker, "cases.verify", at(city, GRID_3, owner=worker.person_id)) != ""


def test_a_handler_reaches_what_lies_with_their_agency_inside_the_area(city: City) -> None:
    bureau = city.agencies["city_mgmt-980101"].pk
    handler = city.officer("handler", "handler", "980101001", "city_mgmt-980101", with_agency=True)

    assert why_not(handler, "cases.accept", at(city, GRID_1, agency=bureau)) == ""
    assert why_not(handler, "cases.accept", at(city, GRID_3, agency=bureau)).startswith(
        "您的权限范围是建国街道"
    )
    assert why_not(handler, "cases.accept", at(city, GRID_1)).startswith("目前不由您的单位办理。")


def test_who_lacks_the_role_is_told_which_it_takes(city: City) -> None:
    auditor = city.officer("auditor", "auditor", "98", "data_bureau-98")

    assert why_not(auditor, "cases.dispatch", at(city, GRID_1)) == (
        "此操作需要以下角色之一：值班长、派遣员。您目前没有。如工作需要，请向本单位人员管理员申请。"
    )
    assert why_not(ANONYMOUS, "cases.view", at(city, GRID_1)) == "您还没有登录。请先登录。"


def test_a_street_dispatcher_may_not_designate_but_a_districts_may(city: City) -> None:
    street = city.officer("street", "dispatcher", "980101001", "subdistrict-980101001")
    district = city.officer("district", "dispatcher", "980101", "city_mgmt-980101")

    assert not street.may("cases.designate")
    assert district.may("cases.designate")


def test_the_three_administrators_and_auditors_see_no_case(city: City) -> None:
    case = at(city, GRID_1)
    for role in ("system_admin", "security_admin", "audit_admin", "auditor"):
        assert not {name for name in role_named(role).permissions if name.startswith("cases.")}
        actor = city.officer(f"the.{role}", role, "98", "data_bureau-98")
        assert why_not(actor, "cases.view", case) != ""
        assert scope_sql(actor, "cases.view") == ("FALSE", [])


def test_no_condition_is_added_for_the_whole_city(city: City) -> None:
    chief = city.officer("chief", "duty_chief", "98", "city_mgmt-98")

    assert scope_sql(chief, "cases.view") == ("TRUE", [])
    assert not scope_q(chief, "cases.view")
    assert not scope_q(SYSTEM, "cases.view")
    assert str(Agency.objects.filter(scope_q(chief, "cases.view", owner_field=None)).query) == str(
        Agency.objects.all().query
    )


def test_areas_of_one_level_become_one_array(city: City) -> None:
    worker = city.person("worker", "孙杰", "community-980101001001")
    city.give(worker, "grid_worker", GRID_2)
    city.give(worker, "grid_worker", GRID_1)
    sql, params = scope_sql(actor_for(worker, NOW), "cases.view", alias="k")

    assert sql == "(k.grid_id = ANY(%s::bigint[]) OR k.reporter_id = ANY(%s::bigint[]))"
    assert params == [sorted([city.areas[GRID_1].pk, city.areas[GRID_2].pk]), [worker.pk]]


def test_rows_of_an_area_that_was_merged_in_stay_visible(city: City) -> None:
    old, new = city.areas["980101002"], city.areas["980101001"]
    decision = AreaDecision.objects.create(
        kind="merge", at=SINCE, plan={}, actor="system", recorded_at=NOW, state="applied"
    )
    AreaChange.objects.create(
        decision=decision, kind="merge", area=old, successor=new, at=SINCE,
        from_code=old.code, to_code=new.code, from_name=old.name, to_name=new.name,
    )  # fmt: skip
    areas.forget()
    acceptor = city.officer("acceptor", "acceptor", "980101001", "subdistrict-980101001")

    assert scope_sql(acceptor, "cases.file")[1] == [[new.pk, old.pk] if new.pk < old.pk else [old.pk, new.pk]]
    assert why_not(acceptor, "cases.file", at(city, GRID_3)) == ""


def test_a_citizen_sees_what_they_reported_and_nothing_else(city: City) -> None:
    citizen = actor_for(Person.objects.create(kind="citizen", phone="13800138000", name="市民"))

    assert scope_sql(citizen, "cases.view") == ("(c.reporter_id = ANY(%s::bigint[]))", [[citizen.person_id]])
    assert why_not(citizen, "cases.challenge", at(city, GRID_1, owner=citizen.person_id)) == ""
    assert why_not(citizen, "cases.view", at(city, GRID_1, owner=-1)).startswith("这不是您本人提交的。")


def _hats() -> st.SearchStrategy[tuple[tuple[str, int], ...]]:
    roles = [role.key for role in grantable_roles() if role.reach != "none"]
    return st.lists(st.tuples(st.sampled_from(roles), st.integers(0, 11)), max_size=4).map(tuple)


def _hat(key: str, area: object, agency: int) -> Hat:
    role = role_named(key)
    return Hat(
        key, area.pk, area.level, (area.pk,), agency if role.reach == "agency" else None, role.reach,
        role.permissions_at(area.level),
    )  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(held=_hats(), permission=st.sampled_from(sorted(all_permissions())), agency=st.integers(1, 3))
def test_both_doors_agree_on_every_row(city: City, held: tuple, permission: str, agency: int) -> None:
    """What `require` allows row by row is exactly what the compiled condition selects."""
    places = list(city.areas.values())
    actor = Actor(7, "某", "officer", None, tuple(_hat(role, places[at], agency) for role, at in held))
    rows = [
        Row(areas.tree().get(area.pk).lineage, agency=body, owner=owner)
        for area in places
        for body in (None, 1, 2, 3)
        for owner in (7, 8)
    ]
    rows.append(Row((None,) * 5))
    one_by_one = {place for place, row in enumerate(rows) if why_not(actor, permission, row) == ""}

    sql, params = scope_sql(actor, permission)

    def literal(row: Row) -> str:
        return ", ".join(
            "NULL::bigint" if one is None else str(one) for one in (*row.lineage, row.agency, row.owner)
        )

    with connection.cursor() as cursor:
        values = ", ".join(f"({place}, {literal(row)})" for place, row in enumerate(rows))
        columns = "place, city_id, district_id, street_id, community_id, grid_id, agency_id, reporter_id"
        cursor.execute(f"SELECT place FROM (VALUES {values}) AS c ({columns}) WHERE {sql}", params)
        assert {place for (place,) in cursor.fetchall()} == one_by_one


def test_the_people_list_shows_each_manager_their_own_part(city: City) -> None:
    """The leak test of the list: by name, for each of the cast."""
    for login, agency in (
        ("a.street", "subdistrict-980101001"),
        ("b.street", "subdistrict-980101002"),
        ("c.other", "subdistrict-980102001"),
        ("d.district", "city_mgmt-980101"),
        ("e.city", "city_mgmt-98"),
        ("f.grid", "community-980101001001"),
    ):
        city.person(login, login, agency)
    Person.objects.create(kind="citizen", phone="13800138000", name="市民")
    everyone = {"a.street", "b.street", "c.other", "d.district", "e.city", "f.grid"}

    def seen_by(actor: Actor) -> set[str]:
        return {person.login for person in Person.objects.visible_to(actor)} & (everyone | {None})

    street = city.officer("m.street", "people_manager", "980101001", "subdistrict-980101001")
    district = city.officer("m.district", "people_manager", "980101", "city_mgmt-980101")
    security = city.officer("m.security", "security_admin", "98", "data_bureau-98")
    acceptor = city.officer("m.acceptor", "acceptor", "98", "city_mgmt-98")
    assert seen_by(street) == {"a.street", "f.grid"}
    assert seen_by(district) == {"a.street", "b.street", "d.district", "f.grid"}
    assert seen_by(security) == everyone
    assert seen_by(SYSTEM) == everyone
    assert seen_by(acceptor) == set()
    assert seen_by(ANONYMOUS) == set()


def test_the_people_list_is_one_query(city: City) -> None:
    for number in range(30):
        city.person(f"person{number}", "某", "subdistrict-980101001")
    manager = city.officer("m.street", "people_manager", "980101001", "subdistrict-980101001")

    with CaptureQueriesContext(connection) as asked:
        found = [person.agency.name for person in Person.objects.visible_to(manager).select_related("agency")]
    assert (len(found), len(asked)) == (31, 1)
    assert "= ANY(" in asked[0]["sql"]
