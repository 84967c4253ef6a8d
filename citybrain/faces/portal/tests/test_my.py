"""Signing in by a code, what a citizen sees of themselves, and how they want the screens."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import translation

from citybrain.base.identity.models import Person
from citybrain.base.identity.senders import KeepingSender
from citybrain.faces.portal import codes, places, throttle, words
from citybrain.faces.portal.models import Bucket
from citybrain.faces.portal.tests.conftest import settle
from citybrain.hub.cases.models import Case
from citybrain.hub.cases.tests.conftest import Village

NOON = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)  # 12:00 in the city, a Saturday


def ask(client: Client, phone: str = "13800138000", after: str = "") -> Any:
    return client.post("/my/sign-in/", {"phone": phone, "next": after})


def shown_code(answer: Any) -> str:
    found = re.search(r"\b(\d{6})\b", answer.content.decode())
    assert found is not None
    return found[1]


def test_citizen_signs_in_by_a_code_shown_in_the_sample_city_and_out_again(
    client: Client, town: Village
) -> None:
    sent = ask(client)
    assert "138****8000" in sent.content.decode()
    entered = client.post("/my/sign-in/code/", {"code": shown_code(sent)})
    assert entered["Location"] == "/my/"
    assert Person.objects.get(phone="13800138000").kind == "citizen"
    assert client.get("/my/").status_code == 200
    client.post("/my/sign-out/")
    assert client.get("/my/").status_code == 302


def test_a_real_city_sends_the_code_and_shows_nothing(
    client: Client, town: Village, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SMS_SENDER = "citybrain.base.identity.senders.KeepingSender"
    monkeypatch.setattr(codes, "is_made_up_city", lambda: False)
    monkeypatch.setattr(KeepingSender, "sent", [])
    page = ask(client).content.decode()
    code = re.search(r"\d{6}", KeepingSender.sent[0][1])
    assert code is not None
    assert code[0] not in page


def test_wrong_code_is_told_and_another_browser_can_not_use_the_right_one(
    client: Client, town: Village
) -> None:
    code = shown_code(ask(client))
    wrong = "000000" if code != "000000" else "111111"
    assert client.post("/my/sign-in/code/", {"code": wrong}).status_code == 422
    assert Client().post("/my/sign-in/code/", {"code": code})["Location"] == "/my/sign-in/"
    assert client.post("/my/sign-in/code/", {"code": f" {code} "}).status_code == 302


@pytest.mark.parametrize("phone", ["", "123", "'; --", "1380013800", "9" * 500])
def test_what_is_no_number_is_told(client: Client, town: Village, phone: str) -> None:
    answer = ask(client, phone)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()


@pytest.mark.parametrize(
    ("wanted", "leads"),
    [
        ("/report/", "/report/"),
        ("https://evil.example/", "/my/"),
        ("//evil.example/", "/my/"),
        ("javascript:alert(1)", "/my/"),
    ],
)
def test_after_signing_in_nobody_is_led_to_another_site(
    client: Client, town: Village, wanted: str, leads: str
) -> None:
    code = shown_code(ask(client, after=wanted))
    assert client.post("/my/sign-in/code/", {"code": code})["Location"] == leads


def test_officers_have_no_citizens_page(client: Client, town: Village) -> None:
    client.force_login(town.people["acceptor"])
    assert client.get("/my/").status_code == 302
    assert client.get("/my/data/").status_code == 302


def test_large_type_is_remembered(client: Client, town: Village) -> None:
    assert " data-elder" not in client.get("/").content.decode()
    client.post("/look/choose/", {"elder": "1", "next": "/"})
    for path in ("/", "/report/", "/progress/", "/privacy/"):
        assert " data-elder" in client.get(path).content.decode(), path


def test_every_page_names_a_human_and_speaks_english_on_request(client: Client, town: Village) -> None:
    client.cookies["django_language"] = "en"
    for path in ("/", "/report/", "/progress/", "/my/sign-in/", "/privacy/", "/accessibility/"):
        page = client.get(path).content.decode()
        assert 'href="tel:12345"' in page, path
        body = re.sub(
            r"<script.*?</script>|中文",
            "",
            page[page.index("<main") : page.index("</main>")],
            flags=re.DOTALL,
        )
        chinese = re.findall(r"[\u4e00-\u9fff]+", body.replace("海宁津", ""))
        assert chinese == [], path


def test_public_count_is_told_from_ten_on(client: Client, report: Callable[..., Case], town: Village) -> None:
    from citybrain.faces.portal import figures

    for _ in range(9):
        case = report(Client())
        Case.objects.filter(pk=case.pk).update(state=70, is_open=False, closed_at=datetime.now(UTC))
    assert figures.solved_this_week(datetime.now(UTC)) is None
    settle(town, report(Client()))
    figures.forget()
    assert figures.solved_this_week(datetime.now(UTC)) == 10


def test_places_are_found_by_name_by_a_sentence_and_by_several_words(town: Village) -> None:
    assert [place.name for place in places.search("花园社区")] == ["花园社区"]
    assert [place.name for place in places.search("花园 ")] == ["花园社区"]
    assert places.search("东区建国街道花园社区3号楼门口")[0].name == "花园社区"
    assert [place.name for place in places.search("西区 社区")] == ["西区", "西关社区"]
    assert places.search("西区 西关社区")[0].name == "西关社区"
    assert places.search("  ，。") == []


def test_places_are_found_by_pinyin_and_initials(town: Village) -> None:
    from citybrain.base.areas import tree
    from citybrain.base.areas.models import Area, AreaVersion

    Area.objects.filter(name="滨河社区").update(pinyin="binheshequ bhsq")
    AreaVersion.objects.filter(pk=1).update(version=77_900)
    tree.forget()
    assert [place.name for place in places.search("binhe")] == ["滨河社区"]
    assert [place.name for place in places.search("BHSQ")] == ["滨河社区"]
    assert places.search("b") == []


def test_outlines_are_public_and_cached_and_refuse_what_is_too_much(client: Client, town: Village) -> None:
    district = town.areas["129801"].pk
    answer = client.get(f"/report/outline/?level=4&within={district}&zoom=15")
    assert [one["properties"]["name"] for one in answer.json()["features"]] == ["花园社区", "滨河社区"]
    assert answer["Cache-Control"] == "public, max-age=3600"
    again = client.get(
        f"/report/outline/?level=4&within={district}&zoom=15", headers={"If-None-Match": answer["ETag"]}
    )
    assert again.status_code == 304
    for query in ("level=4", "level=5&within=1", "level=x", "", "level=2&within=99999999", "level=9" * 40):
        assert client.get(f"/report/outline/?{query}").status_code == 422, query


@pytest.mark.parametrize(
    ("hours", "chinese", "english"),
    [
        (0, "很快", "very soon"),
        (4, "今天 16:00 前", "by today 16:00"),
        (24, "明天 12:00 前", "by tomorrow 12:00"),
        (72, "11月24日周二 12:00 前", "by Tue 24 Nov, 12:00"),
    ],
)
def test_deadlines_are_said_as_people_say_them(hours: int, chinese: str, english: str) -> None:
    at = NOON + timedelta(hours=hours)
    assert words.before(at, NOON) == chinese
    with translation.override("en"):
        assert words.before(at, NOON) == english


def test_days_are_named_near_and_dated_far(db: None) -> None:
    assert words.moment(NOON - timedelta(days=1), NOON) == "昨天 12:00"
    assert words.moment(NOON - timedelta(days=9), NOON) == "11月12日 12:00"
    assert words.moment(NOON - timedelta(days=365), NOON) == "2025年11月21日 12:00"


def test_buckets_refill_evenly_and_hammering_prolongs_nothing(db: None) -> None:
    limit = throttle.Limit("t", 2, 6)  # one token every ten minutes
    assert [throttle.take(limit, "a", NOON) for _ in range(5)] == [0, 0, 10, 10, 10]
    assert throttle.take(limit, "b", NOON) == 0
    assert throttle.take(limit, "a", NOON + timedelta(minutes=9)) == 1
    assert throttle.take(limit, "a", NOON + timedelta(minutes=10)) == 0
    assert throttle.take(limit, "a", NOON + timedelta(minutes=10)) == 10
    assert throttle.take(limit, "a", NOON + timedelta(days=9)) == 0


def test_buckets_hold_no_address_and_are_swept(db: None) -> None:
    throttle.take(throttle.REPORTS_OF_ADDRESS, "203.0.113.9", NOON)
    assert "203.0.113.9" not in Bucket.objects.get().key
    assert throttle.sweep(NOON + timedelta(days=1)) == 0
    assert throttle.sweep(NOON + timedelta(days=3)) == 1
