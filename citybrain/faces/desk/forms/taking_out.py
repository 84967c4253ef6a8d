"""Sheets and roll-ups as Excel in the form's own workbook, and as PDF. Each is written down in the ledger."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from citybrain.base.areas.models import Level
from citybrain.base.areas.tree import tree
from citybrain.base.exchange.reading import Unreadable
from citybrain.base.ledger.append import record
from citybrain.faces.desk.doors import actor_of, officers
from citybrain.faces.desk.forms.bringing import draft_of
from citybrain.faces.desk.forms.filling_feed import whole_sheet
from citybrain.faces.desk.forms.finding import found_round, found_sheet
from citybrain.faces.desk.forms.one_form import TYPES
from citybrain.faces.desk.forms.reviewing import sources_of
from citybrain.faces.desk.forms.rollups import level_of
from citybrain.faces.desk.forms.rounds import below_of
from citybrain.faces.desk.forms.shown import place
from citybrain.faces.look import words
from citybrain.hub.forms import book, collecting
from citybrain.hub.forms.making.workbooks import path_of
from citybrain.hub.forms.models import Sheet, Version
from citybrain.hub.forms.rosters.counting import codes_in

CIRCLED: Final = 20


class NoWorkbook(ValueError):
    """A form that was made without an Excel of its own."""


def filled(version: Version, rows: Sequence[Mapping[str, Any]]) -> book.Written:
    """Return a form's own workbook with rows in it. Raises NoWorkbook, NotTaken, Unreadable."""
    if version.workbook is None:
        raise NoWorkbook(_("这张报表没有 Excel 原表，请用 PDF。"))
    table = book.Table(
        path_of(version.workbook), version.sheet, version.header_first, version.header_last, version.begins,
        version.shape, version.workbook.kind,
    )  # fmt: skip
    return book.write(table, rows)


def sent(content: bytes, kind: str, name: str) -> HttpResponse:
    """Return a file to be kept."""
    answer = HttpResponse(content, content_type=TYPES.get(kind, "application/pdf"))
    given = content_disposition_header(as_attachment=True, filename=f"{name}.{kind}")
    answer["Content-Disposition"] = given or "attachment"
    return answer


def _excel(
    request: HttpRequest, version: Version, rows: Sequence[Mapping[str, Any]], name: str
) -> HttpResponse | None:
    """Return the workbook; None where it can't be made, which is then told."""
    try:
        made = filled(version, rows)
    except (NoWorkbook, book.NotTaken, Unreadable, OSError) as bad:
        messages.error(request, _("没能生成 Excel：%(why)s") % {"why": bad})
        return None
    return sent(made.content, made.kind, name)


def name_of(*parts: str) -> str:
    """Return a file's name of what it is about."""
    return "_".join(part.replace("/", "-") for part in parts if part)


@never_cache
@require_GET
@officers
def sheet_excel_view(request: HttpRequest, sheet_id: int) -> HttpResponse:
    """One sheet in the workbook as it was sent, every other cell as it came."""
    actor = actor_of(request)
    one = found_sheet(actor, sheet_id)
    rows = collecting.export_rows(actor, one)
    name = name_of(one.round.form.title, one.round.period, place(one.area_id), draft_of(one))
    answer = _excel(request, one.round.version, rows, name)
    if answer is None:
        return redirect(request.META.get("HTTP_REFERER") or "desk:forms_rounds")
    _write_down(request, f"sheet:{one.pk}", "xlsx", len(rows))
    return answer


def _write_down(request: HttpRequest, subject: str, kind: str, rows: int) -> None:
    record(actor_of(request).key, "forms.export", subject, {"as": kind, "rows": rows}, at=timezone.now())


@never_cache
@require_GET
@officers
def sheet_pdf_view(request: HttpRequest, sheet_id: int) -> HttpResponse:
    """One sheet on paper, with where its values come from and who signed."""
    actor = actor_of(request)
    one = found_sheet(actor, sheet_id)
    rows = collecting.export_rows(actor, one)
    _write_down(request, f"sheet:{one.pk}", "pdf", len(rows))
    seen = whole_sheet(actor, one)
    signed = collecting.signings(one)
    from_where, marks = sources_and_marks(seen)
    paper = book.Paper(
        title=one.round.form.title, columns=one.round.version.shape, rows=rows, area=place(one.area_id),
        office=str(one.round.office), number=one.round.number or "", period=one.round.period,
        marks=marks, sources=from_where,
        signatures=_signatures(one, signed), note=one.round.note, made_at=timezone.now(),
    )  # fmt: skip
    return sent(book.pdf(paper), "pdf", name_of(one.round.form.title, one.round.period, place(one.area_id)))


def sources_and_marks(seen: collecting.Seen) -> tuple[list[book.Source], list[dict[str, str]]]:
    """Return where a sheet's values come from, each with its mark, and row by row the marks of its cells."""
    found = sources_of(seen)
    codes = {source["code"]: mark_of(at) for at, source in enumerate(found)}
    cells = [
        {
            letter: "".join(codes[code] for code in codes_in(cell.source))
            for letter, cell in row.cells.items()
            if cell.value and cell.of_data
        }
        for row in seen.rows
    ]
    named = [book.Source(codes[source["code"]], source["name"], source["as_of"]) for source in found]
    return named, cells


def mark_of(at: int) -> str:
    """Return the mark of a source by its place from 0: ① to ⑳, then (21) and so on."""
    return chr(ord("①") + at) if at < CIRCLED else f"({at + 1})"


def _signatures(one: Sheet, signed: Sequence[Any]) -> list[str]:
    if not signed:
        return []
    last = signed[-1]
    told = [_("填表人：%(name)s %(at)s") % {"name": last.name, "at": words.stamp(last.at)}]
    if one.reviewed_at:
        told.append(_("审核时间：%(at)s") % {"at": words.stamp(one.reviewed_at)})
    return [*told, f"SM3 {last.digest[:32]}…"]


@never_cache
@require_GET
@officers
def rollup_excel_view(request: HttpRequest, round_id: int) -> HttpResponse:
    """The roll-up in the form's own workbook: a row an area, its formulas working on what is shown."""
    actor = actor_of(request)
    one = found_round(actor, round_id)
    below = below_of(request, actor, one)
    outer = tree().get(below.pk if below else one.root_id)
    levels = [level for level in Level if outer.level < level <= one.level] or [Level(one.level)]
    exact = request.GET.get("exact") == "1"
    found = collecting.rollup(actor, one, level_of(request, levels), within=below, exact=exact)
    rows = found.book_rows()
    answer = _excel(request, one.version, rows, name_of(one.form.title, one.period, _("汇总")))
    if answer is None:
        return redirect("desk:forms_rollup", round_id)
    _write_down(request, f"round:{one.number}", "rollup", len(rows))
    return answer


@never_cache
@require_GET
@officers
def detail_excel_view(request: HttpRequest, round_id: int) -> HttpResponse:
    """Every row that was handed in, area after area, in the form's own workbook."""
    actor = actor_of(request)
    one = found_round(actor, round_id)
    rows = collecting.book_rows(actor, one, within=below_of(request, actor, one))
    answer = _excel(request, one.version, rows, name_of(one.form.title, one.period, _("明细")))
    return answer if answer is not None else redirect("desk:forms_rollup", round_id)
