"""The door: what it answers, what it keeps before it answers, and what ends at once."""

import asyncio
from datetime import timedelta

import orjson
import pytest
from django.utils import timezone

from citybrain.base.catalogue.models import DataSet, Grant
from citybrain.base.exchange.delivery import calls, keys
from citybrain.base.exchange.delivery.door import Door
from citybrain.base.exchange.models import ApiKey, CallGroup, Usage
from citybrain.base.exchange.tests import lending
from citybrain.base.exchange.tests.calling import Caller, beside, info, opened, post
from citybrain.base.identity.actor import SYSTEM

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def people():
    data = lending.dataset()
    lending.serve(data.code, lending.SHAPE, lending.PEOPLE)
    return data


KEY = lending.PEOPLE[0][0]


def test_a_row_is_found_by_its_key_with_the_granted_fields_and_masks(people):
    _, key = lending.lend(people, ["name", "birth_date"], masks={"name": "name"})
    status, body = post("/v1/ga_population/by-key", key, {"key": KEY})
    assert status == 200
    assert body["row"] == {"name": "张**", "birth_date": "1991-01-01"}
    assert (body["dataset"], body["version"]) == ("ga_population", 7)


def test_the_receipt_is_committed_before_the_answer_and_names_no_number(people):
    grant, key = lending.lend(people, ["name"])
    _, body = post("/v1/ga_population/by-key", key, {"key": KEY})
    kept = CallGroup.objects.get()
    assert body["receipt"] == f"{kept.pk}.0"
    assert (kept.grant_id, kept.calls, kept.rows) == (grant.pk, 1, 1)
    assert KEY.encode() not in bytes(kept.body)
    ((_, what, rows, tokens),) = calls.unpack(bytes(kept.body))
    assert (what.dataset, what.version, what.mode, what.fields, rows) == (
        "ga_population",
        7,
        "key",
        ("name",),
        1,
    )
    assert len(tokens) == 1


def test_without_a_receipt_there_is_no_answer(people, monkeypatch):
    _, key = lending.lend(people, ["name"])
    monkeypatch.setattr("citybrain.base.exchange.delivery.committing._KEEP", "SELECT 1/0, 1")

    status, body = post("/v1/ga_population/by-key", key, {"key": KEY})
    assert (status, body["error"]) == (503, "no_receipt")
    assert "row" not in body
    assert not CallGroup.objects.exists()


def test_rows_outside_the_grants_limits_are_not_there(people):
    _, key = lending.lend(people, ["name", "sex"], conditions=[{"field": "sex", "op": "eq", "value": "1"}])

    async def work(caller):
        outside = await caller.post("/v1/ga_population/by-key", key, {"key": KEY})
        nobody = await caller.post("/v1/ga_population/by-key", key, {"key": "980101190001010000"})
        return outside, nobody

    outside, nobody = opened(work)
    assert outside[0] == nobody[0] == 404
    assert {k: v for k, v in outside[1].items() if k != "receipt"} == {
        k: v for k, v in nobody[1].items() if k != "receipt"
    }


ENDINGS = {
    "grant_revoked": lambda: Grant.objects.update(revoked_at=timezone.now()),
    "grant_expired": lambda: Grant.objects.update(valid_until=timezone.now()),
    "grant_not_yet": lambda: Grant.objects.update(valid_from=timezone.now() + timedelta(days=1)),
    "dataset_withdrawn": lambda: DataSet.objects.update(state="withdrawn"),
    "key_ended": lambda: keys.revoke_key(SYSTEM, ApiKey.objects.get()),
    "unknown_key": lambda: ApiKey.objects.all().delete(),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_whatever_ends_a_key_ends_it_at_the_very_next_call(people, ending):
    _, key = lending.lend(people, ["name"])

    async def work(caller):
        before = await caller.post("/v1/ga_population/by-key", key, {"key": KEY})
        await beside(ENDINGS[ending])
        return before, await caller.post("/v1/ga_population/by-key", key, {"key": KEY})

    before, after = opened(work)
    assert before[0] == 200
    assert (after[0], after[1]["error"]) == (401 if "key" in ending else 403, ending)
    assert CallGroup.objects.count() == 1


def test_a_changed_grant_holds_at_the_very_next_call(people):
    grant, key = lending.lend(people, ["name", "sex"])

    async def work(caller):
        first = await caller.post("/v1/ga_population/by-key", key, {"key": KEY})
        await beside(Grant.objects.filter(pk=grant.pk).update, fields=["sex"])
        return first, await caller.post("/v1/ga_population/by-key", key, {"key": KEY})

    first, second = opened(work)
    assert set(first[1]["row"]) == {"name", "sex"}
    assert second[1]["row"] == {"sex": "2"}


def test_a_new_serving_copy_answers_from_the_next_call_with_its_version(people):
    _, key = lending.lend(people, ["name"])
    newer = [(KEY, "李四", "1", "1990-01-01", 1)]

    async def work(caller):
        first = await caller.post("/v1/ga_population/by-key", key, {"key": KEY})
        await beside(lending.serve, "ga_population", lending.SHAPE, newer, 8)
        return first, await caller.post("/v1/ga_population/by-key", key, {"key": KEY})

    first, second = opened(work)
    assert (first[1]["version"], first[1]["row"]["name"]) == (7, "张小红")
    assert (second[1]["version"], second[1]["row"]["name"]) == (8, "李四")


def test_a_field_that_is_not_granted_is_refused_by_its_name_wherever_it_is_asked(people):
    _, key = lending.lend(people, ["name"])
    where = [{"field": "income", "op": "gt", "value": 1}]

    async def work(caller):
        return [
            await caller.post("/v1/ga_population/by-key", key, {"key": KEY, "fields": ["income"]}),
            await caller.post("/v1/ga_population/rows", key, {"where": where}),
            await caller.post("/v1/ga_population/rows", key, {"sort": "-income"}),
            await caller.post("/v1/ga_population/rows", key, {"fields": ["nothing"]}),
        ]

    found = opened(work)
    assert {(status, body["error"]) for status, body in found} == {(403, "field_not_granted")}
    texts = {body["message"].replace("nothing", "income") for _, body in found}
    assert texts == {"字段 income 不在授权范围内。可用字段：name。"}
    assert not CallGroup.objects.exists()


def test_pages_follow_each_other_without_gap_or_repeat(people):
    _, key = lending.lend(people, ["id_no", "income"], masks={"id_no": "idcard"})

    async def work(caller):
        seen, after, pages = [], None, 0
        while True:
            asked = {"sort": "-income", "limit": 7, "after": after}
            status, body = await caller.post("/v1/ga_population/rows", key, asked)
            assert status == 200
            seen += [row["income"] for row in body["rows"]]
            pages += 1
            after = body["after"]
            if after is None:
                return seen, pages

    seen, pages = opened(work)
    assert seen == sorted(seen, key=float, reverse=True)
    assert (len(set(seen)), len(seen), pages) == (40, 40, 6)


def test_a_cursor_shows_nothing_and_is_good_for_its_own_question_only(people):
    _, key = lending.lend(people, ["id_no", "name"])

    async def work(caller):
        _, body = await caller.post("/v1/ga_population/rows", key, {"limit": 5})
        other = {"limit": 5, "fields": ["name"], "after": body["after"]}
        return body["after"], await caller.post("/v1/ga_population/rows", key, other)

    cursor, (status, body) = opened(work)
    assert "9801" not in cursor
    assert (status, body["error"]) == (422, "bad_cursor")


def test_a_set_about_somebody_else_s_things_names_the_person_in_the_receipt_but_never_in_the_answer():
    cars = lending.dataset("ga_vehicle", lending.CARS)
    lending.serve(cars.code, lending.CARS, [("津A1", KEY, "正常"), ("津A2", None, "正常")])
    _, key = lending.lend(cars, ["status"])
    status, body = post("/v1/ga_vehicle/rows", key, {})
    assert (status, body["rows"]) == (200, [{"status": "正常"}, {"status": "正常"}])
    ((_, what, rows, tokens),) = calls.unpack(bytes(CallGroup.objects.get().body))
    assert (what.kind, rows, len(tokens)) == ("subject", 2, 1)


def test_the_daily_limit_is_exact_whatever_comes_at_once(people):
    _, key = lending.lend(people, ["name"], daily_rows=25)

    async def work(caller):
        asked = [caller.post("/v1/ga_population/by-key", key, {"key": row[0]}) for row in lending.PEOPLE]
        return await asyncio.gather(*asked)

    found = opened(work)
    assert sorted(status for status, _ in found) == [200] * 25 + [429] * 15
    assert {body["error"] for status, body in found if status == 429} == {"daily_limit"}
    assert Usage.objects.get().rows == 25
    assert sum(CallGroup.objects.values_list("rows", flat=True)) == 25


def test_the_rate_is_limited_for_all_processes_together(people):
    _, key = lending.lend(people, ["name"], rate_per_second=5)

    async def work(one):
        async def two(other):
            asked = [
                caller.post("/v1/ga_population/by-key", key, {"key": KEY})
                for caller in (one, other)
                for _ in range(10)
            ]
            return await asyncio.gather(*asked)

        door = Door(info(), "Asia/Shanghai", "secret")
        await door.open()
        try:
            return await two(Caller(door))
        finally:
            await door.close()

    found = opened(work)
    good = sum(status == 200 for status, _ in found)
    assert 5 <= good <= 10  # one second, or two when the clock strikes between
    assert {body["error"] for status, body in found if status == 429} == {"rate_limit"}


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("/v1/ga_population/by-key", [], (400, "bad_request")),
        ("/v1/ga_population/by-key", {}, (422, "bad_key")),
        ("/v1/ga_population/by-key", {"key": {"name": "x"}}, (422, "bad_key")),
        ("/v1/ga_population/by-key", {"key": "a\0b"}, (422, "bad_key")),
        ("/v1/ga_vehicle/by-key", {"key": KEY}, (404, "not_here")),
        ("/v1/nothing/rows", {}, (404, "not_here")),
        ("/v1/ga_population/rows", {"limit": 5000}, (422, "bad_limit")),
        ("/v1/ga_population/rows", {"after": "x"}, (422, "bad_cursor")),
        ("/v2", {}, (404, "not_here")),
    ],
)
def test_what_can_t_be_answered_is_told_in_one_way(people, path, body, expected):
    _, key = lending.lend(people, ["name"])
    status, found = post(path, key, body)
    assert (status, found["error"]) == expected


def test_a_mode_that_is_not_granted_is_refused(people):
    _, key = lending.lend(people, ["name"], modes=["key"])
    status, body = post("/v1/ga_population/rows", key, {})
    assert (status, body["error"]) == (403, "mode_not_granted")


def test_a_key_tells_what_it_opens_and_no_more(people):
    _, key = lending.lend(people, ["name"], masks={"name": "name"})
    status, body = opened(lambda caller: caller.send("GET", "/v1/ga_population", key))
    assert status == 200
    assert [one["name"] for one in body["fields"]] == ["name"]
    assert "id_no" not in orjson.dumps(body).decode()
