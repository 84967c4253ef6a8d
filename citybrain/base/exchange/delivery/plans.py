"""What a key opens, ready to run: its grant's policy and the compiled statements, kept per process.

Nothing kept here is trusted: every statement of the door joins the key, the grant, the data set and the serving
copy as they are at that moment, and gives no row when any of them has changed or ended. Then the plan is loaded
anew, or the reason why the key opens nothing is told.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import psycopg

from citybrain.base.catalogue.conditions import Condition
from citybrain.base.catalogue.grants import Policy
from citybrain.base.catalogue.shape import Shape
from citybrain.base.exchange.delivery.calls import What
from citybrain.base.exchange.delivery.compile import Asked, Compiler, Statement
from citybrain.base.exchange.models import SetKind

MOST_PLANS: Final = 2_000
MOST_LOOKS: Final = 200  # of one plan
FILTERS_AT_ONCE: Final = 2  # of one grant: a slow one must not keep others out

# `g.xmin` is the transaction that wrote the grant last: whatever of it changed, the plan no longer fits.
_LIVE: Final = """
  FROM exchange_apikey k
  JOIN catalogue_grant g ON g.id = k.grant_id
  JOIN catalogue_dataset d ON d.id = g.dataset_id
  {join} JOIN lake_serving v ON v.code = d.code{more}
 WHERE k.key_hash = %(key_hash)s
   AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
   AND g.revoked_at IS NULL AND g.valid_from <= now() AND (g.valid_until IS NULL OR g.valid_until > now())
   AND d.state = 'published'"""
_LOAD: Final = f"""
SELECT k.id, g.id, g.xmin::text, g.number, g.agency_id, g.fields, g.masks, g.conditions, g.modes, g.daily_rows,
       g.rate_per_second, g.valid_until, d.code, d.current_id, v.relation, v.version, v.shape
{_LIVE.format(join="LEFT", more="")}"""
_FITS: Final = """
   AND g.id = %(grant)s AND g.xmin = %(stamp)s::xid AND d.current_id IS NOT DISTINCT FROM %(revision)s::bigint
   AND v.relation = %(relation)s"""
_WHY: Final = """
SELECT k.revoked_at IS NOT NULL OR k.expires_at <= now(), g.revoked_at IS NOT NULL, g.valid_until <= now(),
       g.valid_from > now(), d.state <> 'published'
  FROM exchange_apikey k JOIN catalogue_grant g ON g.id = k.grant_id JOIN catalogue_dataset d ON d.id = g.dataset_id
 WHERE k.key_hash = %(key_hash)s"""
REASONS: Final = ("key_ended", "grant_revoked", "grant_expired", "grant_not_yet", "dataset_withdrawn")

Connection = psycopg.AsyncConnection[Any]


@dataclass(eq=False, slots=True)
class Look:
    """One statement of a plan, ready to run; what a receipt says of it; and its parameters but for the caller's."""

    plan: "Plan"
    sql: bytes
    statement: Statement
    what: What
    fixed: dict[str, Any]


@dataclass
class Plan:
    """A key's grant, policy and serving copy, with the statements made so far."""

    key_id: int
    policy: Policy
    shape: Shape
    stamp: str
    revision: int | None
    relation: str
    version: int
    compiler: Compiler
    bound: dict[str, Any] = field(default_factory=dict)
    looks: dict[tuple[str, ...], Look] = field(default_factory=dict)
    gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(FILTERS_AT_ONCE))

    @property
    def kind(self) -> str:
        """What the keys in a receipt of this set are."""
        if self.shape.subject is not None:
            return SetKind.SUBJECT.value
        return SetKind.KEY.value if self.shape.keys else SetKind.NONE.value

    @property
    def key_is_subject(self) -> bool:
        return self.shape.keys == (self.shape.subject,)

    @property
    def table(self) -> str:
        return self.relation if "." in self.relation else f"serving.{self.relation}"

    def _look(self, inner: Statement, mode: str, asked: Asked | None = None) -> Look:
        """Return a statement inside the one that looks whether key, grant and copy still hold."""
        live = _LIVE.format(join="", more=f"\n  LEFT JOIN LATERAL ({inner.sql}) r ON true")
        policy = self.policy
        pairs = tuple((one.field, one.op) for one in asked.where) if asked else ()
        what = What(
            policy.agency_id, policy.number, policy.dataset_code, self.version, mode, inner.fields, self.key_id,
            self.kind, pairs,
        )  # fmt: skip
        return Look(self, f"SELECT r.*{live}{_FITS}".encode(), inner, what, {**inner.params, **self.bound})

    def by_key(self, fields: tuple[str, ...]) -> Look:
        """Return the look-up of rows by parameter `keys`. Raises Refused."""
        found = self.looks.get(fields)
        if found is None:
            statement = self.compiler.by_key(self.table, fields, subject=self.needs_subject)
            found = self._look(statement, "key")
            if len(self.looks) < MOST_LOOKS:
                self.looks[fields] = found
        return found

    def by_filter(self, asked: Asked, after: tuple[Any, str] | None) -> Look:
        """Return one page. Raises Refused."""
        statement = self.compiler.by_filter(self.table, asked, after, subject=self.needs_subject)
        return self._look(statement, "filter", asked)

    @property
    def needs_subject(self) -> bool:
        return self.shape.subject is not None and not self.key_is_subject


class Plans:
    """The plans of this process, those used last."""

    def __init__(self) -> None:
        self.kept: OrderedDict[str, Plan] = OrderedDict()

    def get(self, key_hash: str) -> Plan | None:
        """Return the plan made before, if it is still kept; it may no longer fit."""
        plan = self.kept.get(key_hash)
        if plan is not None:
            self.kept.move_to_end(key_hash)
        return plan

    async def load(self, link: Connection, key_hash: str) -> Plan | None:
        """Return the plan as the key's grant is now, None for a key that opens nothing."""
        self.kept.pop(key_hash, None)
        row = await (await link.execute(_LOAD, {"key_hash": key_hash})).fetchone()
        if row is None:
            return None
        plan = _plan(row, key_hash)
        self.kept[key_hash] = plan
        while len(self.kept) > MOST_PLANS:
            self.kept.popitem(last=False)
        return plan


def _plan(row: Sequence[Any], key_hash: str) -> Plan:
    key_id, grant_id, stamp, number, agency, fields, masks, conditions, modes, daily, rate, until, *rest = row
    code, revision, relation, version, shape_json = rest
    policy = Policy(
        grant_id=grant_id, number=number or "", dataset_code=code, agency_id=agency, fields=tuple(fields),
        masks={name: kind for name, kind in masks.items() if name in fields},
        conditions=tuple(Condition.from_json(one) for one in conditions), modes=frozenset(modes), daily_rows=daily,
        rate_per_second=rate, valid_until=until,
    )  # fmt: skip
    shape = Shape.from_json(shape_json) if relation else Shape(())
    compiler = Compiler(policy if relation else replace(policy, conditions=()), shape, "postgres")
    plan = Plan(key_id, policy, shape, stamp, revision, relation or "", version or 0, compiler)
    plan.bound = {
        "key_hash": key_hash, "grant": grant_id, "stamp": stamp, "revision": revision, "relation": relation,
    }  # fmt: skip
    return plan


async def why_not(link: Connection, key_hash: str) -> str:
    """Return one of REASONS, or "" for a key that isn't known (or opens again)."""
    row = await (await link.execute(_WHY, {"key_hash": key_hash})).fetchone()
    if row is None:
        return ""
    return next((reason for reason, holds in zip(REASONS, row, strict=True) if holds), "")
