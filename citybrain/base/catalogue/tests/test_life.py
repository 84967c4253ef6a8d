"""Entries: drafted, submitted, approved by another, revised, withdrawn; and what keeps one from being published."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from citybrain.base.catalogue import actions, lists
from citybrain.base.catalogue.entry import Meta
from citybrain.base.catalogue.models import DataSet, Event, Revision
from citybrain.base.catalogue.shape import Shape
from citybrain.base.identity.access import Forbidden
from citybrain.base.identity.actor import ANONYMOUS, SYSTEM
from citybrain.base.identity.errors import Refused
from citybrain.base.ledger.models import Entry

from .conftest import FIRMS, FIRMS_META, PEOPLE, PEOPLE_META, Office, firms_shape, people_shape


def drafted(office: Office, **changes) -> DataSet:
    meta = Meta.from_json({**PEOPLE_META, **changes})
    return actions.draft_dataset(office.police, office.body("police-98"), meta, people_shape())


def test_an_entry_is_published_by_another_than_who_submitted_it(office: Office):
    dataset = drafted(office)
    assert (dataset.state, dataset.grade, dataset.personal) == ("draft", 4, "sensitive")
    actions.submit(office.police, dataset)
    with pytest.raises(Forbidden):
        actions.approve(office.police, dataset)
    published = actions.approve(office.chief, dataset)
    assert (published.state, published.current.number, published.shape.names[0]) == ("published", 1, "id_no")
    assert list(Event.objects.values_list("action", flat=True).order_by("id")) == [
        "draft_dataset", "submit", "approve",
    ]  # fmt: skip
    assert Entry.objects.filter(subject="dataset:people").count() == 3


def test_who_submits_cannot_approve_even_as_chief(office: Office):
    dataset = drafted(office)
    actions.submit(office.chief, dataset)
    with pytest.raises(Forbidden, match="提交人"):
        actions.approve(office.chief, dataset)
    assert actions.approve(office.second_chief, dataset).state == "published"


def test_a_draft_sent_back_has_its_reason_and_can_be_submitted_again(office: Office):
    dataset = drafted(office)
    actions.submit(office.police, dataset)
    with pytest.raises(Refused):
        actions.reject(office.chief, dataset, " ")
    revision = actions.reject(office.chief, dataset, "请补充共享条件")
    dataset.refresh_from_db()
    assert (revision.returned_why, revision.state, dataset.state) == ("请补充共享条件", "draft", "draft")
    actions.submit(office.police, dataset)
    assert Revision.objects.get().returned_why == ""


def test_nobody_keeps_the_entries_of_another_agency(office: Office):
    with pytest.raises(Forbidden):
        actions.draft_dataset(
            office.market, office.body("police-98"), Meta.from_json(PEOPLE_META), people_shape()
        )
    dataset = drafted(office)
    for actor in (office.market, office.worker, office.auditor, ANONYMOUS):
        with pytest.raises(Forbidden):
            actions.revise(actor, dataset, Meta.from_json(PEOPLE_META), people_shape())
        with pytest.raises(Forbidden):
            actions.submit(actor, dataset)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"share_type": 1}, "“公民身份号码”是敏感个人信息，不能无条件共享。"),
        ({"share_type": 1}, "“姓名”“性别”是个人信息，不能无条件共享"),
        ({"open_type": 1}, "“公民身份号码”是敏感个人信息，不能向社会开放。"),
        ({"open_type": 2, "open_condition": "签协议"}, "“姓名”“性别”是个人信息，不能向社会开放"),
        ({"share_condition": ""}, "须写明共享条件"),
        ({"share_type": 3, "share_condition": ""}, "须写明依据"),
        ({"share_type": 3, "open_type": 1, "open_fields": ["region"]}, "不予共享的数据资源不能向社会开放"),
        ({"share_fields": ["nothing"]}, "没有信息项“nothing”"),
    ],
)
def test_what_grades_forbid_is_said_when_an_entry_is_submitted(office: Office, change, reason):
    dataset = drafted(office, **change)
    with pytest.raises(Refused) as refused:
        actions.submit(office.police, dataset)
    assert reason in str(refused.value)


def test_personal_fields_may_be_held_back_from_an_unconditional_set(office: Office):
    dataset = drafted(office, share_type=1, share_fields=["region"], open_type=1, open_fields=["region"])
    assert actions.submit(office.police, dataset).state == "approving"


def test_a_sensitive_field_of_a_low_grade_is_refused(office: Office):
    fields = [{**PEOPLE["fields"][0], "grade": 2}, *PEOPLE["fields"][1:]]
    dataset = actions.draft_dataset(
        office.police,
        office.body("police-98"),
        Meta.from_json(PEOPLE_META),
        Shape.from_json({"fields": fields}),
    )
    with pytest.raises(Refused, match="分级过低"):
        actions.submit(office.police, dataset)


def test_a_published_shape_only_grows_and_the_old_version_stays_until_approval(office: Office):
    office.sets()
    firms = DataSet.objects.get(code="firms")
    more = Shape.from_json(
        {"fields": [*FIRMS["fields"], {"name": "town", "zh": "城镇", "type": "varchar(20)"}]}
    )
    fewer = Shape.from_json({"fields": FIRMS["fields"][:2]})
    shorter = Shape.from_json(
        {"fields": [FIRMS["fields"][0], {**FIRMS["fields"][1], "type": "varchar(20)"}, FIRMS["fields"][2]]}
    )
    meta = Meta.from_json(FIRMS_META)
    with pytest.raises(Refused, match="“法定代表人”已发布，不能删除"):
        actions.revise(office.market, firms, meta, fewer)
    with pytest.raises(Refused, match="不能由 varchar"):
        actions.revise(office.market, firms, meta, shorter)
    actions.revise(office.market, firms, meta, more)
    actions.submit(office.market, firms)
    with pytest.raises(Refused, match="正在审批"):
        actions.revise(office.market, firms, meta, more)
    assert "town" not in DataSet.objects.get(code="firms").shape.names
    actions.approve(office.chief, firms)
    assert "town" in DataSet.objects.get(code="firms").shape.names
    assert list(firms.revisions.order_by("number").values_list("number", "state")) == [
        (1, "replaced"), (2, "published"),
    ]  # fmt: skip


def test_a_withdrawn_entry_leaves_the_catalogue_and_can_come_back(office: Office):
    people, _firms = office.sets()
    actions.withdraw(office.chief, people, "停止维护")
    assert "people" not in codes_seen(office.health)
    actions.publish(office.chief, people)
    assert "people" in codes_seen(office.health)


def codes_seen(actor) -> list[str]:
    return sorted(DataSet.objects.visible_to(actor).values_list("code", flat=True))


def test_a_draft_is_seen_by_who_keeps_approves_or_audits_it_alone(office: Office):
    office.sets()
    drafted(office, code="secret", name_zh="秘密草稿")
    assert codes_seen(office.police) == ["firms", "people", "secret"]
    assert codes_seen(office.chief) == ["firms", "people", "secret"]
    assert codes_seen(office.auditor) == ["firms", "people", "secret"]
    for actor in (office.market, office.health, office.street, office.worker):
        assert codes_seen(actor) == ["firms", "people"]
        assert [row.code for row in lists.search(actor, lists.Search(words="秘密")).rows] == []
        assert Revision.objects.visible_to(actor).filter(dataset__code="secret").count() == 0
    assert codes_seen(ANONYMOUS) == []
    assert Revision.objects.visible_to(office.police).filter(dataset__code="secret").count() == 1


def test_sets_are_found_by_name_part_field_code_provider_pinyin_and_initials(office: Office):
    office.sets()

    def found(words: str) -> list[str]:
        return [row.code for row in lists.search(office.worker, lists.Search(words=words)).rows]

    assert found("人口") == ["people"]
    assert found("主体登记") == ["firms"]
    assert found("法定代表人") == ["firms"]
    assert found("公安局") == ["people"]
    assert found("rkjb") == ["people"]
    assert found("renkou") == ["people"]
    assert found("100000/000001") == ["people"]
    assert found("信息 市场") == ["firms"]
    assert found("口人") == []
    assert found("%") == []
    assert found("' OR 1=1") == []
    assert found("") == ["people", "firms"]


def test_a_page_of_sets_takes_two_queries_however_many(office: Office):
    office.sets()
    for number in range(60):
        meta = Meta.from_json({**FIRMS_META, "code": f"firms{number:02d}", "name_zh": f"企业{number:02d}"})
        actions.publish_at_once(SYSTEM, office.body("market-98"), meta, firms_shape())
    with CaptureQueriesContext(connection) as asked:
        page = lists.search(office.street, lists.Search(words="企业", page=2))
        shown = [(row.name, row.provider.name, row.current.number) for row in page.rows]
    assert (page.total, page.pages, len(shown)) == (60, 2, 10)
    assert len(asked) == 2
    with CaptureQueriesContext(connection) as asked:
        found = lists.counts(office.chief)
    assert found == {
        "draft": 0,
        "approving": 0,
        "published": 62,
        "withdrawn": 0,
        "to_approve": 0,
        "to_decide": 0,
    }
    assert len(asked) == 3


def test_only_the_system_publishes_at_once(office: Office):
    with pytest.raises(Forbidden):
        actions.publish_at_once(
            office.chief, office.body("police-98"), Meta.from_json(PEOPLE_META), people_shape()
        )
