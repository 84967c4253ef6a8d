"""What kind of break it is, judged from the links around it. Pure: no database.

Every kind means that someone changed the tables by hand. The kind is the likeliest reading of what is
left; that the chain breaks at `seq`, and nowhere before, is certain.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from citybrain.base.ledger.chain import link

Kind = Literal[
    "altered", "missing", "unsealed", "seal_altered", "reordered", "inserted", "truncated", "rewritten"
]

TEXTS: dict[str, str] = {
    "altered": "the entry's content is not what was sealed, or one before it was taken out of the chain",
    "missing": "the entry was deleted; its seal is still there",
    "unsealed": "the seal was deleted",
    "seal_altered": "the seal's hash was changed; the entry fits those around it",
    "reordered": "the entry stands in another's place in the chain",
    "inserted": "the entry was put in behind the chain's back",
    "truncated": "the chain ends too early: seals from here on were deleted",
    "rewritten": "the chain differs from the head kept elsewhere: it was recomputed after a change",
}


class Link(NamedTuple):
    """A seal with the seven texts of its entry, None when the entry is gone."""

    seq: int
    hash: bytes
    entry_id: int
    fields: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Fault:
    """The first row that isn't what was sealed. Empty texts where the row is gone."""

    kind: Kind
    seq: int | None
    entry_id: int | None = None
    at: str = ""
    actor: str = ""
    action: str = ""
    subject: str = ""
    upto: int | None = None

    @classmethod
    def of(cls, kind: Kind, seq: int | None, entry_id: int, fields: Sequence[Any] | None) -> "Fault":
        """Return a fault with what is known of its entry."""
        if fields is None:
            return cls(kind, seq, entry_id)
        _, at, actor, _, action, subject, _ = fields
        return cls(kind, seq, entry_id, at, actor, action, subject)

    def __str__(self) -> str:
        place = "not in the chain" if self.seq is None else f"seq {self.seq}"
        place += "" if self.upto in {None, self.seq} else f" to {self.upto}"
        entry = "" if self.entry_id is None else f", entry {self.entry_id}"
        row = f" ({self.at} {self.actor} {self.action} {self.subject})" if self.at else ""
        return f"{self.kind}: {place}{entry}{row}: {TEXTS[self.kind]}"


def diagnose(seq: int, previous: bytes, ahead: Sequence[Link]) -> Fault:
    """Return the fault at `seq`, where the chain breaks.

    `previous` is the last hash that holds, `ahead` the links found from `seq` on, in order.
    """
    if not ahead or ahead[0].seq != seq:
        return Fault("unsealed", seq, upto=ahead[0].seq - 1 if ahead else None)
    broken, following = ahead[0], ahead[1:]
    if broken.fields is None:
        return Fault.of("missing", seq, broken.entry_id, None)
    return Fault.of(_kind(previous, broken, following), seq, broken.entry_id, broken.fields)


def _kind(previous: bytes, broken: Link, following: Sequence[Link]) -> Kind:
    after = following[0] if following else None
    if after is not None and after.fields is not None and broken.fields is not None:
        if link(link(previous, broken.fields), after.fields) == after.hash:
            return "seal_altered"
        if link(previous, after.fields) == after.hash and _holds(after, following[1:]):
            return "inserted"
    for other in following:
        if other.fields is not None and link(previous, other.fields) in {broken.hash, other.hash}:
            return "reordered"
    return "altered"


def _holds(first: Link, following: Sequence[Link]) -> bool:
    """Return whether the chain goes on from `first`, as it does when only the row before it is foreign."""
    if not following:
        return True
    after = following[0]
    return after.fields is not None and link(first.hash, after.fields) == after.hash
