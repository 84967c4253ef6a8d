"""Finding a form, round or sheet within right, for every page that is about one."""

from typing import Any

from django.http import Http404

from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.models import Agency
from citybrain.hub.forms.access import ADMIT, DRAFT, FILL, ISSUE, REVIEW, VIEW
from citybrain.hub.forms.models import Form, Round, Sheet

OFFICE = (DRAFT, ISSUE, ADMIT, VIEW)
COLLECTS = (ISSUE, REVIEW, VIEW)


def needs_one(actor: Actor, permissions: tuple[str, ...]) -> None:
    """Raise Forbidden for who holds none of the permissions."""
    if not any(actor.may(one) for one in permissions):
        require(actor, permissions[0])


def found_form(actor: Actor, form_id: int) -> Form:
    """Return a form within right. Raises Forbidden, Http404."""
    needs_one(actor, OFFICE)
    rows = Form.objects.visible_to(actor).select_related("office", "current__workbook", "created_by")
    one: Form | None = rows.filter(pk=form_id).first()
    if one is None:
        raise Http404
    return one


def found_round(actor: Actor, round_id: int) -> Round:
    """Return a round within right. Raises Forbidden, Http404."""
    needs_one(actor, COLLECTS)
    rows = Round.objects.visible_to(actor).select_related("form", "version__workbook", "office", "issued_by")
    one: Round | None = rows.filter(pk=round_id).first()
    if one is None:
        raise Http404
    return one


def found_sheet(actor: Actor, sheet_id: int) -> Sheet:
    """Return a sheet within right. Raises Forbidden, Http404."""
    needs_one(actor, (*COLLECTS, FILL))
    rows = Sheet.objects.visible_to(actor).select_related(
        "area", "round__form", "round__office", "round__version__workbook"
    )
    one: Sheet | None = rows.filter(pk=sheet_id).first()
    if one is None:
        raise Http404
    return one


def offices_of(actor: Actor, permission: str) -> list[Agency]:
    """Return the bodies in whose name the actor makes or issues forms, in the order of names."""
    ids = {hat.agency_id or actor.agency_id for hat in actor.hats_with(permission)}
    rows: Any = Agency.objects.filter(pk__in=[one for one in ids if one is not None])
    return list(rows.order_by("pinyin", "id"))
