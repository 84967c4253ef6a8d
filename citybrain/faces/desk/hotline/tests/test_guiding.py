"""Topics, knowledge and reports on the desk: within rights, step by step, refusals told on the page."""

import io
from collections.abc import Callable
from datetime import timedelta

import openpyxl
import pytest
from django.test import Client
from django.utils import timezone

from citybrain.hub.hotline import actions
from citybrain.hub.hotline.message import Message
from citybrain.hub.hotline.models import KnowledgeEntry, Ticket, Topic, TopicState
from citybrain.hub.hotline.models.report import HotlineReport
from citybrain.hub.hotline.states import Channel
from citybrain.hub.hotline.topics import loop
from citybrain.hub.hotline.topics.tests.messages import OTHER, WATER
from citybrain.sample.fixtures import Cast, TinyCity

pytestmark = pytest.mark.django_db
Open = Callable[[str], Client]
BASE = "/desk/hotline/"


@pytest.fixture
def client_for(cast: Cast) -> Open:
    def open_browser(key: str) -> Client:
        client = Client()
        client.force_login(cast[key])
        return client

    return open_browser


@pytest.fixture
def topic(city: TinyCity, cast: Cast) -> Topic:
    """Six people without water, and others who speak of other things."""
    loop.forget()
    lon, lat = city.point("grid")
    for at, text in enumerate([*OTHER, *WATER]):
        told = {"channel": Channel.PHONE, "text": text, "phone": f"139{at:08d}", "lon": lon, "lat": lat}
        receipt = actions.receive(cast.actor("hotline_operator"), Message(**told))  # type: ignore[arg-type]
        Ticket.objects.filter(pk=receipt.ticket_id).update(read_at=timezone.now())
    loop.tick(timezone.now())
    return Topic.objects.get()


def test_topics_are_listed_and_drawn_on_the_map(client_for: Open, topic: Topic) -> None:
    browser = client_for("hotline_manager")
    told = browser.get(f"{BASE}topics/").content.decode()
    assert topic.name in told
    assert f'href="{BASE}topics/{topic.pk}/"' in told
    feed = browser.get(f"{BASE}topics/map/").json()
    assert [one["properties"]["url"] for one in feed["features"]] == [f"{BASE}topics/{topic.pk}/"]
    assert feed["features"][0]["properties"]["label"] == "6 人"


def test_who_works_elsewhere_learns_nothing_of_a_topic(client_for: Open, topic: Topic) -> None:
    for key in ("handler", "worker", "acceptor", "data_civil"):
        assert client_for(key).get(f"{BASE}topics/").status_code == 403, key
        assert client_for(key).get(f"{BASE}topics/{topic.pk}/").status_code == 403, key
        assert client_for(key).get(f"{BASE}topics/map/").status_code == 403, key


def test_a_topic_gets_a_name_and_one_case(client_for: Open, topic: Topic) -> None:
    browser = client_for("hotline_manager")
    page = f"{BASE}topics/{topic.pk}/"
    assert browser.get(page).status_code == 200
    assert browser.post(f"{page}step/", {"then": "name", "name": "翠湖花园停水"}).status_code == 302
    refused = browser.post(f"{page}step/", {"then": "dismiss", "reason": " "})
    assert (refused.status_code, "请填写理由。" in refused.content.decode()) == (422, True)
    assert (
        browser.post(f"{page}step/", {"then": "case", "text": "小区停水五天，请尽快恢复供水"}).status_code
        == 302
    )
    topic.refresh_from_db()
    assert topic.case is not None
    told = browser.get(page).content.decode()
    assert "翠湖花园停水" in told
    assert topic.case.number in told
    again = browser.post(f"{page}step/", {"then": "case", "text": "再立一件"})
    assert "该热点已立案。" in again.content.decode()


def test_a_topic_is_dismissed_and_restored(client_for: Open, topic: Topic) -> None:
    browser = client_for("hotline_manager")
    page = f"{BASE}topics/{topic.pk}/"
    assert browser.post(f"{page}step/", {"then": "dismiss", "reason": "演练"}).status_code == 302
    assert topic.name not in browser.get(f"{BASE}topics/").content.decode()
    assert topic.name in browser.get(f"{BASE}topics/?state=dismissed").content.decode()
    assert browser.post(f"{page}step/", {"then": "restore", "reason": "不是演练"}).status_code == 302
    topic.refresh_from_db()
    assert topic.state == TopicState.ACTIVE


def test_tickets_are_split_off(client_for: Open, topic: Topic) -> None:
    browser = client_for("hotline_manager")
    chosen = list(Ticket.objects.filter(topic_id=topic.pk).values_list("pk", flat=True)[:2])
    given = {"then": "split", "reason": "另一个小区", "ticket": chosen}
    answer = browser.post(f"{BASE}topics/{topic.pk}/step/", given)
    assert answer.status_code == 302
    other = Topic.objects.exclude(pk=topic.pk).get()
    assert answer["Location"] == f"{BASE}topics/{other.pk}/"
    assert set(Ticket.objects.filter(topic_id=other.pk).values_list("pk", flat=True)) == set(chosen)


def entry(browser: Client, cast: Cast, **more: str) -> dict[str, str]:
    today = timezone.localdate()
    return {
        "agency": str(cast["knowledge_manager"].agency_id),
        "title": "供热不达标怎么申请减免",
        "body": "供热期内室内温度应当不低于18℃。连续两天不达标的，可以申请减免热费。",
        "source": "市供热管理条例",
        "source_date": "2024-10-01",
        "valid_from": today.isoformat(),
        "review_on": (today + timedelta(days=90)).isoformat(),
        **more,
    }


def test_an_entry_is_written_submitted_and_published_by_another(client_for: Open, cast: Cast) -> None:
    writer, other = client_for("knowledge_manager"), client_for("hotline_manager")
    answer = writer.post(f"{BASE}knowledge/new/", entry(writer, cast))
    assert answer.status_code == 302, answer.content.decode()[:2000]
    one = KnowledgeEntry.objects.get(title="供热不达标怎么申请减免")
    page = f"{BASE}knowledge/{one.pk}/"
    assert answer["Location"] == page
    assert writer.post(f"{page}step/", {"then": "submit"}).status_code == 302
    assert writer.post(f"{page}step/", {"then": "publish"}).status_code == 403
    assert "等您审核" in other.get(f"{BASE}knowledge/").content.decode()
    assert other.post(f"{page}step/", {"then": "publish"}).status_code == 302
    told = client_for("hotline_operator").get(f"{BASE}knowledge/?q=减免").content.decode()
    assert one.title in told
    assert writer.get(f"{page}edit/").status_code == 200
    changed = entry(writer, cast, title="供热不达标怎么退费", seen="1")
    assert writer.post(f"{page}edit/", changed).status_code == 302
    shown = writer.get(page).content.decode()
    assert "待发布的新版本" in shown
    assert "在用旧版" in shown
    assert "供热不达标怎么退费" not in client_for("hotline_operator").get(page).content.decode()


def test_what_is_wrong_in_an_entry_is_told_and_nothing_is_lost(client_for: Open, cast: Cast) -> None:
    writer = client_for("knowledge_manager")
    answer = writer.post(f"{BASE}knowledge/new/", entry(writer, cast, review_on="明年"))
    assert answer.status_code == 422
    told = answer.content.decode()
    assert "请填写下次复核。" in told
    assert "供热不达标怎么申请减免" in told
    assert not KnowledgeEntry.objects.filter(title="供热不达标怎么申请减免").exists()


def test_units_and_strangers_see_no_drafts(client_for: Open, cast: Cast) -> None:
    writer = client_for("knowledge_manager")
    writer.post(f"{BASE}knowledge/new/", entry(writer, cast))
    one = KnowledgeEntry.objects.get(title="供热不达标怎么申请减免")
    assert client_for("handler").get(f"{BASE}knowledge/{one.pk}/").status_code == 404
    assert one.title not in client_for("handler").get(f"{BASE}knowledge/").content.decode()
    assert client_for("worker").get(f"{BASE}knowledge/").status_code == 403
    assert client_for("handler").post(f"{BASE}knowledge/new/", entry(writer, cast)).status_code == 403


def test_a_report_is_made_and_taken(client_for: Open, city: TinyCity) -> None:
    browser = client_for("hotline_manager")
    yesterday = timezone.localdate() - timedelta(days=1)
    given = {"kind": "daily", "area": str(city.area("city").pk), "starts_on": yesterday.isoformat()}
    assert browser.post(f"{BASE}reports/", given).status_code == 302
    one = HotlineReport.objects.get()
    told = browser.get(f"{BASE}reports/").content.decode()
    assert f"{BASE}reports/{one.pk}/docx/" in told
    taken = browser.get(f"{BASE}reports/{one.pk}/xlsx/")
    assert openpyxl.load_workbook(io.BytesIO(taken.content)).sheetnames
    today = browser.post(f"{BASE}reports/", {**given, "starts_on": timezone.localdate().isoformat()})
    assert (today.status_code, "报告时段尚未结束" in today.content.decode()) == (422, True)
    assert client_for("hotline_operator").get(f"{BASE}reports/").status_code == 403
    assert client_for("hotline_operator").get(f"{BASE}reports/{one.pk}/docx/").status_code == 403
