"""What the table of a sheet fetches and sends: cells, edits, a cell's changes, disputes; and the worker for no net."""

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import orjson
from django.contrib.staticfiles import finders
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from citybrain.base.identity.actor import Actor
from citybrain.base.identity.errors import Refused, refuse
from citybrain.faces.desk.doors import actor_of, officers
from citybrain.faces.desk.forms import cells
from citybrain.faces.desk.forms.filling import found_sheet
from citybrain.faces.desk.forms.shown import sets_of
from citybrain.faces.look import words
from citybrain.hub.forms.collecting import looking, rows
from citybrain.hub.forms.collecting.editing import edit
from citybrain.hub.forms.collecting.sight import why_not_edit
from citybrain.hub.forms.collecting.values import Seen
from citybrain.hub.forms.columns import Asks, Column
from citybrain.hub.forms.knowing.disputes import dispute
from citybrain.hub.forms.knowing.homes import same
from citybrain.hub.forms.models import Row, Sheet

WORKER: Final = "desk/forms/worker.js"


def sent_json(request: HttpRequest) -> dict[str, Any]:
    """Return the JSON object that was sent. Raises Refused for anything else."""
    try:
        found = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise refuse("body", _("发送的内容无效，请刷新页面。"))
    return found


def packed(told: dict[str, Any]) -> HttpResponse:
    """Return JSON fast: a sheet may hold 80,000 cells."""
    return HttpResponse(orjson.dumps(told), content_type="application/json")


def told(refused: Refused) -> JsonResponse:
    return JsonResponse({"detail": str(refused)}, status=409)


@never_cache
@officers
@require_GET
def cells_view(request: HttpRequest, sheet_id: int) -> HttpResponse:
    """All cells as the actor may see them, or with `since` the rows that changed after a stamp."""
    actor = actor_of(request)
    sheet = found_sheet(actor, sheet_id)
    since = request.GET.get("since", "")
    if since.isdecimal() and len(since) < 19:
        return packed(cells.sheet_json(looking.changes(actor, sheet, int(since)), whole=False))
    return packed(cells.sheet_json(whole_sheet(actor, sheet), whole=True))


def whole_sheet(actor: Actor, sheet: Sheet) -> Seen:
    """Return all rows of a sheet, however many; the stamp is the first page's, so that nothing is missed."""
    first = looking.look(actor, sheet, limit=looking.LIMIT_MOST)
    found = list(first.rows)
    while len(found) < first.total:
        more = looking.look(actor, sheet, offset=len(found), limit=looking.LIMIT_MOST).rows
        if not more:
            break
        found += more
    return replace(first, rows=tuple(found))


@never_cache
@require_POST
@officers
def edits_view(request: HttpRequest, sheet_id: int) -> HttpResponse:
    """Save edits, each once; say what became of each."""
    actor = actor_of(request)
    sheet = found_sheet(actor, sheet_id)
    try:
        saved = edit(actor, sheet, cells.edits_of(sent_json(request)))
    except Refused as refused:
        return told(refused)
    results = cells.results_json(saved.results, sets_of(sheet.round.version.shape))
    return packed({"stamp": saved.stamp, "open": True, "results": results})


@never_cache
@officers
@require_GET
def history_view(request: HttpRequest, sheet_id: int) -> HttpResponse:
    """Who changed a cell when; nothing of a cell that the actor may not see."""
    actor = actor_of(request)
    sheet = found_sheet(actor, sheet_id)
    key, letter = (request.GET.get(name, "").replace("\x00", "") for name in ("row", "letter"))
    found = looking.cell_history(actor, sheet, key[:80], letter[:8])
    return JsonResponse({"changes": [_change(one) for one in found]})


def _change(one: dict[str, Any]) -> dict[str, str]:
    kept = "" if one["applied"] else _("与他人修改冲突，未采用")
    return {"value": one["after"], "who": one["name"], "at": words.stamp(one["at"]), "kept": kept}


@never_cache
@require_POST
@officers
def dispute_view(request: HttpRequest, sheet_id: int) -> HttpResponse:
    """Say that a value is wrong: it goes to the data set's provider."""
    actor = actor_of(request)
    sheet = found_sheet(actor, sheet_id)
    try:
        sent = sent_json(request)
        why_not = why_not_edit(actor, sheet)
        if why_not:
            raise refuse("sheet", why_not)
        made = _dispute(request, sheet, {name: str(sent.get(name, "")).replace("\x00", "") for name in SENT})
    except Refused as refused:
        return told(refused)
    return JsonResponse({"dispute": made, "at": timezone.now().isoformat()})


SENT: Final = ("row", "letter", "claimed", "note")


def _dispute(request: HttpRequest, sheet: Sheet, sent: dict[str, str]) -> int:
    column = next((one for one in sheet.round.version.shape if one.letter == sent["letter"]), None)
    token = rows.token_of(sent["row"], sheet.round.key_seed)
    if column is None or column.asks != Asks.DATA or not token:
        raise refuse("letter", _("这一格不是由数据填充的，请直接填写。"))
    field = _field_of(sheet, sent["row"], column)
    made = dispute(
        actor_of(request), sheet.area_id, field, token, sent["claimed"][:200], sent["note"], sheet=sheet,
        row_key=sent["row"],
    )  # fmt: skip
    return int(made.pk)


def _field_of(sheet: Sheet, key: str, column: Column) -> str:
    """Return the field that a cell was filled from: the column's own, or the one that stood in for it."""
    marks = Row.objects.filter(sheet=sheet, key=key).values_list("marks", flat=True).first() or {}
    source = (marks.get(column.letter) or [column.dataset])[0]
    return next(
        (other for other in same().get(column.field, ()) if other.startswith(f"{source}.")), column.field
    )


@require_GET
def worker_view(_request: HttpRequest) -> HttpResponse:
    """The script that opens sheets without net; it lies here so that it rules over these pages and no others."""
    found = finders.find(WORKER)
    if found is None:
        raise Http404
    answer = HttpResponse(Path(str(found)).read_bytes(), content_type="text/javascript; charset=utf-8")
    answer["Cache-Control"] = "no-cache"
    return answer
