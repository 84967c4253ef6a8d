"""Receipts: what left, under which grant, of which version, whose; each with its digest in the ledger.

A file has one receipt. Calls are receipted in the door's groups before they are answered (`CallGroup`), and
`group` folds those of a grant into one receipt per data set, version, mode, fields and hour, keeping every call
in it, so that each is still provable by the number its answer bore.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
from django.db import connection, transaction
from django.utils import timezone

from citybrain.base.exchange.delivery import calls as coded
from citybrain.base.exchange.delivery import coding, subjects
from citybrain.base.exchange.delivery.keyed import Tokens, Whole
from citybrain.base.exchange.models import ApiKey, CallGroup, KeySet, Receipt, SetKind
from citybrain.base.ledger.append import Row, canonical, record_many
from citybrain.base.ledger.chain import sm3

MOST_CALLS: Final = 50_000  # calls folded into one receipt at most
WAIT: Final = timedelta(hours=1)  # calls wait at most this long (and no longer than their hour)
HOUR_US: Final = 3_600_000_000
ACTION: Final = "exchange.deliver"


@dataclass(frozen=True)
class Delivered:
    """What left, before it has a receipt. `members` rise and are distinct; `calls` as `pack_calls` gives them."""

    grant_id: int
    what: coded.What
    first_at: datetime
    last_at: datetime
    rows: int
    members: Whole
    count: int = 1
    calls: bytes = b""
    key_ids: tuple[int, ...] = ()
    actor: str = ""
    more: dict[str, Any] = field(default_factory=dict)


def head(receipt: Receipt, key_set: KeySet) -> bytes:
    """Return the canonical text of a receipt that its digest begins with."""
    told = {
        "grant": receipt.grant_id,
        "number": receipt.grant_number,
        "agency": receipt.agency_id,
        "dataset": receipt.dataset,
        "version": receipt.version,
        "since": receipt.since,
        "mode": receipt.mode,
        "fields": list(receipt.fields),
        "conditions": [list(one) for one in receipt.conditions],
        "keys_used": list(receipt.key_ids),
        "first_at": receipt.first_at,
        "last_at": receipt.last_at,
        "calls": receipt.calls,
        "rows": receipt.rows,
        "kind": str(receipt.kind),
        "keys": receipt.keys,
        "set_bytes": len(key_set.members),
        "call_bytes": len(key_set.calls),
    }
    return canonical(told).encode()


def digest(receipt: Receipt, key_set: KeySet) -> str:
    """Return the digest: SM3 of the head, a zero byte, the coded set and the coded calls."""
    return sm3(head(receipt, key_set) + b"\0" + bytes(key_set.members) + bytes(key_set.calls)).hex()


def _made(one: Delivered) -> tuple[Receipt, KeySet]:
    what = one.what
    key_set = KeySet(members=coding.pack_sorted(one.members), calls=one.calls)
    receipt = Receipt(
        grant_id=one.grant_id, grant_number=what.number, agency_id=what.agency_id, dataset=what.dataset,
        version=what.version, since=what.since, mode=what.mode, fields=list(what.fields),
        conditions=[list(pair) for pair in what.asked], key_ids=sorted(one.key_ids), first_at=one.first_at,
        last_at=one.last_at, calls=one.count, rows=one.rows, kind=SetKind(what.kind), keys=len(one.members),
    )  # fmt: skip
    receipt.digest = digest(receipt, key_set)
    return receipt, key_set


def write(delivered: Iterable[Delivered]) -> list[Receipt]:
    """Write receipts, their sets and their digests in the ledger, in the caller's transaction or one of its own."""
    pairs = [(one, *_made(one)) for one in delivered]
    with transaction.atomic():
        receipts = Receipt.objects.bulk_create([receipt for _, receipt, _ in pairs])
        for (_, _, key_set), receipt in zip(pairs, receipts, strict=True):
            key_set.receipt = receipt
        KeySet.objects.bulk_create([key_set for _, _, key_set in pairs], batch_size=50)
        record_many(
            Row(
                one.actor or f"grant:{one.grant_id}",
                ACTION,
                f"receipt:{receipt.pk}",
                {
                    "digest": receipt.digest,
                    "dataset": receipt.dataset,
                    "version": receipt.version,
                    "mode": receipt.mode,
                    "rows": receipt.rows,
                    "keys": receipt.keys,
                    **one.more,
                },
            )
            for (one, _, _), receipt in zip(pairs, receipts, strict=True)
        )
    return receipts


def members_of(kind: str, tokens: Tokens) -> Whole:
    """Return the distinct, rising numbers a receipt keeps for tokens."""
    if kind == SetKind.SUBJECT:
        return np.unique(subjects.ordinals(tokens))
    return np.unique(tokens[:, 0])


@dataclass(frozen=True, slots=True)
class OneCall:
    """A call as a receipt keeps it. `number` is what its answer bore."""

    group: int
    index: int
    at: datetime
    rows: int
    members: tuple[int, ...]

    @property
    def number(self) -> str:
        return f"{self.group}.{self.index}"


def pack_calls(groups: Whole, indexes: Whole, at: Whole, rows: Whole, counts: Whole, members: Whole) -> bytes:
    """Return calls, ordered by group, as columns; `members` are those of all calls end to end."""
    base = at.min() if len(at) else np.uint64(0)
    columns = [(groups, True), (indexes, False), (np.array([base], np.uint64), False), (at - base, False)]
    return coding.pack([*columns, (rows, False), (counts, False), (members, False)])


def unpack_calls(data: bytes) -> Iterator[OneCall]:
    """Return the calls of `pack_calls`, in their order."""
    groups, indexes, base, at, rows, counts, members = coding.unpack(data)
    ends = np.cumsum(counts).astype(int).tolist()
    whole = members.tolist()
    moments = (at + base[0]).tolist()
    start = 0
    for group, index, moment, row, end in zip(
        groups.tolist(), indexes.tolist(), moments, rows.tolist(), ends, strict=True
    ):
        yield OneCall(group, index, _moment(moment), row, tuple(whole[start:end]))
        start = end


def members_by_call(data: bytes) -> Whole:
    """Return the members of all calls end to end: somebody read three times is there three times."""
    return coding.unpack(data)[6]


def _moment(microseconds: int) -> datetime:
    return datetime.fromtimestamp(microseconds // 1_000_000, UTC) + timedelta(
        microseconds=microseconds % 1_000_000
    )


Line = tuple[int, int, int, int, Tokens, int]  # group, index, at, rows, tokens, key


def _sorted_out(groups: Iterable[tuple[int, int, bytes]]) -> dict[tuple[Any, ...], list[Line]]:
    """Return the calls by grant, what (whatever the key) and hour."""
    found: dict[tuple[Any, ...], list[Line]] = defaultdict(list)
    for group, grant, body in groups:
        for index, (at, what, rows, tokens) in enumerate(coded.unpack(bytes(body))):
            same = what.to_json()
            same[6] = 0
            where = (grant, at // HOUR_US, coded.What.from_json(same))
            found[where].append((group, index, at, rows, tokens, what.key_id))
    return found


def _delivered(grant: int, what: coded.What, lines: Sequence[Line]) -> Delivered:
    tokens = np.concatenate([line[4] for line in lines])
    numbers = subjects.ordinals(tokens) if what.kind == SetKind.SUBJECT else tokens[:, 0].copy()
    columns = [np.array([line[n] for line in lines], np.uint64) for n in (0, 1, 2, 3)]
    counts = np.array([len(line[4]) for line in lines], np.uint64)
    times = columns[2]
    return Delivered(
        grant_id=grant, what=what, first_at=_moment(int(times.min())), last_at=_moment(int(times.max())),
        rows=int(columns[3].sum()), members=np.unique(numbers), count=len(lines),
        calls=pack_calls(columns[0], columns[1], times, columns[3], counts, numbers),
        key_ids=tuple({line[5] for line in lines}),
    )  # fmt: skip


def _ripe(now: datetime) -> list[int]:
    """Return the grants whose calls are to be folded: many, or some of an hour that is over."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    sql = """SELECT grant_id FROM exchange_callgroup GROUP BY grant_id
             HAVING min(at) < %s OR sum(calls) >= %s ORDER BY min(at)"""
    with connection.cursor() as cursor:
        cursor.execute(sql, [hour, MOST_CALLS])
        return [row[0] for row in cursor.fetchall()]


def _take(grant: int) -> list[tuple[int, int, bytes]]:
    """Remove and return the oldest groups of a grant, in their order, up to a receipt's fill."""
    sql = """
    WITH summed AS (SELECT id, sum(calls) OVER (ORDER BY id) - calls AS before
                      FROM exchange_callgroup WHERE grant_id = %s),
    gone AS (DELETE FROM exchange_callgroup c USING summed s WHERE c.id = s.id AND s.before < %s
             RETURNING c.id, c.grant_id, c.body)
    SELECT id, grant_id, body FROM gone ORDER BY id"""
    with connection.cursor() as cursor:
        cursor.execute(sql, [grant, MOST_CALLS])
        return list(cursor.fetchall())


def group(now: datetime, *, everything: bool = False) -> int:
    """Fold the door's groups into receipts; return how many calls were folded."""
    grants = (
        list(CallGroup.objects.values_list("grant_id", flat=True).distinct()) if everything else _ripe(now)
    )
    done = 0
    for grant in grants:
        while True:
            with transaction.atomic():
                groups = _take(grant)
                sorted_out = _sorted_out(groups)
                write(_delivered(grant, what, lines) for (_, _, what), lines in sorted_out.items())
                _note_use(sorted_out.values())
            count = sum(len(lines) for lines in sorted_out.values())
            done += count
            if count < MOST_CALLS:
                break
    return done


def _note_use(sorted_out: Iterable[Sequence[Line]]) -> None:
    latest: dict[int, int] = {}
    for lines in sorted_out:
        for line in lines:
            latest[line[5]] = max(latest.get(line[5], 0), line[2])
    for key, at in latest.items():
        ApiKey.objects.filter(pk=key).update(last_used_at=_moment(at))


def find_call(number: str) -> tuple[Receipt | None, OneCall] | None:
    """Return the receipt and call of the number an answer bore; no receipt while its group isn't folded yet."""
    group_text, _, index_text = number.partition(".")
    wanted, index = int(group_text), int(index_text)
    waiting = CallGroup.objects.filter(pk=wanted).first()
    if waiting is not None:
        at, what, rows, tokens = coded.unpack(bytes(waiting.body))[index]
        members = tuple(members_of(what.kind, tokens).tolist())
        return None, OneCall(wanted, index, _moment(at), rows, members)
    return _find_folded(wanted, index)


def _find_folded(wanted: int, index: int) -> tuple[Receipt, OneCall] | None:
    """Look through the receipts whose groups may hold the call, newest first."""
    for key_set in (
        KeySet.objects.exclude(calls=b"").select_related("receipt").order_by("-receipt_id").iterator(20)
    ):
        groups = coding.unpack(bytes(key_set.calls))[0]
        if len(groups) and groups[0] <= wanted <= groups[-1]:
            for call in unpack_calls(bytes(key_set.calls)):
                if (call.group, call.index) == (wanted, index):
                    return key_set.receipt, call
    return None


def now_us(now: datetime | None = None) -> int:
    """Return microseconds since 1970."""
    return int((now or timezone.now()).timestamp() * 1_000_000)
