"""The catalogue as a list: all, mine, what waits for approval; searched and narrowed in the address."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from citybrain.base.catalogue import lists
from citybrain.base.catalogue.access import APPROVE, EDIT, VIEW
from citybrain.base.catalogue.models import DataSet, DataSetState, Revision, ShareType
from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor
from citybrain.faces.desk.addresses import query
from citybrain.faces.desk.data.shown import GRADES, SHARE_TONES, STATE_TONES, freshness
from citybrain.faces.desk.doors import actor_of, officers
from citybrain.faces.desk.shell import page as shell_page

NAMES = ("q", "state", "share", "grade", "category", "data")
LISTS = ("all", "mine", "approve")


def row_of(dataset: DataSet, now: datetime) -> dict[str, Any]:
    """Return one line of the list."""
    fresh_tone, fresh = freshness(dataset, now)
    return {
        "one": dataset,
        "href": reverse("desk:data_set", args=[dataset.code]),
        "state": DataSetState(dataset.state).label,
        "state_tone": STATE_TONES[dataset.state],
        "share": ShareType(dataset.share_type).label,
        "share_tone": SHARE_TONES[dataset.share_type],
        "grade": GRADES[dataset.grade],
        "fresh": fresh,
        "fresh_tone": fresh_tone,
    }


def number(text: str) -> int | None:
    """Return a small whole number of an address, None for anything else."""
    return int(text) if text.isdecimal() and len(text) < 6 else None


def asked_of(request: HttpRequest) -> dict[str, str]:
    """Return the filters of the address."""
    return {
        name: request.GET.get(name, "").replace("\x00", "").strip()[:60]
        for name in NAMES
        if request.GET.get(name)
    }


@officers
@require_GET
def list_view(request: HttpRequest) -> HttpResponse:
    """Data sets within right. `list` is all, mine or approve."""
    actor = actor_of(request)
    require(actor, VIEW)
    chosen = request.GET.get("list", "all")
    chosen = chosen if chosen in LISTS and (chosen == "all" or _keeps(actor)) else "all"
    asked, now = asked_of(request), timezone.now()
    kept = {**asked, "list": None if chosen == "all" else chosen}
    waiting = lists.to_approve(actor) if actor.may(APPROVE) else Revision.objects.none()
    context: dict[str, Any] = {
        "tabs": _tabs(actor, chosen, asked, waiting.count() if actor.may(APPROVE) else 0),
        "chosen": chosen,
        "may_edit": actor.may(EDIT),
        "export_query": query(kept),
    }
    if chosen == "approve":
        context["waiting"] = list(waiting.select_related("dataset__provider")[: lists.PAGE])
    else:
        found = lists.search(actor, search_of(asked, chosen, number(request.GET.get("page", "")) or 1))
        context |= {
            "rows": [row_of(one, now) for one in found.rows],
            "filters": _filters(actor, asked),
            "keep": {"list": chosen} if chosen != "all" else {},
            "clear_url": query({"list": kept["list"]}) or reverse("desk:data_sets"),
            "total": found.total,
            "first": (found.number - 1) * lists.PAGE + 1 if found.rows else 0,
            "last": (found.number - 1) * lists.PAGE + len(found.rows),
            "prev_url": query(kept, page=found.number - 1) if found.number > 1 else "",
            "next_url": query(kept, page=found.number + 1) if found.number < found.pages else "",
        }
    return shell_page(request, "desk/data/sets.html", "data_sets", context)


def _keeps(actor: Actor) -> bool:
    return actor.may(EDIT) or actor.may(APPROVE)


def search_of(asked: dict[str, str], chosen: str, page: int) -> lists.Search:
    """Return the filters of an address as the catalogue's search."""
    states = set(DataSetState.values)
    return lists.Search(
        words=asked.get("q", ""),
        category=asked.get("category", ""),
        state=asked["state"] if asked.get("state") in states else "",
        share_type=number(asked.get("share", "")),
        grade=number(asked.get("grade", "")),
        has_data={"yes": True, "no": False}.get(asked.get("data", "")),
        mine=chosen == "mine",
        page=page,
    )


def _tabs(actor: Actor, chosen: str, asked: dict[str, str], waiting: int) -> list[dict[str, Any]]:
    found: list[tuple[str, str, int | None]] = [("all", _("全部"), None)]
    if _keeps(actor):
        found.append(("mine", _("本单位编目"), None))
    if actor.may(APPROVE):
        found.append(("approve", _("待审批"), waiting))
    return [
        {
            "label": label,
            "url": query(asked, list=None if key == "all" else key) or reverse("desk:data_sets"),
            "active": key == chosen,
            "count": count,
        }
        for key, label, count in found
    ]


def _filters(actor: Actor, asked: dict[str, str]) -> list[dict[str, Any]]:
    def select(name: str, label: str, options: list[tuple[Any, Any]]) -> dict[str, Any]:
        return {
            "kind": "select",
            "name": name,
            "label": label,
            "value": asked.get(name, ""),
            "options": [(str(value), text) for value, text in options],
        }

    categories = [(name, f"{name} ({count})") for name, count in lists.categories(actor) if name]
    return [
        {
            "kind": "search",
            "name": "q",
            "label": _("名称、拼音、信息项、单位或代码"),
            "value": asked.get("q", ""),
        },
        select("category", _("全部类别"), categories),
        select("state", _("全部状态"), list(DataSetState.choices)),
        select("share", _("全部共享类型"), list(ShareType.choices)),
        select("grade", _("全部分级"), list(GRADES.items())),
        select("data", _("是否挂接"), [("yes", _("已挂接数据")), ("no", _("未挂接数据"))]),
    ]
