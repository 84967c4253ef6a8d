"""Forms are filled in a real browser: at a desk, on a phone, by two people, without net; a wrong value is mended."""

import re
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, Route, expect

from citybrain.base.exchange import runs
from citybrain.base.exchange.models import Run
from citybrain.hub.forms.models import Dispute, Edit, Row, Sheet
from citybrain.sample.fixtures import TinyCity

from .conftest import PHONE
from .forms_city import Formed, formed, serve

pytestmark = pytest.mark.browser
MEAL = "助餐需求"


def opened(page: Page, there: Formed) -> None:
    """Open the sheet of the cast's community by the list, and wait until its cells are there."""
    page.goto("/desk/forms/fill/")
    page.get_by_role("link", name=there.round.form.title).first.click()
    page.locator("[data-sheet][data-ready]").wait_for()


def letter_of(there: Formed, name: str) -> str:
    return next(one.letter for one in there.round.version.shape if one.name == name)


def values(there: Formed, letter: str) -> list[str]:
    """Return what stands in a column, in the order of the rows."""
    rows = Row.objects.filter(sheet=there.sheet, removed=False).order_by("position")
    return [row.values.get(letter, "") for row in rows]


def to_cell(page: Page, row: int, letter: str) -> None:
    """Make a cell the active one, as a click on it would wherever it lies."""
    page.evaluate(
        """([row, letter]) => {
          const { cells, grid, editor } = document.querySelector("[data-sheet]").fm;
          grid.go(row, grid.order.indexOf(cells.places.get(letter)));
          editor.focus();
        }""",
        [row, letter],
    )


def saved(page: Page) -> None:
    """Wait until nothing waits to be sent."""
    page.wait_for_function("() => document.querySelector('[data-sheet]').fm.sending.queue.size === 0")
    expect(page.locator('[data-fm="status"]')).to_have_attribute("data-state", "saved")


def taken_in(ingest: str) -> None:
    """Work on intakes until one is through, whoever takes it: this process or the worker beside it."""
    for _attempt in range(120):
        runs.work_one(timezone.now() + timedelta(hours=2))
        state = Run.objects.values_list("state", flat=True).get(ingest=ingest)
        if state == "done":
            return
        assert state not in {"failed", "waiting", "refused"}, Run.objects.get(ingest=ingest).error
        time.sleep(0.5)
    pytest.fail(f"{ingest} was not taken in")


def hand_in(page: Page) -> None:
    page.locator('[data-fm="submit"]').click()
    page.locator("dialog#fm-submit[open]").get_by_role("button", name="签名提交").click()
    page.wait_for_url(re.compile(r"/desk/forms/fill/$"))


def test_a_worker_fills_a_sheet_at_the_desk(open_city: TinyCity, officer: Callable[..., Page]) -> None:
    there = formed(open_city)
    page = officer("leader")
    opened(page, there)
    expect(page.locator('[role="columnheader"]', has_text="姓名")).to_contain_text("户籍人口基本信息")
    meal = letter_of(there, MEAL)
    count = Row.objects.filter(sheet=there.sheet).count()
    assert count > 20
    to_cell(page, 0, meal)
    page.keyboard.type("每日")  # the list offers two; the arrow takes the second
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    to_cell(page, 1, meal)
    page.keyboard.press("Control+Shift+ArrowDown")
    page.evaluate(
        """() => {
          const data = new DataTransfer();
          data.setData("text/plain", "不需要");
          const event = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
          document.activeElement.dispatchEvent(event);
        }"""
    )
    saved(page)
    expect(page.locator('[data-fm="missing"]')).to_have_text("必填项已齐")
    assert values(there, meal) == ["每日两餐", *["不需要"] * (count - 1)]
    hand_in(page)
    sheet = Sheet.objects.get(pk=there.sheet.pk)
    assert sheet.state == "submitted"
    assert [one["name"] for one in sheet.signature or []] == ["何沛然"]


def test_a_worker_fills_a_sheet_on_the_phone_person_by_person(
    open_city: TinyCity, officer: Callable[..., Page]
) -> None:
    there = formed(open_city)
    page = officer("leader", PHONE)
    opened(page, there)
    meal = letter_of(there, MEAL)
    count = Row.objects.filter(sheet=there.sheet).count()
    expect(page.locator('[data-fm="cards"] h2')).to_be_visible()
    expect(page.locator(".fm-card-known summary")).to_contain_text("数据已填")
    for at in range(3):
        page.get_by_role("group", name=MEAL).get_by_text("不需要").click()
        saved(page)
        page.get_by_role("button", name="下一个").click()
        expect(page.locator(".fm-card-head")).to_contain_text(f"{at + 2} / {count}")
    assert values(there, meal)[:4] == ["不需要", "不需要", "不需要", ""]
    page.locator('[data-fm="submit"]').click()
    stop = page.locator("dialog#fm-submit [data-stop]")
    expect(stop).to_contain_text(f"还差 {count - 3} 格必填项")
    stop.get_by_role("button").first.click()
    expect(page.locator(".fm-card-head")).to_contain_text(f"4 / {count}")


def test_two_people_on_one_sheet_lose_nothing(open_city: TinyCity, officer: Callable[..., Page]) -> None:
    there = formed(open_city)
    first, second = officer("leader"), officer("form_reviewer")
    opened(first, there)
    second.goto(f"/desk/forms/fill/{there.sheet.pk}/")
    second.locator("[data-sheet][data-ready]").wait_for()
    meal, note = letter_of(there, MEAL), letter_of(there, "备注")
    second.context.set_offline(True)
    for page, text in ((first, "每日一餐"), (second, "每日两餐")):
        to_cell(page, 0, meal)
        page.keyboard.type(text)
        page.keyboard.press("Enter")
    to_cell(second, 1, note)
    second.keyboard.type("住女儿家")
    second.keyboard.press("Enter")
    saved(first)
    second.context.set_offline(False)
    clash = second.locator('[data-fm="clashes"]')
    expect(clash).to_contain_text("1 处与他人的修改不一致")
    assert values(there, meal)[0] == "每日一餐"
    assert values(there, note)[1] == "住女儿家"
    clash.click()
    box = second.locator(".fm-clash")
    expect(box).to_contain_text("何沛然也改了这一格")
    box.get_by_role("button", name="用我的").click()
    saved(second)
    expect(clash).to_be_hidden()
    assert values(there, meal)[0] == "每日两餐"
    to_cell(first, 0, meal)
    expect(first.locator(".fm-td[data-active]")).to_contain_text("每日两餐")


def test_what_is_filled_without_net_arrives_once(open_city: TinyCity, officer: Callable[..., Page]) -> None:
    there = formed(open_city)
    page = officer("leader")
    opened(page, there)
    meal = letter_of(there, MEAL)
    page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
    page.reload()  # from here on the worker rules over the page
    page.locator("[data-sheet][data-ready]").wait_for()
    page.wait_for_timeout(2500)  # the sheet is kept on the device a moment after it came
    page.context.set_offline(True)
    to_cell(page, 0, meal)
    for text in ("不需要", "每日一餐", "每日两餐"):
        page.keyboard.type(text)
        page.keyboard.press("Enter")
    expect(page.locator('[data-fm="status"]')).to_contain_text("3 处修改存在本机")
    page.reload()
    page.locator('[data-sheet][data-ready="kept"]').wait_for()
    expect(page.locator('[data-fm="status"]')).to_contain_text("3 处修改存在本机")
    assert values(there, meal)[:3] == ["", "", ""]
    answered: list[object] = []

    def lose_the_first(route: Route) -> None:
        answer = route.fetch()
        answered.append(answer)
        if len(answered) == 1:
            route.abort()  # the server took it, and its answer was lost on the way
        else:
            route.fulfill(response=answer)

    page.route("**/edits/", lose_the_first)
    page.context.set_offline(False)
    saved(page)
    assert values(there, meal)[:3] == ["不需要", "每日一餐", "每日两餐"]
    assert Edit.objects.filter(sheet=there.sheet, letter=meal).count() == 3
    assert len(answered) >= 2


def test_a_wrong_value_is_disputed_and_its_supplier_mends_it(
    open_city: TinyCity, officer: Callable[..., Page]
) -> None:
    there = formed(open_city)
    page = officer("leader")
    opened(page, there)
    address = letter_of(there, "户籍地址")
    row = next(at for at, value in enumerate(values(there, address)) if value)
    to_cell(page, row, address)
    page.locator('[data-fm="bar"]').get_by_role("button", name="数据有误").click()
    dialog = page.locator("dialog#fm-dispute[open]")
    dialog.get_by_label("应该是").fill("安澜市望澜区鲤浦街道新迁路8号")
    dialog.get_by_label("依据或说明").fill("上月已迁入新址")
    dialog.get_by_role("button", name="提出异议").click()
    expect(page.locator(".cb-toast").first).to_contain_text("异议已送提供单位")
    one = Dispute.objects.get()
    keeper = officer("data_police")
    keeper.goto("/desk/forms/disputes/")
    keeper.locator("[data-row] a").first.click()
    expect(keeper.locator("main")).to_contain_text("新迁路8号")
    expect(keeper.locator("main")).not_to_contain_text("120198")  # whose row it is stays unsaid
    keeper.get_by_role("button", name="更正").click()
    keeper.locator("dialog#mend[open]").get_by_role("button", name="确认更正").click()
    expect(keeper.locator(".cb-page-head")).to_contain_text("已更正")
    one.refresh_from_db()
    assert one.state == "mended"
    taken_in(f"form-dispute-{one.pk}")
    serve(["ga_population"])
    page.goto(f"/desk/forms/rosters/elders/?q={'新迁路8号'}")
    expect(page.locator("[data-rows] [data-row]")).to_have_count(1)
