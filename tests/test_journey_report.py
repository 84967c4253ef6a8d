"""A citizen reports with a photo → filed → dispatched → handled → checked → closed → rated."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from citybrain.base.identity.models import Agency
from citybrain.hub.cases.models import Case, CaseEvent
from citybrain.sample.fixtures import TinyCity

from .conftest import PHONE, shoot, state_of, take
from .pictures import lamp

pytestmark = pytest.mark.browser


def nudge(page: Page) -> None:
    """Drag the map a little, as one does to put the pin right."""
    box = page.locator("#map").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.75
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 4, y + 3, steps=4)
    with page.expect_response(re.compile("locate")):
        page.mouse.up()


def report(page: Page, city: TinyCity, photo: Path) -> tuple[str, str]:
    """Report a lamp as a citizen does on a phone; return number and query code."""
    page.goto("/")
    shoot(page, "portal-front")
    page.locator("main").get_by_role("link", name="随手拍").first.click()
    page.locator("input[type=file]").first.set_input_files(photo)
    expect(page.locator("#photo img").first).to_be_visible()
    expect(page.locator("#photo .pt-thumb-state")).to_have_count(0)
    shoot(page, "portal-photo")
    page.locator("#photo a.btn-primary").click()
    community = city.node("community").name
    page.locator("#address").press_sequentially(community, delay=20)
    found = page.locator("[data-found] button", has_text=community).first
    found.click()
    expect(found).to_have_attribute("aria-pressed", "true")
    page.locator("[data-open-map]").click()
    expect(page.locator("#map:not([aria-busy])")).to_be_visible()
    nudge(page)
    expect(page.locator("[data-chosen]")).to_contain_text(community)
    expect(page.locator("#place input[name=lon]")).not_to_have_value("")
    shoot(page, "portal-place")
    page.locator("#place a.btn-primary").click()
    page.locator("#description").fill("小区门口的路灯不亮了，晚上看不清路")
    expect(page.locator("[data-guesses]")).to_contain_text("路灯不亮")
    shoot(page, "portal-words")
    page.locator("#words a.btn-primary").click()
    page.get_by_role("button", name="发送").click()
    expect(page.locator("#code")).to_be_visible()
    shoot(page, "portal-done")
    return re.sub(r"\D", "", page.locator("#number").inner_text()), page.locator("#code").inner_text().strip()


def filed(page: Page, number: str) -> None:
    """The acceptor finds it in the list and files the first guess."""
    page.goto("/desk/work/to_file/")
    expect(page.locator("body")).to_contain_text("小区门口的路灯不亮了")
    shoot(page, "desk-list")
    page.goto(f"/desk/cases/{number}/")
    shoot(page, "desk-case")
    take(page, number, "立案", lambda page: expect(page.locator("dialog[open]")).to_contain_text("路灯不亮"))
    assert state_of(number) == "pending_dispatch"


def dispatched(page: Page, number: str, agency: Agency) -> None:
    """The dispatcher sends it to one body, from the suggestions or by its name."""

    def choose(page: Page) -> None:
        wanted = page.locator(f"dialog[open] input[type=radio][value='{agency.pk}']")
        if wanted.count():
            wanted.first.check(force=True)
        else:
            page.locator("dialog[open] [data-picker-words]").press_sequentially(agency.name, delay=10)
            page.locator("[role=option]", has_text=agency.name).first.click()
        shoot(page, "desk-dispatch")

    take(page, number, "派遣", choose)
    assert state_of(number) == "pending_handling"
    assert Case.objects.get(number=number).agency_id == agency.pk


def handled(page: Page, number: str, after: Path) -> None:
    """The handler accepts, and reports the result with a photo."""
    take(page, number, "接收")
    assert state_of(number) == "handling"

    def done(page: Page) -> None:
        page.locator("dialog[open] textarea[name=reason]").fill("更换了灯泡，已经亮了")
        page.locator("dialog[open] input[type=file]").first.set_input_files(after)

    take(page, number, "反馈结果", done)
    assert state_of(number) == "handled"


def checked(page: Page, number: str) -> None:
    """The grid leader looks at it on site, with the phone."""
    page.goto("/desk/m/")
    shoot(page, "phone-tasks")
    page.goto(f"/desk/m/cases/{number}/")
    shoot(page, "phone-case")
    page.goto(f"/desk/m/cases/{number}/steps/pass_check/")
    page.locator("input[name=solved][value=yes]").check(force=True)
    page.locator("form[data-step-form] .desk-thumb button").click()
    page.wait_for_url(lambda address: "steps" not in address)
    assert Case.objects.get(number=number).solved is True


def rated(page: Page, number: str, code: str) -> None:
    """Anyone with number and code follows it; its reporter rates it."""
    page.goto("/progress/")
    page.locator("#number").fill(number)
    page.locator("#code").fill(code)
    page.locator("main button").last.click()
    expect(page.locator("h1")).to_contain_text("已解决")
    shoot(page, "portal-progress")
    page.locator(".pt-faces a[data-value='5']").click()
    page.locator("form#step [data-send]").click()
    expect(page.locator("main")).to_contain_text("很满意")


def test_a_citizen_reports_and_it_is_settled_and_rated(
    open_city: TinyCity, visitor: Callable[..., Page], officer: Callable[..., Page], tmp_path: Path
) -> None:
    before, after = lamp(tmp_path / "before.jpg", lit=False), lamp(tmp_path / "after.jpg", lit=True)
    number, code = report(visitor(PHONE), open_city, before)
    assert len(number) == 15
    assert state_of(number) == "reported"
    assert Case.objects.get(number=number).community_id == open_city.area("community").pk

    acceptor = officer("acceptor")
    filed(acceptor, number)
    dispatched(officer("dispatcher"), number, open_city.agency("city_mgmt"))
    handled(officer("handler"), number, after)
    take(acceptor, number, "派人核查", lambda page: None)
    assert state_of(number) == "checking"
    checked(officer("leader", PHONE), number)
    take(acceptor, number, "结案", lambda page: None)
    assert state_of(number) == "closed"
    acceptor.goto(f"/desk/cases/{number}/")
    shoot(acceptor, "desk-case-closed")
    rated(visitor(PHONE), number, code)

    case = Case.objects.get(number=number)
    assert (case.rating, case.solved, case.on_time) == (5, True, True)
    assert list(CaseEvent.objects.filter(case=case).order_by("seq").values_list("action", flat=True)) == [
        "report", "file", "dispatch", "accept", "feedback", "start_check", "pass_check", "close", "rate",
    ]  # fmt: skip
