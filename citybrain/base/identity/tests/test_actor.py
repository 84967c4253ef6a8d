from datetime import date, timedelta

from django.db import connection
from django.test.utils import CaptureQueriesContext

from citybrain.base.identity.actor import ANONYMOUS, SYSTEM, actor_for
from citybrain.base.identity.models import Cover, Person

from .conftest import NOW, City


def _summary(actor):
    return [(hat.role, hat.area_level, hat.on_behalf_name) for hat in actor.hats if hat.reach != "own"]


def test_an_officer_wears_the_hats_of_the_grants_in_force(city: City) -> None:
    wang = city.person("wang", "王芳", "subdistrict-980101001")
    city.give(wang, "dispatcher", "980101001", valid_until=date(2026, 3, 3))
    city.give(wang, "acceptor", "980101001", valid_until=date(2026, 3, 4))
    city.give(wang, "supervisor", "980101001", valid_from=date(2026, 3, 5))
    city.give(wang, "commander", "980101001", revoked_at=NOW)

    actor = actor_for(wang, NOW)

    assert _summary(actor) == [("acceptor", 3, "")]
    assert actor.key == f"person:{wang.pk}"
    assert actor.may("cases.file")
    assert not actor.may("cases.dispatch")


def test_the_day_of_a_grant_is_the_day_in_the_city(city: City) -> None:
    wang = city.person("wang", "王芳", "subdistrict-980101001")
    city.give(wang, "acceptor", "980101001", valid_from=date(2026, 3, 5))
    just_before_midnight = NOW.replace(hour=15, minute=59)

    assert _summary(actor_for(wang, just_before_midnight)) == []
    assert _summary(actor_for(wang, just_before_midnight + timedelta(minutes=1))) == [("acceptor", 3, "")]


def test_making_an_actor_takes_one_query_and_none_for_a_citizen(city: City) -> None:
    wang = city.person("wang", "王芳", "subdistrict-980101001")
    city.give(wang, "acceptor", "980101001")
    citizen = Person.objects.create(kind="citizen", phone="13800138000", name="市民")
    actor_for(wang, NOW)  # the tree is in memory now

    with CaptureQueriesContext(connection) as asked:
        actor_for(wang, NOW)
    assert len([one for one in asked if "areas_" not in one["sql"]]) == 1

    with CaptureQueriesContext(connection) as asked:
        actor_for(citizen, NOW)
    assert len(asked) == 0


def test_a_closed_account_wears_no_hat(city: City) -> None:
    wang = city.person("wang", "王芳", "subdistrict-980101001", is_active=False)
    city.give(wang, "acceptor", "980101001")

    assert actor_for(wang, NOW).hats == ()


def test_a_deputy_wears_the_absentees_hats_while_the_cover_lasts_and_says_so(city: City) -> None:
    wang = city.person("wang", "王芳", "subdistrict-980101001")
    li = city.person("li", "李强", "subdistrict-980101001")
    city.give(wang, "acceptor", "980101001")
    city.give(li, "dispatcher", "980101001")
    Cover.objects.create(absentee=wang, deputy=li, starts_at=NOW, ends_at=NOW + timedelta(days=3))

    actor = actor_for(li, NOW)

    assert _summary(actor) == [("dispatcher", 3, ""), ("acceptor", 3, "王芳")]
    assert actor.hats_with("cases.file")[0].on_behalf_key == f"person:{wang.pk}"
    assert _summary(actor_for(li, NOW - timedelta(seconds=1))) == [("dispatcher", 3, "")]
    assert _summary(actor_for(li, NOW + timedelta(days=3))) == [("dispatcher", 3, "")]
    assert _summary(actor_for(wang, NOW)) == [("acceptor", 3, "")]


def test_what_is_held_by_standing_in_is_not_passed_on(city: City) -> None:
    wang, li, zhao = (
        city.person(login, name, "subdistrict-980101001")
        for login, name in (("wang", "王芳"), ("li", "李强"), ("zhao", "赵敏"))
    )
    city.give(wang, "acceptor", "980101001")
    city.give(li, "dispatcher", "980101001")
    later = NOW + timedelta(days=3)
    Cover.objects.create(absentee=wang, deputy=li, starts_at=NOW, ends_at=later)
    Cover.objects.create(absentee=li, deputy=zhao, starts_at=NOW, ends_at=later)

    assert _summary(actor_for(zhao, NOW)) == [("dispatcher", 3, "李强")]


def test_two_covers_at_once_give_both_hats(city: City) -> None:
    wang, li, zhao = (
        city.person(login, name, "subdistrict-980101001")
        for login, name in (("wang", "王芳"), ("li", "李强"), ("zhao", "赵敏"))
    )
    city.give(wang, "acceptor", "980101001")
    city.give(li, "dispatcher", "980101001")
    later = NOW + timedelta(days=3)
    Cover.objects.create(absentee=wang, deputy=zhao, starts_at=NOW, ends_at=later)
    Cover.objects.create(absentee=li, deputy=zhao, starts_at=NOW, ends_at=later)

    assert _summary(actor_for(zhao, NOW)) == [("acceptor", 3, "王芳"), ("dispatcher", 3, "李强")]


def test_admin_roles_neither_go_to_a_deputy_nor_mix_with_covered_ones(city: City) -> None:
    admin = city.person("admin", "陈安", "data_bureau-98")
    wang = city.person("wang", "王芳", "subdistrict-980101001")
    city.give(admin, "security_admin", "98")
    city.give(wang, "acceptor", "980101001")
    later = NOW + timedelta(days=3)
    Cover.objects.create(absentee=admin, deputy=wang, starts_at=NOW, ends_at=later)
    Cover.objects.create(absentee=wang, deputy=admin, starts_at=NOW, ends_at=later)

    assert _summary(actor_for(wang, NOW)) == [("acceptor", 3, "")]
    assert _summary(actor_for(admin, NOW)) == [("security_admin", 1, "")]


def test_system_may_all_and_nobody_in_particular_may_only_report() -> None:
    assert SYSTEM.may("anything.at.all")
    assert ANONYMOUS.permissions == frozenset({"cases.report", "hotline.say"})
    assert (SYSTEM.key, ANONYMOUS.key) == ("system", "anonymous")


def test_a_hat_reaches_over_the_areas_below_its_own_and_no_others(city: City) -> None:
    wang = city.person("wang", "王芳", "subdistrict-980101001")
    city.give(wang, "people_manager", "980101001")
    actor = actor_for(wang, NOW)
    street, district = city.areas["980101001"].pk, city.areas["980101"].pk

    assert actor.covers_area("people.manage", street)
    assert not actor.covers_area("people.manage", district)
    assert not actor.covers_area("people.manage", None)
    assert not actor.covers_area("areas.manage", street)
    assert SYSTEM.covers_area("areas.manage", None)
    assert not ANONYMOUS.covers_area("areas.manage", None)
