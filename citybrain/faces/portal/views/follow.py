"""查进度: a report followed by its number and query code, and what its reporter may still do."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from citybrain.faces.portal import device, places, rows, throttle, uploads, words
from citybrain.faces.portal.doors import actor_of, address_of, portal, wait_words, with_files
from citybrain.hub.cases import actions, progress
from citybrain.hub.cases.errors import BadInput, CaseError, NotFound
from citybrain.hub.cases.models import Case, CasePhoto
from citybrain.hub.cases.states import PhotoKind, Rating
from citybrain.hub.hotline.channels import progress as said
from citybrain.hub.hotline.errors import NotFound as TicketNotFound

OWNER_STEPS: Final = ("rate", "challenge", "appeal", "supplement", "withdraw")
TAKES_PHOTOS: Final = frozenset({"challenge", "supplement"})
NUMBER_MOST: Final = 20
TYPED_MOST: Final = 200
NUMBER: Final = re.compile(r"(?:RX ?)?\d(?:[ -]?\d){11,19}(?!\d)", re.ASCII)
CODE: Final = re.compile(r"(?<![A-Z0-9])[A-Z0-9]{6}(?![A-Z0-9])", re.ASCII)

FACES: Final = (
    (Rating.VERY_SATISFIED, "mood-happy", pgettext_lazy("rating", "很满意")),
    (Rating.SATISFIED, "mood-smile", pgettext_lazy("rating", "满意")),
    (Rating.FAIRLY_SATISFIED, "mood-empty", pgettext_lazy("rating", "还可以")),
    (Rating.DISSATISFIED, "mood-sad", pgettext_lazy("rating", "不满意")),
    (Rating.VERY_DISSATISFIED, "mood-cry", pgettext_lazy("rating", "很不满意")),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One thing that the reporter may do: the button, the question of its screen, the hint below it."""

    button: Any
    question: Any
    hint: Any
    send: Any


ASKED: Final = {
    "rate": Asked(
        gettext_lazy("评价一下"), gettext_lazy("这件事办得怎么样？"), gettext_lazy("您的评价会影响办理单位的考核。"),
        gettext_lazy("提交评价"),
    ),
    "challenge": Asked(
        gettext_lazy("仍未解决"), gettext_lazy("哪里还没有解决？"),
        gettext_lazy("我们会重新办理。拍一张现在的照片会更快。"), gettext_lazy("请重新处理"),
    ),
    "appeal": Asked(
        gettext_lazy("请重新受理"), gettext_lazy("为什么应当受理？"),
        gettext_lazy("写下您的理由，我们会重新看一遍。"), gettext_lazy("提交"),
    ),
    "supplement": Asked(
        gettext_lazy("补充说明"), gettext_lazy("还想补充什么？"), gettext_lazy("文字、照片都可以，办理的人会看到。"),
        gettext_lazy("提交补充"),
    ),
    "withdraw": Asked(
        gettext_lazy("撤回"), gettext_lazy("确定要撤回吗？"),
        gettext_lazy("撤回以后不再办理。问题还在的话，请不要撤回。"), gettext_lazy("确定撤回"),
    ),
}  # fmt: skip


@portal
@require_http_methods(["GET", "POST"])
def look_up(request: HttpRequest) -> HttpResponse:
    """Ask for number and query code; what this device may follow needs neither."""
    if request.method == "GET":
        return _ask(request)
    number, code = _typed(request.POST.get("number", ""), request.POST.get("code", ""))
    if not number or not code:
        return _ask(request, error=_("请填写编号和查询码。"), status=422)
    found, minutes = _checked(request, number, code)
    if minutes:
        return _ask(request, error=wait_words(minutes), status=429)
    if found is None:
        return _ask(request, error=_("编号或查询码不对，请对照当时记下的再看一看。"), status=404)
    page = "portal:said" if rows.is_ticket(found) else "portal:progress"
    response = redirect(page, number=found)
    device.remember(request, response, found, code, keep="keep" in request.POST)
    return response


def _typed(number: str, code: str) -> tuple[str, str]:
    """Return number and code as they were meant: wide figures, gaps and words around them don't matter.

    Who pastes what our button copied (编号 … 查询码 …) into the first field needs no second.
    """
    told = unicodedata.normalize("NFKC", number[:TYPED_MOST]).upper()
    code = "".join(unicodedata.normalize("NFKC", code[:TYPED_MOST]).upper().split())
    found = NUMBER.search(told)
    if found is None:
        return "".join(letter for letter in told if letter.isalnum())[:NUMBER_MOST], code
    if not code and (codes := CODE.findall(told, found.end())):
        code = codes[-1]
    return "".join(letter for letter in found[0] if letter.isalnum()), code


def _checked(request: HttpRequest, number: str, code: str) -> tuple[str | None, int]:
    """Return the number of what number and code open, None for none; and the minutes to wait before another try.

    A try counts before it is looked at, and is given back when it was right: many at once can't slip through.
    """
    here = address_of(request)
    takes = [
        (throttle.LOOKUPS_OF_CASE_AND_ADDRESS, f"{number}:{here}"),
        (throttle.LOOKUPS_OF_ADDRESS, here),
        (throttle.LOOKUPS_OF_CASE, number),
    ]
    minutes = throttle.first_wait(takes, timezone.now())
    if minutes:
        return None, minutes
    try:
        if rows.is_ticket(number):
            found = said.find(number, actor=actor_of(request), query_code=code)[0].number
        else:
            found = progress.find(number, actor=actor_of(request), query_code=code).number
    except (NotFound, TicketNotFound):
        return None, 0
    throttle.give_back(takes)
    return found, 0


def _ask(request: HttpRequest, error: str = "", status: int = 200) -> HttpResponse:
    kept = device.kept(request)
    now = timezone.now()
    context = {
        "error": error,
        "rows": rows.of_device(kept, now),
        "number": request.POST.get("number", "")[:40],
    }
    return render(request, "portal/look_up.html", context, status=status)


@portal
@require_GET
def show(request: HttpRequest, number: str) -> HttpResponse:
    """Show how far a report has come; who holds neither code nor account is asked for the code."""
    try:
        shown = progress.progress(
            number, actor=actor_of(request), query_code=device.codes(request).get(number, "")
        )
    except NotFound:
        return redirect("portal:look_up")
    return _shown(request, shown)


def _shown(request: HttpRequest, shown: progress.Progress) -> HttpResponse:
    now = timezone.now()
    case = shown.case
    after = [photo for photo in shown.photos if photo.kind == PhotoKind.AFTER]
    context = {
        "case": case,
        "number_words": words.number(case.number),
        "headline": shown.headline,
        "phase": rows.phase_of(case),
        "line": _line(shown, now),
        "answer": _answer(shown),
        "where": places.where_is(case),
        "moments": [
            {"when": words.moment(one.at, now), "stamp": words.stamp(one.at), "words": one.words,
             "answer": one.answer, "mine": one.mine, "mark": "user" if one.mine else "building"}
            for one in reversed(shown.moments)
        ],
        "agency": shown.agency,
        "expected": words.before(shown.expected_at, now) if shown.expected_at and shown.expected_at > now else "",
        "overdue": bool(shown.expected_at and shown.expected_at <= now and shown.phase == progress.IN_HAND),
        "after": after,
        "before": [photo for photo in shown.photos if photo.kind != PhotoKind.AFTER],
        "steps": [(step.key, ASKED[step.key]) for step in shown.steps if step.key in ASKED and step.key != "rate"],
        "may_rate": any(step.key == "rate" for step in shown.steps),
        "faces": FACES,
        "rated": next(((icon, word) for value, icon, word in FACES if value == case.rating), None),
        "main_number": shown.main_number,
        "kept": case.number in device.kept(request),
        "title": case.item.name if case.item else "",
    }  # fmt: skip
    return render(request, "portal/progress.html", context)


def _answer(shown: progress.Progress) -> str:
    """Return what the city told the reporter last, once it came to an end."""
    if shown.phase != progress.DONE:
        return ""
    return next((one.answer for one in reversed(shown.moments) if one.answer and not one.mine), "")


def _line(shown: progress.Progress, now: datetime) -> list[dict[str, Any]]:
    """Return the three points of the line, each with its date; the one that holds now is `current`."""
    case = shown.case.duplicate_of or shown.case
    refused = rows.phase_of(case) == "refused"
    ended = case.closed_at or (case.changed_at if refused else None)
    begun = case.filed_at or case.dispatched_at
    points = [
        ("received", _("已收到"), shown.case.reported_at),
        ("in_hand", _("正在处理"), begun),
        ("done", shown.headline if shown.phase == progress.DONE else _("已解决"), ended),
    ]
    if refused and begun is None:
        del points[1]
    names = [name for name, _label, _at in points]
    reached = names.index(shown.phase) if shown.phase in names else 0
    return [
        {
            "label": label,
            "when": words.moment(at, now) if at and place <= reached else "",
            "done": place < reached or (place == reached and shown.phase == progress.DONE),
            "current": place == reached,
        }
        for place, (_name, label, at) in enumerate(points)
    ]


@with_files
@portal
@require_http_methods(["GET", "POST"])
def step(request: HttpRequest, number: str, key: str) -> HttpResponse:
    """Ask one thing of the reporter, and do it."""
    if key not in OWNER_STEPS:
        raise Http404
    code = device.codes(request).get(number, "")
    try:
        case = progress.find(number, actor=actor_of(request), query_code=code)
    except NotFound:
        return redirect("portal:look_up")
    if request.method == "GET":
        return _question(request, case, key)
    try:
        actions.take(actor_of(request), case.pk, key, _given(request, key), owner_code=code)
    except CaseError as error:
        return _question(request, case, key, error.message, error.status)
    return redirect("portal:progress", number=case.number)


def _given(request: HttpRequest, key: str) -> dict[str, Any]:
    given: dict[str, Any] = {"reason": request.POST.get("reason", "")}
    if key == "rate":
        given["rating"] = request.POST.get("rating", "")
    if key in TAKES_PHOTOS:
        ahead = uploads.tokens(request.POST.getlist("photo_token"))
        room = uploads.MOST_PHOTOS - len(ahead)
        fresh = uploads.take_files(actor_of(request), request, PhotoKind.CLOSE, room)
        given["photos"] = [str(token) for token in (*ahead, *(photo.token for photo in fresh))]
    return given


def _question(request: HttpRequest, case: Case, key: str, error: str = "", status: int = 200) -> HttpResponse:
    names = request.POST.getlist("photo_token") if request.method == "POST" else []
    context = {
        "case": case,
        "key": key,
        "asked": ASKED[key],
        "error": error,
        "reason": request.POST.get("reason", ""),
        "needs_words": key not in {"rate", "withdraw"},
        "takes_photos": key in TAKES_PHOTOS,
        "faces": FACES,
        "chosen": request.POST.get("rating") or request.GET.get("rating", ""),
        "held": _still_held(names),
        "most_photos": uploads.MOST_PHOTOS,
    }
    return render(request, "portal/step.html", context, status=status)


def _still_held(names: list[str]) -> list[str]:
    """Return the signed names whose photos are not on a case yet."""
    try:
        wanted = {uploads.unsign(name): name for name in names[: uploads.MOST_PHOTOS]}
    except BadInput:
        return []
    free = CasePhoto.objects.filter(token__in=list(wanted), case=None).values_list("token", flat=True)
    return [wanted[token] for token in free]


@portal
@require_POST
def forget(request: HttpRequest, number: str) -> HttpResponse:
    """Take a report off this device."""
    response = redirect("portal:look_up")
    device.forget(request, response, number)
    return response
