"""随手拍: one question a screen, sent once; the small questions that its page asks on the way."""

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from citybrain.base.identity.phones import masked
from citybrain.faces.portal import device, places, submission, throttle, uploads, words
from citybrain.faces.portal.doors import (
    actor_of,
    citizen_of,
    portal,
    wait_of,
    wait_words,
    wants_json,
    with_files,
)
from citybrain.hub.cases import actions, photos, progress
from citybrain.hub.cases.errors import BadInput, CaseError
from citybrain.hub.cases.intake import DESCRIPTION_MOST
from citybrain.hub.cases.models import CasePhoto
from citybrain.hub.cases.states import PhotoKind

STEPS = ("photo", "place", "words", "contact")
STEP_OF_FIELD = {
    "photo": "photo",
    "place": "place",
    "address": "place",
    "description": "words",
    "item_code": "words",
}


@with_files
@portal
@require_http_methods(["GET", "POST"])
def report(request: HttpRequest) -> HttpResponse:
    """Show the questions; take the answers. The same submission again leads to the same receipt."""
    if request.method == "GET":
        return _page(request, submission.read_nothing())
    citizen = citizen_of(request)
    given = submission.read(
        request.POST,
        account_phone=citizen.phone if citizen else "",
        account_name=citizen.name if citizen else "",
    )
    try:
        held = _photos(request)
    except CaseError as error:
        given.errors["photo"], held = error.message, []
    if not held and not given.description and not given.item_code and "description" not in given.errors:
        given.errors["description"] = _("请写一句话说明情况，或者拍一张照片。")
    if not given.errors:
        minutes = _wait(request)
        if minutes:
            return _answer_errors(request, given, held, {"": wait_words(minutes)}, 429)
        try:
            return _send(request, given, held)
        except BadInput as error:
            given.errors[error.field or "place"] = error.message
    return _answer_errors(request, given, held, given.errors, 422)


def _photos(request: HttpRequest) -> list[uuid.UUID]:
    """Return the tokens of all photos: those sent ahead, and those that came with the form."""
    ahead = uploads.tokens(request.POST.getlist("photo_token"))
    room = uploads.MOST_PHOTOS - len(ahead)
    return ahead + [
        photo.token for photo in uploads.take_files(actor_of(request), request, PhotoKind.CLOSE, room)
    ]


def _wait(request: HttpRequest) -> int:
    return wait_of(request, throttle.REPORTS_OF_ADDRESS, throttle.REPORTS_OF_DEVICE)


def _send(request: HttpRequest, given: submission.Submission, held: list[uuid.UUID]) -> HttpResponse:
    receipt = actions.report(actor_of(request), given.report(held))
    next_page = reverse("portal:done", args=[receipt.number])
    response: HttpResponse
    if wants_json(request):
        response = JsonResponse(
            {"next": next_page, "number": receipt.number}, status=201 if receipt.created else 200
        )
    else:
        response = redirect(next_page)
    device.remember(request, response, receipt.number, receipt.query_code)
    return response


def _answer_errors(
    request: HttpRequest,
    given: submission.Submission,
    held: list[uuid.UUID],
    errors: dict[str, str],
    status: int,
) -> HttpResponse:
    if wants_json(request):
        names = {"choices": [place.to_json() for place in given.choices]} if given.choices else {}
        return JsonResponse({"errors": errors, **names}, status=status)
    return _page(request, given, held, errors, status)


def _page(
    request: HttpRequest,
    given: submission.Submission,
    held: list[uuid.UUID] | None = None,
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    citizen = citizen_of(request)
    wrong = errors or {}
    context: dict[str, Any] = {
        "key": given.key or uuid.uuid4(),
        "values": given.values,
        "errors": wrong,
        "choices": given.choices,
        "first_wrong": next((step for step in STEPS if any(_step_of(name) == step for name in wrong)), ""),
        "held": [uploads.sign(token) for token in held or []],
        "most_photos": uploads.MOST_PHOTOS,
        "most_letters": DESCRIPTION_MOST,
        "account_phone": masked(citizen.phone) if citizen else "",
        "city": places.city_name(),
        "none": submission.NO_ITEM,
    }
    return render(request, "portal/report.html", context, status=status)


def _step_of(field: str) -> str:
    return STEP_OF_FIELD.get(field, "contact")


@portal
@require_GET
def done(request: HttpRequest, number: str) -> HttpResponse:
    """Thank, show number and query code, and say what happens next."""
    code = device.codes(request).get(number, "")
    shown = progress.progress(number, actor=actor_of(request), query_code=code)
    case, now = shown.case, timezone.now()
    context = {
        "number": case.number,
        "number_words": words.number(case.number),
        "code": case.query_code,
        "expected": words.before(case.due_at, now)
        if case.due_at and shown.phase == progress.RECEIVED
        else "",
        "has_phone": hasattr(case, "contact") and bool(case.contact.phone),
    }
    return render(request, "portal/done.html", context)


@with_files
@portal
@require_POST
def photo(request: HttpRequest) -> HttpResponse:
    """Take one photo ahead of the report; answer with the name under which its sender may use it."""
    minutes = wait_of(request, throttle.PHOTOS_OF_ADDRESS, throttle.PHOTOS_OF_DEVICE)
    if minutes:
        return JsonResponse({"detail": wait_words(minutes)}, status=429)
    try:
        stored = uploads.take_files(actor_of(request), request, PhotoKind.CLOSE, room=1)
    except CaseError as error:
        return JsonResponse({"detail": error.message}, status=error.status)
    if not stored:
        return JsonResponse({"detail": _("没有收到照片，请再选一次。")}, status=422)
    name = uploads.sign(stored[0].token)
    answer = {
        "token": name,
        "thumb": reverse("portal:held_photo", args=[name]),
        "place": uploads.place_of(stored[0]),
    }
    return JsonResponse(answer, status=201)


@portal
@require_GET
def held_photo(request: HttpRequest, name: str) -> HttpResponse:
    """Show a photo that is not sent yet to the browser that holds its signed name."""
    found = CasePhoto.objects.filter(token=uploads.unsign(name), case=None).first()
    if found is None:
        return HttpResponse(status=404)
    response = HttpResponse(photos.file_of(found.digest, thumb=True).read_bytes(), content_type="image/jpeg")
    response["Cache-Control"] = "private, max-age=3600"
    return response
