"""Requests and grants: at once, decided in time, narrowed, refused, revoked; and who sees them."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from citybrain.base.catalogue import actions, grants, lists
from citybrain.base.catalogue.actions import Asked, Terms
from citybrain.base.catalogue.conditions import Condition
from citybrain.base.catalogue.entry import Meta
from citybrain.base.catalogue.models import Grant, Request
from citybrain.base.identity.access import Forbidden
from citybrain.base.identity.actor import ANONYMOUS, SYSTEM
from citybrain.base.identity.errors import Refused

from .conftest import PEOPLE_META, Office, people_shape


@pytest.fixture
def sets(office: Office):
    return office.sets()


def asked(**changes) -> Asked:
    return Asked(**{"purpose": "老年人健康管理", "fields": ["id_no", "name"], "modes": ["key"], **changes})


def ask(office: Office, dataset, **changes) -> Request:
    return actions.ask(office.health, dataset, office.body("health-98"), asked(**changes))


def test_unconditional_fields_are_granted_at_once_under_their_masks(office: Office, sets):
    request = ask(office, sets[1], fields=["name", "uscc"], modes=["key", "batch"])
    grant = request.grants.get()
    assert (request.state, request.due_at, grant.fields, grant.masks) == (
        "granted",
        None,
        ["uscc", "name"],
        {},
    )
    policy = grants.policy(Grant.objects.select_related("dataset").get())
    assert (policy.dataset_code, policy.fields, policy.modes) == ("firms", ("uscc", "name"), {"key", "batch"})
    assert policy.number.startswith("GR2")


def test_a_personal_field_of_an_unconditional_set_waits_for_the_supplier(office: Office, sets):
    assert ask(office, sets[1], fields=["uscc", "boss"]).state == "asked"


def test_a_conditional_request_waits_ten_working_days_at_most(office: Office, sets, monkeypatch):
    now = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)  # a Wednesday, 10:00
    monkeypatch.setattr("citybrain.base.catalogue.actions.lending.timezone.now", lambda: now)
    request = ask(office, sets[0])
    assert (request.state, request.due_at) == ("asked", datetime(2026, 3, 18, 2, 0, tzinfo=UTC))
    assert list(lists.overdue(office.police, now + timedelta(days=14))) == []
    late = lists.overdue(office.police, now + timedelta(days=14, seconds=1))
    assert [one.number for one in late] == [request.number]


def test_the_supplier_narrows_what_is_granted_and_never_widens_it(office: Office, sets):
    request = ask(
        office,
        sets[0],
        fields=["id_no", "name", "region"],
        plain=["name"],
        until=date(2030, 1, 1) - timedelta(days=700),
    )
    with pytest.raises(Refused, match="超出申请"):
        actions.decide(office.police, request, grant=True, terms=Terms(fields=["id_no", "sex"]))
    terms = Terms(
        fields=["id_no", "region"],
        conditions=[Condition("region", "prefix", "980101")],
        daily_rows=500,
        rate_per_second=5,
    )
    actions.decide(office.police, request, grant=True, reason="同意", terms=terms)
    grant = Grant.objects.select_related("dataset").get()
    policy = grants.policy(grant)
    assert policy.fields == ("id_no", "region")
    assert policy.masks == {"id_no": "idcard"}
    assert policy.conditions == (Condition("region", "prefix", "980101"),)
    assert (policy.daily_rows, policy.rate_per_second) == (500, 5)
    assert Request.objects.get().clock["stopped_at"] is not None


def test_plain_fields_lose_their_mask_only_when_granted(office: Office, sets):
    request = ask(office, sets[0], plain=["name"])
    actions.decide(office.police, request, grant=True)
    assert Grant.objects.get().masks == {"id_no": "idcard"}


def test_a_refusal_needs_a_reason_and_nothing_is_decided_twice(office: Office, sets):
    request = ask(office, sets[0])
    with pytest.raises(Refused, match="理由"):
        actions.decide(office.police, request, grant=False)
    actions.decide(office.police, request, grant=False, reason="用途不明")
    with pytest.raises(Refused, match="jing处理：已拒绝"):
        actions.decide(office.police, request, grant=True)
    assert Grant.objects.count() == 0


def test_only_the_supplier_decides(office: Office, sets):
    request = ask(office, sets[0])
    for actor in (office.health, office.market, office.street, office.worker, office.auditor, ANONYMOUS):
        with pytest.raises(Forbidden):
            actions.decide(actor, request, grant=True)
    assert actions.decide(office.chief, request, grant=True).state == "granted"


def test_nobody_asks_in_the_name_of_another_agency(office: Office, sets):
    with pytest.raises(Forbidden):
        actions.ask(office.street, sets[0], office.body("health-98"), asked())


def test_a_set_that_is_not_shared_is_refused_with_its_ground(office: Office):
    meta = Meta.from_json({**PEOPLE_META, "share_type": 3, "share_condition": "涉及国家安全"})
    dataset, _ = actions.publish_at_once(SYSTEM, office.body("police-98"), meta, people_shape())
    with pytest.raises(Refused, match="不予共享：涉及国家安全"):
        ask(office, dataset)
    assert Request.objects.count() == 0


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"purpose": " "}, "purpose"),
        ({"fields": []}, "fields"),
        ({"fields": ["id_no", "salary"]}, "fields"),
        ({"fields": ["name"]}, "fields"),
        ({"fields": ["name"], "modes": ["changes"]}, "fields"),
        ({"modes": []}, "modes"),
        ({"modes": ["everything"]}, "modes"),
        ({"conditions": [Condition("sex", "eq", "1")]}, "conditions"),
        ({"plain": ["sex"]}, "plain"),
        ({"until": date(2020, 1, 1)}, "until"),
        ({"until": date(2099, 1, 1)}, "until"),
        ({"daily_limit": 0}, "daily_limit"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_field(office: Office, sets, change, field):
    with pytest.raises(Refused) as refused:
        ask(office, sets[0], **change)
    assert [problem.field for problem in refused.value.problems] == [field]


def test_a_grant_stops_when_it_is_revoked_ends_or_its_set_is_withdrawn(office: Office, sets):
    today = timezone.localdate()
    actions.decide(office.police, ask(office, sets[0], until=today), grant=True)
    grant = Grant.objects.select_related("dataset").get()
    now = timezone.now()
    assert grants.live(grant, now)
    assert grants.live_grants(now).count() == 1
    assert grants.why_not_live(grant, grant.valid_until) == "expired"
    assert grants.live(grant, grant.valid_until - timedelta(microseconds=1))
    with pytest.raises(Forbidden):
        actions.revoke(office.market, grant, "好奇")
    actions.revoke(office.police, grant, "用途变更")
    grant = Grant.objects.select_related("dataset").get()
    assert grants.why_not_live(grant, timezone.now()) == "revoked"
    with pytest.raises(Refused, match="撤销"):
        actions.revoke(office.police, grant, "再次")
    ask(office, sets[1], fields=["uscc"])
    actions.withdraw(office.chief, sets[1], "停用")
    assert grants.live_grants(timezone.now()).count() == 0


def test_a_holder_may_give_a_grant_back(office: Office, sets):
    ask(office, sets[1], fields=["uscc"])
    assert actions.revoke(office.health, Grant.objects.get(), "不再需要").revoked_at is not None


def test_a_request_can_be_taken_back_until_it_is_decided(office: Office, sets):
    request = ask(office, sets[0])
    with pytest.raises(Forbidden):
        actions.withdraw_request(office.police, request)
    assert actions.withdraw_request(office.health, request).state == "withdrawn"
    with pytest.raises(Refused):
        actions.decide(office.police, request, grant=True)


def test_requests_and_grants_are_seen_by_both_sides_and_audit_alone(office: Office, sets):
    actions.decide(office.police, ask(office, sets[0]), grant=True)
    for actor in (office.health, office.police, office.chief, office.auditor):
        assert (lists.requests(actor).count(), lists.grants(actor).count()) == (1, 1)
    for actor in (office.market, office.street, office.worker, ANONYMOUS):
        assert (lists.requests(actor).count(), lists.grants(actor).count()) == (0, 0)
    assert (
        lists.grants(office.health, held=True).count(),
        lists.grants(office.police, held=True).count(),
    ) == (1, 0)


def test_lists_of_requests_and_grants_take_two_queries(office: Office, sets):
    for _ in range(5):
        ask(office, sets[0])
        ask(office, sets[1], fields=["uscc"])
    with CaptureQueriesContext(connection) as queries:
        page = lists.page_of(lists.to_decide(office.police), 1)
        shown = [(row.dataset.provider.name, row.agency.name, row.person.name) for row in page.rows]
    assert (len(shown), len(queries)) == (5, 2)
    with CaptureQueriesContext(connection) as queries:
        page = lists.page_of(lists.grants(office.health), 1)
        shown = [(row.dataset.name, row.dataset.provider.name, row.agency.name) for row in page.rows]
    assert (len(shown), len(queries)) == (5, 2)
    with CaptureQueriesContext(connection) as queries:
        page = lists.page_of(lists.requests(office.health), 1)
        shown = [(row.dataset.provider.name, row.agency.name) for row in page.rows]
    assert (len(shown), len(queries)) == (10, 2)
