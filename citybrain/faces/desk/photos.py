"""Photos to and from the browser: uploads before a step, and pictures within rights."""

import uuid
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db.models import Q
from django.http import FileResponse, HttpRequest, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from citybrain.base.identity.actor import Actor
from citybrain.faces.desk.doors import actor_of, officers
from citybrain.hub.cases import photos
from citybrain.hub.cases.errors import BadInput, NotFound
from citybrain.hub.cases.models import Case, CasePhoto
from citybrain.hub.cases.states import PhotoKind

MOST_AT_ONCE = 6
CACHE = "private, max-age=86400, immutable"


@officers
@require_POST
def upload_view(request: HttpRequest) -> JsonResponse:
    """Take one picture (file `photo`, its `kind`); the answer's token goes with the step."""
    sent = request.FILES.get("photo")
    if sent is None:
        return JsonResponse({"detail": _("没有收到照片, 请重新选择。")}, status=422)
    try:
        photo = keep(actor_of(request), sent, request.POST.get("kind", ""))
    except BadInput as error:
        return JsonResponse({"detail": error.message, "field": error.field}, status=error.status)
    return JsonResponse({"token": str(photo.token), "url": reverse("desk:photo_small", args=[photo.token])})


def collect(request: HttpRequest, field: str) -> list[str]:
    """Return the tokens of a form's photos: those sent before, and the files `<field>_<kind>` that came with it.

    Raises BadInput naming the field.
    """
    tokens = [token for token in request.POST.getlist(field) if token]
    for kind in PhotoKind.values:
        files = request.FILES.getlist(f"{field}_{kind}")[:MOST_AT_ONCE]
        tokens += [str(keep(actor_of(request), sent, kind, field).token) for sent in files]
    return tokens


def keep(actor: Actor, sent: "UploadedFile[Any]", kind: str, field: str = "photo") -> CasePhoto:
    """Return a stored photo of an uploaded file. Raises BadInput."""
    if (sent.size or 0) > photos.MOST_BYTES:
        told = {"mb": (sent.size or 0) / 1e6, "most": photos.MOST_BYTES // 2**20}
        raise BadInput(_("照片过大(%(mb).0f MB), 最多 %(most)d MB。") % told, field)
    try:
        return photos.upload(sent.read(), kind, actor.person_id)
    except BadInput as error:
        raise BadInput(error.message, field) from error


def photo_of(actor: Actor, token: uuid.UUID) -> CasePhoto:
    """Return a picture of a case in sight, or one's own upload not yet sent. Raises NotFound."""
    seen = Q(case__in=Case.objects.visible_to(actor))
    own = Q(case=None, uploaded_by_id=actor.person_id)
    photo = CasePhoto.objects.filter(seen | own, token=token).first()
    if photo is None:
        raise NotFound
    return photo


@officers
@require_GET
def photo_view(request: HttpRequest, token: uuid.UUID, size: str = "") -> FileResponse:
    """One picture, or its small version. Re-encoded by us, so always a JPEG."""
    photo = photo_of(actor_of(request), token)
    path = photos.file_of(photo.digest, thumb=size == "small")
    if not path.is_file():
        raise NotFound
    answer = FileResponse(path.open("rb"), content_type="image/jpeg")
    answer["Cache-Control"] = CACHE
    return answer
