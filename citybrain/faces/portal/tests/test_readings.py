"""A citizen sees who read their data: their own and nobody else's, in plain words."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from citybrain.base.catalogue.load import load
from citybrain.base.catalogue.models import DataSet, Grant
from citybrain.base.exchange.delivery import readings, subjects
from citybrain.base.exchange.delivery.calls import What
from citybrain.base.exchange.delivery.receipts import Delivered, members_of, write
from citybrain.base.exchange.models import ReadingLook
from citybrain.base.identity.actor import SYSTEM
from citybrain.base.identity.models import Agency, AuthLevel, Person
from citybrain.sample.fixtures import Cast, TinyCity

MINE, OTHER = "129801199003072316", "129801195501012322"
PURPOSE = "核验高龄津贴申请人户籍"


@pytest.fixture
def grant(city: TinyCity) -> Grant:
    load(SYSTEM, ["ga_population"], lists=False)
    people = DataSet.objects.get()
    reader = Agency.objects.filter(area_id=people.provider.city_id).exclude(pk=people.provider_id)[0]
    return Grant.objects.create(
        number="GR20260000001", dataset=people, agency=reader, purpose=PURPOSE, fields=["id_no", "name"],
        modes=["key"], valid_from=timezone.now(), granted_by="system",
    )  # fmt: skip


def delivered(grant: Grant, id_no: str, minutes: int) -> None:
    """Write the receipt of one delivery of somebody's name some minutes ago."""
    at = timezone.now() - timedelta(minutes=minutes)
    what = What(grant.agency_id, grant.number or "", "ga_population", 3, "key", ("name",), 0, "subject", ())
    members = members_of("subject", subjects.tokens_of([id_no]))
    write([Delivered(grant.pk, what, at, at, 1, members)])


def proven(cast: Cast) -> Person:
    """Return the citizen, their name proven and their document bound."""
    person = cast["citizen"]
    person.auth_level = AuthLevel.REAL_NAME
    person.save()
    readings.bind_subject(SYSTEM, person, MINE)
    return person


def page_of(person: Person) -> Any:
    client = Client()
    client.force_login(person)
    return client.get("/my/readings/")


def test_a_citizen_sees_who_read_their_data_for_what_and_how_often(grant: Grant, cast: Cast) -> None:
    delivered(grant, MINE, 90)
    delivered(grant, MINE, 5)
    delivered(grant, OTHER, 3)
    text = page_of(proven(cast)).content.decode()
    for said in (grant.agency.name, PURPOSE, "姓名", "户籍人口基本信息", "1 个单位看过您的数据，共 2 次"):
        assert said in text, said
    assert MINE not in text
    look = ReadingLook.objects.get()
    assert look.actor == f"person:{cast['citizen'].pk}"


def test_what_was_read_of_another_person_is_not_shown(grant: Grant, cast: Cast) -> None:
    delivered(grant, OTHER, 3)
    text = page_of(proven(cast)).content.decode()
    assert "没有单位通过数据共享看过您的数据" in text
    assert PURPOSE not in text


def test_without_a_proven_name_nothing_is_shown_and_it_is_said_what_to_do(grant: Grant, cast: Cast) -> None:
    delivered(grant, MINE, 3)
    answer = page_of(cast["citizen"])
    assert answer.status_code == 403
    assert "实名认证" in answer.content.decode()
    assert PURPOSE not in answer.content.decode()


def test_whoever_is_not_signed_in_as_a_citizen_is_asked_to(grant: Grant, cast: Cast, client: Client) -> None:
    assert client.get("/my/readings/")["Location"] == "/my/sign-in/?next=/my/readings/"
    assert page_of(cast["acceptor"]).status_code == 302


def test_it_speaks_english_and_names_a_human(grant: Grant, cast: Cast) -> None:
    client = Client()
    client.force_login(proven(cast))
    client.cookies["django_language"] = "en"
    page = client.get("/my/readings/").content.decode()
    assert 'href="tel:12345"' in page
    body = re.sub(
        r"<script.*?</script>|中文", "", page[page.index("<main") : page.index("</main>")], flags=re.S
    )
    assert re.findall(r"[\u4e00-\u9fff]+", body) == []
