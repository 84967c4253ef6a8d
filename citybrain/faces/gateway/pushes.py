"""Data in by push: rows of a data set under a supplier's key, each call with a receipt that tells what became of it."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Field, Router, Schema

from citybrain.base.catalogue.models import DataSet
from citybrain.base.exchange import pushing
from citybrain.base.exchange.models import Push, Source
from citybrain.base.exchange.pushing import ROWS_MOST, Told, fields_of
from citybrain.faces.gateway.answers import answer
from citybrain.faces.gateway.doors import actor_of
from citybrain.faces.gateway.schemas import ErrorOut, Strict

router = Router()
ERRORS = dict.fromkeys((400, 401, 403, 404, 409, 413, 422, 429), ErrorOut)
RETRY_SECONDS = 10


class PushIn(Strict):
    """Rows by the names of their fields. A field left out is empty: each row replaces the row of its key."""

    rows: list[dict[str, Any]] = Field(
        min_length=1, max_length=ROWS_MOST, description="objects of field: value; of one key the last counts"
    )
    submission_key: str = Field(
        "", max_length=80, description="your own number of this call; the same again changes nothing"
    )
    source: str = Field(
        "", max_length=120, description="name of the source, where you have several of this set"
    )
    ended: bool = Field(False, description="the rows of these keys end; the rows hold the key fields alone")


class PushOut(Schema):
    """The receipt. `created` is false where this very call was accepted before."""

    push: int
    rows: int
    accepted_at: datetime
    created: bool


class ProblemOut(Schema):
    field: str
    reason: str
    message: str


class RefusedRowOut(Schema):
    """`row`: its place in the call, from 0. `state`: open, mended, replaying, replayed or dismissed."""

    row: int
    state: str
    problems: list[ProblemOut]


class PushedOut(Schema):
    """What became of a push. `state`: accepted, checking, held (a person must look), refused, failed or done.

    `replaced` rows had a later row of their key; `refused_rows` lists the first hundred.
    """

    push: int
    dataset: str
    source: str
    submission_key: str
    accepted_at: datetime
    state: str
    version: int | None
    rows: int
    stored: int
    refused: int
    replaced: int
    ended: bool
    refused_rows: list[RefusedRowOut]


class FieldOut(Schema):
    name: str
    zh: str
    en: str
    type: str
    key: bool
    required: bool
    code_table: str | None
    check: str | None
    pattern: str | None


class PushableOut(Schema):
    """A data set you may push to, with the fields that your source gives."""

    dataset: str
    name: str
    source: str
    fields: list[FieldOut]


def failure(code: str, message: str, status: int, field: str = "") -> HttpResponse:
    return answer({"code": code, "message": message, "field": field, "ask": ""}, status)


def _sources(request: HttpRequest, code: str) -> list[Source]:
    """Return the push sources of a data set within the actor's reach."""
    found = Source.objects.visible_to(actor_of(request)).filter(
        dataset__code=code, kind="push", is_active=True
    )
    return list(
        found.select_related("dataset__current", "dataset__provider", "agency", "supply").order_by("name")
    )


@router.post("/{code}/rows", response={202: PushOut, 200: PushOut, **ERRORS}, tags=["data"])
def push_rows(request: HttpRequest, code: str, payload: PushIn) -> HttpResponse:
    """Push rows of a data set. 202: kept for good, checked and stored within seconds; 200: this call was here before.

    409: the submission key was used for other rows. 422 names each cell that can't be. 429: come back later.
    """
    sources = [one for one in _sources(request, code) if payload.source in ("", one.name)]
    if not sources:
        return failure(
            "not_found", _("没有可以推送的数据资源“%(code)s”，或您无权推送。") % {"code": code[:80]}, 404
        )
    if len(sources) > 1:
        names = "、".join(one.name for one in sources)
        return failure(
            "ambiguous", _("有多个来源，请写明是哪一个：%(names)s。") % {"names": names}, 422, "source"
        )
    try:
        done = pushing.accept_rows(
            actor_of(request), sources[0], payload.rows, payload.submission_key, ended=payload.ended
        )
    except pushing.Changed as changed:
        text = _("提交编号“%(key)s”已用于另一次推送（回执 %(push)s），内容不同。")
        text = text % {"key": payload.submission_key, "push": changed.push.pk}
        return failure("changed", text, 409, "submission_key")
    except pushing.Busy:
        refused = failure("busy", _("等待入库的数据过多，请稍后重试。"), 429)
        refused["Retry-After"] = str(RETRY_SECONDS)
        return refused
    told = {
        "push": done.push.pk,
        "rows": done.push.rows,
        "accepted_at": done.push.at,
        "created": done.created,
    }
    return answer(told, 202 if done.created else 200)


@router.get("/pushes/{number}", response={200: PushedOut, **ERRORS}, tags=["data"])
def show_push(request: HttpRequest, number: int) -> HttpResponse:
    """What became of a push: stored, refused row by row with field and reason, or still on its way."""
    try:
        return answer(_pushed(pushing.told(actor_of(request), number)))
    except (Push.DoesNotExist, OverflowError):
        return failure("not_found", _("没有这个回执，或您无权查看。"), 404)


def _pushed(told: Told) -> dict[str, Any]:
    push = told.push
    rows = [
        {
            "row": one.row,
            "state": one.state,
            "problems": [
                {"field": field, "reason": reason, "message": text} for field, reason, text in one.problems
            ],
        }
        for one in told.rows
    ]
    return {
        "push": push.pk, "dataset": push.source.dataset.code, "source": push.source.name,
        "submission_key": push.submission_key, "accepted_at": push.at, "state": told.state, "version": told.version,
        "rows": push.rows, "stored": told.stored, "refused": told.refused, "replaced": told.replaced,
        "ended": push.ended, "refused_rows": rows,
    }  # fmt: skip


@router.get("/{code}/fields", response={200: list[PushableOut], **ERRORS}, tags=["data"])
def pushable(request: HttpRequest, code: str) -> HttpResponse:
    """What you may push to a data set: the fields with their types, by source."""
    sources = _sources(request, code)
    if not sources or not DataSet.objects.visible_to(actor_of(request)).filter(code=code).exists():
        return failure(
            "not_found", _("没有可以推送的数据资源“%(code)s”，或您无权推送。") % {"code": code[:80]}, 404
        )
    return answer([_pushable(one) for one in sources])


def _pushable(source: Source) -> dict[str, Any]:
    shape = source.dataset.shape
    fields = [
        {
            "name": one.name, "zh": one.zh, "en": one.en, "type": one.type.text, "key": one.key,
            "required": one.required, "code_table": one.code_table, "check": one.check, "pattern": one.pattern,
        }
        for one in (shape.field(name) for name in fields_of(source))
    ]  # fmt: skip
    return {
        "dataset": source.dataset.code,
        "name": source.dataset.name,
        "source": source.name,
        "fields": fields,
    }
