"""The door for machines: rows by key or filter under a grant, files and what changed.

    POST /v1/CODE/by-key   {"key": …, "fields": […]}
    POST /v1/CODE/rows     {"fields": […], "where": [{field, op, value}], "sort": "-field", "limit": 100, "after": …}
    POST /v1/CODE/files    {"form": "parquet|csv|jsonl|xlsx", "fields", "where", "sort", "since"}
    GET  /v1/CODE/files/NUMBER      the state of a file, and its link when it is ready
    GET  /v1/CODE                   what the key opens
    GET  /files/LINK                the file itself; the link expires, and the key must still open

Keys come as `Authorization: Bearer cbd_…`. Identity numbers go into bodies, never into addresses, which end up in
logs. Each call's statement looks itself whether key and grant still hold, and a call is answered only once its
receipt is committed. Refusals are {"error": code, "message": Chinese, "message_en": English}.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from typing import Any, Final, TypeVar

import orjson
import psycopg
from django.utils.translation import gettext_lazy as _
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from citybrain.base.exchange.delivery import subjects
from citybrain.base.exchange.delivery.asking import Request, allowed, fields_of, fitting, key_text
from citybrain.base.exchange.delivery.calls import Call
from citybrain.base.exchange.delivery.committing import Committer, NotKept, OverLimit
from citybrain.base.exchange.delivery.compile import Asked
from citybrain.base.exchange.delivery.cursors import BadCursor, opened, sealed
from citybrain.base.exchange.delivery.lookups import CHANGED, Lookups, Row, Unfit
from citybrain.base.exchange.delivery.plans import Look, Plan, Plans, why_not
from citybrain.base.exchange.delivery.refusals import Answer, Refused, SentFile, ended
from citybrain.base.exchange.models import SetKind

log = logging.getLogger("citybrain.data")

Connection = psycopg.AsyncConnection[Any]
Handler = Callable[[Request], Coroutine[Any, Any, Answer | SentFile]]
Found = TypeVar("Found")
LANES: Final = 2  # connections for look-ups by key
ATTEMPTS: Final = 3  # plans tried for one call: grant and copy may change meanwhile
FILTER_SECONDS: Final = 20  # a page that takes longer is given up
WAIT_SECONDS: Final = 5.0  # for a turn or a connection
NO_ROW: Final = Refused("no_row", _("没有符合条件的数据。"), 404)


class Door:
    """The door of one process: its connections, plans and receipts."""

    def __init__(self, info: Mapping[str, Any], zone: str, secret: str, connections: int = 4) -> None:
        self.info = {**info, "application_name": "citybrain data"}
        self.secret = secret
        self.plans = Plans()
        self.loading: dict[str, asyncio.Task[Plan]] = {}
        self.lookups = Lookups(self.connect)
        self.committer = Committer(self.connect, zone)
        self.pool = self._pool(connections)  # for plans
        self.filters = self._pool(connections, _hurried)
        self.tasks: list[asyncio.Task[None]] = []

    def _pool(
        self, most: int, prepare: Callable[[Connection], Coroutine[Any, Any, None]] | None = None
    ) -> AsyncConnectionPool[Connection]:
        return AsyncConnectionPool(
            kwargs={**self.info, "autocommit": True, "prepare_threshold": 2}, min_size=1, max_size=most,
            timeout=WAIT_SECONDS, open=False, check=None, configure=prepare,
        )  # fmt: skip

    async def connect(self) -> Connection:
        """Return a connection of its own."""
        return await psycopg.AsyncConnection.connect(**self.info, autocommit=True, prepare_threshold=1)

    async def open(self) -> None:
        """Begin to answer."""
        await self.pool.open()
        await self.filters.open()
        self.tasks = [asyncio.create_task(self.lookups.run()) for _lane in range(LANES)]
        self.tasks.append(asyncio.create_task(self.committer.run()))

    async def close(self) -> None:
        """Answer no more."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.pool.close()
        await self.filters.close()

    async def plan(self, request: Request, unfit: Plan | None = None) -> Plan:
        """Return what the key opens, but not the plan that was found unfit. Raises Refused.

        A kept plan may be out of date, which its statements find out.
        """
        kept = self.plans.get(request.key_hash)
        if kept is not None and kept is not unfit and kept.relation:
            return kept
        task = self.loading.get(request.key_hash)
        if task is None:  # calls that need the same plan wait for one loading of it
            task = asyncio.create_task(self._load(request.key_hash))
            self.loading[request.key_hash] = task
            task.add_done_callback(lambda _done: self.loading.pop(request.key_hash, None))
        return await asyncio.shield(task)

    async def _load(self, key_hash: str) -> Plan:
        async with self.pool.connection() as link:
            plan = await self.plans.load(link, key_hash)
            if plan is None:
                raise ended(await why_not(link, key_hash))
            return plan

    async def found(
        self, request: Request, code: str, mode: str, look: Callable[[Plan], Coroutine[Any, Any, Found]]
    ) -> Found:
        """Return what `look` finds under the key's grant as it is now. Raises Refused."""
        unfit: Plan | None = None
        for _attempt in range(ATTEMPTS):
            plan = await self.plan(request, unfit)
            fitting(plan, code)
            allowed(plan, mode)
            try:
                return await look(plan)
            except Unfit:
                unfit = plan
        raise Refused("changing", _("数据正在更新，请稍后重试。"), 503, after=1)

    async def receipted(self, look: Look, rows: list[Row]) -> str:
        """Return the number of the receipt, committed. Raises Refused when a limit is met or nothing can be kept."""
        policy = look.plan.policy
        call = Call(time.time_ns() // 1_000, look.what, len(rows), _whose(look, rows))
        try:
            return await self.committer.keep(policy.grant_id, policy.daily_rows, policy.rate_per_second, call)
        except OverLimit as over:
            if over.limit == "rate":
                raise Refused("rate_limit", _("调用过于频繁，请稍后重试。"), 429, after=1) from over
            raise Refused("daily_limit", _("已达到当日数据量上限。"), 429, after=3600) from over
        except NotKept as lost:
            text = _("暂时无法记录使用回执，未提供数据，请稍后重试。")
            raise Refused("no_receipt", text, 503, after=1) from lost

    async def by_key(self, request: Request, code: str) -> Answer:
        """Answer with one row, or 404."""
        body = request.json("key", "fields")
        fields = fields_of(body)

        async def find(plan: Plan) -> tuple[Look, Row | None]:
            look = plan.by_key(fields)
            return look, await self.lookups.find(look, key_text(plan, body.get("key")))

        look, row = await self.found(request, code, "key", find)
        number = await self.receipted(look, [row] if row else [])
        told = {"dataset": code, "version": look.plan.version, "receipt": number}
        if row is None:
            return NO_ROW.answer(**told)
        return Answer(200, {**told, "row": dict(zip(look.statement.fields, row, strict=False))})

    async def by_filter(self, request: Request, code: str) -> Answer:
        """Answer with one page of rows, and the cursor of the next one."""
        body = request.json("fields", "where", "sort", "limit", "after")
        asked = Asked.from_json(body)
        question = orjson.dumps([request.key_hash, code, asked.to_json()], default=str)
        try:
            after = opened(self.secret, question, str(body["after"])) if body.get("after") else None
        except BadCursor:
            raise Refused("bad_cursor", _("after 无效，请从第一页重新查询。")) from None

        async def find(plan: Plan) -> tuple[Look, list[Row]]:
            look = plan.by_filter(asked, after)
            return look, await self.page(look)

        look, rows = await self.found(request, code, "filter", find)
        width = len(look.statement.fields)
        rows = [row for row in rows if row[width] is not None]
        more, rows = len(rows) > asked.limit, rows[: asked.limit]
        number = await self.receipted(look, rows)
        told: dict[str, Any] = {"dataset": code, "version": look.plan.version, "receipt": number}
        told["rows"] = [dict(zip(look.statement.fields, row, strict=False)) for row in rows]
        told["after"] = None
        if more:
            order = width + 1 + look.plan.needs_subject
            place = (rows[-1][order + 1] if asked.sort else None, rows[-1][order])
            told["after"] = sealed(self.secret, question, place)
        return Answer(200, told)

    async def page(self, look: Look) -> list[Row]:
        """Return the rows of a filter. Raises Unfit, and Refused for what takes too long or can't be compared."""
        try:
            async with self.turn(look.plan), self.filters.connection() as link:
                rows = await (await link.execute(look.sql, look.fixed)).fetchall()
        except CHANGED as changed:
            raise Unfit from changed
        except psycopg.errors.QueryCanceled as slow:
            text = _("查询超过 %(seconds)d 秒，已停止。请缩小条件，或申请文件。")
            raise Refused("too_slow", text, told={"seconds": FILTER_SECONDS}) from slow
        except psycopg.DataError as bad:
            raise Refused("bad_value", _("条件中有超出字段范围的值。")) from bad
        if not rows:
            raise Unfit
        return rows

    @contextlib.asynccontextmanager
    async def turn(self, plan: Plan) -> AsyncIterator[None]:
        """Wait until the grant has fewer queries on their way than it may. Raises Refused after a while."""
        try:
            await asyncio.wait_for(plan.gate.acquire(), WAIT_SECONDS)
        except TimeoutError:
            text = _("该授权同时进行的查询过多，请稍后重试。")
            raise Refused("busy", text, 429, after=1) from None
        try:
            yield
        finally:
            plan.gate.release()

    async def describe(self, request: Request, code: str) -> Answer:
        """Answer with what the key opens: nothing of the set that isn't granted."""
        plan = await self._load(request.key_hash)
        fitting(plan, code, without_copy=True)
        policy = plan.policy
        fields = [
            {
                "name": one.name,
                "zh": one.zh,
                "en": one.en,
                "type": str(one.type),
                "mask": policy.masks.get(one.name),
            }
            for one in plan.compiler.granted.values()
        ]
        told = {
            "dataset": code, "grant": policy.number, "version": plan.version, "modes": sorted(policy.modes),
            "fields": fields, "rows_a_day": policy.daily_rows, "calls_a_second": policy.rate_per_second,
            "until": policy.valid_until,
        }  # fmt: skip
        return Answer(200, told)

    def handlers(self, path: tuple[str, ...]) -> dict[str, Handler]:
        """Return what answers at an address, by method; nothing for an address that isn't there."""
        match path:
            case ("v1", code, "by-key"):
                return {"POST": lambda request: self.by_key(request, code)}
            case ("v1", code, "rows"):
                return {"POST": lambda request: self.by_filter(request, code)}
            case ("v1", code):
                return {"GET": lambda request: self.describe(request, code)}
            case ("v1", code, "files"):
                return {"POST": lambda request: _files().ask(request, code)}
            case ("v1", code, "files", number):
                return {"GET": lambda request: _files().state(request, code, number)}
            case ("files", link):
                return {"GET": lambda _request: _files().fetch(link)}
        return {}

    async def guarded(self, handler: Handler, request: Request) -> Answer | SentFile:
        """Return the answer, whatever happens: what goes wrong is told without any of it."""
        try:
            return await handler(request)
        except Refused as refused:
            return refused.answer()
        except (psycopg.OperationalError, PoolTimeout) as error:
            log.warning("the database doesn't answer: %s", type(error).__name__)
            return Refused("unavailable", _("服务暂时不可用，请稍后重试。"), 503, after=1).answer()
        except Exception as error:
            log.exception("a call failed: %s", type(error).__name__)
            return Refused("failed", _("处理失败，请联系管理员。"), 500).answer()


async def _hurried(link: Connection) -> None:
    """Give up what takes too long on this connection."""
    await link.execute(f"SET statement_timeout = '{FILTER_SECONDS}s'")


def _files() -> Any:
    """Return the part that hands files out; imported when first asked for."""
    from citybrain.base.exchange.delivery import files_door

    return files_door


def _whose(look: Look, rows: list[Row]) -> tuple[str, ...]:
    """Return whose rows these are, for the receipt."""
    width = len(look.statement.fields)
    if look.what.kind == SetKind.NONE.value:
        return ()
    if look.what.kind == SetKind.KEY.value:
        return tuple([row[width] for row in rows])
    place = width + look.plan.needs_subject
    return tuple([subjects.normal(row[place]) for row in rows if row[place]])
