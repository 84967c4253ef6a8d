"""The policy base: written by a department, published by another person, looked at again, found while typing."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from citybrain.base.identity.access import Forbidden
from citybrain.base.ledger.models import Entry
from citybrain.hub.hotline.answers import keeping
from citybrain.hub.hotline.answers.keeping import Given
from citybrain.hub.hotline.answers.looking import near_entries, search
from citybrain.hub.hotline.errors import BadInput, NotFound, NotNow
from citybrain.hub.hotline.models import KnowledgeEntry, KnowledgePair
from citybrain.hub.hotline.tests.conftest import Line

pytestmark = pytest.mark.django_db

HEAT = Given(
    title="供热不达标怎么申请减免",
    question="暖气不热，温度不够，能退钱吗",
    body="供热期内室内温度应当不低于18℃。连续两天低于18℃的，可以向供热单位申请减免热费。申请时应当携带测温记录。",
    source="市供热管理条例",
    source_number="市人大公告第8号",
    source_date=date(2024, 10, 1),
    valid_from=date(2024, 11, 1),
    review_on=date(2099, 1, 1),
    items=("020301",),
)
DOGS = replace(
    HEAT, title="养犬登记在哪里办", question="狗证怎么办", source="市养犬管理办法", items=(),
    body="养犬人应当到公安派出所办理登记。办理登记需要携带身份证和犬只免疫证明。",
)  # fmt: skip


def published(line: Line, given: Given = HEAT, keeper: str = "keeper") -> KnowledgeEntry:
    actor = line.actor(keeper)
    entry = keeping.write_entry(actor, actor.agency_id or 0, given)
    keeping.submit_entry(actor, entry.pk)
    return keeping.publish_entry(line.actor("manager"), entry.pk)


def test_an_entry_is_used_only_once_another_person_published_it(base: Line) -> None:
    operator, keeper = base.actor("operator"), base.actor("keeper")
    entry = keeping.write_entry(keeper, keeper.agency_id or 0, HEAT)
    assert near_entries(operator, "家里暖气不热") == []
    with pytest.raises(NotNow):
        keeping.publish_entry(base.actor("manager"), entry.pk)
    keeping.submit_entry(keeper, entry.pk)
    with pytest.raises(Forbidden):
        keeping.publish_entry(keeper, entry.pk)
    keeping.publish_entry(base.actor("manager"), entry.pk)
    found = near_entries(operator, "家里暖气不热，能申请减免吗")
    assert [(one.title, one.version, one.label) for one in found] == [
        (HEAT.title, 1, "市供热管理条例（市人大公告第8号），2024-10-01")
    ]
    steps = list(entry.events.values_list("action", "actor_name"))
    assert steps == [("write", "知识员甲"), ("submit", "知识员甲"), ("publish", "热线主管甲")]
    actions = (
        Entry.objects.filter(subject=f"knowledge:{entry.pk}").order_by("id").values_list("action", flat=True)
    )
    assert list(actions) == [
        "hotline.knowledge_write",
        "hotline.knowledge_submit",
        "hotline.knowledge_publish",
    ]


def test_who_wrote_a_version_cannot_publish_it_even_with_the_right(base: Line) -> None:
    manager = base.actor("manager")
    entry = keeping.write_entry(manager, base.agency("east_cm"), HEAT)
    keeping.submit_entry(manager, entry.pk)
    with pytest.raises(Forbidden, match="本人撰写"):
        keeping.publish_entry(manager, entry.pk)


def test_a_keeper_keeps_their_own_departments_entries_only(base: Line) -> None:
    entry = published(base)
    for change in (
        lambda: keeping.withdraw_entry(base.actor("keeper_west"), entry.pk, "过时"),
        lambda: keeping.write_entry(base.actor("keeper_west"), base.agency("east_cm"), HEAT),
        lambda: keeping.withdraw_entry(base.actor("operator"), entry.pk, "过时"),
    ):
        with pytest.raises(Forbidden):
            change()


def test_the_published_version_stays_in_use_while_a_new_one_is_written(base: Line) -> None:
    entry = published(base)
    newer = replace(HEAT, title="供热减免办法（新）", body="室内温度低于20℃的，可以申请减免热费。")
    keeping.revise_entry(base.actor("keeper"), entry.pk, newer, seen_version=1)
    operator = base.actor("operator")
    assert [one.version for one in near_entries(operator, "暖气不热减免热费")] == [1]
    with pytest.raises(NotNow):
        keeping.revise_entry(base.actor("keeper"), entry.pk, newer, seen_version=1)
    keeping.submit_entry(base.actor("keeper"), entry.pk)
    keeping.publish_entry(base.actor("manager"), entry.pk)
    found = near_entries(operator, "暖气不热减免热费")
    assert [(one.version, one.title) for one in found] == [(2, "供热减免办法（新）")]
    assert [one.number for one in entry.versions.all()] == [1, 2]


def test_expired_withdrawn_and_future_entries_are_not_found(base: Line) -> None:
    operator, today = base.actor("operator"), timezone.localdate()
    ended = replace(HEAT, valid_until=today - timedelta(days=1))
    coming = replace(HEAT, valid_from=today + timedelta(days=1))
    published(base, ended)
    published(base, coming)
    gone = published(base)
    assert [one.entry_id for one in near_entries(operator, "暖气不热")] == [gone.pk]
    assert [one.pk for one in search(operator, "热费")] == [gone.pk]
    keeping.withdraw_entry(base.actor("keeper"), gone.pk, "新条例施行")
    assert near_entries(operator, "暖气不热") == []
    assert search(operator, "热费") == []


def test_a_search_finds_what_holds_every_phrase_as_it_stands(base: Line) -> None:
    operator, heat, dogs = base.actor("operator"), published(base), published(base, DOGS)
    assert [one.pk for one in search(operator, "申请 热费")] == [heat.pk]
    assert [one.pk for one in search(operator, "免疫证明")] == [dogs.pk]
    assert [one.pk for one in search(operator, "犬")] == [dogs.pk]
    assert search(operator, "热费申请减") == []
    assert {one.pk for one in search(operator, "")} == {heat.pk, dogs.pk}
    assert [one.pk for one in search(base.actor("keeper"), "犬", every=True)] == [dogs.pk]


def test_drafts_are_seen_by_keepers_only(base: Line) -> None:
    keeper = base.actor("keeper")
    entry = keeping.write_entry(keeper, keeper.agency_id or 0, HEAT)
    seen = KnowledgeEntry.objects.visible_to
    assert list(seen(keeper)) == [entry]
    assert list(seen(base.actor("operator"))) == []
    with pytest.raises(NotFound):
        keeping.submit_entry(keeper, entry.pk + 1)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"title": " "}, "title"),
        ({"body": "。"}, "body"),
        ({"body": "字" * 20_001}, "body"),
        ({"source": ""}, "source"),
        ({"valid_until": date(2020, 1, 1)}, "valid_until"),
        ({"items": ("12",)}, "items"),
    ],
)
def test_what_is_missing_or_wrong_is_named(base: Line, change: dict[str, Any], name: str) -> None:
    keeper = base.actor("keeper")
    with pytest.raises(BadInput) as refused:
        keeping.write_entry(keeper, keeper.agency_id or 0, replace(HEAT, **change))
    assert refused.value.field == name


def test_reviews_are_reminded_of_once_a_week_until_confirmed(base: Line) -> None:
    now = timezone.now()
    today = timezone.localdate(now)
    entry = published(base, replace(HEAT, review_on=today + timedelta(days=10)))
    later = published(base, replace(DOGS, review_on=today + timedelta(days=60)))
    assert [keeping.tick(now), keeping.tick(now), keeping.tick(now + timedelta(days=7))] == [1, 0, 1]
    assert [one.pk for one in keeping.due_for_review(base.actor("keeper"))] == [entry.pk]
    assert keeping.due_for_review(base.actor("keeper_west")) == []
    keeping.confirm_entry(base.actor("keeper"), entry.pk, today + timedelta(days=365))
    assert keeping.due_for_review(base.actor("manager")) == []
    assert later.events.filter(action="remind").count() == 0


def test_fifty_thousand_entries_are_looked_through_in_few_index_rows(
    base: Line, django_assert_num_queries: Any
) -> None:
    entry = published(base)
    with (
        connection.cursor() as cursor
    ):  # 3,000 stand for many: what counts is that a common pair isn't followed
        cursor.execute(
            """INSERT INTO hotline_knowledgeentry (state, version, published_id, agency_id, title, items, valid_from,
                 review_on, words, changed_at)
               SELECT 'published', 1, published_id, agency_id, title || n, items, valid_from, review_on,
                 cases_bigrams('怎么办理' || chr(20000 + n) || chr(21000 + n)), changed_at
               FROM hotline_knowledgeentry, generate_series(1, 3000) n WHERE id = %s""",
            [entry.pk],
        )
    keeping.tick(timezone.now())
    assert KnowledgePair.objects.get(pair="办理").entries == 3000
    operator = base.actor("operator")
    with django_assert_num_queries(2):
        found = near_entries(operator, "暖气不热怎么办理减免热费")
    assert found[0].entry_id == entry.pk
