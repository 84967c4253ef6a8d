"""Boards: a queue beside one case, worked through by single keys; and what a supervisor watches."""

from dataclasses import dataclass
from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor
from citybrain.faces.desk import pageview, stepforms
from citybrain.faces.desk.doors import actor_of, is_partial, officers
from citybrain.faces.desk.shell import page as shell_page
from citybrain.faces.desk.shown import RowView, case_row, row_views
from citybrain.faces.desk.work import tabs_for
from citybrain.hub.cases import lists
from citybrain.hub.cases.deadlines import LONG_LATE
from citybrain.hub.cases.detail import case_page
from citybrain.hub.cases.filters import Filters
from citybrain.hub.cases.lifecycle import MAX_RETURNS, TRANSITIONS
from citybrain.hub.cases.models import Case
from citybrain.hub.cases.rows import NAMES, rows_from
from citybrain.hub.cases.states import State

WATCHED_MOST: Final = 30


@dataclass(frozen=True, slots=True)
class Board:
    """A queue worked through with one main step. `steps` are offered with keys of their own."""

    key: str
    label: Promise
    note: Promise
    permission: str
    lists: tuple[str, ...] = ()
    main: tuple[str, ...] = ()
    icon: str = ""

    @property
    def href(self) -> str:
        return reverse("desk:board", args=[self.key])


BOARDS: Final = (
    Board(
        "accept", _("受理台"), _("新上报的案件, 一键按推荐事项立案"), "cases.file", ("to_file",), ("file",), "inbox",
    ),
    Board(
        "dispatch", _("派遣台"), _("待派遣和被退回的案件, 一键派给首选单位"), "cases.dispatch",
        ("to_dispatch", "returned"), ("dispatch", "redispatch", "designate"), "route",
    ),
    Board("supervise", _("督办台"), _("超时、久拖、三次退回和延期申请"), "cases.supervise", icon="gavel"),
)  # fmt: skip
BY_KEY: Final = {board.key: board for board in BOARDS}


def boards_for(actor: Actor) -> list[Board]:
    """Return the boards an actor has."""
    return [board for board in BOARDS if actor.may(board.permission)]


def _board(actor: Actor, key: str) -> Board:
    board = BY_KEY.get(key)
    if board is None:
        raise Http404
    require(actor, board.permission)
    return board


@officers
@require_GET
def board_view(request: HttpRequest, key: str) -> HttpResponse:
    """A board: its queue and the first case of it, or (?case=number) another."""
    actor = actor_of(request)
    board = _board(actor, key)
    if key == "supervise":
        return _supervisor(request, actor, board)
    tabs = tabs_for(actor)
    rows = queue(actor, board)
    number = request.GET.get("case", "") or (rows[0].row.number if rows else "")
    context: dict[str, Any] = {
        "board": board,
        "rows": queue_rows(rows, board, number),
        "number": number,
        "waiting": sum(tab.count or 0 for tab in tabs if tab.key in board.lists),
        **(case_context(actor, board, number) if number else {}),
    }
    return shell_page(request, "desk/boards/page.html", f"board_{key}", context, tabs=tabs)


def queue(actor: Actor, board: Board) -> list[RowView]:
    """Return the first rows of a board's lists, those due first in front."""
    rows = [row for key in board.lists if actor.may(lists.BY_KEY[key].permission)
            for row in lists.page(actor, key, Filters()).rows]  # fmt: skip
    rows.sort(key=lambda row: (not row.urgent, row.due_at is None, row.due_at or row.reported_at, row.id))
    return row_views(rows[: lists.PAGE])


@officers
@require_GET
def queue_view(request: HttpRequest, key: str) -> HttpResponse:
    """The queue alone, for a board that is open: new rows are added to it, those taken are marked."""
    actor = actor_of(request)
    board = _board(actor, key)
    rows = queue_rows(queue(actor, board), board, request.GET.get("case", ""))
    return render(request, "desk/boards/queue.html", {"board": board, "rows": rows})


def queue_rows(views: list[RowView], board: Board, number: str) -> list[dict[str, object]]:
    """Return rows that open their case beside the queue."""
    return [
        case_row(
            view,
            reverse("desk:board_case", args=[board.key, view.row.number]),
            current=view.row.number == number,
            target="#detail",
        )
        for view in views
    ]


@officers
@require_GET
def board_case_view(request: HttpRequest, key: str, number: str) -> HttpResponse:
    """One case of a queue, with its main step ready to take."""
    actor = actor_of(request)
    board = _board(actor, key)
    context = {"board": board, "number": number, **case_context(actor, board, number)}
    if is_partial(request):
        return render(request, "desk/boards/case.html", context)
    return shell_page(request, "desk/boards/case_page.html", f"board_{key}", context)


def case_context(actor: Actor, board: Board, number: str) -> dict[str, Any]:
    """Return one case for a board: its page, the form of the main step, and the other steps."""
    page = case_page(actor, number)
    offered = {step.key: step for step in page.steps}
    main = next((key for key in board.main if key in offered), "")
    return {
        "view": pageview.view_of(page, timezone.now()),
        "page": page,
        "form": stepforms.form_for(TRANSITIONS[main], page) if main else None,
        "main": offered.get(main),
        "main_url": reverse("desk:step", args=[number, main]) if main else "",
        "others": [
            pageview.button(step, number, frozenset("jk"))
            for step in page.steps
            if step.key != main and step.transition.key_hint
        ],
        "rest": [
            pageview.button(step, number, frozenset("jk"))
            for step in page.steps
            if step.key != main and not step.transition.key_hint
        ],
    }


@dataclass(frozen=True, slots=True)
class Watch:
    """One column of the supervisor's board. `total` is the true count; `href` opens all of them."""

    key: str
    label: Promise
    note: Promise
    rows: list[dict[str, object]]
    total: int
    href: str


def watches(actor: Actor) -> list[Watch]:
    """Return what a supervisor watches: long late, late, returned three times, asking for more time."""
    seen = Case.objects.visible_to(actor).open()
    now = timezone.now()
    picks = (
        ("long_late", _("久拖未办"), _("超过时限一半以上仍未完成"), seen.filter(escalation__gte=LONG_LATE), "late"),
        ("late", _("已超时"), _("已过本环节时限"), seen.filter(due_at__lt=now, escalation__lt=LONG_LATE), "late"),
        (
            "returned", _("多次退回"), _("退回三次以上, 须由指挥中心指定单位"),
            seen.filter(return_count__gte=MAX_RETURNS), "open",
        ),
        (
            "asking", _("延期与挂账申请"), _("等待审批"),
            seen.filter(state=State.EXTENSION_REQUESTED), "to_decide",
        ),
    )  # fmt: skip
    drawn: list[tuple[str, Promise, Promise, list[Any], int, str]] = []
    for key, label, note, found, list_key in picks:
        rows = rows_from(found.order_by("due_at", "pk").values_list(*NAMES)[: WATCHED_MOST + 1])
        total = len(rows) if len(rows) <= WATCHED_MOST else found.count()
        drawn.append((key, label, note, rows[:WATCHED_MOST], total, reverse("desk:work", args=[list_key])))
    views = {view.row.id: view for view in row_views([row for one in drawn for row in one[3]])}
    return [
        Watch(key, label, note, [watched(views[row.id]) for row in rows], total, href)
        for key, label, note, rows, total, href in drawn
    ]


def watched(view: RowView) -> dict[str, object]:
    return case_row(view, reverse("desk:case", args=[view.row.number]))


def _supervisor(request: HttpRequest, actor: Actor, board: Board) -> HttpResponse:
    context = {"board": board, "watches": watches(actor)}
    if is_partial(request):
        return render(request, "desk/boards/watches.html", context)
    return shell_page(request, "desk/boards/supervise.html", "board_supervise", context)
