"""A call: taken by keys → dispatched → accepted → answered → called back → concluded; returned and reviewed; popped."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from citybrain.hub.hotline.models import Ticket, TicketEvent, UnsentNote
from citybrain.hub.hotline.states import State
from citybrain.sample.fixtures import TinyCity

from .conftest import DESK, shoot
from .hotline_city import CALLER, answered, lamp_out, ring, sent, telephone

pytestmark = pytest.mark.browser

REPLY = "11 月 20 日到现场更换了灯泡和触发器，已恢复照明，并电话告知来电人。"


def ready(page: Page) -> None:
    expect(page.locator("form[data-take][data-ready]")).to_be_attached()


def state_of(number: str) -> State:
    return State(Ticket.objects.get(number=number).state)


def take(page: Page, number: str, label: str, fill: Callable[[Page], None] | None = None) -> None:
    """Open a ticket and take a step by its button; return once it was taken."""
    page.goto(f"/desk/hotline/tickets/{number}/")
    pane = page.locator("#ticket-pane")
    seen = pane.get_attribute("data-version")
    page.locator(".cb-steps").get_by_role("button", name=re.compile(f"^{label}")).first.click()
    if fill is not None:
        dialog = page.locator("dialog[open]")
        dialog.wait_for()
        fill(page)
        dialog.locator("button[type=submit]").click()
        dialog.wait_for(state="detached")
    expect(page.locator(f'#ticket-pane[data-version="{seen}"]')).to_have_count(0)


def written_down(page: Page, city: TinyCity) -> str:
    """The operator writes a call down by keys alone; the system looks up meanwhile. Return the ticket's number."""
    community = city.node("community").name
    page.goto("/desk/hotline/call/")
    ready(page)
    page.keyboard.type(CALLER)
    page.locator("textarea[name=text]").focus()
    page.keyboard.type(f"{community}门口的路灯不亮好几天了，晚上老人看不清路")
    expect(page.locator('[data-slot="item"]')).to_contain_text("路灯")
    expect(page.locator('[data-part="caller"]')).to_contain_text("第一次来电")
    expect(page.locator('[data-slot="place"]')).to_contain_text(community)
    page.locator('[name=kind][value="3"]').check(force=True)
    page.locator('[data-set="area"]', has_text=community).first.click()
    expect(page.locator('[data-slot="units"] [data-set="agency"]').first).to_be_visible()
    expect(page.locator("[data-saved]")).to_have_attribute("data-state", "saved")
    shoot(page, "hotline-call")
    page.keyboard.press("F9")
    expect(page.locator(".hot-done")).to_be_visible()
    return page.locator(".hot-done a").inner_text().strip()


def test_a_call_is_written_down_sent_answered_and_called_back(
    open_city: TinyCity, officer: Callable[..., Page]
) -> None:
    operator = officer("hotline_operator")
    number = written_down(operator, open_city)
    made = Ticket.objects.get(number=number)
    assert made.community_id == open_city.area("community").pk
    assert (made.caller_shared, made.kind) == (False, "3")
    assert UnsentNote.objects.count() == 0

    ticket = sent(open_city, lamp_out(open_city, text="南门外的路灯也不亮，请派人来修"))
    handler = officer("handler", (390, 844))
    handler.goto("/desk/hotline/")
    expect(handler.locator("body")).not_to_contain_text(CALLER)
    take(handler, ticket.number, "接收")
    assert state_of(ticket.number) is State.ACCEPTED
    expect(handler.locator("body")).to_contain_text("来电人信息不提供给承办单位")
    shoot(handler, "hotline-unit")

    def reply(page: Page) -> None:
        page.locator("dialog[open] textarea[name=reply]").fill(REPLY)

    take(handler, ticket.number, "答复", reply)
    assert state_of(ticket.number) is State.REPLIED

    operator.goto(f"/desk/hotline/callbacks/{ticket.number}/")
    expect(operator.locator("body")).to_contain_text(REPLY)
    operator.locator(".desk-reveal summary").click()
    operator.locator(".desk-reveal button").click()
    expect(operator.locator("#hot-contact")).to_contain_text(CALLER)
    for name, value in (("contacted", "yes"), ("solved", "yes"), ("rating", "5")):
        operator.locator(f"[name={name}][value='{value}']").check(force=True)
    shoot(operator, "hotline-callback")
    operator.locator("button[name=then][value=stay]").click()
    operator.wait_for_url(f"**/tickets/{ticket.number}/")
    ticket.refresh_from_db()
    assert (State(ticket.state), ticket.solved, ticket.rating) == (State.CONCLUDED, True, 5)
    shoot(operator, "hotline-ticket")


def test_a_return_is_reviewed_and_the_ticket_sent_again(
    open_city: TinyCity, officer: Callable[..., Page]
) -> None:
    ticket = sent(open_city, lamp_out(open_city))
    handler = officer("handler")

    def give_back(page: Page) -> None:
        page.locator("dialog[open] [name=cause][value=not_ours]").check(force=True)
        page.locator("dialog[open] textarea[name=reason]").fill("该处路灯由物业管理，不在我单位管养范围。")

    take(handler, ticket.number, "申请退单", give_back)
    assert state_of(ticket.number) is State.RETURN_REQUESTED
    manager = officer("hotline_manager")

    def agree(page: Page) -> None:
        page.locator("dialog[open] [name=approve][value=yes]").check(force=True)
        page.locator("dialog[open] textarea[name=reason]").fill("情况属实，另行派单。")

    take(manager, ticket.number, "审核退单", agree)
    assert state_of(ticket.number) is State.TO_DISPATCH
    actions = TicketEvent.objects.filter(ticket=ticket).order_by("seq").values_list("action", flat=True)
    assert [one for one in actions if one != "read"][-3:] == ["dispatch", "return", "review_return"]
    handler.goto(f"/desk/hotline/tickets/{ticket.number}/")
    expect(handler.locator("body")).to_contain_text("没有找到这张工单")


def test_a_call_opens_the_screen_and_takes_nobodys_typing_away(
    open_city: TinyCity, officer: Callable[..., Page]
) -> None:
    answered(open_city, lamp_out(open_city))
    system = telephone()
    page = officer("hotline_operator", DESK)
    page.goto("/desk/")
    expect(page.locator('[data-live-state][data-state="live"]')).to_be_attached()
    ring(system, "call-1")
    page.wait_for_url(re.compile(r"/desk/hotline/call/\?call="))
    ready(page)
    expect(page.locator("[name=phone]")).to_have_value(CALLER)
    expect(page.locator('[data-part="caller"]')).to_contain_text("路灯")
    page.locator("textarea[name=text]").fill("还是那盏路灯的事，想问问修好了没有")
    expect(page.locator("[data-saved]")).to_have_attribute("data-state", "saved")
    ring(system, "call-2", "16000009002")
    expect(page.locator("[data-pop]")).to_be_visible()
    expect(page.locator("textarea[name=text]")).to_have_value("还是那盏路灯的事，想问问修好了没有")
    page.close()

    again = officer("hotline_operator", DESK)
    again.goto("/desk/hotline/call/")
    ready(again)
    again.locator("details", has_text="未提交").locator("summary").click()
    again.locator(".hot-notes a").first.click()
    ready(again)
    expect(again.locator("textarea[name=text]")).to_have_value("还是那盏路灯的事，想问问修好了没有")
    expect(again.locator("[name=phone]")).to_have_value(CALLER)
