"""Checks of answers: drawn by rule, judged one after another, told by unit; nobody sees another area's."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from citybrain.base.identity.models import RoleGrant
from citybrain.base.ledger.models import Entry
from citybrain.hub.hotline import quality_checks, quality_findings
from citybrain.hub.hotline.models import QualityCheck, Ticket
from citybrain.hub.hotline.states import State
from citybrain.sample.fixtures import Cast, TinyCity

from .test_pages import CALLER, tell

pytestmark = pytest.mark.django_db
Open = Callable[[str], Client]
PAGE = "/desk/hotline/quality/"
GOOD = "经现场核实，该处路灯镇流器损坏，已于11月19日更换并恢复照明，已电话联系来电人说明情况。"
NOTHING = "您反映的问题已收到，我们将尽快处理。"


@pytest.fixture
def client_for(cast: Cast) -> Open:
    def open_browser(key: str) -> Client:
        client = Client()
        client.force_login(cast[key])
        return client

    return open_browser


@pytest.fixture
def answers(city: TinyCity, cast: Cast) -> list[Ticket]:
    """Four answered tickets of one unit; the last answer says nothing."""
    told = [tell(city, cast, f"王女士说门口第 {n} 盏路灯不亮，电话 {CALLER}") for n in range(4)]
    now, agency = timezone.now(), city.agency("city_mgmt").pk
    done = {"state": State.REPLIED, "replied_at": now, "replied_by_id": agency, "agency_id": agency}
    Ticket.objects.filter(pk__in=[one.pk for one in told]).update(**done, reply=GOOD)
    Ticket.objects.filter(pk=told[3].pk).update(reply=NOTHING)
    return told


def draw(browser: Client, share: int = 100) -> None:
    assert browser.post(f"{PAGE}draw/", {"share": str(share), "days": "1"}).status_code == 302


def test_what_says_nothing_is_drawn_first_and_named(answers: list[Ticket], client_for: Open) -> None:
    browser = client_for("hotline_manager")
    draw(browser)
    assert QualityCheck.objects.count() == 4
    told = browser.get(PAGE).content.decode()
    assert NOTHING in told
    assert "只说已收到或将处理，没有答复问题" in told
    assert "不算答复" in told
    assert CALLER not in told
    draw(browser)
    assert QualityCheck.objects.count() == 4  # no answer is drawn twice
    assert Entry.objects.filter(action="hotline.quality_draw").count() == 2


def test_a_share_is_drawn_of_each_unit_and_one_at_least(answers: list[Ticket], client_for: Open) -> None:
    draw(client_for("hotline_manager"), 5)
    assert QualityCheck.objects.count() == 1
    assert client_for("hotline_manager").post(f"{PAGE}draw/", {"share": "7", "days": "1"}).status_code in {
        400,
        422,
    }


def test_one_after_another_is_judged_and_told_by_unit(
    answers: list[Ticket], cast: Cast, client_for: Open
) -> None:
    browser = client_for("hotline_manager")
    draw(browser)
    for place, one in enumerate(quality_checks.to_check(cast.actor("hotline_manager"))):
        if place == 0:
            refused = browser.post(f"{PAGE}judge/", {"check": one.pk, "verdict": "empty", "note": " "})
            assert refused.status_code in {400, 422}
            assert "请写明问题" in refused.content.decode()
        told = {"check": one.pk, "verdict": "good" if place else "empty", "note": "只说已收到"}
        assert browser.post(f"{PAGE}judge/", told).status_code == 302
    now = timezone.now()
    span = (now.replace(year=2020), now.replace(year=now.year + 1))
    found = quality_findings.found(cast.actor("hotline_manager"), *span)
    assert (found.waiting, found.checked, found.good, found.poor, found.empty) == (0, 4, 3, 0, 1)
    faults = {
        key: (n, good) for key, n, good in quality_findings.faults(cast.actor("hotline_manager"), *span)
    }
    assert faults["received_only"] == (1, 0)
    page = browser.get(PAGE).content.decode()
    assert "75.0 %" in page
    assert "只说已收到" in page
    assert "没有待抽查的答复" in page


def test_one_ticket_is_put_before_the_checker(answers: list[Ticket], client_for: Open) -> None:
    browser = client_for("hotline_manager")
    sent = browser.post(f"{PAGE}ask/", {"number": answers[0].number})
    check = QualityCheck.objects.get()
    assert sent.headers["Location"] == f"{PAGE}?check={check.pk}"
    assert (check.why, check.ticket_id) == ("asked", answers[0].pk)
    assert browser.post(f"{PAGE}ask/", {"number": "RX1"}).status_code == 404


def test_nobody_sees_or_judges_what_is_not_theirs(
    answers: list[Ticket], city: TinyCity, cast: Cast, client_for: Open
) -> None:
    draw(client_for("hotline_manager"))
    check = QualityCheck.objects.first()
    assert check is not None
    for key in ("hotline_operator", "handler", "worker", "commander"):
        browser = client_for(key)
        assert browser.get(PAGE).status_code == 403, key
        assert browser.post(f"{PAGE}draw/", {"share": "5", "days": "1"}).status_code == 403, key
        judged = browser.post(f"{PAGE}judge/", {"check": check.pk, "verdict": "good"})
        assert judged.status_code in {403, 404}, key
    far = city.node("far_grid").lineage[2]
    RoleGrant.objects.filter(person=cast["hotline_manager"]).update(area_id=far)
    browser = client_for("hotline_manager")
    told = browser.get(PAGE)
    assert told.status_code == 200
    assert GOOD not in told.content.decode()
    assert browser.post(f"{PAGE}judge/", {"check": check.pk, "verdict": "good"}).status_code == 404
    check.refresh_from_db()
    assert check.checked_at is None
    draw(browser)
    assert QualityCheck.objects.count() == 4


def test_the_page_asks_the_same_few_statements(answers: list[Ticket], client_for: Open) -> None:
    browser = client_for("hotline_manager")
    draw(browser)
    browser.get(PAGE)
    with CaptureQueriesContext(connection) as asked:
        browser.get(PAGE)
    assert len(asked) <= 12, [one["sql"][:90] for one in asked]
