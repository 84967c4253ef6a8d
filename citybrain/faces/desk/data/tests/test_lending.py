"""Asking, deciding, keys, revoking: who may what on the desk, what a page tells, and what it costs."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from citybrain.base.catalogue.models import Grant, Request
from citybrain.base.exchange.delivery import copies
from citybrain.base.exchange.models import ApiKey
from citybrain.faces.desk.data.tests.conftest import Exchange

ASK = "/desk/data/sets/ga_population/ask/"
SIDES = ("asker", "supplier", "supplier2", "chief", "auditor")


def asked(exchange: Exchange, **more: Any) -> dict[str, Any]:
    """Return a request for three fields as the form sends it."""
    return {
        "agency": str(exchange.asking.pk), "purpose": "核验高龄津贴申请人户籍",
        "fields_asked": ["id_no", "name", "hukou_region"], "modes": ["key", "filter"],
        "until": (timezone.localdate() + timedelta(days=30)).isoformat(), **more,
    }  # fmt: skip


@pytest.fixture
def request_made(exchange: Exchange) -> Request:
    answer = exchange.client("asker").post(ASK, asked(exchange))
    assert answer.status_code == 302, answer.content.decode()
    return Request.objects.get()


@pytest.fixture
def grant_given(exchange: Exchange, request_made: Request) -> Grant:
    form = {"fields_given": ["id_no", "name"], "modes": ["key"], "word": "grant", "reason": ""}
    answer = exchange.client("supplier").post(f"/desk/data/requests/{request_made.number}/", form)
    assert answer.status_code == 302, answer.content.decode()
    return Grant.objects.get()


def test_a_request_waits_for_the_supplier_with_its_clock(exchange: Exchange, request_made: Request) -> None:
    assert request_made.state == "asked"
    assert request_made.fields == ["id_no", "name", "hukou_region"]
    page = exchange.client("supplier").get("/desk/data/requests/").content.decode()
    assert request_made.number in page
    assert "还剩" in page
    text = exchange.client("supplier").get(f"/desk/data/requests/{request_made.number}/").content.decode()
    assert "核验高龄津贴申请人户籍" in text
    assert 'value="grant"' in text
    assert (
        'value="grant"'
        not in exchange.client("asker").get(f"/desk/data/requests/{request_made.number}/").content.decode()
    )


def test_what_is_wrong_with_a_request_is_told_beside_the_field(exchange: Exchange) -> None:
    client = exchange.client("asker")
    without_key = client.post(ASK, asked(exchange, fields_asked=["name"]))
    assert without_key.status_code == 422
    assert "须包含主键信息项" in without_key.content.decode()
    outside = client.post(ASK, asked(exchange, where_0_field="sex", where_0_op="eq", where_0_value="1"))
    assert outside.status_code == 422
    assert "行条件只能使用所申请的信息项" in outside.content.decode()
    other = client.post(ASK, asked(exchange, agency=str(exchange.people.provider_id)))
    assert other.status_code == 422
    assert Request.objects.count() == 0


def test_conditions_are_kept_as_typed_and_told_in_words(exchange: Exchange) -> None:
    typed = {"where_0_field": "hukou_region", "where_0_op": "prefix", "where_0_value": "980101"}
    exchange.client("asker").post(ASK, asked(exchange, **typed))
    made = Request.objects.get()
    assert made.conditions == [{"field": "hukou_region", "op": "prefix", "value": "980101"}]
    text = exchange.client("supplier").get(f"/desk/data/requests/{made.number}/").content.decode()
    assert "户籍区划 开头是 980101" in text


def test_what_is_not_shared_is_refused_at_once_with_its_ground(exchange: Exchange) -> None:
    client = exchange.client("asker")
    text = client.get("/desk/data/sets/wx_data_filing/ask/").content.decode()
    assert "该数据资源不予共享" in text
    assert exchange.refused.share_condition in text
    assert '<form class="card"' not in text
    client.post("/desk/data/sets/wx_data_filing/ask/", asked(exchange, fields_asked=["filing_no"]))
    assert Request.objects.count() == 0


def test_what_is_free_is_granted_at_once(exchange: Exchange) -> None:
    answer = exchange.client("asker").post(
        "/desk/data/sets/jt_bridge/ask/", asked(exchange, fields_asked=["bridge_id"])
    )
    assert answer.status_code == 302
    assert Grant.objects.get().dataset_id == exchange.bridges.pk


def test_a_refusal_needs_a_reason_and_the_asker_reads_it(exchange: Exchange, request_made: Request) -> None:
    address = f"/desk/data/requests/{request_made.number}/"
    client = exchange.client("supplier")
    assert client.post(address, {"word": "refuse", "reason": ""}).status_code == 422
    client.post(address, {"word": "refuse", "reason": "与职责无关"})
    request_made.refresh_from_db()
    assert request_made.state == "refused"
    assert "与职责无关" in exchange.client("asker").get(address).content.decode()


def test_the_supplier_grants_less_than_was_asked(exchange: Exchange, grant_given: Grant) -> None:
    assert (grant_given.fields, grant_given.modes) == (["id_no", "name"], ["key"])
    assert grant_given.masks == {"id_no": "idcard", "name": "name"}


def test_requests_and_grants_are_seen_by_both_sides_and_nobody_else(
    exchange: Exchange, request_made: Request, grant_given: Grant
) -> None:
    pages = (f"/desk/data/requests/{request_made.number}/", f"/desk/data/grants/{grant_given.number}/")
    for address in pages:
        for key in SIDES:
            assert exchange.client(key).get(address).status_code == 200, (key, address)
        assert exchange.client("stranger").get(address).status_code == 404
        assert exchange.client("worker").get(address).status_code == 403
    listed = re.compile(r"/desk/data/(?:requests|grants)/((?:SQ|GR)\d+)/")
    lists = (
        "requests/?list=made",
        "requests/?list=received",
        "requests/?list=decide",
        "grants/",
        "grants/?list=given",
    )
    for address in lists:
        text = exchange.client("stranger").get(f"/desk/data/{address}").content.decode()
        assert listed.findall(text) == [], address
        assert exchange.client("worker").get(f"/desk/data/{address}").status_code == 403, address
    held = exchange.client("asker").get("/desk/data/grants/").content.decode()
    assert set(listed.findall(held)) == {grant_given.number}


def test_only_the_supplier_decides_and_not_twice(exchange: Exchange, request_made: Request) -> None:
    address = f"/desk/data/requests/{request_made.number}/"
    word = {"word": "grant", "fields_given": ["id_no"], "modes": ["key"]}
    assert exchange.client("asker").post(address, word).status_code == 403
    assert exchange.client("auditor").post(address, word).status_code == 403
    assert exchange.client("stranger").post(address, word).status_code == 404
    assert exchange.client("supplier").post(address, word).status_code == 302
    assert exchange.client("supplier2").post(address, word).status_code == 422
    assert Grant.objects.count() == 1


def test_a_key_is_shown_once_and_only_to_who_receives(exchange: Exchange, grant_given: Grant) -> None:
    address = f"/desk/data/grants/{grant_given.number}/"
    answer = exchange.client("asker").post(f"{address}keys/", {"label": "津贴系统"})
    found = re.search(r"data-one-time>(cbd_[\w-]+)<", answer.content.decode())
    assert found is not None
    assert f"Bearer {found[1]}" in answer.content.decode().replace("&quot;", '"')
    again = exchange.client("asker").get(address).content.decode()
    assert found[1] not in again
    assert found[1][:10] in again
    assert found[1][:10] not in exchange.client("supplier").get(address).content.decode()
    assert exchange.client("supplier").post(f"{address}keys/", {"label": "x"}).status_code == 403
    assert list(copies.wanted(timezone.now())) == ["ga_population"], "calls need a copy to look in"
    key = ApiKey.objects.get()
    assert exchange.client("supplier").post(f"{address}keys/{key.pk}/end/").status_code == 403
    exchange.client("asker").post(f"{address}keys/{key.pk}/end/")
    key.refresh_from_db()
    assert key.revoked_at is not None


def test_revoking_needs_a_reason_and_ends_the_grant(exchange: Exchange, grant_given: Grant) -> None:
    address = f"/desk/data/grants/{grant_given.number}/"
    exchange.client("supplier").post(f"{address}revoke/", {"why": " "})
    grant_given.refresh_from_db()
    assert grant_given.revoked_at is None
    assert exchange.client("stranger").post(f"{address}revoke/", {"why": "x"}).status_code == 404
    assert exchange.client("auditor").post(f"{address}revoke/", {"why": "x"}).status_code == 403
    exchange.client("supplier").post(f"{address}revoke/", {"why": "事项已取消"})
    text = exchange.client("asker").get(address).content.decode()
    assert "已撤销：事项已取消" in text
    assert "开一把密钥" not in text


def test_a_request_is_taken_back_by_who_made_it(exchange: Exchange, request_made: Request) -> None:
    address = f"/desk/data/requests/{request_made.number}/withdraw/"
    assert exchange.client("supplier").post(address).status_code == 403
    assert exchange.client("asker").post(address).status_code == 302
    request_made.refresh_from_db()
    assert request_made.state == "withdrawn"


def test_pages_take_their_number_of_queries(
    exchange: Exchange, request_made: Request, grant_given: Grant, quiet: Callable[[], None],
    django_assert_num_queries: Any,
) -> None:  # fmt: skip
    for key, address, queries in (
        ("supplier", "/desk/data/requests/", 5),
        ("supplier", f"/desk/data/requests/{request_made.number}/", 5),
        ("asker", "/desk/data/grants/", 5),
        ("asker", f"/desk/data/grants/{grant_given.number}/", 7),
        ("asker", ASK, 5),
    ):
        client = exchange.client(key)
        client.get(address)
        with django_assert_num_queries(queries, info=f"{key} {address}"):
            assert client.get(address).status_code == 200


def test_pages_open_in_english_without_inline_script(
    exchange: Exchange, request_made: Request, grant_given: Grant
) -> None:
    for address in (
        ASK, "/desk/data/requests/", f"/desk/data/requests/{request_made.number}/", "/desk/data/grants/",
        f"/desk/data/grants/{grant_given.number}/",
    ):  # fmt: skip
        answer = exchange.client("asker").get(address, headers={"Accept-Language": "en"})
        assert answer.status_code == 200, address
        for forbidden in (" style=", " onclick=", "<script>", "javascript:"):
            assert forbidden not in answer.content.decode(), (address, forbidden)
