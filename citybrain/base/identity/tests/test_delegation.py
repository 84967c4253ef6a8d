from datetime import date, timedelta
from itertools import permutations

import pytest

from citybrain.base.identity.access import Forbidden
from citybrain.base.identity.actions import (
    arrange_cover,
    create_agency,
    create_person,
    deactivate_person,
    end_cover,
    grant_role,
    reset_password,
    revoke_role,
    update_person,
)
from citybrain.base.identity.actor import SYSTEM, actor_for
from citybrain.base.identity.errors import Refused
from citybrain.base.identity.models import Person, PersonEvent, RoleGrant, Session
from citybrain.base.ledger.models import Entry

from .conftest import NOW, City

STREET, OTHER_STREET, DISTRICT = "980101001", "980101002", "980101"


@pytest.fixture
def manager(city: City):
    return city.officer("manager", "people_manager", STREET, "subdistrict-980101001")


def test_a_streets_manager_opens_accounts_for_that_street_and_no_other(city: City, manager) -> None:
    person = create_person(
        manager, login="Sun.Jie", name="孙 杰", agency=city.agencies["community-980101001001"], now=NOW
    )
    assert (person.login, person.name, person.pinyin) == ("sun.jie", "孙杰", "sunjie sj")
    assert not person.has_usable_password()

    for elsewhere in ("subdistrict-980101002", "city_mgmt-980101", "city_mgmt-98"):
        with pytest.raises(Forbidden):
            create_person(manager, login="zhou", name="周", agency=city.agencies[elsewhere], now=NOW)
    assert not Person.objects.filter(login="zhou").exists()


def test_a_manager_gives_roles_inside_their_area_only(city: City, manager) -> None:
    person = city.person("sunjie", "孙杰", "subdistrict-980101001")

    grant = grant_role(manager, person, "acceptor", city.areas[STREET].pk, now=NOW)
    assert (grant.valid_from, grant.valid_until) == (date(2026, 3, 4), None)
    assert grant.granted_by_id == manager.person_id
    for code in (OTHER_STREET, DISTRICT, "98"):
        with pytest.raises(Forbidden, match="不在您的管理范围内"):
            grant_role(manager, person, "acceptor", city.areas[code].pk, now=NOW)


def test_a_manager_neither_serves_people_of_another_street_nor_themselves(city: City, manager) -> None:
    stranger = city.person("stranger", "外人", "subdistrict-980101002")
    with pytest.raises(Forbidden):
        grant_role(manager, stranger, "acceptor", city.areas[STREET].pk, now=NOW)
    myself = Person.objects.get(login="manager")
    with pytest.raises(Forbidden, match="不能给自己授予或收回角色"):
        grant_role(manager, myself, "acceptor", city.areas[STREET].pk, now=NOW)


def test_a_people_manager_never_gives_an_admins_role(city: City) -> None:
    city_manager = city.officer("top", "people_manager", "98", "data_bureau-98")
    person = city.person("sunjie", "孙杰", "data_bureau-98")
    for role in ("system_admin", "security_admin", "audit_admin", "auditor", "chief_data_officer"):
        with pytest.raises(Forbidden, match="您不能授予"):
            grant_role(city_manager, person, role, city.areas["98"].pk, now=NOW)


APART = ("system_admin", "security_admin", "audit_admin", "acceptor")


@pytest.mark.parametrize(("first", "second"), list(permutations(APART, 2)))
def test_the_three_administrators_and_business_are_never_in_one_hand(
    city: City, first: str, second: str
) -> None:
    security = city.officer("security", "security_admin", "98", "data_bureau-98")
    person = city.person("sunjie", "孙杰", "data_bureau-98")
    grant_role(security, person, first, city.areas["98"].pk, now=NOW)

    with pytest.raises(Refused, match="须分别由不同人员担任") as refused:
        grant_role(security, person, second, city.areas["98"].pk, now=NOW)
    assert [problem.field for problem in refused.value.problems] == ["role"]
    assert person.grants.count() == 1


def test_a_role_that_begins_later_counts_for_the_separation(city: City) -> None:
    person = city.person("sunjie", "孙杰", "data_bureau-98")
    city.give(person, "acceptor", "98", valid_from=date(2027, 1, 1))

    with pytest.raises(Refused, match="须分别由不同人员担任"):
        grant_role(SYSTEM, person, "audit_admin", city.areas["98"].pk, now=NOW)


def test_a_role_is_given_at_its_levels_and_with_an_agency_where_it_needs_one(city: City) -> None:
    person = city.person("sunjie", "孙杰", "city_mgmt-980101")

    def give(role: str, code: str, agency: str | None = None) -> RoleGrant:
        body = city.agencies[agency] if agency else None
        return grant_role(SYSTEM, person, role, city.areas[code].pk, agency=body, now=NOW)

    with pytest.raises(Refused, match="“网格员”不能设在建国街道这一级"):
        give("grid_worker", STREET)
    with pytest.raises(Refused, match="“处置员”须指定单位"):
        give("handler", DISTRICT)
    with pytest.raises(Refused, match="河东区不在和平区城市管理局的辖区内"):
        give("handler", "980102", "city_mgmt-980101")
    with pytest.raises(Refused, match="没有“king”这个角色"):
        give("king", "98")
    with pytest.raises(Refused, match="没有“citizen”这个角色"):
        give("citizen", "98")
    assert give("handler", DISTRICT, "city_mgmt-980101").agency.key == "city_mgmt-980101"


def test_dates_that_cannot_be_and_the_same_role_twice_are_refused(city: City) -> None:
    person = city.person("sunjie", "孙杰", "subdistrict-980101001")
    street = city.areas[STREET].pk
    with pytest.raises(Refused, match="失效日期早于生效日期"):
        grant_role(
            SYSTEM, person, "acceptor", street, valid_from=date(2026, 5, 1), valid_until=date(2026, 4, 30)
        )
    with pytest.raises(Refused, match="失效日期已过"):
        grant_role(
            SYSTEM,
            person,
            "acceptor",
            street,
            valid_from=date(2026, 1, 1),
            valid_until=date(2026, 3, 3),
            now=NOW,
        )
    grant_role(SYSTEM, person, "acceptor", street, valid_until=date(2026, 3, 31), now=NOW)
    with pytest.raises(Refused, match="该人员在此期间已是建国街道的受理员"):
        grant_role(SYSTEM, person, "acceptor", street, valid_from=date(2026, 3, 31), now=NOW)
    grant_role(SYSTEM, person, "acceptor", street, valid_from=date(2026, 4, 1), now=NOW)
    assert person.grants.count() == 2


def test_taking_a_role_back_needs_a_reason_and_works_once(city: City, manager) -> None:
    person = city.person("sunjie", "孙杰", "subdistrict-980101001")
    grant = city.give(person, "acceptor", STREET)

    with pytest.raises(Refused, match="请写明原因"):
        revoke_role(manager, grant, " ", now=NOW)
    revoke_role(manager, grant, "调岗", now=NOW)
    assert actor_for(person, NOW).hats == ()
    with pytest.raises(Refused, match="已于 2026-03-04 10:00 收回"):
        revoke_role(manager, grant, "调岗", now=NOW + timedelta(hours=1))


def test_the_last_security_administrator_stays(city: City) -> None:
    person = city.person("security", "安全", "data_bureau-98")
    grant = city.give(person, "security_admin", "98")

    with pytest.raises(Forbidden, match="最后一名安全管理员"):
        revoke_role(SYSTEM, grant, "离职", now=NOW)
    other = city.person("second", "次", "data_bureau-98")
    city.give(other, "security_admin", "98")
    revoke_role(SYSTEM, grant, "离职", now=NOW)
    assert RoleGrant.objects.get(pk=grant.pk).revoked_at == NOW


def test_whoever_holds_a_role_above_is_out_of_a_managers_hands(city: City, manager) -> None:
    """Else a street's manager could reset the password of a district's duty chief and act as them."""
    chief = city.person("chief", "区长", "subdistrict-980101001")
    city.give(chief, "duty_chief", DISTRICT)
    auditor = city.person("auditor", "审计", "subdistrict-980101001")
    city.give(auditor, "audit_admin", "98")

    with pytest.raises(Forbidden, match="还担任和平区的值班长"):
        reset_password(manager, chief, now=NOW)
    with pytest.raises(Forbidden, match="管理员账号只能由安全管理员办理"):
        reset_password(manager, auditor, now=NOW)
    with pytest.raises(Forbidden):
        update_person(manager, chief, phone="13800138000", now=NOW)
    security = city.officer("security", "security_admin", "98", "data_bureau-98")
    assert len(reset_password(security, auditor, now=NOW)) == 14


def test_moving_someone_needs_both_places(city: City, manager) -> None:
    person = city.person("sunjie", "孙杰", "subdistrict-980101001")

    moved = update_person(manager, person, agency=city.agencies["community-980101001001"], now=NOW)
    assert moved.agency.key == "community-980101001001"
    with pytest.raises(Forbidden):
        update_person(manager, moved, agency=city.agencies["subdistrict-980101002"], now=NOW)


def test_two_managers_changing_one_account_at_once_are_told(city: City, manager) -> None:
    person = city.person("sunjie", "孙杰", "subdistrict-980101001")
    update_person(manager, person, phone="13800138000", expected_version=1, now=NOW)

    with pytest.raises(Refused, match="刚被他人修改"):
        update_person(manager, person, phone="13900139000", expected_version=1, now=NOW)
    assert Person.objects.get(pk=person.pk).phone == "13800138000"


@pytest.mark.parametrize(
    ("field", "value"),
    [("login", "1abc"), ("login", "ab"), ("login", "a b c"), ("login", "<b>x</b>"), ("login", "王芳"), ("name", "　"),
     ("name", "某" * 61), ("phone", "12345"), ("phone", "1380013800a")],
)  # fmt: skip
def test_an_account_that_cannot_be_is_refused_by_field(city: City, manager, field: str, value: str) -> None:
    given = {"login": "sunjie", "name": "孙杰", "phone": "13800138000", field: value}
    with pytest.raises(Refused) as refused:
        create_person(manager, agency=city.agencies["subdistrict-980101001"], now=NOW, **given)
    assert [problem.field for problem in refused.value.problems] == [field]
    assert Person.objects.filter(name="孙杰").count() == 0


def test_a_closed_account_loses_its_sessions_and_leaves_a_trace(city: City, manager) -> None:
    person = city.person("sunjie", "孙杰", "subdistrict-980101001")
    Session.objects.create(
        key_hash="x",
        person=person,
        data="",
        created_at=NOW,
        last_seen_at=NOW,
        expires_at=NOW + timedelta(hours=1),
    )
    deactivate_person(manager, person, "离职", now=NOW)

    assert not person.sessions.exists()
    event = PersonEvent.objects.get(person=person)
    assert (event.action, event.actor, event.details) == (
        "deactivate_person",
        manager.key,
        {"reason": "离职"},
    )
    entry = Entry.objects.get(subject=f"person:{person.pk}")
    assert (entry.actor, entry.action, entry.body) == (
        manager.key, "identity.deactivate_person", '{"reason":"离职"}',
    )  # fmt: skip
    with pytest.raises(Refused, match="已经停用"):
        deactivate_person(manager, person, "离职", now=NOW)
    with pytest.raises(Forbidden, match="不能停用自己"):
        deactivate_person(manager, Person.objects.get(pk=manager.person_id), "x", now=NOW)


def test_a_deputys_deed_names_the_one_stood_in_for(city: City, manager) -> None:
    boss = Person.objects.get(pk=manager.person_id)
    deputy = city.person("deputy", "副手", "subdistrict-980101001")
    person = city.person("sunjie", "孙杰", "subdistrict-980101001")
    cover = arrange_cover(manager, boss, deputy, NOW, NOW + timedelta(days=2), "年假", now=NOW)

    grant_role(actor_for(deputy, NOW), person, "acceptor", city.areas[STREET].pk, now=NOW)

    entry = Entry.objects.get(action="identity.grant_role")
    assert (entry.actor, entry.on_behalf_of) == (f"person:{deputy.pk}", f"person:{boss.pk}")
    end_cover(manager, cover, now=NOW + timedelta(hours=1))
    assert actor_for(deputy, NOW + timedelta(hours=1)).hats == ()
    with pytest.raises(Refused, match="已经结束"):
        end_cover(manager, cover, now=NOW + timedelta(hours=2))


def test_covers_that_cannot_be_are_refused(city: City, manager) -> None:
    boss = Person.objects.get(pk=manager.person_id)
    deputy = city.person("deputy", "副手", "subdistrict-980101001")
    stranger = city.person("stranger", "外人", "subdistrict-980101002")
    admin = city.person("admin", "安全", "subdistrict-980101001")
    city.give(admin, "security_admin", "98")
    day = timedelta(days=1)

    def arrange(deputy: Person, start=NOW, end=NOW + day) -> None:
        arrange_cover(manager, boss, deputy, start, end, now=NOW)

    with pytest.raises(Forbidden, match="本人只能请本单位同事代办"):
        arrange(stranger)
    with pytest.raises(Refused, match="不能代办业务"):
        arrange(admin)
    with pytest.raises(Refused, match="不能是本人"):
        arrange(boss)
    with pytest.raises(Refused, match="结束时间须晚于开始时间"):
        arrange(deputy, NOW + day, NOW + day)
    with pytest.raises(Refused, match="结束时间已过"):
        arrange(deputy, NOW - 2 * day, NOW - day)
    with pytest.raises(Refused, match="代办最长 92 天"):
        arrange(deputy, NOW, NOW + 93 * day)
    with pytest.raises(Refused, match="不能代办"):
        arrange_cover(actor_for(admin, NOW), admin, deputy, NOW, NOW + day, now=NOW)
    arrange(deputy)
    with pytest.raises(Refused, match="在此期间已为您代办"):
        arrange(deputy, NOW + day / 2, NOW + 2 * day)


def test_agencies_are_opened_in_the_managers_area_only(city: City, manager) -> None:
    made = create_agency(
        manager, kind="community", area_id=city.areas["980101001002"].pk, name="团结社区居委会"
    )
    assert (made.key, made.street_id, made.community_id, made.grid_id) == (
        "community-980101001002", city.areas[STREET].pk, city.areas["980101001002"].pk, None,
    )  # fmt: skip
    with pytest.raises(Forbidden):
        create_agency(manager, kind="community", area_id=city.areas["980101002001"].pk, name="新华社区居委会")
    with pytest.raises(Refused, match="没有“castle”这类单位"):
        create_agency(manager, kind="castle", area_id=city.areas["980101001002"].pk, name="城堡")
