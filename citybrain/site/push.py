"""The push process: server-sent events for open pages, fed by the database's NOTIFY.

`GET /stream?ticket=…` answers with `event: changed` and a comma-separated list of topics ("case:12,case:15", or
"*" when more changed than a page could follow). It carries no data: a page fetches what it shows through its
own rights, after a little random pause. A page gets its ticket from the web process:

    signing.dumps({"s": hash_key(request.session.session_key), "l": get_language()}, salt="push")

It opens a stream within 60 seconds. A stream lives as long as its session: every few seconds all sessions are
looked at, and one that was revoked gets `event: signed-out` and the end. A bare ASGI application: it loads
the settings, but neither models nor middleware.
"""

import asyncio
import contextlib
import json
import logging
import os
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
from django.conf import settings
from django.core import signing

from citybrain.site import tether
from citybrain.site.database import connection_info
from citybrain.site.outbox import CHANNEL, EVERYTHING, MOST_TOPICS

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "citybrain.site.settings")
log = logging.getLogger("citybrain.push")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

SALT = "push"
TICKET_SECONDS = 60
LOOK_SECONDS = 5.0  # how often sessions are looked at, and our own heartbeat written
COMMENT_SECONDS = 15.0  # proxies drop a connection that is silent for longer
MOST_STREAMS = 5_000
MOST_PER_SESSION = 6

_SQL_STANDING = """
SELECT key_hash FROM identity_session
WHERE key_hash = ANY(%s) AND person_id IS NOT NULL AND expires_at > %s AND last_seen_at > %s
"""
_SQL_BEAT = """
INSERT INTO site_state (key, at, value) VALUES ('push', now(), %s)
ON CONFLICT (key) DO UPDATE SET at = EXCLUDED.at, value = EXCLUDED.value
"""


class Stream:
    """One open page: the topics it hasn't been told yet."""

    def __init__(self, session: str) -> None:
        self.session = session
        self.topics: set[str] = set()
        self.closed = False
        self.wake = asyncio.Event()

    def add(self, topics: set[str]) -> None:
        """Note topics; a page that doesn't keep up is told that everything may have changed."""
        self.topics |= topics
        if len(self.topics) > MOST_TOPICS:
            self.topics = {EVERYTHING}
        self.wake.set()

    def close(self) -> None:
        """End the stream at the next moment."""
        self.closed = True
        self.wake.set()

    def take(self) -> str:
        """Return the event to send now."""
        topics, self.topics = self.topics, set()
        self.wake.clear()
        if self.closed:
            return "event: signed-out\ndata:\n\n"
        if not topics:
            return ": still here\n\n"
        data = EVERYTHING if EVERYTHING in topics else ",".join(sorted(topics))
        return f"event: changed\ndata: {data}\n\n"


class Hub:
    """All open streams of this process."""

    def __init__(self) -> None:
        self.streams: set[Stream] = set()
        self.listening = False

    def tell(self, payload: str) -> None:
        """Hand the topics of one notification to every stream."""
        topics = {topic for topic in payload.split(",") if topic}
        for stream in self.streams:
            stream.add(topics)

    def keep(self, standing: set[str]) -> None:
        """Close the streams of sessions that no longer stand."""
        for stream in self.streams:
            if stream.session not in standing:
                stream.close()

    def sessions(self) -> list[str]:
        """Return the sessions that have a stream open."""
        return sorted({stream.session for stream in self.streams})

    def has_room(self, session: str) -> bool:
        """Tell whether one more stream of the session may be opened."""
        held = Counter(stream.session for stream in self.streams)
        return len(self.streams) < MOST_STREAMS and held[session] < MOST_PER_SESSION


hub = Hub()


async def standing(link: psycopg.AsyncConnection[Any], sessions: list[str]) -> set[str]:
    """Return which of the sessions still stand."""
    if not sessions:
        return set()
    now = datetime.now(UTC)
    idle = timedelta(minutes=getattr(settings, "SESSION_IDLE_MINUTES", 120))
    rows = await (await link.execute(_SQL_STANDING, [sessions, now, now - idle])).fetchall()
    return {row[0] for row in rows}


async def listen() -> None:
    """Hand on every notification, for ever; after a lost connection pages are told to look at everything."""
    pause = 0.5
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(**connection_info(), autocommit=True) as link:
                await link.execute(f"LISTEN {CHANNEL}")
                hub.listening = True
                hub.tell(EVERYTHING)
                pause = 0.5
                async for note in link.notifies():
                    hub.tell(note.payload)
        except psycopg.Error as error:
            log.warning("notifications are interrupted: %s", error)
        hub.listening = False
        await asyncio.sleep(pause)
        pause = min(pause * 2, 10.0)


async def look() -> None:
    """Close the streams of ended sessions and write our heartbeat, for ever."""
    for _ in range(20):  # so that the first heartbeat of a good start is a good one
        await asyncio.sleep(0 if hub.listening else 0.1)
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(**connection_info(), autocommit=True) as link:
                while True:
                    hub.keep(await standing(link, hub.sessions()))
                    error = "" if hub.listening else "doesn't hear the database's notifications"
                    beat = {"streams": len(hub.streams), "error": error}
                    await link.execute(_SQL_BEAT, [json.dumps(beat)])
                    await asyncio.sleep(LOOK_SECONDS)
        except psycopg.Error as error:
            log.warning("sessions can't be looked at: %s", error)
            await asyncio.sleep(2.0)


async def may_open(session: str) -> bool:
    """Tell whether the session stands now."""
    async with await psycopg.AsyncConnection.connect(**connection_info(), autocommit=True) as link:
        return session in await standing(link, [session])


def own_origin(origin: str, host: str) -> bool:
    """Tell whether a page of `origin` is our own: listed, or of this very host at the site's port."""
    if origin in settings.CSRF_TRUSTED_ORIGINS:
        return True
    parts = urlsplit(origin)
    if parts.scheme != ("https" if settings.TLS else "http"):
        return False
    return parts.hostname == urlsplit(f"//{host}").hostname and parts.port == settings.PORT


def read_ticket(query: str) -> str | None:
    """Return the session a ticket was made for, None when it is forged or too old."""
    ticket = parse_qs(query).get("ticket", [""])[0]
    try:
        found = signing.loads(ticket, salt=SALT, max_age=TICKET_SECONDS)
    except signing.BadSignature:
        return None
    session = found.get("s") if isinstance(found, dict) else None
    return session if isinstance(session, str) else None


async def answer(
    send: Send, status: int, text: str, headers: list[tuple[bytes, bytes]] | None = None
) -> None:
    """Send a short plain answer."""
    head = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"cache-control", b"no-store"),
        *(headers or []),
    ]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": text.encode()})


async def flow(stream: Stream, send: Send) -> None:
    """Send events until the stream is closed."""
    await send({"type": "http.response.body", "body": b"retry: 5000\n\n", "more_body": True})
    while not stream.closed:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stream.wake.wait(), COMMENT_SECONDS)
        await send({"type": "http.response.body", "body": stream.take().encode(), "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def until_gone(receive: Receive) -> None:
    """Return when the page has gone away."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def serve_stream(session: str, cors: list[tuple[bytes, bytes]], receive: Receive, send: Send) -> None:
    """Keep one stream open until the page goes away or its session ends."""
    stream = Stream(session)
    hub.streams.add(stream)
    try:
        head = [
            (b"content-type", b"text/event-stream; charset=utf-8"),
            (b"cache-control", b"no-store"),
            (b"x-accel-buffering", b"no"),
            *cors,
        ]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        tasks = [asyncio.create_task(flow(stream, send)), asyncio.create_task(until_gone(receive))]
        _, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
    finally:
        hub.streams.discard(stream)


async def http(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    if scope["method"] != "GET" or scope["path"] != "/stream":
        await answer(send, 404, "not here")
        return
    origin = headers.get("origin", "")
    cors = (
        [(b"access-control-allow-origin", origin.encode("latin-1")), (b"vary", b"Origin")] if origin else []
    )
    if origin and not own_origin(origin, headers.get("host", "")):
        await answer(send, 403, "this page is not the site's own")
        return
    session = read_ticket(scope["query_string"].decode("latin-1"))
    if session is None or not await may_open(session):
        await answer(send, 403, "the ticket is not valid; get a new one", cors)
        return
    if not hub.has_room(session):
        await answer(send, 429, "too many streams are open; one a browser is enough", cors)
        return
    await serve_stream(session, cors, receive, send)


async def lifespan(receive: Receive, send: Send) -> None:
    """Start and end what runs beside the requests."""
    tasks: list[asyncio.Task[None]] = []
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            tether.watch_parent(os.getppid())
            tasks = [asyncio.create_task(listen()), asyncio.create_task(look())]
            await send({"type": "lifespan.startup.complete"})
        else:
            for task in tasks:
                task.cancel()
            for stream in hub.streams:
                stream.close()
            await send({"type": "lifespan.shutdown.complete"})
            return


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """The ASGI door."""
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
    elif scope["type"] == "http":
        await http(scope, receive, send)
