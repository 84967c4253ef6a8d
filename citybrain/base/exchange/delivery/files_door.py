"""The door's part for files: asked for, looked after, fetched. Rare calls: Django's own connections, in threads."""

import asyncio
from collections.abc import Callable
from typing import Any, Final, TypeVar

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from citybrain.base.catalogue.grants import why_not_live
from citybrain.base.exchange.delivery import batch
from citybrain.base.exchange.delivery.asking import Request
from citybrain.base.exchange.delivery.compile import Asked
from citybrain.base.exchange.delivery.refusals import Answer, Refused, SentFile, ended
from citybrain.base.exchange.models import ApiKey, Delivery

Found = TypeVar("Found")
_TYPES: Final = {
    "parquet": "application/vnd.apache.parquet",
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


async def _beside(work: Callable[[], Found]) -> Found:
    """Return what blocking work finds, done in a thread that gives its connection back."""

    def run() -> Found:
        try:
            return work()
        finally:
            connection.close()

    return await asyncio.to_thread(run)


def _key(request: Request, code: str) -> ApiKey:
    """Return the key, if it and its grant hold. Raises Refused."""
    now = timezone.now()
    key = ApiKey.objects.select_related("grant__dataset__current").filter(key_hash=request.key_hash).first()
    if key is None:
        raise ended("")
    if key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= now):
        raise ended("key_ended")
    why = why_not_live(key.grant, now)
    if why:
        raise ended("dataset_withdrawn" if why == "withdrawn" else f"grant_{why}")
    if key.grant.dataset.code != code:
        raise Refused("not_here", _("该密钥不能访问此数据集。"), 404)
    return key


async def ask(request: Request, code: str) -> Answer:
    """Take the request for a file."""
    body = request.json("form", "fields", "where", "sort", "since")
    asked = Asked.from_json(body)
    since = body.get("since")
    if since is not None and (
        not isinstance(since, int) or isinstance(since, bool) or not 0 <= since < 2**63
    ):
        raise Refused("bad_since", _("since 应为数据版本号。"))

    def work() -> dict[str, Any]:
        key = _key(request, code)
        made = batch.ask(
            key.grant, str(body.get("form", "parquet")), asked, since, asked_by=f"key:{key.pk}", now=timezone.now(),
            key=key.pk,
        )  # fmt: skip
        return dict(batch.told(made))

    return Answer(202, await _beside(work))


async def state(request: Request, code: str, number: str) -> Answer:
    """Answer with the state of a file of the same grant."""

    def work() -> dict[str, Any] | None:
        key = _key(request, code)
        found = Delivery.objects.filter(number=number[:60], grant=key.grant).first()
        return dict(batch.told(found)) if found else None

    found = await _beside(work)
    if found is None:
        raise Refused("not_here", _("没有这个文件。"), 404)
    return Answer(200, found)


async def fetch(link: str) -> SentFile:
    """Answer with a file. Raises Refused when link, file or grant has ended."""
    found = await _beside(lambda: batch.fetched(link, timezone.now()))
    if found is None or not found[1].is_file():
        raise Refused("link_ended", _("链接已失效。"), 404)
    delivery, path = found
    headers = (
        ("content-type", _TYPES[delivery.form]),
        ("content-disposition", f'attachment; filename="{delivery.number}.{delivery.form}"'),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
    )
    return SentFile(path, headers)
