"""The page of reading: what is promised, what keeps the promise, and what a manager may do about it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from citybrain.hub.hotline.models import ModelInUse, ShiftNotice, Watch
from citybrain.hub.hotline.readers import news, teaching, using
from citybrain.hub.hotline.reading.tests.messages import made_up
from citybrain.sample.fixtures import Cast

pytestmark = pytest.mark.django_db
Open = Callable[[str], Client]
PAGE = "/desk/hotline/reading/"


@pytest.fixture
def client_for(cast: Cast) -> Open:
    def open_browser(key: str) -> Client:
        client = Client()
        client.force_login(cast[key])
        return client

    return open_browser


@pytest.fixture
def model(cast: Cast) -> ModelInUse:
    using.forget()
    return teaching.teach(made_up(60), cast.actor("hotline_manager").key, timezone.now()).row


def test_out_of_the_box_nothing_is_promised(client_for: Open) -> None:
    using.forget()
    told = client_for("hotline_manager").get(PAGE)
    assert told.status_code == 200
    assert "自带模型只给建议，不自动派单" in told.content.decode()


def test_the_curve_and_each_class_are_shown(client_for: Open, model: ModelInUse) -> None:
    browser = client_for("hotline_manager")
    browser.get(PAGE)
    with CaptureQueriesContext(
        connection,
    ) as asked:
        told = browser.get(PAGE).content.decode()
    assert 'id="risk-coverage"' in told
    for label in ("供热", "公交", "噪声"):
        assert f'<th scope="row">{label}</th>' in told
    assert "第 1 版" in told
    assert len(asked) <= 14, [one["sql"][:90] for one in asked]


def test_only_managers_see_it(client_for: Open, model: ModelInUse) -> None:
    for key in ("hotline_operator", "handler", "worker", "acceptor"):
        assert client_for(key).get(PAGE).status_code == 403, key
        assert client_for(key).post(f"{PAGE}use/", {"version": "0"}).status_code == 403, key
    assert using.in_use() is not None


def test_a_class_is_switched_off_and_on_with_a_reason(client_for: Open, model: ModelInUse) -> None:
    browser = client_for("hotline_manager")
    refused = browser.post(f"{PAGE}switch/", {"label": "供热", "then": "off", "why": " "})
    assert refused.status_code == 422 or refused.status_code == 400
    assert Watch.objects.get(label="供热").on
    assert (
        browser.post(f"{PAGE}switch/", {"label": "供热", "then": "off", "why": "停暖了"}).status_code == 302
    )
    assert not Watch.objects.get(label="供热").on
    assert "停暖了" in browser.get(PAGE).content.decode()
    assert browser.post(f"{PAGE}switch/", {"label": "供热", "then": "on", "why": "供暖季"}).status_code == 302
    assert Watch.objects.get(label="供热").on


def test_a_broken_promise_is_told_as_switched_off_by_itself(client_for: Open, model: ModelInUse) -> None:
    why = "近 40 件自动派单中 30 件正确，低于承诺的 95%"
    Watch.objects.filter(label="公交").update(
        on=False, changed_by="system", why=why, sent=40, right=30, high=0.88
    )
    told = client_for("hotline_manager").get(PAGE).content.decode()
    assert "已自动停用" in told
    assert why in told
    assert "88.0 %" in told


def test_a_notice_of_a_shift_stands_until_someone_looked(client_for: Open, model: ModelInUse) -> None:
    now = timezone.now()
    measures = {"messages": 200, "confidence": 0.81, "confidence_then": 0.93, "moved": 0.1, "unknown": 0.05,
                "unknown_then": 0.01, "signs": ["confidence", "characters"]}  # fmt: skip
    notice = ShiftNotice.objects.create(
        model=model, at=now, first=now - timedelta(days=3), messages=200, measures=measures
    )
    browser = client_for("hotline_manager")
    told = browser.get(PAGE).content.decode()
    assert "平均把握由 93.0 % 降到 81.0 %" in told
    assert "各分类的比例变了" not in told
    assert browser.post(f"{PAGE}notices/{notice.pk}/", {"note": "抽看 50 件，错 2 件"}).status_code == 302
    assert "来件变了" not in browser.get(PAGE).content.decode()


def test_another_version_is_taken(client_for: Open, model: ModelInUse) -> None:
    browser = client_for("hotline_manager")
    assert browser.post(f"{PAGE}use/", {"version": "0"}).status_code == 302
    assert using.in_use() is None
    assert browser.post(f"{PAGE}use/", {"version": "1"}).status_code == 302
    assert using.in_use() == model
    assert browser.post(f"{PAGE}use/", {"version": "9"}).status_code in {400, 422}


def test_what_switched_off_by_itself_is_before_the_managers_until_one_of_them_decides(
    client_for: Open, model: ModelInUse
) -> None:
    made = news.tell(
        news.Kind.CLASS_OFF, "system", "近 40 件中 30 件正确", timezone.now(), label="公交", waits=True
    )
    browser = client_for("hotline_manager")
    for page in (PAGE, "/desk/hotline/board/", f"{PAGE}news/"):
        told = browser.get(page).content.decode()
        assert "自动派单停用 · 公交" in told, page
        assert "近 40 件中 30 件正确" in told, page
        assert 'data-live="reading"' in told, page
    assert "自动派单变动待处理" in browser.get("/desk/").content.decode()
    assert browser.post(f"{PAGE}news/{made.pk}/", {"note": "培训后再开"}).status_code == 302
    assert "自动派单变动待处理" not in browser.get("/desk/").content.decode()
    told = browser.get(PAGE).content.decode()
    assert "知悉，保持停用" not in told
    assert "培训后再开" in told


def test_nobody_else_hears_of_it(client_for: Open, model: ModelInUse) -> None:
    made = news.tell(news.Kind.CLASS_OFF, "system", "不准", timezone.now(), label="公交", waits=True)
    for key in ("hotline_operator", "handler", "commander"):
        browser = client_for(key)
        assert browser.get(f"{PAGE}news/").status_code == 403, key
        assert browser.post(f"{PAGE}news/{made.pk}/", {"note": "看过"}).status_code == 403, key
        assert "自动派单变动待处理" not in browser.get("/desk/").content.decode(), key
        assert "自动派单停用" not in browser.get("/desk/hotline/board/").content.decode(), key
