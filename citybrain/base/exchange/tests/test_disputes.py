"""Suppliers that disagree, brought to an end: asked with a clock, answered, settled; what was settled stays so."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from citybrain.base.catalogue.models import DataSet, Supply, System
from citybrain.base.catalogue.shape import Shape
from citybrain.base.exchange import actions, disputes
from citybrain.base.exchange.models import Conflict, Run, Source
from citybrain.base.exchange.tests.test_intake import agency, dataset, take, work
from citybrain.base.identity.access import Forbidden
from citybrain.base.identity.actor import SYSTEM, Actor, actor_for
from citybrain.base.identity.errors import Refused
from citybrain.base.identity.models import Agency, Person, RoleGrant
from citybrain.base.lake import engine
from citybrain.base.worktime.clock import Clock

SHAPE = {
    "fields": [
        {"name": "id", "zh": "编号", "type": "char(2)", "key": True},
        {"name": "name", "zh": "名称", "type": "varchar(20)", "required": True},
        {"name": "size", "zh": "面积", "type": "decimal(8,1)", "required": True},
        {"name": "on", "zh": "启用", "type": "boolean"},
    ]
}
HEADER = "id,name,size,on\n"


@dataclass
class Two:
    """A set of the first body, given by two: `first` counts before `second`."""

    people: DataSet
    first: Source
    second: Source
    officers: dict[str, Actor]


def officer(body: Agency) -> Actor:
    person = Person.objects.create(
        login=body.key, name=body.name, agency=body, kind="officer", auth_level="L2"
    )
    RoleGrant.objects.create(
        person=person, role="data_manager", area_id=body.area_id, agency=body, valid_from=date(2026, 1, 1)
    )
    return actor_for(person)


@pytest.fixture
def two(lake_home: Path) -> Two:
    people = dataset("places", SHAPE)
    sources = []
    for rank, key in ((1, "police"), (2, "civil")):
        system = System.objects.create(agency=agency(key), key=key, name=key)
        supply = Supply.objects.create(dataset=people, system=system, mode="file", update_cycle=2, rank=rank)
        sources.append(actions.add_source(SYSTEM, people, agency(key), name=key, supply=supply))
    return Two(people, *sources, {key: officer(agency(key)) for key in ("police", "civil", "other")})


@pytest.fixture
def conflict(two: Two) -> Conflict:
    take(two.first, f"{HEADER}01,东站,10.5,true\n")
    run = take(two.second, f"{HEADER}01,火车东站,10.5,true\n02,西站,3,false\n")
    assert (run.figures["conflicts"], run.figures["held_back"]) == (1, 1)
    return Conflict.objects.get()


def stored() -> list[tuple[str, str, str, bool]]:
    with engine.session() as link:
        sql = f'SELECT id, name, CAST(size AS VARCHAR), "on" FROM {engine.relation_sql("places")} ORDER BY id'
        return link.execute(sql).fetchall()


def steps(conflict: Conflict) -> list[str]:
    return list(conflict.events.values_list("action", flat=True))


def test_the_lesser_supplier_is_asked_with_a_clock_that_a_repeat_does_not_begin_anew(
    two: Two, conflict: Conflict
) -> None:
    assert (conflict.asked, conflict.state, steps(conflict)) == (two.second.supply, "sent", ["send"])
    assert Clock.from_json(conflict.clock).limit_minutes == 5 * 8 * 60
    assert conflict.due_at is not None
    take(two.second, f"{HEADER}01,火车东站（新）,10.5,true\n")
    again = Conflict.objects.get()
    assert (again.pk, again.due_at, again.clock) == (conflict.pk, conflict.due_at, conflict.clock)
    assert again.fields == {"name": {"held": "东站", "offered": "火车东站（新）"}}


def test_a_settled_row_is_stored_whole_and_is_not_listed_again(two: Two, conflict: Conflict) -> None:
    disputes.settle_conflict(two.officers["police"], conflict, two.second.supply, "以现场为准")
    work()
    assert stored() == [("01", "火车东站", "10.5", True), ("02", "西站", "3.0", False)]
    assert (Conflict.objects.get().state, steps(conflict)) == ("settled", ["send", "settle"])
    assert Run.objects.get(name="conflict.jsonl").state == "done"


def test_what_was_settled_against_a_supplier_does_not_come_back_with_its_next_file(
    two: Two, conflict: Conflict
) -> None:
    disputes.settle_conflict(SYSTEM, conflict, two.second.supply, "以现场为准")
    work()
    run = take(two.first, f"{HEADER}01,东站,10.5,true\n03,南站,1,true\n")
    assert (run.figures["conflicts"], run.figures["held_back"]) == (0, 1)
    assert [name for _, name, _, _ in stored()] == ["火车东站", "西站", "南站"]
    take(two.first, f"{HEADER}01,东客站,10.5,true\n")
    fresh = Conflict.objects.get(state="sent")
    assert fresh.fields == {"name": {"held": "火车东站", "offered": "东客站"}}, (
        "a new value is a new question"
    )


def test_a_supplier_that_gives_way_ends_it(two: Two, conflict: Conflict) -> None:
    assert disputes.answer(two.officers["civil"], conflict, stands=False, note="录入错误") is not None
    work()
    conflict.refresh_from_db()
    assert (conflict.state, conflict.settled_for) == ("agreed", two.first.supply)
    assert steps(conflict) == ["send", "give_way"]
    assert stored()[0][1] == "东站"
    assert Clock.from_json(conflict.clock).stopped_at is not None


def test_a_supplier_that_stands_needs_a_ground_and_can_be_asked_again(two: Two, conflict: Conflict) -> None:
    civil, police = two.officers["civil"], two.officers["police"]
    with pytest.raises(Refused, match="依据"):
        disputes.answer(civil, conflict, stands=True, note=" ")
    assert disputes.answer(civil, conflict, stands=True, note="民政档案第 3 页") is None
    conflict.refresh_from_db()
    assert conflict.state == "answered"
    with pytest.raises(Refused):
        disputes.answer(civil, conflict, stands=False, note="x")
    with pytest.raises(Refused, match="核实什么"):
        disputes.send_back(police, conflict, two.first.supply, "")
    disputes.send_back(police, conflict, two.first.supply, "请核对登记")
    conflict.refresh_from_db()
    assert (conflict.state, conflict.asked) == ("sent", two.first.supply)
    disputes.settle_conflict(police, conflict, two.second.supply)
    assert steps(conflict) == ["send", "stand", "send", "settle"]
    with pytest.raises(Refused, match="已处理"):
        disputes.send_back(police, conflict, two.first.supply, "x")


@pytest.mark.parametrize("who", ["first", "second"])
def test_a_supplier_that_corrects_its_row_ends_it_without_a_word(
    two: Two, conflict: Conflict, who: str
) -> None:
    name = "火车东站" if who == "first" else "东站"
    take(getattr(two, who), f"{HEADER}01,{name},10.5,true\n")
    conflict.refresh_from_db()
    assert (conflict.state, steps(conflict)) == ("agreed", ["send", "agree"])
    assert stored()[0][1] == name


def test_only_the_provider_sends_back_and_settles_and_only_who_is_asked_answers(
    two: Two, conflict: Conflict
) -> None:
    civil, police, other = (two.officers[key] for key in ("civil", "police", "other"))
    for attempt in (
        lambda: disputes.send_back(civil, conflict, two.first.supply, "x"),
        lambda: disputes.settle_conflict(civil, conflict, two.second.supply),
        lambda: disputes.answer(police, conflict, stands=False, note=""),
        lambda: disputes.answer(other, conflict, stands=False, note=""),
        lambda: disputes.reveal(other, conflict),
    ):
        with pytest.raises(Forbidden):
            attempt()
    disputes.reveal(civil, conflict)
    assert [Conflict.objects.visible_to(one).count() for one in (civil, police, other)] == [1, 1, 0]
    assert Shape.from_json(SHAPE).keys == ("id",)
