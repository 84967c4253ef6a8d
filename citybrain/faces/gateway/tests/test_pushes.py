"""Systems push rows over the API: a typed call, a receipt, clear refusals, within a supplier's rights."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from citybrain.base.exchange import actions, pushing, runs
from citybrain.base.exchange.models import Push, Source
from citybrain.base.exchange.tests.lending import agency, dataset
from citybrain.base.exchange.tests.test_intake import SHAPE, stored
from citybrain.base.identity.actor import SYSTEM
from citybrain.base.identity.models import Person, RoleGrant
from citybrain.base.lake import staging
from citybrain.faces.gateway import clients
from citybrain.faces.gateway.api import api

pytestmark = pytest.mark.django_db
ZHANG, LI = "11010519491231002X", "34052419800101001X"
Call = Callable[..., Any]


@pytest.fixture
def source(lake_home: Path) -> Source:
    return actions.add_source(SYSTEM, dataset("people", SHAPE), agency("police"), name="推送", kind="push")


def officer(login: str, key: str) -> Person:
    """Return a data manager of an agency."""
    body = agency(key)
    person = Person.objects.create(kind="officer", login=login, name=login, agency=body)
    RoleGrant.objects.create(
        person=person, role="data_manager", area=body.area, agency=body, valid_from=timezone.localdate(),
        granted_at=timezone.now(),
    )  # fmt: skip
    return person


@pytest.fixture
def call(source: Source) -> Call:
    keys = {
        name: clients.issue_key(SYSTEM, officer(name, name), f"{name}的系统") for name in ("police", "civil")
    }

    def made(who: str, path: str, body: Any = None) -> Any:
        client = Client(headers={"Authorization": f"Bearer {keys.get(who, who)}"})
        if body is None:
            return client.get(f"/api/v1/data{path}")
        text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
        return client.post(f"/api/v1/data{path}", text, content_type="application/json")

    return made


def test_rows_are_pushed_stored_and_answered_for(call: Call) -> None:
    rows = f'[{{"id_no": "{ZHANG}", "name": "张三", "income": 12345678.10}}, {{"id_no": "坏"}}]'
    body = f'{{"rows": {rows}, "submission_key": "a"}}'
    first = call("police", "/people/rows", body)
    assert (first.status_code, first.json()["created"], first.json()["rows"]) == (202, True, 2)
    again = call("police", "/people/rows", body)
    assert (again.status_code, again.json()["push"], again.json()["created"]) == (
        200,
        first.json()["push"],
        False,
    )
    receipt = f"/pushes/{first.json()['push']}"
    assert call("police", receipt).json()["state"] == "accepted"
    staging.tick(timezone.now())
    while runs.work_one(timezone.now()):
        pass
    told = call("police", receipt).json()
    assert (told["state"], told["stored"], told["refused"], told["version"]) == ("done", 1, 1, 1)
    (refused,) = told["refused_rows"]
    assert (refused["row"], refused["state"]) == (1, "open")
    assert refused["problems"][0] == {
        "field": "id_no", "reason": "length", "message": "“公民身份号码”应为18个字，实为 1 字",
    }  # fmt: skip
    assert [(name, str(income)) for _, name, income in stored()] == [("张三", "12345678.10")]


def test_other_rows_under_the_same_key_and_a_full_queue_are_told_apart(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    call("police", "/people/rows", {"rows": [{"id_no": ZHANG}], "submission_key": "a"})
    changed = call("police", "/people/rows", {"rows": [{"id_no": LI}], "submission_key": "a"})
    assert (changed.status_code, changed.json()["code"], changed.json()["field"]) == (
        409,
        "changed",
        "submission_key",
    )
    monkeypatch.setattr(pushing, "WAITING_MOST", 0)
    busy = call("police", "/people/rows", {"rows": [{"id_no": LI}], "submission_key": "b"})
    assert (busy.status_code, busy["Retry-After"]) == (429, "10")
    assert Push.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"rows": []}, 422, "rows"),
        ({"rows": [{"id_no": ZHANG}] * 10_001}, 422, "rows"),
        ({"rows": ["x"]}, 422, "rows.0"),
        ({"rows": {"id_no": ZHANG}}, 422, "rows"),
        ({"rows": [{"id_no": ZHANG}], "nmae": 1}, 422, "nmae"),
        ({"rows": [{"id_no": ZHANG, "nmae": 1}]}, 422, "rows.0.nmae"),
        ({"rows": [{"id_no": ZHANG}], "submission_key": "x" * 81}, 422, "submission_key"),
        ({"rows": [{"id_no": ZHANG}], "source": "另一个"}, 404, ""),
        ('{"rows": [', 400, ""),
        ('{"rows": [{"id_no": "' + "x" * 2_600_000 + '"}]}', 413, ""),
        ('{"rows": [{"id_no": "\\u0000"}]}', 422, "rows.0.id_no"),
        ('{"rows": [{"name": "\\ud800"}]}', 400, ""),
        ({"rows": [{"id_no": ZHANG}], "ended": "perhaps"}, 422, "ended"),
    ],
)  # fmt: skip
def test_a_wrong_call_is_named_and_nothing_is_kept(call: Call, body: Any, status: int, field: str) -> None:
    answer = call("police", "/people/rows", body)
    assert (answer.status_code, answer.json()["field"]) == (status, field)
    assert answer.json()["message"]
    assert (Push.objects.count(), staging.waiting("people")) == (0, 0)


def test_every_wrong_cell_of_a_call_is_listed(call: Call) -> None:
    rows = [{"id_no": ZHANG, "a": 1}, {"id_no": LI, "b": 2}]
    told = call("police", "/people/rows", {"rows": rows}).json()
    assert [one["field"] for one in told["problems"]] == ["rows.0.a", "rows.1.b"]


def test_another_agency_can_neither_push_nor_look_nor_learn_that_there_is_something(call: Call) -> None:
    push = call("police", "/people/rows", {"rows": [{"id_no": ZHANG}]}).json()["push"]
    assert call("civil", "/people/rows", {"rows": [{"id_no": ZHANG}]}).status_code == 404
    assert call("civil", "/people/fields").status_code == 404
    there, nowhere = call("civil", f"/pushes/{push}"), call("civil", "/pushes/99999999")
    assert (there.status_code, there.json()) == (nowhere.status_code, nowhere.json()) == (404, there.json())
    assert call("cb_wrong", "/people/rows", {"rows": [{"id_no": ZHANG}]}).status_code == 401
    assert call("police", "/pushes/9" + "9" * 30).status_code in {404, 422}


def test_several_sources_of_one_set_must_be_told_apart(call: Call, source: Source) -> None:
    actions.add_source(SYSTEM, source.dataset, source.agency, name="另一个", kind="push")
    answer = call("police", "/people/rows", {"rows": [{"id_no": ZHANG}]})
    assert (answer.status_code, answer.json()["field"]) == (422, "source")
    assert call("police", "/people/rows", {"rows": [{"id_no": ZHANG}], "source": "另一个"}).status_code == 202


def test_whoever_builds_a_push_sees_its_fields_and_types(call: Call) -> None:
    told = call("police", "/people/fields").json()
    assert [(one["name"], one["type"], one["key"]) for one in told[0]["fields"]][:2] == [
        ("id_no", "char(18)", True),
        ("name", "varchar(50)", False),
    ]
    described = api.get_openapi_schema()
    assert "/api/v1/data/{code}/rows" in described["paths"]
    assert described["components"]["schemas"]["PushIn"]["properties"]["rows"]["maxItems"] == 10_000


def test_a_push_answers_in_few_statements(call: Call, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(22):
        call("police", "/people/rows", {"rows": [{"id_no": ZHANG}] * 50, "submission_key": "q"})
