"""Work lists of the hotline: what each role has to do, with true counts, in SQL because people live in them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from django.db import connection
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from citybrain.base.identity.actor import Actor
from citybrain.hub.hotline.access import UNIT_VIEW, VIEW, reach_sql, visible_sql
from citybrain.hub.hotline.filters import ORDERS, Filters
from citybrain.hub.hotline.rows import COLUMNS, TicketRow, rows_from

PAGE = 50
DEEPEST = 10_000
LATELY: Final = timedelta(days=3)
BY_DUE: Final = ORDERS["due"]
NEWEST: Final = ORDERS["newest"]


@dataclass(frozen=True, slots=True)
class WorkList:
    """One tab. An actor has it when they may `permission`; its rows are those within that permission's reach.

    `as_`: "lead" or "co" leaves out what a unit has another part in; "any" is any way of seeing.
    A condition on open tickets says `is_open`: only then does it use the small indexes that leave out the closed.
    """

    key: str
    label: Promise
    permission: str
    condition: str
    order: str = BY_DUE
    as_: str = "all"
    batch: tuple[str, ...] = ()


SOON: Final = "t.is_open AND t.due_at >= now() AND t.due_at < now() + interval '2 hours'"
CALLABLE: Final = "(t.call_after IS NULL OR t.call_after <= now())"
HERE: Final = "t.is_open AND t.case_id IS NULL AND t.outside = ''"

LISTS: Final = (
    WorkList("to_receive", _("待受理"), "hotline.take", "t.is_open AND t.state = 10", batch=("file", "dispatch")),
    WorkList(
        "needs_person", _("须人工判断"), "hotline.take", "t.is_open AND t.state IN (10, 20) AND t.needs_person"
    ),
    WorkList("to_dispatch", _("待派单"), "hotline.dispatch", "t.is_open AND t.state = 20", batch=("dispatch",)),
    WorkList(
        "returned", _("被退回"), "hotline.dispatch", "t.is_open AND t.state = 20 AND t.return_count > 0"
    ),
    WorkList(
        "to_designate", _("待指定单位"), "hotline.designate", "t.is_open AND t.state = 20 AND t.dispatches >= 3"
    ),
    WorkList("to_review", _("待审核"), "hotline.review", "t.is_open AND t.state IN (32, 41)"),
    WorkList(
        "contact_asked", _("申请联系来电人"), "hotline.dispatch",
        "t.is_open AND t.flags @> ARRAY['contact_asked']::varchar[]",
    ),
    WorkList(
        "to_call", _("待回访"), "hotline.call_back",
        f"t.is_open AND (t.state = 50 OR (t.state = 60 AND t.visited_at IS NULL)) AND {CALLABLE}",
    ),
    WorkList(
        "unsettled", _("未解决或不满意"), "hotline.redo",
        "t.is_open AND t.state = 60 AND t.visited_at IS NOT NULL",
    ),
    WorkList("to_conclude", _("待办结"), "hotline.conclude", "t.is_open AND t.state = 11", batch=("conclude",)),
    WorkList(
        "to_accept", _("待接收"), "hotline.accept", f"{HERE} AND t.state IN (30, 61)", as_="lead",
        batch=("accept",),
    ),
    WorkList("handling", _("办理中"), "hotline.reply", f"{HERE} AND t.state IN (31, 40)", as_="lead"),
    WorkList("asked", _("申请中"), "hotline.reply", f"{HERE} AND t.state IN (32, 41)", as_="lead"),
    WorkList("co", _("协办"), "hotline.reply", "t.is_open AND t.state IN (30, 31, 32, 40, 41, 61)", as_="co"),
    WorkList("due_soon", _("即将超时"), VIEW, SOON, as_="any"),
    WorkList("late", _("已超时"), VIEW, "t.is_open AND t.due_at < now()", as_="any"),
    WorkList("open", _("在办"), VIEW, "t.is_open", as_="any"),
    WorkList("done", _("已办结"), VIEW, "NOT t.is_open", ORDERS["changed"], as_="any"),
    WorkList("mine", _("我受理的"), "hotline.take", "true", NEWEST, as_="mine"),
    WorkList("all", _("全部"), VIEW, "true", NEWEST, as_="any"),
)  # fmt: skip
BY_KEY: Final[dict[str, WorkList]] = {one.key: one for one in LISTS}
UNCOUNTED: Final = frozenset({"done", "all", "mine"})


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of a list, the offset of the next page (None: this was the last)."""

    rows: list[TicketRow]
    next_offset: int | None


def has(actor: Actor, one: WorkList) -> bool:
    """Return whether an actor has a list."""
    if one.as_ == "any":
        return actor.may(VIEW) or actor.may(UNIT_VIEW)
    return actor.may(one.permission)


def lists_for(actor: Actor) -> list[WorkList]:
    """Return the lists an actor has, in the order of the lifecycle."""
    return [one for one in LISTS if has(actor, one)]


def _reach(actor: Actor, one: WorkList) -> tuple[str, list[Any]]:
    """Return the condition for the rows of a list that its reader may have."""
    if one.as_ == "any":
        return visible_sql(actor)
    if one.as_ == "mine":
        seen, params = visible_sql(actor)
        return f"({seen}) AND t.created_by_id = %s", [*params, actor.person_id]
    if one.as_ == "co":
        return _co(actor, one.permission)
    return reach_sql(actor, one.permission, lead_only=one.as_ == "lead")


def _co(actor: Actor, permission: str) -> tuple[str, list[Any]]:
    """Return the condition for tickets that an actor's units help with."""
    seen, params = reach_sql(actor, permission)
    ours = [hat.agency_id for hat in actor.hats_with(permission) if hat.reach == "agency"]
    return f"({seen}) AND t.co_agencies && %s::bigint[]", [*params, ours]


def counts(actor: Actor, lists: Sequence[WorkList] | None = None) -> dict[str, int]:
    """Return list key → number of its rows, all in one statement over the open tickets in sight."""
    counted = [one for one in (lists if lists is not None else lists_for(actor)) if one.key not in UNCOUNTED]
    if not counted:
        return {}
    columns: list[str] = []
    params: list[Any] = []
    for one in counted:
        scope, values = _reach(actor, one)
        columns.append(f"count(*) FILTER (WHERE ({one.condition}) AND ({scope}))")
        params += values
    seen, values = visible_sql(actor)
    sql = f"SELECT {', '.join(columns)} FROM hotline_ticket t WHERE t.is_open AND ({seen})"
    with connection.cursor() as cursor:
        cursor.execute(sql, params + values)
        row = cursor.fetchone()
    return {one.key: number for one, number in zip(counted, row, strict=True)}


def page(actor: Actor, key: str, filters: Filters, *, offset: int = 0, limit: int = PAGE) -> Page:
    """Return one page of a list. Raises KeyError for a list the actor doesn't have."""
    one = BY_KEY[key]
    if not has(actor, one):
        raise KeyError(key)
    where, params = _where(actor, one, filters)
    order = filters.order or one.order
    start = min(max(offset, 0), DEEPEST)
    ask = partial(_asking, order)
    sql, values = ask(where), [*params, limit + 1, start]
    if filters.q and order == NEWEST:
        sql, values = _lately_first(ask, where, params, limit + 1, start)
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        rows = rows_from(cursor.fetchall())
    more = len(rows) > limit and start + limit <= DEEPEST
    return Page(rows[:limit], start + limit if more else None)


def _asking(order: str, where: str) -> str:
    return f"SELECT {COLUMNS} FROM hotline_ticket t WHERE {where} ORDER BY {order} LIMIT %s OFFSET %s"


def _lately_first(
    ask: Callable[[str], str], where: str, params: list[Any], limit: int, start: int
) -> tuple[str, list[Any]]:
    """Return a search that looks through the last days, and further back only where these fill no page.

    Words that many tickets hold would else be looked up in all of them before the newest are known.
    """
    since = timezone.now() - LATELY
    spans = [f"({where}) AND t.received_at >= %s", f"({where}) AND t.received_at < %s"]
    sql = " UNION ALL ".join(f"({ask(span)})" for span in spans)
    return f"{sql} LIMIT %s OFFSET %s", [*params, since, start + limit, 0] * 2 + [limit, start]


def total(actor: Actor, key: str, filters: Filters, most: int = DEEPEST) -> int:
    """Return how many rows a filtered list has, counted up to `most`."""
    where, params = _where(actor, BY_KEY[key], filters)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM (SELECT 1 FROM hotline_ticket t WHERE {where} LIMIT %s) n", [*params, most]
        )
        return int(cursor.fetchone()[0])


def _where(actor: Actor, one: WorkList, filters: Filters) -> tuple[str, list[Any]]:
    scope, params = _reach(actor, one)
    chosen, values = filters.sql()
    asks_caller = any(column == "t.caller_id" for column, _number in filters.numbers)
    if asks_caller:  # who asks by caller must be one of the hotline's people for each row
        inside, more = reach_sql(actor, "hotline.view_contact")
        scope, params = f"({scope}) AND ({inside})", [*params, *more]
    return f"({scope}) AND ({one.condition}) AND ({chosen})", [*params, *values]


def members(actor: Actor, key: str, ids: Sequence[int]) -> frozenset[int]:
    """Return which of `ids` are rows of a list now: a page that is open marks those that left it."""
    where, params = _where(actor, BY_KEY[key], Filters())
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT t.id FROM hotline_ticket t WHERE {where} AND t.id = ANY(%s)", [*params, list(ids)]
        )
        return frozenset(row[0] for row in cursor.fetchall())


def marks(actor: Actor, ids: Sequence[int]) -> Mapping[int, tuple[int, datetime]]:
    """Return id → (version, changed at) of the tickets among `ids` that the actor may see."""
    scope, params = visible_sql(actor)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT t.id, t.version, t.changed_at FROM hotline_ticket t WHERE t.id = ANY(%s) AND ({scope})",
            [list(ids), *params],
        )
        return {row[0]: (row[1], row[2]) for row in cursor.fetchall()}
