"""What came with a message: kept outside the database, tied to its ticket, opened only by who may.

A unit has the pictures of a ticket whose caller didn't ask to stay unknown, and everything where the caller lets the
unit call them; other files may name who spoke and wait for the hotline's word. Opening one is in the ledger.
"""

import hashlib
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.identity.access import Forbidden, refusal
from citybrain.base.identity.actor import SYSTEM, Actor
from citybrain.base.ledger.append import record
from citybrain.hub.cases import photos
from citybrain.hub.cases.errors import BadInput as BadPhoto
from citybrain.hub.hotline.access import hat_for, is_inside, owns
from citybrain.hub.hotline.errors import BadInput, NotFound
from citybrain.hub.hotline.file_kinds import MOST_BYTES, kind_of
from citybrain.hub.hotline.models.file import FileKind, TicketFile
from citybrain.hub.hotline.models.ticket import Ticket

VIEW_CONTACT: Final = "hotline.view_contact"
OPEN: Final = "hotline.file"
MOST_FILES: Final = 10  # of one sending
UNSENT_FOR: Final = timedelta(days=3)
NOBODY: Final[frozenset[int]] = frozenset()


@dataclass(frozen=True, slots=True)
class Shown:
    """A file as one reader sees it. `name` is what they may read; `may_open` False: it waits for the hotline."""

    token: uuid.UUID
    kind: FileKind
    name: str
    size: int
    may_open: bool
    released: bool | None

    @property
    def is_picture(self) -> bool:
        return self.kind == FileKind.PICTURE


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of the files of one sending; `refused` are (name, why)."""

    tokens: tuple[uuid.UUID, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()


def file_of(one: TicketFile, *, thumb: bool = False) -> Path:
    """Return where a stored file lies: beside the photos of cases, so that back-ups hold it, in a folder of its own."""
    name = f"{one.digest}.thumb.jpg" if thumb else f"{one.digest}.{one.ending}"
    return Path(settings.MEDIA_ROOT) / "hotline" / one.digest[:2] / name


def upload(raw: bytes, name: str, person_id: int | None, now: datetime) -> TicketFile:
    """Return a stored file, not yet on any ticket. Raises BadInput for what is too large, or not taken.

    A picture is decoded and encoded again, so that place, camera and whatever hides in it are gone. The file is on the
    disk before the row is in the database.
    """
    if len(raw) > MOST_BYTES:
        told = {"mb": len(raw) / 1e6, "most": MOST_BYTES // 2**20}
        raise BadInput(_("文件过大（%(mb).0f MB），最多 %(most)d MB。") % told, "file")
    kind, ending = kind_of(raw)
    content, thumb = raw, b""
    if kind == FileKind.PICTURE:
        try:
            picture = photos.clean(raw)
        except BadPhoto as bad:
            raise BadInput(bad.message, "file") from bad
        content, thumb = picture.jpeg, picture.thumb
    made = TicketFile(
        kind=kind,
        name=_named(name, ending),
        ending=ending,
        digest=hashlib.sha256(content).hexdigest(),
        size=len(content),
        uploaded_by_id=person_id,
        uploaded_at=now,
    )
    photos.keep(file_of(made), content)
    if thumb:
        photos.keep(file_of(made, thumb=True), thumb)
    made.save()
    return made


def _named(name: str, ending: str) -> str:
    """Return a file's name without path, control signs and ending, with the ending of what it really holds."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    plain = "".join(letter for letter in last if letter.isprintable() and letter not in '<>:"|?*').strip(" .")
    stem = plain.rsplit(".", 1)[0] if "." in plain[1:] else plain
    return f"{stem[:100] or _('附件')}.{ending}"


def upload_all(given: Iterable[tuple[str, bytes]], person_id: int | None, now: datetime) -> Kept:
    """Return what could be kept of the files of one sending, and why the others were not: none stops the message."""
    tokens: list[uuid.UUID] = []
    refused: list[tuple[str, str]] = []
    for at, (name, raw) in enumerate(given):
        if at >= MOST_FILES:
            refused.append((name, _("一次最多 %(most)d 个文件。") % {"most": MOST_FILES}))
            continue
        try:
            tokens.append(upload(raw, name, person_id, now).token)
        except BadInput as bad:
            refused.append((name, bad.message))
    return Kept(tuple(tokens), tuple(refused))


def attach(
    actor: Actor, tokens: Sequence[uuid.UUID], ticket_id: int, now: datetime, *, folded_id: int | None = None
) -> int:
    """Return how many files are tied to a ticket now; the same file is on it once. By whom its message was taken in.

    Only files that nobody tied yet, and that this actor, or nobody known, sent.
    """
    if not tokens:
        return 0
    with transaction.atomic():
        free = TicketFile.objects.select_for_update().filter(ticket=None, token__in=list(tokens))
        mine = [one for one in free if one.uploaded_by_id in {None, actor.person_id}]
        had = set(TicketFile.objects.filter(ticket_id=ticket_id).values_list("digest", flat=True))
        done = 0
        for one in mine:
            if one.digest in had:
                one.delete()
                continue
            had.add(one.digest)
            one.ticket_id, one.folded_id = ticket_id, folded_id
            one.save(update_fields=["ticket", "folded"])
            done += 1
        if done:
            told = {"files": sorted(one.digest for one in mine if one.ticket_id == ticket_id)}
            record(actor.key, "hotline.attach", f"ticket:{ticket_id}", told, at=now)
    return done


def missing(actor: Actor, tokens: Sequence[uuid.UUID], ticket_id: int) -> list[uuid.UUID]:
    """Return the tokens that name no file which the actor may tie to a ticket, or has tied to it before."""
    if not tokens:
        return []
    found = TicketFile.objects.filter(token__in=list(tokens))
    known = {
        one.token
        for one in found
        if one.ticket_id == ticket_id
        or (one.ticket_id is None and one.uploaded_by_id in {None, actor.person_id})
    }
    return [token for token in dict.fromkeys(tokens) if token not in known]


def may_open(actor: Actor, ticket: Ticket, one: TicketFile) -> bool:
    """Return whether a reader of the ticket may open a file of it."""
    if is_inside(actor, ticket) or owns(actor, ticket):
        return True
    if one.released is not None:
        return one.released
    return not ticket.is_secret and (one.kind == FileKind.PICTURE or ticket.caller_shared)


def files_of(actor: Actor, ticket: Ticket) -> list[Shown]:
    """Return the files of a ticket that the actor sees; a unit reads no sender's name of a file. One query.

    The caller of this has the ticket from `visible_to`.
    """
    names_shown = is_inside(actor, ticket) or owns(actor, ticket)
    return [
        Shown(
            one.token,
            FileKind(one.kind),
            one.name if names_shown else _plain_name(one, at),
            one.size,
            may_open(actor, ticket, one),
            one.released,
        )
        for at, one in enumerate(TicketFile.objects.filter(ticket_id=ticket.pk), 1)
    ]


def _plain_name(one: TicketFile, at: int) -> str:
    return _("附件%(n)d.%(ending)s") % {"n": at, "ending": one.ending}


def open_file(actor: Actor, token: uuid.UUID, now: datetime | None = None, *, thumb: bool = False) -> Shown:
    """Return a file that the actor may open; whose letter, sound or video they opened is in the ledger.

    Raises NotFound for a ticket out of sight, Forbidden for a file that waits for the hotline's word.
    """
    found = TicketFile.objects.filter(token=token).first()
    seen = Ticket.objects.visible_to(actor)
    ticket = seen.filter(pk=found.ticket_id).first() if found is not None and found.ticket_id else None
    if found is None or ticket is None:
        raise NotFound
    if not may_open(actor, ticket, found):
        raise Forbidden(
            _("附件里可能有来电人的姓名电话，热线还没有提供给承办单位。"), _("确需查看的，请联系热线。")
        )
    shown = next(one for one in files_of(actor, ticket) if one.token == token)
    if found.kind != FileKind.PICTURE and not thumb:
        told = {"file": found.digest, "kind": found.kind}
        record(actor.key, OPEN, f"ticket:{ticket.pk}", told, at=now or timezone.now())
    return shown


def path_of(token: uuid.UUID, *, thumb: bool = False) -> Path:
    """Return where an opened file lies. Raises NotFound where the disk doesn't have it."""
    one = TicketFile.objects.get(token=token)
    path = file_of(one, thumb=thumb and one.kind == FileKind.PICTURE)
    if not path.is_file():
        raise NotFound
    return path


def decide(
    actor: Actor, token: uuid.UUID, released: bool, why: str, now: datetime | None = None
) -> TicketFile:
    """Give a file to the units of its ticket, or keep it from them; who, and why, is in the ledger.

    For who may see callers. Raises NotFound, Forbidden, BadInput without a reason.
    """
    found = TicketFile.objects.filter(token=token, ticket__isnull=False).first()
    ticket = Ticket.objects.visible_to(actor).filter(pk=found.ticket_id or 0).first() if found else None
    if found is None or ticket is None:
        raise NotFound
    hat = hat_for(actor, VIEW_CONTACT, ticket, NOBODY)
    if hat is None:
        raise refusal(actor, VIEW_CONTACT, ticket)
    if not why.strip():
        raise BadInput(_("请写明理由。"), "why")
    with transaction.atomic():
        found.released = released
        found.save(update_fields=["released"])
        told = {"file": found.digest, "released": released, "why": why.strip()[:200]}
        record(
            actor.key, "hotline.file_release", f"ticket:{ticket.pk}", told, at=now or timezone.now(),
            on_behalf_of=hat.on_behalf_key,
        )  # fmt: skip
    return found


def sweep(now: datetime) -> int:
    """Remove files that no message took within three days; return how many. A loop of the worker."""
    old = TicketFile.objects.filter(ticket=None, uploaded_at__lt=now - UNSENT_FOR)
    gone = list(old)
    if not gone:
        return 0
    digests = {one.digest for one in gone}
    old.filter(pk__in=[one.pk for one in gone]).delete()
    kept = set(TicketFile.objects.filter(digest__in=digests).values_list("digest", flat=True))
    for one in gone:
        if one.digest not in kept:
            file_of(one).unlink(missing_ok=True)
            file_of(one, thumb=True).unlink(missing_ok=True)
    record(SYSTEM.key, "hotline.files_swept", "files", {"files": len(gone)}, at=now)
    return len(gone)
