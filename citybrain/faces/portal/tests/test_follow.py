"""Following a report: by number and code, by account, and never by anybody else."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from citybrain.base.identity.actor import ANONYMOUS
from citybrain.faces.portal import throttle
from citybrain.faces.portal.tests.conftest import jpeg, settle
from citybrain.hub.cases import actions
from citybrain.hub.cases.models import Case, CaseEvent, CasePhoto
from citybrain.hub.cases.states import State
from citybrain.hub.cases.tests.conftest import Village

Send = Callable[..., Case]
Enter = Callable[[Client, str], None]


def photo(colour: str = "teal") -> SimpleUploadedFile:
    return SimpleUploadedFile("a.jpg", jpeg(colour=colour), content_type="image/jpeg")


def look_up(client: Client, number: str, code: str, **more: str) -> Any:
    return client.post("/progress/", {"number": number, "code": code, **more})


def test_number_and_code_open_the_progress_on_any_device(client: Client, report: Send) -> None:
    case = report(Client())
    answer = look_up(client, f" {case.number[:8]}-{case.number[8:]} ", case.query_code.lower())
    assert answer["Location"] == f"/progress/{case.number}/"
    page = client.get(answer["Location"]).content.decode()
    assert "已收到" in page
    assert "小区门口的路灯不亮了" in page


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("编号：{number}", "{code}"),
        ("{wide}", " {code} "),
        ("编号 {number} 查询码 {code}", ""),
        ("Number {gap} query code {code}", ""),
    ],
)
def test_number_and_code_open_it_as_they_were_copied(
    client: Client, report: Send, number: str, code: str
) -> None:
    case = report(Client())
    told = {
        "number": case.number,
        "gap": f"{case.number[:8]} {case.number[8:]}",
        "wide": "".join(chr(ord(digit) + 0xFEE0) for digit in case.number),
        "code": case.query_code,
    }
    answer = look_up(client, number.format(**told), code.format(**told))
    assert (answer.status_code, answer["Location"]) == (302, f"/progress/{case.number}/")


def test_wrong_code_and_unknown_number_get_the_same_answer(client: Client, report: Send) -> None:
    case = report(Client())
    wrong = look_up(client, case.number, "AAAAAA")
    unknown = look_up(client, "209901010000001", "AAAAAA")
    assert wrong.status_code == unknown.status_code == 404
    strip = [
        page.content.decode().replace(case.number, "").replace("209901010000001", "")
        for page in (wrong, unknown)
    ]
    assert "编号或查询码不对" in strip[0]
    assert _without_token(strip[0]) == _without_token(strip[1])


def _without_token(page: str) -> list[str]:
    return [line for line in page.splitlines() if "csrf" not in line]


def test_another_citizen_never_sees_a_case_by_its_number(
    client: Client, report: Send, sign_in: Enter, town: Village
) -> None:
    case = report(Client(), photo=photo())
    neighbour = Client()
    sign_in(neighbour, "neighbour")
    for stranger in (client, neighbour):
        for path in ("", "rate/", "challenge/", "supplement/", "withdraw/", "appeal/"):
            answer = stranger.get(f"/progress/{case.number}/{path}")
            assert (answer.status_code, answer["Location"]) == (302, "/progress/"), path
        assert stranger.post(f"/progress/{case.number}/withdraw/").status_code == 302
        assert case.description not in stranger.get("/progress/", follow=True).content.decode()
    case.refresh_from_db()
    assert case.state == State.REPORTED


def test_cookie_of_this_device_can_not_be_forged(client: Client, report: Send) -> None:
    case = report(Client())
    client.cookies["citybrain_reports"] = f'[["{case.number}","{case.query_code}"]]'
    assert client.get(f"/progress/{case.number}/").status_code == 302


def test_reporting_device_follows_without_typing_and_can_forget(client: Client, report: Send) -> None:
    case = report(client)
    assert case.number in client.get("/").content.decode()
    assert client.get(f"/progress/{case.number}/").status_code == 200
    cookie = client.cookies["citybrain_reports"]
    assert cookie["httponly"]
    assert cookie["max-age"] == 90 * 24 * 3600
    client.post(f"/progress/{case.number}/forget/")
    assert client.get(f"/progress/{case.number}/").status_code == 302
    assert case.number not in client.get("/").content.decode()


def test_looked_up_case_stays_only_while_the_browser_is_open_unless_asked(
    client: Client, report: Send
) -> None:
    case = report(Client())
    look_up(client, case.number, case.query_code)
    assert client.cookies["citybrain_seen"]["max-age"] == ""
    kept = Client()
    look_up(kept, case.number, case.query_code, keep="1")
    assert kept.cookies["citybrain_reports"]["max-age"] == 90 * 24 * 3600


def test_guessing_codes_is_slowed_down_and_the_owner_is_not_locked_out(
    client: Client, report: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = Client()
    case = report(owner)
    guesser = Client(REMOTE_ADDR="203.0.113.9")
    codes = [look_up(guesser, case.number, f"AAAAA{letter}").status_code for letter in "23456789"]
    assert codes == [404] * 6 + [429] * 2
    assert look_up(guesser, case.number, case.query_code).status_code == 429
    assert owner.get(f"/progress/{case.number}/").status_code == 200
    assert look_up(client, case.number, case.query_code).status_code == 302


def test_one_address_can_not_try_many_numbers(
    client: Client, town: Village, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "LOOKUPS_OF_ADDRESS", throttle.Limit("code-address", 3, 6))
    codes = [look_up(client, f"20261121000000{n}", "AAAAAA").status_code for n in range(5)]
    assert codes == [404, 404, 404, 429, 429]


def test_right_codes_do_not_use_up_the_tries(client: Client, report: Send) -> None:
    case = report(Client())
    codes = [look_up(client, case.number, case.query_code).status_code for _ in range(10)]
    assert codes == [302] * 10


def test_steps_are_told_in_plain_words_with_the_agency_and_photos_after(
    client: Client, report: Send, town: Village
) -> None:
    case = settle(town, report(client))
    page = client.get(f"/progress/{case.number}/").content.decode()
    for words in ("已收到", "正在处理", "已解决", "东区城市管理局", "处理后的照片", "灯泡已更换"):
        assert words in page, words
    for words in ("立案", "派遣", "结案", "处置员甲", "受理员甲"):
        assert words not in page, words


def test_reporter_rates_with_a_word(client: Client, report: Send, town: Village) -> None:
    case = settle(town, report(client))
    answer = client.post(f"/progress/{case.number}/rate/", {"rating": "5", "reason": "很快"})
    assert answer.status_code == 302
    case.refresh_from_db()
    assert case.rating == 5
    assert "很满意" in client.get(f"/progress/{case.number}/").content.decode()


@pytest.mark.parametrize("rating", ["", "0", "6", "五", "-1", "99999999999999999999"])
def test_rating_that_can_not_be_is_told_and_not_kept(
    client: Client, report: Send, town: Village, rating: str
) -> None:
    case = settle(town, report(client))
    answer = client.post(f"/progress/{case.number}/rate/", {"rating": rating})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()
    case.refresh_from_db()
    assert case.rating is None


def test_unsolved_matter_is_taken_up_again_with_a_photo(client: Client, report: Send, town: Village) -> None:
    case = settle(town, report(client))
    answer = client.post(
        f"/progress/{case.number}/challenge/", {"reason": "昨晚又灭了", "photo": photo("black")}
    )
    assert answer.status_code == 302
    case.refresh_from_db()
    assert case.state == State.REWORK
    assert CasePhoto.objects.filter(case=case, kind="close").count() == 1
    assert "正在处理" in client.get(f"/progress/{case.number}/").content.decode()


def test_after_the_window_a_challenge_is_no_longer_offered_and_refused_in_words(
    client: Client, report: Send, town: Village
) -> None:
    case = settle(town, report(client))
    Case.objects.filter(pk=case.pk).update(closed_at=datetime.now(UTC) - timedelta(days=8))
    assert (
        f"/progress/{case.number}/challenge/" not in client.get(f"/progress/{case.number}/").content.decode()
    )
    answer = client.post(f"/progress/{case.number}/challenge/", {"reason": "又灭了"})
    assert answer.status_code == 409
    assert "7 天" in answer.content.decode()


def test_rejected_report_shows_its_reason_and_can_be_appealed(
    client: Client, report: Send, town: Village
) -> None:
    case = report(client)
    actions.take(town.actor("acceptor"), case.pk, "reject", {"cause": "not_found", "reason": "到场未见异常"})
    page = client.get(f"/progress/{case.number}/").content.decode()
    assert "到场未见异常" in page
    assert "请重新受理" in page
    client.post(f"/progress/{case.number}/appeal/", {"reason": "晚上八点再来看"})
    case.refresh_from_db()
    assert case.state == State.PENDING_FILING


def test_supplement_and_withdrawal(client: Client, report: Send) -> None:
    case = report(client)
    client.post(f"/progress/{case.number}/supplement/", {"reason": "灯杆编号 12", "photo": photo("gray")})
    event = CaseEvent.objects.get(case=case, action="supplement")
    assert event.reason == "灯杆编号 12"
    assert case.photos.count() == 1
    client.post(f"/progress/{case.number}/withdraw/")
    case.refresh_from_db()
    assert case.state == State.CANCELLED


def test_steps_that_are_not_the_reporters_do_not_exist(client: Client, report: Send) -> None:
    case = report(client)
    for step in ("close", "file", "reject", "cancel", "nonsense"):
        assert client.post(f"/progress/{case.number}/{step}/").status_code == 404


def test_photos_are_served_to_reporter_and_officers_of_the_place_and_to_nobody_else(
    client: Client, report: Send, sign_in: Enter, town: Village
) -> None:
    case = report(client, photo=photo())
    token = CasePhoto.objects.get(case=case).token
    seen: dict[str, int] = {"reporter": client.get(f"/photos/{token}/").status_code}
    seen["stranger"] = Client().get(f"/photos/{token}/").status_code
    for login in ("neighbour", "acceptor", "acceptor_west", "handler", "system", "audit"):
        other = Client()
        sign_in(other, login)
        seen[login] = other.get(f"/photos/{token}/").status_code
        assert seen[login] == other.get(f"/photos/{token}/thumb/").status_code
    assert seen == {
        "reporter": 200, "stranger": 404, "neighbour": 404, "acceptor": 200, "acceptor_west": 404,
        "handler": 404, "system": 404, "audit": 404,
    }  # fmt: skip


def test_photo_headers_keep_it_out_of_shared_caches(client: Client, report: Send) -> None:
    case = report(client, photo=photo())
    token = CasePhoto.objects.get(case=case).token
    whole = client.get(f"/photos/{token}/")
    thumb = client.get(f"/photos/{token}/thumb/")
    assert whole["Content-Type"] == "image/jpeg"
    assert whole["Cache-Control"] == "private, max-age=300, must-revalidate"
    assert "Cookie" in whole["Vary"]
    assert whole["X-Content-Type-Options"] == "nosniff"
    assert whole["ETag"] != thumb["ETag"]
    again = client.get(f"/photos/{token}/", headers={"If-None-Match": whole["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert Client().get(f"/photos/{token}/", headers={"If-None-Match": whole["ETag"]}).status_code == 404


def test_reporter_of_a_merged_case_sees_only_the_photos_of_the_work(
    client: Client, report: Send, town: Village
) -> None:
    main = report(Client(), photo=photo("red"))
    mine = report(client)
    actions.take(town.actor("acceptor"), mine.pk, "merge", {"main": main.number})
    main = settle(town, main)
    theirs = CasePhoto.objects.get(case=main, kind="close").token
    after = CasePhoto.objects.get(case=main, kind="after").token
    assert client.get(f"/photos/{after}/").status_code == 200
    assert client.get(f"/photos/{theirs}/").status_code == 404
    page = client.get(f"/progress/{mine.number}/").content.decode()
    assert str(after) in page
    assert str(theirs) not in page


def test_my_page_lists_my_reports_only(client: Client, report: Send, sign_in: Enter, town: Village) -> None:
    sign_in(client, "citizen")
    mine = report(client, contact="account")
    neighbour = Client()
    sign_in(neighbour, "neighbour")
    theirs = report(neighbour, contact="phone", contact_phone="13800138000")
    for path in ("/my/", "/my/data/"):
        page = client.get(path).content.decode()
        assert mine.number in page, path
        assert theirs.number not in page, path
        assert "13800138000" not in page, path
    assert "19800000001" in client.get("/my/data/").content.decode()


def test_signed_in_reporter_follows_from_any_device(
    client: Client, report: Send, sign_in: Enter, town: Village
) -> None:
    sign_in(client, "citizen")
    case = report(client)
    other = Client()
    sign_in(other, "citizen")
    assert other.get(f"/progress/{case.number}/").status_code == 200


def test_pages_ask_a_fixed_number_of_questions_of_the_database(
    client: Client, report: Send, sign_in: Enter, town: Village, django_assert_num_queries: Any
) -> None:
    for _ in range(3):
        case = report(client, photo=photo())
    case = settle(town, case)
    client.get(f"/progress/{case.number}/")
    with django_assert_num_queries(3):
        client.get(f"/progress/{case.number}/")
    with django_assert_num_queries(1):
        client.get("/progress/")
    token = CasePhoto.objects.filter(case=case, kind="after").get().token
    with django_assert_num_queries(2):
        client.get(f"/photos/{token}/")
    sign_in(client, "citizen")
    report(client)
    client.get("/my/")
    with django_assert_num_queries(4):  # session, person, cases, tickets
        client.get("/my/")


def test_anonymous_actor_sees_no_case_at_all(report: Send, client: Client) -> None:
    report(client)
    assert list(Case.objects.visible_to(ANONYMOUS)) == []
