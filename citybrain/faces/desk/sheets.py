"""Sheets to print and sign: 派遣单 and 督办单, A4, with the number and a code that opens the case."""

from dataclasses import dataclass
from typing import Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from citybrain.faces.desk.doors import actor_of, officers
from citybrain.faces.desk.pageview import full_place
from citybrain.faces.look import words
from citybrain.hub.cases.detail import CasePage, EventView, case_page
from citybrain.hub.cases.errors import BadInput, NotNow
from citybrain.hub.cases.follow import DISPATCHES
from citybrain.hub.cases.states import Step

MOST: Final = 50


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of sheet. `actions` are the steps it tells of; without one of them there is no such sheet."""

    key: str
    title: Promise
    actions: frozenset[str]
    missing: Promise
    signs: tuple[Promise, ...]


KINDS: Final = {
    "dispatch": Kind(
        "dispatch", _("派遣单"), DISPATCHES, _("该案件还没有派遣, 没有派遣单。"),
        (_("派遣人"), _("接收人"), _("日期")),
    ),
    "supervision": Kind(
        "supervision", _("督办单"), frozenset({"supervise"}), _("该案件没有督办, 没有督办单。"),
        (_("督办人"), _("承办单位负责人"), _("日期")),
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sheet:
    """One page of paper."""

    kind: Kind
    page: CasePage
    code: SafeString
    event: EventView
    reported: str
    dispatched: str
    due: str
    rule: tuple[str, ...]
    place: str
    history: tuple[tuple[str, str, str, str], ...]


@officers
@require_GET
def sheet_view(request: HttpRequest, number: str, kind: str) -> HttpResponse:
    """One sheet, ready to print."""
    return _show(request, [_sheet(request, number, _kind(kind))])


@officers
@require_GET
def sheets_view(request: HttpRequest, kind: str) -> HttpResponse:
    """The sheets of several cases (?numbers=a,b), a page each; cases without one are named."""
    wanted = list(dict.fromkeys(filter(None, request.GET.get("numbers", "").split(","))))[:MOST]
    if not wanted:
        raise BadInput(str(_("请先选择案件。")), "numbers")
    drawn: list[Sheet] = []
    missing: list[str] = []
    for number in wanted:
        try:
            drawn.append(_sheet(request, number, _kind(kind)))
        except NotNow:
            missing.append(number)
    return _show(request, drawn, missing)


def _kind(key: str) -> Kind:
    if key not in KINDS:
        raise Http404
    return KINDS[key]


def _show(request: HttpRequest, drawn: list[Sheet], missing: list[str] | None = None) -> HttpResponse:
    context = {"sheets": drawn, "missing": missing or [], "printed": words.stamp(timezone.now())}
    return render(request, "desk/sheets/page.html", {**context, "me": actor_of(request)})


def _sheet(request: HttpRequest, number: str, kind: Kind) -> Sheet:
    page = case_page(actor_of(request), number)
    event = next((one for one in reversed(page.events) if one.action in kind.actions), None)
    if event is None:
        raise NotNow(str(kind.missing))
    clock = next((one for one in reversed(page.clocks) if one.step == Step.HANDLING), page.running)
    return Sheet(
        kind=kind,
        page=page,
        code=qr(request.build_absolute_uri(reverse("desk:case", args=[number]))),
        event=event,
        reported=words.stamp(page.case.reported_at),
        dispatched=words.stamp(page.case.dispatched_at),
        due=words.stamp(clock.due_at) if clock else "",
        rule=clock.lines if clock else (),
        place=full_place(page),
        history=tuple((words.stamp(one.at), one.label, one.who, one.reason) for one in page.events),
    )


def qr(text: str) -> SafeString:
    """Return a QR code as inline SVG without styles of its own: what is drawn is squares, never the text."""
    import segno

    drawn = segno.make(text, error="m", micro=False).svg_inline(
        border=1, svgclass="desk-qr", lineclass=None, omitsize=True
    )
    return mark_safe(drawn)  # noqa: S308 (segno draws the text as squares)
