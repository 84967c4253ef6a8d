"""Areas are merged, split and renamed: whoever worked there works on the morning after, with no more than before."""

import json
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from django.utils import timezone

from citybrain.base.areas import tree as areas
from citybrain.base.areas.actions import Part, merge_areas, recode_area, rename_area, split_area
from citybrain.base.areas.doer import OPERATOR
from citybrain.base.identity import agencies as directory
from citybrain.base.identity.access import Forbidden, why_not
from citybrain.base.identity.actions import (
    arrange_cover,
    confirm_grant,
    create_agency,
    follow_areas,
    grant_role,
    reset_password,
    revoke_role,
)
from citybrain.base.identity.actions.following import gaps, tick
from citybrain.base.identity.actor import SYSTEM, Actor, actor_for
from citybrain.base.identity.errors import Refused
from citybrain.base.identity.lists import grants_to_review
from citybrain.base.identity.models import Person, PersonEvent, RoleGrant
from citybrain.base.ledger.models import Entry

from .conftest import SINCE, City

JIANGUO, NANMEN, DAWANGZHUANG = "980101001", "980101002", "980102001"
OFFICE = f"subdistrict-{JIANGUO}"


class Row:
    """A row as it was written: with the areas above it on that day."""

    def __init__(self, code: str) -> None:
        self.lineage = areas.tree().by_code(code).lineage

    def guard_lineage(self) -> tuple[int | None, ...]:
        return self.lineage

    def guard_agency_ids(self) -> frozenset[int]:
        return frozenset()

    def guard_owner_id(self) -> int | None:
        return None


def today() -> date:
    return timezone.localdate()


def node(code: str) -> areas.Node:
    return areas.tree().by_code(code)


def sees(login: str, *rows: Row) -> list[bool]:
    actor = actor_for(Person.objects.get(login=login))
    return [why_not(actor, "cases.file", row) == "" for row in rows]


def spans(person: Person) -> list[tuple[str, date, date | None]]:
    rows = person.grants.filter(revoked_at=None).order_by("id").select_related("area")
    return [(grant.area.code, grant.valid_from, grant.valid_until) for grant in rows]


def merge(*, code: str = "980101009", at: date | None = None) -> None:
    merge_areas(OPERATOR, [node(JIANGUO).id, node(NANMEN).id], code, "建南街道", at=at)


def split() -> None:
    below = [child.id for child in areas.tree().children(node(JIANGUO).id)]
    parts = [
        Part(JIANGUO, "建国街道", children=below[:1]),
        Part("980101008", "友谊街道", children=below[1:]),
    ]
    split_area(OPERATOR, node(JIANGUO).id, parts)


@pytest.fixture
def acceptor(city: City) -> Person:
    city.officer("acceptor", "acceptor", JIANGUO, OFFICE)
    city.officer("other", "acceptor", DAWANGZHUANG, f"subdistrict-{DAWANGZHUANG}")
    return Person.objects.get(login="acceptor")


def test_after_a_merge_the_acceptor_reaches_old_rows_and_new_ones(city: City, acceptor: Person) -> None:
    old, neighbour, foreign = Row("980101001001001"), Row("980101002001001"), Row(DAWANGZHUANG)
    assert sees("acceptor", old, neighbour, foreign) == [True, False, False]
    merge()
    new = Row("980101001001001")
    assert new.lineage[2] != old.lineage[2]
    assert sees("acceptor", old, new) == [True, False]  # what went wrong on the morning after

    assert follow_areas(SYSTEM) == 1 + 2  # one role, the two streets' offices
    assert sees("acceptor", old, new, Row("980101002001001"), foreign) == [True, True, True, False]
    assert sees("other", old, new, foreign) == [False, False, True]
    assert spans(acceptor) == [(JIANGUO, SINCE, today() - timedelta(days=1)), ("980101009", today(), None)]


def test_after_a_split_the_acceptor_reaches_both_parts_until_one_is_taken_back(
    city: City, acceptor: Person
) -> None:
    old = Row("980101001001001")
    split()
    kept, gone = Row("980101001001001"), Row("980101001002")
    assert sees("acceptor", old, kept, gone) == [True, False, False]

    assert follow_areas(SYSTEM) == 1
    assert sees("acceptor", old, kept, gone) == [True, True, True]
    assert sees("other", old, kept, gone) == [False, False, False]
    grant = acceptor.grants.get(area__code="980101008")
    revoke_role(SYSTEM, grant, "留在建国街道")
    assert sees("acceptor", old, kept, gone) == [True, True, False]


def test_after_a_rename_or_a_new_code_every_role_stands_as_it_was(city: City, acceptor: Person) -> None:
    old = Row("980101001001001")
    rename_area(OPERATOR, node(JIANGUO).id, "建国门街道")
    recode_area(OPERATOR, node(JIANGUO).id, "980101007")
    entries = Entry.objects.count()
    assert follow_areas(SYSTEM) == 0
    assert Entry.objects.count() == entries
    assert sees("acceptor", old, Row("980101007001001")) == [True, True]
    assert spans(acceptor) == [("980101007", SINCE, None)]


def test_a_street_that_takes_another_in_keeps_its_people_and_gains_the_others(
    city: City, acceptor: Person
) -> None:
    city.officer("south", "acceptor", NANMEN, f"subdistrict-{NANMEN}")
    merge(code=JIANGUO)
    assert follow_areas(SYSTEM) == 1 + 1
    assert acceptor.grants.count() == 1
    new = Row("980101002001001")
    assert sees("acceptor", new) == sees("south", new) == [True]


def test_following_twice_does_nothing_and_a_merge_of_a_merge_is_followed_step_by_step(
    city: City, acceptor: Person
) -> None:
    began = today() - timedelta(days=20)
    merge(at=began)
    merge_areas(
        OPERATOR, [node("980101009").id, node(DAWANGZHUANG).id], "980101006", "大街道",
        parent_id=node("980101").id, at=today() - timedelta(days=5),
    )  # fmt: skip
    assert follow_areas(SYSTEM) == 3 + 3  # acceptor twice, other once; three offices, moved at once
    assert spans(acceptor) == [
        (JIANGUO, SINCE, today() - timedelta(days=21)),
        ("980101009", began, today() - timedelta(days=6)),
        ("980101006", today() - timedelta(days=5), None),
    ]
    before = Entry.objects.count(), RoleGrant.objects.count(), PersonEvent.objects.count()
    assert follow_areas(SYSTEM) == tick(timezone.now()) == tick(timezone.now()) == 0
    assert (Entry.objects.count(), RoleGrant.objects.count(), PersonEvent.objects.count()) == before


def test_a_carried_role_keeps_its_agency_and_end_and_says_by_which_decision_it_came(city: City) -> None:
    person = city.person("handler", "孙杰", OFFICE)
    until = today() + timedelta(days=30)
    city.give(person, "handler", JIANGUO, OFFICE, valid_until=until)
    merge()
    follow_areas(SYSTEM)
    old, new = person.grants.order_by("id")
    assert (new.role, new.agency_id, new.valid_until, new.granted_by_id) == (
        "handler", city.agencies[OFFICE].pk, until, None,
    )  # fmt: skip
    assert (new.continues_id, new.decision.kind, old.valid_until) == (
        old.pk, "merge", today() - timedelta(days=1),
    )  # fmt: skip
    entry = Entry.objects.get(action="identity.carry_grant")
    assert (entry.actor, entry.subject) == ("system", f"person:{person.pk}")
    assert json.loads(entry.body)["change"] == {
        "at": today().isoformat(),
        "decision": new.decision_id,
        "from": "980101001 建国街道",
        "kind": "merge",
        "to": "980101009 建南街道",
    }
    assert Entry.objects.filter(action="identity.end_grant").count() == 1


def test_who_held_both_streets_holds_the_whole_once(city: City, acceptor: Person) -> None:
    city.give(acceptor, "acceptor", NANMEN, valid_until=today() + timedelta(days=9))
    merge()
    assert follow_areas(SYSTEM) == 2 + 2
    assert [span for span in spans(acceptor) if span[0] == "980101009"] == [("980101009", today(), None)]


def test_a_role_that_would_begin_later_begins_later_and_an_ended_one_stays_ended(
    city: City, acceptor: Person
) -> None:
    later = today() + timedelta(days=10)
    city.give(acceptor, "dispatcher", JIANGUO, valid_from=later)
    city.give(acceptor, "supervisor", JIANGUO, valid_until=today() - timedelta(days=3))
    merge()
    follow_areas(SYSTEM)
    new = {grant.role: grant for grant in acceptor.grants.filter(area__code="980101009")}
    assert sorted(new) == ["acceptor", "dispatcher"]
    assert new["dispatcher"].valid_from == later
    assert acceptor.grants.get(role="dispatcher", area__code=JIANGUO).revoke_reason == (
        "区域已变更，由建南街道承接"
    )


def test_a_deputy_follows_with_the_absentee(city: City, acceptor: Person) -> None:
    deputy = city.person("deputy", "代办人", OFFICE)
    now = timezone.now()
    arrange_cover(SYSTEM, acceptor, deputy, now - timedelta(hours=1), now + timedelta(days=3))
    split()
    follow_areas(SYSTEM)
    assert sees("deputy", Row("980101001001001"), Row("980101001002")) == [True, True]


def manager_of(city: City, code: str, login: str) -> Actor:
    city.officer(
        login, "people_manager", code, f"subdistrict-{code}" if len(code) == 9 else f"city_mgmt-{code}"
    )
    return actor_for(Person.objects.get(login=login))


def again(login: str) -> Actor:
    return actor_for(Person.objects.get(login=login))


def test_carried_roles_are_listed_for_who_may_give_them_and_no_one_else(city: City, acceptor: Person) -> None:
    manager_of(city, JIANGUO, "street")
    manager_of(city, DAWANGZHUANG, "elsewhere")
    manager_of(city, "980101", "district")
    split()
    follow_areas(SYSTEM)

    def listed(login: str) -> list[tuple[str, str]]:
        return [(grant.person.login, grant.area.code) for grant in grants_to_review(again(login))]

    theirs = [("acceptor", JIANGUO), ("acceptor", "980101008")]
    assert listed("street") == theirs  # their own roles are for the district to review
    assert listed("district") == [*theirs, ("street", JIANGUO), ("street", "980101008")]
    assert listed("elsewhere") == listed("acceptor") == []

    first, second = grants_to_review(again("street"))
    confirm_grant(again("street"), first)
    revoke_role(again("street"), second, "不再负责")
    assert listed("street") == []
    with pytest.raises(Refused, match="已复核"):
        confirm_grant(again("street"), first)
    with pytest.raises(Forbidden):
        confirm_grant(again("elsewhere"), acceptor.grants.get(area__code=JIANGUO, decision__isnull=False))
    mine = Person.objects.get(login="street").grants.filter(decision__isnull=False).first()
    with pytest.raises(Forbidden, match="不能给自己"):
        confirm_grant(again("street"), mine)


def test_reading_the_roles_to_review_is_one_query(
    city: City, acceptor: Person, django_assert_num_queries: Callable
) -> None:
    manager_of(city, JIANGUO, "street")
    split()
    follow_areas(SYSTEM)
    actor = again("street")
    areas.tree()
    with django_assert_num_queries(1):
        assert len(grants_to_review(actor)) == 2
    with django_assert_num_queries(0):
        assert grants_to_review(Actor(1, "无权", "officer")) == []


def test_delegation_holds_after_a_split_and_after_a_merge(city: City, acceptor: Person) -> None:
    manager_of(city, JIANGUO, "street")
    split()
    follow_areas(SYSTEM)
    assert reset_password(again("street"), acceptor)  # who holds both parts is ruled by who holds both parts
    person = city.person("new", "新人", OFFICE)
    grant_role(again("street"), person, "acceptor", node("980101008").id)
    for code in (NANMEN, "980101", "98"):
        with pytest.raises(Forbidden, match="不在您的管理范围内"):
            grant_role(again("street"), person, "acceptor", node(code).id)
    half = Person.objects.get(login="street").grants.get(area__code="980101008")
    revoke_role(SYSTEM, half, "留在建国街道")
    with pytest.raises(Forbidden, match="超出您的管理范围"):
        reset_password(again("street"), acceptor)


def test_no_role_is_given_for_an_area_that_is_no_more(city: City) -> None:
    person = city.person("sunjie", "孙杰", OFFICE)
    gone = node(JIANGUO).id
    split()
    with pytest.raises(Refused, match="建国街道已撤销，请改选：建国街道、友谊街道") as refused:
        grant_role(SYSTEM, person, "acceptor", gone)
    assert [problem.field for problem in refused.value.problems] == ["area"]


def test_the_office_of_a_split_street_serves_both_parts_until_one_has_its_own(city: City) -> None:
    office = city.agencies[OFFICE]
    assert directory.resolve_agency("subdistrict", Row("980101001002").lineage) == office
    split()
    follow_areas(SYSTEM)
    directory.forget()
    lineage = Row("980101001002").lineage
    assert directory.resolve_agency("subdistrict", lineage) == office
    assert [one.key for one in directory.agencies_covering(lineage, "subdistrict")] == [OFFICE]
    person = city.person("handler", "孙杰", OFFICE)
    assert grant_role(SYSTEM, person, "handler", node("980101008").id, agency=office).pk

    own = create_agency(SYSTEM, kind="subdistrict", area_id=node("980101008").id, name="友谊街道办事处")
    directory.forget()
    assert directory.resolve_agency("subdistrict", lineage) == own
    assert [one.key for one in directory.agencies_covering(lineage, "subdistrict")] == [own.key]
    assert directory.resolve_agency("subdistrict", Row("980101001001001").lineage) == office


def test_offices_of_merged_streets_move_and_those_below_hang_from_the_whole(city: City) -> None:
    merge()
    follow_areas(SYSTEM)
    whole = node("980101009").id
    for key in (OFFICE, f"subdistrict-{NANMEN}", "community-980101001001"):
        agency = city.agencies[key]
        agency.refresh_from_db()
        assert agency.street_id == whole, key
    assert city.agencies[OFFICE].area_id == whole
    moves = Entry.objects.filter(action="identity.move_agency").order_by("id").values_list("body", flat=True)
    assert [json.loads(body)["area"] for body in moves] == [[JIANGUO, "980101009"], [NANMEN, "980101009"]]
    assert json.loads(Entry.objects.get(action="identity.hang_agencies").body)["agencies"] == 3


DAY = date(2026, 3, 1)


def on(day: int) -> date:
    return date(2026, 3, day)


@pytest.mark.parametrize(
    ("last", "held", "left"),
    [
        (None, [], [(on(1), None)]),
        (on(9), [(on(20), None)], [(on(1), on(9))]),
        (on(9), [(date(2025, 1, 1), date(2025, 2, 1))], [(on(1), on(9))]),
        (None, [(on(5), None), (on(2), on(3))], [(on(1), on(1)), (on(4), on(4))]),
        (on(9), [(on(1), on(9))], []),
        (on(9), [(on(3), on(9))], [(on(1), on(2))]),
        (None, [(date(2025, 1, 1), on(4)), (date(2025, 1, 1), on(2))], [(on(5), None)]),
    ],
)
def test_gaps_are_the_days_that_nothing_held_covers(last: date | None, held: list, left: list) -> None:
    assert gaps(DAY, last, held) == left
