"""The forms of an office, those that wait for a word, and all within right."""

from typing import Any

from django.db.models import TextChoices
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from citybrain.base.catalogue.lists import PAGE, page_of
from citybrain.faces.desk.addresses import query
from citybrain.faces.desk.data.sets import number
from citybrain.faces.desk.doors import actor_of, officers
from citybrain.faces.desk.forms.finding import OFFICE, needs_one
from citybrain.faces.desk.forms.shown import FormLine, level_name
from citybrain.faces.desk.shell import page as shell_page
from citybrain.hub.forms.access import ADMIT, DRAFT
from citybrain.hub.forms.making import lists
from citybrain.hub.forms.models import Cycle, FormState


@never_cache
@officers
@require_GET
def list_view(request: HttpRequest) -> HttpResponse:
    """Forms: those that wait for the reader's word, those of the reader's office, all within right."""
    actor, now = actor_of(request), timezone.now()
    needs_one(actor, OFFICE)
    waiting = lists.to_decide(actor) if actor.may(ADMIT) else None
    count = waiting.count() if waiting is not None else None
    keys = [("admit", _("待我准入"))] if waiting is not None else []
    keys += [("mine", _("本单位的"))] if actor.may(DRAFT) else []
    keys += [("all", _("全部"))]
    asked = {
        name: request.GET.get(name, "").replace("\x00", "").strip()[:60] for name in ("q", "state", "cycle")
    }
    first = keys[0][0] if count or len(keys) < 2 or keys[0][0] != "admit" else keys[1][0]
    chosen = request.GET.get("list", "")
    chosen = chosen if chosen in dict(keys) else first
    page = number(request.GET.get("page", "")) or 1
    sought = lists.Sought(
        asked["q"],
        _known(asked["state"], FormState),
        None,
        _known(asked["cycle"], Cycle),
        chosen == "mine",
        page,
    )
    admits = chosen == "admit" and waiting is not None
    found = page_of(waiting, page) if admits and waiting is not None else lists.search(actor, sought)
    kept = {"list": chosen, **asked}
    context = {
        "tabs": [
            {
                "label": label,
                "url": f"?list={key}",
                "active": key == chosen,
                "count": count if key == "admit" else None,
            }
            for key, label in keys
        ],
        "chosen": chosen,
        "rows": [
            (FormLine.of(one, reverse("desk:form", args=[one.pk]), now), level_name(one.fillers))
            for one in found.rows
        ],
        "filters": _filters(asked),
        "keep": {"list": chosen},
        "clear_url": f"?list={chosen}",
        "filtered": any(asked.values()),
        "may_draft": actor.may(DRAFT),
        "total": found.total,
        "first": (found.number - 1) * PAGE + 1 if found.rows else 0,
        "last": (found.number - 1) * PAGE + len(found.rows),
        "prev_url": query(kept, page=found.number - 1) if found.number > 1 else "",
        "next_url": query(kept, page=found.number + 1) if found.number < found.pages else "",
    }
    return shell_page(request, "desk/forms/list.html", "forms", context)


def _known(value: str, choices: type[TextChoices]) -> str:
    return value if value in choices.values else ""


def _filters(asked: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {"kind": "search", "name": "q", "label": _("报表名称或编号"), "value": asked["q"]},
        {
            "kind": "select",
            "name": "state",
            "label": _("状态"),
            "value": asked["state"],
            "options": FormState.choices,
        },
        {
            "kind": "select",
            "name": "cycle",
            "label": _("周期"),
            "value": asked["cycle"],
            "options": Cycle.choices,
        },
    ]
