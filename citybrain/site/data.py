"""The data process: the door for machines (base.exchange.delivery), with its heartbeat.

Run by granian as an ASGI application, a worker a core. It loads the models for their names; its statements are its
own and asynchronous.
"""

import asyncio
import json
import logging
import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import django
import psycopg

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "citybrain.site.settings")
django.setup()

from django.conf import settings  # noqa: E402

from citybrain.base.exchange.delivery.door import Door  # noqa: E402
from citybrain.site import tether  # noqa: E402
from citybrain.site.database import connection_info  # noqa: E402

log = logging.getLogger("citybrain.data")
BEAT_SECONDS = 5.0
_SQL_BEAT = """
INSERT INTO site_state (key, at, value) VALUES ('data', now(), %s)
ON CONFLICT (key) DO UPDATE SET at = EXCLUDED.at, value = EXCLUDED.value
"""

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


async def beat(door: Door) -> None:
    """Write the heartbeat, for ever: calls and groups since the one before, of this worker."""
    calls = groups = 0
    while True:
        try:
            async with await door.connect() as link:
                while True:
                    now = door.committer.calls, door.committer.groups
                    told = {"calls": now[0] - calls, "groups": now[1] - groups, "error": ""}
                    calls, groups = now
                    await link.execute(_SQL_BEAT, [json.dumps(told)])
                    await asyncio.sleep(BEAT_SECONDS)
        except psycopg.Error as error:
            log.warning("the heartbeat can't be written: %s", error)
            await asyncio.sleep(2.0)


class Application:
    """The ASGI application: one door a process."""

    def __init__(self) -> None:
        self.door: Door | None = None
        self.tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Open the door."""
        self.door = Door(connection_info(), settings.TIME_ZONE, settings.SECRET_KEY)
        await self.door.pool.open()
        self.tasks = [asyncio.create_task(self.door.committer.run()), asyncio.create_task(beat(self.door))]

    async def end(self) -> None:
        """Close the door."""
        for task in self.tasks:
            task.cancel()
        if self.door is not None:
            await self.door.pool.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.lifespan(receive, send)
        elif scope["type"] == "http" and self.door is not None:
            await self.door.serve(scope, receive, send)

    async def lifespan(self, receive: Receive, send: Send) -> None:
        """Start and end with the server."""
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                tether.watch_parent(os.getppid())
                await self.start()
                await send({"type": "lifespan.startup.complete"})
            else:
                await self.end()
                await send({"type": "lifespan.shutdown.complete"})
                return


application = Application()
