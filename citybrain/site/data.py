"""The data process: the door for machines (base.exchange.delivery), with its heartbeat.

Run by granian as an RSGI application, a worker a core. It loads the models for their names; its statements are its
own and asynchronous.
"""

import asyncio
import gc
import json
import logging
import os

import django
import psycopg

from citybrain.site import env, tether

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "citybrain.site.settings")
if env.flag("CITYBRAIN_TIED"):  # started by `citybrain up`
    tether.tie_to_server()
django.setup()

from django.conf import settings  # noqa: E402

from citybrain.base.exchange.delivery import wire  # noqa: E402
from citybrain.base.exchange.delivery.door import Door  # noqa: E402
from citybrain.site.database import connection_info  # noqa: E402

log = logging.getLogger("citybrain.data")
BEAT_SECONDS = 5.0
_SQL_BEAT = """
INSERT INTO site_state (key, at, value) VALUES ('data', now(), %s)
ON CONFLICT (key) DO UPDATE SET at = EXCLUDED.at, value = EXCLUDED.value
"""


async def beat(door: Door) -> None:
    """Write the heartbeat, for ever: calls and groups since the one before, of this worker, and groups' time."""
    calls, groups, spent = 0, 0, 0.0
    kept = door.committer
    while True:
        try:
            async with await door.connect() as link:
                while True:
                    told: dict[str, object] = {
                        "calls": kept.calls - calls,
                        "groups": kept.groups - groups,
                        "error": "",
                    }
                    told["group_ms"] = round((kept.spent - spent) * 1000 / max(kept.groups - groups, 1), 1)
                    told["longest_group_ms"] = round(kept.longest * 1000, 1)
                    calls, groups, spent, kept.longest = kept.calls, kept.groups, kept.spent, 0.0
                    await link.execute(_SQL_BEAT, [json.dumps(told)])
                    await asyncio.sleep(BEAT_SECONDS)
        except psycopg.Error as error:
            log.warning("the heartbeat can't be written: %s", error)
            await asyncio.sleep(2.0)


class Application:
    """The application as granian runs it (RSGI): one door a process."""

    def __init__(self) -> None:
        self.door = Door(connection_info(), settings.TIME_ZONE, settings.SECRET_KEY)
        self.beating: asyncio.Task[None] | None = None

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        tether.watch_parent(tether.server())
        loop.run_until_complete(self.start())
        gc.collect()
        gc.freeze()  # what was imported stays: looking through it again and again makes calls wait

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.run_until_complete(self.end())

    async def __rsgi__(self, scope: wire.Scope, proto: wire.Wire) -> None:
        await wire.serve(self.door, scope, proto)

    async def start(self) -> None:
        """Open the door."""
        await self.door.open()
        self.beating = asyncio.create_task(beat(self.door))

    async def end(self) -> None:
        """Close the door."""
        if self.beating is not None:
            self.beating.cancel()
        await self.door.close()


application = Application()
