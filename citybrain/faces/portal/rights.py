"""Who may look at a photo: whoever may see its case, and its reporter with the number and query code."""

import uuid

from django.db.models import Q

from citybrain.base.identity.actor import Actor
from citybrain.hub.cases import progress
from citybrain.hub.cases.errors import NotFound
from citybrain.hub.cases.models import Case, CasePhoto


def photo_for(actor: Actor, token: uuid.UUID, codes: dict[str, str]) -> CasePhoto:
    """Return a photo of a case that the actor may see, or whose progress they may read.

    `codes`: query codes by case number that the browser has shown. A photo not yet sent is nobody's.
    Raises NotFound, the same for an unknown photo and for one of others.
    """
    photo = CasePhoto.objects.filter(token=token, case__isnull=False).select_related("case").first()
    if photo is None or photo.case is None:
        raise NotFound
    if Case.objects.visible_to(actor).filter(pk=photo.case.pk).exists():
        return photo
    if _follows(actor, photo.case.number, codes):
        return photo
    if photo.kind in progress.SHOWN_TO_REPORTER and _follows_one_merged_into(actor, photo.case, codes):
        return photo
    raise NotFound


def _follows(actor: Actor, number: str, codes: dict[str, str]) -> bool:
    """Whether the progress of a case is open to the person or to this browser."""
    try:
        progress.find(number, actor=actor, query_code=codes.get(number, ""))
    except NotFound:
        return False
    return True


def _follows_one_merged_into(actor: Actor, main: Case, codes: dict[str, str]) -> bool:
    mine = Q(number__in=list(codes))
    if actor.person_id is not None:
        mine |= Q(reporter_id=actor.person_id)
    merged = Case.objects.filter(mine, duplicate_of=main).values_list("number", flat=True)
    return any(_follows(actor, number, codes) for number in merged)
