"""Reading entries with their place in the chain, for the command line and for export. No rights here."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from django.db import connection

from citybrain.base.ledger.chain import FIELDS, SQL_FIELDS

BATCH = 10_000


class Sealed(NamedTuple):
    """An entry as it is hashed, with its seal; `seq` and `hash` are None until it is sealed."""

    seq: int | None
    hash: str | None
    id: str
    at: str
    actor: str
    on_behalf_of: str
    action: str
    subject: str
    body: str


_SQL_ABOUT = f"""
SELECT s.seq, encode(s.hash, 'hex'), {SQL_FIELDS}
FROM ledger_entry e LEFT JOIN ledger_seal s ON s.entry_id = e.id
WHERE (%s::text = '' OR e.subject = %s) AND (%s::text = '' OR e.actor = %s)
ORDER BY e.id DESC LIMIT %s
"""  # noqa: S608 (constants)
_SQL_CHAIN = f"""
SELECT s.seq, encode(s.hash, 'hex'), f.*
FROM ledger_seal s JOIN LATERAL (
  SELECT {SQL_FIELDS} FROM ledger_entry e WHERE e.id = s.entry_id OFFSET 0
) f ON TRUE
WHERE s.seq > %s AND s.seq <= %s ORDER BY s.seq
"""  # noqa: S608 (constants)


def about(subject: str = "", actor: str = "", limit: int = 100) -> list[Sealed]:
    """Return the latest entries of a subject, an actor or both ("" is any), newest first."""
    with connection.cursor() as cursor:
        cursor.execute(_SQL_ABOUT, [subject, subject, actor, actor, limit])
        return [Sealed(*row) for row in cursor.fetchall()]


def in_chain(after: int = 0) -> Iterator[dict[str, Any]]:
    """Yield the sealed entries past seq `after` in the chain's order, as they are hashed.

    Each is a dict of seq, hash (hexadecimal) and the seven texts; read up to the head of when it began.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(seq), 0) FROM ledger_seal")
        end = int(cursor.fetchone()[0])
        for start in range(after, end, BATCH):
            cursor.execute(_SQL_CHAIN, [start, min(start + BATCH, end)])
            for row in cursor.fetchall():
                yield dict(zip(("seq", "hash", *FIELDS), row, strict=True))
