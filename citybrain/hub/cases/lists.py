"""Work lists: what each role has to do, with true counts, in SQL because officers live in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from citybrain.base.identity.actor import Actor
from citybrain.hub.cases.access import VIEW, visible_sql
from citybrain.hub.cases.filters import Filters
from citybrain.hub.cases.rows import COLUMNS, CaseRow, rows_from

PAGE = 50
DEEPEST = 10_000
BY_DUE: Final = "c.urgent DESC, c.due_at ASC NULLS LAST, c.id"
NEWEST: Final = "c.reported_at DESC, c.id DESC"


@dataclass(frozen=True, slots=True)
class WorkList:
    """One tab. An actor has it when they may `permission`; its rows are those within that permission's reach.

    A condition on open cases says `is_open`: only then does it use the small indexes that leave out the closed.
    """

    key: str
    label: Promise
    permission: str
    condition: str
    order: str = BY_DUE
    mine: bool = False
    batch: tuple[str, ...] = ()


SOON: Final = "c.is_open AND c.due_at >= now() AND c.due_at < now() + interval '2 hours'"

LISTS: Final = (
    WorkList("to_verify", _("待核实"), "cases.verify", "c.is_open AND c.state = 11"),
    WorkList(
        "to_file", _("待立案"), "cases.file", "c.is_open AND c.state IN (10, 20)",
        batch=("file", "request_verify", "reject")
    ),
    WorkList("to_dispatch", _("待派遣"), "cases.dispatch", "c.is_open AND c.state = 30", batch=("dispatch",)),
    WorkList("returned", _("被退回"), "cases.redispatch", "c.is_open AND c.state = 31"),
    WorkList("to_accept", _("待接收"), "cases.accept", "c.is_open AND c.state IN (40, 61)", batch=("accept",)),
    WorkList("handling", _("处置中"), "cases.feedback", "c.is_open AND c.state = 41"),
    WorkList(
        "to_decide", _("待审批"), "cases.decide_extension", "c.is_open AND c.state = 42",
        batch=("decide_extension",)
    ),
    WorkList(
        "to_check", _("待核查"), "cases.start_check", "c.is_open AND c.state = 50",
        batch=("start_check", "close"),
    ),
    WorkList("checking", _("现场核查"), "cases.pass_check", "c.is_open AND c.state = 60 AND c.checked_at IS NULL"),
    WorkList(
        "to_close", _("待结案"), "cases.close", "c.is_open AND c.state = 60 AND c.checked_at IS NOT NULL",
        batch=("close",)
    ),
    WorkList("suspended", _("挂账中"), VIEW, "c.is_open AND c.state = 43"),
    WorkList("due_soon", _("即将超时"), VIEW, SOON),
    WorkList("late", _("已超时"), VIEW, "c.is_open AND c.due_at < now()"),
    WorkList("supervised", _("督办"), VIEW, "c.is_open AND c.supervised"),
    WorkList("open", _("在办"), VIEW, "c.is_open"),
    WorkList("closed", _("办结"), VIEW, "NOT c.is_open", "c.changed_at DESC, c.id DESC"),
    WorkList("mine", _("我上报的"), "cases.report", "c.reporter_id = %(me)s", NEWEST, mine=True),
    WorkList("all", _("全部"), VIEW, "true", NEWEST),
)  # fmt: skip
BY_KEY: Final[dict[str, WorkList]] = {one.key: one for one in LISTS}
UNCOUNTED: Final = frozenset({"closed", "all", "mine"})


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of a list, the offset of the next page (None: this was the last)."""

    rows: list[CaseRow]
    next_offset: int | None


def lists_for(actor: Actor) -> list[WorkList]:
    """Return the lists an actor has, in the order of the lifecycle."""
    return [one for one in LISTS if actor.may(one.permission)]


def counts(actor: Actor, lists: Sequence[WorkList] | None = None) -> dict[str, int]:
    """Return list key → number of its rows, all in one statement over the open cases in sight."""
    counted = [one for one in (lists if lists is not None else lists_for(actor)) if one.key not in UNCOUNTED]
    if not counted:
        return {}
    columns: list[str] = []
    params: list[Any] = []
    for one in counted:
        scope, values = visible_sql(actor, one.permission)
        columns.append(f"count(*) FILTER (WHERE ({one.condition}) AND ({scope}))")
        params += values
    seen, values = visible_sql(actor)
    sql = f"SELECT {', '.join(columns)} FROM cases_case c WHERE c.is_open AND ({seen})"
    with connection.cursor() as cursor:
        cursor.execute(sql, params + values)
        row = cursor.fetchone()
    return {one.key: number for one, number in zip(counted, row, strict=True)}


def page(actor: Actor, key: str, filters: Filters, *, offset: int = 0, limit: int = PAGE) -> Page:
    """Return one page of a list. Raises KeyError for a list the actor doesn't have."""
    one = BY_KEY[key]
    if not actor.may(one.permission):
        raise KeyError(key)
    where, params = _where(actor, one, filters)
    sql = (
        f"SELECT {COLUMNS} FROM cases_case c WHERE {where}"
        f" ORDER BY {filters.order or one.order} LIMIT %s OFFSET %s"
    )
    start = min(max(offset, 0), DEEPEST)
    with connection.cursor() as cursor:
        cursor.execute(sql, [*params, limit + 1, start])
        rows = rows_from(cursor.fetchall())
    more = len(rows) > limit and start + limit <= DEEPEST
    return Page(rows[:limit], start + limit if more else None)


def total(actor: Actor, key: str, filters: Filters, most: int = DEEPEST) -> int:
    """Return how many rows a filtered list has, counted up to `most`."""
    where, params = _where(actor, BY_KEY[key], filters)
    sql = f"SELECT count(*) FROM (SELECT 1 FROM cases_case c WHERE {where} LIMIT %s) n"
    with connection.cursor() as cursor:
        cursor.execute(sql, [*params, most])
        return int(cursor.fetchone()[0])


def _where(actor: Actor, one: WorkList, filters: Filters) -> tuple[str, list[Any]]:
    scope, params = visible_sql(actor, one.permission)
    if one.mine:
        condition, extra = "c.reporter_id = %s", [actor.person_id]
        scope, params = visible_sql(actor)
    else:
        condition, extra = one.condition, []
    chosen, values = filters.sql()
    return f"({scope}) AND ({condition}) AND ({chosen})", [*params, *extra, *values]


def members(actor: Actor, key: str, ids: Sequence[int]) -> frozenset[int]:
    """Return which of `ids` are rows of a list now: a page that is open marks those that left it."""
    where, params = _where(actor, BY_KEY[key], Filters())
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT c.id FROM cases_case c WHERE {where} AND c.id = ANY(%s)", [*params, list(ids)]
        )
        return frozenset(row[0] for row in cursor.fetchall())


def marks(actor: Actor, ids: Sequence[int]) -> Mapping[int, tuple[int, datetime]]:
    """Return id → (version, changed at) of the cases among `ids` that the actor may see."""
    scope, params = visible_sql(actor)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT c.id, c.version, c.changed_at FROM cases_case c WHERE c.id = ANY(%s) AND ({scope})",
            [list(ids), *params],
        )
        return {row[0]: (row[1], row[2]) for row in cursor.fetchall()}
