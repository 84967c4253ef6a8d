"""Recordings of calls: they lie with the telephone system, and are fetched for one person who may hear and says why.

A recording's reference is a path below the partner's address (`rec/2026/11/19/1.wav`), or an address below it. It is
asked for by a signed GET, handed on, and not kept: how long recordings are kept is the telephone system's affair.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.identity.actor import Actor
from citybrain.base.ledger.append import record
from citybrain.hub.hotline.errors import BadInput, NotNow
from citybrain.hub.hotline.file_kinds import kind_of
from citybrain.hub.hotline.linking import calls, outside
from citybrain.hub.hotline.models.call import Call
from citybrain.hub.hotline.models.file import FileKind
from citybrain.hub.hotline.models.link import Partner

MOST_BYTES: Final = 60 * 1024 * 1024


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
    path = outside.path_below(partner, reference)
    if path is None:
        raise BadInput(_("录音编号不是电话系统里的路径，请在电话系统中调听。"))
    return path


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
    try:
        return outside.fetched(partner, path, MOST_BYTES)
    except outside.NotFetched as bad:
        if bad.too_long:
            words = _("录音超过 %(most)d MB，请在电话系统中调听。") % {"most": MOST_BYTES // 2**20}
        elif bad.status:
            words = _("电话系统没有给出录音（HTTP %(status)d）。") % {"status": bad.status}
        else:
            words = _("现在联系不上电话系统，请稍后再试。")
        raise NotNow(words) from bad
