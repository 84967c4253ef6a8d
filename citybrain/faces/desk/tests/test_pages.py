"""Pages keep to their number of queries and to the house's rules for templates."""

import re
from pathlib import Path

import pytest

from citybrain.base.areas import tree
from citybrain.base.identity import agencies
from citybrain.faces.desk.audit_words import label_of
from citybrain.hub.cases import items
from citybrain.hub.cases.models import Case

PINNED = {
    ("duty_chief", "/desk/"): 11,
    ("duty_chief", "/desk/work/open/"): 6,
    ("duty_chief", "/desk/work/open/?area={district}&item=01"): 7,
    ("acceptor", "/desk/boards/accept/"): 11,
    ("duty_chief", "/desk/cases/{number}/"): 8,
    ("duty_chief", "/desk/search/?q=区"): 6,
    ("worker", "/desk/m/"): 7,
    ("auditor", "/desk/audit/"): 6,
}


def test_pages_take_their_number_of_queries(
    lively_city, client_for, django_assert_num_queries, monkeypatch
) -> None:
    for module, name in ((tree, "CHECK_SECONDS"), (agencies, "CHECK_SECONDS"), (items, "RECHECK_SECONDS")):
        monkeypatch.setattr(module, name, 1e9)  # what is kept in memory is not looked at again meanwhile
    number = (
        Case.objects.filter(street_id=lively_city.area("street").pk, is_open=True).order_by("id")[0].number
    )
    for (key, template), queries in PINNED.items():
        address = template.format(number=number, district=lively_city.area("district").pk)
        client = client_for(key)
        client.get(address)  # what is kept in memory is read once
        with django_assert_num_queries(queries, info=f"{key} {template}"):
            assert client.get(address).status_code == 200


PAGES = (
    ("duty_chief", "/desk/items/"),
    ("duty_chief", "/desk/items/010101/"),
    ("duty_chief", "/desk/areas/"),
    ("duty_chief", "/desk/calendar/"),
    ("duty_chief", "/desk/calendar/2031/"),
    ("duty_chief", "/desk/help/"),
    ("duty_chief", "/desk/boards/supervise/"),
    ("duty_chief", "/desk/search/"),
    ("worker", "/desk/m/report/"),
    ("worker", "/desk/m/map/"),
    ("worker", "/desk/m/me/"),
    ("system_admin", "/desk/"),
)


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_pages_open_in_both_languages_without_inline_script(city, client_for, language: str) -> None:
    for key, address in PAGES:
        answer = client_for(key).get(address, headers={"Accept-Language": language})
        text = answer.content.decode()
        assert answer.status_code == 200, address
        for forbidden in (" style=", " onclick=", "<script>", "javascript:"):
            assert forbidden not in text, (address, forbidden)


def test_what_does_not_exist_is_said_so(city, client_for) -> None:
    client = client_for("duty_chief")
    for address in (
        "/desk/work/nonsense/",
        "/desk/cases/1/",
        "/desk/items/999999/",
        "/desk/boards/nonsense/",
    ):
        assert client.get(address).status_code == 404, address


def test_an_outline_is_kept_by_the_browser_until_the_areas_change(city, client_for) -> None:
    client = client_for("duty_chief")
    address = f"/desk/map/areas/?level=2&within={city.area('city').pk}"
    one = client.get(address)
    assert len(one.json()["features"]) == 2
    assert client.get(address, headers={"If-None-Match": one["ETag"]}).status_code == 304
    assert client.get("/desk/map/areas/?level=9").status_code == 422


def test_every_script_of_the_desk_is_a_file_of_its_own() -> None:
    static = Path(__file__).parent.parent / "static" / "desk"
    assert {path.name for path in static.glob("*.js")} == {
        "batch.js", "board.js", "desk.js", "picker.js", "place.js", "steps.js",
    }  # fmt: skip
    for path in static.glob("*.js"):
        assert "innerHTML" not in path.read_text() or path.name == "batch.js"


@pytest.mark.parametrize(
    "form", ["{}", "案件号 {}", "No.{}：", "{0[0]}{0[1]}{0[2]}{0[3]} {0[4]}{0[5]}{0[6]}{0[7]}-{rest}", "wide"]
)
def test_a_number_is_found_as_people_copy_it(lively_city, client_for, form: str) -> None:
    number = Case.objects.filter(is_open=True).order_by("id")[0].number
    wide = "".join(chr(ord(one) + 0xFEE0) for one in number)
    typed = wide if form == "wide" else form.format(number, rest=number[8:])
    answer = client_for("duty_chief").get("/desk/search/", {"q": typed})
    assert (answer.status_code, answer.headers.get("Location")) == (302, f"/desk/cases/{number}/")


def test_the_zero_sign_in_an_address_is_passed_over(lively_city, client_for) -> None:
    for address in ("/desk/search/?q=%00", "/desk/work/all/?q=%00&case=%00"):
        assert client_for("duty_chief").get(address).status_code == 200


def test_the_bar_searches_what_its_reader_may_find(city, client_for) -> None:
    shown = {
        key: re.findall(r'role="search"[^>]*action="([^"]*)"', client_for(key).get("/desk/").content.decode())
        for key in ("duty_chief", "people_manager", "system_admin")
    }
    assert shown == {"duty_chief": ["/desk/search/"], "people_manager": ["/desk/people/"], "system_admin": []}


def test_the_ledger_speaks_of_actions_in_words() -> None:
    said = {
        key: label_of(key)
        for key in (
            "cases.close",
            "identity.sign_in",
            "areas.merge",
            "hotline.receive",
            "x.y",
            "cases.nothing",
        )
    }
    assert list(said.values()) == [
        "结案",
        "登录",
        "区划合并",
        said["hotline.receive"],
        "x.y",
        "cases.nothing",
    ]
    assert said["hotline.receive"] != "hotline.receive"
