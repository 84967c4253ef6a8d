"""Roles that were carried over when areas were merged or split: let stand, or taken back, many at once."""

from itertools import groupby
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from citybrain.base.areas.models import AreaDecision
from citybrain.base.areas.tree import tree
from citybrain.base.identity.access import Forbidden, refusal
from citybrain.base.identity.actions import confirm_grant, revoke_role
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.delegation import GRANT
from citybrain.base.identity.errors import Refused
from citybrain.base.identity.lists import grants_to_review
from citybrain.base.identity.models import RoleGrant
from citybrain.faces.desk.accounts.shown import role_name
from citybrain.faces.desk.choosing import area_name
from citybrain.faces.desk.doors import actor_of, officers
from citybrain.faces.desk.shell import page

SHOWN = 200  # roles on the page; the rest follows when these are done


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@officers
def review(request: HttpRequest) -> HttpResponse:
    """Show what was carried over, by decision; take the answers."""
    actor = actor_of(request)
    if not actor.may(GRANT):
        raise refusal(actor, GRANT)
    if request.method == "POST":
        _answer(request, actor)
        return redirect("people:review")
    waiting = grants_to_review(actor)
    context = {
        "decisions": [
            _decision(decision, list(grants))
            for decision, grants in groupby(waiting[:SHOWN], key=lambda grant: grant.decision)
            if decision is not None
        ],
        "total": len(waiting),
        "left_out": max(0, len(waiting) - SHOWN),
    }
    return page(request, "desk/accounts/review.html", "people", context)


def _decision(decision: AreaDecision, grants: list[RoleGrant]) -> dict[str, Any]:
    befores = dict.fromkeys(_place(grant.continues) for grant in grants if grant.continues)
    afters = dict.fromkeys(_place(grant) for grant in grants)
    return {
        "id": decision.pk,
        "kind": decision.get_kind_display(),
        "at": decision.at.isoformat(),
        "document": decision.document,
        "before": _("、").join(befores),
        "after": _("、").join(afters),
        "rows": [_row(grant) for grant in grants],
    }


def _place(grant: RoleGrant) -> str:
    return area_name(tree().find(grant.area_id))


def _row(grant: RoleGrant) -> dict[str, Any]:
    return {
        "id": str(grant.pk),
        "person": grant.person,
        "role": role_name(grant.role),
        "before": _place(grant.continues) if grant.continues else "",
        "after": _place(grant),
        "agency": grant.agency or grant.person.agency,
        "until": grant.valid_until.isoformat() if grant.valid_until else _("长期"),
    }


def _answer(request: HttpRequest, actor: Actor) -> None:
    """Confirm or take back what was ticked; each stands for itself, and what is refused is said."""
    asked = {int(one) for one in request.POST.getlist("grant") if one.isdecimal() and len(one) < 19}
    waiting = [grant for grant in grants_to_review(actor) if grant.pk in asked]
    if not waiting:
        messages.error(request, _("请先勾选要复核的角色；已由他人复核的不再列出。"))
        return
    takes_back = request.POST.get("do") == "revoke"
    done, refused = 0, dict[str, None]()
    for grant in waiting:
        try:
            if takes_back:
                revoke_role(actor, grant, request.POST.get("reason", ""))
            else:
                confirm_grant(actor, grant)
            done += 1
        except (Refused, Forbidden) as error:
            refused[str(error)] = None
    if done:
        messages.success(request, _said(done, takes_back=takes_back))
    for reason in refused:
        messages.error(request, reason)


def _said(count: int, *, takes_back: bool) -> str:
    if takes_back:
        return ngettext("已收回 %(count)d 项角色。", "已收回 %(count)d 项角色。", count) % {"count": count}
    return ngettext("已确认 %(count)d 项角色。", "已确认 %(count)d 项角色。", count) % {"count": count}
