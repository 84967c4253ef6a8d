"""Recordings of calls: they lie with the telephone system, and are fetched for one person who may hear and says why.

A recording's reference is a path below the partner's address (`rec/2026/11/19/1.wav`), or an address below it. It is
asked for by a signed GET, handed on, and not kept: how long recordings are kept is the telephone system's affair.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote

from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.identity.actor import Actor
from citybrain.base.ledger.append import record
from citybrain.hub.hotline.callers.numbers import opened
from citybrain.hub.hotline.errors import BadInput, NotNow
from citybrain.hub.hotline.file_kinds import kind_of
from citybrain.hub.hotline.linking import calls, signing
from citybrain.hub.hotline.models.call import Call
from citybrain.hub.hotline.models.file import FileKind
from citybrain.hub.hotline.models.link import Partner

if TYPE_CHECKING:
    import httpx

MOST_BYTES: Final = 60 * 1024 * 1024
TIMEOUT_SECONDS: Final = 20.0


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording as it was fetched; `name` to save it by."""

    content: bytes
    name: str


def can_fetch(call: Call) -> bool:
    """Return whether a call's telephone system gives recordings out to us."""
    return bool(
        call.recording and call.partner.is_active and call.partner.address and call.partner.secret_out
    )


def path_of(partner: Partner, reference: str) -> str:
    """Return the path below a partner's address that a reference names. Raises BadInput for any other place."""
    told = unquote(reference.strip()).removeprefix(partner.address.rstrip("/") + "/")
    parts = [part for part in told.split("/") if part]
    is_path = bool(parts) and not any(part in {".", ".."} or "\\" in part for part in parts)
    if not is_path or "://" in told or any(not letter.isprintable() for letter in told):
        raise BadInput(_("录音编号不是电话系统里的路径，请在电话系统中调听。"))
    return "/" + quote("/".join(parts))


def fetch(actor: Actor, call_id: int, why: str, now: datetime | None = None) -> Recording:
    """Return a recording; who asked and why is in the ledger before it is fetched, and that it came after.

    Raises Forbidden, NotFound, BadInput, and NotNow where the telephone system doesn't give it.
    """
    moment = now or timezone.now()
    reference = calls.recording_of(actor, call_id, why, now=moment)
    call = Call.objects.select_related("partner").get(pk=call_id)
    if not can_fetch(call):
        raise NotNow(_("电话系统没有设置取录音的地址，请在电话系统中按编号调听。"))
    content = _asked(call.partner, path_of(call.partner, reference))
    try:
        kind, ending = kind_of(content)
    except BadInput:
        kind, ending = FileKind.LETTER, ""
    if kind not in {FileKind.SOUND, FileKind.VIDEO}:
        raise NotNow(_("电话系统给的不是录音，请在电话系统中按编号调听。"))
    told = {"bytes": len(content), "ticket": call.ticket_id}
    record(actor.key, "hotline.recording_fetched", f"call:{call.pk}", told, at=moment)
    return Recording(content, f"{call.call_id[:40]}.{ending}")


def _asked(partner: Partner, path: str) -> bytes:
    import httpx

    from citybrain.base.exchange.sources import outward  # with the client it goes out by

    base = httpx.URL(partner.address.rstrip("/"))
    full = base.raw_path.decode().rstrip("/") + path
    head = signing.headers(
        partner.our_key, opened(partner.secret_out), "GET", full, b"", timezone.now(), partner.digest
    )
    try:
        with (
            outward.client(TIMEOUT_SECONDS) as client,
            client.stream("GET", base.copy_with(raw_path=full.encode()), headers=head) as reply,
        ):
            if reply.status_code != 200:
                raise NotNow(_("电话系统没有给出录音（HTTP %(status)d）。") % {"status": reply.status_code})
            return _read(reply)
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as bad:
        raise NotNow(_("现在联系不上电话系统，请稍后再试。")) from bad


def _read(reply: "httpx.Response") -> bytes:
    parts: list[bytes] = []
    size = 0
    for part in reply.iter_bytes(65_536):
        parts.append(part)
        size += len(part)
        if size > MOST_BYTES:
            raise NotNow(_("录音超过 %(most)d MB，请在电话系统中调听。") % {"most": MOST_BYTES // 2**20})
    return b"".join(parts)
