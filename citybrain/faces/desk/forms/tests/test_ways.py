"""Who works with forms finds the way: on the phone's bar, on the rail, on the first page; nobody else is led there."""

import pytest
from django.test import Client

from citybrain.base.identity.actor import Actor
from citybrain.base.identity.models import Person
from citybrain.hub.forms.tests.town import Town, city, town  # noqa: F401  (fixtures)


def enter(actor: Actor) -> Client:
    client = Client()
    client.force_login(Person.objects.get(pk=actor.person_id))
    return client


def bar(client: Client) -> str:
    page = client.get("/desk/m/").content.decode()
    return page[page.index('class="cb-phone-bar"') :]


def test_the_phone_leads_to_sheets_and_rosters_by_right(town: Town) -> None:  # noqa: F811
    assert 'href="/desk/forms/fill/"' in bar(enter(town.leader))
    assert 'href="/desk/forms/rosters/"' in bar(enter(town.worker))
    assert 'href="/desk/forms/fill/"' not in bar(enter(town.worker))
    about = enter(town.leader).get("/desk/m/me/").content.decode()
    assert 'href="/desk/forms/fill/"' in about
    assert 'href="/desk/forms/rosters/"' in about
    handler = town.city.officer("chu", "handler", "980101", "data_bureau-98")
    assert "/desk/forms/" not in enter(handler).get("/desk/m/").content.decode()
    assert enter(town.worker).get("/desk/forms/rosters/").status_code == 200


@pytest.mark.parametrize("role", ["commander", "chief_data_officer"])
def test_a_leader_comes_from_the_first_page_to_what_forms_cost(town: Town, role: str) -> None:  # noqa: F811
    client = enter(town.city.officer("ling", role, "98", "data_bureau-98"))
    first = client.get("/desk/").content.decode()
    for address in (
        "/desk/forms/saved/",
        "/desk/forms/saved/#abolish",
        "/desk/forms/",
        "/desk/forms/rounds/",
    ):
        assert f'href="{address}"' in first, address
    saved = client.get("/desk/forms/saved/").content.decode()
    assert 'id="abolish"' in saved
    assert client.get("/desk/forms/rounds/").status_code == 200


def test_who_only_fills_is_not_led_to_what_leaders_see(town: Town) -> None:  # noqa: F811
    first = enter(town.leader).get("/desk/").content.decode()
    assert 'href="/desk/forms/fill/"' in first
    assert "/desk/forms/saved/" not in first
