"""Hours saved are cells that data filled; forms nobody needs are named with the reason."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from citybrain.base.identity.actor import ANONYMOUS, SYSTEM
from citybrain.hub.forms.making import actions
from citybrain.hub.forms.making.actions import About
from citybrain.hub.forms.making.saved import Figure, Why, abolishable, saved
from citybrain.hub.forms.models import Form, Round, Sheet

from .conftest import Hall
from .test_admission import KNOWN
from .test_lists import sent

MARCH, APRIL = (
    datetime(2026, 3, 31, 17, 0, tzinfo=UTC),
    datetime(2026, 4, 20, tzinfo=UTC),
)  # 17:00 is 1 April there


def handed_in(
    hall: Hall, form: Form, code: str, cells: int, known: int, state: str, at: datetime | None
) -> None:
    sheet = sent(hall, form, code)
    Sheet.objects.filter(pk=sheet.pk).update(cells=cells, cells_known=known, state=state, submitted_at=at)


@pytest.fixture
def figures(hall: Hall) -> tuple[Form, Form]:
    hall.sets()
    one, other = hall.admitted(title="老人巡访表"), hall.admitted(("姓名", "残疾等级", "诉求"), "残疾人表")
    early = datetime(2026, 3, 10, tzinfo=UTC)
    handed_in(hall, one, "980101001001", 1000, 900, "accepted", early)
    handed_in(hall, one, "980101001002", 500, 300, "submitted", MARCH)
    handed_in(hall, other, "980101001001", 100, 0, "reviewed", APRIL)
    handed_in(hall, other, "980101002001", 4000, 4000, "filling", None)  # not handed in: nothing saved yet
    return one, other


def test_hours_are_cells_filled_by_data_times_the_seconds_of_a_cell(
    hall: Hall, figures: tuple[Form, Form], settings: object
) -> None:
    settings.FORMS_SECONDS_A_CELL = 30
    found = saved(hall.chief)
    assert found.total == Figure(sheets=3, areas=2, cells=1600, known=1200)
    assert (found.total.share, found.total.hours) == (0.75, 10.0)
    assert [(one.form, one.rounds, one.figure) for one in found.forms] == [
        (figures[0], 2, Figure(2, 2, 1500, 1200)), (figures[1], 1, Figure(1, 1, 100, 0)),
    ]  # fmt: skip
    assert found.months == (
        (date(2026, 3, 1), Figure(1, 1, 1000, 900)), (date(2026, 4, 1), Figure(2, 2, 600, 300)),
    )  # fmt: skip


def test_a_time_is_looked_at_from_its_first_moment_to_before_its_last(
    hall: Hall, figures: tuple[Form, Form]
) -> None:
    assert saved(hall.chief, since=MARCH).total.cells == 600
    assert saved(hall.chief, since=MARCH, until=APRIL).total.cells == 500
    assert saved(hall.chief, until=MARCH).total.cells == 1000
    nothing = saved(hall.chief, since=APRIL + timedelta(days=1))
    assert (nothing.total.share, nothing.total.hours, nothing.forms, nothing.months) == (0.0, 0.0, (), ())


def test_everybody_sees_the_hours_of_the_sheets_they_may_see(hall: Hall, figures: tuple[Form, Form]) -> None:
    stranger = hall.city.officer("li", "grid_leader", "980101002001", "subdistrict-980101002")
    cells = {
        hall.chief: 1600, hall.reviewer: 1600, hall.leader: 1100, hall.civil: 1100, hall.health: 0, stranger: 0,
        ANONYMOUS: 0,
    }  # fmt: skip
    assert {actor.name: saved(actor).total.cells for actor in cells} == {
        actor.name: count for actor, count in cells.items()
    }


def test_the_hours_take_four_statements_however_many_forms(hall: Hall, figures: tuple[Form, Form]) -> None:
    with CaptureQueriesContext(connection) as few:
        saved(hall.chief)
    for number in range(3):
        handed_in(hall, hall.admitted(title=f"表{number}"), "980101001001", 5, 1, "accepted", APRIL)
    with CaptureQueriesContext(connection) as many:
        assert len(saved(hall.chief).forms) == 5
    assert (len(few), len(many)) == (4, 4)


def test_forms_that_could_be_abolished_are_named_with_every_reason(hall: Hall) -> None:
    hall.sets()
    wide = hall.admitted(
        (*KNOWN, "希望的服务"), "老年人巡访表", about=About(purpose="x", basis="x", cycle="month")
    )
    known = hall.admitted(KNOWN, "老年人花名册")
    needed = hall.admitted(("姓名", "诉求", "家庭情况"), "居民诉求表")
    old = hall.admitted(
        ("店名", "消防隐患描述"), "商铺排查月报", about=About(purpose="x", basis="x", cycle="month")
    )
    now = timezone.now() + timedelta(days=60)
    Round.objects.filter(pk=sent(hall, wide).round_id).update(issued_at=now - timedelta(days=10))
    Form.objects.filter(pk=old.pk).update(decided_at=now - timedelta(days=90))
    found = abolishable(hall.chief, now)
    assert [(one.form, one.why, one.instead_id) for one in found] == [
        (known, (Why.KNOWN, Why.COVERED), wide.pk), (old, (Why.UNUSED,), None),
    ]  # fmt: skip
    assert found[0].instead == f"{wide.number} 老年人巡访表"
    assert found[0].assessment.share == 1.0
    assert needed not in [one.form for one in found]


def test_of_two_forms_that_ask_the_same_the_later_one_could_go(hall: Hall) -> None:
    hall.sets()
    first = hall.admitted((*KNOWN, "希望的服务"), "老年人巡访表")
    second = hall.admitted((*KNOWN, "希望的服务"), "老年人关爱表")
    assert [(one.form, one.why, one.instead_id) for one in abolishable(hall.chief)] == [
        (second, (Why.COVERED,), first.pk)
    ]


def test_a_form_called_off_was_not_used(hall: Hall) -> None:
    hall.sets()
    form = hall.admitted(("店名", "隐患"), "排查周报", about=About(purpose="x", basis="x", cycle="week"))
    now = timezone.now()
    Form.objects.filter(pk=form.pk).update(decided_at=now - timedelta(days=30))
    round_ = sent(hall, form).round
    Round.objects.filter(pk=round_.pk).update(issued_at=now - timedelta(days=3))
    assert abolishable(hall.chief, now) == []
    Round.objects.filter(pk=round_.pk).update(state="called_off")
    assert [one.why for one in abolishable(hall.chief, now)] == [(Why.UNUSED,)]


def test_whoever_neither_asks_nor_admits_is_named_no_form(hall: Hall) -> None:
    hall.sets()
    hall.admitted(KNOWN, "老年人花名册")
    hall.admitted(KNOWN, "和平老年人表", actor=SYSTEM, office="health-980101")
    titles = {
        actor.name: [one.form.title for one in abolishable(actor)]
        for actor in (hall.civil, hall.health, hall.chief, hall.leader, ANONYMOUS)
    }
    assert titles == {
        "min": ["老年人花名册"], "wei": ["和平老年人表"], "shou": ["和平老年人表", "老年人花名册"], "zhang": [],
        "匿名": [],
    }  # fmt: skip


def test_naming_them_takes_the_same_statements_for_few_and_many(hall: Hall) -> None:
    hall.sets()
    counts = []
    for number in range(3):
        hall.admitted(KNOWN, f"老年人花名册{number}")
        with CaptureQueriesContext(connection) as asked:
            abolishable(hall.chief)
        counts.append(len(asked))
    assert counts == [6, 6, 6]
    assert len(actions.unsettled(())) == 0
