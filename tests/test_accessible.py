"""Every main page of each face: no serious finding of axe-core, light and dark; nothing wider than a phone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from citybrain.base.identity.actor import ANONYMOUS
from citybrain.hub.cases import actions, photos
from citybrain.hub.cases.intake import Report
from citybrain.hub.cases.states import Source
from citybrain.sample.fixtures import TinyCity, the_cast

from .conftest import PHONE, WALL, rest, step_button
from .lent_city import lent, pages
from .pictures import lamp

pytestmark = pytest.mark.browser

AXE = (Path(__file__).resolve().parent.parent / "node_modules" / "axe-core" / "axe.min.js").read_text("utf-8")
GRAVE = {"serious", "critical"}
NARROW: ViewportSize = {"width": 360, "height": 740}
RUN = """async (rules) => {
  await new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted)));
  for (const one of document.getAnimations()) if (one.effect.getTiming().iterations !== Infinity) one.finish();
  const found = await axe.run(document, { resultTypes: ["violations"], preload: false, ...rules });
  const said = (node) => `${node.target} ${node.any[0]?.message ?? ""}`;
  return found.violations.map((one) => [one.id, one.impact, one.nodes.map(said)]);
}"""
COLOUR: dict[str, Any] = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
WIDE = """() => {
  const wide = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= wide) return [];
  const end = (one) => Math.round(one.getBoundingClientRect().right);
  const out = [...document.body.querySelectorAll("*")].filter((one) => end(one) > wide + 1);
  return out.slice(0, 6).map((one) => `${one.tagName}.${one.className} ${end(one)}`);
}"""
ENLARGE = """(size) => { document.documentElement.style.fontSize = size; }"""


class Judge:
    """Looks at pages one after the other and keeps what is wrong, so that one run tells all of it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.wrong: list[str] = []

    def go(self, address: str, *, narrow: bool = False) -> None:
        """Open a page and look at it; `narrow` ones also at 360 px and with type twice as large."""
        self.page.goto(address)
        self.look(address, narrow=narrow)

    def look(self, what: str, *, narrow: bool = False) -> None:
        """Judge what is shown: all rules in the light, colours once more in the dark."""
        rest(self.page)
        self.page.evaluate(AXE)
        self._note(what, self.page.evaluate(RUN, {}))
        self.page.emulate_media(color_scheme="dark")
        self._note(f"{what} (dark)", self.page.evaluate(RUN, COLOUR))
        self.page.emulate_media(color_scheme="light")
        if narrow:
            self._measure(what)

    def _note(self, what: str, found: list[tuple[str, str, list[str]]]) -> None:
        for rule, impact, nodes in found:
            if impact in GRAVE:
                self.wrong.append(f"{what}: {rule}: {'; '.join(nodes[:4])}")

    def _measure(self, what: str) -> None:
        before = self.page.viewport_size
        assert before is not None
        self.page.set_viewport_size(NARROW)
        for size in ("100%", "200%"):
            self.page.evaluate(ENLARGE, size)
            if wider := self.page.evaluate(WIDE):
                self.wrong.append(f"{what} at 360 px, type {size}: {wider}")
        self.page.evaluate(ENLARGE, "")
        self.page.set_viewport_size(before)

    def verdict(self) -> None:
        """Fail with everything found."""
        assert self.wrong == [], "\n" + "\n".join(self.wrong)


def settled(city: TinyCity, photo: Path) -> tuple[str, str]:
    """Return number and query code of a citizen's case that was settled and waits for its rating."""
    lon, lat = city.point("grid")
    cast = the_cast()
    receipt = actions.report(ANONYMOUS, Report(Source.CITIZEN, "小区门口的垃圾没有人清", lon, lat))
    after = photos.upload(photo.read_bytes(), "after", cast["handler"].pk)
    for who, step, inputs in (
        ("acceptor", "file", {"item": "010101"}),
        ("dispatcher", "dispatch", {"agency": city.agency("city_mgmt").pk}),
        ("handler", "accept", {}),
        ("handler", "feedback", {"reason": "已经清走", "photos": [str(after.token)]}),
        ("acceptor", "start_check", {}),
        ("leader", "pass_check", {"solved": True}),
        ("acceptor", "close", {}),
    ):
        actions.take(cast.actor(who), receipt.case_id, step, inputs)
    return receipt.number, receipt.query_code


def test_the_portal_is_for_everyone(
    still_city: TinyCity, visitor: Callable[..., Page], tmp_path: Path
) -> None:
    number, code = settled(still_city, lamp(tmp_path / "after.jpg", lit=True))
    page = visitor(PHONE)
    judge = Judge(page)
    judge.go("/", narrow=True)
    judge.go("/report/", narrow=True)
    for step in ("place", "words", "contact"):
        page.evaluate("(step) => { location.hash = step; }", step)
        expect(page.locator(f"#{step}")).to_be_visible()
        judge.look(f"/report/#{step}", narrow=True)
    judge.go("/progress/", narrow=True)
    page.locator("#number").fill(number)
    page.locator("#code").fill(code)
    page.locator("main button").last.click()
    expect(page.locator(".pt-line")).to_be_visible()
    judge.look("progress of a case", narrow=True)
    judge.go(f"/progress/{number}/rate/", narrow=True)
    judge.go("/my/sign-in/", narrow=True)
    judge.go("/accessibility/")
    judge.go("/sign-in/", narrow=True)
    page.goto("/")
    page.locator("form[data-choose] button[name=elder]").first.click()
    expect(page.locator("html[data-elder]")).to_have_count(1)
    judge.go("/report/", narrow=True)
    judge.verdict()


def test_the_english_screens_are_for_everyone(
    still_city: TinyCity, visitor: Callable[..., Page], officer: Callable[..., Page]
) -> None:
    judge = Judge(visitor(PHONE, english=True))
    judge.go("/", narrow=True)
    judge.go("/report/", narrow=True)
    judge.verdict()
    judge = Judge(officer("commander", WALL, english=True))
    judge.go("/cockpit/")
    judge.go("/desk/")
    judge.verdict()


def test_the_desk_is_for_everyone(still_city: TinyCity, officer: Callable[..., Page]) -> None:
    page = officer("duty_chief")
    judge = Judge(page)
    lon, lat = still_city.point("grid")
    number = actions.report(ANONYMOUS, Report(Source.CITIZEN, "树倒在路上了", lon, lat)).number
    judge.go("/desk/")
    judge.go("/desk/work/to_file/?view=table")
    page.goto("/desk/work/to_file/")
    page.locator("[data-row] a").first.click()
    page.locator("#detail [data-case]").wait_for()
    judge.look("a list with a case beside it")
    page.get_by_role("button", name="筛选").first.click()
    page.locator("dialog#desk-filters[open]").wait_for()
    judge.look("filters")
    page.goto(f"/desk/cases/{number}/")
    step_button(page, "立案").click()
    page.locator("dialog[open]").wait_for()
    judge.look("the dialog of a step")
    for place in (
        "boards/accept/",
        "boards/dispatch/",
        "boards/supervise/",
        "search/?q=路灯",
        "items/010101/",
        "areas/",
    ):
        judge.go(f"/desk/{place}")
    judge.verdict()


@pytest.mark.parametrize("who", ["supplier", "asker", "chief"])
def test_the_data_pages_are_for_everyone(
    still_city: TinyCity, officer: Callable[..., Page], who: str
) -> None:
    there = lent()
    page = officer(who)
    judge = Judge(page)
    for address in pages(there)[who]:
        judge.go(address, narrow=True)
    for key, address, button in (
        ("supplier", f"/desk/data/conflicts/{there.conflict.pk}/", "裁定"),
        ("asker", f"/desk/data/conflicts/{there.conflict.pk}/", "答复"),
        ("asker", f"/desk/data/grants/{there.grant.number}/", "撤销授权"),
    ):
        if key == who:
            page.goto(address)
            page.get_by_role("button", name=button).first.click()
            page.locator("dialog[open]").wait_for()
            judge.look(f"{address} {button}", narrow=True)
    judge.verdict()


def test_the_phone_pages_are_for_everyone(still_city: TinyCity, officer: Callable[..., Page]) -> None:
    page = officer("leader", PHONE)
    judge = Judge(page)
    for part in ("", "report/", "map/", "me/"):
        judge.go(f"/desk/m/{part}", narrow=True)
    page.goto("/desk/m/")
    page.locator("[data-row] a").first.click()
    page.locator(".desk-thumb a.btn").first.wait_for()
    judge.look("a case on the phone", narrow=True)
    page.locator(".desk-thumb a.btn").first.click()
    page.locator("form[data-step-form]").wait_for()
    judge.look("a step on the phone", narrow=True)
    judge.verdict()


def test_the_cockpit_is_for_everyone(still_city: TinyCity, officer: Callable[..., Page]) -> None:
    page = officer("commander", WALL)
    judge = Judge(page)
    page.goto("/cockpit/")
    page.locator("[data-cockpit-table]").click()
    expect(page.locator("#cockpit-table")).to_be_visible()
    judge.look("the cockpit with its table")
    judge.go("/cockpit/brief/")
    judge.verdict()
