"""The door for machines: rows by key or filter under a grant, files and what changed. A bare ASGI application.

    POST /v1/CODE/by-key   {"key": …, "fields": […]}
    POST /v1/CODE/rows     {"fields": […], "where": [{field, op, value}], "sort": "-field", "limit": 100, "after": …}
    POST /v1/CODE/files    {"form": "parquet|csv|jsonl|xlsx", "fields", "where", "sort", "since"}
    GET  /v1/CODE/files/NUMBER      the state of a file, and its link when it is ready
    GET  /v1/CODE                   what the key opens
    GET  /files/LINK                the file itself; the link expires, and the key must still open

Keys come as `Authorization: Bearer cbd_…`. Identity numbers go into bodies, never into addresses, which end up in
logs. Each call is one statement that also looks whether key and grant still hold, and is answered only once its
receipt is committed. Refusals are {"error": code, "message": words}.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import orjson
import psycopg
from django.utils.translation import gettext as _
from django.utils.translation import override
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from citybrain.base.exchange.delivery import subjects
from citybrain.base.exchange.delivery.calls import Call, What
from citybrain.base.exchange.delivery.committing import Committer, NotKept, OverLimit
from citybrain.base.exchange.delivery.compile import Asked, Refused, Statement
from citybrain.base.exchange.delivery.cursors import BadCursor, opened, sealed
from citybrain.base.exchange.delivery.keyed import hash_one, site_key
from citybrain.base.exchange.delivery.keys import PREFIX, key_hash
from citybrain.base.exchange.delivery.plans import Plan, Plans, why_not
from citybrain.base.exchange.delivery.receipts import now_us
from citybrain.base.exchange.models import SetKind
from citybrain.base.lake.serving import SEPARATOR

log = logging.getLogger("citybrain.data")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
MOST_BODY: Final = 256 * 1024
_CHANGED: Final = (
    psycopg.errors.UndefinedTable,
    psycopg.errors.UndefinedColumn,
    psycopg.errors.FeatureNotSupported,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back."""

    status: int
    body: Any
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Turned(Exception):
    """The call is turned away with this answer."""

    def __init__(self, status: int, code: str, text: str, retry_after: int | None = None) -> None:
        super().__init__(code)
        headers: tuple[tuple[bytes, bytes], ...] = ()
        if status == 401:
            headers = ((b"www-authenticate", b"Bearer"),)
        if retry_after is not None:
            headers = ((b"retry-after", str(retry_after).encode()),)
        self.answer = Answer(status, {"error": code, "message": text}, headers)


def _ended(reason: str) -> Turned:
    texts = {
        "key_ended": _("密钥已停用或已到期。"),
        "grant_revoked": _("授权已被撤销。"),
        "grant_expired": _("授权已到期。"),
        "grant_not_yet": _("授权尚未生效。"),
        "dataset_withdrawn": _("数据集已撤销。"),
    }
    if reason in texts:
        return Turned(401 if reason == "key_ended" else 403, reason, texts[reason])
    return Turned(401, "unknown_key", _("密钥无效。"))


@dataclass
class Request:
    """One call."""

    method: str
    path: tuple[str, ...]
    key_hash: str
    body: bytes

    def json(self) -> dict[str, Any]:
        """Return the body. Raises Turned for anything but an object."""
        try:
            found = orjson.loads(self.body)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise Turned(400, "bad_request", _("请求内容应为 JSON 对象。"))
        return found


class Door:
    """The door of one process: its connections, plans and receipts."""

    def __init__(self, info: Mapping[str, Any], zone: str, secret: str, connections: int = 8) -> None:
        self.info = dict(info)
        self.secret = secret
        self.plans = Plans()
        self.committer = Committer(self.connect, zone)
        self.pool: AsyncConnectionPool[psycopg.AsyncConnection[Any]] = AsyncConnectionPool(
            kwargs={**self.info, "autocommit": True, "prepare_threshold": 2}, min_size=2, max_size=connections,
            timeout=5.0, open=False, check=None,
        )  # fmt: skip

    async def connect(self) -> psycopg.AsyncConnection[Any]:
        """Return a connection of its own."""
        return await psycopg.AsyncConnection.connect(**self.info, autocommit=True, prepare_threshold=2)

    async def rows(
        self,
        request: Request,
        make: Callable[[Plan], tuple[bytes, Statement]],
        values: Mapping[str, Any],
        code: str,
    ) -> tuple[Plan, Statement, list[tuple[Any, ...]]]:
        """Return the rows of one statement under the key's grant as it is now.

        Raises Turned when the key opens nothing (any more), Refused for what the grant doesn't allow.
        """
        async with self.pool.connection() as link:
            plan = self.plans.get(request.key_hash)
            for _attempt in range(3):
                if plan is None or not plan.relation:  # a copy may have come since
                    plan = await self.plan(link, request)
                _fitting(plan, code)
                sql, statement = make(plan)
                try:
                    found = await link.execute(sql, {**statement.params, **plan.bound, **values})
                except _CHANGED:
                    plan = None
                    continue
                rows = await found.fetchall()
                if rows:
                    return plan, statement, rows
                plan = None
        raise Turned(503, "changing", _("数据正在更新，请稍后重试。"), 1)

    async def plan(self, link: psycopg.AsyncConnection[Any], request: Request) -> Plan:
        """Return what the key opens now. Raises Turned."""
        plan = await self.plans.load(link, request.key_hash)
        if plan is None:
            raise _ended(await why_not(link, request.key_hash))
        return plan

    async def receipted(
        self,
        plan: Plan,
        fields: Sequence[str],
        mode: str,
        rows: list[tuple[Any, ...]],
        asked: Asked | None = None,
    ) -> str:
        """Return the number of the receipt, committed. Raises Turned when a limit is met or nothing can be kept."""
        policy = plan.policy
        pairs = tuple((one.field, one.op) for one in asked.where) if asked else ()
        what = What(
            policy.agency_id, policy.number, policy.dataset_code, plan.version, mode, tuple(fields), plan.key_id,
            plan.kind, pairs,
        )  # fmt: skip
        call = Call(now_us(), what, len(rows), _tokens(plan, len(fields), rows))
        try:
            return await self.committer.keep(policy.grant_id, policy.daily_rows, policy.rate_per_second, call)
        except OverLimit as over:
            if over.limit == "rate":
                raise Turned(429, "rate_limit", _("调用过于频繁，请稍后重试。"), 1) from over
            raise Turned(429, "daily_limit", _("已达到当日数据量上限。"), 3600) from over
        except NotKept as lost:
            raise Turned(503, "no_receipt", _("暂时无法记录使用回执，未提供数据，请稍后重试。"), 1) from lost

    async def by_key(self, request: Request, code: str) -> Answer:
        """Answer with one row, or 404."""
        body = request.json()
        fields = Asked.from_json({"fields": body.get("fields")}).fields
        values: dict[str, Any] = {}

        def make(plan: Plan) -> tuple[bytes, Statement]:
            _allowed(plan, "key")
            values["key"] = _key_text(plan, body.get("key"))
            return plan.by_key(fields)

        plan, statement, rows = await self.rows(request, make, values, code)
        width = len(statement.fields)
        found = [row for row in rows if row[width] is not None]
        number = await self.receipted(plan, statement.fields, "key", found)
        told = {"dataset": code, "version": plan.version, "receipt": number}
        if not found:
            return Answer(404, {"error": "no_row", "message": _("没有符合条件的数据。"), **told})
        return Answer(200, {**told, "row": dict(zip(statement.fields, found[0], strict=False))})

    async def by_filter(self, request: Request, code: str) -> Answer:
        """Answer with one page of rows, and the cursor of the next one."""
        body = request.json()
        asked = Asked.from_json(body)
        question = orjson.dumps([request.key_hash, code, asked.to_json()], default=str)
        try:
            after = opened(self.secret, question, str(body["after"])) if body.get("after") else None
        except BadCursor:
            raise Turned(422, "bad_cursor", _("after 无效，请从第一页重新查询。")) from None

        def make(plan: Plan) -> tuple[bytes, Statement]:
            _allowed(plan, "filter")
            return plan.by_filter(asked, after)

        plan, statement, rows = await self.rows(request, make, {}, code)
        width = len(statement.fields)
        found = [row for row in rows if row[width] is not None]
        more, found = len(found) > asked.limit, found[: asked.limit]
        number = await self.receipted(plan, statement.fields, "filter", found, asked)
        told: dict[str, Any] = {"dataset": code, "version": plan.version, "receipt": number}
        told["rows"] = [dict(zip(statement.fields, row, strict=False)) for row in found]
        told["after"] = None
        if more:
            order = width + 1 + plan.needs_subject
            place = (found[-1][order + 1] if asked.sort else None, found[-1][order])
            told["after"] = sealed(self.secret, question, place)
        return Answer(200, told)

    async def describe(self, request: Request, code: str) -> Answer:
        """Answer with what the key opens: nothing of the set that isn't granted."""
        async with self.pool.connection() as link:
            plan = await self.plan(link, request)
        if plan.policy.dataset_code != code:
            raise Turned(404, "not_here", _("该密钥不能访问此数据集。"))
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

    async def answer(self, request: Request) -> Answer:
        """Return the answer to one call."""
        match request.method, request.path:
            case "POST", ("v1", code, "by-key"):
                return await self.by_key(request, code)
            case "POST", ("v1", code, "rows"):
                return await self.by_filter(request, code)
            case "GET", ("v1", code):
                return await self.describe(request, code)
            case "POST", ("v1", code, "files"):
                taken: Answer = await _files().ask(self, request, code)
                return taken
            case "GET", ("v1", code, "files", number):
                found: Answer = await _files().state(self, request, code, number)
                return found
        raise Turned(404, "not_here", _("没有这个地址。"))

    async def guarded(self, request: Request) -> Answer:
        """Return the answer, whatever happens: what goes wrong is told without any of it."""
        try:
            return await self.answer(request)
        except Turned as turned:
            return turned.answer
        except Refused as refused:
            return Answer(refused.status, {"error": refused.code, "message": str(refused)})
        except (psycopg.OperationalError, PoolTimeout) as error:
            log.warning("the database doesn't answer: %s", type(error).__name__)
            return Answer(503, {"error": "unavailable", "message": _("服务暂时不可用，请稍后重试。")})
        except Exception as error:
            log.exception("a call failed: %s", type(error).__name__)
            return Answer(500, {"error": "failed", "message": _("处理失败，请联系管理员。")})

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        headers = dict(scope["headers"])
        path = tuple(part for part in scope["path"].split("/") if part)
        key = headers.get(b"authorization", b"").decode("latin-1").removeprefix("Bearer ").strip()
        body = await _body(receive) if scope["method"] == "POST" else b""
        if body is None:
            await _send(send, Answer(413, {"error": "too_long", "message": _("请求内容过长。")}))
            return
        request = Request(scope["method"], path, key_hash(key), body)
        if path[:1] == ("files",) and len(path) == 2 and scope["method"] == "GET":
            await _files().fetch(self, request, path[1], send)
            return
        if not key.startswith(PREFIX):
            await _send(send, _ended("").answer)
            return
        if headers.get(b"accept-language", b"").startswith(b"en"):
            with override("en"):
                found = await self.guarded(request)
        else:
            found = await self.guarded(request)
        await _send(send, found)


def _files() -> Any:
    """Return the part that hands files out; imported when first asked for."""
    from citybrain.base.exchange.delivery import files_door

    return files_door


def _fitting(plan: Plan, code: str) -> None:
    """Raise Turned unless the plan is of this set and has a copy to look in."""
    if plan.policy.dataset_code != code:
        raise Turned(404, "not_here", _("该密钥不能访问此数据集。"))
    if not plan.relation:
        raise Turned(503, "no_copy", _("该数据集的查询副本正在准备，请稍后重试。"), 10)


def _allowed(plan: Plan, mode: str) -> None:
    if mode not in plan.policy.modes:
        raise Turned(403, "mode_not_granted", _("授权不包含这种获取方式。"))


def _key_text(plan: Plan, given: Any) -> str:
    """Return a key as the copy writes it. Raises Turned for a key of another form."""
    names = plan.shape.keys
    if isinstance(given, dict) and len(names) == len(given) and set(names) == set(given):
        values = [given[name] for name in names]
    elif len(names) == 1 and not isinstance(given, dict | list):
        values = [given]
    else:
        raise Turned(422, "bad_key", _("key 应包含全部主键字段。"))
    texts = [value if isinstance(value, str) else str(value) for value in values if value is not None]
    if len(texts) < len(names) or any("\0" in text or len(text) > 200 for text in texts):
        raise Turned(422, "bad_key", _("key 应包含全部主键字段。"))
    try:
        return SEPARATOR.join(texts).encode().decode()
    except UnicodeEncodeError:
        raise Turned(422, "bad_key", _("key 应包含全部主键字段。")) from None


def _tokens(plan: Plan, width: int, rows: list[tuple[Any, ...]]) -> tuple[tuple[int, int], ...]:
    """Return whose rows these are, for the receipt."""
    if plan.kind == SetKind.NONE.value:
        return ()
    if plan.kind == SetKind.KEY.value:
        secret = site_key(f"exchange.keys.{plan.policy.dataset_code}")
        return tuple(hash_one(row[width], secret) for row in rows)
    place = width + 1 if plan.needs_subject else width
    secret = site_key(subjects.PURPOSE)
    return tuple(hash_one(subjects.normal(row[place]), secret) for row in rows if row[place])


async def _body(receive: Receive) -> bytes | None:
    """Return the body of a request, None when it is too long."""
    data = b""
    while True:
        message = await receive()
        data += bytes(message.get("body", b""))
        if len(data) > MOST_BODY:
            return None
        if not message.get("more_body") or message["type"] == "http.disconnect":
            return data


def _json(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(type(value).__name__)


async def _send(send: Send, answer: Answer) -> None:
    body = orjson.dumps(answer.body, default=_json)
    head = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        *answer.headers,
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": head})
    await send({"type": "http.response.body", "body": body})
