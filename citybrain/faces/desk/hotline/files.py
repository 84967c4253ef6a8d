"""Files of a ticket to and from the browser: within rights, pictures in place, everything else to be downloaded."""

import uuid

from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from citybrain.base.identity.actor import Actor
from citybrain.faces.desk.doors import actor_of
from citybrain.faces.desk.hotline.doors import hotline
from citybrain.hub.hotline import files
from citybrain.hub.hotline.errors import BadInput
from citybrain.hub.hotline.file_kinds import MOST_BYTES
from citybrain.hub.hotline.models import TicketFile

CACHE = "private, max-age=3600"


@hotline
@require_GET
def file_view(request: HttpRequest, token: uuid.UUID, size: str = "") -> FileResponse:
    """One file, or a picture's small version. What isn't a picture is never shown by the browser itself."""
    small = size == "small"
    shown = files.open_file(actor_of(request), token, timezone.now(), thumb=small)
    stream = files.path_of(token, thumb=small).open("rb")
    if not shown.is_picture:
        answer = FileResponse(
            stream, as_attachment=True, filename=shown.name, content_type="application/octet-stream"
        )
        answer["Cache-Control"] = "no-store"
        return answer
    answer = FileResponse(stream, content_type="image/jpeg", filename=shown.name)
    answer["Cache-Control"] = CACHE
    return answer


@hotline
@require_POST
def release_view(request: HttpRequest, token: uuid.UUID) -> HttpResponse:
    """Give a file to the units, or keep it from them, with a reason."""
    given = request.POST.get("then") == "give"
    one = files.decide(actor_of(request), token, given, request.POST.get("why", ""))
    number = one.ticket.number if one.ticket is not None else ""
    return redirect("desk:hotline_ticket", number)


def taken(request: HttpRequest, actor: Actor) -> files.Kept:
    """Return what was kept of the files that came with a form (`files`), with those sent before (`file`)."""
    sent = request.FILES.getlist("files")
    for one in sent:
        if (one.size or 0) > MOST_BYTES:
            told = {"mb": (one.size or 0) / 1e6, "most": MOST_BYTES // 2**20}
            raise BadInput(_("文件过大（%(mb).0f MB），最多 %(most)d MB。") % told, "file")
    held = files.upload_all(((one.name or "", one.read()) for one in sent), actor.person_id, timezone.now())
    return files.Kept((*_before(request), *held.tokens), held.refused)


def _before(request: HttpRequest) -> tuple[uuid.UUID, ...]:
    """Return the tokens of files that an earlier try of the form sent."""
    found = []
    for text in request.POST.getlist("file")[: files.MOST_FILES]:
        try:
            found.append(uuid.UUID(text))
        except ValueError:
            continue
    return tuple(found)


def named(actor: Actor, tokens: tuple[uuid.UUID, ...]) -> list[tuple[str, str]]:
    """Return (token, name) of the actor's own files that no ticket has yet. No query where there are none."""
    if not tokens:
        return []
    own = TicketFile.objects.filter(token__in=tokens, ticket=None, uploaded_by_id=actor.person_id)
    return [(str(one.token), one.name) for one in own]
