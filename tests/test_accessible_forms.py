"""The pages of forms, the office's and the street's: no serious finding of axe-core, nothing wider than a phone."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from playwright.sync_api import Page

from citybrain.hub.forms import collecting
from citybrain.hub.forms.collecting import CellEdit
from citybrain.hub.forms.columns import Asks
from citybrain.hub.forms.models import Form, Sheet
from citybrain.sample.fixtures import TinyCity, the_cast

from .forms_city import Formed, formed
from .test_accessible import Judge

pytestmark = pytest.mark.browser


def handed_in(there: Formed) -> Sheet:
    """Fill what is asked of the cast's community and hand its sheet in."""
    leader = the_cast().actor("leader")
    sheet = collecting.open_sheet(leader, there.sheet)
    seen = collecting.look(leader, sheet, limit=2_000)
    asked = [column for column in seen.columns if column.required and column.asks == Asks.ANSWER]
    edits = [
        CellEdit(row.key, column.letter, column.options[0], seen.stamp, uuid4())
        for row in seen.rows
        for column in asked
    ]
    collecting.edit(leader, sheet, edits)
    collecting.submit(leader, sheet)
    return Sheet.objects.get(pk=sheet.pk)


def pages(there: Formed, sheet: Sheet) -> dict[str, list[str]]:
    """Return the addresses by who looks at them."""
    form, round_ = f"/desk/forms/{there.round.form_id}/", f"/desk/forms/rounds/{there.round.pk}/"
    draft = Form.objects.filter(state="draft").order_by("id")[0]
    asking = Form.objects.filter(state="asking").order_by("id")[0]
    return {
        "form_office": [
            "/desk/forms/", "/desk/forms/add/", form, f"/desk/forms/{draft.pk}/", f"/desk/forms/{draft.pk}/columns/",
            f"/desk/forms/{draft.pk}/admission/", f"{form}issue/", "/desk/forms/rounds/", round_,
            f"{round_}sheets/?state=all", f"{round_}rollup/?level=4",
        ],
        "data_chief": ["/desk/forms/", f"/desk/forms/{asking.pk}/admission/", "/desk/forms/saved/"],
        "form_reviewer": ["/desk/", "/desk/forms/review/", f"/desk/forms/sheets/{sheet.pk}/", round_],
    }  # fmt: skip


@pytest.mark.parametrize("who", ["form_office", "data_chief", "form_reviewer"])
def test_the_pages_of_forms_are_for_everyone(
    still_city: TinyCity, officer: Callable[..., Page], who: str
) -> None:
    there = formed(still_city)
    sheet = handed_in(there)
    page = officer(who)
    judge = Judge(page)
    for address in pages(there, sheet)[who]:
        judge.go(address, narrow=True)
    for key, address, button in (
        ("form_office", f"/desk/forms/rounds/{there.round.pk}/", "催报"),
        ("form_reviewer", f"/desk/forms/sheets/{sheet.pk}/", "退回"),
    ):
        if key == who:
            page.goto(address)
            page.get_by_role("button", name=button).first.click()
            page.locator("dialog[open]").wait_for()
            judge.look(f"{address} {button}", narrow=True)
    judge.verdict()
