"""Linked hotlines: a key is shown once, hand-overs are followed, what went wrong is told and tried again."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from citybrain.base.identity.models import RoleGrant
from citybrain.hub.hotline.callers.numbers import opened
from citybrain.hub.hotline.models import HandOver, LinkMessage, Partner, Ticket
from citybrain.sample.fixtures import Cast, TinyCity

from .test_pages import CALLER, tell

pytestmark = pytest.mark.django_db
Open = Callable[[str], Client]
PAGE = "/desk/hotline/links/"
GIVEN = {"key": "beihe", "name": "北河12345", "kind": "hotline", "address": "https://beihe.example", "phone": "0319-1",
         "our_key": "haining", "digest": "sha256", "secret_out": "their-secret-of-us"}  # fmt: skip


@pytest.fixture
def client_for(cast: Cast) -> Open:
    def open_browser(key: str) -> Client:
        client = Client()
        client.force_login(cast[key])
        return client

    return open_browser


@pytest.fixture
def made(city: TinyCity, cast: Cast, client_for: Open) -> HandOver:
    """A ticket that an operator handed over to a partner entered by the manager; one try failed."""
    assert client_for("hotline_manager").post(PAGE, GIVEN).status_code == 200
    ticket = tell(city, cast, "隔壁市的路灯不亮")
    sent = {"number": ticket.number, "partner": Partner.objects.get().pk, "reason": "事发地在北河境内"}
    assert client_for("hotline_operator").post(f"{PAGE}send/", sent).status_code == 302
    later = timezone.now() + timedelta(minutes=9)
    LinkMessage.objects.update(attempts=3, next_try_at=later, error="ConnectError: refused")
    return HandOver.objects.get()


def test_a_key_is_shown_once_and_kept_sealed(client_for: Open, city: TinyCity) -> None:
    browser = client_for("hotline_manager")
    answer = browser.post(PAGE, GIVEN)
    found = re.search(r"data-secret>([^<]+)<", answer.content.decode())
    assert found is not None
    partner = Partner.objects.get()
    assert opened(partner.secret_in) == found[1]
    assert answer.headers["Cache-Control"] == "no-store"
    for page in (PAGE, f"{PAGE}{partner.pk}/"):
        told = browser.get(page).content.decode()
        assert "北河12345" in told
        assert found[1] not in told
        assert "their-secret-of-us" not in told
    renewed = browser.post(f"{PAGE}{partner.pk}/", {"then": "renew"}).content.decode()
    assert "data-secret>" in renewed
    assert found[1] not in renewed


def test_what_can_t_be_a_partner_is_refused_and_what_was_typed_stays(client_for: Open) -> None:
    refused = client_for("hotline_manager").post(PAGE, {**GIVEN, "address": "ftp://x"})
    assert refused.status_code in {400, 422}
    assert "网址应为" in refused.content.decode()
    assert 'value="北河12345"' in refused.content.decode()
    assert not Partner.objects.exists()


def test_the_page_asks_the_same_few_statements(made: HandOver, client_for: Open) -> None:
    browser = client_for("hotline_manager")
    browser.get(PAGE)
    with CaptureQueriesContext(connection) as asked:
        browser.get(PAGE)
    assert len(asked) <= 12, [one["sql"][:90] for one in asked]


def test_what_did_not_get_there_is_told_and_tried_again(made: HandOver, client_for: Open) -> None:
    browser = client_for("hotline_manager")
    told = browser.get(PAGE).content.decode()
    assert "ConnectError: refused" in told
    assert made.ticket.number in told
    assert CALLER not in told
    assert browser.post(f"{PAGE}handovers/{made.pk}/step/", {"then": "retry"}).status_code == 302
    due = LinkMessage.objects.get().next_try_at
    assert due is not None
    assert due <= timezone.now()


def test_the_trail_is_shown_and_a_hand_over_taken_back(made: HandOver, client_for: Open) -> None:
    browser = client_for("hotline_manager")
    told = browser.get(f"{PAGE}handovers/{made.pk}/").content.decode()
    assert "事发地在北河境内" in told
    step = f"{PAGE}handovers/{made.pk}/step/"
    assert browser.post(step, {"then": "note", "words": "请尽快"}).status_code == 302
    assert browser.post(step, {"then": "take_back", "words": "查明是本市的"}).status_code == 302
    made.refresh_from_db()
    assert made.state == "recalled"
    assert browser.post(step, {"then": "take_back", "words": "再来"}).status_code == 409
    assert "请尽快" in browser.get(f"{PAGE}handovers/{made.pk}/").content.decode()


def test_what_is_urgent_is_told_by_phone_first(
    made: HandOver, city: TinyCity, cast: Cast, client_for: Open
) -> None:
    ticket = tell(city, cast, "有人落水")
    form = client_for("hotline_operator").get(f"/desk/hotline/tickets/{ticket.number}/steps/hand_over/")
    assert f"{PAGE}send/?ticket={ticket.number}" in form.content.decode()
    sent = {"number": ticket.number, "partner": made.partner_id, "reason": "在对岸", "urgent": "1"}
    refused = client_for("hotline_operator").post(f"{PAGE}send/", sent)
    assert refused.status_code in {400, 422}
    assert "请先打电话" in refused.content.decode()
    assert client_for("hotline_operator").post(f"{PAGE}send/", {**sent, "phoned_to": "张"}).status_code == 302
    assert Ticket.objects.get(pk=ticket.pk).outside == "北河12345"


def test_only_the_manager_keeps_partners_and_sees_hand_overs_of_their_area(
    made: HandOver, city: TinyCity, cast: Cast, client_for: Open
) -> None:
    for key in ("hotline_operator", "handler", "commander", "worker"):
        browser = client_for(key)
        for page in (PAGE, f"{PAGE}{made.partner_id}/", f"{PAGE}handovers/{made.pk}/"):
            assert browser.get(page).status_code == 403, (key, page)
        assert browser.post(PAGE, {**GIVEN, "key": "mine"}).status_code == 403, key
        assert browser.post(f"{PAGE}{made.partner_id}/", {"then": "renew"}).status_code == 403, key
    assert client_for("handler").get(f"{PAGE}send/").status_code == 403
    RoleGrant.objects.filter(person=cast["hotline_manager"]).update(area_id=city.node("far_grid").lineage[2])
    browser = client_for("hotline_manager")
    told = browser.get(PAGE).content.decode()
    assert made.ticket.number not in told
    assert browser.get(f"{PAGE}handovers/{made.pk}/").status_code == 404
    browser.post(f"{PAGE}{made.partner_id}/", {"then": "retry"})
    due = LinkMessage.objects.get().next_try_at
    assert due is not None
    assert due > timezone.now()


def test_the_map_of_a_hooks_fields_is_entered_line_by_line(client_for: Open, city: TinyCity) -> None:
    browser = client_for("hotline_manager")
    browser.post(PAGE, {"key": "app", "name": "随手拍小程序", "kind": "hook", "digest": "sha256"})
    app = Partner.objects.get()
    page = f"{PAGE}{app.pk}/"
    told = {
        "then": "save",
        "name": app.name,
        "fields": "text = data.body.0.msg\r\n\r\n files=data.images\r\n",
    }
    assert browser.post(page, told).status_code == 302
    app.refresh_from_db()
    assert app.fields == {"text": "data.body.0.msg", "files": "data.images"}
    assert "text = data.body.0.msg\nfiles = data.images</textarea>" in browser.get(page).content.decode()
    wrong = browser.post(page, told | {"fields": "内容 = msg"})
    assert wrong.status_code == 422
    assert "内容 = msg" in wrong.content.decode()
    app.refresh_from_db()
    assert app.fields["files"] == "data.images"


def test_an_operator_sees_on_the_ticket_to_whom_it_went_and_why_a_unit_never(
    made: HandOver, client_for: Open
) -> None:
    page = f"/desk/hotline/tickets/{made.ticket.number}/"
    told = client_for("hotline_operator").get(page).content.decode()
    assert f'id="handed-{made.pk}"' in told
    assert "事发地在北河境内" in told
    assert f"/links/handovers/{made.pk}/" not in told
    assert f"/links/handovers/{made.pk}/" in client_for("hotline_manager").get(page).content.decode()
    assert client_for("handler").get(page).status_code == 404
