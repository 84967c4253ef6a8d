"""说件事 in a browser: a citizen says something, follows it, reads the answer, rates it; each page for everyone."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from citybrain.base.identity.actor import SYSTEM
from citybrain.hub.hotline import actions
from citybrain.hub.hotline.models import Ticket, TicketContact
from citybrain.sample.fixtures import TinyCity

from .conftest import PHONE
from .test_accessible import Judge

pytestmark = pytest.mark.browser


def test_a_citizen_says_something_follows_it_and_rates_the_answer(
    open_city: TinyCity, visitor: Callable[..., Page]
) -> None:
    page = visitor(PHONE)
    judge = Judge(page)
    page.goto("/")
    page.locator("main").get_by_role("link", name="说件事").click()
    judge.look("/say/", narrow=True)
    page.get_by_role("button", name="发送").click()
    expect(page.locator("[role=alert]").first).to_contain_text("请写下您想说的事")
    judge.look("/say/ with a mistake", narrow=True)
    page.locator("#text").fill("老年卡丢了怎么补办?家里老人腿脚不便")
    page.locator("label.cb-choice", has=page.locator("input[value=phone]")).click()
    page.locator("#phone").fill("13911112222")
    page.get_by_role("button", name="发送").click()
    expect(page.locator("#code")).to_be_visible()
    judge.look("/say/done/", narrow=True)
    number = re.sub(r"\s", "", page.locator("#number").inner_text())
    code = page.locator("#code").inner_text().strip()
    ticket = Ticket.objects.get(number=number)
    assert (ticket.channel, TicketContact.objects.get(ticket=ticket).phone) == ("portal", "13911112222")

    page.get_by_role("link", name="看进度").click()
    expect(page.locator("h1")).to_have_text("已收到")
    judge.look("/say/…/", narrow=True)
    page.get_by_role("link", name="补充说明").click()
    page.locator("#reason").fill("老人今年八十二岁")
    judge.look("/say/…/supplement/", narrow=True)
    page.get_by_role("button", name="提交补充").click()
    expect(page.locator("body")).to_contain_text("老人今年八十二岁")
    actions.take(
        SYSTEM, ticket.pk, "answer", {"reply": "可由家属持双方身份证到任一社区服务中心代办，当场可取。"}
    )

    other = visitor(PHONE)
    other.goto("/progress/")
    other.locator("#number").fill(number)
    other.locator("#code").fill(code)
    other.locator("main button").last.click()
    expect(other.locator(".pt-answer")).to_contain_text("代办")
    Judge(other).look("the answer", narrow=True)
    other.locator(".pt-faces a[data-value='5']").click()
    expect(other.locator("input[name=rating][value='5']")).to_be_checked()
    judge_other = Judge(other)
    judge_other.look("/say/…/rate/", narrow=True)
    other.locator("label.cb-choice", has=other.locator("input[name=solved][value='1']")).click()
    other.get_by_role("button", name="提交评价").click()
    expect(other.locator(".pt-rated")).to_be_visible()
    ticket.refresh_from_db()
    assert (ticket.rating, ticket.solved) == (5, True)
    judge.wrong += judge_other.wrong
    judge.verdict()
