"""Calls that travel together: each gets its own, and what breaks one harms no other."""

import asyncio

import pytest
from django.db import connection

from citybrain.base.exchange.delivery import keys
from citybrain.base.exchange.delivery.compile import Asked
from citybrain.base.exchange.tests import lending
from citybrain.base.exchange.tests.calling import beside, opened

pytestmark = pytest.mark.django_db(transaction=True)
KEY = lending.PEOPLE[0][0]


@pytest.fixture
def people():
    data = lending.dataset()
    lending.serve(data.code, lending.SHAPE, lending.PEOPLE)
    return data


def test_calls_of_several_grants_at_once_each_get_their_own_and_one_that_is_broken_harms_no_other(people):
    cars = lending.dataset("ga_vehicle", lending.CARS)
    lending.serve(cars.code, lending.CARS, [("津A1", KEY, "正常")])
    gone = lending.dataset("gone", lending.CARS)
    table = lending.serve(gone.code, lending.CARS, [("津A1", KEY, "正常")])
    keys_of = [
        lending.lend(people, ["name"])[1],
        lending.lend(people, ["name"], masks={"name": "name"})[1],
        lending.lend(people, ["sex"], conditions=[{"field": "sex", "op": "eq", "value": "1"}])[1],
    ]
    car, broken = lending.lend(cars, ["status"])[1], lending.lend(gone, ["status"])[1]
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE serving.{table}")

    async def work(caller):
        asked = [
            caller.post(f"/v1/{code}/by-key", key, {"key": wanted})
            for _again in range(4)
            for key, code, wanted in [
                *((key, "ga_population", KEY) for key in keys_of),
                (car, "ga_vehicle", "津A1"),
                (broken, "gone", "津A1"),
            ]
        ]
        return await asyncio.gather(*asked)

    for turn in range(4):
        found = opened(work)[turn * 5 : turn * 5 + 5]
        assert [status for status, _ in found] == [200, 200, 404, 200, 503]
        assert [body.get("row") for _, body in found] == [
            {"name": "张小红"}, {"name": "张**"}, None, {"status": "正常"}, None,
        ]  # fmt: skip
        assert found[4][1]["error"] == "changing"


def test_many_keys_of_one_grant_go_in_few_statements_and_nobody_gets_another_s_row(people):
    _, key = lending.lend(people, ["id_no", "name"])

    async def work(caller):
        await caller.post("/v1/ga_population/by-key", key, {"key": KEY})
        wanted = [row[0] for row in lending.PEOPLE] + ["nobody", KEY, KEY]
        asked = [caller.post("/v1/ga_population/by-key", key, {"key": one}) for one in wanted]
        found = await asyncio.gather(*asked)
        return caller.door.lookups, wanted, found

    lookups, wanted, found = opened(work)
    assert [body.get("row", {}).get("id_no") for _, body in found] == [
        None if one == "nobody" else one for one in wanted
    ]
    assert (lookups.calls, lookups.statements <= 4) == (44, True)
    numbers = [body["receipt"] for _, body in found]
    assert len(set(numbers)) == 43


def test_a_query_that_takes_too_long_is_stopped_and_said_so(people, monkeypatch):
    monkeypatch.setattr("citybrain.base.exchange.delivery.door.FILTER_SECONDS", 1)
    _, key = lending.lend(people, ["name"])

    async def work(caller):
        plan = await caller.door._load(keys.key_hash(key))
        look = plan.by_filter(Asked(), None)
        look.sql = look.sql.replace(b" WHERE k.key_hash", b" CROSS JOIN pg_sleep(5) WHERE k.key_hash", 1)
        plan.by_filter = lambda _asked, _after: look
        answer = await caller.post("/v1/ga_population/rows", key, {})
        return answer, await caller.post("/v1/ga_population/by-key", key, {"key": KEY})

    (status, body), other = opened(work)
    assert (status, body["error"]) == (422, "too_slow")
    assert other[0] == 200


def test_a_lost_connection_is_told_and_made_anew(people):
    _, key = lending.lend(people, ["name"])

    async def work(caller):
        first = await caller.post("/v1/ga_population/by-key", key, {"key": KEY})
        await beside(kill_others)
        found = [await caller.post("/v1/ga_population/by-key", key, {"key": KEY}) for _ in range(4)]
        await asyncio.sleep(0.6)
        return first, found, await caller.post("/v1/ga_population/by-key", key, {"key": KEY})

    first, found, last = opened(work)
    assert (first[0], last[0]) == (200, 200)
    assert {status for status, _ in found} <= {200, 503}
    assert any(status == 503 for status, _ in found)
    assert last[1]["row"] == {"name": "张小红"}


def kill_others():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'citybrain data'"
        )
