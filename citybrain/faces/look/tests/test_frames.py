"""Frames, choices and headers, through a client."""

from http.cookies import SimpleCookie
from typing import ClassVar

import pytest
from django.test import Client, RequestFactory, override_settings

from citybrain.faces.look.gallery_data import FRAMES
from citybrain.faces.look.middleware import policy, push_origin
from citybrain.faces.look.preferences import Choice, choice_of, remember

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(settings) -> Client:
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    return Client()


@pytest.mark.parametrize("frame", ["", *(f"frame/{name}/" for name in FRAMES)])
def test_every_page_of_the_gallery_is_drawn_for_developers(browser: Client, settings, frame: str) -> None:
    settings.DEBUG = True
    answer = browser.get(f"/look/{frame}")
    assert answer.status_code == 200
    assert 'lang="zh-Hans"' in answer.content.decode()


def test_the_gallery_is_not_there_for_others(browser: Client) -> None:
    assert browser.get("/look/").status_code == 404
    assert browser.get("/look/frame/desk/").status_code == 404
    assert browser.get("/look/sample/areas.json").status_code == 404


def test_a_choice_is_kept_without_an_account(browser: Client) -> None:
    answer = browser.post("/look/choose/", {"theme": "dark", "elder": "1", "next": "/look/offline/"})
    assert (answer.status_code, answer["Location"]) == (302, "/look/offline/")
    page = browser.get("/look/offline/").content.decode()
    assert 'data-theme="dark" data-bs-theme="dark" data-elder' in page


def test_the_language_changes_with_a_choice(browser: Client) -> None:
    browser.post("/look/choose/", {"language": "en"})
    page = browser.get("/look/offline/").content.decode()
    assert 'lang="en"' in page
    assert "You’re offline" in page


def test_a_choice_that_does_not_exist_changes_nothing(browser: Client) -> None:
    answer = browser.post("/look/choose/", {"theme": "pink", "language": "xx", "nonsense": "1"})
    assert answer.cookies == SimpleCookie()


def test_a_choice_never_sends_to_another_site(browser: Client) -> None:
    for bad in ("https://elsewhere.example/", "//elsewhere.example/", "javascript:alert(1)"):
        assert browser.post("/look/choose/", {"theme": "dark", "next": bad})["Location"] == "/"
    answer = browser.post(
        "/look/choose/", {"theme": "dark"}, headers={"referer": "https://elsewhere.example/a?b=1"}
    )
    assert answer["Location"] == "/a?b=1"


def test_a_script_gets_no_page_for_a_choice(browser: Client) -> None:
    answer = browser.post("/look/choose/", {"theme": "light"}, headers={"x-requested-with": "look"})
    assert answer.status_code == 204
    assert answer.cookies["cb_theme"].value == "light"


def test_a_choice_needs_the_form_of_our_own_page() -> None:
    assert Client(enforce_csrf_checks=True).post("/look/choose/", {"theme": "dark"}).status_code == 403


class Someone:
    is_authenticated = True
    preferences: ClassVar = {"theme": "dark", "large_type": True, "language": "en"}


def test_the_account_speaks_where_the_browser_has_not() -> None:
    request = RequestFactory().get("/")
    request.user = Someone()
    assert choice_of(request) == Choice("dark", True, "normal", "wide")
    request.COOKIES["cb_theme"] = "light"
    assert choice_of(request).theme == "light"


def test_signing_in_brings_the_accounts_choices_along() -> None:
    from django.http import HttpResponse

    answer = remember(HttpResponse(), Someone())
    assert {name: morsel.value for name, morsel in answer.cookies.items()} == {
        "cb_theme": "dark", "cb_elder": "1", "django_language": "en",
    }  # fmt: skip


def test_every_answer_carries_the_strict_policy(browser: Client) -> None:
    answer = browser.get("/look/offline/")
    rules = dict(rule.split(" ", 1) for rule in answer["Content-Security-Policy"].split("; "))
    assert (rules["default-src"], rules["script-src"], rules["style-src"]) == ("'self'", "'self'", "'self'")
    assert (rules["frame-ancestors"], rules["base-uri"], rules["object-src"]) == (
        "'none'",
        "'none'",
        "'none'",
    )
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert answer["Permissions-Policy"].startswith("geolocation=(self), camera=(self), microphone=()")


@override_settings(PUSH_PORT=8001, PUSH_URL="", MAP_TILES="")
def test_the_policy_lets_pages_reach_the_push_process_alone() -> None:
    request = RequestFactory().get("/", headers={"host": "127.0.0.1:8000"})
    assert push_origin(request) == "http://127.0.0.1:8001"
    assert "connect-src 'self' http://127.0.0.1:8001;" in policy(request)
    six = RequestFactory().get("/", headers={"host": "[::1]:8000"})
    assert push_origin(six) == "http://[::1]:8001"


@override_settings(
    MAP_TILES="https://t{s}.tianditu.example/vec_w/{z}/{x}/{y}", PUSH_URL="https://push.city.example/"
)
def test_a_citys_own_tiles_and_push_are_let_in() -> None:
    text = policy(RequestFactory().get("/"))
    assert "img-src 'self' data: blob: https://*.tianditu.example;" in text
    assert "connect-src 'self' https://push.city.example;" in text


def test_error_pages_say_what_to_do(browser: Client) -> None:
    missing = browser.get("/look/nothing-here/")
    assert missing.status_code == 404
    assert "没有这个页面" in missing.content.decode()
    from django.template.loader import render_to_string

    assert "不是您的问题，错误已经记录。" in render_to_string("500.html")
