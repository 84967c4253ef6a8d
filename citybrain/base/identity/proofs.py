"""Identity levels 实名 (L2) and 实人 (L3): checkers that prove them, chosen by setting.

A city plugs its own service (public security's CTID, a telecom's three-factor check) by naming a class in
settings.IDENTITY_CHECKERS ({level: "module.Class"}). `exchange.naming.RegisterChecker` compares with the city's own
register of people. Ours, for where there is none, is an officer who looks at
the paper document and at the person before them.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from citybrain.base.identity.models import AuthLevel, Person


class CannotCheck(RuntimeError):
    """The checker can't say yes or no now; the log says why."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A level proven: by which method, under which receipt number, until when (None: for good)."""

    level: AuthLevel
    method: str
    reference: str = ""
    valid_until: datetime | None = None


class Checker(Protocol):
    """Proves a level from what a person shows. Keeps nothing of it but its own receipt number.

    `by_officer`: an officer must be there; a person can't use it alone.
    """

    by_officer: bool

    def check(self, person: Person, shown: dict[str, str]) -> Proof | None:
        """Return the proof, or None when what was shown doesn't prove it. Raises CannotCheck."""
        ...


class DocumentSeen:
    """An officer saw the document (L2), or document and person (L3); `shown["document"]` says which, not its number."""

    by_officer = True

    def __init__(self, level: AuthLevel) -> None:
        self.level = level

    def check(self, person: Person, shown: dict[str, str]) -> Proof | None:
        document = shown.get("document", "").strip()
        return Proof(self.level, "document_seen", document[:120]) if document else None


def checker_for(level: AuthLevel) -> Checker:
    """Return the city's checker for a level, or the officer's own eyes."""
    named: str | None = getattr(settings, "IDENTITY_CHECKERS", {}).get(str(level))
    if named is None:
        return DocumentSeen(level)
    checker: Checker = import_string(named)()
    return checker
