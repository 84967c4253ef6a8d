"""Are the receipts what they were? Each digest is computed anew and compared with the receipt and the ledger."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from django.db import connection

from citybrain.base.exchange.delivery import coding, folding, subjects
from citybrain.base.exchange.delivery.receipts import ACTION, digest
from citybrain.base.exchange.models import KeySet, Receipt, Segment


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that isn't what it was: a receipt, an allotment of subjects or a segment."""

    subject: str
    says: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many were looked at, and what is wrong."""

    receipts: int
    allotments: int
    segments: int
    faults: tuple[Fault, ...]

    @property
    def well(self) -> bool:
        return not self.faults


def _told(action: str, since: datetime | None) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return (subject, body) of the ledger's entries of one action, in their order."""
    sql = """SELECT subject, body FROM ledger_entry
              WHERE action = %s AND (%s::timestamptz IS NULL OR at >= %s) ORDER BY id"""
    with connection.cursor() as cursor:
        cursor.execute(sql, [action, since, since])
        while rows := cursor.fetchmany(2_000):
            for subject, body in rows:
                yield subject, orjson.loads(body)


def _receipt_faults(since: datetime | None) -> Iterator[Fault | None]:
    told = dict(_told(ACTION, since))
    rows = KeySet.objects.select_related("receipt").order_by("receipt_id")
    if since is not None:
        rows = rows.filter(receipt__in=Receipt.objects.filter(last_at__gte=since))
    for key_set in rows.iterator(200):
        name = f"receipt:{key_set.receipt_id}"
        body = told.pop(name, None)
        found = digest(key_set.receipt, key_set)
        if found != key_set.receipt.digest:
            yield Fault(name, "its content is not what its digest says")
        elif body is None and since is None:
            yield Fault(name, "the ledger doesn't know it")
        elif body is not None and body["digest"] != found:
            yield Fault(name, "the ledger has another digest")
        else:
            yield None
    for name in told:
        if since is None:
            yield Fault(name, "the ledger has it, but it is gone")


def _allotment_faults() -> Iterator[Fault | None]:
    last = 0
    for name, body in _told("exchange.allot_subjects", None):
        tokens = subjects.tokens_between(body["first"], body["last"])
        gap = body["first"] != last + 1
        last = body["last"]
        if gap or subjects.allotment_digest(tokens) != body["digest"]:
            yield Fault(name, "people's numbers are not those that were allotted")
        else:
            yield None
    if subjects.tokens_between(last + 1, last + 1_000).size:
        yield Fault(f"subjects:{last + 1}", "people have numbers that were never allotted")


def _segment_faults() -> Iterator[Fault | None]:
    for segment in Segment.objects.order_by("pk").iterator():
        path = folding.folder() / segment.path
        try:
            with path.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            yield Fault(
                f"segment:{segment.pk}",
                f"{path}: {error.strerror}; `citybrain data receipts refold` makes it",
            )
            continue
        same = found == segment.digest
        yield (
            None
            if same
            else Fault(f"segment:{segment.pk}", f"{path} was changed; refold the day {segment.day}")
        )


def verify(since: datetime | None = None) -> Verdict:
    """Compute every digest anew. The ledger's own chain is `ledger.verify`'s to check."""
    parts = [list(one) for one in (_receipt_faults(since), _allotment_faults(), _segment_faults())]
    faults = tuple(fault for part in parts for fault in part if fault is not None)
    return Verdict(len(parts[0]), len(parts[1]), len(parts[2]), faults)


@dataclass(frozen=True, slots=True)
class Proof:
    """That a receipt holds, or doesn't hold, a person: what an auditor can compute with the person's number."""

    receipt: int
    holds: bool
    ordinal: int
    digest: str
    well: bool


def intact(receipt: Receipt) -> bool:
    """Return whether a receipt is what its digest says and what the ledger has."""
    found = digest(receipt, KeySet.objects.get(pk=receipt.pk))
    return found == receipt.digest == _in_ledger(receipt)


def _in_ledger(receipt: Receipt) -> str:
    """Return the digest that the ledger has of a receipt, empty for none."""
    with connection.cursor() as cursor:
        subject = f"receipt:{receipt.pk}"
        cursor.execute("SELECT body FROM ledger_entry WHERE subject = %s AND action = %s", [subject, ACTION])
        row = cursor.fetchone()
    return str(orjson.loads(row[0])["digest"]) if row else ""


def prove(receipt: Receipt, id_no: str) -> Proof:
    """Return whether the receipt holds the person, with whether the receipt is what the ledger has."""
    key_set = KeySet.objects.get(pk=receipt.pk)
    ordinal = subjects.ordinal_of(id_no)
    members = coding.unpack_sorted(bytes(key_set.members))
    found = digest(receipt, key_set)
    well = found == receipt.digest == _in_ledger(receipt)
    return Proof(receipt.pk, bool(ordinal) and bool((members == ordinal).any()), ordinal, found, well)
