"""Files of a pushed message: in it (base64, or a data: address), or at an address below its sender's own.

What is in it is kept at once. What is named is fetched by the worker, tried again for a day, never from elsewhere than
the address entered for the sender. Whatever can't be kept is told with the ticket and in the receipt: it holds up
no message.
"""

import base64
import binascii
import logging
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.utils.translation import gettext as _

from citybrain.base.identity.actor import SYSTEM
from citybrain.hub.hotline import files
from citybrain.hub.hotline.channels.door import Taken
from citybrain.hub.hotline.channels.texts import kept
from citybrain.hub.hotline.errors import BadInput
from citybrain.hub.hotline.file_kinds import MOST_BYTES
from citybrain.hub.hotline.linking import outside
from citybrain.hub.hotline.models.file import FileToFetch
from citybrain.hub.hotline.models.link import Partner
from citybrain.hub.hotline.models.ticket import Ticket

log = logging.getLogger("citybrain.hotline")
AT_ONCE: Final = 10
LEASE: Final = timedelta(minutes=5)
FIRST_PAUSE: Final = timedelta(seconds=30)
LONGEST_PAUSE: Final = timedelta(hours=1)
TRIED_FOR: Final = timedelta(days=1)
REFERENCE_MOST: Final = 1000
FINAL: Final = frozenset({400, 404, 410, 413, 415})
DATA: Final = re.compile(r"data:[\w.+/-]*(?:;[\w=.-]+)*;base64,", re.A)


@dataclass(frozen=True, slots=True)
class Named:
    """The files of one message: contents to keep, addresses to fetch, and (name, why) of what is neither."""

    contents: tuple[tuple[str, bytes], ...] = ()
    references: tuple[tuple[str, str], ...] = ()
    refused: tuple[tuple[str, str], ...] = ()

    @property
    def names(self) -> list[str]:
        return [name for name, _what in (*self.contents, *self.references)]


def read(partner: Partner, raw: Any) -> Named:
    """Return what a message says of its files: one or a list of an address, {url, name} or {content, name}."""
    given = raw if isinstance(raw, list) else [raw]
    contents: list[tuple[str, bytes]] = []
    references: list[tuple[str, str]] = []
    refused: list[tuple[str, str]] = []
    told = [one for one in given if one not in (None, "", {})]
    for at, one in enumerate(told, 1):
        name = _name(one, at)
        try:
            if at > files.MOST_FILES:
                raise BadInput(_("一次最多 %(most)d 个文件。") % {"most": files.MOST_FILES})
            found = _found(partner, one)
        except BadInput as bad:
            refused.append((name, bad.message))
            continue
        if isinstance(found, bytes):
            contents.append((name, found))
        else:
            references.append((name, found))
    return Named(tuple(contents), tuple(references), tuple(refused[:50]))


def _name(one: Any, at: int) -> str:
    given = one.get("name") if isinstance(one, dict) else None
    if not isinstance(given, str) or not given.strip():
        address = one.get("url") if isinstance(one, dict) else one
        plain = isinstance(address, str) and not DATA.match(address)
        given = str(address).partition("?")[0].rsplit("/", 1)[-1] if plain else ""
    return " ".join(kept(given).split())[:120] or _("附件%(n)d") % {"n": at}


def _found(partner: Partner, one: Any) -> bytes | str:
    """Return a file's bytes, or the path below the partner's address where it lies. Raises BadInput."""
    if isinstance(one, dict):
        content, one = one.get("content"), one.get("url")
        if isinstance(content, str) and content:
            return _decoded(content)
    if not isinstance(one, str):
        raise BadInput(_("附件应为网址，或 base64 内容。"))
    if DATA.match(one):
        return _decoded(one)
    if not partner.address:
        raise BadInput(_("没有登记对方的接口网址，取不到附件。"))
    path = outside.path_below(partner, one, query=True)
    if path is None or len(path) > REFERENCE_MOST:
        raise BadInput(_("附件的网址不在对方的接口网址之下，不能去取。"))
    return path


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode("".join(DATA.sub("", text, count=1).split()), validate=True)
    except (binascii.Error, ValueError):
        raise BadInput(_("附件内容不是 base64。")) from None


def tie(partner: Partner, named: Named, held: files.Kept, taken: Taken, now: datetime) -> None:
    """Put a message's files with its ticket: those held at once, those to fetch for the worker. In its transaction."""
    files.attach(SYSTEM, held.tokens, taken.ticket_id, now, folded_id=taken.folded_id)
    if not taken.created:
        return
    FileToFetch.objects.bulk_create(
        FileToFetch(
            partner=partner, ticket_id=taken.ticket_id, folded_id=taken.folded_id, reference=path, name=name,
            created_at=now, next_try_at=now,
        )
        for name, path in named.references
    )  # fmt: skip


def tick(now: datetime) -> int:
    """Fetch what is due; return how many were tried. A loop of the worker.

    A sender that can't be reached is tried once a round.
    """
    down: set[int] = set()
    done = 0
    for number in _due(now):
        one = FileToFetch.objects.select_related("partner").filter(pk=number).first()
        if one is None or one.partner_id in down:
            continue
        done += 1
        try:
            raw = outside.fetched(one.partner, one.reference, MOST_BYTES)
        except outside.NotFetched as bad:
            if not bad.status:
                down.add(one.partner_id)
            _failed(one, bad, now)
            continue
        _arrived(one, raw, now)
    return done


def _due(now: datetime) -> list[int]:
    """Return what is due, claimed: left to us until the lease ends, then tried again by whoever is there."""
    with transaction.atomic():
        found = FileToFetch.objects.select_for_update(skip_locked=True).filter(
            next_try_at__lte=now, partner__is_active=True
        )
        ids = list(found.order_by("next_try_at", "pk").values_list("pk", flat=True)[:AT_ONCE])
        FileToFetch.objects.filter(pk__in=ids).update(next_try_at=now + LEASE)
    return ids


def _arrived(one: FileToFetch, raw: bytes, now: datetime) -> None:
    held = files.upload_all([(one.name, raw)], None, now)
    with transaction.atomic():
        files.attach(SYSTEM, held.tokens, one.ticket_id, now, folded_id=one.folded_id)
        for name, why in held.refused:
            _not_kept(one.ticket_id, name, why)
        one.delete()


def _failed(one: FileToFetch, bad: outside.NotFetched, now: datetime) -> None:
    one.attempts += 1
    if bad.status in FINAL or bad.too_long or now - one.created_at >= TRIED_FOR:
        log.warning("%s: %s of ticket %d is given up: %s", one.partner.key, one.reference, one.ticket_id, bad)
        with transaction.atomic():
            _not_kept(one.ticket_id, one.name, _why(bad))
            one.delete()
        return
    one.error = str(bad)[:300]
    one.next_try_at = now + min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(one.attempts - 1, 10))
    one.save(update_fields=["attempts", "error", "next_try_at"])


def _why(bad: outside.NotFetched) -> str:
    if bad.too_long:
        return _("文件过大，最多 %(most)d MB。") % {"most": MOST_BYTES // 2**20}
    return _("到对方系统去取没有取到（%(why)s）。") % {"why": bad}


def _not_kept(ticket_id: int, name: str, why: str) -> None:
    """Tell with the ticket that a file isn't there, and why."""
    ticket = Ticket.objects.select_for_update(of=("self",)).get(pk=ticket_id)
    ticket.extra = {**ticket.extra, "not_kept": [*ticket.extra.get("not_kept", ()), [name, why]]}
    ticket.save(update_fields=["extra"])


def coming(ticket_id: int) -> list[str]:
    """Return the names of files of a ticket that are still to be fetched."""
    return list(FileToFetch.objects.filter(ticket_id=ticket_id).order_by("pk").values_list("name", flat=True))
