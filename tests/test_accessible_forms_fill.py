"""The pages of those who fill: no serious finding of axe-core, light and dark; nothing wider than a phone."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from citybrain.hub.forms import rosters
from citybrain.hub.forms.collecting.filling import open_sheet
from citybrain.hub.forms.knowing.disputes import dispute
from citybrain.hub.forms.rosters import visits
from citybrain.sample.fixtures import TinyCity, the_cast

from .conftest import PHONE
from .forms_city import formed
from .test_accessible import Judge

pytestmark = pytest.mark.browser


def test_the_pages_of_those_who_fill_are_for_everyone(
    still_city: TinyCity, officer: Callable[..., Page]
) -> None:
    there = formed(still_city)
    leader = the_cast().actor("leader")
    open_sheet(leader, there.sheet)
    area = there.community.pk
    people = rosters.rows(leader, "elders", area).rows
    visits.add_visit(leader, "elders", area, people[0].token, "visit", "身体尚好")
    one = dispute(
        leader, area, "ga_population.hukou_address", people[1].token, "新迁路8号", sheet=there.sheet
    )
    sheet = f"/desk/forms/fill/{there.sheet.pk}/"
    wrong: list[str] = []
    for size in (None, PHONE):
        page = officer("leader", size) if size else officer("leader")
        judge = Judge(page)
        judge.go("/desk/forms/fill/", narrow=True)
        page.goto(sheet)
        page.locator("[data-sheet][data-ready]").wait_for()
        judge.look(f"a sheet at {size}", narrow=True)
        page.locator('[data-fm="submit"]').click()
        page.locator("dialog#fm-submit[open]").wait_for()
        judge.look(f"signing at {size}", narrow=True)
        judge.go("/desk/forms/rosters/", narrow=True)
        judge.go(f"/desk/forms/rosters/elders/?area={area}", narrow=True)
        page.get_by_role("button", name="按列筛选").click()
        page.locator("dialog#roster-where[open]").wait_for()
        judge.look(f"filters of a roster at {size}", narrow=True)
        judge.go(f"/desk/forms/rosters/elders/people/{people[0].token}/?area={area}", narrow=True)
        wrong += judge.wrong
    judge = Judge(officer("data_police"))
    judge.go("/desk/forms/disputes/", narrow=True)
    judge.go(f"/desk/forms/disputes/{one.pk}/", narrow=True)
    judge.page.get_by_role("button", name="更正").click()
    judge.page.locator("dialog#mend[open]").wait_for()
    judge.look("mending", narrow=True)
    assert wrong + judge.wrong == [], "\n" + "\n".join(wrong + judge.wrong)
