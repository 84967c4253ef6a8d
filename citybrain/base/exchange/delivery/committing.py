"""Receipts before answers: calls wait a few milliseconds, are committed together, and only then are answered.

One statement counts the calls against both limits of each grant, for all processes exactly, and keeps those that
fit. A grant's calls that don't fit as a whole are tried one by one; those beyond the limit are refused, and leave
neither a receipt nor data.
"""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import psycopg

from citybrain.base.exchange.delivery.calls import Call, pack
from citybrain.base.exchange.delivery.subjects import secret_of

log = logging.getLogger("citybrain.data")
LINGER_SECONDS: Final = 0.002  # how long the first call of a group waits for others, where others came before
MOST_CALLS: Final = 500  # of one group
PAUSE_SECONDS: Final = 0.2

_KEEP: Final = """
WITH asked AS (
  SELECT a.*, (now() AT TIME ZONE %(zone)s)::date AS day, floor(extract(epoch FROM clock_timestamp()))::bigint AS second
    FROM unnest(%(grants)s::bigint[], %(rows)s::bigint[], %(calls)s::int[], %(daily)s::bigint[], %(rates)s::int[],
                %(bodies)s::bytea[]) AS a (grant_id, rows, calls, daily, rate, body)
), used AS (
  INSERT INTO exchange_usage AS u (grant_id, day, rows, calls, second, calls_in_second)
  SELECT grant_id, day, rows, calls, second, calls FROM asked WHERE rows <= daily AND calls <= rate ORDER BY grant_id
  ON CONFLICT (grant_id, day) DO UPDATE
     SET rows = u.rows + excluded.rows, calls = u.calls + excluded.calls, second = excluded.second,
         calls_in_second = excluded.calls_in_second
                         + CASE WHEN u.second >= excluded.second THEN u.calls_in_second ELSE 0 END
   WHERE u.rows + excluded.rows <= (SELECT a.daily FROM asked a WHERE a.grant_id = excluded.grant_id)
     AND excluded.calls_in_second + CASE WHEN u.second >= excluded.second THEN u.calls_in_second ELSE 0 END
         <= (SELECT a.rate FROM asked a WHERE a.grant_id = excluded.grant_id)
  RETURNING grant_id
)
INSERT INTO exchange_callgroup (grant_id, calls, rows, body)
SELECT a.grant_id, a.calls, a.rows, a.body FROM asked a JOIN used USING (grant_id)
RETURNING grant_id, id"""
_LEFT: Final = """
SELECT %(daily)s - rows FROM exchange_usage WHERE grant_id = %(grant)s AND day = (now() AT TIME ZONE %(zone)s)::date"""


class NotKept(RuntimeError):
    """The receipt couldn't be committed, so nothing may be answered."""


class OverLimit(RuntimeError):
    """A limit of the grant is used up: "rate" (calls a second) or "daily" (rows a day)."""

    def __init__(self, limit: str) -> None:
        super().__init__(limit)
        self.limit = limit


@dataclass
class Waiting:
    """A call that waits for its receipt."""

    grant_id: int
    daily: int
    rate: int
    call: Call
    done: "asyncio.Future[str]"


class Committer:
    """Commits the calls of one process on a connection of its own."""

    def __init__(self, connect: Callable[[], Any], zone: str) -> None:
        self.connect = connect
        self.zone = zone
        self.waiting: list[Waiting] = []
        self.wake = asyncio.Event()
        self.groups = self.calls = 0
        self.spent = self.longest = (
            0.0  # seconds from a group's first call to its commit: all together, the most
        )

    async def keep(self, grant_id: int, daily: int, rate: int, call: Call) -> str:
        """Return the receipt's number once it is committed. Raises OverLimit, NotKept."""
        one = Waiting(grant_id, daily, rate, call, asyncio.get_running_loop().create_future())
        self.waiting.append(one)
        self.wake.set()
        return await one.done

    async def run(self) -> None:
        """Commit for ever; a lost connection is made anew, and what waited is told so."""
        while True:
            try:
                async with await self.connect() as link:
                    await self._serve(link)
            except psycopg.Error as error:
                log.warning("receipts can't be committed: %s", error)
                self._fail(self._taken())
            await asyncio.sleep(PAUSE_SECONDS)

    def _taken(self) -> list[Waiting]:
        taken, self.waiting = self.waiting[:MOST_CALLS], self.waiting[MOST_CALLS:]
        if not self.waiting:
            self.wake.clear()
        return taken

    @staticmethod
    def _fail(taken: list[Waiting]) -> None:
        for one in taken:
            if not one.done.done():
                one.done.set_exception(NotKept())

    async def _serve(self, link: psycopg.AsyncConnection[Any]) -> None:
        company = False
        while True:
            await self.wake.wait()
            began = time.monotonic()
            if company and len(self.waiting) < MOST_CALLS:
                await asyncio.sleep(LINGER_SECONDS)
            taken = self._taken()
            company = len(taken) > 1
            try:
                await self._commit(link, taken)
                spent = time.monotonic() - began
                self.spent, self.longest = self.spent + spent, max(self.longest, spent)
            finally:
                self._fail(taken)  # whoever has no answer now gets none

    async def _commit(self, link: psycopg.AsyncConnection[Any], taken: list[Waiting]) -> None:
        groups: dict[int, list[Waiting]] = defaultdict(list)
        for one in taken:
            groups[one.grant_id].append(one)
        kept = await self._keep(link, groups)
        self.groups += 1
        self.calls += len(taken)
        for grant_id, members in groups.items():
            if grant_id in kept:
                _number(members, kept[grant_id])
            else:
                await self._one_by_one(link, members)

    async def _keep(
        self, link: psycopg.AsyncConnection[Any], groups: dict[int, list[Waiting]]
    ) -> dict[int, int]:
        """Return the number of the group kept for each grant whose calls all fit."""
        values = {
            "zone": self.zone,
            "grants": list(groups),
            "rows": [sum(one.call.rows for one in members) for members in groups.values()],
            "calls": [len(members) for members in groups.values()],
            "daily": [members[-1].daily for members in groups.values()],
            "rates": [members[-1].rate for members in groups.values()],
            "bodies": [pack([one.call for one in members], secret_of) for members in groups.values()],
        }
        return dict(await (await link.execute(_KEEP, values)).fetchall())

    async def _one_by_one(self, link: psycopg.AsyncConnection[Any], members: list[Waiting]) -> None:
        """Keep what still fits, in the order of coming; from the first that doesn't, refuse by the limit it met."""
        over: str | None = None
        for one in members:
            if over != "rate":
                kept = {} if over and one.call.rows else await self._keep(link, {one.grant_id: [one]})
                if kept:
                    _number([one], kept[one.grant_id])
                    continue
                over = over or await self._limit_met(link, one)
            one.done.set_exception(OverLimit(over))

    async def _limit_met(self, link: psycopg.AsyncConnection[Any], one: Waiting) -> str:
        values = {"grant": one.grant_id, "daily": one.daily, "zone": self.zone}
        row = await (await link.execute(_LEFT, values)).fetchone()
        left = row[0] if row else one.daily
        return "daily" if left < one.call.rows else "rate"


def _number(members: list[Waiting], group: int) -> None:
    for index, one in enumerate(members):
        if not one.done.done():
            one.done.set_result(f"{group}.{index}")
