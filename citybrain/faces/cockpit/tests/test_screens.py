"""The cockpit's screen: the address holds the view, every number leads to its cases, nothing costs more queries."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from citybrain.faces.cockpit import vitals
from citybrain.faces.cockpit.tests.conftest import NOW
from citybrain.hub.cases.models import Case

EAST = "129801"
HTMX = {"HX-Request": "true"}


def test_every_number_opens_the_cases_behind_it(five, village, browser) -> None:
    client = browser("mayor")
    east = village.areas[EAST].pk
    answer = client.get("/cockpit/", {"area": east})
    urls = {one.key: one.url for one in answer.context["vitals"]}
    closed = f"/desk/work/closed/?area={east}&closed_since=2026-11-13&state=12,70,71"
    assert urls == {
        "reported": f"/desk/work/all/?area={east}&since=2026-11-19",
        "open": f"/desk/work/open/?area={east}",
        "late": f"/desk/work/late/?area={east}",
        "on_time": f"{closed}&verdict=any",
        "solved": f"{closed}&solved=any",
        "satisfied": f"{closed}&rating=1,2,3,4,5",
    }

    def listed(key: str) -> str:
        page = client.get(urls[key]).content.decode()
        return "".join(name for name in five if five[name].number in page)

    assert listed("reported") == "ab"
    assert listed("open") == "abc"


def test_the_whole_city_is_linked_without_a_filter(five, village, browser) -> None:
    answer = browser("mayor").get("/cockpit/")
    assert next(one.url for one in answer.context["vitals"] if one.key == "open") == "/desk/work/open/"


def test_cases_that_lie_nowhere_count_for_the_city_and_are_named(five, village, browser) -> None:
    Case.objects.filter(pk=five["a"].pk).update(
        city=None, district=None, street=None, community=None, grid=None
    )
    answer = browser("mayor").get("/cockpit/")
    assert next(one.value for one in answer.context["vitals"] if one.key == "open") == "4"
    assert answer.context["elsewhere"] == 1
    assert "未落到上述区域" in answer.content.decode()


def test_a_chart_point_opens_its_day_and_its_class(five, village, browser) -> None:
    _hours, days, classes = browser("mayor").get("/cockpit/").context["charts"]
    assert len(days.categories) == 14
    assert days.categories[-2:] == ["11/18", "今天"]
    assert days.series[0].urls[-1] == "/desk/work/all/?since=2026-11-19&until=2026-11-19"
    assert days.series[1].urls[-1] == "/desk/work/all/?closed_since=2026-11-19&closed_until=2026-11-19"
    assert days.payload["series"][1]["urls"] == days.series[1].urls
    assert list(days.series[0].values)[-3:] == [1, 1, 3]
    assert list(days.series[1].values)[-3:] == [0, 1, 0]
    assert classes.is_empty, "nobody has said yet what the reports are about"


def test_hours_to_come_are_empty_not_zero(five, village, browser) -> None:
    hours = browser("mayor").get("/cockpit/").context["charts"][0]
    values = list(hours.series[0].values)
    assert values[:11] == [0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0]
    assert values[11:] == [None] * 13


def test_a_morning_without_a_report_says_so(village, browser) -> None:
    answer = browser("mayor").get("/cockpit/")
    assert answer.context["charts"][0].is_empty
    assert "今天还没有上报。" in answer.content.decode()
    assert "没有在办案件" in answer.content.decode()
    assert "一天内没有变化" in answer.content.decode()


def test_the_line_of_open_cases_ends_at_what_is_open_now(five, village, browser) -> None:
    line = next(one for one in browser("mayor").get("/cockpit/").context["vitals"] if one.key == "open")
    assert line.points[-4:] == (0.0, 1.0, 1.0, 4.0)


def test_targets_are_words_beside_the_figure(five, village, browser) -> None:
    found = {one.key: (one.tone, one.word) for one in browser("mayor").get("/cockpit/").context["vitals"]}
    assert found["late"] == ("late", "未达标")
    assert found["on_time"] == ("late", "未达标")
    assert found["solved"] == ("normal", "达标")
    quiet = {one.key: one for one in browser("supervisor").get("/cockpit/").context["vitals"]}
    assert (quiet["solved"].value, quiet["solved"].word) == ("–", "暂无数据")


def test_yesterday_is_compared_up_to_the_same_hour(five, village, browser) -> None:
    Case.objects.filter(pk=five["c"].pk).update(reported_at=NOW - timedelta(days=1, minutes=1))
    Case.objects.filter(pk=five["e"].pk).update(reported_at=NOW - timedelta(hours=20))
    one = browser("mayor").get("/cockpit/").context["vitals"][0]
    assert (one.value, one.foot, one.change) == ("3", "昨日此时 1 件", "+2")


def test_a_share_is_told_only_of_enough() -> None:
    told = {
        pair: vitals._change(*pair)
        for pair in ((35, 2), (0, 0), (5, 0), (2, 19), (30, 20), (15, 20), (1000, 999))
    }
    assert list(told.values()) == ["+33", "", "+5", "\N{MINUS SIGN}17", "+50 %", "\N{MINUS SIGN}25 %", ""]


def test_the_address_holds_area_measure_and_days(five, village, browser) -> None:
    east = village.areas[EAST].pk
    answer = browser("mayor").get("/cockpit/", {"area": east, "measure": "late", "days": "30"})
    chosen = answer.context["chosen"]
    assert (chosen.area.id, chosen.measure, chosen.days) == (east, "late", 30)
    assert chosen.url() == f"/cockpit/?area={east}&measure=late&days=30"
    assert chosen.url(measure="open", days=7) == f"/cockpit/?area={east}&measure=open&days=7"
    assert [name for name, _url in answer.context["crumbs"]] == ["海宁津", "东区"]
    assert answer.context["up_url"] == "/cockpit/?measure=late&days=30"
    assert len(answer.context["charts"][1].categories) == 30


def test_an_address_with_nonsense_shows_the_first_view(five, village, browser) -> None:
    chosen = (
        browser("mayor").get("/cockpit/", {"measure": "x'--", "days": "8", "points": "2"}).context["chosen"]
    )
    assert (chosen.measure, chosen.days, chosen.points) == ("open", 7, False)


def test_a_community_lists_its_cases_and_its_grids_open_on_the_desk(five, village, browser) -> None:
    community = village.areas["129801001001"].pk
    answer = browser("mayor").get("/cockpit/", {"area": community})
    assert answer.context["listed"]
    assert {line.id for line in answer.context["first"]} == {five["a"].pk, five["b"].pk}
    urls = {url for _line, _name, url, *_rest in answer.context["table"]}
    grids = [village.areas[code].pk for code in ("129801001001001", "129801001001002")]
    assert urls == {f"/desk/work/open/?area={grid}" for grid in grids}


def test_urgent_cases_come_first_then_the_longest_late(five, village, browser) -> None:
    first = browser("mayor").get("/cockpit/").context["first"]
    assert [line.id for line in first][:2] == [five["b"].pk, five["c"].pk]


def test_htmx_gets_the_parts_and_the_back_button_the_page(five, village, browser) -> None:
    client = browser("mayor")
    parts = client.get("/cockpit/", headers=HTMX).content.decode()
    assert parts.count("<hx-partial") == 7
    assert "<html" not in parts
    for target in re.findall(r'hx-target="#([\w-]+)"', parts):
        assert f'id="{target}"' in parts
        assert f'id="{target}"' in client.get("/cockpit/").content.decode()
    again = client.get("/cockpit/", headers={**HTMX, "HX-History-Restore-Request": "true"})
    assert "<html" in again.content.decode()


def test_the_page_says_as_of_when(five, village, browser) -> None:
    page = browser("mayor").get("/cockpit/")
    assert "数据截至 2026-11-19 10:00" in page.content.decode()
    assert page["Cache-Control"] == "max-age=0, no-cache, no-store, must-revalidate, private"
    for state in ("lost", "old", "failed"):
        assert f"data-cockpit-{state} hidden" in page.content.decode()


def test_a_wall_goes_round_the_districts(five, village, browser) -> None:
    answer = browser("mayor").get("/cockpit/", {"wall": 1, "measure": "late"})
    assert answer.context["stops"] == [
        "/cockpit/?measure=late&wall=1",
        f"/cockpit/?area={village.areas[EAST].pk}&measure=late&wall=1",
        f"/cockpit/?area={village.areas['129802'].pk}&measure=late&wall=1",
    ]
    assert browser("mayor").get("/cockpit/").context["stops"] == []


def test_the_screen_speaks_english(five, village, browser) -> None:
    client = browser("mayor")
    page = client.get("/cockpit/", headers={"Accept-Language": "en"}).content.decode()
    assert "Reported today" in page
    assert "What moves now" in page
    assert '<html lang="en"' in page


@pytest.mark.parametrize(("path", "most"), [("/cockpit/", 24), ("/cockpit/brief/", 22)])
def test_a_screen_costs_the_same_queries_with_more_cases(
    five, village, browser, path: str, most: int
) -> None:
    client = browser("mayor")
    client.get(path)
    with CaptureQueriesContext(connection) as before:
        client.get(path)
    from citybrain.hub.cases import actions

    for _more in range(5):
        actions.report(village.actor("citizen"), village.report(grid="east2"), now=NOW)
    client.get(path)  # what is looked up again every few seconds is known now
    with CaptureQueriesContext(connection) as after:
        client.get(path)
    assert len(after) == len(before)
    assert len(after) <= most


def test_the_maps_feeds_cost_few_queries(lively_city, cast) -> None:
    client = Client()
    client.force_login(cast["commander"])
    for path, most in (("/cockpit/map/areas/", 6), ("/cockpit/map/cases/?points=1", 5)):
        client.get(path)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(path).status_code == 200
        assert len(queries) <= most, path


def test_an_area_tells_its_figures_on_the_map(lively_city, cast) -> None:
    client = Client()
    client.force_login(cast["commander"])
    screen = client.get("/cockpit/")
    features = client.get("/cockpit/map/areas/", {"measure": "late_share"}).json()["features"]
    said = {one["properties"]["id"]: one["properties"] for one in features}
    for line, _name, url, *_rest in screen.context["table"]:
        one = said[line.node.id]
        share = 100 * line.now.late / line.now.open if line.now.open else None
        assert one["value"] == (None if share is None else round(share, 1))
        assert one["said"].startswith(f"在办 {line.now.open:,} · 超时 {line.now.late:,}")
        assert one["url"] == f"{url}&measure=late_share"
