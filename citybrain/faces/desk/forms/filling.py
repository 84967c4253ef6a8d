"""Filling: the sheets that are mine to fill, and one of them as a table or person by person."""

from datetime import datetime
from typing import Any, Final

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from citybrain.base.catalogue import lists
from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.errors import Refused
from citybrain.faces.desk.addresses import query
from citybrain.faces.desk.data.home import Waiting
from citybrain.faces.desk.data.sets import number
from citybrain.faces.desk.doors import actor_of, officers
from citybrain.faces.desk.forms.shown import SHEET_TONES, left_to_fill, place
from citybrain.faces.desk.shell import page as shell_page
from citybrain.faces.look.shapes import SHAPES
from citybrain.hub.forms.access import FILL, in_reach
from citybrain.hub.forms.collecting.filling import open_sheet
from citybrain.hub.forms.collecting.handing import submit
from citybrain.hub.forms.collecting.rounds import OWED
from citybrain.hub.forms.collecting.sight import why_not_edit
from citybrain.hub.forms.collecting.signing import signings
from citybrain.hub.forms.models import RoundState, Shaped, Sheet, SheetState

KINDS: Final = ("owed", "sent", "all")
SENT: Final = (SheetState.SUBMITTED, SheetState.REVIEWED, SheetState.ACCEPTED)


def mine(actor: Actor) -> QuerySet[Sheet]:
    """Return the sheets of the areas where the actor fills; of nobody who doesn't."""
    rows: QuerySet[Sheet] = Sheet.objects.filter(in_reach(actor, (FILL,)))
    return rows.exclude(round__state=RoundState.CALLED_OFF)


def owed(actor: Actor) -> QuerySet[Sheet]:
    """Return what is to be filled now."""
    return mine(actor).filter(state__in=OWED, round__state=RoundState.OPEN)


def waiting_to_fill(actor: Actor, _now: datetime) -> list[Waiting]:
    """Return what waits to be filled, for the first page. No query for who fills nothing."""
    if not actor.may(FILL):
        return []
    return [Waiting(_("报表待填报"), owed(actor).count(), reverse("desk:forms_fill"))]


@never_cache
@officers
@require_GET
def list_view(request: HttpRequest) -> HttpResponse:
    """Sheets to fill, those due first; those handed in."""
    actor, now = actor_of(request), timezone.now()
    require(actor, FILL)
    chosen = request.GET.get("list", "owed")
    chosen = chosen if chosen in KINDS else "owed"
    words = request.GET.get("q", "").replace("\x00", "").strip()[:60]
    rows = {"owed": owed, "sent": lambda one: mine(one).filter(state__in=SENT), "all": mine}[chosen](actor)
    if words:
        rows = rows.filter(Q(round__form__title__icontains=words) | Q(area__name__icontains=words))
    rows = rows.select_related("round__form", "round__office").order_by(
        "-round__due_at" if chosen != "owed" else "round__due_at", "id"
    )
    found = lists.page_of(rows, number(request.GET.get("page", "")) or 1)
    kept = {"list": None if chosen == "owed" else chosen, "q": words}
    labels = {"owed": _("待填报"), "sent": _("已上报"), "all": _("全部")}
    context = {
        "tabs": [
            {
                "label": labels[kind],
                "url": query({}, list=kind),
                "active": kind == chosen,
                "count": owed(actor).count() if kind == "owed" else None,
            }
            for kind in KINDS
        ],
        "filters": [{"kind": "search", "name": "q", "label": _("报表或地区名称"), "value": words}],
        "keep": {"list": chosen},
        "clear_url": query({"list": chosen}),
        "chosen": chosen,
        "rows": [row_of(one, now) for one in found.rows],
        "total": found.total,
        "first": (found.number - 1) * lists.PAGE + 1 if found.rows else 0,
        "last": (found.number - 1) * lists.PAGE + len(found.rows),
        "prev_url": query(kept, page=found.number - 1) if found.number > 1 else "",
        "next_url": query(kept, page=found.number + 1) if found.number < found.pages else "",
    }
    return shell_page(request, "desk/forms/fill_list.html", "forms_fill", context)


def row_of(one: Sheet, now: datetime) -> dict[str, Any]:
    """Return one line of the list."""
    is_owed = one.state in OWED
    return {
        "one": one,
        "href": reverse("desk:forms_fill_sheet", args=[one.pk]),
        "place": place(one.area_id),
        "tone": SHEET_TONES[one.state],
        "state": one.get_state_display(),
        "left": left_to_fill(one.round, now) if is_owed and one.round.state == RoundState.OPEN else None,
        "share": known_share(one),
    }


def known_share(sheet: Sheet) -> int | None:
    """Return how much of a sheet data filled, in percent; None before it was opened."""
    return round(100 * sheet.cells_known / sheet.cells) if sheet.cells else None


def found_sheet(actor: Actor, sheet_id: int) -> Sheet:
    """Return a sheet where the actor fills. Raises Forbidden, Http404."""
    require(actor, FILL)
    rows = mine(actor).select_related("round__form", "round__office", "round__version", "area")
    found = rows.filter(pk=sheet_id).first()
    if found is None:
        raise Http404
    return found


@never_cache
@officers
@require_GET
def sheet_view(request: HttpRequest, sheet_id: int) -> HttpResponse:
    """The frame of one sheet; its cells come as data, so that the frame can be kept on the device."""
    actor = actor_of(request)
    sheet = open_sheet(actor, found_sheet(actor, sheet_id))
    one = sheet.round
    context = {
        "sheet": sheet,
        "form": one.form,
        "round": one,
        "place": place(sheet.area_id),
        "tone": SHEET_TONES[sheet.state],
        "state": sheet.get_state_display(),
        "left": left_to_fill(one, timezone.now()) if sheet.state in OWED else None,
        "why_not": why_not_edit(actor, sheet),
        "may_add": one.form.shaped != Shaped.FIGURES and not why_not_edit(actor, sheet),
        "may_bring": one.version.workbook_id is not None and not why_not_edit(actor, sheet),
        "signatures": signatures_of(sheet),
        "receiver": one.office.name,
        "shapes": list(SHAPES),
        "downloads": downloads(sheet),
    }
    return shell_page(request, "desk/forms/fill_sheet.html", "forms_fill", context)


def downloads(sheet: Sheet) -> list[dict[str, str]]:
    """Return what of a sheet can be taken out, as far as those pages are there."""
    found = []
    for name, icon, label in (
        ("forms_sheet_excel", "file-spreadsheet", "Excel"),
        ("forms_sheet_pdf", "printer", "PDF"),
    ):
        if name == "forms_sheet_excel" and sheet.round.version.workbook_id is None:
            continue
        try:
            found.append({"href": reverse(f"desk:{name}", args=[sheet.pk]), "icon": icon, "label": label})
        except NoReverseMatch:
            continue
    return found


def signatures_of(sheet: Sheet) -> list[dict[str, Any]]:
    """Return the signatures under a sheet, the latest first."""
    return [{"name": one.name, "digest": one.digest, "at": one.at} for one in reversed(signings(sheet))]


@require_POST
@officers
def submit_view(request: HttpRequest, sheet_id: int) -> HttpResponse:
    """Hand a sheet in, signed."""
    actor = actor_of(request)
    sheet = found_sheet(actor, sheet_id)
    stamp = request.POST.get("stamp", "")
    try:
        submit(actor, sheet, stamp=int(stamp) if stamp.isdecimal() and len(stamp) < 19 else None)
        messages.success(request, _("已提交并签名。"))
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("desk:forms_fill_sheet", sheet_id)
    return redirect("desk:forms_fill")
