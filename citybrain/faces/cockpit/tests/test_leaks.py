"""A district's commander sees that district: in figures, map, feed, table, drill-down and brief."""

import pytest
from django.test import Client

CITY, EAST, WEST = "1298", "129801", "129802"
DATA = {"Accept": "application/json"}


def vital(answer, key: str) -> str:
    return next(one.value for one in answer.context["vitals"] if one.key == key)


def shown(answer) -> set[int]:
    return {line.id for line in [*answer.context["first"], *answer.context["moves"]]}


def test_strangers_are_sent_to_sign_in(village, at_ten) -> None:
    for path in ("/cockpit/", "/cockpit/brief/"):
        assert Client().get(path)["Location"] == f"/sign-in/?next={path}"
    for path in ("/cockpit/map/areas/", "/cockpit/map/cases/"):
        assert Client().get(path, headers=DATA).status_code == 401


@pytest.mark.parametrize(
    "login", ["acceptor", "dispatcher", "handler", "worker", "audit", "system", "security"]
)
def test_others_are_told_why_not_and_whom_to_ask(village, browser, login: str) -> None:
    for path in ("/cockpit/", "/cockpit/brief/"):
        answer = browser(login).get(path)
        assert answer.status_code == 403
        told = answer.content.decode()
        assert "指挥长" in told
        assert "请向本单位人员管理员申请" in told
    for path in ("/cockpit/map/areas/", "/cockpit/map/cases/"):
        answer = browser(login).get(path, headers=DATA)
        assert answer.status_code == 403
        assert answer.json()["ask"] == "如工作需要，请向本单位人员管理员申请。"


def test_a_citizen_is_not_let_in(village, browser) -> None:
    assert browser("citizen").get("/cockpit/").status_code == 403


def test_the_citys_commander_counts_the_city(five, village, browser) -> None:
    answer = browser("mayor").get("/cockpit/")
    assert answer.context["chosen"].root.id == village.areas[CITY].pk
    assert {
        key: vital(answer, key) for key in ("reported", "open", "late", "on_time", "solved", "satisfied")
    } == {
        "reported": "3",
        "open": "4",
        "late": "1",
        "on_time": "0.0",
        "solved": "100.0",
        "satisfied": "100.0",
    }
    assert shown(answer) == {case.pk for name, case in five.items() if name != "e"}


def test_a_districts_supervisor_counts_the_district_alone(five, village, browser) -> None:
    answer = browser("supervisor").get("/cockpit/")
    assert answer.context["chosen"].area.id == village.areas[EAST].pk
    assert {key: vital(answer, key) for key in ("reported", "open", "late", "on_time")} == {
        "reported": "2",
        "open": "3",
        "late": "1",
        "on_time": "–",
    }
    assert shown(answer) == {five[name].pk for name in "abc"}
    assert [line.node.code for line, *_rest in answer.context["table"]] == ["129801001", "129801002"]
    assert "西区" not in answer.content.decode()


def test_counts_of_areas_add_up_to_the_figure_above_them(five, village, browser) -> None:
    answer = browser("mayor").get("/cockpit/")
    lines = {line.node.code: line for line, *_rest in answer.context["table"]}
    assert {
        code: (line.now.open, line.now.late, line.now.reported_today) for code, line in lines.items()
    } == {
        EAST: (3, 1, 2),
        WEST: (1, 0, 1),
    }
    assert lines[EAST].grids == 3
    assert round(lines[EAST].density) == 6667
    assert lines[WEST].missed == 100.0
    assert lines[EAST].missed is None
    assert answer.context["elsewhere"] == 0


@pytest.mark.parametrize(
    "path", ["/cockpit/", "/cockpit/brief/", "/cockpit/map/areas/", "/cockpit/map/cases/"]
)
def test_an_area_outside_is_not_found(five, village, browser, path: str) -> None:
    client = browser("supervisor")
    for code in (CITY, WEST, "129802001", "129802001001"):
        assert client.get(path, {"area": village.areas[code].pk}, headers=DATA).status_code == 404, code
    for nonsense in ("0", "999999999", "abc", "-1", "1;DROP", "1" * 30):
        assert client.get(path, {"area": nonsense}).status_code == 404, nonsense
    for code in (EAST, "129801001", "129801001001"):
        assert client.get(path, {"area": village.areas[code].pk}).status_code == 200, code


def test_a_grid_is_listed_on_the_desk_not_looked_into(five, village, browser) -> None:
    grid = village.areas["129801001001001"].pk
    assert browser("mayor").get("/cockpit/", {"area": grid}).status_code == 404


def test_points_of_a_district_lie_in_it(five, village, browser) -> None:
    def numbers(login: str, **asked: object) -> set[str]:
        found = browser(login).get("/cockpit/map/cases/", {"points": 1, **asked}).json()
        return {one["properties"]["number"] for one in found["features"]}

    everywhere = "-180,-90,180,90"
    assert numbers("mayor", box=everywhere) == {five[name].number for name in "abcd"}
    assert numbers("mayor", box="117.8,39.8,118,40") == {five["d"].number}
    assert numbers("supervisor", box=everywhere) == {five[name].number for name in "abc"}
    assert numbers("supervisor", box="117.8,39.8,118,40") == set()
    assert numbers("supervisor", box="nonsense") == {five[name].number for name in "abc"}
    assert numbers("supervisor", points=0) == set()


def test_who_sees_no_cases_gets_figures_alone(five, village, data_officer, browser) -> None:
    client = browser("cdo")
    answer = client.get("/cockpit/")
    assert vital(answer, "open") == "3"
    assert vital(answer, "reported") == "2"
    assert shown(answer) == set()
    page = answer.content.decode()
    assert "这里只有数字" in page
    assert "/desk/work/" not in page
    assert not any(five[name].number in page for name in five)
    assert client.get("/cockpit/map/cases/", {"points": 1}).json()["features"] == []
    assert client.get("/cockpit/brief/").context["first"] == []


def test_the_brief_holds_the_same_figures_as_the_screen(five, village, browser) -> None:
    for login in ("mayor", "supervisor"):
        client = browser(login)
        screen, brief = client.get("/cockpit/"), client.get("/cockpit/brief/")
        assert [one.value for one in brief.context["vitals"]] == [
            one.value for one in screen.context["vitals"]
        ]
    assert "西区" not in brief.content.decode()
    assert (
        brief.context["sentence"]
        == "截至 10:00，今日上报 2 件、办结 0 件；在办 3 件，其中超时 1 件、紧急 1 件。"
    )


def test_outlines_of_a_district_are_its_streets(lively_city, cast) -> None:
    client = Client()
    client.force_login(cast["supervisor"])
    home = lively_city.node("district")
    features = client.get("/cockpit/map/areas/").json()["features"]
    assert features
    assert {one["properties"]["id"] for one in features} == {
        node for node in (one["id"] for one in features) if lively_city_parent(node) == home.id
    }
    far = lively_city.node("far_grid").lineage[1]
    assert client.get("/cockpit/map/areas/", {"area": far}).status_code == 404


def lively_city_parent(area_id: int) -> int | None:
    from citybrain.base.areas.models import Area

    return Area.objects.values_list("parent_id", flat=True).get(pk=area_id)
