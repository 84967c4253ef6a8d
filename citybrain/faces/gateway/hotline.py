"""The hotline for machines: tickets in by API; pushed messages, call events and hand-overs of signed systems."""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import RequestDataTooBig
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from ninja import Field, File, Router, Schema
from ninja.files import UploadedFile
from ninja.security import APIKeyHeader

from citybrain.base.areas.tree import tree
from citybrain.base.identity.access import require
from citybrain.faces.gateway.answers import answer
from citybrain.faces.gateway.doors import actor_of
from citybrain.faces.gateway.schemas import ErrorOut, Strict
from citybrain.hub.hotline import files
from citybrain.hub.hotline.callers import looking
from citybrain.hub.hotline.channels import door, hook, progress
from citybrain.hub.hotline.channels.texts import ref_within
from citybrain.hub.hotline.errors import BadInput, NotFound
from citybrain.hub.hotline.file_kinds import MOST_BYTES
from citybrain.hub.hotline.linking import attached, calls, hearing, partners
from citybrain.hub.hotline.linking.signing import BadSignature
from citybrain.hub.hotline.message import Message
from citybrain.hub.hotline.models.link import Partner, PartnerKind
from citybrain.hub.hotline.states import Channel

log = logging.getLogger("citybrain.gateway")
ERRORS = dict.fromkeys((400, 401, 403, 404, 409, 413, 422), ErrorOut)
router = Router()


class SignedBy(APIKeyHeader):
    """A call signed with a secret that both systems hold: X-Citybrain-Key, -Time, -Nonce, -Signature."""

    param_name = "X-Citybrain-Key"

    def __init__(self, *kinds: str) -> None:
        self.kinds = kinds
        super().__init__()

    def authenticate(self, request: HttpRequest, key: str | None) -> Any | None:
        """Return who signed; None for anybody else, who learns no more than that."""
        path = request.get_full_path()
        try:
            return partners.verified(request.headers, request.method or "", path, request.body, self.kinds)
        except BadSignature as refused:
            log.warning("%s %s is not taken: %s", request.method, request.path, refused.why)
            return None


@dataclass(frozen=True, slots=True)
class Brought:
    """A bare file that a partner signed."""

    partner: Partner
    raw: bytes


class SignedFile(SignedBy):
    """A call signed as the others are, whose body is a bare file: longer than a body of JSON may be."""

    def authenticate(self, request: HttpRequest, key: str | None) -> Any | None:
        """Return the file and who signed it; None for anybody else, of whom no more than a file's length is read."""
        if not Partner.objects.filter(key=key or "", is_active=True, kind__in=self.kinds).exists():
            return None
        told = request.headers.get("Content-Length", "")
        if not (told.isascii() and told.isdigit()) or int(told) > MOST_BYTES:
            raise RequestDataTooBig
        raw = request.read(MOST_BYTES + 1)
        path = request.get_full_path()
        try:
            partner = partners.verified(request.headers, request.method or "", path, raw, self.kinds)
        except BadSignature as refused:
            log.warning("%s %s is not taken: %s", request.method, request.path, refused.why)
            return None
        return Brought(partner, raw)


from_hook = SignedBy(PartnerKind.HOOK)
from_phone = SignedBy(PartnerKind.PHONE)
from_line = SignedBy(PartnerKind.HOTLINE, PartnerKind.POLICE)
file_from_line = SignedFile(PartnerKind.HOTLINE, PartnerKind.POLICE)


def partner_of(request: HttpRequest) -> Partner:
    return request.auth  # type: ignore[attr-defined,no-any-return]


class TicketIn(Strict):
    """What somebody told. `submission_key`, or your own `external_ref`, again gives the first receipt."""

    text: str = Field(min_length=1, max_length=1_000_000)
    title: str = Field("", max_length=200)
    kind: str = Field("", pattern=r"^[1-6]?$", description="1 咨询 2 求助 3 投诉 4 举报 5 建议 6 表扬")
    urgency: str = Field("", pattern=r"^(danger|utilities|general)?$")
    phone: str = Field("", max_length=30)
    name: str = Field("", max_length=60)
    shared: bool = Field(False, description="the unit may call them")
    secret: bool = Field(False, description="they want to stay unknown to the unit")
    place_text: str = Field("", max_length=300)
    lon: float | None = Field(None, ge=-180, le=180)
    lat: float | None = Field(None, ge=-90, le=90)
    area: str = Field("", max_length=15, description="code of an area")
    item: str = Field("", pattern=r"^(\d{6})?$")
    submission_key: UUID | None = None
    external_ref: str | None = Field(
        None, max_length=80, description="your own number of it; unique among what your account sends"
    )
    files: list[UUID] = Field(
        default=[], max_length=files.MOST_FILES, description="tokens of POST /hotline/files"
    )


class TakenOut(Schema):
    """`folded`: it came in a flood and is kept on the ticket that stands for it; `query_code` opens its progress.

    `files`: how many of yours are with it now; `files_missing`: tokens that nothing of yours stands behind, or no more.
    """

    number: str
    query_code: str
    created: bool
    folded: bool
    notes: list[str]
    files: int
    files_missing: list[UUID]


class FileOut(Schema):
    """A file that waits for its ticket, three days at most; put `token` into `files` of what is told."""

    token: UUID
    kind: str = Field(description="picture, letter, sound, video: by what it holds")
    name: str
    size: int


@router.post("/files", response={201: FileOut, **ERRORS})
def upload_file(request: HttpRequest, file: File[UploadedFile]) -> HttpResponse:
    """Send a file of 20 MB at most ahead of the ticket it belongs to; what isn't taken is told, and why (422)."""
    actor = actor_of(request)
    require(actor, "hotline.take")
    if (file.size or 0) > MOST_BYTES:
        raise RequestDataTooBig
    one = files.upload(file.read(), file.name or "", actor.person_id, timezone.now())
    return answer({"token": one.token, "kind": one.kind, "name": one.name, "size": one.size}, 201)


@router.post("/tickets", response={201: TakenOut, 200: TakenOut, **ERRORS})
def take_in(request: HttpRequest, payload: TicketIn) -> HttpResponse:
    """Tell the hotline something. 201 with its number; 200 when it was here before or joined another's ticket."""
    if (payload.lon is None) != (payload.lat is None):
        raise BadInput(_("经度和纬度须同时给出。"), "lat")
    actor = actor_of(request)
    message = Message(
        channel=Channel.API, text=payload.text, title=payload.title, kind=payload.kind, urgency=payload.urgency,
        phone=payload.phone, name=payload.name, shared=payload.shared, secret=payload.secret,
        place_text=payload.place_text, lon=payload.lon, lat=payload.lat,
        area_id=_area_id(payload.area) if payload.area else None, item_code=payload.item,
        submission_key=payload.submission_key, external_ref=ref_within(actor.key, payload.external_ref or ""),
    )  # fmt: skip
    now = timezone.now()
    with transaction.atomic():
        taken = door.take_in(actor, message, now=now)
        missing = files.missing(actor, payload.files, taken.ticket_id)
        files.attach(actor, payload.files, taken.ticket_id, now, folded_id=taken.folded_id)
    told = {
        "number": taken.number, "query_code": taken.code, "created": taken.created, "folded": taken.folded,
        "notes": taken.notes, "files": len(set(payload.files)) - len(missing), "files_missing": missing,
    }  # fmt: skip
    return answer(told, 201 if taken.created and not taken.folded else 200)


def _area_id(code: str) -> int:
    try:
        return tree().by_code(code).id
    except LookupError:
        raise BadInput(_("没有这个区域：%(code)s") % {"code": code}, "area") from None


@router.get("/tickets/{number}", response={200: dict[str, Any], **ERRORS})
def follow(request: HttpRequest, number: str, code: str = "") -> HttpResponse:
    """How far a ticket is, for who told it: by its query code, or with their own key."""
    shown = progress.progress(number, actor=actor_of(request), query_code=code)
    moments = [{"at": one.at, "words": one.words, "answer": one.answer} for one in shown.moments]
    told = {
        "number": shown.ticket.number,
        "phase": shown.phase,
        "headline": shown.headline,
        "answer": shown.answer,
    }
    return answer({**told, "agency": shown.agency, "expected_at": shown.expected_at, "moments": moments})


class NumberIn(Strict):
    """A number to look up: in the body, so that it stands in no log of addresses."""

    phone: str = Field(min_length=1, max_length=30)


@router.post("/callers", response={200: dict[str, Any], **ERRORS})
def look_up_caller(request: HttpRequest, payload: NumberIn) -> HttpResponse:
    """What is known of a number: how often, which tickets you may see, what to mind. 404 for one never heard of."""
    found = looking.look_up(actor_of(request), payload.phone)
    if found is None:
        raise NotFound
    return answer(found.to_json())


@router.post("/messages", auth=from_hook, response={200: dict[str, Any], **ERRORS})
def push_messages(request: HttpRequest) -> HttpResponse:
    """Push messages of another system (signed): one object, or {"messages": [...]}, a hundred at most.

    Answers with a result for each, in their order: taken with its number, or refused with the field that is wrong.
    """
    results = hook.take_messages(partner_of(request), hook.read_body(request.body))
    taken = sum(one.taken is not None for one in results)
    return answer(
        {"taken": taken, "refused": len(results) - taken, "results": [one.to_json() for one in results]}
    )


@router.post("/calls", auth=from_phone, response={200: dict[str, Any], **ERRORS})
def tell_call(request: HttpRequest) -> HttpResponse:
    """Tell of a call (signed by the telephone system): {"call_id", "event", "at", "number", "extension", …}.

    `event`: ringing, answered, ended, missed, recorded (with `recording`, your own reference). The operator at the
    extension sees who calls at once. `announce` in the answer asks for the announcement; a call is always put through.
    """
    told = calls.take_event(partner_of(request), _event(hook.read_body(request.body)))
    return answer(
        {
            "call": told.call, "state": told.state, "operator_known": told.operator_known, "announce": told.announce,
            "put_through": True,
        }
    )  # fmt: skip


def _event(raw: Any) -> calls.CallEvent:
    if not isinstance(raw, dict):
        raise BadInput(_("请求内容应为对象。"), "body")
    texts = {name: raw.get(name) or "" for name in ("call_id", "event", "number", "extension", "recording")}
    for name, value in texts.items():
        if not isinstance(value, str | int) or isinstance(value, bool):
            raise BadInput(_("“%(field)s”应为文字。") % {"field": name}, name)
    return calls.CallEvent(
        at=_moment(raw.get("at")), outgoing=raw.get("outgoing") is True,
        **{name: str(value) for name, value in texts.items()},
    )  # fmt: skip


def _moment(value: Any) -> datetime:
    try:
        moment = parse_datetime(value) if isinstance(value, str) else None
        if moment is not None and moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise BadInput(_("“%(field)s”应为带时区的时间。") % {"field": "at"}, "at")


@router.post("/links", auth=from_line, response={201: dict[str, Any], 200: dict[str, Any], **ERRORS})
def take_hand_over(request: HttpRequest) -> HttpResponse:
    """Hand a ticket over to this city (signed). 201 with our number; 200 with the same when it was here before."""
    raw = hook.read_body(request.body)
    if not isinstance(raw, dict):
        raise BadInput(_("请求内容应为对象。"), "body")
    arrived = hearing.take_hand_over(partner_of(request), raw)
    told = {"number": arrived.number, "state": arrived.state, "created": arrived.created}
    return answer(told, 201 if arrived.created else 200)


@router.post(
    "/links/{key}/files", auth=file_from_line, response={201: dict[str, Any], 200: dict[str, Any], **ERRORS}
)
def bring_file(request: HttpRequest, key: UUID, name: str = "") -> HttpResponse:
    """Bring a file to a hand-over (signed): the body is the bare file, 20 MB at most. 200 where it was here before."""
    brought: Brought = request.auth  # type: ignore[attr-defined]
    created = attached.take_file(brought.partner, key, name[:300], brought.raw)
    return answer({"created": created}, 201 if created else 200)


@router.post("/links/{key}/told", auth=from_line, response={200: dict[str, Any], **ERRORS})
def hear(request: HttpRequest, key: UUID) -> HttpResponse:
    """Tell what became of a hand-over (signed), or add a note to it. `seq` rises; an older one changes nothing."""
    raw = hook.read_body(request.body)
    if not isinstance(raw, dict):
        raise BadInput(_("请求内容应为对象。"), "body")
    made = hearing.hear(partner_of(request), key, raw)
    return answer({"state": made.state, "heard": made.heard})


@router.get("/links/{key}", auth=from_line, response={200: dict[str, Any], **ERRORS})
def show_link(request: HttpRequest, key: UUID) -> HttpResponse:
    """How a hand-over between us stands (signed), with its trail: for when both sides compare their books."""
    made = hearing.standing(partner_of(request), key)
    trail = [{"at": one.at, "what": one.what, "words": one.words} for one in made.trail.all()]
    told = {"key": made.key, "number": made.ticket.number, "state": made.state, "heard": made.heard}
    return answer({**told, "trail": trail})
