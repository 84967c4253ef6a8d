"""Reporting: one question a screen, sent once, by anybody."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from citybrain.faces.portal import throttle
from citybrain.faces.portal.tests.conftest import OUTSIDE, answers, jpeg, jpeg_taken_at, point_in
from citybrain.hub.cases.intake import DESCRIPTION_MOST
from citybrain.hub.cases.models import Case, CaseContact, CasePhoto
from citybrain.hub.cases.states import Source, State
from citybrain.hub.cases.tests.conftest import Village

Send = Callable[..., Case]
JSON = {"Accept": "application/json"}


def photo(raw: bytes, name: str = "a.jpg", kind: str = "image/jpeg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, raw, content_type=kind)


def test_front_page_offers_to_report_and_to_follow(client: Client, town: Village) -> None:
    page = client.get("/").content.decode()
    assert 'href="/report/"' in page
    assert 'href="/progress/"' in page
    assert "tel:12345" in page


def test_all_questions_are_in_one_form_so_that_no_script_is_needed(client: Client, town: Village) -> None:
    page = client.get("/report/").content.decode()
    assert page.count("<form id=") == 1
    for name in ("photo", "address", "description", "contact", "contact_phone", "submission_key"):
        assert f'name="{name}"' in page, name
    assert 'enctype="multipart/form-data"' in page


def test_anybody_reports_without_an_account(client: Client, report: Send, town: Village) -> None:
    case = report(client)
    assert case.state == State.REPORTED
    assert case.source == Source.CITIZEN
    assert case.reporter_id is None
    assert case.description == "小区门口的路灯不亮了"
    assert case.grid_id == town.areas["129801001001001"].pk
    assert not CaseContact.objects.filter(case=case).exists()


def test_thank_you_page_shows_number_and_code(client: Client, report: Send) -> None:
    case = report(client)
    page = client.get(f"/report/done/{case.number}/").content.decode()
    assert case.number in page
    assert case.query_code in page


def test_thank_you_page_of_another_is_not_shown(client: Client, report: Send) -> None:
    case = report(client)
    answer = Client().get(f"/report/done/{case.number}/")
    assert answer.status_code == 404
    assert case.query_code not in answer.content.decode()


def test_same_submission_twice_is_one_case_with_one_receipt(client: Client, report: Send) -> None:
    key = str(uuid.uuid4())
    first = report(client, submission_key=key)
    again = client.post("/report/", answers(submission_key=key), headers=JSON)
    assert again.status_code == 200
    assert again.json()["number"] == first.number
    assert Case.objects.count() == 1


def test_a_key_that_is_not_random_is_ignored_so_that_nobody_meets_anothers_receipt(
    client: Client, report: Send
) -> None:
    first = report(client, submission_key="00000000-0000-0000-0000-000000000000")
    second = report(Client(), submission_key="00000000-0000-0000-0000-000000000000")
    assert first.pk != second.pk


def test_point_outside_the_city_is_told_kindly_and_everything_is_kept(client: Client, town: Village) -> None:
    answer = client.post("/report/", answers(lon=str(OUTSIDE[0]), lat=str(OUTSIDE[1])))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "不在海宁津范围内" in page
    assert "小区门口的路灯不亮了" in page
    assert Case.objects.count() == 0


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"lon": "", "lat": ""}, "place"),
        ({"lon": "abc", "lat": "39"}, "place"),
        ({"lon": "nan", "lat": "nan"}, "place"),
        ({"lon": "1e999", "lat": "39.005"}, "place"),
        ({"lon": "", "lat": "", "area_id": "99999999999999999999"}, "place"),
        ({"lon": "", "lat": "", "area_id": "-1"}, "place"),
        ({"lon": "", "lat": "", "address": "火星基地"}, "place"),
        ({"description": ""}, "description"),
        ({"description": "路" * (DESCRIPTION_MOST + 1)}, "description"),
        ({"item_code": "999999"}, "item_code"),
        ({"item_code": "'; DROP TABLE cases_case; --"}, "item_code"),
        ({"contact": "phone", "contact_phone": "123"}, "contact_phone"),
        ({"contact": "phone", "contact_phone": ""}, "contact_phone"),
        ({"contact": "phone", "contact_phone": "13800138000", "contact_name": "王" * 31}, "contact_name"),
        ({"address": "号" * 201}, "address"),
        ({"photo_token": "forged"}, "photo"),
    ],
)
def test_bad_answers_are_told_beside_their_question_and_nothing_is_written(
    client: Client, town: Village, changed: dict[str, Any], field: str
) -> None:
    answer = client.post("/report/", answers(**changed), headers=JSON)
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == [field]
    assert answer.json()["errors"][field]
    assert Case.objects.count() == 0


def test_several_mistakes_are_told_at_once(client: Client, town: Village) -> None:
    answer = client.post(
        "/report/", answers(lon="", lat="", description="", contact="phone", contact_phone="1"), headers=JSON
    )
    assert set(answer.json()["errors"]) == {"place", "description", "contact_phone"}


def test_longest_text_emoji_and_scripts_arrive_as_text(client: Client, report: Send) -> None:
    text = "<script>alert(1)</script>🚧" + "灯" * (DESCRIPTION_MOST - 26)
    assert len(text) == DESCRIPTION_MOST
    case = report(client, description=text)
    assert case.description == text
    page = client.get(f"/progress/{case.number}/").content.decode()
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_lines_sent_by_a_browser_count_as_one_letter_each(client: Client, report: Send) -> None:
    case = report(client, description="第一行\r\n" + "灯" * (DESCRIPTION_MOST - 4))
    assert len(case.description) == DESCRIPTION_MOST


def test_place_chosen_from_the_list_holds_without_a_point(
    client: Client, report: Send, town: Village
) -> None:
    community = town.areas["129802001001"]
    case = report(client, lon="", lat="", area_id=str(community.pk), address="3 号楼门口")
    assert (case.community_id, case.lon, case.address) == (community.pk, None, "3 号楼门口")


def test_address_that_names_one_place_is_enough(client: Client, report: Send, town: Village) -> None:
    case = report(client, lon="", lat="", address="滨河社区 5 号楼")
    assert case.community_id == town.areas["129801002001"].pk


def test_address_that_may_mean_several_places_asks_which(client: Client, town: Village) -> None:
    answer = client.post("/report/", answers(lon="", lat="", address="西关"))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert page.count('type="radio" name="area_id"') == 2
    assert "西关街道" in page
    assert "西关社区" in page


def test_photo_alone_is_a_report(client: Client, report: Send) -> None:
    case = report(client, description="", photo=photo(jpeg()))
    assert case.photos.count() == 1
    assert case.description


def test_photo_sent_ahead_comes_with_the_report(client: Client, report: Send) -> None:
    ahead = client.post("/report/photo/", {"photo": photo(jpeg())})
    assert ahead.status_code == 201
    assert ahead.json()["place"] is None
    case = report(client, photo_token=ahead.json()["token"])
    assert [one.kind for one in case.photos.all()] == ["close"]


def test_camera_place_is_offered_only_inside_the_city(client: Client, town: Village) -> None:
    inside = client.post("/report/photo/", {"photo": photo(jpeg_taken_at(*point_in("west1")))}).json()
    outside = client.post("/report/photo/", {"photo": photo(jpeg_taken_at(*OUTSIDE))}).json()
    assert inside["place"]["name"] == "西区 西关街道 西关社区"
    assert inside["place"]["lon"] == pytest.approx(point_in("west1")[0], abs=1e-6)
    assert outside["place"] is None


def test_seven_photos_are_one_too_many(client: Client, town: Village) -> None:
    answer = client.post(
        "/report/", {**answers(), "photo": [photo(jpeg(colour=f"#0000{n}0")) for n in range(7)]}, headers=JSON
    )
    assert answer.json()["errors"]["photo"] == "最多 6 张照片。"
    assert CasePhoto.objects.count() == 0


def test_photo_that_another_sent_can_not_be_taken(client: Client, report: Send, town: Village) -> None:
    theirs = Client().post("/report/photo/", {"photo": photo(jpeg())})
    bare = str(CasePhoto.objects.get().token)
    answer = client.post("/report/", answers(photo_token=bare), headers=JSON)
    assert theirs.status_code == 201
    assert list(answer.json()["errors"]) == ["photo"]
    assert CasePhoto.objects.get().case is None


def test_photo_of_a_case_can_not_be_moved_to_another(client: Client, report: Send) -> None:
    token = client.post("/report/photo/", {"photo": photo(jpeg())}).json()["token"]
    first = report(client, photo_token=token)
    second = report(client, photo_token=token)
    assert first.photos.count() == 1
    assert second.photos.count() == 0


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"not a picture", "这不是可以识别的照片"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "这不是可以识别的照片"),
        (jpeg()[:200], "这不是可以识别的照片"),
        (b"\xff\xd8\xff" + b"0" * (20 * 1024 * 1024), "太大"),
    ],
    ids=["text", "svg", "cut", "20 MB"],
)
def test_what_is_no_photo_is_refused_in_words(client: Client, town: Village, raw: bytes, words: str) -> None:
    answer = client.post("/report/photo/", {"photo": photo(raw)})
    assert answer.status_code == 422
    assert words in answer.json()["detail"]
    assert CasePhoto.objects.count() == 0


def test_no_photo_at_all_is_asked_for_again(client: Client, town: Village) -> None:
    assert client.post("/report/photo/", {}).status_code == 422
    assert client.post("/report/photo/", {"photo": "text"}).status_code == 422


def test_held_photo_is_shown_only_under_its_signed_name(client: Client, report: Send) -> None:
    sent = client.post("/report/photo/", {"photo": photo(jpeg())}).json()
    bare = CasePhoto.objects.get().token
    assert client.get(sent["thumb"])["Content-Type"] == "image/jpeg"
    assert client.get(f"/report/photo/{bare.hex}/").status_code == 422
    assert client.get(f"/photos/{bare}/").status_code == 404
    report(client, photo_token=sent["token"])
    assert client.get(sent["thumb"]).status_code == 404


def test_contact_is_kept_apart_with_the_consent(client: Client, report: Send) -> None:
    case = report(
        client,
        contact="phone",
        contact_phone=" +86 138-0013-8000 ",
        contact_name="王阿姨",
        contact_shared="1",
    )
    contact = CaseContact.objects.get(case=case)
    assert (contact.phone, contact.name, contact.shared) == ("13800138000", "王阿姨", True)


def test_phone_typed_and_then_withheld_is_not_kept(client: Client, report: Send) -> None:
    case = report(client, contact="none", contact_phone="13800138000", contact_shared="1")
    assert not CaseContact.objects.filter(case=case).exists()


def test_signed_in_citizen_reports_under_their_account(
    client: Client, report: Send, sign_in: Callable[[Client, str], None], town: Village
) -> None:
    sign_in(client, "citizen")
    case = report(client, contact="account")
    assert case.reporter_id == town.people["citizen"].pk
    assert CaseContact.objects.get(case=case).phone == "19800000001"


def test_nobody_can_claim_an_account_without_being_signed_in(client: Client, report: Send) -> None:
    case = report(client, contact="account")
    assert not CaseContact.objects.filter(case=case).exists()


def test_chosen_item_is_kept_and_none_of_these_is_none(client: Client, report: Send) -> None:
    guesses = client.post("/report/guess/", {"text": "路灯不亮了"}).json()["guesses"]
    assert 1 <= len(guesses) <= 3
    chosen = report(client, item_code=guesses[0]["code"])
    nothing = report(client, item_code="none")
    assert chosen.item is not None
    assert chosen.item.code == guesses[0]["code"]
    assert nothing.item is None


def test_one_or_two_letters_are_not_guessed_at(client: Client, town: Village) -> None:
    assert client.post("/report/guess/", {"text": "灯"}).json() == {"guesses": []}


def test_forms_without_the_token_are_refused(town: Village) -> None:
    strict = Client(enforce_csrf_checks=True)
    assert strict.post("/report/", answers()).status_code == 403
    assert strict.post("/report/photo/", {"photo": photo(jpeg())}).status_code == 403
    assert Case.objects.count() == 0


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "application/octet-stream"])
def test_other_kinds_of_content_are_read_as_an_empty_form(client: Client, town: Village, kind: str) -> None:
    answer = client.post("/report/", b'{"description": "x"}', content_type=kind, headers=JSON)
    assert answer.status_code == 422
    assert Case.objects.count() == 0


def test_too_many_reports_from_one_device_are_told_when_to_come_back(
    client: Client, report: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "REPORTS_OF_DEVICE", throttle.Limit("report-device", 2, 6))
    client.post("/report/", answers(description=""))  # names the device
    for _ in range(2):
        report(client)
    answer = client.post("/report/", answers(), headers=JSON)
    assert answer.status_code == 429
    assert "请过 10 分钟再试" in answer.json()["errors"][""]
    assert Case.objects.count() == 2
    report(Client())  # the neighbour behind the same address is not held up


def test_reading_the_pages_asks_few_questions_of_the_database(
    client: Client, town: Village, django_assert_num_queries: Any
) -> None:
    client.get("/")
    client.get("/report/")
    with django_assert_num_queries(0):
        client.get("/report/")
    with django_assert_num_queries(0):
        client.get("/")
