"""A form's way in a real browser: dropped, matched, admitted, sent down, filled, reviewed, received; or refused."""

from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import Page, expect

from citybrain.hub.forms.models import Form, Remembered, Round, Row, Sheet
from citybrain.sample.fixtures import TinyCity

from .conftest import shoot
from .forms_city import Formed, formed
from .test_journey_forms_fill import hand_in, saved, to_cell

pytestmark = pytest.mark.browser
TITLE = "社区老年人防寒走访登记表"
HEAD = ("序号", "姓名", "身份证号码", "出生日期", "住址", "取暖方式", "备注")
PASTE = """(text) => {
  const clipboardData = new DataTransfer();
  clipboardData.setData("text/plain", text);
  document.activeElement.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
}"""
FOOT = "填表人：            审核人："


def workbook(path: Path, title: str, head: tuple[str, ...], prepared: int = 6) -> Path:
    """Write an Excel as offices send them: a title over all columns, some prepared rows, a line for signatures."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet["A1"] = title
    sheet.merge_cells(start_row=1, start_column=1, end_row=1, end_column=len(head))
    for at, name in enumerate(head, 1):
        sheet.cell(2, at, name)
    sheet.cell(3 + prepared, 1, FOOT)
    book.save(path)
    return path


def dropped(page: Page, path: Path) -> Form:
    """Drop an Excel; return the form that it became."""
    page.goto("/desk/forms/")
    page.get_by_role("link", name="拖入 Excel 建报表").first.click()
    page.locator("#id_file").set_input_files(path)
    page.get_by_role("button", name="读表格，认列").click()
    page.wait_for_url("**/columns/")
    return Form.objects.latest("id")


def corrected(page: Page) -> None:
    """Say what the address is, that heating must be told and how; then confirm all columns."""
    address = page.locator("tr", has=page.locator("[name=c-E-means]"))
    address.locator("summary", has_text="都不是").click()
    words = address.locator("[data-picker-words]")
    words.fill("户籍地址")
    address.locator("[role=option]", has_text="户籍地址").first.click()
    page.locator("[name=c-F-required]").check()
    heating = page.locator("tr", has=page.locator("[name=c-F-means]"))
    heating.locator("summary", has_text="可选的值").click()
    page.locator("[name=c-F-options]").fill("暖气、空调、炉具")
    shoot(page, "forms-columns")
    page.get_by_role("button", name="都对，全部确认").click()
    page.wait_for_url(lambda address: "columns" not in address)


def asked(page: Page, purpose: str, basis: str) -> None:
    """Ask for admission; what is forgotten is said, and what was typed stays."""
    page.get_by_role("link", name="申请准入").click()
    page.locator("[name=purpose]").fill(purpose)
    page.locator("[name=basis]").fill("  ")
    page.get_by_role("button", name="提交准入申请").click()
    expect(page.locator("[name=basis][aria-invalid=true]")).to_be_visible()
    expect(page.locator("[name=purpose]")).to_have_value(purpose)
    page.locator("[name=basis]").fill(basis)
    page.get_by_role("button", name="提交准入申请").click()
    page.wait_for_url(lambda address: "admission" not in address)


def decided(page: Page, one: Form, button: str, reason: str) -> None:
    """Decide on admission by the list of what waits."""
    page.goto("/desk/")
    page.get_by_role("link", name="报表待准入").click()
    page.locator("[data-row] a", has_text=one.title).click()
    page.get_by_role("link", name="审查准入").click()
    page.locator("[name=reason]").fill(reason)
    page.get_by_role("button", name=button).click()
    page.wait_for_url(lambda address: "admission" not in address)


def filled(page: Page, sheet: Sheet) -> int:
    """Fill how everybody is heated and hand the sheet in; return how many people stand in it."""
    page.goto(f"/desk/forms/fill/{sheet.pk}/")
    page.locator("[data-sheet][data-ready]").wait_for()
    to_cell(page, 0, "F")
    page.keyboard.press("Control+Shift+ArrowDown")
    page.evaluate(PASTE, "暖气")
    saved(page)
    hand_in(page)
    return Row.objects.filter(sheet=sheet, removed=False).count()


def received(page: Page, sheet: Sheet, count: int, folder: Path) -> None:
    """Accept a sheet and take it out: the office's own workbook, filled."""
    page.goto(f"/desk/forms/rounds/{sheet.round_id}/sheets/?state=reviewed")
    page.locator("[data-row] a").first.click()
    with page.expect_download() as got:
        page.get_by_role("link", name="Excel").click()
    got.value.save_as(folder / "收到.xlsx")
    rows = list(openpyxl.load_workbook(folder / "收到.xlsx").active.iter_rows(values_only=True))
    assert (rows[0][0], rows[1]) == (TITLE, HEAD)
    people = rows[2 : 2 + count]
    assert [row[5] for row in people] == ["暖气"] * count
    assert all(row[1] and row[2] and row[4] for row in people[:1])
    assert any(row[0] == FOOT for row in rows[2 + count :]), "the line for signatures moved down"
    page.get_by_role("button", name="接收").click()
    page.wait_for_url(f"**/desk/forms/rounds/{sheet.round_id}/")
    shoot(page, "forms-round")


def test_a_form_is_sent_down_filled_reviewed_and_received(
    open_city: TinyCity, officer: Callable[..., Page], tmp_path: Path
) -> None:
    there: Formed = formed(open_city)
    office = officer("form_office")
    one = dropped(office, workbook(tmp_path / "防寒.xlsx", TITLE, HEAD))
    corrected(office)
    assert Remembered.objects.filter(meaning="ga_population.hukou_address").exists()
    asked(office, "安排入冬走访", "民发2026第9号")
    decided(officer("data_chief"), one, "准予下发", "")

    office.goto(f"/desk/forms/{one.pk}/")
    office.get_by_role("link", name="下发", exact=True).click()
    office.locator("#id_root").select_option(label="\u3000\u3000" + open_city.area("street").name)
    expect(office.locator("#issue-count")).to_contain_text("的每个社区村一份")
    office.locator("[name=period]").fill("2026年入冬")
    office.get_by_role("button", name="下发").click()
    office.wait_for_url("**/rounds/*/")
    round_ = Round.objects.get(form=one)
    sheet = Sheet.objects.get(round=round_, area=there.community)

    count = filled(officer("leader"), sheet)
    assert count > 5

    street = officer("form_reviewer")
    street.goto("/desk/")
    street.get_by_role("link", name="报表待审核").click()
    street.locator("[data-row] a", has_text=there.community.name).first.click()
    shoot(street, "forms-sheet")
    street.get_by_role("button", name="审核通过").click()
    street.wait_for_url(lambda address: f"/sheets/{sheet.pk}/" not in address)
    sheet.refresh_from_db()
    assert sheet.state == "reviewed"

    received(office, sheet, count, tmp_path)
    sheet.refresh_from_db()
    assert sheet.state == "accepted"


def test_a_form_is_refused_because_the_city_knows_it_all(
    open_city: TinyCity, officer: Callable[..., Page], tmp_path: Path
) -> None:
    formed(open_city)
    office = officer("form_office")
    head = ("姓名", "残疾类别", "残疾等级", "残疾证有效期至")
    one = dropped(office, workbook(tmp_path / "残疾人.xlsx", "残疾人基本情况表", head))
    office.get_by_role("button", name="都对，全部确认").click()
    office.wait_for_url(lambda address: "columns" not in address)
    office.get_by_role("link", name="申请准入").click()
    expect(office.locator(".desk-forms-advice")).to_contain_text("建议不予准入")
    office.goto(f"/desk/forms/{one.pk}/")
    asked(office, "更新台账", "残联发2026第4号")
    chief = officer("data_chief")
    chief.goto(f"/desk/forms/{one.pk}/admission/")
    expect(chief.locator(".desk-forms-advice")).to_contain_text("建议不予准入")
    shoot(chief, "forms-admission")
    decided(chief, one, "不予准入", "全市残疾人数据已有，请直接申请使用")
    office.goto(f"/desk/forms/{one.pk}/")
    expect(office.locator("main")).to_contain_text("全市残疾人数据已有，请直接申请使用")
    expect(office.get_by_role("link", name="下发", exact=True)).to_have_count(0)
    one.refresh_from_db()
    assert one.state == "refused"
