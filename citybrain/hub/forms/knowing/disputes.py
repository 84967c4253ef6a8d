"""Disputes: a filler says a value is wrong; the set's provider looks within a time and mends it or lets it stand.

A mended value goes into the set by the provider's ordinary intake, as a whole row, so that it is checked, versioned
and seen by everybody. The row's key is kept sealed: it may be somebody's number.
"""

import base64
from collections.abc import Mapping
from typing import Final

import orjson
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.catalogue.access import Side, reach
from citybrain.base.catalogue.actions.lending import due
from citybrain.base.catalogue.models import DataSet
from citybrain.base.exchange import landing, mending, runs, sealing
from citybrain.base.exchange.disputes import stored_row
from citybrain.base.exchange.models import Run, Source
from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.errors import refuse
from citybrain.base.lake.serving import SEPARATOR
from citybrain.base.ledger import record
from citybrain.base.worktime.clock import Clock
from citybrain.hub.forms.access import SETTLE
from citybrain.hub.forms.knowing.people import residents
from citybrain.hub.forms.knowing.reading import Reading, Want
from citybrain.hub.forms.knowing.rights import HasId, best, require_work, rights_of
from citybrain.hub.forms.knowing.showing import shower, stored
from citybrain.hub.forms.models import Dispute, DisputeState, Sheet

ANSWER_MINUTES: Final = 5 * 8 * 60  # working time of the provider, as for suppliers that disagree; our choice
NOTE_MOST: Final = 500
LEVELS: Final = ("city_id", "district_id", "street_id", "community_id", "grid_id")


def dispute(
    actor: Actor,
    area: HasId | int,
    field: str,
    token: str,
    claimed: str,
    note: str = "",
    *,
    sheet: Sheet | None = None,
    row_key: str = "",
) -> Dispute:
    """Say that a value of a resident of the area ("dataset.field", the person's token) is wrong.

    What the data set holds is read again, under the area's right. The same again returns the open dispute. Raises
    Forbidden; Refused for a value the area may not read, for a person the set doesn't know, and for no change.
    """
    node = require_work(actor, area)
    code, _dot, name = field.partition(".")
    right = best(rights_of(node, [code]).get(code, ()), [name])
    if right is None or name not in right.fields or not right.shape.subject:
        raise refuse("field", _("您无权读取此项数据，不能提出异议。"))
    if not claimed.strip() and not note.strip():
        raise refuse("claimed", _("请写明正确的值，或说明哪里不对。"))
    with transaction.atomic():
        people = residents(actor, node, purpose="forms.dispute").only([token])
        want = Want(right, (name,), right.shape.subject, people.numbers, (), right.last)
        read = Reading(actor, "forms.dispute").read([want])[code] if len(people) else None
        row = read.rows.get(people.numbers[0]) if read is not None else None
        if row is None:
            raise refuse("token", _("此数据中没有该人员的记录，请直接填写。"))
        mask = right.mask(name)
        held = shower(right.shape.field(name), mask)(row[0])
        if held and held == claimed.strip():
            raise refuse("claimed", _("所填的值与现有数据相同。"))
        keys = dict(zip(right.shape.keys, str(row[1]).split(SEPARATOR), strict=True))
        places = dict(zip(LEVELS, node.lineage, strict=True))
        clock = Clock(timezone.now(), ANSWER_MINUTES)
        made, fresh = Dispute.objects.get_or_create(
            dataset=right.dataset, field=name, subject=token, state=DisputeState.OPEN,
            defaults={
                "area_id": node.id, **places, "key": _sealed(keys), "held": held, "claimed": claimed.strip(),
                "note": note.strip()[:NOTE_MOST], "sheet": sheet, "row_key": row_key, "clock": clock.to_json(),
                "due_at": due(clock), "by_id": actor.person_id, "by_name": actor.name[:60], "at": clock.started_at,
            },
        )  # fmt: skip
        if fresh:
            body = {"dataset": code, "field": name, "area": node.code}
            record(actor.key, "forms.dispute", f"form_dispute:{made.pk}", body)
    return made


def to_settle(actor: Actor) -> QuerySet[Dispute]:
    """Return the disputes about data sets whose provider the actor speaks for; those due first."""
    found: QuerySet[Dispute] = Dispute.objects.filter(reach(actor, (SETTLE,), "dataset__provider"))
    return found.select_related("dataset__provider", "area")


def seen_by(actor: Actor, pk: int) -> Dispute | None:
    """Return a dispute of the actor's area or of a set they settle for; None for any other."""
    mine = Q(pk__in=Dispute.objects.visible_to(actor).values("pk")) | Q(pk__in=to_settle(actor).values("pk"))
    rows = Dispute.objects.select_related("dataset__provider", "dataset__current", "area")
    return rows.filter(mine, pk=pk).first()


@transaction.atomic
def settle(actor: Actor, one: Dispute, outcome: str, note: str = "", value: str = "") -> Run | None:
    """Answer a dispute for the provider: "mended" (to `value`, else what was claimed) or "stands" (with a ground).

    Returns the run that stores the mended row. Raises Forbidden; Refused for a value that breaks the set's rules,
    a set that has no source to take it in, or a dispute that was answered before.
    """
    require(actor, SETTLE, Side(one.dataset.provider))
    held = _locked(one)
    if outcome not in {"mended", "stands"}:
        raise refuse("outcome", _("请选择更正或维持原值。"))
    if outcome == "stands" and not note.strip():
        raise refuse("note", _("维持原值须写明依据。"))
    run = _mended(actor, held, value.strip() or held.claimed) if outcome == "mended" else None
    _end(actor, held, outcome, note)
    record(actor.key, "forms.settle_dispute", f"form_dispute:{held.pk}", {"outcome": outcome})
    one.refresh_from_db()
    return run


@transaction.atomic
def withdraw(actor: Actor, one: Dispute) -> None:
    """Take a dispute back: whoever works in its area may. Raises Forbidden, Refused."""
    require_work(actor, one.area_id)
    held = _locked(one)
    _end(actor, held, DisputeState.WITHDRAWN, "")
    record(actor.key, "forms.withdraw_dispute", f"form_dispute:{held.pk}", {})
    one.refresh_from_db()


def person_of(actor: Actor, one: Dispute) -> dict[str, str]:
    """Return the key of the row that is disputed, for the provider who settles it. Leaves a note. Raises Forbidden."""
    require(actor, SETTLE, Side(one.dataset.provider))
    with transaction.atomic():
        record(actor.key, "forms.see_dispute", f"form_dispute:{one.pk}", {"dataset": one.dataset.code})
    return _key(one)


def _locked(one: Dispute) -> Dispute:
    rows = Dispute.objects.select_for_update(of=("self",)).select_related(
        "dataset__provider", "dataset__current"
    )
    held: Dispute = rows.get(pk=one.pk)
    if held.state != DisputeState.OPEN:
        raise refuse("dispute", _("这项异议已处理。"))
    return held


def _end(actor: Actor, held: Dispute, state: str, note: str) -> None:
    clock = Clock.from_json(held.clock) if held.clock else None
    if clock is not None and clock.stopped_at is None:
        held.clock = clock.stop(timezone.now()).to_json()
    held.state, held.answer = state, note.strip()[:NOTE_MOST]
    held.answered_by, held.answered_name, held.answered_at = actor.key, actor.name[:60], timezone.now()
    held.save()


def _mended(actor: Actor, held: Dispute, value: str) -> Run:
    """Queue the whole row with the mended value as an intake of the provider's own source."""
    dataset: DataSet = held.dataset
    shape = dataset.shape
    source = (
        Source.objects.filter(dataset=dataset, agency=dataset.provider, is_active=True).order_by("pk").first()
        or Source.objects.filter(dataset=dataset, is_active=True).order_by("pk").first()
    )
    if source is None or not shape.has(held.field):
        raise refuse("outcome", _("此数据集没有可写入的来源，请在业务系统中更正。"))
    keys = _key(held)
    row = {**stored_row(dataset, keys), **keys, held.field: stored(shape.field(held.field), value)}
    if mending.still_wrong(shape, row):
        raise refuse("value", _("这个值不符合数据集的规则，请核对。"))
    landed = landing.land([orjson.dumps({name: one for name, one in row.items() if one is not None}) + b"\n"])
    return runs.queue(
        source, actor.key, ingest=f"form-dispute-{held.pk}", landed=landed, name="dispute.jsonl", mode="upsert",
        done={"internal": {"settled": True}},
    )  # fmt: skip


def _sealed(keys: Mapping[str, str]) -> dict[str, str]:
    return {"sealed": base64.b64encode(sealing.sealed(orjson.dumps(dict(keys)).decode())).decode()}


def _key(one: Dispute) -> dict[str, str]:
    opened: dict[str, str] = orjson.loads(sealing.opened(base64.b64decode(one.key["sealed"])))
    return opened
