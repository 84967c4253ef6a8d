"""Photos on their way in: counted while they arrive, cleaned by the hub, handed out under a signed name.

A photo that is not on a case yet is known only to the browser that sent it: by a signature over its token.
"""

import uuid
from collections.abc import Iterable
from typing import Any, Final

from django.core import signing
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.http import HttpRequest
from django.utils.translation import gettext as _

from citybrain.base.areas import index
from citybrain.base.identity.actor import Actor
from citybrain.faces.portal import places
from citybrain.hub.cases import photos
from citybrain.hub.cases.errors import BadInput
from citybrain.hub.cases.models import CasePhoto, CasePhotoPlace

MOST_PHOTOS: Final = 6
MOST_ALTOGETHER: Final = MOST_PHOTOS * photos.MOST_BYTES
HOLD_SECONDS: Final = 3 * 24 * 3600  # a report may wait in a phone that has no network
SALT: Final = "citybrain.portal.photo"


class LimitedUpload(FileUploadHandler):
    """Drops a file as soon as it is larger than a photo may be; its name is noted on the request."""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request)
        self.altogether = 0
        request.dropped_files = []  # type: ignore[attr-defined]

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self.size = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        self.size += len(raw_data)
        self.altogether += len(raw_data)
        if self.size > photos.MOST_BYTES or self.altogether > MOST_ALTOGETHER:
            self.request.dropped_files.append(self.file_name)  # type: ignore[union-attr]
            raise SkipFile
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None


def too_large() -> BadInput:
    return BadInput(
        _("这张照片太大了，最多 %(most)d MB。请换一张，或者不传照片。")
        % {"most": photos.MOST_BYTES // 2**20},
        "photo",
    )


def sign(token: uuid.UUID) -> str:
    """Return the name under which its sender may use a photo."""
    return signing.TimestampSigner(salt=SALT).sign(token.hex)


def unsign(name: str) -> uuid.UUID:
    """Return the token of a photo. Raises BadInput for a name that we didn't give, or gave too long ago."""
    try:
        return uuid.UUID(signing.TimestampSigner(salt=SALT).unsign(name, max_age=HOLD_SECONDS))
    except (signing.BadSignature, ValueError):
        raise BadInput(_("照片已失效，请重新拍一张。"), "photo") from None


def take_files(actor: Actor, request: HttpRequest, kind: str, room: int = MOST_PHOTOS) -> list[CasePhoto]:
    """Return the photos that came with a request, cleaned and stored. Raises BadInput."""
    files = [file for file in request.FILES.getlist("photo") if isinstance(file, UploadedFile) and file.size]
    if getattr(request, "dropped_files", None):  # known only now that the form was read
        raise too_large()
    if len(files) > room:
        raise BadInput(_("最多 %(n)d 张照片。") % {"n": MOST_PHOTOS}, "photo")
    return [photos.upload(file.read(), kind, actor.person_id) for file in files]


def tokens(names: Iterable[str]) -> list[uuid.UUID]:
    """Return the tokens of signed names, each once. Raises BadInput."""
    found = list(dict.fromkeys(unsign(name) for name in names if name))
    if len(found) > MOST_PHOTOS:
        raise BadInput(_("最多 %(n)d 张照片。") % {"n": MOST_PHOTOS}, "photo")
    return found


def place_of(photo: CasePhoto) -> dict[str, Any] | None:
    """Return where the camera says it was, where that is inside the city."""
    told = CasePhotoPlace.objects.filter(photo=photo, lon__isnull=False).first()
    if told is None or told.lon is None or told.lat is None or index.locate_one(told.lon, told.lat) is None:
        return None
    return {"lon": told.lon, "lat": told.lat, "name": places.name_of_point(told.lon, told.lat)}
