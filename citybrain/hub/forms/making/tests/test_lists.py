"""Lists of forms show what the reader may see, in a fixed number of statements."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from citybrain.base.identity.actor import ANONYMOUS, SYSTEM, Actor
from citybrain.hub.forms.making import actions, lists
from citybrain.hub.forms.making.lists import Sought
from citybrain.hub.forms.models import Form, Round, Sheet

from .conftest import ELDERS, Hall


def sent(hall: Hall, form: Form, code: str = "980101001001") -> Sheet:
    """A round of the form with the sheet of one community."""
    area = hall.city.areas[code]
    now = timezone.now()
    round_ = Round.objects.create(
        form=form, version=form.current, office=form.office, root=hall.city.areas["98"], level=4, issued_at=now,
        due_at=now, key_seed=b"x", number=f"R{form.pk}{code}",
    )  # fmt: skip
    return Sheet.objects.create(
        round=round_, area=area, city=hall.city.areas["98"], district=hall.city.areas[code[:6]],
        street=hall.city.areas[code[:9]], community=area,
    )  # fmt: skip


@pytest.fixture
def forms(hall: Hall) -> dict[str, Form]:
    """A form in each state, of two offices."""
    hall.sets()
    admitted = hall.admitted(title="老人巡访月报")
    sent(hall, admitted)
    asking = actions.ask_admission(hall.civil, hall.form(title="补贴发放表"))
    district = hall.form(("姓名", "慢病情况"), "慢病随访表", actor=hall.health, office="health-980101")
    return {"admitted": admitted, "asking": asking, "district": district, "draft": hall.form(title="草稿")}


def seen(actor: Actor, **wanted: object) -> set[str]:
    return {one.title for one in lists.search(actor, Sought(**wanted)).rows}


def test_a_form_is_seen_by_its_office_by_who_admits_and_where_it_is_filled(
    hall: Hall, forms: dict[str, Form]
) -> None:
    civil = {"老人巡访月报", "补贴发放表", "草稿"}
    stranger = hall.city.officer("li", "grid_leader", "980101002001", "subdistrict-980101002")
    expected = (
        (hall.civil, civil),
        (hall.health, {"慢病随访表"}),
        (hall.chief, civil | {"慢病随访表"}),
        (hall.second, {"慢病随访表"}),
        (hall.leader, {"老人巡访月报"}),
        (hall.reviewer, {"老人巡访月报"}),
        (stranger, set()),
        (ANONYMOUS, set()),
        (SYSTEM, civil | {"慢病随访表"}),
    )
    for actor, titles in expected:
        assert seen(actor) == titles, actor.name
        assert sum(value for key, value in lists.counts(actor).items() if key != "to_decide") == len(titles)
        for form in forms.values():
            shown = form.title in titles
            assert (lists.find(actor, form.pk) is not None) == shown
            assert bool(lists.events(actor, form)) == shown
            assert bool(lists.versions(actor, form)) == shown
            assert bool(lists.candidates(actor, form)) == shown


def test_a_search_does_not_find_what_may_not_be_seen(hall: Hall, forms: dict[str, Form]) -> None:
    draft = forms["draft"]
    for wanted in (
        {"words": "草稿"},
        {"words": draft.number},
        {"state": "draft"},
        {"office_id": draft.office_id},
    ):
        assert "草稿" in seen(hall.civil, **wanted)
        assert "草稿" not in seen(hall.leader, **wanted) | seen(hall.health, **wanted)


def test_forms_are_found_by_words_state_office_and_cycle(hall: Hall, forms: dict[str, Form]) -> None:
    assert seen(hall.chief, words="月报 民政局") == {"老人巡访月报"}
    assert seen(hall.chief, words=forms["district"].number.lower()) == {"慢病随访表"}
    assert seen(hall.chief, words="巡访\x00 不存在") == set()
    assert seen(hall.chief, state="asking") == {"补贴发放表"}
    assert seen(hall.chief, office_id=hall.body("health-980101").pk) == {"慢病随访表"}
    assert seen(hall.chief, cycle="month") == set()
    assert seen(hall.chief, mine=True) == set()
    assert seen(hall.health, mine=True) == {"慢病随访表"}
    titles = [one.title for one in lists.search(hall.civil, Sought()).rows]
    assert titles == ["草稿", "补贴发放表", "老人巡访月报"]  # the newest first
    assert lists.counts(hall.chief) == {
        "draft": 2, "asking": 1, "admitted": 1, "refused": 0, "retired": 0, "to_decide": 1,
    }  # fmt: skip


def test_what_waits_for_a_word_is_shown_to_who_may_give_it(hall: Hall, forms: dict[str, Form]) -> None:
    assert list(lists.to_decide(hall.chief)) == [forms["asking"]]
    for actor in (hall.civil, hall.second, hall.leader, ANONYMOUS):
        assert list(lists.to_decide(actor)) == []


def test_lists_take_the_same_statements_for_few_forms_and_for_many(
    hall: Hall, forms: dict[str, Form]
) -> None:
    def counted() -> list[int]:
        found = []
        for call in (
            lambda: [str(one.office) + str(one.current) for one in lists.search(hall.chief, Sought()).rows],
            lambda: lists.counts(hall.chief),
            lambda: [str(one.office) for one in lists.to_decide(hall.chief)],
            lambda: lists.remembered(hall.civil),
            lambda: [str(one.kind) + str(one.area) for one in lists.offices(hall.civil)],
            lambda: lists.fields(hall.civil, "姓名"),
            lambda: lists.candidates(hall.civil, forms["draft"]),
            lambda: lists.events(hall.civil, forms["admitted"]),
        ):
            with CaptureQueriesContext(connection) as asked:
                call()
            found.append(len(asked))
        return found

    before = counted()
    for number in range(4):
        actions.ask_admission(hall.civil, hall.form(title=f"又一张{number}"))
    assert before == counted() == [2, 2, 1, 2, 1, 1, 3, 1]


def test_the_offices_one_drafts_for_are_ones_own(hall: Hall) -> None:
    assert [one.key for one in lists.offices(hall.civil)] == ["civil_affairs-98"]
    assert [one.key for one in lists.offices(hall.health)] == ["health-980101"]
    for actor in (hall.leader, hall.chief, ANONYMOUS):
        assert list(lists.offices(actor)) == []


def test_fields_to_choose_from_are_found_by_their_name_and_set(hall: Hall) -> None:
    hall.sets()
    found = [(one.key, one.dataset_zh) for one in lists.fields(hall.civil, "姓名")]
    assert found == [
        ("cl_disabled.name", "残疾人证信息"), ("ga_population.name", "户籍人口基本信息"),
        ("mz_key_elder.name", "重点关爱老年人名册"),
    ]  # fmt: skip
    assert [one.key for one in lists.fields(hall.civil, "残疾 等级")] == ["cl_disabled.level"]
    assert lists.fields(hall.civil, "  ") == lists.fields(ANONYMOUS, "姓名") == []
    assert len(lists.fields(hall.civil, "老年人", limit=3)) == 3


def test_candidates_of_a_column_come_with_confidence_and_reasons(hall: Hall) -> None:
    hall.sets()
    form = hall.form(ELDERS)
    found = lists.candidates(hall.civil, form)
    assert list(found) == ["A", "B", "C", "D", "E", "F", "G", "H", "I", "J"]
    assert found["A"] == []
    first = found["F"][0]
    assert (first.key, first.field_zh, first.confidence > 0.9, "same_meaning" in first.why) == (
        "mz_key_elder.disability_level", "失能等级", True, True,
    )  # fmt: skip
    assert [one.confidence for one in found["B"]] == sorted(
        (one.confidence for one in found["B"]), reverse=True
    )
