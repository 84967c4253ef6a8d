"""The stream of changes: who may open it, what it carries, and when it ends."""

import asyncio
import time
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.core import signing
from django.db import connection
from django.utils import timezone

from citybrain.base.identity.models import Session
from citybrain.site import outbox, push

HASH = "a" * 64


def ticket(session=HASH):
    return signing.dumps({"s": session, "l": "zh-hans"}, salt=push.SALT)


@pytest.fixture(autouse=True)
def _fresh_hub(monkeypatch):
    monkeypatch.setattr(push, "hub", push.Hub())


class Page:
    """A browser's side of one request to the ASGI application."""

    def __init__(self, query="", origin="", host="127.0.0.1:8001", path="/stream"):
        headers = [(b"host", host.encode())] + ([(b"origin", origin.encode())] if origin else [])
        self.scope = {
            "type": "http", "method": "GET", "path": path, "query_string": query.encode(), "headers": headers,
        }  # fmt: skip
        self.gone = asyncio.Event()
        self.status = 0
        self.headers = {}
        self.text = ""
        self.ended = False

    async def receive(self):
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            self.text += message["body"].decode()
            self.ended = not message.get("more_body", False)

    async def open(self):
        return asyncio.create_task(push.application(self.scope, self.receive, self.send))


async def until(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        await asyncio.sleep(0.02)
    assert condition()


def test_a_ticket_is_good_for_a_minute_and_only_if_we_made_it(monkeypatch):
    good = ticket()
    assert push.read_ticket(urlencode({"ticket": good})) == HASH
    assert push.read_ticket(urlencode({"ticket": good + "x"})) is None
    assert push.read_ticket(urlencode({"ticket": signing.dumps({"s": HASH}, salt="other")})) is None
    assert push.read_ticket("") is None
    later = time.time() + push.TICKET_SECONDS + 1
    monkeypatch.setattr(signing.time, "time", lambda: later)
    assert push.read_ticket(urlencode({"ticket": good})) is None


def test_only_pages_of_the_site_itself_may_read_the_stream(settings):
    settings.PORT = 8000
    settings.CSRF_TRUSTED_ORIGINS = ["https://city.example"]
    assert push.own_origin("http://127.0.0.1:8000", "127.0.0.1:8001")
    assert push.own_origin("https://city.example", "push.city.example")
    assert not push.own_origin("http://127.0.0.1:9999", "127.0.0.1:8001")
    assert not push.own_origin("http://evil.example:8000", "127.0.0.1:8001")
    assert not push.own_origin("https://127.0.0.1:8000", "127.0.0.1:8001")
    assert not push.own_origin("null", "127.0.0.1:8001")


def test_topics_are_joined_once_each_and_split_where_notify_is_full():
    assert outbox.payloads(set()) == []
    assert outbox.payloads({"case:2", "case:10"}) == ["case:10,case:2"]
    assert outbox.payloads({f"case:{n}" for n in range(501)}) == ["*"]
    texts = outbox.payloads({f"case:{n:030}" for n in range(400)})
    assert len(texts) == 2
    assert max(map(len, texts)) <= 7_900


def test_a_page_that_cannot_keep_up_is_told_that_everything_may_have_changed():
    async def run():
        stream = push.Stream(HASH)
        for n in range(push.MOST_TOPICS + 1):
            stream.add({f"case:{n}"})
        return stream.take(), stream.take()

    assert asyncio.run(run()) == ("event: changed\ndata: *\n\n", ": still here\n\n")


@pytest.mark.django_db(transaction=True)
def test_a_change_reaches_an_open_page_and_a_revoked_session_ends_it(settings, monkeypatch):
    settings.PORT = 8000
    monkeypatch.setattr(push, "LOOK_SECONDS", 0.2)
    now = timezone.now()
    from citybrain.base.identity.models import Person

    person = Person.objects.create(kind="citizen", phone="16000000009", name="试", created_at=now)
    Session.objects.create(
        key_hash=HASH,
        person=person,
        data="",
        created_at=now,
        last_seen_at=now,
        expires_at=now + timedelta(hours=1),
    )

    def change():
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO cases_outbox (topic) VALUES ('case:7'), ('case:5'), ('case:7')")
        assert outbox.tick(timezone.now()) == 3
        assert outbox.tick(timezone.now()) == 0
        connection.close()

    def revoke():
        Session.objects.all().delete()
        connection.close()

    async def run():
        tasks = [asyncio.create_task(push.listen()), asyncio.create_task(push.look())]
        page = Page(urlencode({"ticket": ticket()}), "http://127.0.0.1:8000")
        opened = await page.open()
        await until(lambda: page.status == 200 and push.hub.listening)
        await asyncio.to_thread(change)
        await until(lambda: "data: case:5,case:7\n" in page.text)
        assert page.headers["content-type"].startswith("text/event-stream")
        assert page.headers["access-control-allow-origin"] == "http://127.0.0.1:8000"
        await asyncio.to_thread(revoke)
        await until(lambda: page.ended)
        assert page.text.endswith("event: signed-out\ndata:\n\n")
        await opened
        assert not push.hub.streams

        refused = Page(urlencode({"ticket": ticket()}))
        await (await refused.open())
        foreign = Page(urlencode({"ticket": ticket()}), "http://evil.example:8000")
        await (await foreign.open())
        for task in tasks:
            task.cancel()
        return refused.status, foreign.status, foreign.headers

    refused, foreign, headers = asyncio.run(run())
    assert (refused, foreign) == (403, 403)
    assert "access-control-allow-origin" not in headers


@pytest.mark.django_db(transaction=True)
def test_one_browser_cannot_take_all_streams_and_a_closed_page_frees_its_own(monkeypatch):
    async def always(session):
        return True

    monkeypatch.setattr(push, "may_open", always)

    async def run():
        pages = [Page(urlencode({"ticket": ticket()})) for _ in range(push.MOST_PER_SESSION + 1)]
        for page in pages[:-1]:
            await page.open()
        await until(lambda: len(push.hub.streams) == push.MOST_PER_SESSION)
        await (await pages[-1].open())
        pages[0].gone.set()
        await until(lambda: len(push.hub.streams) == push.MOST_PER_SESSION - 1)
        for page in pages:
            page.gone.set()
        await until(lambda: not push.hub.streams)
        return pages[-1].status

    assert asyncio.run(run()) == 429


def test_other_addresses_are_not_there():
    async def run():
        page = Page(path="/")
        await (await page.open())
        return page.status

    assert asyncio.run(run()) == 404


@pytest.mark.django_db
def test_only_who_is_signed_in_gets_a_ticket(client):
    answer = client.get("/push/ticket")
    assert answer.status_code == 403
    assert "no-store" in answer["Cache-Control"]
