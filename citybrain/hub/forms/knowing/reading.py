"""Reading data sets for forms: one statement for each set over its serving copy, all receipts in one transaction.

A set whose copy is missing, broken, locked or slow is told as down and keeps nobody waiting; so is one under whose
grant the rows of this day are used up. Statements are made once for each grant and copy and kept; people are one array
parameter.
"""

import logging
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from citybrain.base.catalogue.conditions import Condition
from citybrain.base.catalogue.shape import Shape
from citybrain.base.exchange.delivery import receipts, subjects, usage
from citybrain.base.exchange.delivery.calls import What
from citybrain.base.exchange.delivery.compile import Compiler, Near, Statement
from citybrain.base.exchange.delivery.refusals import Refused
from citybrain.base.exchange.models import SetKind
from citybrain.base.identity.actor import Actor
from citybrain.base.lake import serving
from citybrain.base.lake.models import Serving
from citybrain.base.lake.residences import Placed
from citybrain.hub.forms.knowing.arrays import as_array
from citybrain.hub.forms.knowing.here import Found, Here, Look, tells
from citybrain.hub.forms.knowing.rights import MODE, Right

log = logging.getLogger("citybrain.forms")
STATEMENT_MS: Final = 5_000
LOCK_MS: Final = 500
LIMITS: Final = {
    "statement_timeout": f"{STATEMENT_MS}ms",
    "lock_timeout": f"{LOCK_MS}ms",
    "enable_seqscan": "off",  # of some thousand people that are asked about, the planner thinks too ill
    "max_parallel_workers_per_gather": "0",
}
BUDGET_SECONDS: Final = 10.0  # of one reading; sets not read by then are told as down
KEPT: Final = 1_000


@dataclass(frozen=True, slots=True)
class Want:
    """Fields wanted of a set under a right, of the rows whose field `name` is among `among`.

    `here`: where the people of `among` were found, for where their rows lie.
    """

    right: Right
    fields: tuple[str, ...]
    name: str
    among: tuple[str, ...] = field(repr=False)
    where: tuple[Condition, ...] = ()
    last: str = ""
    here: Here | None = field(default=None, repr=False)


@dataclass
class Read:
    """What a set holds. `rows` by the person's number: values in the order of `fields`, the row's key, and last how
    many rows the person has. Of sets that aren't about people the rows are kept by their key, which is last.

    `found`: of a residence set asked for an area, who was found and which version wrote their rows.
    """

    code: str
    fields: tuple[str, ...] = ()
    version: int = 0
    copied_at: datetime | None = None
    rows: dict[str, tuple[Any, ...]] = field(default_factory=dict, repr=False)
    down: bool = False
    found: Found | None = field(default=None, repr=False)

    def at(self, name: str) -> int:
        """Return where a field stands in a row; -1 for one that wasn't read."""
        return self.fields.index(name) if name in self.fields else -1


_statements: dict[tuple[Any, ...], Statement] = {}
_moments = threading.Lock()
_last = [datetime.min.replace(tzinfo=UTC)]


def _moment() -> datetime:
    """Return the moment of a reading; no two of a process have the same, as receipts are told apart by it."""
    with _moments:
        _last[0] = max(timezone.now(), _last[0] + timedelta(microseconds=1))
        return _last[0]


class Reading:
    """One look at some data sets by an actor; `purpose` goes into the ledger with each receipt."""

    def __init__(self, actor: Actor, purpose: str) -> None:
        self.actor = actor
        self.purpose = purpose
        self.until = 0.0
        self.written: tuple[tuple[str, ...], str] | None = None

    def read(self, wants: Sequence[Want]) -> dict[str, Read]:
        """Return what each set holds, by its code, and leave the receipts. One want for a set."""
        if not wants:
            return {}
        copies = _copies(one.right.policy.dataset_code for one in wants)
        self.until = time.monotonic() + BUDGET_SECONDS
        with transaction.atomic(), _limits():
            found = {want.right.policy.dataset_code: self._one(want, copies) for want in wants}
            self._receipts([(want, found[want.right.policy.dataset_code]) for want in wants])
        return found

    def _one(self, want: Want, copies: Mapping[str, Serving]) -> Read:
        code = want.right.policy.dataset_code
        copy = copies.get(code)
        if time.monotonic() > self.until:
            log.warning("forms: no time left to read %s", code)
            return Read(code, down=True)
        if want.right.left <= 0:
            return _spent(want)
        if copy is None or not copy.relation:
            serving.ask(code, want.right.shape)
            return Read(code, down=True)
        try:
            placed = Placed.from_json(copy.placed)
            look = want.here.look(placed, want.among) if want.here else None
            written = placed.written and _tells(want)
            statement = _statement(want, copy, _near(look), written=written)
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement.sql, {**statement.params, **self._asked(want, look)})
                rows = cursor.fetchall()
        except (DatabaseError, Refused) as bad:
            log.warning("forms: %s could not be read: %s", code, type(bad).__name__)
            return Read(code, down=True)
        if len(rows) > want.right.left:
            return _spent(want)
        read = Read(code, statement.fields, copy.version, copy.at)
        count = len(statement.fields)
        if want.right.shape.subject is None:
            read.rows = {str(row[count]): row for row in rows}
        else:
            at = count + 1
            if written:
                place = read.at(want.name)
                read.found = Found.by(placed, copy.version, ((row[place], row[at], row[-1]) for row in rows))
                rows = [row[:-1] for row in rows]
            read.rows = {subjects.normal(row[at]): row for row in rows if row[at]}
        return read

    def _asked(self, want: Want, look: Look | None) -> dict[str, str]:
        """Return the parameters of a statement that say whose rows are wanted, and where they lie."""
        asked = {"among": self._array(want.among)}
        if look is not None:
            asked |= {"places": look.places, "strays": as_array(look.strays)}
        return asked

    def _array(self, among: tuple[str, ...]) -> str:
        """Return people or codes as the parameter of a statement, written once for all statements about them."""
        if self.written is None or self.written[0] is not among:
            self.written = (among, as_array(among))
        return self.written[1]

    def _receipts(self, read: Sequence[tuple[Want, Read]]) -> None:
        """Write a receipt for each set that was read: whose rows, which fields, under which grant."""
        people = list(
            dict.fromkeys(
                number for want, one in read if want.right.shape.subject is not None for number in one.rows
            )
        )
        ordinals = dict(
            zip(people, subjects.ordinals(subjects.tokens_of(people)).tolist(), strict=True) if people else ()
        )
        told = [self._delivered(want, one, ordinals) for want, one in read if not one.down]
        receipts.write(told)
        usage.count_on_commit({one.grant_id: (one.rows, one.count) for one in told})

    def _delivered(self, want: Want, one: Read, ordinals: Mapping[str, int]) -> receipts.Delivered:
        policy, at = want.right.policy, _moment()
        if want.right.shape.subject is not None:
            kind = SetKind.SUBJECT.value
            members = np.unique(np.array([ordinals[number] for number in one.rows], np.uint64))
        else:
            kind = SetKind.KEY.value
            members = np.unique(subjects.key_tokens(one.code, list(one.rows)))
        asked = ((want.name, "in"), *((each.field, str(each.op)) for each in want.where))
        what = What(policy.agency_id, policy.number, one.code, one.version, MODE, one.fields, 0, kind, asked)
        return receipts.Delivered(
            policy.grant_id, what, at, at, len(one.rows), members, actor=self.actor.key,
            more={"for": self.purpose},
        )  # fmt: skip


def _spent(want: Want) -> Read:
    """Return a set of which no more may be read on this day, and tell the operator."""
    policy = want.right.policy
    log.warning("forms: rows of this day used up: grant %s, %s", policy.number, policy.dataset_code)
    return Read(policy.dataset_code, down=True)


def _copies(codes: Iterable[str]) -> dict[str, Serving]:
    return {one.code: one for one in Serving.objects.filter(code__in=sorted(set(codes)))}


def _tells(want: Want) -> bool:
    shape = want.right.shape
    told = tells(want.right.policy.dataset_code, want.name, shape.keys, shape.subject)
    return told and want.name in want.fields and want.right.plain(want.name)


def _near(look: Look | None) -> Near:
    if look is None:
        return ""
    return "places or strays" if look.strays else "places"


def _statement(want: Want, copy: Serving, near: Near = "", *, written: bool = False) -> Statement:
    """Return the statement of a want over a copy, made once. Raises Refused where the copy lacks a field."""
    policy = want.right.policy
    key = (
        policy.grant_id, policy.fields, tuple(sorted(policy.masks.items())), str(policy.conditions), copy.relation,
        want.fields, want.name, str(want.where), want.last, near, written,
    )  # fmt: skip
    kept = _statements.get(key)
    if kept is None:
        if len(_statements) >= KEPT:
            _statements.clear()
        shape = Shape.from_json(copy.shape)
        table = serving.whole_name(copy.relation)
        kept = Compiler(policy, shape, "postgres").among(
            table, want.fields, want.name, want.where, want.last, near=near, written=written
        )
        _statements[key] = kept
    return kept


class _limits:  # noqa: N801 (reads as a word after `with`)
    """Lets no statement of the transaction wait long or read a whole copy, and gives back the limits there were."""

    def __enter__(self) -> None:
        with connection.cursor() as cursor:
            now = ", ".join(f"current_setting('{name}')" for name in LIMITS)
            cursor.execute(f"SELECT {now}")
            self.before = cursor.fetchone()
            self._set(cursor, tuple(LIMITS.values()))

    def __exit__(self, kind: Any, *_rest: Any) -> None:
        if kind is None:
            with connection.cursor() as cursor:
                self._set(cursor, self.before)

    @staticmethod
    def _set(cursor: Any, values: tuple[str, ...]) -> None:
        each = ", ".join(f"set_config('{name}', %s, true)" for name in LIMITS)
        cursor.execute(f"SELECT {each}", values)
