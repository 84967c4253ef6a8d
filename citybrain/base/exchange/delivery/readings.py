"""Who read mine: every delivery that held one person's data, from the receipts. Guarded, and looking is recorded."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import chain
from typing import Any, Final
from uuid import UUID

import numpy as np
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.catalogue.models import DataSet, Grant
from citybrain.base.exchange.delivery import calls as coded
from citybrain.base.exchange.delivery import coding, folding, segments, subjects
from citybrain.base.exchange.delivery.receipts import OneCall, unpack_calls
from citybrain.base.exchange.models import (
    CallGroup,
    KeySet,
    ReadingLook,
    Receipt,
    Segment,
    SetKind,
    SubjectOf,
)
from citybrain.base.identity.access import Forbidden, require
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.models import Agency, AuthLevel, Person
from citybrain.base.ledger.append import record

SEE: Final = "exchange.receipts"
READERS: Final = 8  # segments read at once


@dataclass(frozen=True, slots=True)
class Reading:
    """One delivery that held the person, or the calls of one hour that did.

    `times`: how often. `receipt` is None for calls of the last minutes, whose receipt isn't folded yet; they are
    committed all the same.
    """

    first_at: datetime
    last_at: datetime
    agency_id: int
    agency: str
    grant_id: int
    grant_number: str
    purpose: str
    dataset: str
    dataset_name: str
    version: int
    mode: str
    fields: tuple[str, ...]
    field_names: tuple[str, ...]
    times: int
    receipt: int | None


def _found_in_segments(ordinal: int, since: date, until: date) -> dict[int, int]:
    """Return how often each receipt of some days holds the person."""
    days = Segment.objects.filter(day__range=(since, until)).values_list("path", flat=True)
    folder = folding.folder()
    with ThreadPoolExecutor(READERS) as pool:  # most of it is waiting for the disk
        parts = pool.map(lambda path: segments.find(folder / path, ordinal), list(days))
        return dict(chain.from_iterable(parts))


def _found_unfolded(ordinal: int, since: datetime, until: datetime) -> dict[int, int]:
    waiting = KeySet.objects.filter(
        receipt__folded=None,
        receipt__kind=SetKind.SUBJECT,
        receipt__last_at__gte=since,
        receipt__first_at__lt=until,
    )
    found = {}
    for key_set in waiting.iterator(50):
        members = coding.unpack_sorted(bytes(key_set.members))
        place = int(np.searchsorted(members, np.uint64(ordinal)))
        if place < len(members) and members[place] == ordinal:
            found[key_set.receipt_id] = int((folding.entries_of(key_set) == ordinal).sum())
    return found


@dataclass
class _Waiting:
    """A person's calls of one grant that are committed but not yet folded into a receipt."""

    what: coded.What
    grant_id: int
    first: int
    last: int
    times: int = 0


def _found_in_calls(token: UUID, since: datetime, until: datetime) -> list[_Waiting]:
    """Return the person's calls among the groups that aren't folded yet."""
    high, low = divmod(token.int, 1 << 64)
    found: dict[tuple[Any, ...], _Waiting] = {}
    mine = CallGroup.objects.filter(at__gte=since, at__lt=until).order_by("id")
    packed = token.int.to_bytes(16, "big")
    for grant_id, body in mine.values_list("grant_id", "body").iterator(2_000):
        if packed not in bytes(body):
            continue
        for at, what, _rows, tokens in coded.unpack(bytes(body)):
            times = int(((tokens[:, 0] == high) & (tokens[:, 1] == low)).sum())
            if times:
                one = found.setdefault((grant_id, what), _Waiting(what, grant_id, at, at))
                one.last, one.times = at, one.times + times
    return list(found.values())


class _Names:
    """Names of agencies, grants' purposes and fields, for a list of readings: three statements."""

    def __init__(self, agencies: Iterable[int], grants: Iterable[int], codes: Iterable[str]) -> None:
        self.agencies = {one.pk: str(one) for one in Agency.objects.filter(pk__in=set(agencies))}
        self.grants = dict(Grant.objects.filter(pk__in=set(grants)).values_list("pk", "purpose"))
        sets = DataSet.objects.filter(code__in=set(codes)).select_related("current")
        self.sets = {one.code: str(one) for one in sets}
        self.fields: Mapping[str, dict[str, str]] = {
            one.code: {
                field["name"]: field.get("zh") or field["name"] for field in one.current.shape["fields"]
            }
            for one in sets
            if one.current is not None
        }

    def of_fields(self, code: str, names: Iterable[str]) -> tuple[str, ...]:
        known = self.fields.get(code, {})
        return tuple(known.get(name, name) for name in names)


def _from_receipt(receipt: Receipt, times: int, names: _Names) -> Reading:
    return Reading(
        first_at=receipt.first_at, last_at=receipt.last_at, agency_id=receipt.agency_id,
        agency=names.agencies.get(receipt.agency_id, ""), grant_id=receipt.grant_id,
        grant_number=receipt.grant_number, purpose=names.grants.get(receipt.grant_id, ""),
        dataset=receipt.dataset, dataset_name=names.sets.get(receipt.dataset, receipt.dataset),
        version=receipt.version, mode=receipt.mode, fields=tuple(receipt.fields),
        field_names=names.of_fields(receipt.dataset, receipt.fields), times=times, receipt=receipt.pk,
    )  # fmt: skip


def _from_calls(one: _Waiting, names: _Names) -> Reading:
    what = one.what
    moments = [
        datetime.fromtimestamp(at / 1_000_000, timezone.get_default_timezone())
        for at in (one.first, one.last)
    ]
    return Reading(
        first_at=moments[0], last_at=moments[1], agency_id=what.agency_id,
        agency=names.agencies.get(what.agency_id, ""), grant_id=one.grant_id, grant_number=what.number,
        purpose=names.grants.get(one.grant_id, ""), dataset=what.dataset,
        dataset_name=names.sets.get(what.dataset, what.dataset), version=what.version, mode=what.mode,
        fields=what.fields, field_names=names.of_fields(what.dataset, what.fields), times=one.times, receipt=None,
    )  # fmt: skip


def _of_token(token: UUID, since: datetime, until: datetime) -> tuple[int, list[Reading]]:
    """Return the person's ordinal (0: none) and readings in [since, until), latest first."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT ordinal FROM exchange_subject WHERE token = %s", [token])
        row = cursor.fetchone()
    ordinal = int(row[0]) if row else 0
    counts: dict[int, int] = {}
    waiting = _found_in_calls(token, since, until)
    if ordinal:
        counts = _found_in_segments(ordinal, timezone.localdate(since), timezone.localdate(until))
        counts |= _found_unfolded(ordinal, since, until)
    rows = Receipt.objects.filter(pk__in=list(counts), last_at__gte=since, first_at__lt=until)
    receipts = list(rows)
    names = _Names(
        [*(one.agency_id for one in receipts), *(one.what.agency_id for one in waiting)],
        [*(one.grant_id for one in receipts), *(one.grant_id for one in waiting)],
        [*(one.dataset for one in receipts), *(one.what.dataset for one in waiting)],
    )
    found = [_from_receipt(one, counts[one.pk], names) for one in receipts]
    found += [_from_calls(one, names) for one in waiting]
    found.sort(key=lambda one: (one.last_at, one.receipt or 0), reverse=True)
    return ordinal, found


def _recorded(actor: Actor, ordinal: int, reason: str) -> None:
    with transaction.atomic():
        look = ReadingLook.objects.create(actor=actor.key, ordinal=ordinal, reason=reason)
        record(actor.key, "exchange.see_readings", f"subject:{ordinal}", {"look": look.pk, "reason": reason})


def of_person(actor: Actor, since: datetime, until: datetime) -> list[Reading]:
    """Return who read the data of the person who asks, latest first.

    Raises Forbidden unless it is an account of a proven person (实名 or 实人) whose document was bound to it.
    """
    mine = SubjectOf.objects.filter(person_id=actor.person_id or 0)
    bound = mine.select_related("person").first()
    proven = bound is not None and bound.person.auth_level in {AuthLevel.REAL_NAME, AuthLevel.REAL_PERSON}
    if bound is None or not proven or not bound.person.is_active:
        raise Forbidden(
            _("查看本人数据的使用记录需要先完成实名认证。"), _("请携带身份证件到政务服务大厅办理。")
        )
    ordinal, found = _of_token(bound.token, since, until)
    _recorded(actor, ordinal, "")
    return found


def of_subject(actor: Actor, id_no: str, since: datetime, until: datetime, reason: str = "") -> list[Reading]:
    """Return who read the data of the person with this identity number, latest first.

    The person themself needs no reason. Anybody else must hold `exchange.receipts` as an auditor and give one; both
    are recorded. Raises Forbidden, ValueError for an auditor without a reason.
    """
    token = subjects.token_of(id_no)
    if SubjectOf.objects.filter(person_id=actor.person_id or 0, token=token).exists():
        return of_person(actor, since, until)
    require(actor, SEE)
    if not (actor.is_system or actor.wears("auditor")):
        raise Forbidden(_("他人数据的使用记录仅审计员可以查看。"))
    if not reason.strip():
        raise ValueError(_("请写明查看理由。"))
    ordinal, found = _of_token(token, since, until)
    _recorded(actor, ordinal, reason.strip())
    return found


def bind_subject(actor: Actor, person: Person, id_no: str) -> None:
    """Say whose readings an account may see, after the document was checked. Raises Forbidden."""
    require(actor, "people.manage", person)
    token = subjects.token_of(id_no)
    with transaction.atomic():
        SubjectOf.objects.update_or_create(person=person, defaults={"token": token, "bound_by": actor.key})
        record(actor.key, "exchange.bind_subject", f"person:{person.pk}", {"token": str(token)})


def moments(reading: Reading, id_no: str) -> list[OneCall]:
    """Return the single calls behind a reading by key or filter, in their order; empty for a file."""
    if reading.receipt is None:
        return []
    ordinal = subjects.ordinal_of(id_no)
    key_set = KeySet.objects.get(pk=reading.receipt)
    calls = bytes(key_set.calls)
    found = unpack_calls(calls) if calls else iter(())
    return [replace(call, members=(ordinal,)) for call in found if ordinal in call.members]


def looks_at(ordinal: int) -> QuerySet[ReadingLook]:
    """Return who looked at a person's readings."""
    return ReadingLook.objects.filter(ordinal=ordinal).order_by("-id")
