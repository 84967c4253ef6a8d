"""The supervisors' board: true figures within the reader's rights, each opening exactly the tickets it counts."""

import html
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from citybrain.base.identity.models import RoleGrant
from citybrain.hub.hotline import board, filters, lists, rates
from citybrain.hub.hotline.models import Ticket
from citybrain.hub.hotline.states import State, Urgency
from citybrain.sample.fixtures import Cast, TinyCity

from .test_pages import send, tell

pytestmark = pytest.mark.django_db
Open = Callable[[str], Client]
PAGE = "/desk/hotline/board/"
LINK = re.compile(r'href="/desk/hotline/work/([a-z_]+)/\?([^"]*)">(\d+)</a>')


@pytest.fixture
def client_for(cast: Cast) -> Open:
    def open_browser(key: str) -> Client:
        client = Client()
        client.force_login(cast[key])
        return client

    return open_browser


@pytest.fixture
def tickets(city: TinyCity, cast: Cast) -> list[Ticket]:
    """Seven tickets: 1 waits, 3 sent of which 1 late and 1 in danger and late; 3 called back, 1 of them unhappy."""
    now = timezone.now()
    told = [tell(city, cast, f"门口第 {n} 盏路灯不亮，晚上看不清") for n in range(7)]
    for one in told[1:4]:
        send(city, cast, one)
    late = {"due_at": now - timedelta(minutes=1)}
    Ticket.objects.filter(pk=told[1].pk).update(**late)
    Ticket.objects.filter(pk=told[2].pk).update(**late, urgency=Urgency.DANGER, rank=0)
    agency = city.agency("city_mgmt").pk
    done = {"state": State.CONCLUDED, "is_open": False, "replied_at": now, "visited_at": now, "on_time": True,
            "dispatches": 1, "agency_id": agency, "concluded_at": now, "due_at": None}  # fmt: skip
    Ticket.objects.filter(pk__in=[told[4].pk, told[5].pk]).update(**done, solved=True, rating=5)
    Ticket.objects.filter(pk=told[6].pk).update(**{**done, "on_time": False}, solved=False, rating=1)
    return told


def test_every_figure_opens_as_many_tickets_as_it_says(
    tickets: list[Ticket], cast: Cast, client_for: Open
) -> None:
    told = client_for("hotline_manager").get(PAGE).content.decode()
    found = LINK.findall(told)
    actor = cast.actor("hotline_manager")
    assert len(found) > 20
    for key, asked, said in found:
        pairs = dict(pair.split("=", 1) for pair in html.unescape(asked).split("&"))
        assert lists.total(actor, key, filters.read(pairs)) == int(said), (key, asked)


def test_the_rates_and_their_definitions_are_shown(tickets: list[Ticket], client_for: Open) -> None:
    told = client_for("hotline_manager").get(PAGE).content.decode()
    assert "66.7 %" in told  # two of three solved, two of three in time, two of three satisfied
    assert "有效工单、已回访、非常满意或满意 ÷ 有效工单、已回访，按回访时间" in told
    rows = rates.side("satisfaction", "missed")
    assert rows is not None
    assert rows[0] == "visited_at"


def test_what_is_not_signed_in_time_is_told_by_its_limit(
    tickets: list[Ticket], cast: Cast, client_for: Open
) -> None:
    standing = board.standing(cast.actor("hotline_manager"))
    assert (standing.signing[Urgency.DANGER].waiting, standing.signing[Urgency.DANGER].late) == (1, 1)
    assert (standing.signing[Urgency.GENERAL].waiting, standing.signing[Urgency.GENERAL].late) == (2, 1)
    assert standing.whole.waiting == 4
    told = client_for("hotline_manager").get(PAGE).content.decode()
    assert "15 分钟" in told
    assert "1 个工作日" in told


def test_who_answers_for_another_area_counts_nothing_of_it(
    tickets: list[Ticket], city: TinyCity, cast: Cast, client_for: Open
) -> None:
    far = city.node("far_grid").lineage[2]
    RoleGrant.objects.filter(person=cast["duty_chief"]).update(area_id=far)
    actor = cast.actor("duty_chief")
    assert actor.may("hotline.board")
    assert board.standing(actor).whole.waiting == 0
    assert board.today(actor) == board.Today(0, 0, 0, 0, 0, calls=None)
    told = client_for("duty_chief").get(f"{PAGE}?area={city.area('district').pk}")
    assert told.status_code == 200
    assert "66.7 %" not in told.content.decode()


def test_who_sees_figures_only_gets_no_links_to_tickets(tickets: list[Ticket], client_for: Open) -> None:
    told = client_for("commander").get(PAGE)
    assert told.status_code == 200
    assert "/desk/hotline/work/" not in told.content.decode().partition('class="hot-figures"')[2]


def test_only_who_answers_for_the_hotline_sees_the_board(client_for: Open) -> None:
    for key in ("hotline_operator", "handler", "worker", "acceptor"):
        assert client_for(key).get(PAGE).status_code == 403, key


def test_a_span_and_an_area_are_chosen_by_address(
    tickets: list[Ticket], city: TinyCity, client_for: Open
) -> None:
    browser = client_for("hotline_manager")
    before = browser.get(f"{PAGE}?since=2020-01-01&until=2020-01-31").content.decode()
    assert "66.7 %" not in before
    assert "这段时间没有可计的工单" in before
    assert "66.7 %" in browser.get(f"{PAGE}?days=1&area={city.area('street').pk}").content.decode()
    for bad in ("since=2026-13-01", "since=2026-11-02&until=2026-11-01", "area=x", "since=1999-01-01"):
        assert browser.get(f"{PAGE}?{bad}").status_code in {400, 422}, bad


def test_the_board_asks_the_same_few_statements_however_much_there_is(
    tickets: list[Ticket], client_for: Open
) -> None:
    browser = client_for("hotline_manager")
    browser.get(PAGE)
    with CaptureQueriesContext(connection) as asked:
        browser.get(PAGE)
    assert len(asked) <= 20, [one["sql"][:90] for one in asked]
