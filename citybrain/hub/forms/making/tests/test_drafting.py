"""A form is made from the workbook that an office sends; what people say of its columns is remembered."""

import pytest

from citybrain.base.identity.access import Forbidden
from citybrain.base.identity.actor import ANONYMOUS
from citybrain.base.identity.errors import Refused
from citybrain.base.ledger.models import Entry
from citybrain.hub.forms.columns import Asks, Column
from citybrain.hub.forms.making import actions, lists
from citybrain.hub.forms.making.actions import About
from citybrain.hub.forms.models import Form, FormEvent, FormState, Remembered, Workbook

from .conftest import ABOUT, ELDERS, Hall, elders, workbook


def shape(form: Form) -> dict[str, Column]:
    form.refresh_from_db()
    return {one.letter: one for one in form.current.shape}


def told(refused: pytest.ExceptionInfo[Refused]) -> list[tuple[str, str]]:
    return [(one.field, one.reason) for one in refused.value.problems]


def test_each_column_of_a_workbook_is_given_its_source(hall: Hall) -> None:
    hall.sets()
    form = hall.form()
    columns = shape(form)
    assert (form.number, form.title, form.state, form.shaped) == (
        f"BB{form.created_at:%Y}{form.pk:06d}", "独居老年人巡访登记表", "draft", "roster",
    )  # fmt: skip
    assert [(one.letter, str(one.asks), one.field, one.derived) for one in columns.values()] == [
        ("A", "serial", "", ""),
        ("B", "data", "ga_population.name", ""),
        ("C", "data", "ga_population.id_no", ""),
        ("D", "data", "ga_population.birth_date", "age"),
        ("E", "data", "mz_key_elder.live_alone", ""),
        ("F", "data", "mz_key_elder.disability_level", ""),
        ("G", "data", "mz_key_elder.contact1_phone", ""),
        ("H", "area", "", ""),
        ("I", "answer", "", ""),
        ("J", "answer", "", ""),
    ]
    assert (columns["B"].required, columns["C"].required) == (True, False)
    assert (columns["C"].type, columns["C"].personal, columns["C"].check) == (
        "char(18)",
        "sensitive",
        "gb11643",
    )
    assert (columns["D"].type, columns["D"].personal) == ("integer", "personal")
    version = form.current
    assert (version.number, version.sheet, version.header_first, version.header_last, version.begins) == (
        1, "表", 2, 2, 3,
    )  # fmt: skip


def test_a_draft_is_told_to_history_and_ledger(hall: Hall) -> None:
    hall.sets()
    form = hall.form()
    event = FormEvent.objects.get(form=form)
    assert (event.action, event.actor, event.actor_name, event.details["columns"]) == (
        "draft_form", hall.civil.key, "min", 10,
    )  # fmt: skip
    entry = Entry.objects.get(action="forms.draft_form")
    assert (entry.actor, entry.subject) == (hall.civil.key, f"form:{form.number}")
    assert form.current.workbook.digest in entry.body


def test_only_the_offices_own_people_draft_its_forms(hall: Hall) -> None:
    for actor in (hall.health, hall.chief, hall.reviewer, hall.leader, ANONYMOUS):
        with pytest.raises(Forbidden):
            hall.form(actor=actor)
    assert Form.objects.count() == 0
    assert not (hall.files / "home").exists()
    form = hall.form()
    for act in (
        lambda: actions.change_form(hall.health, form, ABOUT),
        lambda: actions.revise(hall.health, form, columns=[Column("A", ("甲",), Asks.ANSWER)]),
        lambda: actions.correct_column(hall.health, form, "B", field=""),
        lambda: actions.confirm_columns(hall.health, form),
        lambda: actions.ask_admission(hall.health, form),
        lambda: actions.discard_draft(hall.health, form),
        lambda: actions.retire(hall.health, form, "x"),
    ):
        with pytest.raises(Forbidden):
            act()


def test_a_description_that_cannot_be_is_refused_with_every_reason(hall: Hall) -> None:
    with pytest.raises(Refused) as refused:
        actions.draft_form(
            hall.civil, hall.body("civil_affairs-98"),
            About(title=" ", purpose="长" * 501, cycle="hourly", fillers=9, shaped="round"),
            columns=[Column("A", ("甲",), Asks.ANSWER)],
        )  # fmt: skip
    assert [one for one, _reason in told(refused)] == ["title", "purpose", "cycle", "fillers", "shaped"]
    with pytest.raises(Refused) as none:
        actions.draft_form(hall.civil, hall.body("civil_affairs-98"), About(title="空表"))
    assert told(none) == [("columns", "报表至少要有一列。")]


def test_a_correction_is_used_for_the_next_form_of_such_an_office(hall: Hall) -> None:
    hall.sets()
    names = ("姓名", "希望的服务", "联系人姓名", "家庭情况")
    form = hall.form(names)
    assert [(one.field, one.confidence < 0.8) for one in shape(form).values()][1] == ("", True)
    actions.correct_column(hall.civil, form, "B", field="mz_key_elder.care_level")
    actions.correct_column(hall.civil, form, "A", field="")
    columns = shape(form)
    assert (columns["B"].sure, columns["B"].confidence, columns["B"].why) == (True, 1.0, ("person",))
    assert (columns["A"].asks, columns["A"].field, columns["A"].personal) == (Asks.ANSWER, "", "none")

    following = shape(hall.form(names, "下一张"))
    assert (following["B"].field, following["B"].confidence, following["B"].why[0]) == (
        "mz_key_elder.care_level", 0.99, "learnt",
    )  # fmt: skip
    assert (following["A"].asks, following["A"].why) == (Asks.ANSWER, ("learnt",))
    # of another kind of office it is offered, but must be confirmed
    other = hall.form(names, "卫健的表", actor=hall.health, office="health-980101")
    assert (shape(other)["B"].field, shape(other)["B"].confidence) == ("mz_key_elder.care_level", 0.79)
    assert "B" in [one.letter for one in actions.unsettled(other.current.shape)]
    assert shape(other)["A"].field == "ga_population.name"


def test_the_latest_word_about_a_heading_counts(hall: Hall) -> None:
    hall.sets()
    form = hall.form(("姓名", "居住情况"))
    for field in ("mz_key_elder.live_alone", "mz_key_elder.live_alone", "mz_key_elder.address"):
        actions.correct_column(hall.civil, form, "B", field=field)
    row = Remembered.objects.get(heading="居住情况")
    assert (row.meaning, row.times, row.by, row.office_kind) == (
        "mz_key_elder.address", 1, hall.civil.key, "civil_affairs",
    )  # fmt: skip
    actions.correct_column(hall.civil, form, "B", asks="answer")
    row.refresh_from_db()
    assert (row.meaning, row.times) == ("", 1)
    assert [one.heading for one in lists.remembered(hall.civil)] == ["居住情况"]
    assert lists.remembered(hall.health) == lists.remembered(hall.leader) == []


def test_what_a_column_asks_is_changed_within_reason(hall: Hall) -> None:
    hall.sets()
    form = hall.form()
    version = actions.correct_column(
        hall.civil,
        form,
        "I",
        asks="answer",
        type="varchar(20)",
        options=["助餐", " 助浴 ", "助餐", ""],
        required=True,
    )
    column = {one.letter: one for one in version.shape}["I"]
    assert (column.options, column.type, column.required) == (("助餐", "助浴"), "varchar(20)", True)
    for changes, field in (
        ({"sums": "sum"}, "sums"),
        ({"sums": "most of it"}, "sums"),
        ({"field": "mz_key_elder.salary"}, "field"),
        ({"field": "nothing"}, "field"),
        ({"asks": "data"}, "field"),
        ({"asks": "nobody"}, "asks"),
        ({"type": "heap"}, "type"),
        ({"minimum": 5.0, "maximum": 1.0}, "minimum"),
        ({"derived": "age"}, "derived"),
        ({"asks": "area", "derived": "planet"}, "derived"),
    ):
        with pytest.raises(Refused) as refused:
            actions.correct_column(hall.civil, form, "I", **changes)
        assert told(refused)[0][0] == field, changes
    with pytest.raises(Refused) as missing:
        actions.correct_column(hall.civil, form, "ZZ", field="")
    assert told(missing) == [("letter", "没有 ZZ 列。")]
    with pytest.raises(TypeError):
        actions.correct_column(hall.civil, form, "I", path=("x",))


def test_a_draft_changes_in_place_and_an_admitted_form_by_versions(hall: Hall) -> None:
    hall.sets()
    form = hall.form()
    actions.correct_column(hall.civil, form, "I", required=True)
    assert form.versions.count() == 1
    admitted = hall.admitted(title="每月老人台账")
    first = admitted.current
    second = actions.correct_column(hall.civil, admitted, "I", required=True)
    admitted.refresh_from_db()
    assert (admitted.state, admitted.current_id, second.number) == ("admitted", second.pk, 2)
    assert (second.workbook_id, second.sheet, second.begins) == (first.workbook_id, "表", 3)
    first.refresh_from_db()
    assert {one.letter: one for one in first.shape}["I"].required is False


def test_a_revised_form_keeps_what_was_settled_and_is_admitted_anew_if_it_asks_for_more(hall: Hall) -> None:
    hall.sets()
    form = hall.admitted(("姓名", "身份证号", "希望的服务"))
    actions.correct_column(hall.civil, form, "C", field="mz_key_elder.care_level")
    less = workbook(hall.files / "less.xlsx", {"表": elders(("身份证号", "希望的服务"))})
    version = actions.revise(hall.civil, form, file=less, name="less.xlsx", why="减少一列")
    form.refresh_from_db()
    assert (form.state, version.number, version.note) == (FormState.ADMITTED, 3, "减少一列")
    assert [(one.letter, one.field, one.sure) for one in version.shape] == [
        ("A", "ga_population.id_no", True), ("B", "mz_key_elder.care_level", True),
    ]  # fmt: skip
    more = workbook(hall.files / "more.xlsx", {"表": elders(("身份证号", "希望的服务", "残疾等级"))})
    actions.revise(hall.civil, form, file=more)
    form.refresh_from_db()
    assert form.state == FormState.DRAFT
    assert FormEvent.objects.filter(form=form, action="revise").first().details["more"] == ["残疾等级"]


def test_a_draft_can_be_discarded_but_nothing_that_was_asked_for(hall: Hall) -> None:
    hall.sets()
    form = hall.form(ELDERS[:3])
    number = form.number
    actions.discard_draft(hall.civil, form)
    assert not Form.objects.filter(number=number).exists()
    assert Entry.objects.filter(action="forms.discard_draft", subject=f"form:{number}").count() == 1
    asked = hall.form(ELDERS[:3])
    actions.confirm_columns(hall.civil, asked)
    actions.ask_admission(hall.civil, asked)
    with pytest.raises(Refused):
        actions.discard_draft(hall.civil, asked)
    actions.take_back(hall.civil, asked)
    with pytest.raises(Refused, match="可以废止"):
        actions.discard_draft(hall.civil, asked)


@pytest.mark.parametrize(
    ("title", "roster"),
    [
        ("独居老年人巡访登记表", "alone"), ("高龄津贴发放花名册", "elders"), ("残疾人补贴台账", "disabled"),
        ("低保家庭年审表", "aid"), ("租户登记表", "tenants"), ("退役军人信息表", "veterans"),
        ("居民摸底表", "residents"), ("志愿者名单", ""),
    ],
)  # fmt: skip
def test_the_roster_of_a_form_is_guessed_by_its_title(hall: Hall, title: str, roster: str) -> None:
    hall.sets()
    assert hall.form(("姓名", "电话"), title).roster == roster


def test_what_a_person_says_of_the_rows_counts_more_than_the_title(hall: Hall) -> None:
    hall.sets()
    form = hall.form(("姓名", "电话"), "独居老人表", about=About(shaped="roster"))
    assert (form.shaped, form.roster) == ("roster", "")
    assert hall.form(("姓名", "电话"), "独居老人表", about=About(roster="elders")).roster == "elders"
    figures = hall.form(("街道", "老人数（人）", "补贴总额（元）"), "老人统计表")
    assert (figures.shaped, figures.roster) == ("figures", "")


def test_a_form_can_be_looked_at_before_anything_is_stored(hall: Hall) -> None:
    hall.sets()
    file = workbook(hall.files / "form.xlsx", {"表": elders()})
    form = actions.preview(hall.civil, hall.body("civil_affairs-98"), About(), file=file)
    assert (form.title, form.shaped, form.roster, len(form.current.shape)) == (
        "独居老年人巡访登记表", "roster", "alone", 10,
    )  # fmt: skip
    assert (Form.objects.count(), Workbook.objects.count(), FormEvent.objects.count()) == (0, 0, 0)
    with pytest.raises(Forbidden):
        actions.preview(hall.health, hall.body("civil_affairs-98"), About(), file=file)
