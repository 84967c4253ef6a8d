"""说件事: tell the hotline something in one's own words, follow it, rate the answer, add to it."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from citybrain.base.identity.actor import ANONYMOUS, Actor
from citybrain.base.identity.models import Person
from citybrain.base.identity.phones import masked
from citybrain.faces.portal import device, places, said_files, throttle, uploads, words
from citybrain.faces.portal.doors import (
    actor_of,
    citizen_of,
    portal,
    wait_of,
    wait_words,
    wants_json,
    with_files,
)
from citybrain.faces.portal.views.follow import FACES, Asked
from citybrain.hub.hotline import actions
from citybrain.hub.hotline.callers.numbers import normal_number
from citybrain.hub.hotline.channels import door, progress
from citybrain.hub.hotline.errors import BadInput, NotFound, TicketError
from citybrain.hub.hotline.message import NAME_MOST, PLACE_MOST, TEXT_MOST, Message
from citybrain.hub.hotline.models.ticket import Ticket
from citybrain.hub.hotline.states import Channel

FIELDS: Final = ("submission_key", "text", "place_text", "contact", "phone", "name", "shared", "secret")
ASKED: Final = {
    "rate": Asked(
        gettext_lazy("评价一下"), gettext_lazy("这次答复您满意吗？"), gettext_lazy("您的评价会影响办理单位的考核。"),
        gettext_lazy("提交评价"),
    ),
    "supplement": Asked(
        gettext_lazy("补充说明"), gettext_lazy("还想补充什么？"), gettext_lazy("办理的人会看到。"),
        gettext_lazy("提交补充"),
    ),
    "withdraw": Asked(
        gettext_lazy("撤回"), gettext_lazy("确定要撤回吗？"),
        gettext_lazy("撤回以后不再办理。问题还在的话，请不要撤回。"), gettext_lazy("确定撤回"),
    ),
}  # fmt: skip


@dataclass(slots=True)
class Said:
    """What the browser sent, with what is wrong beside its field."""

    values: dict[str, str]
    errors: dict[str, str] = field(default_factory=dict)
    key: uuid.UUID | None = None
    phone: str = ""
    name: str = ""
    area_id: int | None = None
    photos: list[uuid.UUID] = field(default_factory=list)

    def message(self) -> Message:
        return Message(
            channel=Channel.PORTAL,
            text=self.values["text"],
            phone=self.phone,
            name=self.name,
            shared=bool(self.phone and self.values["shared"]),
            secret=bool(self.values["secret"]),
            place_text=self.values["place_text"],
            area_id=self.area_id,
            submission_key=self.key,
        )


@with_files
@portal
@require_http_methods(["GET", "POST"])
def say(request: HttpRequest) -> HttpResponse:
    """Show the questions; take the words. The same submission again leads to the same receipt."""
    if request.method == "GET":
        return _page(request, Said(dict.fromkeys(FIELDS, "")))
    given = _read(request)
    try:
        given.photos = said_files.taken(request, _speaker(request), timezone.now())
    except BadInput as error:
        given.errors["photo"] = error.message
    if not given.errors:
        minutes = _wait(request)
        if minutes:
            given.errors[""] = wait_words(minutes)
            return _page(request, given, 429)
        try:
            return _send(request, given)
        except BadInput as error:
            given.errors[error.field if error.field in FIELDS else "text"] = error.message
    return _page(request, given, 422)


def _read(request: HttpRequest) -> Said:
    given = Said({name: str(request.POST.get(name, "")) for name in FIELDS})
    given.key = _key(given.values["submission_key"])
    if not given.values["text"].strip():
        given.errors["text"] = _("请写下您想说的事，一句话也行。")
    elif len(given.values["text"]) > TEXT_MOST:
        given.errors["text"] = _("写得太长了，请分几次说。")
    if len(given.values["place_text"].strip()) > PLACE_MOST:
        given.errors["place_text"] = _("地点写得太长了，最多 %(most)d 字。") % {"most": PLACE_MOST}
    elif given.values["place_text"].strip():
        found = places.search(given.values["place_text"].strip())
        given.area_id = found[0].area_id if len(found) == 1 else None
    _read_contact(given, citizen_of(request))
    return given


def _key(text: str) -> uuid.UUID | None:
    """Return the submission's key: a random UUID, so that nobody can hit upon another's."""
    try:
        key = uuid.UUID(text)
    except ValueError:
        return None
    return key if key.version == 4 else None


def _read_contact(given: Said, citizen: Person | None) -> None:
    if given.values["contact"] == "account" and citizen is not None:
        given.phone, given.name = citizen.phone, citizen.name
        return
    if given.values["contact"] != "phone":
        return
    given.name = given.values["name"].strip()[:NAME_MOST]
    number = normal_number(given.values["phone"])
    if number is None or len(number) < 7:
        given.errors["phone"] = (
            _("这个电话号码好像不对，请看一看。")
            if given.values["phone"].strip()
            else _("请写下电话号码，或者选“不留电话”。")
        )
        return
    given.phone = number


def _wait(request: HttpRequest) -> int:
    return wait_of(request, throttle.REPORTS_OF_ADDRESS, throttle.REPORTS_OF_DEVICE)


def _send(request: HttpRequest, given: Said) -> HttpResponse:
    actor = _speaker(request)
    taken = door.take_in(actor, given.message())
    said_files.attach(actor, given.photos, taken, given.key, timezone.now())
    response = redirect("portal:said_done", number=taken.number)
    device.remember(request, response, taken.number, taken.code)
    return response


def _speaker(request: HttpRequest) -> Actor:
    """Return who speaks: an officer speaks here as anybody does, not in office."""
    return actor_of(request) if citizen_of(request) is not None else ANONYMOUS


def _page(request: HttpRequest, given: Said, status: int = 200) -> HttpResponse:
    if wants_json(request) and given.errors:
        return JsonResponse({"errors": given.errors}, status=status)
    citizen = citizen_of(request)
    context = {
        "key": given.key or uuid.uuid4(),
        "values": given.values,
        "errors": given.errors,
        "held": [uploads.sign(token) for token in given.photos],
        "most_photos": uploads.MOST_PHOTOS,
        "account_phone": masked(citizen.phone) if citizen else "",
    }
    return render(request, "portal/say.html", context, status=status)


@portal
@require_GET
def done(request: HttpRequest, number: str) -> HttpResponse:
    """Thank, show number and query code, and say what happens next."""
    code = device.codes(request).get(number, "")
    ticket, folded = progress.find(number, actor=actor_of(request), query_code=code)
    context = {
        "number": ticket.number,
        "number_words": words.number(ticket.number),
        "code": folded.query_code if folded is not None else ticket.query_code,
        "expected": words.before(ticket.due_at, timezone.now()) if ticket.due_at and ticket.is_open else "",
        "folded": folded is not None,
    }
    return render(request, "portal/said_done.html", context)


@portal
@require_GET
def show(request: HttpRequest, number: str) -> HttpResponse:
    """Show how far it is, and the answer; who holds neither code nor account is asked for the code."""
    try:
        shown = progress.progress(
            number, actor=actor_of(request), query_code=device.codes(request).get(number, "")
        )
    except NotFound:
        return redirect("portal:look_up")
    now, ticket = timezone.now(), shown.ticket
    steps = [(one.key, ASKED[one.key]) for one in shown.steps if one.key in ASKED and one.key != "rate"]
    context = {
        "number": ticket.number,
        "number_words": words.number(ticket.number),
        "headline": shown.headline,
        "phase": shown.phase,
        "line": _line(shown, now),
        "said": shown.said,
        "full": shown.full,
        "place": ticket.place_text if shown.full else "",
        "answer": shown.answer,
        "agency": shown.agency,
        "expected": _expected(shown, now),
        "overdue": bool(shown.expected_at and shown.expected_at <= now),
        "moments": [
            {"when": words.moment(one.at, now), "stamp": words.stamp(one.at), "words": one.words,
             "answer": one.answer, "mine": one.mine, "mark": "user" if one.mine else "building"}
            for one in reversed(shown.moments)
        ],
        "steps": steps,
        "may_rate": any(one.key == "rate" for one in shown.steps),
        "faces": FACES,
        "rated": next(((icon, word) for value, icon, word in FACES if shown.full and value == ticket.rating), None),
        "kept": ticket.number in device.kept(request),
    }  # fmt: skip
    return render(request, "portal/said.html", context)


def _expected(shown: progress.Progress, now: datetime) -> str:
    late = shown.expected_at is None or shown.expected_at <= now
    return "" if late or shown.expected_at is None else words.before(shown.expected_at, now)


def _line(shown: progress.Progress, now: datetime) -> list[dict[str, Any]]:
    """Return the points of the line, each with its date; the one that holds now is `current`."""
    main = shown.main
    points = [
        (progress.RECEIVED, _("已收到"), shown.ticket.received_at),
        (progress.IN_HAND, _("正在办理"), main.dispatched_at),
        (progress.ANSWERED, _("已答复"), main.replied_at),
    ]
    names = [name for name, _label, _at in points]
    ended = shown.phase in {progress.ANSWERED, progress.ENDED}
    reached = len(names) - 1 if ended else names.index(shown.phase) if shown.phase in names else 0
    return [
        {
            "label": label,
            "when": words.moment(at, now) if at and place <= reached else "",
            "done": place < reached or (place == reached and ended),
            "current": place == reached,
        }
        for place, (_name, label, at) in enumerate(points)
    ]


@portal
@require_http_methods(["GET", "POST"])
def step(request: HttpRequest, number: str, key: str) -> HttpResponse:
    """Ask one thing of who told it, and do it."""
    if key not in ASKED:
        raise Http404
    code = device.codes(request).get(number, "")
    try:
        ticket, folded = progress.find(number, actor=actor_of(request), query_code=code)
    except NotFound:
        return redirect("portal:look_up")
    if folded is not None:
        raise Http404
    if request.method == "GET":
        return _question(request, ticket, key)
    given = {"reason": request.POST.get("reason", "")}
    if key == "rate":
        given |= {name: request.POST.get(name, "") for name in ("rating", "solved")}
    given = {name: value for name, value in given.items() if value != ""}
    try:
        actions.take(actor_of(request), ticket.pk, key, given, owner_code=code)
    except TicketError as error:
        return _question(request, ticket, key, error.message, error.status)
    return redirect("portal:said", number=ticket.number)


def _question(
    request: HttpRequest, ticket: Ticket, key: str, error: str = "", status: int = 200
) -> HttpResponse:
    context = {
        "number": ticket.number,
        "key": key,
        "asked": ASKED[key],
        "error": error,
        "reason": request.POST.get("reason", ""),
        "needs_words": key == "supplement",
        "faces": FACES,
        "chosen": request.POST.get("rating") or request.GET.get("rating", ""),
        "solved": request.POST.get("solved", ""),
    }
    return render(request, "portal/said_step.html", context, status=status)
