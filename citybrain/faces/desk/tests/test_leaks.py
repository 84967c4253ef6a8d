"""Every list, count, export, search, map and page of the desk shows each of the cast exactly their part."""

import io
import re

from openpyxl import load_workbook

from citybrain.faces.desk.tests.conftest import BLIND, REACH
from citybrain.hub.cases.models import Case, CasePhoto
from citybrain.hub.cases.states import State

NUMBER = re.compile(r"/desk/(?:m/)?cases/(\d+)/")
EXPORTERS = {"acceptor", "dispatcher", "supervisor", "duty_chief", "commander"}


def numbers_of(client, address: str) -> set[str]:
    """Return the case numbers that a list links to, over all its pages."""
    found: set[str] = set()
    offset = 0
    while True:
        answer = client.get(address, {"view": "table", "offset": offset})
        assert answer.status_code == 200
        here = set(NUMBER.findall(answer.content.decode()))
        found |= here
        if 'rel="next"' not in answer.content.decode():
            return found
        offset += 50


def test_each_of_the_cast_lists_exactly_their_cases(lively_city, seen_by, client_for) -> None:
    parts = {key: set(seen_by(key)) for key in REACH}
    sizes = [len(parts[key]) for key in ("duty_chief", "dispatcher", "acceptor", "worker")]
    assert sizes == sorted(sizes, reverse=True)
    assert len({*sizes}) >= 3, "the parts must differ for this test to say anything"
    assert parts["worker2"]
    assert parts["worker"].isdisjoint(parts["worker2"])
    assert parts["handler"]
    assert parts["handler2"].isdisjoint(parts["handler"])
    for key, expected in parts.items():
        assert numbers_of(client_for(key), "/desk/work/all/") == expected, key


def test_counts_on_tabs_are_the_rows_of_the_lists(lively_city, seen_by, client_for) -> None:
    for key in REACH:
        counts = client_for(key).get("/desk/counts/").json()
        mine = seen_by(key).values()
        assert counts["open"] == sum(1 for case in mine if case.is_open), key
        assert counts["supervised"] == sum(1 for case in mine if case.is_open and case.supervised), key
        if "to_file" in counts:
            waiting = {State.REPORTED, State.PENDING_FILING}
            assert counts["to_file"] == sum(1 for case in mine if case.state in waiting), key
        if key in {"handler", "handler2", "street_handler"}:
            waiting = {State.PENDING_HANDLING, State.REWORK}
            assert counts["to_accept"] == sum(1 for case in mine if case.state in waiting), key


def test_those_without_cases_get_no_list_and_no_board(lively_city, client_for) -> None:
    some = Case.objects.values_list("number", flat=True)[0]
    for key in BLIND:
        client = client_for(key)
        for address in (
            "/desk/work/all/", "/desk/search/?q=1", f"/desk/cases/{some}/", f"/desk/m/cases/{some}/",
            "/desk/boards/accept/", "/desk/work/all/export/",
        ):  # fmt: skip
            assert client.get(address).status_code in {403, 404}, (key, address)
        assert client.get("/desk/counts/").json() == {}
        assert client.get("/desk/map/cases/").json()["features"] == []


def test_an_export_holds_exactly_ones_cases(lively_city, seen_by, client_for) -> None:
    for key in REACH:
        answer = client_for(key).get("/desk/work/all/export/")
        if key not in EXPORTERS:
            assert answer.status_code == 403, key
            continue
        rows = list(load_workbook(io.BytesIO(answer.content)).active.iter_rows(min_row=2, values_only=True))
        assert {row[0] for row in rows} == set(seen_by(key)), key


def test_the_map_shows_exactly_ones_open_cases(lively_city, seen_by, client_for) -> None:
    for key in REACH:
        features = client_for(key).get("/desk/map/cases/").json()["features"]
        expected = {number for number, case in seen_by(key).items() if case.is_open and case.lon is not None}
        assert {one["properties"]["number"] for one in features} == expected, key


def test_search_finds_nothing_outside_ones_part(lively_city, seen_by, client_for) -> None:
    everything = dict(Case.objects.values_list("number", "address"))
    for key in ("worker", "acceptor", "handler", "dispatcher"):
        client, mine = client_for(key), set(seen_by(key))
        for number in sorted(set(everything) - mine)[:8]:
            answer = client.get("/desk/search/", {"q": number})
            assert answer.status_code == 200
            assert f"/desk/cases/{number}/" not in answer.content.decode()
        found = set(NUMBER.findall(client.get("/desk/search/", {"q": "区"}).content.decode()))
        assert found <= mine
        number = sorted(mine)[0]
        assert client.get("/desk/search/", {"q": number})["Location"] == f"/desk/cases/{number}/"


def test_a_case_outside_ones_part_is_not_there_at_any_address(lively_city, seen_by, client_for) -> None:
    everything = set(Case.objects.values_list("number", flat=True))
    for key in ("worker", "acceptor", "handler", "street_handler", "dispatcher"):
        client = client_for(key)
        for number in sorted(everything - set(seen_by(key)))[:4]:
            for address in (
                f"/desk/cases/{number}/", f"/desk/cases/{number}/steps/comment/", f"/desk/m/cases/{number}/",
                f"/desk/cases/{number}/sheets/dispatch/",
            ):  # fmt: skip
                assert client.get(address).status_code == 404, (key, address)
            assert client.post(f"/desk/cases/{number}/contact/", {"why": "x"}).status_code == 404
            assert client.post(f"/desk/cases/{number}/steps/comment/", {"reason": "x"}).status_code == 404
        for number in sorted(seen_by(key))[:2]:
            assert client.get(f"/desk/cases/{number}/").status_code == 200, (key, number)


def test_a_photo_is_shown_only_to_who_sees_its_case(
    lively_city, seen_by, client_for, settings, tmp_path
) -> None:
    settings.MEDIA_ROOT = tmp_path
    photo = CasePhoto.objects.filter(case__isnull=False).select_related("case").first()
    path = tmp_path / photo.digest[:2] / f"{photo.digest}.thumb.jpg"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\xff\xd8jpeg")
    for key in (*REACH, *BLIND):
        answer = client_for(key).get(f"/desk/photos/{photo.token}/small/")
        assert answer.status_code == (200 if photo.case.number in seen_by(key) else 404), key


def test_rows_asked_for_by_id_are_held_to_ones_part(lively_city, seen_by, client_for) -> None:
    ids = ",".join(str(pk) for pk in Case.objects.values_list("pk", flat=True))
    for key in ("worker", "acceptor", "handler", "dispatcher"):
        answer = client_for(key).get("/desk/work/open/rows/", {"ids": ids})
        shown = set(re.findall(r'data-number="(\d+)"', answer.content.decode()))
        assert shown == set(list(seen_by(key))[:200]), key


def test_boards_and_phone_pages_show_only_ones_part(lively_city, seen_by, client_for) -> None:
    for key, addresses in {
        "acceptor": ["/desk/boards/accept/", "/desk/boards/accept/queue/", "/desk/"],
        "dispatcher": ["/desk/boards/dispatch/", "/desk/"],
        "supervisor": ["/desk/boards/supervise/"],
        "worker": ["/desk/m/", "/desk/m/map/", "/desk/m/me/"],
        "handler": ["/desk/m/", "/desk/m/map/", "/desk/m/lists/closed/"],
    }.items():
        for address in addresses:
            text = client_for(key).get(address).content.decode()
            shown = set(re.findall(r"/cases/(\d{12,})/", text))
            assert shown, (key, address)
            assert shown <= set(seen_by(key)), (key, address)


def test_only_auditors_read_the_ledger(lively_city, client_for) -> None:
    for key in (*REACH, *BLIND):
        expected = 200 if key in {"auditor", "audit_admin"} else 403
        assert client_for(key).get("/desk/audit/").status_code == expected, key


def test_whoever_is_not_signed_in_is_sent_to_sign_in(db, client) -> None:
    for address in ("/desk/", "/desk/work/open/", "/desk/m/", "/desk/audit/", "/desk/counts/"):
        answer = client.get(address)
        assert answer.status_code == 302
        assert answer["Location"].startswith("/sign-in/"), address


def test_a_citizen_finds_no_desk(city, client_for) -> None:
    assert client_for("citizen").get("/desk/").status_code == 403
