"""Receipts folded into segments, so that one person's readings are found without opening every receipt.

New receipts go into a small segment once there are many or some are an hour old; when a day is over its segments
become one, which is closed. What isn't folded yet is looked through by `readings` directly. The files can be made
anew from the receipts at any time.
"""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Sum
from django.utils import timezone

from citybrain.base.exchange.delivery import coding, segments
from citybrain.base.exchange.delivery.coding import Whole
from citybrain.base.exchange.delivery.receipts import group, members_by_call
from citybrain.base.exchange.models import CallGroup, KeySet, Receipt, Segment, SetKind
from citybrain.base.ledger.append import record

MANY: Final = 2_000_000  # people in receipts that aren't folded yet
WAIT: Final = timedelta(hours=1)
LOCK: Final = 0x666F6C64  # "fold" in ASCII
LATE: Final = timedelta(hours=2)  # a day is closed this long after its end


def folder() -> Path:
    """Return where segments lie."""
    return Path(settings.HOME) / "receipts"


def entries_of(key_set: KeySet) -> Whole:
    """Return the people of a receipt, as often as they were read in it."""
    calls = bytes(key_set.calls)
    return members_by_call(calls) if calls else coding.unpack_sorted(bytes(key_set.members))


def day_bounds(day: date) -> tuple[datetime, datetime]:
    """Return when a day begins and ends here."""
    zone = timezone.get_default_timezone()
    first = datetime.combine(day, time(), zone)
    return first, datetime.combine(day + timedelta(days=1), time(), zone)


def _write(day: date, ids: Sequence[int], *, closed: bool) -> Segment:
    """Write one segment of receipts and note it; the caller's transaction marks the receipts."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('exchange_segment', 'id'))")
        number = int(cursor.fetchone()[0])
    rows = KeySet.objects.filter(receipt_id__in=ids).order_by("receipt_id")
    kept: list[int] = []

    def sets() -> Iterable[Whole]:
        for key_set in rows.iterator(50):
            kept.append(key_set.receipt_id)
            yield entries_of(key_set)

    keys = segments.sort_keys(sets())
    path = folder() / f"{day:%Y/%m}" / f"{day:%d}-{number:06d}.seg"
    size = segments.write(path, kept, keys)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    segment = Segment.objects.create(
        pk=number, day=day, path=str(path.relative_to(folder())), receipts=len(kept), entries=len(keys), size=size,
        digest=digest, closed=closed,
    )  # fmt: skip
    told = {"day": day, "receipts": len(kept), "entries": len(keys), "sha256": digest}
    record("system", "exchange.fold", f"segment:{number}", told)
    return segment


def _fold_open(now: datetime) -> int:
    """Fold receipts that aren't in a segment yet, when it is worth it; return how many."""
    waiting = Receipt.objects.filter(folded=None, kind=SetKind.SUBJECT)
    people = waiting.aggregate(people=Sum("keys"))["people"] or 0
    oldest = waiting.order_by("id").values_list("last_at", flat=True).first()
    if oldest is None or (people < MANY and now - oldest < WAIT):
        return 0
    by_day: dict[date, list[int]] = {}
    for pk, at in waiting.order_by("id").values_list("pk", "last_at")[: segments.MOST_RECEIPTS]:
        by_day.setdefault(timezone.localdate(at), []).append(pk)
    for day, ids in by_day.items():
        with transaction.atomic():
            segment = _write(day, ids, closed=False)
            Receipt.objects.filter(pk__in=ids).update(folded=segment.pk)
    return sum(map(len, by_day.values()))


def _days_to_close(now: datetime) -> list[date]:
    over = timezone.localdate(now - LATE)
    days = Segment.objects.filter(closed=False, day__lt=over).values_list("day", flat=True).distinct()
    return [day for day in days.order_by("day") if not _has_calls(day)]


def _has_calls(day: date) -> bool:
    return CallGroup.objects.filter(at__lt=day_bounds(day)[1]).exists()


def _close(day: date) -> int:
    """Make one segment of a day's; the old files go once the new one is noted."""
    parts = list(Segment.objects.filter(day=day))
    with transaction.atomic():
        ids = list(Receipt.objects.filter(folded__in=[one.pk for one in parts]).values_list("pk", flat=True))
        segment = _write(day, sorted(ids), closed=True)
        Receipt.objects.filter(folded__in=[one.pk for one in parts]).update(folded=segment.pk)
        Segment.objects.filter(pk__in=[one.pk for one in parts]).delete()
    for one in parts:
        (folder() / one.path).unlink(missing_ok=True)
    return len(ids)


def refold(day: date) -> int:
    """Make the one file of a day anew from its receipts; return how many it has."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        return _close(day)


def fold(now: datetime) -> int:
    """Fold what is worth it and close the days that are over; return how many receipts were handled."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            return 0
        return _fold_open(now) + sum(_close(day) for day in _days_to_close(now))


def tick(now: datetime) -> int:
    """Worker: fold what is ripe into receipts, then receipts into the readings' files."""
    return group(now) + fold(now)
