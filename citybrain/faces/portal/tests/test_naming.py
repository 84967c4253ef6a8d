"""实名 in the portal: the step leads to who read mine; a number is never shown back, nothing is learnt by guessing."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from citybrain.base.catalogue.load import load
from citybrain.base.catalogue.models import DataSet, Grant
from citybrain.base.exchange import binding
from citybrain.base.exchange.models import SubjectOf
from citybrain.base.exchange.naming import example
from citybrain.base.exchange.tests.lending import serve
from citybrain.base.identity.actor import SYSTEM
from citybrain.base.ledger.models import Entry
from citybrain.sample.fixtures import Cast, TinyCity
from citybrain.sample.sets.lend import lend_register

MINE = "129801199003072314"
RIGHT = {"name": "林小满", "id_no": MINE, "agreed": "on"}
ADDRESS = "/my/real-name/"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binding, "FLOOR_SECONDS", 0.0)
    monkeypatch.setattr("citybrain.faces.portal.views.naming.example", lambda _number: None)


@pytest.fixture
def register(city: TinyCity) -> Grant:
    load(SYSTEM, ["ga_population"], lists=False)
    people = DataSet.objects.select_related("current").get()
    shape = people.shape.to_json()
    row: list[Any] = [None] * len(people.shape.fields)
    for name, value in {"id_no": MINE, "name": "林小满", "alive": True}.items():
        row[people.shape.names.index(name)] = value
    serve("ga_population", shape, [row])
    grant = lend_register()
    assert grant is not None
    return grant


def browser(cast: Cast) -> Client:
    client = Client()
    client.force_login(cast["citizen"])
    return client


def test_a_resident_proves_their_name_and_sees_who_read_theirs(register: Grant, cast: Cast) -> None:
    client = browser(cast)
    refused = client.get("/my/readings/")
    assert refused.status_code == 403
    assert f'href="{ADDRESS}?next=/my/readings/"' in refused.content.decode()
    done = client.post(ADDRESS, {**RIGHT, "next": "/my/readings/"})
    assert (done.status_code, done["Location"]) == (302, "/my/readings/")
    page = client.get("/my/readings/").content.decode()
    for said in ("市民端实名认证", "姓名", "户籍人口基本信息", "1 个单位看过您的数据，共 1 次"):
        assert said in page, said
    assert client.get(ADDRESS)["Location"] == "/my/readings/"
    assert client.post(ADDRESS, {**RIGHT, "next": "https://evil.example/"})["Location"] == "/my/readings/"


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"name": "林小满", "id_no": MINE}, "请先勾选同意"),
        ({**RIGHT, "id_no": MINE[:-1] + ("0" if MINE[-1] != "0" else "1")}, "公民身份号码不对"),
        ({**RIGHT, "name": ""}, "请填写身份证上的姓名"),
        ({**RIGHT, "name": "别的名字"}, "没有核对上"),
        ({**RIGHT, "id_no": "129801195501012324"}, "没有核对上"),
    ],
)
def test_what_is_wrong_is_said_and_the_number_never_written_back(
    register: Grant, cast: Cast, told: dict[str, str], says: str
) -> None:
    answer = browser(cast).post(ADDRESS, told)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert says in page
    assert told["id_no"] not in page
    assert f'value="{told["name"]}"' in page
    assert not SubjectOf.objects.exists()
    assert not any(told["id_no"] in body for body in Entry.objects.values_list("body", flat=True))


def test_a_register_that_is_taken_back_ends_the_step_at_once(register: Grant, cast: Cast) -> None:
    Grant.objects.update(revoked_at=timezone.now() - timedelta(seconds=1))
    assert "现在不能在线核验" in browser(cast).post(ADDRESS, RIGHT).content.decode()


def test_a_city_without_a_checker_sends_people_to_the_counter(
    register: Grant, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("citybrain.faces.portal.views.naming.is_made_up_city", lambda: False)
    client = browser(cast)
    page = client.get(ADDRESS).content.decode()
    assert "政务服务大厅" in page
    assert 'name="id_no"' not in page
    assert 'name="id_no"' not in client.post(ADDRESS, RIGHT).content.decode()
    assert not SubjectOf.objects.exists()
    assert ADDRESS not in client.get("/my/readings/").content.decode()


def test_the_made_up_city_names_one_of_its_residents_to_try_with_and_a_real_one_never(
    register: Grant, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("citybrain.faces.portal.views.naming.example", lambda _number: ("林小满", MINE))
    assert f"例如：林小满，{MINE}。" in browser(cast).get(ADDRESS).content.decode()
    monkeypatch.setattr("citybrain.faces.portal.views.naming.is_made_up_city", lambda: False)
    page = browser(cast).get(ADDRESS).content.decode()
    assert "林小满" not in page


def test_the_example_is_somebody_of_the_register_who_can_be_proven(register: Grant, cast: Cast) -> None:
    assert example(cast["citizen"].pk) in {None, ("林小满", MINE)}
    assert example(0) == ("林小满", MINE)
    Grant.objects.update(revoked_at=timezone.now())
    assert example(0) is None


def test_only_a_citizen_who_is_signed_in_is_asked(register: Grant, cast: Cast, client: Client) -> None:
    assert client.get(ADDRESS)["Location"] == f"/my/sign-in/?next={ADDRESS}"
    client.force_login(cast["acceptor"])
    assert client.post(ADDRESS, RIGHT)["Location"] == f"/my/sign-in/?next={ADDRESS}"


def test_it_speaks_english(register: Grant, cast: Cast) -> None:
    client = browser(cast)
    client.cookies["django_language"] = "en"
    page = client.post(ADDRESS, {**RIGHT, "id_no": "129801195501012324", "name": "x y"}).content.decode()
    body = re.sub(
        r"<script.*?</script>|中文", "", page[page.index("<main") : page.index("</main>")], flags=re.S
    )
    assert re.findall(r"[\u4e00-\u9fff]+", body) == []
