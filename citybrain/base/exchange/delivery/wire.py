"""HTTP at the door, as granian hands it over (RSGI): a request is read and looked at, an answer is written.

Whatever comes gets an answer in JSON. A body is read only for who shows something like a key, and only so far.
"""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any, Final, Protocol

import orjson
from django.utils.translation import gettext_lazy as _

from citybrain.base.exchange.delivery.asking import Request
from citybrain.base.exchange.delivery.door import Door
from citybrain.base.exchange.delivery.keys import PREFIX, key_hash
from citybrain.base.exchange.delivery.refusals import ASKS_KEY, Answer, Refused, SentFile, ended

MOST_BODY: Final = 256 * 1024
LONGEST_KEY: Final = 100
_HEAD: Final = [
    ("content-type", "application/json"),
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
]


class Given(Protocol):
    """The headers of a request: names in small letters."""

    def get(self, key: str, default: Any = None) -> Any: ...


class Scope(Protocol):
    """What is known of a request before its body."""

    method: str
    path: str
    query_string: str
    headers: Given


class Wire(Protocol):
    """Where a body comes from and the answer goes."""

    async def __call__(self) -> bytes: ...
    def __aiter__(self) -> AsyncIterator[bytes]: ...
    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None: ...
    def response_empty(self, status: int, headers: list[tuple[str, str]]) -> None: ...
    def response_file(self, status: int, headers: list[tuple[str, str]], file: str) -> None: ...


async def serve(door: Door, scope: Scope, wire: Wire) -> None:
    """Answer one request."""
    method = scope.method
    try:
        found = await _answer(door, "GET" if method == "HEAD" else method, scope, wire)
    except Refused as refused:
        found = refused.answer()
    if isinstance(found, SentFile):
        if method == "HEAD":
            size = ("content-length", str(found.path.stat().st_size))
            wire.response_empty(200, [*found.headers, size])
        else:
            wire.response_file(200, list(found.headers), str(found.path))
        return
    head = [*_HEAD, *found.headers] if found.headers else _HEAD
    if method == "HEAD":
        wire.response_empty(found.status, head)
        return
    wire.response_bytes(found.status, head, orjson.dumps(found.body, default=_json))


async def _answer(door: Door, method: str, scope: Scope, wire: Wire) -> Answer | SentFile:
    path = tuple(part for part in scope.path.split("/") if part)
    handlers = door.handlers(path)
    if not handlers:
        raise Refused("not_here", _("没有这个地址。"), 404)
    handler = handlers.get(method)
    if handler is None:
        return _other_method(method, [*handlers, *(["HEAD"] if "GET" in handlers else []), "OPTIONS"])
    key = "" if path[0] == "files" else _key(scope.headers)
    if scope.query_string:
        raise Refused("no_query", _("参数应写在请求体的 JSON 中，不写在地址里。"), 400)
    body = await _body(scope.headers, wire) if method == "POST" else b""
    return await door.guarded(handler, Request(key_hash(key), body))


def _other_method(method: str, known: list[str]) -> Answer:
    allow = ", ".join(known)
    if method == "OPTIONS":
        return Answer(200, {"methods": known}, (("allow", allow),))
    told = {"method": method[:20], "known": allow}
    text = _("此地址不支持 %(method)s，可用：%(known)s。")
    return Refused("method_not_allowed", text, 405, told, headers=(("allow", allow),)).answer()


def _key(headers: Given) -> str:
    """Return the key a request shows. Raises Refused where there is none, or nothing like one."""
    shown = str(headers.get("authorization") or "").strip()
    if not shown:
        text = _("请在请求头中给出密钥：Authorization: Bearer cbd_…")
        raise Refused("no_key", text, 401, headers=ASKS_KEY)
    key = shown[7:].strip() if shown[:7].lower() == "bearer " else shown
    if not key.startswith(PREFIX) or len(key) > LONGEST_KEY:
        raise ended("")
    return key


async def _body(headers: Given, wire: Wire) -> bytes:
    """Return the body. Raises Refused when it is too long, or packed."""
    if headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
        raise Refused("packed_body", _("请求体不能压缩，请去掉 Content-Encoding。"), 415)
    length = headers.get("content-length", "")
    if length.isdigit() and int(length) <= MOST_BODY:
        return bytes(await wire())
    if length:
        raise _too_long()
    data = bytearray()
    async for part in wire:
        data += part
        if len(data) > MOST_BODY:
            raise _too_long()
    return bytes(data)


def _too_long() -> Refused:
    return Refused("too_long", _("请求内容过长，最多 %(most)d KB。"), 413, {"most": MOST_BODY // 1024})


def _json(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(type(value).__name__)
