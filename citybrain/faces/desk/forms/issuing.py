"""Sending a form down: below which area, to which level, until when; how many that makes is said before."""

from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from citybrain.base.areas.models import Area, Level
from citybrain.base.areas.tree import Node, tree
from citybrain.base.catalogue.access import Side
from citybrain.base.identity.access import require
from citybrain.base.identity.errors import Refused
from citybrain.faces.desk.choosing import area_name
from citybrain.faces.desk.doors import actor_of, officers
from citybrain.faces.desk.forms.asking import IssueForm, put_refusals
from citybrain.faces.desk.forms.finding import found_form
from citybrain.faces.desk.forms.one_form import round_line
from citybrain.faces.desk.forms.shown import level_name
from citybrain.faces.desk.shell import page as shell_page
from citybrain.faces.look import words
from citybrain.hub.forms.access import ISSUE
from citybrain.hub.forms.collecting import issue
from citybrain.hub.forms.models import Form, FormState, Round

INDENT: Final = "\u3000"


def roots_of(one: Form) -> list[tuple[int, str]]:
    """Return the areas a form may be sent below: the office's own, its districts and streets, indented."""
    top = tree().get(one.office.area_id)
    found: list[tuple[int, str]] = []

    def add(node: Node) -> None:
        found.append((node.id, INDENT * (node.level - top.level) + area_name(node)))
        if node.level < Level.STREET:
            for child in tree().children(node.id):
                add(child)

    add(top)
    return found


def takers(root: int, level: int) -> int:
    """Return how many areas of a level lie below an area, itself included."""
    node = tree().find(root)
    if node is None:
        return 0
    return int(node.level == level) + sum(one.level == level for one in tree().descendants(root))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@officers
def issue_view(request: HttpRequest, form_id: int) -> HttpResponse:
    """Send a form down."""
    actor = actor_of(request)
    one = found_form(actor, form_id)
    require(actor, ISSUE, Side(one.office))
    if one.state != FormState.ADMITTED:
        messages.error(request, _("这张报表还没有准入，不能下发。请先申请准入。"))
        return redirect("desk:form", form_id)
    roots = roots_of(one)
    form = IssueForm(roots, one, timezone.localdate(), request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            made = issue(
                actor, one, Area.objects.get(pk=given["root"]), given["level"], form.due(),
                period=given["period"], note=given["note"],
            )  # fmt: skip
        except Refused as refused:
            put_refusals(form, refused)
        else:
            count = takers(given["root"], given["level"])
            text = ngettext("已下发 %(n)s 份。", "已下发 %(n)s 份。", count) % {"n": words.amount(count)}
            messages.success(request, text)
            return redirect("desk:forms_round", made.pk)
    given = request.POST if request.method == "POST" else request.GET
    root = _whole(given.get("root", ""), roots[0][0])
    level = _whole(given.get("level", ""), one.fillers)
    context = {
        "one": one,
        "form": form,
        "count": takers(root, level) if root in dict(roots) and level in Level.values else 0,
        "where": area_name(tree().find(root)),
        "level_word": level_name(level) if level in Level.values else "",
        "share": round(one.assessed["share"] * 100) if one.assessed and "share" in one.assessed else None,
        "before": [
            round_line(each)
            for each in Round.objects.visible_to(actor).filter(form=one).order_by("-issued_at", "-id")[:5]
        ],
    }
    status = 422 if form.errors else 200
    return shell_page(request, "desk/forms/issue.html", "forms", context, status=status)


def _whole(text: Any, other: int) -> int:
    return int(text) if str(text).isdecimal() and len(str(text)) < 16 else other
