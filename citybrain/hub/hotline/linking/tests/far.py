"""A neighbouring city's hotline on loopback that answers as a test says; and calls as it would sign them."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.test import Client
from django.utils import timezone

from citybrain.base.exchange.tests.stub import Call, Reply
from citybrain.hub.hotline.callers.numbers import opened
from citybrain.hub.hotline.linking import delivering, partners, signing
from citybrain.hub.hotline.models import LinkMessage, Partner
from citybrain.hub.hotline.tests.conftest import Line

THEIRS = "their-secret-of-us"


def partner(line: Line, key: str = "beihe", kind: str = "hotline", address: str = "", **more: Any) -> Partner:
    """Return a partner entered by the manager."""
    given = {
        "key": key, "name": {"beihe": "北河12345", "police": "市公安局110"}.get(key, key), "kind": kind,
        "address": address or ("http://127.0.0.1:9" if kind in {"hotline", "police"} else ""), "our_key": "haining",
        "phone": "0319-12345", "secret_out": THEIRS, **more,
    }  # fmt: skip
    made, _secret = partners.add_partner(line.actor("manager"), given, now=line.now)
    return made


def answering(status: int = 201, **body: Any) -> Callable[[Call], Reply]:
    """Return a server's answer to everything."""
    told = {"number": "BH261119000007", "state": "received", "created": True, **body}
    return lambda _call: Reply(json.dumps(told, ensure_ascii=False).encode(), status)


def call(
    made: Partner, path: str, body: Any, *, now: datetime | None = None, secret: str | None = None,
    method: str = "POST",
    headers: dict[str, str] | None = None,
) -> Any:  # fmt: skip
    """Return our answer to a call that the partner signs."""
    raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    if method == "GET":
        raw = b""
    key = secret if secret is not None else opened(made.secret_in)
    head = signing.headers(made.key, key, method, path, raw, now or timezone.now(), made.digest)
    head |= headers or {}
    if method == "GET":
        return Client().get(path, headers=head)
    return Client().post(path, raw, content_type="application/json", headers=head)


def carry(line: Line) -> None:
    """Let the worker's loop run until nothing waits, as it would on a busy machine."""
    for _ in range(8):
        delivering.tick(line.later(minutes=2))
        if not LinkMessage.objects.filter(next_try_at__isnull=False).exists():
            return
