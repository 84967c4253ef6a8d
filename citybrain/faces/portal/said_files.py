"""Photos that come with what somebody says: checked, kept until it is sent, then with its ticket."""

import uuid
from datetime import datetime

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest
from django.utils.translation import gettext as _

from citybrain.base.identity.actor import Actor
from citybrain.faces.portal import throttle, uploads
from citybrain.faces.portal.doors import wait_of, wait_words
from citybrain.hub.cases.errors import BadInput as BadPhoto
from citybrain.hub.hotline import files
from citybrain.hub.hotline.channels.door import Taken
from citybrain.hub.hotline.errors import BadInput
from citybrain.hub.hotline.file_kinds import kind_of
from citybrain.hub.hotline.models import FileKind, FoldedMessage


def taken(request: HttpRequest, actor: Actor, now: datetime) -> list[uuid.UUID]:
    """Return the tokens of the photos of a form, those of an earlier try too. Raises BadInput, naming `photo`."""
    try:
        before = uploads.tokens(request.POST.getlist("photo_token"))
    except BadPhoto as bad:
        raise BadInput(bad.message, "photo") from bad
    sent = [one for one in request.FILES.getlist("photo") if isinstance(one, UploadedFile) and one.size]
    if getattr(request, "dropped_files", None):  # known only now that the form was read
        raise BadInput(uploads.too_large().message, "photo")
    if len(before) + len(sent) > uploads.MOST_PHOTOS:
        raise BadInput(_("最多 %(n)d 张照片。") % {"n": uploads.MOST_PHOTOS}, "photo")
    if sent:
        _count(request)
    return [*before, *(_keep(one, actor, now) for one in sent)]


def _count(request: HttpRequest) -> None:
    minutes = wait_of(request, throttle.PHOTOS_OF_ADDRESS, throttle.PHOTOS_OF_DEVICE)
    if minutes:
        raise BadInput(wait_words(minutes), "photo")


def _keep(sent: "UploadedFile[bytes]", actor: Actor, now: datetime) -> uuid.UUID:
    raw = sent.read()
    try:
        is_picture = kind_of(raw)[0] == FileKind.PICTURE
    except BadInput:
        is_picture = False
    if not is_picture:
        raise BadInput(_("这不是可以识别的照片，请上传 JPG、PNG 或 WebP。"), "photo")
    try:
        return files.upload(raw, sent.name or "", actor.person_id, now).token
    except BadInput as bad:
        raise BadInput(bad.message, "photo") from bad


def attach(actor: Actor, tokens: list[uuid.UUID], told: Taken, key: uuid.UUID | None, now: datetime) -> None:
    """Tie the photos to the ticket that stands for what was said."""
    folded = (
        FoldedMessage.objects.filter(ticket_id=told.ticket_id, submission_key=key).first()
        if told.folded and key
        else None
    )
    files.attach(actor, tokens, told.ticket_id, now, folded_id=folded.pk if folded is not None else None)
