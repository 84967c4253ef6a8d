"""Our typed API, version 1: the same two doors as every page, for machines. OpenAPI at /api/v1/openapi.json."""

from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import File, Form, NinjaAPI, Query, Router
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.files import UploadedFile
from ninja.parser import Parser

from citybrain.base.areas.tree import tree
from citybrain.base.exchange.reading.documents import loads
from citybrain.base.identity.access import Forbidden
from citybrain.base.identity.errors import Refused
from citybrain.faces.gateway import schemas
from citybrain.faces.gateway.answers import answer, case_page, case_row
from citybrain.faces.gateway.doors import DeskSession, KeyBearer, actor_of
from citybrain.faces.gateway.hotline import router as hotline
from citybrain.faces.gateway.pushes import router as pushes
from citybrain.hub.cases import actions, detail, figures, filters, items, lists, mapfeed, photos, progress
from citybrain.hub.cases.errors import BadInput
from citybrain.hub.cases.intake import Report
from citybrain.hub.cases.lifecycle import TRANSITIONS
from citybrain.hub.cases.states import Source
from citybrain.hub.hotline.file_kinds import MOST_BYTES
from citybrain.hub.steps.errors import StepError

ERRORS = dict.fromkeys((400, 401, 403, 404, 409, 422), schemas.ErrorOut)
LIMIT_MOST = 200


class Exact(Parser):
    """Reads rows of data so that a number keeps every digit it was written with."""

    def parse_body(self, request: HttpRequest) -> Any:
        return loads(request.body) if "/data/" in request.path else super().parse_body(request)


api = NinjaAPI(
    title="citybrain",
    parser=Exact(),
    version="1",
    description="One city's cases: report, follow, handle. Lists and figures hold what your key may see.",
    docs_url=None,
    auth=[KeyBearer(), DeskSession()],
    urls_namespace="gateway",
)
router = Router()


def failure(code: str, message: str, status: int, field: str = "", ask: str = "") -> HttpResponse:
    return answer({"code": code, "message": message, "field": field, "ask": ask}, status)


@api.exception_handler(StepError)
def on_step_error(request: HttpRequest, error: StepError) -> HttpResponse:
    return failure(error.code, error.message, error.status, error.field)


@api.exception_handler(Forbidden)
def on_forbidden(request: HttpRequest, error: Forbidden) -> HttpResponse:
    return failure("forbidden", error.reason_zh, 403, ask=error.whom_to_ask)


@api.exception_handler(AuthenticationError)
def on_no_key(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    return failure("no_key", _("需要有效的接口密钥。"), 401)


@api.exception_handler(ValidationError)
def on_bad_type(request: HttpRequest, error: ValidationError) -> HttpResponse:
    first = error.errors[0] if error.errors else {"loc": (), "msg": ""}
    field = ".".join(str(part) for part in first["loc"] if part not in {"body", "payload", "query", "form"})
    return failure("invalid", str(first["msg"]), 422, field)


@api.exception_handler(Refused)
def on_refused(request: HttpRequest, error: Refused) -> HttpResponse:
    problems = [{"field": one.field, "message": one.reason} for one in error.problems]
    told = {"code": "refused", "message": problems[0]["message"], "field": problems[0]["field"], "ask": ""}
    return answer({**told, "problems": problems}, 422)


@api.exception_handler(RequestDataTooBig)
def on_too_big(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
    is_file = request.path.endswith("/files")
    most = MOST_BYTES if is_file else settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    return failure("too_big", _("请求内容过大，一次最多 %(most)s 字节。") % {"most": most}, 413)


@api.exception_handler(HttpError)
def on_http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    return failure("bad_request", str(error), error.status_code)


@router.post(
    "/reports", response={201: schemas.ReceiptOut, 200: schemas.ReceiptOut, **ERRORS}, tags=["reports"]
)
def report(request: HttpRequest, payload: schemas.ReportIn) -> HttpResponse:
    """Report something. 201 with its number; 200 with the first number when this submission was here before."""
    receipt = actions.report(actor_of(request), to_report(payload))
    told = {"number": receipt.number, "query_code": receipt.query_code, "created": receipt.created}
    return answer(told, 201 if receipt.created else 200)


def to_report(payload: schemas.ReportIn) -> Report:
    """Return the hub's report. Raises BadInput naming an unknown code."""
    try:
        source = Source(payload.source)
    except ValueError:
        raise BadInput(_("没有这个来源：%(code)s") % {"code": payload.source}, "source") from None
    if (payload.lon is None) != (payload.lat is None):
        raise BadInput(_("经度和纬度须同时给出。"), "lat")
    return Report(
        source=source,
        description=payload.description,
        lon=payload.lon,
        lat=payload.lat,
        address=payload.address,
        item_code=payload.item,
        urgent=payload.urgent,
        contact_name=payload.contact_name,
        contact_phone=payload.contact_phone,
        contact_shared=payload.contact_shared,
        submission_key=payload.submission_key,
        external_ref=payload.external_ref,
        photos=payload.photos,
        area_id=_area_id(payload.area) if payload.area else None,
    )


def _area_id(code: str) -> int:
    try:
        return tree().by_code(code).id
    except LookupError:
        raise BadInput(_("没有这个区域：%(code)s") % {"code": code}, "area") from None


@router.post("/photos", response={201: schemas.PhotoOut, **ERRORS}, tags=["reports"])
def upload_photo(request: HttpRequest, photo: File[UploadedFile], kind: Form[str] = "close") -> HttpResponse:
    """Send a photo; its token goes with the report or the step that follows."""
    if (photo.size or 0) > photos.MOST_BYTES:
        raise BadInput(_("照片过大，最多 %(most)d MB。") % {"most": photos.MOST_BYTES // 2**20}, "photo")
    kept = photos.upload(photo.read(), kind, actor_of(request).person_id)
    return answer({"token": kept.token, "width": kept.width, "height": kept.height}, 201)


@router.get("/reports/{number}", response={200: schemas.ProgressOut, **ERRORS}, tags=["reports"])
def follow(request: HttpRequest, number: str, code: str = "") -> HttpResponse:
    """What the reporter of a case sees: by the query code, or by the key of whoever reported it."""
    shown = progress.progress(number, actor=actor_of(request), query_code=code)
    moments = [{"at": one.at, "words": one.words, "answer": one.answer} for one in shown.moments]
    told = {
        "number": shown.case.number,
        "phase": shown.phase,
        "headline": shown.headline,
        "agency": shown.agency,
    }
    return answer({**told, "expected_at": shown.expected_at, "moments": moments})


@router.get("/cases", response={200: schemas.PageOut, **ERRORS}, tags=["cases"])
def list_cases(
    request: HttpRequest,
    list: str = "all",  # noqa: A002 (the name in the address)
    offset: int = Query(0, ge=0, le=lists.DEEPEST),  # type: ignore[type-arg]
    limit: int = Query(lists.PAGE, ge=1, le=LIMIT_MOST),  # type: ignore[type-arg]
) -> HttpResponse:
    """A work list. Filters: q, state, source, item, area, agency, since, until, hour, urgent, late, supervised,
    closed_since, closed_until, verdict (any, on_time, late), solved (any, yes, no), rating (1..5), unplaced, order.
    """
    actor = actor_of(request)
    try:
        page = lists.page(actor, list, filters.read(request.GET), offset=offset, limit=limit)
    except KeyError:
        return failure("not_found", _("没有这个列表，或您无权查看。"), 404, "list")
    return answer({"rows": [case_row(row) for row in page.rows], "next_offset": page.next_offset})


@router.get("/cases/counts", response={200: dict[str, int], **ERRORS}, tags=["cases"])
def count_cases(request: HttpRequest) -> HttpResponse:
    """How many rows each of your work lists has now."""
    return answer(lists.counts(actor_of(request)))


@router.get("/cases/{number}", response={200: schemas.DetailOut, **ERRORS}, tags=["cases"])
def show_case(request: HttpRequest, number: str) -> HttpResponse:
    """One case with its history, its deadline explained, and exactly the steps that you may take now."""
    return answer(case_page(detail.case_page(actor_of(request), number)))


@router.post("/cases/{number}/steps/{step}", response={200: schemas.OutcomeOut, **ERRORS}, tags=["cases"])
def take_step(request: HttpRequest, number: str, step: str, payload: schemas.StepIn) -> HttpResponse:
    """Take a step. 409 says who was faster and when, 422 which input is wrong."""
    actor = actor_of(request)
    outcome = actions.take(
        actor, detail.case_id(actor, number), step, payload.inputs, seen_version=payload.version
    )
    told = {"number": outcome.number, "version": outcome.version, "state": f"{outcome.state:02d}"}
    return answer(told)


@router.get("/map", response={200: dict[str, Any], **ERRORS}, tags=["figures"])
def map_points(request: HttpRequest) -> HttpResponse:
    """Open cases as GeoJSON: points, or counts per cell where there are many. Filters as for /cases."""
    return answer(mapfeed.feed(actor_of(request), filters.read(request.GET)))


@router.get("/figures/today", response={200: dict[str, Any], **ERRORS}, tags=["figures"])
def today(request: HttpRequest) -> HttpResponse:
    """The day's counts within your rights."""
    return answer(figures.today(actor_of(request), filters.read(request.GET)).to_json())


@router.get("/items", response={200: list[schemas.ItemOut], **ERRORS}, tags=["reference"])
def list_items(request: HttpRequest) -> HttpResponse:
    """The items in force."""
    names = tuple(schemas.ItemOut.model_fields)
    return answer([{name: getattr(one, name) for name in names} for one in items.index().by_code.values()])


@router.get("/areas", response={200: list[schemas.AreaOut], **ERRORS}, tags=["reference"])
def list_areas(request: HttpRequest, within: str = "") -> HttpResponse:
    """The areas right below one, or the cities."""
    known = tree()
    nodes = known.children(_area_id(within)) if within else known.roots()
    return answer([{"code": n.code, "name": n.name, "name_en": n.name_en, "level": n.level} for n in nodes])


@router.get("/steps", response={200: list[schemas.StepOut], **ERRORS}, tags=["reference"])
def list_steps(request: HttpRequest) -> HttpResponse:
    """The whole lifecycle table: every step with its needs."""
    from citybrain.faces.gateway.answers import step as shown
    from citybrain.hub.cases.steps import NextStep

    return answer([shown(NextStep(one, expected=False)) for one in TRANSITIONS.values()])


@router.get("/me", response={200: schemas.MeOut, **ERRORS}, tags=["reference"])
def me(request: HttpRequest) -> HttpResponse:
    """Who you are to us and what you may do."""
    actor = actor_of(request)
    roles = sorted({hat.role for hat in actor.hats})
    told = {"name": actor.name, "kind": actor.kind, "roles": roles, "permissions": sorted(actor.permissions)}
    return answer(told)


api.add_router("/data", pushes)
api.add_router("/hotline", hotline, tags=["hotline"])
api.add_router("", router)
