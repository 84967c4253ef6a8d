"""Hurried hands: what is done while the scripts are still on their way is neither lost nor done twice."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from citybrain.base.identity.actor import ANONYMOUS
from citybrain.hub.cases import actions
from citybrain.hub.cases.intake import Report
from citybrain.hub.cases.models import Case
from citybrain.hub.cases.states import Source
from citybrain.sample.fixtures import TinyCity

from .conftest import PHONE, Held, state_of, step_button
from .pictures import lamp

pytestmark = pytest.mark.browser


def arrive(page: Page, address: str) -> Held:
    """Open a page whose scripts stay away until they are released."""
    held = Held(page)
    page.goto(address, wait_until="commit")
    expect(page.locator("[data-toasts]")).to_be_attached()  # the last of the page is there
    return held


def test_a_citizen_is_faster_than_the_scripts(
    open_city: TinyCity, visitor: Callable[..., Page], tmp_path: Path
) -> None:
    page = visitor(PHONE)
    community = open_city.node("community").name
    held = arrive(page, "/report/")
    page.locator("#photo input[type=file]").first.set_input_files(lamp(tmp_path / "lamp.jpg", lit=False))
    page.locator("#photo [data-skip]").click()
    page.locator("#address").fill(community)
    page.locator("[data-open-map]").click()
    page.locator("[data-open-map]").click()
    held.release()
    expect(page.locator("#place")).to_be_visible()
    expect(page.locator("[data-found] button").first).to_contain_text(community)
    expect(page.locator("#map .leaflet-pane").first).to_be_attached()
    expect(page.locator("#photo img")).to_have_count(1)
    page.locator("[data-found] button", has_text=community).first.click()
    page.locator("#place a.btn-primary").click()
    page.locator("#description").fill("路口的路灯不亮了")
    expect(page.locator("[data-guesses]")).to_contain_text("路灯不亮")
    page.locator("#words a.btn-primary").click()
    page.get_by_role("button", name="发送").click()
    expect(page.locator("#code")).to_be_visible()
    case = Case.objects.latest("id")
    assert (case.description, case.photos.count()) == ("路口的路灯不亮了", 1)
    assert case.community_id == open_city.area("community").pk


def test_a_report_goes_out_without_any_script(
    open_city: TinyCity, visitor: Callable[..., Page], tmp_path: Path
) -> None:
    page = visitor(PHONE, scripts=False)
    page.goto("/report/")
    page.locator("#photo input[type=file]").first.set_input_files(lamp(tmp_path / "lamp.jpg", lit=False))
    page.locator("#photo [data-go]").first.click()
    page.locator("#address").fill(open_city.node("community").name)
    page.locator("#place a.btn-primary").click()
    page.locator("#description").fill("没有脚本也能上报的路灯")
    page.locator("#words a.btn-primary").click()
    page.get_by_role("button", name="发送").click()
    expect(page.locator("#code")).to_be_visible()
    case = Case.objects.latest("id")
    assert (case.description, case.photos.count()) == ("没有脚本也能上报的路灯", 1)


def test_a_worker_types_and_sends_before_the_scripts(
    open_city: TinyCity, officer: Callable[..., Page]
) -> None:
    page = officer("worker", PHONE)
    held = arrive(page, "/desk/m/report/")
    page.locator("textarea[name=description]").fill("巷口一堆垃圾没有人清")
    held.release()
    expect(page.locator("[data-guesses] button").first).to_be_visible()

    held = arrive(page, "/desk/m/report/")
    page.locator("textarea[name=description]").fill("巷口又有一堆垃圾")
    page.locator("form[data-report] button[type=submit]").click()
    assert not Case.objects.filter(description="巷口又有一堆垃圾").exists()
    held.release()
    page.wait_for_url("**/desk/m/cases/**")
    assert Case.objects.filter(description="巷口又有一堆垃圾").count() == 1


def test_an_acceptor_is_faster_than_the_scripts(open_city: TinyCity, officer: Callable[..., Page]) -> None:
    lon, lat = open_city.point("grid")
    number = actions.report(ANONYMOUS, Report(Source.CITIZEN, "树倒在路上了", lon, lat)).number
    page = officer("acceptor")
    held = arrive(page, f"/desk/cases/{number}/")
    step_button(page, "派人核实").click()
    held.release()
    page.locator("dialog[open]").wait_for()
    page.locator("dialog[open] [data-close]").first.click()

    held = arrive(page, "/desk/work/to_file/")
    page.locator("[data-pick-all]").check()
    page.get_by_role("button", name="筛选").click()
    held.release()
    expect(page.locator("dialog#desk-filters[open]")).to_be_visible()
    rows = page.locator("[data-pick-one]").count()
    expect(page.locator("[data-batch-count]")).to_have_text(str(rows))
    assert state_of(number) == "reported"


def test_a_commander_is_faster_than_the_scripts(open_city: TinyCity, officer: Callable[..., Page]) -> None:
    page = officer("commander")
    held = arrive(page, "/cockpit/")
    page.locator("[data-cockpit-table]").click()
    page.locator("[data-chart-switch]").first.click()
    held.release()
    expect(page.locator("#cockpit-table")).to_be_visible()
    expect(page.locator("[data-chart-table]").first).to_be_visible()
    expect(page.locator("#cockpit-map-box .leaflet-pane").first).to_be_attached()
