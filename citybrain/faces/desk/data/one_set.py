"""One data set: what it says of itself, its fields and versions, where it comes from, how good, who uses it."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from citybrain.base.catalogue import actions, grading, quality
from citybrain.base.catalogue.access import APPROVE, EDIT, REQUEST, SUBMIT
from citybrain.base.catalogue.entry import Meta
from citybrain.base.catalogue.lineage import edges
from citybrain.base.catalogue.models import (
    DataSet,
    DataSetState,
    Grant,
    OpenType,
    Revision,
    ShareType,
    Supply,
    UpdateCycle,
)  # fmt: skip
from citybrain.base.exchange.models.intake import SOURCES
from citybrain.base.identity.access import why_not
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.errors import Refused
from citybrain.faces.desk.data import lineage
from citybrain.faces.desk.data.finding import found_set
from citybrain.faces.desk.data.intake import may_upload
from citybrain.faces.desk.data.sets import number, row_of
from citybrain.faces.desk.data.shown import field_lines, field_name, grant_state, names_of
from citybrain.faces.desk.doors import actor_of, officers
from citybrain.faces.desk.shell import page as shell_page

MEASURES = 10
GRANTS = 50
DIMENSIONS: Final = {
    "completeness": gettext_lazy("完整性"),
    "conformity": gettext_lazy("规范性"),
    "accuracy": gettext_lazy("准确性"),
    "consistency": gettext_lazy("一致性"),
    "uniqueness": gettext_lazy("唯一性"),
    "timeliness": gettext_lazy("及时性"),
}
REVISION_TONES: Final = {
    "draft": "quiet",
    "approving": "due_soon",
    "published": "normal",
    "replaced": "done",
}


def versions_of(actor: Actor, dataset: DataSet) -> list[Revision]:
    """Return the versions within right, the newest first: all of them for who keeps or approves the entry."""
    keeps = any(not why_not(actor, permission, dataset) for permission in (EDIT, APPROVE))
    rows = Revision.objects.all() if keeps else Revision.objects.visible_to(actor)
    return list(rows.filter(dataset=dataset).order_by("-number"))


@never_cache
@officers
@require_GET
def set_view(request: HttpRequest, code: str) -> HttpResponse:
    """A data set as it is published, or as the version that `version` names."""
    actor, now = actor_of(request), timezone.now()
    dataset = found_set(actor, code)
    versions = versions_of(actor, dataset)
    wanted = number(request.GET.get("version", ""))
    shown = next((one for one in versions if one.number == wanted), None) or dataset.current
    shown = shown or next(iter(versions), None)
    if shown is None:
        raise Http404
    meta, gives = Meta.from_json(shown.meta), may_upload(actor, dataset)
    context = {
        **row_of(dataset, now),
        "dataset": dataset,
        "meta": meta,
        "shown": shown,
        "is_current": shown.pk == dataset.current_id,
        "freshness_words": _promised(dataset),
        "facts": _facts(dataset, meta),
        "fields": field_lines(shown.shaped, meta),
        "top_fields": [field_name(one) for one in grading.grade_reasons(shown.shaped)],
        "rules": shown.shaped.rules,
        "held_back": grading.refusals(_as_free(meta).entry(shown.shaped)),
        "versions": [(one, one.get_state_display(), REVISION_TONES[one.state]) for one in versions],
        "steps": _steps(actor, dataset, versions),
        "ask": _ask(actor, dataset),
        "may_edit": not why_not(actor, EDIT, dataset),
        "may_upload": gives,
        "may_add_source": gives and actor.may(SOURCES),
        **_behind(actor, dataset, now),
    }
    return shell_page(request, "desk/data/set.html", "data_sets", context)


def _as_free(meta: Meta) -> Meta:
    """Return the same entry as if it were shared with everybody unconditionally: what stands against that."""
    return Meta(meta.code, meta.name_zh, share_type=grading.UNCONDITIONAL, open_type=grading.REFUSED)


def _facts(dataset: DataSet, meta: Meta) -> list[tuple[str, str]]:
    share = f"{ShareType(meta.share_type).label} {meta.share_condition}".strip()
    opened = f"{OpenType(meta.open_type).label} {meta.open_condition}".strip()
    found = [
        (_("提供单位"), str(dataset.provider)),
        (_("提供部门"), meta.department),
        (_("资源代码"), meta.resource_code),
        (_("类别"), meta.category),
        (_("共享类型"), share),
        (_("开放类型"), opened),
        (_("更新周期"), str(UpdateCycle(meta.update_cycle).label)),
    ]
    return [(label, text) for label, text in found if text]


def _promised(dataset: DataSet) -> str:
    return _("承诺%(cycle)s更新") % {"cycle": UpdateCycle(dataset.update_cycle).label}


def _behind(actor: Actor, dataset: DataSet, now: datetime) -> dict[str, Any]:
    """Return what lies behind the entry: supplies, figures, lineage, and who uses it."""
    supplies = Supply.objects.visible_to(actor).filter(dataset=dataset, is_active=True)
    grants = Grant.objects.visible_to(actor).filter(dataset=dataset)
    scored = quality.score_now(dataset, now)
    kept = quality.freshness(dataset, now)
    names = dataset.shape if dataset.current else None
    return {
        "supplies": [
            (one, names_of(names, one.fields) if names else one.fields)
            for one in supplies.select_related("system__agency")
        ],
        "score": scored[0] if scored else None,
        "dimensions": [(DIMENSIONS[key], share) for key, share in scored[1].items()] if scored else [],
        "freshness": kept,
        "measures": list(dataset.measures.order_by("-at", "-id")[:MEASURES]) if scored else [],
        "drawing": lineage.draw(edges(actor, dataset, now), dataset.code, dataset.name),
        "used_by": [
            (grant, *grant_state(grant, now))
            for grant in grants.select_related("agency", "dataset").order_by("-valid_from", "-id")[:GRANTS]
        ],
    }


def _ask(actor: Actor, dataset: DataSet) -> dict[str, str] | None:
    """Return whether the reader may ask for the data, and why not; None for who never asks."""
    if not actor.may(REQUEST) or dataset.state != DataSetState.PUBLISHED:
        return None
    if dataset.share_type == ShareType.REFUSED:
        return {"why": dataset.share_condition or _("该数据资源不予共享。")}
    return {"why": ""}


def _steps(actor: Actor, dataset: DataSet, versions: list[Revision]) -> list[dict[str, Any]]:
    """Return what this reader can do with the entry now."""
    open_one = next((one for one in versions if one.state in {"draft", "approving"}), None)
    possible: list[tuple[str, bool]] = [
        ("submit", bool(open_one and open_one.state == "draft")),
        ("approve", bool(open_one and open_one.state == "approving" and open_one.submitted_by != actor.key)),
        ("reject", bool(open_one and open_one.state == "approving")),
        ("take-back", bool(open_one and open_one.state == "approving")),
        ("withdraw", dataset.state == DataSetState.PUBLISHED),
        ("publish", dataset.state == DataSetState.WITHDRAWN),
    ]
    return [
        {"key": key, **STEPS[key]}
        for key, fits in possible
        if fits and not why_not(actor, STEPS[key]["permission"], dataset)
    ]


STEPS: Final[Mapping[str, Mapping[str, Any]]] = {
    "submit": {
        "label": gettext_lazy("提交审批"),
        "permission": SUBMIT,
        "why": "",
        "done": gettext_lazy("已提交审批。"),
    },
    "approve": {
        "label": gettext_lazy("批准发布"),
        "permission": APPROVE,
        "why": "",
        "done": gettext_lazy("已发布。"),
    },
    "reject": {
        "label": gettext_lazy("退回修改"),
        "permission": APPROVE,
        "why": gettext_lazy("退回原因"),
        "done": gettext_lazy("已退回。"),
    },
    "take-back": {
        "label": gettext_lazy("撤回提交"),
        "permission": SUBMIT,
        "why": "",
        "done": gettext_lazy("已撤回。"),
    },
    "withdraw": {
        "label": gettext_lazy("撤销资源"),
        "permission": APPROVE,
        "why": gettext_lazy("撤销原因"),
        "done": gettext_lazy("已撤销，其授权随即停止。"),
    },
    "publish": {
        "label": gettext_lazy("重新发布"),
        "permission": APPROVE,
        "why": "",
        "done": gettext_lazy("已重新发布。"),
    },
}
DO: Final[Mapping[str, Callable[[Actor, DataSet, str], Any]]] = {
    "submit": lambda actor, dataset, _why: actions.submit(actor, dataset),
    "approve": lambda actor, dataset, _why: actions.approve(actor, dataset),
    "reject": lambda actor, dataset, why: actions.reject(actor, dataset, why),
    "take-back": lambda actor, dataset, _why: actions.take_back(actor, dataset),
    "withdraw": lambda actor, dataset, why: actions.withdraw(actor, dataset, why),
    "publish": lambda actor, dataset, _why: actions.publish(actor, dataset),
}


@officers
@require_POST
def step_view(request: HttpRequest, code: str, step: str) -> HttpResponse:
    """Take a step in the life of an entry; what keeps it back is told on the page."""
    if step not in DO:
        raise Http404
    actor = actor_of(request)
    dataset = found_set(actor, code)
    try:
        DO[step](actor, dataset, request.POST.get("why", ""))
        messages.success(request, str(STEPS[step]["done"]))
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect("desk:data_set", code)
