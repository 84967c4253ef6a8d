"""A cell is disputed: the provider is asked with a clock, mends it by its own intake or lets it stand."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from citybrain.base.exchange import actions, runs
from citybrain.base.exchange.models import Receipt, Run
from citybrain.base.identity.access import Forbidden
from citybrain.base.identity.errors import Refused
from citybrain.base.ledger.models import Entry
from citybrain.base.worktime.clock import Clock
from citybrain.hub.forms.knowing import disputes
from citybrain.hub.forms.knowing.knowing import know
from citybrain.hub.forms.models import Dispute
from citybrain.hub.forms.tests.town import AT, LI, WANG, YOUYI, Town, column, fill_rows, number

NAME = column("A", "ga_population.name", "姓名")


def disputed(
    town: Town, who: str = "wang", claimed: str = "王壹", field: str = "ga_population.name"
) -> Dispute:
    return disputes.dispute(town.leader, town.area(), field, town.tokens[who], claimed, "身份证为准")


def cell(town: Town, who: str = "wang", column: Any = NAME) -> tuple[str, str]:
    known = know(town.leader, town.area(), [column])
    found = known.cell(known.keys.index(town.tokens[who]), column.letter)
    return found.value, str(found.state)


def test_a_dispute_goes_to_the_provider_with_a_clock_and_marks_the_cell(town: Town) -> None:
    one = disputed(town)
    assert (one.held, one.claimed, one.state, one.area_id) == ("王一", "王壹", "open", town.area())
    assert Clock.from_json(one.clock).limit_minutes == 5 * 8 * 60
    assert one.due_at is not None
    assert cell(town) == ("王一", "disputed")
    assert cell(town, "li") == ("李二", "known")
    assert list(disputes.to_settle(town.keeper)) == [one]
    assert list(disputes.to_settle(town.other_keeper)) == []
    assert disputed(town, claimed="王仪") == one, "an open dispute isn't opened twice"
    assert Entry.objects.filter(action="forms.dispute").count() == 1


def test_no_number_is_kept_with_a_dispute(town: Town) -> None:
    one = disputed(town)
    assert WANG not in str({**one.__dict__, "key": one.key})
    with pytest.raises(Forbidden):
        disputes.person_of(town.other_keeper, one)
    assert disputes.person_of(town.keeper, one) == {"id_no": WANG}
    assert Entry.objects.get(action="forms.see_dispute").actor == town.keeper.key


def test_only_what_the_area_may_read_of_its_own_people_can_be_disputed(town: Town) -> None:
    with pytest.raises(Forbidden):
        disputes.dispute(town.neighbour, town.area(), "ga_population.name", town.tokens["wang"], "x")
    with pytest.raises(Refused, match="没有该人员"):
        disputed(town, "sun")
    with pytest.raises(Refused, match="没有该人员"):
        disputed(town, "li", "1", "mz_subsistence.amount")
    with pytest.raises(Refused, match="相同"):
        disputed(town, claimed=" 王一 ")
    with pytest.raises(Refused, match="正确的值"):
        disputes.dispute(town.leader, town.area(), "ga_population.name", town.tokens["wang"], " ")
    town.grants["mz_subsistence"].delete()
    with pytest.raises(Refused, match="无权"):
        disputed(town, "wang", "1", "mz_subsistence.amount")
    assert not Dispute.objects.exists()
    assert not Receipt.objects.filter(dataset="mz_subsistence", rows=0, fields=["name"]).exists()


def test_a_masked_value_is_disputed_as_it_is_shown(town: Town) -> None:
    one = disputed(town, "wang", WANG[:-1] + "0", "ga_population.id_no")
    assert one.held == f"{WANG[:6]}{'*' * 10}{WANG[-2:]}"


def test_only_the_provider_settles_and_a_value_that_stands_needs_a_ground(town: Town) -> None:
    one = disputed(town)
    for actor in (town.leader, town.other_keeper, town.neighbour):
        with pytest.raises(Forbidden):
            disputes.settle(actor, one, "stands", "x")
    for outcome, note in (("stands", " "), ("burnt", "x")):
        with pytest.raises(Refused):
            disputes.settle(town.keeper, one, outcome, note)
    assert disputes.settle(town.keeper, one, "stands", "户籍档案第 3 页") is None
    assert (one.state, one.answer, one.answered_by) == ("stands", "户籍档案第 3 页", town.keeper.key)
    assert Clock.from_json(one.clock).stopped_at == AT
    assert cell(town) == ("王一", "known")
    with pytest.raises(Refused, match="已处理"):
        disputes.settle(town.keeper, one, "mended")
    assert disputed(town).pk != one.pk, "it can be disputed again"


def test_a_dispute_is_taken_back_by_its_area(town: Town) -> None:
    one = disputed(town)
    with pytest.raises(Forbidden):
        disputes.withdraw(town.neighbour, one)
    disputes.withdraw(town.leader, one)
    assert (one.state, cell(town)[1]) == ("withdrawn", "known")


def test_a_dispute_is_seen_by_its_area_and_its_provider_only(town: Town) -> None:
    one = disputed(town)
    for actor in (town.leader, town.reviewer, town.keeper):
        assert disputes.seen_by(actor, one.pk) == one
    for actor in (town.neighbour, town.other_keeper):
        assert disputes.seen_by(actor, one.pk) is None


def test_a_set_without_a_source_can_not_be_mended_here(town: Town) -> None:
    with pytest.raises(Refused, match="没有可写入的来源"):
        disputes.settle(town.keeper, disputed(town), "mended")


def test_a_mended_value_comes_back_through_the_provider_s_intake_as_a_whole_row(
    lake_home: Path, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    del lake_home
    monkeypatch.undo()  # the queue runs by the database's clock
    data = town.sets["ga_population"]
    fill_rows("mz_key_elder", town.sets["mz_key_elder"].shape.to_json(), [])
    source = actions.add_source(town.keeper, data, data.provider, name="户籍系统")
    header = ",".join(field.zh for field in data.shape.fields)
    tail = f",01,{YOUYI},友谊路1号,000000001,02,true,2026-11-20 08:00:00"
    lines = [f"{WANG},王一,1,1959-03-05{tail}", f"{LI},李二,2,1986-01-02{tail}"]
    actions.receive_file(town.keeper, source, ["\n".join([header, *lines, ""]).encode()], "户籍.csv")
    work()
    wang = town.tokens["wang"]
    assert cell(town)[0] == "王一"
    sex = column("B", "ga_population.sex", "性别")
    bad = disputes.dispute(town.leader, town.area(), "ga_population.sex", wang, "女性", "本人是女性")
    run = disputes.settle(town.keeper, disputed(town), "mended", "已核")
    assert run is not None
    with pytest.raises(Refused, match="规则"):
        disputes.settle(town.keeper, bad, "mended", value="外星人")
    work()
    assert Run.objects.get(pk=run.pk).state == "done"
    assert cell(town)[0] == "王壹"
    assert cell(town, "wang", column("C", "ga_population.hukou_address", "地址"))[0] == "友谊路1号", (
        "the rest stays"
    )
    assert cell(town, "wang", sex)[1] == "disputed"
    assert Receipt.objects.latest("pk").version > 1


def work() -> None:
    while runs.work_one(datetime.now(UTC) + timedelta(hours=2)):
        pass
    assert timezone.now().year >= 2026
    assert number("1959-03-05", 1) == WANG
