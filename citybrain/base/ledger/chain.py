"""The chain itself: what is hashed, and how. Pure; docs/ledger.md gives the same in 30 lines for anyone.

hash(seq) = SM3(hash(seq - 1) ‖ canonical bytes of the entry), hash(0) = 32 zero bytes. The canonical
bytes are seven UTF-8 texts joined by a zero byte, which no PostgreSQL text can hold: id, at
("2026-11-20T08:30:00.000000Z"), actor, on_behalf_of, action, subject, body.
"""

import hashlib
from collections.abc import Callable
from typing import NamedTuple

from cryptography.hazmat.primitives import hashes

GENESIS = bytes(32)
FIELDS = ("id", "at", "actor", "on_behalf_of", "action", "subject", "body")

# The canonical bytes' parts as the database gives them: one row of seven texts of an entry `e`.
# to_char doesn't depend on the session's date style; the zone is fixed here.
SQL_FIELDS = (
    "e.id::text, coalesce(to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), e.at::text),"
    " e.actor, e.on_behalf_of, e.action, e.subject, e.body"
)


class Head(NamedTuple):
    """The end of the chain: what to keep elsewhere, so that a cut or rewritten tail shows."""

    seq: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash.hex()}"

    @classmethod
    def parse(cls, text: str) -> "Head":
        """Return the head of "SEQ:HASH". Raises ValueError for anything else."""
        seq, _, digest = text.strip().partition(":")
        head = cls(int(seq), bytes.fromhex(digest))
        if head.seq < 0 or len(head.hash) != 32:
            raise ValueError(f"{text!r} is no head; it looks like 1234:<64 hexadecimal digits>")
        return head


def canonical_bytes(fields: tuple[str, ...]) -> bytes:
    """Return the bytes of one entry given as the seven texts of FIELDS."""
    return "\0".join(fields).encode()


def _by_hashlib() -> Callable[[bytes], bytes]:
    fresh = hashlib.new("sm3")  # copied for each hash: looking the algorithm up takes longer than hashing

    def sm3(data: bytes) -> bytes:
        digest = fresh.copy()
        digest.update(data)
        return digest.digest()

    return sm3


def _by_cryptography(data: bytes) -> bytes:
    digest = hashes.Hash(hashes.SM3())
    digest.update(data)
    return digest.finalize()


# Some builds of OpenSSL leave SM3 out of what hashlib reaches.
sm3: Callable[[bytes], bytes] = _by_hashlib() if "sm3" in hashlib.algorithms_available else _by_cryptography


def link(previous: bytes, fields: tuple[str, ...]) -> bytes:
    """Return the hash of an entry that follows `previous`."""
    return sm3(previous + "\0".join(fields).encode())
