"""A return and a second dispatch; a late case escalates; what a stranger may not see stays unseen."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from citybrain.base.identity.actor import ANONYMOUS
from citybrain.hub.cases import actions, sweep
from citybrain.hub.cases.intake import Report
from citybrain.hub.cases.models import Case, CaseEvent
from citybrain.hub.cases.states import Source
from citybrain.sample.fixtures import TinyCity, the_cast

from .conftest import shoot, state_of, take

pytestmark = pytest.mark.browser


def dispatched(city: TinyCity, text: str) -> str:
    """Return the number of a case that lies with the district's city management."""
    lon, lat = city.point("grid")
    receipt = actions.report(ANONYMOUS, Report(Source.CITIZEN, text, lon, lat))
    cast = the_cast()
    actions.take(cast.actor("acceptor"), receipt.case_id, "file", {"item": "010101"})
    to = {"agency": city.agency("city_mgmt").pk}
    actions.take(cast.actor("dispatcher"), receipt.case_id, "dispatch", to)
    return receipt.number


def test_a_returned_case_is_dispatched_again_and_the_route_has_sunk(
    open_city: TinyCity, officer: Callable[..., Page]
) -> None:
    number = dispatched(open_city, "桥下一堆垃圾没有人清")
    handler = officer("handler")

    def why(page: Page) -> None:
        page.locator("dialog[open] label.cb-choice", has_text="不属于本单位职责").click()
        page.locator("dialog[open] textarea[name=reason]").fill("桥下由街道管")

    take(handler, number, "退回", why)
    assert state_of(number) == "returned"

    dispatcher = officer("dispatcher")
    dispatcher.goto("/desk/work/returned/")
    expect(dispatcher.locator("body")).to_contain_text("桥下一堆垃圾没有人清")
    mine = open_city.agency("city_mgmt").pk

    def elsewhere(page: Page) -> None:
        first = page.locator("dialog[open] [data-suggested] input[type=radio]").first
        assert first.get_attribute("value") != str(mine)
        expect(page.locator("dialog[open]")).to_contain_text("该单位已退回过本案")
        shoot(page, "desk-redispatch")
        first.check(force=True)

    take(dispatcher, number, "重新派遣", elsewhere)
    assert state_of(number) == "pending_handling"
    case = Case.objects.get(number=number)
    assert (case.return_count, case.agency_id != mine) == (1, True)


def test_a_late_case_escalates_before_the_supervisors_eyes(
    open_city: TinyCity, officer: Callable[..., Page]
) -> None:
    number = dispatched(open_city, "路口垃圾箱倒了，垃圾满地")
    case = Case.objects.get(number=number)
    assert case.due_at is not None
    sweep.tick(case.due_at + timedelta(days=2))
    sweep.tick(case.due_at + timedelta(days=2, minutes=1))
    assert Case.objects.get(pk=case.pk).supervised
    assert CaseEvent.objects.filter(case=case, action="escalate").count() == 2
    Case.objects.filter(pk=case.pk).update(due_at=timezone.now() - timedelta(hours=3))

    supervisor = officer("supervisor")
    supervisor.goto("/desk/work/supervised/")
    expect(supervisor.locator("body")).to_contain_text("路口垃圾箱倒了")
    supervisor.goto("/desk/boards/supervise/")
    shoot(supervisor, "desk-supervise")
    supervisor.goto(f"/desk/cases/{number}/")
    expect(supervisor.locator("body")).to_contain_text("超时升级")
    expect(supervisor.locator("body")).to_contain_text("已超时")


def test_a_new_report_appears_on_an_open_list_by_itself(
    open_city: TinyCity, officer: Callable[..., Page]
) -> None:
    acceptor = officer("acceptor")
    acceptor.goto("/desk/work/to_file/")
    expect(acceptor.get_by_text("实时更新")).to_be_visible()
    before = Case.objects.filter(street_id=open_city.area("street").pk, state__in=(10, 20)).count()
    tab = acceptor.get_by_role("link", name="待立案").first
    expect(tab).to_contain_text(str(before))
    lon, lat = open_city.point("grid")
    actions.report(ANONYMOUS, Report(Source.CITIZEN, "刚刚有一棵树倒在路上", lon, lat))
    expect(tab).to_contain_text(str(before + 1))
    acceptor.get_by_text("列表有变化").click()
    expect(acceptor.locator("main")).to_contain_text("刚刚有一棵树倒在路上")


def test_a_worker_of_another_district_does_not_find_it(
    open_city: TinyCity, officer: Callable[..., Page]
) -> None:
    number = dispatched(open_city, "一件别人的案子")
    stranger = officer("worker2")
    answer = stranger.goto(f"/desk/cases/{number}/")
    assert answer is not None
    assert answer.status == 404
    stranger.goto(f"/desk/search/?q={number}")
    expect(stranger.locator("main")).not_to_contain_text("一件别人的案子")


def test_the_screens_are_whole_in_the_dark_and_in_english(
    grown_city: None, officer: Callable[..., Page], visitor: Callable[..., Page]
) -> None:
    from .conftest import PHONE, WALL

    duty = officer("duty_chief", dark=True, english=True)
    duty.goto("/desk/")
    shoot(duty, "desk-home-dark-en")
    duty.goto("/desk/work/open/")
    shoot(duty, "desk-list-dark-en")
    commander = officer("commander", WALL)
    commander.goto("/cockpit/")
    expect(commander.locator("#cockpit-map-box .cb-area-label").first).to_be_visible()
    shoot(commander, "cockpit")
    dark = officer("commander", WALL, dark=True)
    dark.goto("/cockpit/")
    expect(dark.locator("#cockpit-map-box .cb-area-label").first).to_be_visible()
    shoot(dark, "cockpit-dark")
    old = visitor(PHONE)
    old.goto("/")
    old.get_by_role("button", name="大字模式").first.click()
    expect(old.locator("html[data-elder]")).to_have_count(1)
    shoot(old, "portal-elder")
    for page in (duty, commander, old):
        overflow = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert overflow <= 0, page.url
