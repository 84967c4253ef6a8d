"""The hotline's pages: no serious finding of axe-core in light and dark; nothing wider than a phone."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from citybrain.base.identity.actor import actor_for
from citybrain.base.identity.models import RoleGrant
from citybrain.hub.hotline import quality_checks
from citybrain.hub.hotline.linking import handing, partners
from citybrain.sample.fixtures import TinyCity

from .hotline_city import CALLER, answered, lamp_out, sent, telephone
from .test_accessible import Judge

pytestmark = pytest.mark.browser


def test_the_operators_pages_are_for_everyone(open_city: TinyCity, officer: Callable[..., Page]) -> None:
    done = answered(open_city, lamp_out(open_city))
    new = lamp_out(open_city, text="西门的路灯也不亮了")
    telephone()
    page = officer("hotline_operator")
    judge = Judge(page)
    page.goto("/desk/hotline/call/")
    page.locator("form[data-take][data-ready]").wait_for()
    judge.look("an empty call", narrow=True)
    page.locator("[name=phone]").fill(CALLER)
    page.locator("textarea[name=text]").fill("西门的路灯杆倒了，砸到电线冒火，快来人")
    expect(page.locator('[data-part="danger"]')).to_contain_text("15")
    judge.look("a call with what was looked up", narrow=True)
    for address in (
        "work/to_receive/", f"tickets/{new.number}/", f"tickets/{new.number}/steps/dispatch/",
        f"tickets/{done.number}/", "callbacks/", f"callbacks/{done.number}/", f"callers/{done.caller_id}/",
    ):  # fmt: skip
        judge.go(f"/desk/hotline/{address}", narrow=True)
    judge.verdict()


def test_the_managers_pages_are_for_everyone(open_city: TinyCity, officer: Callable[..., Page]) -> None:
    for number in range(3):
        lamp_out(open_city, text=f"第 {number + 1} 次反映门口路灯不亮")
    page = officer("hotline_manager")
    judge = Judge(page)
    judge.go("/desk/hotline/callers/", narrow=True)
    page.goto("/desk/hotline/work/open/")
    page.locator("[data-row] a").first.click()
    page.locator("#detail [data-case]").wait_for()
    judge.look("a list with a ticket beside it")
    page.get_by_role("button", name="筛选").first.click()
    page.locator("dialog#desk-filters[open]").wait_for()
    judge.look("filters")
    judge.verdict()


def test_the_units_pages_are_for_everyone(open_city: TinyCity, officer: Callable[..., Page]) -> None:
    ticket = sent(open_city, lamp_out(open_city))
    page = officer("handler", (390, 844))
    judge = Judge(page)
    for address in ("work/to_accept/", f"tickets/{ticket.number}/", f"tickets/{ticket.number}/steps/return/"):
        judge.go(f"/desk/hotline/{address}", narrow=True)
    judge.verdict()


def test_the_supervisors_pages_are_for_everyone(open_city: TinyCity, officer: Callable[..., Page]) -> None:
    manager = actor_for(RoleGrant.objects.filter(role="hotline_manager")[0].person)
    now = timezone.now()
    sent(open_city, lamp_out(open_city))
    answered(open_city, lamp_out(open_city, text="西门的路灯也不亮了"))
    quality_checks.draw_now(manager, now - timedelta(days=1), now + timedelta(days=1), 1)
    given = {
        "key": "beihe",
        "name": "北河12345",
        "kind": "hotline",
        "address": "https://b.invalid",
        "our_key": "us",
    }
    partner, _secret = partners.add_partner(manager, {**given, "secret_out": "theirs"})
    made = handing.hand_over(manager, lamp_out(open_city).pk, handing.Plan(partner.pk, "事发地在北河境内"))
    judge = Judge(officer("hotline_manager"))
    for address in (
        "board/", "quality/", "links/", "links/send/", f"links/{partner.pk}/", f"links/handovers/{made.pk}/",
    ):  # fmt: skip
        judge.go(f"/desk/hotline/{address}", narrow=True)
    judge.verdict()
