"""A sheet is taken out as Excel, filled there, and dropped back on its page in a real browser."""

from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import Page, expect

from citybrain.hub.forms.collecting.filling import open_sheet
from citybrain.hub.forms.models import Dispute, Row
from citybrain.sample.fixtures import TinyCity, the_cast

from .conftest import PHONE
from .forms_city import Formed, formed
from .test_accessible import Judge

pytestmark = pytest.mark.browser


def filled(page: Page, there: Formed, path: Path) -> Path:
    """Download the sheet as its page offers it, and fill three cells of it: two answers, one against the data."""
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Excel").click()
    file = path / waiting.value.suggested_filename
    waiting.value.save_as(file)
    version = there.round.version
    letters = {one.name: one.letter for one in version.shape}
    book = openpyxl.load_workbook(file)
    sheet = book[version.sheet]
    answers = [one for one in version.shape if one.asks == "answer"]
    for at in (version.begins, version.begins + 1):
        sheet[f"{answers[0].letter}{at}"] = answers[0].options[0] if answers[0].options else "有"
    name = next(letter for called, letter in letters.items() if "地址" in called or "住址" in called)
    sheet[f"{name}{version.begins}"] = "新迁路8号"
    book.save(file)
    return file


def test_a_filled_excel_is_dropped_on_its_sheet(
    still_city: TinyCity, officer: Callable[..., Page], tmp_path: Path
) -> None:
    there = formed(still_city)
    open_sheet(the_cast().actor("leader"), there.sheet)
    page = officer("leader")
    page.goto(f"/desk/forms/fill/{there.sheet.pk}/")
    page.locator("[data-sheet][data-ready]").wait_for()
    file = filled(page, there, tmp_path)
    page.get_by_role("button", name="导入填好的 Excel").click()
    dialog = page.locator("dialog#fm-excel")
    dialog.locator('input[type="file"]').set_input_files(file)
    go = dialog.get_by_role("button", name="采用 2 处")
    go.wait_for()
    judge = Judge(page)
    judge.look("what a workbook changes", narrow=True)
    dialog.get_by_role("button", name="提出异议").click()
    page.locator("dialog#fm-dispute[open]").get_by_role("button", name="提出异议").click()
    expect(dialog.get_by_role("button", name="异议中")).to_be_disabled()
    assert Dispute.objects.get().claimed == "新迁路8号"
    go.click()
    expect(dialog.locator("[data-brought]")).to_contain_text("已采用：2 格，新增 0 行。")
    letter = next(one.letter for one in there.round.version.shape if one.asks == "answer")
    rows = Row.objects.filter(sheet=there.sheet).order_by("position")[:2]
    assert all(row.values[letter] for row in rows)
    place = page.evaluate(f"document.querySelector('[data-sheet]').fm.cells.places.get('{letter}')")
    page.wait_for_function(
        "place => document.querySelector('[data-sheet]').fm.cells.rows[0].values[place] !== ''", arg=place
    )
    phone = officer("leader", PHONE)
    phone.goto(f"/desk/forms/fill/{there.sheet.pk}/")
    phone.locator("[data-sheet][data-ready]").wait_for()
    book = openpyxl.load_workbook(file)
    book[there.round.version.sheet][f"{letter}{there.round.version.begins + 2}"] = "不在选项里"
    book.save(file)
    phone.get_by_role("button", name="导入填好的 Excel").click()
    phone.locator('dialog#fm-excel input[type="file"]').set_input_files(file)
    phone.locator("dialog#fm-excel").get_by_text("不在可选项中").wait_for()
    on_phone = Judge(phone)
    on_phone.look("what a workbook changes on a phone", narrow=True)
    assert judge.wrong + on_phone.wrong == []
