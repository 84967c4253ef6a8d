"""No form without admission: what the city knows is shown first, another decides, in time."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from citybrain.base.catalogue.models import DataSet
from citybrain.base.identity.access import Forbidden
from citybrain.base.identity.actor import SYSTEM, actor_for
from citybrain.base.identity.errors import Refused
from citybrain.base.ledger.models import Entry
from citybrain.hub.forms.making import actions, assessing, lists
from citybrain.hub.forms.making.actions import About, Unsettled
from citybrain.hub.forms.making.assessing import Advice, Assessment, Knows
from citybrain.hub.forms.models import Answered, FormState

from .conftest import ABOUT, ELDERS, Hall

KNOWN = ("序号", "姓名", "身份证号", "是否独居", "失能等级")


def test_before_admission_every_column_says_who_knows_it(hall: Hall) -> None:
    sets = hall.sets()
    grant = hall.lend(sets["ga_population"], ["name", "id_no", "birth_date"])
    hall.lend(sets["mz_key_elder"], ["live_alone"], scene="identity")
    hall.lend(sets["mz_key_elder"], ["live_alone"], modes=["key"])
    hall.lend(sets["mz_key_elder"], ["live_alone"], revoked_at=timezone.now())
    hall.lend(sets["mz_key_elder"], ["live_alone"], "subdistrict-980101001")  # holds in one street only
    form = hall.form((*ELDERS, "残疾等级"))
    found = assessing.assess(hall.civil, form)
    assert [(one.letter, one.knows, round(one.share, 3), one.grant, one.ask) for one in found.columns] == [
        ("A", Knows.ITSELF, 1.0, "", ""),
        ("B", Knows.GRANTED, 1.0, grant.number, ""),
        ("C", Knows.GRANTED, 1.0, grant.number, ""),
        ("D", Knows.GRANTED, 1.0, grant.number, ""),
        ("E", Knows.HELD, 1.0, "", "津海市民政局"),
        ("F", Knows.HELD, 1.0, "", "津海市民政局"),
        ("G", Knows.HELD, 0.5, "", "津海市民政局"),
        ("H", Knows.ITSELF, 1.0, "", ""),
        ("I", Knows.NOT, 0.0, "", ""),
        ("J", Knows.NOT, 0.0, "", ""),
        ("K", Knows.EMPTY, 0.0, "", "津海市残联"),
    ]
    assert (found.asked, round(found.share, 4), round(found.granted, 4)) == (
        9,
        round(5.5 / 9, 4),
        round(3 / 9, 4),
    )
    assert [one.letter for one in found.known] == ["B", "C", "D", "E", "F"]
    assert (found.advice, found.same) == (Advice.NARROW, ())
    column = found.columns[5]
    assert (column.dataset_zh, column.field_zh, column.cycle, column.late) == (
        "重点关爱老年人名册",
        "失能等级",
        4,
        False,
    )
    assert column.as_of[:10] == (timezone.now() - timedelta(days=1)).date().isoformat()
    assert Assessment.from_json(found.to_json()) == found


def test_data_that_came_later_than_promised_are_said_to_be_late(hall: Hall) -> None:
    hall.sets()
    DataSet.objects.filter(code="mz_key_elder").update(data_at=timezone.now() - timedelta(days=36))
    form = hall.form(KNOWN)
    found = assessing.assess(hall.civil, form)
    assert [(one.letter, one.late) for one in found.columns] == [
        ("A", False), ("B", False), ("C", False), ("D", True), ("E", True),
    ]  # fmt: skip


def test_the_assessment_is_for_those_who_make_or_admit_the_form(hall: Hall) -> None:
    hall.sets()
    form = hall.form()
    for actor in (hall.civil, hall.chief, SYSTEM):
        assert assessing.assess(actor, form).asked == 8
    for actor in (hall.health, hall.reviewer, hall.leader, hall.second):
        with pytest.raises(Forbidden):
            assessing.assess(actor, form)


def test_an_assessment_takes_the_same_statements_for_one_admitted_form_and_for_many(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("citybrain.base.areas.tree.CHECK_SECONDS", 3_600.0)
    hall.sets()
    form = hall.form()
    counts = []
    for number in range(3):
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assessing.assess_form(form, timezone.now())
        counts.append(len(asked))
        hall.admitted(title=f"老人表{number}")
    assert counts == [5, 5, 5]


def test_an_admitted_form_that_asks_the_same_is_named_with_its_share(hall: Hall) -> None:
    hall.sets()
    there = hall.admitted((*KNOWN, "希望的服务", "家庭情况"), "老年人巡访月报", about=About(
        purpose="巡访", basis="通知", cycle="month"))  # fmt: skip
    hall.form((*KNOWN, "希望的服务"), "没有准入的草稿")
    here = hall.form(
        ("姓名", "身份证号", "希望的服务", "慢性病史"),
        "和平区老年人摸底表",
        actor=hall.health,
        office="health-980101",
    )
    (same,) = assessing.assess(hall.health, here).same
    assert (same.id, same.number, same.title, same.office, same.cycle) == (
        there.pk, there.number, "老年人巡访月报", "津海市民政局", "month",
    )  # fmt: skip
    assert (same.share, round(same.back, 3), same.covers) == (0.75, 0.5, False)
    assert same.columns == (("A", "B"), ("B", "C"), ("C", "F"))
    assert same.names == ("姓名", "身份证号", "希望的服务")


@pytest.mark.parametrize(
    ("title", "about", "covers"),
    [
        ("老年人一次性摸底", About(cycle="once"), True),
        ("老年人季报", About(cycle="quarter"), True),
        ("老年人周报", About(cycle="week"), False),  # the other is filled once a month
        ("老年人网格表", About(cycle="month", fillers=5), False),  # the other stops at communities
        ("老年人街道表", About(cycle="month", fillers=3), True),
        ("残疾人台账", About(cycle="month"), False),  # of others
        ("老年人统计", About(cycle="month", shaped="figures"), False),
    ],
)
def test_a_form_is_covered_only_by_one_of_the_same_as_often_and_as_deep(
    hall: Hall, title: str, about: About, covers: bool
) -> None:
    hall.sets()
    hall.admitted(
        (*KNOWN, "希望的服务"), "老年人巡访月报", about=About(purpose="x", basis="x", cycle="month")
    )
    form = hall.form((*KNOWN, "希望的服务"), title, actor=hall.health, office="health-980101", about=about)
    found = assessing.assess(hall.health, form)
    assert [(one.share, one.covers) for one in found.same] == [(1.0, covers)]
    assert found.advice == (Advice.MERGE if covers else Advice.NARROW)


def test_a_form_of_another_district_is_not_the_same_and_one_of_a_part_does_not_cover(hall: Hall) -> None:
    hall.sets()
    hall.admitted(KNOWN, "河东老年人表", actor=SYSTEM, office="civil_affairs-980102")
    here = hall.form(KNOWN, "和平老年人表", actor=hall.health, office="health-980101")
    assert assessing.assess(hall.health, here).same == ()
    whole = hall.form(KNOWN, "全市老年人表")
    (same,) = assessing.assess(hall.civil, whole).same
    assert (same.title, same.share, same.covers) == ("河东老年人表", 1.0, False)


def test_a_form_of_which_all_is_known_is_advised_against_the_more_if_another_covers_it(hall: Hall) -> None:
    hall.sets()
    form = hall.form(KNOWN, "和平区老人表", actor=hall.health, office="health-980101")
    found = assessing.assess(hall.health, form)
    assert (found.share, found.advice) == (1.0, Advice.TAKE)
    assert found.reasons() == [
        "共需填报 4 列，其中 4 列全市已有数据，可填 100% 的单元格。",
        "建议不予准入：内容全部已知，请直接申请使用这些数据。",
    ]
    there = hall.admitted((*KNOWN, "希望的服务"), "老年人巡访表")
    found = assessing.assess(hall.health, form)
    assert found.advice == Advice.REFUSE
    assert found.reasons()[1:] == [
        f"“老年人巡访表”（津海市民政局，{there.number}）已在收集全部这些内容。",
        "建议不予准入：内容全部已知，且已有报表覆盖。",
    ]
    with translation.override("en"):
        assert found.reasons()[-1] == "Advice: refuse. All of it is known, and another form covers it."


def test_a_match_that_is_not_certain_must_be_confirmed_before_admission(hall: Hall) -> None:
    hall.sets()
    form = hall.form(("姓名", "身份证号", "姓名"))
    with pytest.raises(Unsettled) as waiting:
        actions.ask_admission(hall.civil, form)
    assert waiting.value.letters == ("A", "C")
    assert [one.reason for one in waiting.value.problems] == [
        "请确认“姓名”列（A）对应的信息项。", "请确认“姓名”列（C）对应的信息项。",
    ]  # fmt: skip
    actions.confirm_columns(hall.civil, form, ["A"])
    actions.confirm_columns(hall.civil, form)
    assert actions.ask_admission(hall.civil, form).state == FormState.ASKING


def test_purpose_and_basis_must_be_told(hall: Hall) -> None:
    hall.sets()
    form = hall.form(about=About())
    with pytest.raises(Refused) as refused:
        actions.ask_admission(hall.civil, form)
    assert [one.field for one in refused.value.problems] == ["purpose", "basis"]
    actions.change_form(hall.civil, form, ABOUT)
    assert actions.ask_admission(hall.civil, form).purpose == "安排上门服务"


def test_admission_is_due_within_five_working_days(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    hall.sets()
    form = hall.form()
    thursday = datetime(2026, 3, 5, 2, 0, tzinfo=UTC)  # 10:00 in the city
    monkeypatch.setattr(timezone, "now", lambda: thursday)
    form = actions.ask_admission(hall.civil, form)
    assert (form.asked_at, form.due_at) == (thursday, datetime(2026, 3, 12, 2, 0, tzinfo=UTC))
    monkeypatch.setattr(timezone, "now", lambda: thursday + timedelta(days=8))
    assert list(lists.late(hall.civil)) == [form]
    form = actions.decide_admission(hall.chief, form, admit=True)
    assert form.clock["stopped_at"].startswith("2026-03-13")
    assert list(lists.late(hall.civil)) == []
    assert form.events.get(action="decide_admission").details["late"] is True


def test_an_admitted_form_tells_by_whom_and_a_refused_one_why(hall: Hall) -> None:
    hall.sets()
    form = actions.ask_admission(hall.civil, hall.form())
    assert (form.state, form.assessed["advice"], form.assessed["asked"]) == ("asking", "narrow", 8)
    with pytest.raises(Refused) as refused:
        actions.decide_admission(hall.chief, form, admit=False, reason="  ")
    assert [tuple(one) for one in refused.value.problems] == [("reason", "请写明不予准入的理由。")]
    form = actions.decide_admission(hall.chief, form, admit=False, reason="数据已有")
    assert (form.state, form.reason, form.decider_name, form.decided_by) == (
        "refused", "数据已有", "shou", hall.chief.key,
    )  # fmt: skip
    with pytest.raises(Refused, match="报表目前是“不予准入”"):
        actions.decide_admission(hall.chief, form, admit=True)
    form = actions.decide_admission(hall.chief, actions.ask_admission(hall.civil, form), admit=True)
    assert (form.state, form.reason) == ("admitted", "")
    assert [one.action for one in lists.events(hall.civil, form)] == [
        "decide_admission", "ask_admission", "decide_admission", "ask_admission", "draft_form",
    ]  # fmt: skip
    told = Entry.objects.filter(subject=f"form:{form.number}", action="forms.decide_admission").order_by("id")
    assert ['"admitted":false' in one.body.replace(" ", "") for one in told] == [True, False]


def test_what_came_to_be_known_since_it_was_asked_counts_when_it_is_decided(hall: Hall) -> None:
    hall.sets(data=False)
    form = actions.ask_admission(hall.civil, hall.form(KNOWN))
    assert form.assessed["advice"] == "admit", "nothing has come yet"
    hall.sets()
    with pytest.raises(Refused, match="评估建议不予准入"):
        actions.decide_admission(hall.chief, form, admit=True)
    form = actions.decide_admission(hall.chief, form, admit=False, reason="数据已有")
    assert form.assessed["advice"] == "take", "what was found at the decision stays with it"


def test_to_admit_against_the_advice_needs_a_reason(hall: Hall) -> None:
    hall.sets()
    form = actions.ask_admission(hall.civil, hall.form(KNOWN))
    assert form.assessed["advice"] == "take"
    with pytest.raises(Refused, match="评估建议不予准入"):
        actions.decide_admission(hall.chief, form, admit=True)
    assert actions.decide_admission(hall.chief, form, admit=True, reason="应急").state == "admitted"


def test_nobody_admits_a_form_they_drafted_or_asked_for(hall: Hall) -> None:
    hall.sets()
    both = hall.city.person("liang", "liang", "civil_affairs-98")
    hall.city.give(both, "form_manager", "98", "civil_affairs-98")
    hall.city.give(both, "chief_data_officer", "98")
    actor = actor_for(both)
    drafted = hall.form(actor=actor)
    actions.ask_admission(hall.civil, drafted)
    asked = hall.form(KNOWN, "另一张表")
    actions.ask_admission(actor, asked)
    for form in (drafted, asked):
        with pytest.raises(Forbidden, match="申请人不能决定"):
            actions.decide_admission(actor, form, admit=True, reason="x")
        assert actions.decide_admission(hall.chief, form, admit=True, reason="x").state == "admitted"


def test_only_who_admits_in_the_area_decides(hall: Hall) -> None:
    hall.sets()
    form = actions.ask_admission(hall.civil, hall.form())
    for actor in (hall.civil, hall.health, hall.second, hall.reviewer, hall.leader):
        with pytest.raises(Forbidden):
            actions.decide_admission(actor, form, admit=True, reason="x")
    district = hall.form(actor=hall.health, office="health-980101")
    actions.confirm_columns(hall.health, district)
    actions.ask_admission(hall.health, district)
    assert actions.decide_admission(hall.second, district, admit=True).state == "admitted"


def test_what_is_asked_can_be_taken_back_and_what_waits_is_not_changed(hall: Hall) -> None:
    hall.sets()
    form = actions.ask_admission(hall.civil, hall.form())
    for act in (
        lambda: actions.change_form(hall.civil, form, ABOUT),
        lambda: actions.correct_column(hall.civil, form, "B", field=""),
        lambda: actions.ask_admission(hall.civil, form),
        lambda: actions.retire(hall.civil, form, "x"),
    ):
        with pytest.raises(Refused, match="待准入"):
            act()
    form = actions.take_back(hall.civil, form)
    assert (form.state, form.clock["stopped_at"] is not None) == ("draft", True)
    with pytest.raises(Refused):
        actions.take_back(hall.civil, form)


def test_a_form_is_ended_by_its_office_or_by_who_admits_with_the_reason(hall: Hall) -> None:
    hall.sets()
    one, other = hall.admitted(), hall.admitted(title="另一张")
    with pytest.raises(Forbidden):
        actions.retire(hall.leader, one, "x")
    with pytest.raises(Refused) as refused:
        actions.retire(hall.civil, one, " ")
    assert refused.value.problems[0].field == "why"
    assert actions.retire(hall.civil, one, "合并").state == "retired"
    assert actions.retire(hall.chief, other, "重复").reason == "重复"
    assert lists.counts(hall.civil)["retired"] == 2


@pytest.mark.parametrize(("shaped", "share"), [("figures", 2 / 3), ("roster", 0.0)])
def test_answers_given_before_are_told_and_fill_forms_of_areas(hall: Hall, shaped: str, share: float) -> None:
    hall.sets()
    city, district = hall.city.areas["98"], hall.city.areas["980101"]
    now = timezone.now()
    for code, days in (("980101001001", 10), ("980101001002", 400), ("980101002001", 3)):
        Answered.objects.create(
            area=hall.city.areas[code], city=city, district=district, meaning="志愿者人数", value="3",
            as_of=(now - timedelta(days=days)).date(), by="system", at=now - timedelta(days=days),
        )  # fmt: skip
    form = hall.form(("社区", "志愿者人数"), "志愿者统计表", about=About(shaped=shaped))
    column = assessing.assess(hall.civil, form).columns[1]
    assert (column.knows, column.answered, column.answered_on) == (
        Knows.NOT, 2, (now - timedelta(days=3)).date().isoformat(),
    )  # fmt: skip
    assert column.share == pytest.approx(share)
    other = hall.form(
        ("社区", "志愿者人数"),
        "河东志愿者统计表",
        actor=SYSTEM,
        office="civil_affairs-980102",
        about=About(shaped=shaped),
    )
    assert assessing.assess(SYSTEM, other).columns[1].answered == 0


@pytest.mark.parametrize(
    ("mine", "other", "covers"),
    [
        ("alone", "elders", True),  # everybody who lives alone is on the wider one
        ("elders", "alone", False),
        ("alone", "residents", True),
        ("disabled", "residents", True),
        ("disabled", "aid", False),
        ("veterans", "veterans", True),
    ],
)
def test_a_form_of_fewer_people_does_not_cover_one_of_more(
    hall: Hall, mine: str, other: str, covers: bool
) -> None:
    hall.sets()
    words = {"purpose": "x", "basis": "x", "shaped": "roster"}
    hall.admitted(("姓名", "身份证号", "心愿"), "一张台账", about=About(**words, roster=other))
    form = hall.form(("姓名", "身份证号", "心愿"), "另一张台账", about=About(**words, roster=mine))
    assert [one.covers for one in assessing.assess(hall.civil, form).same] == [covers]


def test_admission_is_decided_once_even_by_two_at_a_time(hall: Hall) -> None:
    hall.sets()
    form = actions.ask_admission(hall.civil, hall.form())
    seen = lists.find(hall.chief, form.pk)  # both have the page open
    actions.decide_admission(hall.chief, form, admit=False, reason="数据已有")
    with pytest.raises(Refused, match="报表目前是“不予准入”，不能这样操作。"):
        actions.decide_admission(SYSTEM, seen, admit=True, reason="x")
    seen.refresh_from_db()
    assert (seen.state, seen.decider_name) == ("refused", "shou")
