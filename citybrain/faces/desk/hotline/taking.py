"""接听登记: a call is written down, kept while it is written, and becomes a ticket that is answered or sent on."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from citybrain.base.identity.access import Forbidden, require
from citybrain.base.identity.actor import Actor
from citybrain.faces.desk.doors import actor_of
from citybrain.faces.desk.hotline import files as form_files
from citybrain.faces.desk.hotline.doors import hotline
from citybrain.faces.desk.hotline.looking import look
from citybrain.faces.desk.hotline.outlines import outline_of
from citybrain.faces.desk.hotline.shown import item_name
from citybrain.faces.desk.shell import page as shell_page
from citybrain.faces.look import words
from citybrain.hub.hotline import actions, files, unsent
from citybrain.hub.hotline.callers.looking import look_at
from citybrain.hub.hotline.callers.numbers import shown
from citybrain.hub.hotline.channels.door import Taken, take_in
from citybrain.hub.hotline.errors import BadInput, TicketError
from citybrain.hub.hotline.limits import limit_for
from citybrain.hub.hotline.linking import calls
from citybrain.hub.hotline.message import Message
from citybrain.hub.hotline.states import Channel, Kind, Step, Urgency
from citybrain.hub.hotline.unsent import FIELDS, TAKE

DONE: Final = "hotline_done"
KEEP_MOST: Final = 600_000  # bytes of one note


@dataclass(frozen=True, slots=True)
class Done:
    """What was just written down, for the operator to tell the caller."""

    number: str
    code: str
    said: str
    notes: tuple[str, ...] = ()


@hotline
@require_http_methods(["GET", "POST"])
def call_view(request: HttpRequest) -> HttpResponse:
    """The operator's screen: empty, of a call (?call=), or of a note that was kept (?key=)."""
    actor = actor_of(request)
    require(actor, TAKE)
    if request.method == "POST":
        return _send(request, actor)
    return _draw(request, actor, _begun(request, actor))


def _begun(request: HttpRequest, actor: Actor) -> dict[str, str]:
    """Return the fields that the form begins with."""
    key = _key(request.GET.get("key", ""))
    note = unsent.note_of(actor, key) if key else None
    if note is not None:
        return {**note.fields, "key": str(note.key)}
    given = {"key": str(key or uuid.uuid4())}
    asked = request.GET.get("call", "")
    call: calls.LiveCall | None = None
    if asked.isascii() and asked.isdigit() and len(asked) < 18:
        call = calls.own_call(actor, int(asked))
    elif key is None and "done" not in request.GET:
        call = calls.current_call(actor)
    if call is None or call.ticket_id is not None:
        return given
    begun = next((one for one in unsent.notes_of(actor) if one.call_id == call.call_id), None)
    if begun is not None:
        return {**begun.fields, "key": str(begun.key)}
    return {**given, "call": str(call.call_id), "phone": call.number}


def _draw(
    request: HttpRequest,
    actor: Actor,
    given: Mapping[str, str],
    wrong: str = "",
    field: str = "",
    held: files.Kept | None = None,
) -> HttpResponse:
    told = {name: given.get(name, "") for name in FIELDS}
    told |= {"key": given.get("key") or str(uuid.uuid4()), "urgency": given.get("urgency") or Urgency.GENERAL}
    context: dict[str, Any] = {
        "given": told,
        "item_label": item_name(told["item"]),
        "looked": look(actor, told),
        "notes": [one for one in unsent.notes_of(actor) if str(one.key) != told["key"]],
        "kinds": Kind.choices,
        "urgencies": urgencies(),
        "outline": outline_of(actor, TAKE),
        "extension": calls.extension_of(actor),
        "done": _done(request),
        "held": form_files.named(actor, held.tokens) if held else [],
        "wrong": wrong,
        "wrong_field": field,
    }
    return shell_page(
        request, "desk/hotline/taking.html", "hotline_call", context, status=422 if wrong else 200
    )


def urgencies() -> list[tuple[str, str, str]]:
    """Return (value, word, limit in words) of each urgency, the general one first."""
    on = timezone.localdate()
    order = (Urgency.GENERAL, Urgency.UTILITIES, Urgency.DANGER)
    found = []
    for one in order:
        limit = limit_for(Step.SIGNING, one, False, on)
        length = words.span(timedelta(minutes=limit.minutes), working=limit.working)
        found.append((one.value, str(one.label), _("%(span)s内签收") % {"span": length}))
    return found


def _send(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Make the note a ticket, then answer it or send it on. What can't be done yet leaves the ticket where it is."""
    given = {name: request.POST.get(name, "").strip() for name in (*FIELDS, "key")}
    given["text"] = request.POST.get("text", "")
    then = request.POST.get("then", "file")
    held = files.Kept()
    try:
        held = form_files.taken(request, actor)
        if then == "answer" and not given["answer"]:
            raise BadInput(_("请写明答复内容。"), "answer")
        taken = take_in(actor, message_of(given))
    except TicketError as error:
        return _draw(request, actor, given, error.message, error.field, held)
    files.attach(actor, held.tokens, taken.ticket_id, timezone.now())
    taken = replace(
        taken,
        notes=(
            *taken.notes,
            *(_("%(name)s：%(why)s") % {"name": name, "why": why} for name, why in held.refused),
        ),
    )
    _tie(actor, given["call"], taken.ticket_id)
    key = _key(given["key"])
    if key is not None:
        unsent.drop_note(actor, key)
    step, undone = _go_on(actor, taken, then, given)
    if undone:
        request.session[DONE] = [taken.number, taken.code, undone, list(taken.notes)]
        return HttpResponseRedirect(reverse("desk:hotline_ticket", args=[taken.number]) + "?undone=1")
    request.session[DONE] = [taken.number, taken.code, step, list(taken.notes)]
    return HttpResponseRedirect(reverse("desk:hotline_call") + "?done=1")


def message_of(given: Mapping[str, str]) -> Message:
    """Return what the operator wrote as a message. Raises BadInput naming the field."""
    if not given["text"].strip():
        raise BadInput(_("请写下来电人说的事。"), "text")
    return Message(
        channel=Channel.PHONE,
        text=given["text"],
        title=given["title"],
        kind=given["kind"] if given["kind"] in Kind.values else "",
        phone=given["phone"],
        name=given["name"],
        shared=bool(given["shared"]),
        secret=bool(given["secret"]),
        place_text=given["place_text"],
        lon=degrees(given["lon"], "lon"),
        lat=degrees(given["lat"], "lat"),
        area_id=int(given["area"]) if given["area"].isascii() and given["area"].isdigit() else None,
        item_code=given["item"],
        urgency=given["urgency"] if given["urgency"] in {Urgency.DANGER, Urgency.UTILITIES} else "",
        submission_key=_key(given["key"]),
    )


def degrees(value: str, field: str) -> float | None:
    """Return degrees, None for an empty text. Raises BadInput."""
    if not value:
        return None
    try:
        number = float(value)
    except ValueError:
        raise BadInput(_("位置无效，请在地图上重新选择。"), field) from None
    if not -180 <= number <= 180:
        raise BadInput(_("位置无效，请在地图上重新选择。"), field)
    return number


def _go_on(actor: Actor, taken: Taken, then: str, given: Mapping[str, str]) -> tuple[str, str]:
    """Take the step asked for; return what was done, or what could not be done and why."""
    if not taken.created:
        return _("这次登记此前已提交过。"), ""
    if then == "answer":
        step, inputs, said = (
            "answer",
            {"reply": given["answer"]},
            _("已登记并当场答复，请把工单编号告诉来电人。"),
        )
    elif then == "dispatch":
        step, said = "dispatch", _("已登记并派单，请把工单编号告诉来电人。")
        inputs = {"agency": given["agency"]} if given["agency"] else {}
    else:
        return _("已登记，等待受理。"), ""
    try:
        actions.take(actor, taken.ticket_id, step, inputs)
    except (TicketError, Forbidden) as error:
        return "", _("已登记，但还没有派出或答复：%(why)s") % {"why": str(error)}
    return said, ""


def _tie(actor: Actor, call: str, ticket_id: int) -> None:
    """Tie the call to its ticket; a call that is gone is no reason to lose the ticket."""
    if not (call.isascii() and call.isdigit() and len(call) < 18):
        return
    try:
        calls.tie_call(actor, int(call), ticket_id)
    except TicketError:
        return


def _done(request: HttpRequest) -> Done | None:
    told = request.session.pop(DONE, None) if "done" in request.GET else None
    return Done(told[0], told[1], told[2], tuple(told[3])) if told else None


def take_undone(request: HttpRequest) -> Done | None:
    """Return what a ticket's page has to say after a call whose step could not be taken."""
    told = request.session.pop(DONE, None) if "undone" in request.GET else None
    return Done(told[0], told[1], told[2], tuple(told[3])) if told else None


def _key(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


@hotline
@require_POST
def keep_view(request: HttpRequest) -> JsonResponse:
    """Keep what is on the form (JSON of its fields); nothing is told back but that it was kept."""
    actor = actor_of(request)
    require(actor, TAKE)
    if len(request.body) > KEEP_MOST:
        raise BadInput(_("内容过长，请先提交。"), "text")
    try:
        told = json.loads(request.body)
        key = uuid.UUID(str(told["key"]))
    except (ValueError, KeyError, TypeError):
        raise BadInput(_("表单已失效，请刷新后重试。"), "key") from None
    fields = {name: str(value) for name, value in told.items() if isinstance(value, str)}
    kept = unsent.keep_note(actor, key, fields, now=timezone.now())
    return JsonResponse({"kept": kept}, status=200 if kept else 409)


@hotline
@require_POST
def drop_view(request: HttpRequest) -> JsonResponse:
    """Throw one's own note away."""
    key = _key(request.POST.get("key", ""))
    return JsonResponse({"dropped": bool(key and unsent.drop_note(actor_of(request), key))})


@hotline
@require_GET
def line_view(request: HttpRequest) -> JsonResponse:
    """The call on one's own line now, for any open page of the desk; the number's middle stays hidden."""
    actor = actor_of(request)
    live = calls.current_call(actor)
    if live is None:
        return JsonResponse({"call": None})
    known = look_at(actor, live.caller_id) if live.caller_id is not None else None
    before = _("以前来过 %(n)d 次") % {"n": known.messages} if known and known.messages else _("第一次来电")
    return JsonResponse(
        {
            "call": live.call_id,
            "state": live.state,
            "written": live.ticket_id is not None,
            "who": f"{shown(live.number) if live.number else _('号码未显示')} · {before}",
            "url": f"{reverse('desk:hotline_call')}?call={live.call_id}",
        }
    )


@hotline
@require_POST
def sit_view(request: HttpRequest) -> HttpResponse:
    """Say at which extension one sits, so that calls find this screen."""
    calls.sit_at(actor_of(request), request.POST.get("extension", ""))
    return HttpResponseRedirect(reverse("desk:hotline_call"))
