"""Machines knock: the same doors, typed answers, nothing beyond the key's rights."""

import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from citybrain.base.identity.access import Forbidden
from citybrain.base.identity.actor import SYSTEM
from citybrain.faces.gateway import clients
from citybrain.faces.gateway.models import ApiClient
from citybrain.hub.cases.models import Case
from citybrain.hub.cases.tests.conftest import Village, village  # noqa: F401 (a fixture)
from citybrain.hub.cases.tests.pictures import picture

Call = Callable[..., Any]


@pytest.fixture
def keys(village: Village) -> dict[str, str]:  # noqa: F811
    names = ("chief", "acceptor", "acceptor_west", "handler", "worker", "audit", "citizen")
    return {name: clients.issue_key(SYSTEM, village.people[name], f"{name}的系统") for name in names}


@pytest.fixture
def call(keys: dict[str, str]) -> Call:
    def made(who: str, method: str, path: str, body: Any = None, **more: Any) -> Any:
        client = Client(headers={"Authorization": f"Bearer {keys.get(who, who)}"})
        if method == "get":
            return client.get(f"/api/v1{path}", **more)
        return client.post(f"/api/v1{path}", json.dumps(body or {}), content_type="application/json", **more)

    return made


def a_report(**more: Any) -> dict[str, Any]:
    return {"description": "路边暴露垃圾", "area": "129801001001001", **more}


def test_a_report_gets_a_number_and_a_repeat_gets_the_same(call: Call) -> None:
    key = str(uuid.uuid4())
    first = call("citizen", "post", "/reports", a_report(submission_key=key))
    again = call("citizen", "post", "/reports", a_report(submission_key=key))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["number"] == again.json()["number"]
    assert (first.json()["created"], again.json()["created"]) == (True, False)
    assert Case.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"area": "129801"}, "description"),
        (a_report(description=7), "description"),
        (a_report(description="x" * 4001), "description"),
        (a_report(item="abc"), "item"),
        (a_report(item="999999"), "item_code"),
        (a_report(source="77"), "source"),
        (a_report(area="999"), "area"),
        (a_report(lon=500, lat=1), "lon"),
        (a_report(lon=117.1), "lat"),
        (a_report(photos=["x"]), "photos.0"),
        (a_report(submission_key="x"), "submission_key"),
        (a_report(descripton="misspelt"), "descripton"),
    ],
)
def test_a_wrong_type_or_code_is_named_and_nothing_is_written(
    call: Call, body: dict[str, Any], field: str
) -> None:
    answer = call("citizen", "post", "/reports", body)
    assert answer.status_code == 422
    assert answer.json()["field"] == field
    assert answer.json()["message"]
    assert not Case.objects.exists()


def test_a_text_loses_the_zero_sign_that_the_database_can_not_hold(call: Call) -> None:
    body = a_report(description="路灯\x00不亮", address="\x00", external_ref="a\x001")
    assert call("citizen", "post", "/reports", body).status_code == 201
    case = Case.objects.get()
    assert (case.description, case.address, case.external_ref) == ("路灯不亮", "", "a1")
    assert call("citizen", "post", "/reports", a_report(description="\x00")).json()["field"] == "description"


def test_what_is_no_json_is_told_so(keys: dict[str, str]) -> None:
    client = Client(headers={"Authorization": f"Bearer {keys['citizen']}"})
    answer = client.post("/api/v1/reports", b"\xff{", content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")


@pytest.mark.parametrize("who", ["cb_nonsense", "", "chief-without-prefix"])
def test_without_a_good_key_the_door_stays_shut(call: Call, who: str) -> None:
    for method, path in (("get", "/cases"), ("get", "/me"), ("post", "/reports"), ("get", "/map")):
        assert call(who, method, path).status_code == 401


def test_a_revoked_or_outlived_key_opens_nothing_at_once(call: Call, village: Village) -> None:  # noqa: F811
    assert call("chief", "get", "/me").status_code == 200
    clients.revoke_key(SYSTEM, ApiClient.objects.get(person=village.people["chief"]))
    assert call("chief", "get", "/me").status_code == 401
    ApiClient.objects.filter(person=village.people["worker"]).update(
        expires_at=timezone.now() - timedelta(seconds=1)
    )
    assert call("worker", "get", "/me").status_code == 401
    village.people["handler"].is_active = False
    village.people["handler"].save()
    assert call("handler", "get", "/me").status_code == 401


def test_a_key_is_kept_as_a_hash_and_given_by_who_manages_the_account(village: Village) -> None:  # noqa: F811
    with pytest.raises(Forbidden):
        clients.issue_key(village.actor("chief"), village.people["worker"], "x")
    key = clients.issue_key(SYSTEM, village.people["worker"], "x")
    assert not ApiClient.objects.filter(key_hash__contains=key).exists()
    assert ApiClient.objects.get(key_hash=clients.key_hash(key)).person == village.people["worker"]


def test_a_case_lives_its_whole_life_by_api(call: Call, village: Village, keys: dict[str, str]) -> None:  # noqa: F811
    number = call("citizen", "post", "/reports", a_report()).json()["number"]
    to = village.agencies["east_cm"].pk

    def step(who: str, key: str, **inputs: Any) -> Any:
        answer = call(who, "post", f"/cases/{number}/steps/{key}", {"inputs": inputs})
        assert answer.status_code == 200, answer.content
        return answer.json()

    step("acceptor", "file", item="010101")
    step("chief", "dispatch", agency=to)
    step("handler", "accept")
    bearer = Client(headers={"Authorization": f"Bearer {keys['handler']}"})
    from django.core.files.uploadedfile import SimpleUploadedFile

    photo = SimpleUploadedFile("after.jpg", picture(), "image/jpeg")
    token = bearer.post("/api/v1/photos", {"photo": photo, "kind": "after"}).json()["token"]
    step("handler", "feedback", reason="清了", photos=[token])
    assert step("acceptor", "close", solved=True)["state"] == "70"
    shown = call("citizen", "get", f"/reports/{number}").json()
    assert (shown["phase"], shown["headline"]) == ("done", "已解决")
    assert step("citizen", "rate", rating=4)["version"] == 7


def test_steps_are_exactly_those_that_the_key_may_take(call: Call) -> None:
    number = call("citizen", "post", "/reports", a_report()).json()["number"]
    steps = {one["key"] for one in call("acceptor", "get", f"/cases/{number}").json()["steps"]}
    assert steps == {"file", "request_verify", "reject", "merge", "cancel", "comment", "attach"}
    refused = call("worker", "post", f"/cases/{number}/steps/file", {"inputs": {"item": "010101"}})
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert "受理员" in refused.json()["message"]


def test_who_was_slower_is_told_who_was_faster(call: Call) -> None:
    number = call("citizen", "post", "/reports", a_report()).json()["number"]
    body = {"inputs": {"item": "010101"}, "version": 1}
    assert call("acceptor", "post", f"/cases/{number}/steps/file", body).status_code == 200
    late = call("chief", "post", f"/cases/{number}/steps/file", body)
    assert (late.status_code, late.json()["code"]) == (409, "conflict")
    assert "受理员甲" in late.json()["message"]


def test_another_area_is_nowhere_to_be_seen(call: Call) -> None:
    number = call("citizen", "post", "/reports", a_report()).json()["number"]
    for who in ("acceptor_west", "handler", "audit"):
        assert call(who, "get", f"/cases/{number}").status_code == 404
        assert (
            call(who, "post", f"/cases/{number}/steps/comment", {"inputs": {"reason": "x"}}).status_code
            == 404
        )
        assert number not in call(who, "get", "/cases").content.decode()
        assert number not in call(who, "get", "/map").content.decode()
        assert call(who, "get", "/figures/today").json()["reported"] == 0
    assert number in call("acceptor", "get", "/cases").content.decode()
    assert call("acceptor", "get", "/cases/counts").json()["to_file"] == 1


def test_the_reference_page_shows_every_operation(db: None, client: Client) -> None:
    page = client.get("/api/").content.decode()
    for path in ("/api/v1/reports", "/api/v1/cases/{number}/steps/{step}", "/api/v1/map"):
        assert path in page


def test_the_openapi_description_is_whole(client: Client) -> None:
    described = client.get("/api/v1/openapi.json").json()
    assert described["info"]["version"] == "1"
    report = described["paths"]["/api/v1/reports"]["post"]
    assert {"200", "201", "422"} <= set(report["responses"])
