"""Look-ups by key, several in one statement: those that wait while others are on their way go together.

A few connections ("lanes") work side by side. Each takes all that waits at that moment; what asks the same of one
grant becomes one statement over all its keys, and several statements go in one round trip. Every statement still
looks itself whether key, grant and copy hold, so nothing is shared between grants but the wire. Where calls come
together a lane waits a moment for more of them; a call that comes alone goes at once.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg

from citybrain.base.exchange.delivery.plans import Look

log = logging.getLogger("citybrain.data")
MOST_AT_ONCE: Final = 256  # keys one lane takes
LINGER_SECONDS: Final = 0.001
PAUSE_SECONDS: Final = 0.2
CHANGED: Final = (
    psycopg.errors.UndefinedTable,
    psycopg.errors.UndefinedColumn,
    psycopg.errors.FeatureNotSupported,  # "cached plan must not change result type"
)
Row = tuple[Any, ...]


class Unfit(Exception):
    """Key, grant or copy changed since the plan was made: nothing was found out."""


@dataclass(slots=True)
class Waiting:
    """A look-up that waits for a lane."""

    look: Look
    key: str
    done: "asyncio.Future[Row | None]"


class Lookups:
    """The look-ups of one process."""

    def __init__(self, connect: Callable[[], Any]) -> None:
        self.connect = connect
        self.waiting: list[Waiting] = []
        self.idle: list[asyncio.Future[None]] = []
        self.calls = self.statements = 0
        self.company = False

    async def find(self, look: Look, key: str) -> Row | None:
        """Return the row of a key as `look` shows it, None when there is none.

        Raises Unfit when the plan no longer holds, psycopg.Error when the database can't be asked.
        """
        one = Waiting(look, key, asyncio.get_running_loop().create_future())
        self.waiting.append(one)
        while self.idle:
            lane = self.idle.pop()
            if not lane.done():
                lane.set_result(None)
                break
        return await one.done

    async def run(self) -> None:
        """Be one lane, for ever; a lost connection is made anew, and what waited is told so."""
        while True:
            try:
                async with await self.connect() as link:
                    # one plan for all keys: planning the joins anew for each call costs more than running them
                    await link.execute("SET plan_cache_mode = force_generic_plan")
                    while True:
                        await self._serve(link)
            except psycopg.Error as error:
                log.warning("look-ups can't be answered: %s", type(error).__name__)
                fail(self._taken(), error)
            await asyncio.sleep(PAUSE_SECONDS)

    def _taken(self) -> list[Waiting]:
        taken, self.waiting = self.waiting[:MOST_AT_ONCE], self.waiting[MOST_AT_ONCE:]
        return taken

    async def _serve(self, link: psycopg.AsyncConnection[Any]) -> None:
        """Answer what waits, or wait until something does. Raises psycopg.OperationalError for a lost connection."""
        if not self.waiting:
            wake = asyncio.get_running_loop().create_future()
            self.idle.append(wake)
            await wake
        if self.company:
            await asyncio.sleep(LINGER_SECONDS)
        taken = self._taken()
        self.company = len(taken) > 1
        together: dict[Look, list[Waiting]] = {}
        for one in taken:
            together.setdefault(one.look, []).append(one)
        try:
            await self._answer(link, together)
        except psycopg.OperationalError as error:
            fail(taken, error)
            if link.closed or link.broken:
                raise
        finally:
            fail(taken, psycopg.OperationalError("given up"))  # whoever has no answer now gets none

    async def _answer(self, link: psycopg.AsyncConnection[Any], together: dict[Look, list[Waiting]]) -> None:
        self.calls += sum(map(len, together.values()))
        self.statements += len(together)
        if len(together) > 1 and await _in_one_trip(link, together):
            return
        for look, members in together.items():
            await _one(link, look, members)


async def _one(link: psycopg.AsyncConnection[Any], look: Look, members: list[Waiting]) -> None:
    try:
        cursor = await link.execute(look.sql, values(look, members))
        tell(members, await cursor.fetchall())
    except CHANGED:
        fail(members, Unfit())
    except psycopg.OperationalError:
        raise
    except psycopg.Error as error:
        fail(members, error)


async def _in_one_trip(link: psycopg.AsyncConnection[Any], together: dict[Look, list[Waiting]]) -> bool:
    """Ask all at once; False when one of them is wrong, so that each is to be asked by itself."""
    try:
        async with link.pipeline():
            cursors = [
                await link.execute(look.sql, values(look, members)) for look, members in together.items()
            ]
            found = [await cursor.fetchall() for cursor in cursors]
    except psycopg.OperationalError:
        raise
    except psycopg.Error:
        return False
    for members, rows in zip(together.values(), found, strict=True):
        tell(members, rows)
    return True


def values(look: Look, members: Sequence[Waiting]) -> dict[str, Any]:
    """Return the parameters of one statement over the keys of its members."""
    return {**look.fixed, "keys": list({one.key for one in members})}


def tell(members: Sequence[Waiting], rows: Sequence[Row]) -> None:
    """Give each member its row. No row at all, not even an empty one: the plan no longer fits."""
    if not rows:
        fail(members, Unfit())
        return
    place = len(members[0].look.statement.fields)
    by_key = {row[place]: row for row in rows}
    for one in members:
        if not one.done.done():
            one.done.set_result(by_key.get(one.key))


def fail(members: Sequence[Waiting], error: Exception) -> None:
    """Tell those who have no answer yet that there is none."""
    for one in members:
        if not one.done.done():
            one.done.set_exception(error)
