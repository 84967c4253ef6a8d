"""Files under a grant at the desk, and who used my data: asked for, made, fetched, receipted; who sees which."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from citybrain.base.areas.models import Area
from citybrain.base.catalogue.models import Grant
from citybrain.base.exchange import runs
from citybrain.base.exchange.delivery import batch
from citybrain.base.exchange.models import Delivery, Receipt
from citybrain.faces.desk.data.tests.conftest import Exchange
from citybrain.faces.desk.data.tests.test_intake_pages import RIGHT, UPLOAD, sheet

USES = "/desk/data/uses/"


@pytest.fixture
def grant(exchange: Exchange, lake_home: Path, settings: Any, tmp_path: Path) -> Grant:
    """The asker may take files of three people, names masked."""
    settings.HOME = tmp_path
    region = Area.objects.filter(level=4).order_by("id")[0].code
    file = SimpleUploadedFile("户籍.xlsx", sheet(region, RIGHT))
    exchange.client("supplier").post(UPLOAD, {"file": file})
    while runs.work_one(timezone.now() + timedelta(hours=2)):
        pass
    given: Grant = Grant.objects.create(
        number="GR20260001", dataset=exchange.people, agency=exchange.asking, purpose="核验津贴", granted_by="x",
        fields=["id_no", "name", "sex"], masks={"name": "name"}, modes=["batch", "changes"],
        valid_from=timezone.now() - timedelta(days=1),
    )  # fmt: skip
    return given


def page(grant: Grant) -> str:
    return f"/desk/data/grants/{grant.number}/files/"


@pytest.fixture
def made(exchange: Exchange, grant: Grant) -> Delivery:
    form = {"form": "csv", "names": ["name", "sex"], "field": "id_no", "op": "prefix", "value": "1298011990"}
    answer = exchange.client("asker").post(page(grant), form)
    assert answer.status_code == 302, answer.content.decode()
    assert batch.tick(timezone.now()) == 1
    return Delivery.objects.get()


def test_a_file_is_asked_for_made_and_fetched_with_its_receipt(exchange: Exchange, made: Delivery) -> None:
    assert made.state == "ready", made.why
    client, address = exchange.client("asker"), f"/desk/data/files/{made.number}/"
    text = client.get(address).content.decode()
    receipt = Receipt.objects.get()
    for said in (made.manifest["sha256"], receipt.digest, f"/desk/data/receipts/{receipt.pk}/", "可下载"):
        assert said in text, said
    answer = client.post(f"{address}fetch/")
    rows = b"".join(answer.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
    assert rows == ["name,sex", "张*,1"]
    assert made.number in answer["Content-Disposition"]
    assert made.number in client.get(page(made.grant)).content.decode()
    client.post(f"{address}withdraw/")
    made.refresh_from_db()
    assert made.state == "expired"
    assert client.post(f"{address}fetch/").status_code == 302, "gone, and said so"
    assert Receipt.objects.count() == 1


def test_a_revoked_grant_gives_no_file_any_more(exchange: Exchange, made: Delivery) -> None:
    Grant.objects.update(revoked_at=timezone.now(), revoked_why="事项取消")
    client = exchange.client("asker")
    assert client.post(f"/desk/data/files/{made.number}/fetch/").status_code == 302
    assert client.post(page(made.grant), {"form": "csv"}).status_code == 422
    assert "授权当前无效" in client.get(page(made.grant)).content.decode()


def test_what_cannot_be_asked_for_is_refused_on_the_form(exchange: Exchange, grant: Grant) -> None:
    client = exchange.client("asker")
    for form in ({"form": "exe"}, {"form": "csv", "names": ["hukou_address"]}, {"form": "csv", "field": "birth_date"},
                 {"form": "csv", "field": "sex", "op": "eq", "value": ""}):  # fmt: skip
        assert client.post(page(grant), form).status_code == 422, form
    Grant.objects.update(modes=["changes"])
    assert "第一次填 0" in client.post(page(grant), {"form": "csv"}).content.decode()
    assert client.post(page(grant), {"form": "csv", "since": "0"}).status_code == 302
    Grant.objects.update(modes=["key"])
    assert client.get(page(grant)).status_code == 404
    assert Delivery.objects.count() == 1


def test_only_who_receives_sees_asks_and_fetches(exchange: Exchange, made: Delivery) -> None:
    grant, address = made.grant, f"/desk/data/files/{made.number}/"
    for key, status in (("stranger", 404), ("supplier", 403), ("worker", 403), ("auditor", 403)):
        client = exchange.client(key)
        assert client.get(page(grant)).status_code == status, key
        assert client.post(page(grant), {"form": "csv"}).status_code == status, key
        assert client.get(address).status_code == status, key
        assert client.post(f"{address}fetch/").status_code == status, key
        assert client.post(f"{address}withdraw/").status_code == status, key
    assert page(grant) in exchange.client("asker").get(f"/desk/data/grants/{grant.number}/").content.decode()
    assert (
        page(grant)
        not in exchange.client("supplier").get(f"/desk/data/grants/{grant.number}/").content.decode()
    )
    made.refresh_from_db()
    assert (made.state, made.fetched, Delivery.objects.count()) == ("ready", 0, 1)


def test_the_supplier_sees_who_used_its_data_for_what(exchange: Exchange, made: Delivery) -> None:
    receipt = Receipt.objects.get()
    own, one = f"/desk/data/grants/{made.grant.number}/receipts/", f"/desk/data/receipts/{receipt.pk}/"
    for key in ("supplier", "supplier2", "chief", "auditor"):
        text = exchange.client(key).get(USES).content.decode()
        assert own in text, key
        assert "核验津贴" in text, key
    for key in ("asker", "stranger"):
        assert own not in exchange.client(key).get(USES).content.decode(), key
    for address in (own, one):
        for key, status in (
            ("supplier", 200),
            ("asker", 200),
            ("auditor", 200),
            ("stranger", 404),
            ("worker", 403),
        ):
            assert exchange.client(key).get(address).status_code == status, (key, address)
    assert exchange.client("worker").get(USES).status_code == 403
    assert "与账本一致" in exchange.client("supplier").get(one).content.decode()
    Receipt.objects.update(rows=99)
    assert "与账本不符" in exchange.client("supplier").get(one).content.decode()
    Receipt.objects.update(last_at=timezone.now() - timedelta(days=40))
    assert own not in exchange.client("supplier").get(USES).content.decode()
    assert own in exchange.client("supplier").get(f"{USES}?days=365").content.decode()


def test_pages_take_their_number_of_queries(
    exchange: Exchange, made: Delivery, quiet: Callable[[], None], django_assert_num_queries: Any
) -> None:
    receipt = Receipt.objects.get()
    for key, address, queries in (
        ("asker", page(made.grant), 6),
        ("asker", f"/desk/data/files/{made.number}/", 4),
        ("supplier", USES, 6),
        ("supplier", f"/desk/data/grants/{made.grant.number}/receipts/", 6),
        ("supplier", f"/desk/data/receipts/{receipt.pk}/", 7),
    ):
        client = exchange.client(key)
        client.get(address)
        with django_assert_num_queries(queries, info=f"{key} {address}"):
            answer = client.get(address, headers={"Accept-Language": "en"})
        assert answer.status_code == 200
        for forbidden in (" style=", " onclick=", "<script>", "javascript:"):
            assert forbidden not in answer.content.decode(), (address, forbidden)
