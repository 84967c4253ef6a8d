"""A sheet that was filled in Excel or WPS is dropped on its page: what it changes is shown, then saved."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from citybrain.base.exchange.reading import Unreadable
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.errors import Refused, refuse
from citybrain.faces.desk.doors import actor_of, officers
from citybrain.faces.desk.forms.adding import uploaded
from citybrain.faces.desk.forms.filling import found_sheet
from citybrain.hub.forms.book import NotTaken
from citybrain.hub.forms.collecting.aligning import Lost
from citybrain.hub.forms.collecting.bringing import Brought, bring, plan
from citybrain.hub.forms.collecting.comparing import Fate, Move, Plan
from citybrain.hub.forms.collecting.filling import open_sheet
from citybrain.hub.forms.collecting.rounds import OWED
from citybrain.hub.forms.models import Sheet

SHOWN: Final = 200
DRAFT: Final = re.compile(r"稿(\d{1,18})-(\d{1,18})")
LOST: Final = {
    Lost.SEVERAL: gettext_lazy("与几行都对得上，分不清是哪一行"),
    Lost.OTHER: gettext_lazy("像是表里的某一行，又不完全一致"),
    Lost.NO_ROWS: gettext_lazy("这张表不能增加行"),
    Lost.ELSEWHERE: gettext_lazy("写的是别的地区"),
}


def draft_of(sheet: Sheet) -> str:
    """Return the part of a workbook's name that tells which sheet it is and as of when; empty for one handed in."""
    return f"稿{sheet.pk}-{sheet.stamp}" if sheet.state in OWED else ""


def base_of(name: str, sheet: Sheet) -> int | None:
    """Return the sheet's stamp when a workbook of this name was taken out, None where the name doesn't tell.

    Raises Refused for another sheet's.
    """
    found = DRAFT.search(name)
    if found is None:
        return None
    if int(found[1]) != sheet.pk:
        raise refuse("file", _("这是另一张表的 Excel，请核对文件。"))
    return min(int(found[2]), sheet.stamp)


@never_cache
@require_POST
@officers
def excel_view(request: HttpRequest, sheet_id: int) -> HttpResponse:
    """Show what a workbook changes; with `go` save it, and show what is left."""
    actor = actor_of(request)
    sheet = open_sheet(actor, found_sheet(actor, sheet_id))
    given = request.FILES.get("file")
    try:
        if not isinstance(given, UploadedFile) or not given.size:
            raise refuse("file", _("请选择填好的 Excel 文件。"))
        base = base_of(given.name or "", sheet)
        with uploaded(given) as path:
            done = _brought(request, actor, sheet, path, base) if request.POST.get("go") == "1" else None
            found = plan(actor, sheet, path, base=base)
    except (Refused, NotTaken, Unreadable) as bad:
        return render(request, "desk/forms/excel.html", {"failed": str(bad)}, status=422)
    return render(request, "desk/forms/excel.html", shown(found, done))


def _brought(request: HttpRequest, actor: Actor, sheet: Sheet, path: Path, base: int | None) -> Brought:
    seen = request.POST.get("seen", "")
    stamp = int(seen) if seen.isdecimal() and len(seen) < 19 else None
    return bring(actor, sheet, path, base=base, shown=stamp, over=request.POST.getlist("over"))


def shown(found: Plan, done: Brought | None) -> dict[str, Any]:
    """Return a plan as its piece of page shows it; `done`: what was saved just now."""
    changes = [one for one in found.of(Fate.CHANGE) if one.key not in {row.key for row in found.new}]
    clashes = found.of(Fate.CONFLICT)
    return {
        "plan": found,
        "done": done,
        "changes": _part(changes),
        "rows": _part(found.new),
        "clashes": _part(clashes),
        "doubts": _part(found.of(Fate.DATA)),
        "refused": _part([*found.of(Fate.REFUSED), *found.of(Fate.HIDDEN)]),
        "lost": _part([{"number": one.number, "name": one.name, "why": LOST[one.why]} for one in found.lost]),
        "saves": len(changes) + len(found.new),
        "left": _left(found),
    }


def _part(found: Sequence[Move] | Sequence[Any]) -> dict[str, Any]:
    return {"all": len(found), "shown": found[:SHOWN], "more": max(0, len(found) - SHOWN)}


def _left(found: Plan) -> list[str]:
    """Return in words what of the workbook makes no difference."""
    told = (
        (found.emptied, _("%(n)d 格在文件里是空的：保留屏上的值")),
        (found.earlier, _("%(n)d 格是下载时的旧值，之后已更新：保留新值")),
        (found.again, _("%(n)d 处这个文件已导入过，不再重复")),
        (found.absent, _("%(n)d 行文件里没有：不会删除")),
    )
    return [words % {"n": count} for count, words in told if count] + [*found.notes, *found.beyond[:5]]
