"""Where suppliers disagree: the list, one conflict with its values side by side, sent back, answered, settled."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from django.contrib import messages
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from citybrain.base.catalogue import lists
from citybrain.base.catalogue.access import Side, reach
from citybrain.base.catalogue.masks import MASKS, masked
from citybrain.base.catalogue.models import Supply
from citybrain.base.catalogue.shape import Field, Shape
from citybrain.base.exchange import disputes
from citybrain.base.exchange.models import OPEN_CONFLICT, Conflict, ConflictEvent
from citybrain.base.exchange.models.intake import MEND
from citybrain.base.identity.access import why_not
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.errors import Refused, refuse
from citybrain.base.worktime.calendar import MissingYear, current
from citybrain.base.worktime.clock import Clock
from citybrain.faces.desk.addresses import query
from citybrain.faces.desk.data.intake import sees_intake
from citybrain.faces.desk.data.sets import number
from citybrain.faces.desk.data.shown import field_name, names_of
from citybrain.faces.desk.doors import actor_of, officers
from citybrain.faces.desk.shell import page as shell_page
from citybrain.faces.look import words

TONES: Final = {"sent": "due_soon", "answered": "info", "settled": "normal", "agreed": "normal"}
KINDS: Final = ("answer", "settle", "open", "closed")
STEPS: Final = {
    "send": ("send", gettext_lazy("退回核实")),
    "stand": ("thumb-up", gettext_lazy("坚持原值")),
    "give_way": ("thumb-down", gettext_lazy("承认有误")),
    "settle": ("gavel", gettext_lazy("裁定")),
    "agree": ("checks", gettext_lazy("数据已一致")),
}


def rows_of(actor: Actor, kind: str) -> QuerySet[Conflict]:
    """Return the conflicts within right that wait for the actor's answer, for their word, are open, or are over."""
    rows: QuerySet[Conflict] = Conflict.objects.visible_to(actor)
    if kind == "answer":
        return rows.filter(reach(actor, (MEND,), "asked__system__agency"), state="sent").order_by(
            "due_at", "id"
        )
    if kind == "settle":
        return rows.filter(reach(actor, (MEND,), "dataset__provider"), state="answered").order_by(
            "due_at", "id"
        )
    if kind == "open":
        return rows.filter(state__in=OPEN_CONFLICT).order_by("due_at", "id")
    return rows.exclude(state__in=OPEN_CONFLICT).order_by("-settled_at", "-id")


def waiting_of(actor: Actor) -> int:
    """Return how many conflicts wait for the actor: to be answered, or to be settled. One query."""
    mine = Q(reach(actor, (MEND,), "asked__system__agency"), state="sent")
    mine |= Q(reach(actor, (MEND,), "dataset__provider"), state="answered")
    return int(Conflict.objects.filter(mine).count())


@never_cache
@officers
@require_GET
def list_view(request: HttpRequest) -> HttpResponse:
    """Conflicts within right; keys and values masked as the catalogue says."""
    actor, now = actor_of(request), timezone.now()
    sees_intake(actor)
    counts = {kind: rows_of(actor, kind).count() for kind in KINDS[:3]}
    chosen = request.GET.get("list", "")
    chosen = chosen if chosen in KINDS else next((one for one in KINDS[:2] if counts[one]), "open")
    rows = rows_of(actor, chosen)
    sets = list(
        rows.order_by("dataset__pinyin")
        .values_list("dataset__code", "dataset__name_zh")
        .annotate(Count("id"))
    )
    wanted = request.GET.get("set", "")
    wanted = wanted if wanted in {code for code, _name, _n in sets} else ""
    if wanted:
        rows = rows.filter(dataset__code=wanted)
    found = lists.page_of(_with_sides(rows), number(request.GET.get("page", "")) or 1)
    kept = {"list": chosen, "set": wanted}
    context = {
        "tabs": [
            {"label": label, "url": f"?list={kind}", "active": kind == chosen, "count": counts.get(kind)}
            for kind, label in (
                ("answer", _("等我单位答复")),
                ("settle", _("等我单位裁定")),
                ("open", _("未了结")),
                ("closed", _("已了结")),
            )
        ],
        "filters": [
            {
                "kind": "select",
                "name": "set",
                "label": _("全部数据资源"),
                "value": wanted,
                "options": [(code, f"{name} ({n})") for code, name, n in sets],
            }
        ],
        "keep": {"list": chosen},
        "clear_url": query({"list": chosen}),
        "rows": [row_of(one, now) for one in found.rows],
        "total": found.total,
        "first": (found.number - 1) * lists.PAGE + 1 if found.rows else 0,
        "last": (found.number - 1) * lists.PAGE + len(found.rows),
        "prev_url": query(kept, page=found.number - 1) if found.number > 1 else "",
        "next_url": query(kept, page=found.number + 1) if found.number < found.pages else "",
    }
    return shell_page(request, "desk/data/conflicts.html", "data_conflicts", context)


def _with_sides(rows: QuerySet[Conflict]) -> QuerySet[Conflict]:
    return rows.select_related(
        "dataset__provider", "dataset__current", "asked__system__agency", "held_by__system__agency",
        "offered_by__system__agency", "settled_for__system__agency",
    )  # fmt: skip


def row_of(one: Conflict, now: datetime) -> dict[str, Any]:
    """Return one line of the list."""
    shape = one.dataset.shape
    return {
        "one": one,
        "href": reverse("desk:data_conflict", args=[one.pk]),
        "key": told_key(one, shape, plain=False),
        "fields": names_of(shape, one.fields),
        "state": one.get_state_display(),
        "tone": TONES[one.state],
        "left": left_of(one, now) if one.state in OPEN_CONFLICT else None,
    }


def left_of(one: Conflict, now: datetime) -> words.Left | None:
    """Return how the time for an answer stands, None where no clock runs."""
    clock = Clock.from_json(one.clock) if one.clock else None
    if clock is None or clock.stopped_at is not None:
        return None
    try:
        remaining = clock.remaining(current(), now)
    except MissingYear:
        remaining = None
    return words.left(one.due_at, now, started=clock.started_at, remaining=remaining, working=True)


def told_key(one: Conflict, shape: Shape, *, plain: bool) -> str:
    """Return the values of the key, masked unless `plain`."""
    return _("、").join(_value(value, shape, name, plain=plain) for name, value in one.key_values.items())


def _value(value: Any, shape: Shape, name: str, *, plain: bool) -> str:
    if value is None:
        return _("（空）")
    field: Field | None = shape.field(name) if shape.has(name) else None
    if plain or field is None or not field.mask or field.mask not in MASKS:
        return str(value)
    return masked(str(value), field.mask) or "…"


def found_conflict(actor: Actor, conflict_id: int) -> Conflict:
    """Return a conflict within right. Raises Forbidden, Http404."""
    sees_intake(actor)
    one: Conflict | None = _with_sides(Conflict.objects.visible_to(actor)).filter(pk=conflict_id).first()
    if one is None:
        raise Http404
    return one


@never_cache
@officers
@require_GET
def conflict_view(request: HttpRequest, conflict_id: int) -> HttpResponse:
    """One conflict, masked."""
    actor = actor_of(request)
    return _page(request, actor, found_conflict(actor, conflict_id), plain=False)


@never_cache
@require_POST
@officers
def plain_view(request: HttpRequest, conflict_id: int) -> HttpResponse:
    """One conflict as it is; that somebody looked is in the ledger."""
    actor = actor_of(request)
    one = found_conflict(actor, conflict_id)
    disputes.reveal(actor, one)
    return _page(request, actor, one, plain=True)


def _page(request: HttpRequest, actor: Actor, one: Conflict, *, plain: bool) -> HttpResponse:
    shape, is_open = one.dataset.shape, one.state in OPEN_CONFLICT
    decides = is_open and not why_not(actor, MEND, Side(one.dataset.provider))
    touched = [name for name in (*one.key_values, *one.fields) if shape.has(name) and shape.field(name).mask]
    context = {
        **row_of(one, timezone.now()),
        "plain": plain,
        "key": [
            (
                field_name(shape.field(name)) if shape.has(name) else name,
                _value(value, shape, name, plain=plain),
            )
            for name, value in one.key_values.items()
        ],
        "values": [
            (
                names_of(shape, [name])[0],
                *(_value(said[side], shape, name, plain=plain) for side in ("held", "offered")),
            )
            for name, said in one.fields.items()
        ],
        "may_see": bool(touched) and not plain and not why_not(actor, MEND, disputes.sides(one)),
        "may_answer": one.state == "sent" and not why_not(actor, MEND, Side(one.asked.system.agency)),
        "may_decide": decides,
        "suppliers": [one.held_by, one.offered_by],
        "events": [
            _event(event) for event in one.events.select_related("supply__system__agency").order_by("-id")
        ],
    }
    return shell_page(request, "desk/data/conflict.html", "data_conflicts", context)


def _event(event: ConflictEvent) -> dict[str, Any]:
    icon, what = STEPS.get(event.action, ("point", event.action))
    facts = [(_("提供方"), f"{event.supply.system.agency} · {event.supply.system}")] if event.supply else []
    who = event.actor_name or (_("系统") if event.actor == "system" else "")
    return {"what": what, "who": who, "at": event.at, "icon": icon, "why": event.note, "facts": facts}


def _supply_of(one: Conflict, written: str) -> Supply:
    """Return the side that a form names. Raises Refused for none."""
    found: Supply | None = {str(side.pk): side for side in (one.held_by, one.offered_by)}.get(written)
    if found is None:
        raise refuse("supply", _("请在两个提供方中选择。"))
    return found


def _answer(actor: Actor, one: Conflict, post: Any) -> None:
    disputes.answer(actor, one, stands=post.get("word") == "stand", note=post.get("note", ""))


def _send(actor: Actor, one: Conflict, post: Any) -> None:
    disputes.send_back(actor, one, _supply_of(one, post.get("supply", "")), post.get("note", ""))


def _settle(actor: Actor, one: Conflict, post: Any) -> None:
    disputes.settle_conflict(actor, one, _supply_of(one, post.get("supply", "")), post.get("note", ""))


DO: Final[dict[str, tuple[Callable[[Actor, Conflict, Any], None], Any]]] = {
    "answer": (_answer, gettext_lazy("已答复。")),
    "send": (_send, gettext_lazy("已退回核实。")),
    "settle": (_settle, gettext_lazy("已裁定，采用的值随即入库。")),
}


@require_POST
@officers
def step_view(request: HttpRequest, conflict_id: int, step: str) -> HttpResponse:
    """Answer, send back or settle."""
    if step not in DO:
        raise Http404
    actor = actor_of(request)
    one = found_conflict(actor, conflict_id)
    take, done = DO[step]
    try:
        take(actor, one, request.POST)
        messages.success(request, str(done))
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect("desk:data_conflict", conflict_id)
