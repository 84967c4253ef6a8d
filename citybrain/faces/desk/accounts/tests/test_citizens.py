"""At the counter: an officer binds a citizen's number; nobody else does."""

import pytest
from django.test import Client

from citybrain.base.exchange.models import SubjectOf
from citybrain.base.identity.models import Person
from citybrain.base.identity.tests.conftest import City

ADDRESS = "/desk/people/citizens/"
ZHANG = "11010519491231002X"
RIGHT = {"phone": "138 0000 0001", "document": "居民身份证", "id_no": ZHANG, "seen": "on"}


@pytest.fixture
def citizen(city: City) -> Person:
    return Person.objects.create(kind="citizen", phone="13800000001", name="市民")


def test_an_officer_binds_a_number_and_never_sees_it_again(
    client_for, manager: Person, citizen: Person
) -> None:
    browser = client_for(manager)
    assert ADDRESS in browser.get("/desk/people/").content.decode()
    done = browser.post(ADDRESS, RIGHT, follow=True)
    page = done.content.decode()
    assert done.redirect_chain == [(ADDRESS, 302)]
    assert "138****0001 的账号已实名。" in page
    assert ZHANG not in page
    citizen.refresh_from_db()
    assert (citizen.auth_level, SubjectOf.objects.get().person_id) == ("L2", citizen.pk)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"phone": "13800000009"}, "还没有在市民端登录过"),
        ({"phone": "abc"}, "请输入正确的手机号码"),
        ({"id_no": "110105194912310021"}, "公民身份号码不对"),
        ({"document": "口述"}, "口述"),
        ({"seen": ""}, "必填"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(
    client_for, manager: Person, citizen: Person, change: dict[str, str], says: str
) -> None:
    answer = client_for(manager).post(ADDRESS, {**RIGHT, **change})
    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert not SubjectOf.objects.exists()


def test_the_screen_is_for_who_manages_people(city: City, client_for, citizen: Person) -> None:
    acceptor = city.person("acceptor", "李强", "subdistrict-980101001")
    city.give(acceptor, "acceptor", "980101001")
    assert client_for(acceptor).post(ADDRESS, RIGHT).status_code == 403
    assert Client().get(ADDRESS)["Location"].startswith("/sign-in/")
    assert not SubjectOf.objects.exists()
