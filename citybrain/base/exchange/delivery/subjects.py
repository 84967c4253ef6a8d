"""People as receipts know them: token (keyed hash of the identity number) → ordinal (1, 2, 3 …).

Receipts hold ordinals only, so they name nobody without this table and the site's secret. The table is the truth;
a sorted copy of it under HOME/receipts/ answers for millions at once and is made anew whenever it doesn't fit.
Each allotment goes into the ledger with the digest of its tokens, so that nobody can be put in another's place.
"""

import contextlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import numpy as np
import numpy.typing as npt
from django.conf import settings
from django.db import connection, transaction

from citybrain.base.exchange.delivery.calls import What
from citybrain.base.exchange.delivery.keyed import Tokens, Whole, hash_one, hash_texts, site_key
from citybrain.base.exchange.models import SetKind
from citybrain.base.ledger.append import record
from citybrain.base.ledger.chain import sm3

PURPOSE: Final = "exchange.subjects"
LOCK: Final = 0x7375626A6563  # "subjec" in ASCII
MANY: Final = 20_000  # from here on the sorted copy is asked first
TAIL_MOST: Final = 200_000  # people the sorted copy may lag behind
_START: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_ASKED: Final = np.dtype([("n", ">i2"), ("a", ">i4"), ("token", ">u8", 2), ("b", ">i4"), ("at", ">i4")])
_PAIR: Final = np.dtype([("n", ">i2"), ("a", ">i4"), ("at", ">i4"), ("b", ">i4"), ("ordinal", ">i8")])
_ROW: Final = np.dtype([("n", ">i2"), ("a", ">i4"), ("token", ">u8", 2), ("b", ">i4"), ("ordinal", ">i8")])


def normal(id_no: str) -> str:
    """Return an identity number as it is hashed: no spaces around, the last letter large."""
    return id_no.strip().upper()


def secret_of(what: What) -> bytes:
    """Return the key with which what a call names is hashed: people by one for all sets, rows by their set's own."""
    return site_key(PURPOSE if what.kind == SetKind.SUBJECT.value else f"exchange.keys.{what.dataset}")


def tokens_of(id_numbers: Iterable[str]) -> Tokens:
    """Return the tokens of identity numbers."""
    return hash_texts([normal(one) for one in id_numbers], site_key(PURPOSE))


def token_of(id_no: str) -> UUID:
    """Return the token of one identity number as it is kept."""
    high, low = hash_one(normal(id_no), site_key(PURPOSE))
    return UUID(int=high << 64 | low)


def ordinal_of(id_no: str) -> int:
    """Return the person's ordinal, 0 for somebody whose data never left."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT ordinal FROM exchange_subject WHERE token = %s", [token_of(id_no)])
        row = cursor.fetchone()
    return int(row[0]) if row else 0


def ordinals(tokens: Tokens) -> Whole:
    """Return the ordinal of each token, in order; people not yet known get the next ones.

    Joins the caller's transaction, if there is one.
    """
    if not len(tokens):
        return np.zeros(0, np.uint64)
    unique, inverse = _unique(tokens)
    found = _copy().find(unique) if len(unique) >= MANY else np.zeros(len(unique), np.uint64)
    missing = np.flatnonzero(found == 0)
    if len(missing):
        found[missing] = _allotted(unique[missing])
    result: Whole = found[inverse]
    return result


def _unique(tokens: Tokens) -> tuple[Tokens, npt.NDArray[np.intp]]:
    """Return the distinct tokens in rising order, and for each token its place among them."""
    order = np.argsort(tokens[:, 0])
    ranked = tokens[order]
    same = ranked[1:, 0] == ranked[:-1, 0]
    if bool(
        (ranked[1:, 1] != ranked[:-1, 1])[same].any()
    ):  # two people of one first half: once in a city's life
        order = np.lexsort((tokens[:, 1], tokens[:, 0]))
        ranked = tokens[order]
    fresh = np.ones(len(ranked), bool)
    fresh[1:] = (ranked[1:] != ranked[:-1]).any(axis=1)
    inverse = np.empty(len(ranked), np.intp)
    inverse[order] = np.cumsum(fresh) - 1
    return ranked[fresh], inverse


def _asked_rows(tokens: Tokens) -> bytes:
    rows = np.zeros(len(tokens), _ASKED)
    rows["n"], rows["a"], rows["b"] = 2, 16, 4
    rows["token"], rows["at"] = tokens, np.arange(len(tokens))
    return _START + rows.tobytes() + b"\xff\xff"


def _read_rows(copy: Any, kind: np.dtype[Any]) -> Any:
    """Return the rows of a binary COPY whose rows are all of one length."""
    data = b"".join(bytes(part) for part in copy)
    return np.frombuffer(data, kind, (len(data) - len(_START) - 2) // kind.itemsize, len(_START))


def _allotted(tokens: Tokens) -> Whole:
    """Return the ordinals of distinct tokens, with new ones for those who have none."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE IF NOT EXISTS asked_tokens (token uuid, at int) ON COMMIT DROP")
        cursor.execute("TRUNCATE asked_tokens")
        with cursor.copy("COPY asked_tokens FROM STDIN (FORMAT BINARY)") as copy:
            copy.write(_asked_rows(tokens))
        found = _known(cursor, len(tokens))
        missing = np.flatnonzero(found == 0)
        if len(missing):
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
            found = _known(cursor, len(tokens))  # somebody else may have been quicker
            missing = np.flatnonzero(found == 0)
        if len(missing):
            found[missing] = _add(cursor, tokens[missing])
    return found


def _known(cursor: Any, count: int) -> Whole:
    found = np.zeros(count, np.uint64)
    rows_sql = "SELECT a.at, s.ordinal FROM asked_tokens a JOIN exchange_subject s USING (token)"
    with cursor.copy(f"COPY ({rows_sql}) TO STDOUT (FORMAT BINARY)") as copy:
        rows = _read_rows(copy, _PAIR)
    found[rows["at"]] = rows["ordinal"]
    return found


def _add(cursor: Any, tokens: Tokens) -> Whole:
    """Give distinct, unknown tokens the next ordinals, in their order. The lock is held."""
    cursor.execute("SELECT coalesce(max(ordinal), 0) FROM exchange_subject")
    first = int(cursor.fetchone()[0]) + 1
    rows = np.zeros(len(tokens), _ROW)
    rows["n"], rows["a"], rows["b"] = 2, 16, 8
    rows["token"], rows["ordinal"] = tokens, np.arange(first, first + len(tokens))
    with cursor.copy("COPY exchange_subject (token, ordinal) FROM STDIN (FORMAT BINARY)") as copy:
        copy.write(_START + rows.tobytes() + b"\xff\xff")
    told = {"first": first, "last": first + len(tokens) - 1, "digest": allotment_digest(tokens)}
    record("system", "exchange.allot_subjects", f"subjects:{first}", told)
    return rows["ordinal"].astype(np.uint64)


def allotment_digest(tokens: Tokens) -> str:
    """Return the digest of tokens in the order of their ordinals."""
    return sm3(tokens.astype(">u8").tobytes()).hex()


def tokens_between(first: int, last: int) -> Tokens:
    """Return the tokens with the ordinals `first` to `last`, in their order; fewer where some are gone."""
    sql = f"SELECT token, ordinal FROM exchange_subject WHERE ordinal BETWEEN {first:d} AND {last:d} ORDER BY ordinal"  # noqa: S608
    with connection.cursor() as cursor, cursor.copy(f"COPY ({sql}) TO STDOUT (FORMAT BINARY)") as copy:
        rows = _read_rows(copy, _ROW)
    found: Tokens = rows["token"].astype(np.uint64)
    return found


class SortedCopy:
    """The table once more, sorted by token: `high`, `low` and `ordinal` one after the other in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self.high = self.low = self.ordinal = np.zeros(0, np.uint64)
        if path.is_file():
            data = np.memmap(path, np.uint64, "r")
            self.count = len(data) // 3
            self.high, self.low, self.ordinal = np.split(data[: self.count * 3], 3)

    def fits(self) -> bool:
        """Tell whether it is a copy of this database's table, judged by its last person."""
        if not self.count:
            return True
        last = int(np.argmax(self.ordinal)) if self.count < 1_000 else self._place_of_last()
        tokens = tokens_between(self.count, self.count)
        return len(tokens) == 1 and (int(tokens[0, 0]), int(tokens[0, 1])) == (
            int(self.high[last]),
            int(self.low[last]),
        )

    def _place_of_last(self) -> int:
        return int(np.flatnonzero(self.ordinal == self.count)[:1].sum())

    def find(self, tokens: Tokens) -> Whole:
        """Return the ordinals of rising tokens, 0 for those it doesn't hold."""
        if not self.count:
            return np.zeros(len(tokens), np.uint64)
        places = np.minimum(np.searchsorted(self.high, tokens[:, 0]), self.count - 1)
        same = (self.high[places] == tokens[:, 0]) & (self.low[places] == tokens[:, 1])
        return np.where(same, self.ordinal[places], np.uint64(0))

    def grown(self, tail: Tokens) -> "SortedCopy":
        """Return a copy that holds the next people too, written beside and put in place at once."""
        high = np.concatenate([self.high, tail[:, 0]])
        order = np.argsort(high, kind="stable")
        ordinal = np.concatenate(
            [self.ordinal, np.arange(self.count + 1, self.count + 1 + len(tail), dtype=np.uint64)]
        )
        low = np.concatenate([self.low, tail[:, 1]])
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_name(f"{self.path.name}.{os.getpid()}.tmp")
        with beside.open("wb") as file:
            for column in (high, low, ordinal):
                file.write(column[order].tobytes())
        beside.replace(self.path)
        return SortedCopy(self.path)


def _size() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(ordinal), 0) FROM exchange_subject")
        return int(cursor.fetchone()[0])


def _copy() -> SortedCopy:
    """Return a sorted copy that lags little behind."""
    path = Path(settings.HOME) / "receipts" / "subjects.bin"
    copy = SortedCopy(path)
    if not copy.fits():
        path.unlink()
        copy = SortedCopy(path)
    size = _size()
    if size - copy.count > TAIL_MOST // 4 and (not copy.count or size - copy.count > copy.count // 8):
        copy = copy.grown(tokens_between(copy.count + 1, size))
    return copy


def forget_copy() -> None:
    """Remove the sorted copy; the next need makes it anew."""
    with contextlib.suppress(FileNotFoundError):
        (Path(settings.HOME) / "receipts" / "subjects.bin").unlink()


def key_tokens(dataset: str, keys: Sequence[str]) -> Whole:
    """Return the numbers that stand for rows' keys in receipts of sets that aren't about people."""
    found: Whole = hash_texts(keys, site_key(f"exchange.keys.{dataset}"))[:, 0].copy()
    return found
