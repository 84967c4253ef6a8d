"""Conflicts brought to an end (治理闭环): sent back to a supplier with a clock, answered, settled, each step kept.

The data set's provider sends back and settles; the supplier that is asked answers. Who gives way ends it.
"""

from collections.abc import Mapping
from typing import Any, Final

import orjson
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.catalogue.access import Side
from citybrain.base.catalogue.actions.lending import due
from citybrain.base.catalogue.models import DataSet, Supply
from citybrain.base.catalogue.shape import Field
from citybrain.base.exchange import landing, runs
from citybrain.base.exchange.conflicts import ANSWER_MINUTES, told
from citybrain.base.exchange.models import OPEN_CONFLICT, Conflict, Run, Source
from citybrain.base.exchange.models.intake import MEND
from citybrain.base.exchange.reading.plan import literal, quoted
from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.errors import refuse
from citybrain.base.lake.names import LakeError
from citybrain.base.ledger import record
from citybrain.base.worktime.clock import Clock

NOTE_MOST: Final = 500


def sides(conflict: Conflict) -> Side:
    """Return the subject of `require` for who may look: the provider and both suppliers."""
    agencies = (conflict.held_by.system.agency, conflict.offered_by.system.agency)
    return Side(conflict.dataset.provider, *agencies)


def _locked(conflict: Conflict) -> Conflict:
    rows = Conflict.objects.select_for_update(of=("self",)).select_related(
        "dataset__provider", "dataset__current", "held_by__system__agency", "offered_by__system__agency",
        "asked__system__agency",
    )  # fmt: skip
    found: Conflict = rows.get(pk=conflict.pk)
    return found


def _other(conflict: Conflict) -> Supply:
    """Return the side that isn't asked."""
    other: Supply = conflict.offered_by if conflict.asked_id == conflict.held_by_id else conflict.held_by
    return other


@transaction.atomic
def reveal(actor: Actor, conflict: Conflict) -> None:
    """Write down that somebody looks at a conflict's values as they are. Raises Forbidden."""
    require(actor, MEND, sides(conflict))
    record(actor.key, "exchange.see_conflict", f"conflict:{conflict.pk}", {"dataset": conflict.dataset.code})


@transaction.atomic
def send_back(actor: Actor, conflict: Conflict, supply: Supply, note: str) -> Conflict:
    """Ask one of the two suppliers to look (again), with a clock of its own. Raises Forbidden, Refused."""
    require(actor, MEND, Side(conflict.dataset.provider))
    conflict = _locked(conflict)
    _verify(conflict, supply)
    if not note.strip():
        raise refuse("note", _("请写明需要核实什么。"))
    clock = Clock(timezone.now(), ANSWER_MINUTES)
    conflict.state, conflict.asked, conflict.clock, conflict.due_at = (
        "sent",
        supply,
        clock.to_json(),
        due(clock),
    )
    conflict.save(update_fields=["state", "asked", "clock", "due_at"])
    told(conflict, "send", actor.key, name=actor.name, supply=supply, note=note.strip())
    body = {"to": supply.pk, "note": note.strip()[:NOTE_MOST]}
    record(actor.key, "exchange.send_conflict", f"conflict:{conflict.pk}", body)
    return conflict


@transaction.atomic
def answer(actor: Actor, conflict: Conflict, *, stands: bool, note: str) -> Run | None:
    """Say for the supplier asked whether its values stand. One that gives way ends the conflict; the row of the other
    is then stored where it isn't yet, and the run that does it returned. Raises Forbidden, Refused.
    """
    conflict = _locked(conflict)
    require(actor, MEND, Side(conflict.asked.system.agency))
    if conflict.state != "sent":
        raise refuse("conflict", _("这处不一致已处理。"))
    if stands and not note.strip():
        raise refuse("note", _("坚持原值须写明依据。"))
    _stop(conflict)
    conflict.state = "answered"
    conflict.save(update_fields=["state", "clock"])
    action = "stand" if stands else "give_way"
    told(conflict, action, actor.key, name=actor.name, supply=conflict.asked, note=note.strip())
    body = {"stands": stands, "note": note.strip()[:NOTE_MOST]}
    record(actor.key, "exchange.answer_conflict", f"conflict:{conflict.pk}", body)
    return None if stands else _end(actor, conflict, _other(conflict), note, "agreed")


@transaction.atomic
def settle_conflict(actor: Actor, conflict: Conflict, supply: Supply, note: str = "") -> Run | None:
    """Say which supplier is right; where it isn't the one whose row is stored, queue its row.

    Raises Forbidden, Refused.
    """
    require(actor, MEND, Side(conflict.dataset.provider))
    conflict = _locked(conflict)
    _verify(conflict, supply)
    told(conflict, "settle", actor.key, name=actor.name, supply=supply, note=note.strip())
    body = {"for": supply.pk, "fields": sorted(conflict.fields)}
    record(actor.key, "exchange.settle_conflict", f"conflict:{conflict.pk}", body)
    return _end(actor, conflict, supply, note, "settled")


def _verify(conflict: Conflict, supply: Supply) -> None:
    if conflict.state not in OPEN_CONFLICT:
        raise refuse("conflict", _("这处不一致已处理。"))
    if supply.pk not in {conflict.held_by_id, conflict.offered_by_id}:
        raise refuse("supply", _("请在两个提供方中选择。"))


def _stop(conflict: Conflict) -> None:
    clock = Clock.from_json(conflict.clock) if conflict.clock else None
    if clock is not None and clock.stopped_at is None:
        conflict.clock = clock.stop(timezone.now()).to_json()


def _end(actor: Actor, conflict: Conflict, supply: Supply, note: str, state: str) -> Run | None:
    _stop(conflict)
    conflict.state, conflict.settled_for, conflict.note = state, supply, note.strip()[:NOTE_MOST]
    conflict.settled_by, conflict.settled_at = actor.key, timezone.now()
    conflict.save()
    side = "held" if supply.pk == conflict.held_by_id else "offered"
    source = Source.objects.filter(dataset=conflict.dataset, supply=supply).order_by("pk").first()
    if source is None:
        return None
    said = {name: values[side] for name, values in conflict.fields.items()}
    row = {**stored_row(conflict.dataset, conflict.key_values), **conflict.key_values, **said}
    landed = landing.land([orjson.dumps(row) + b"\n"])
    return runs.queue(
        source, actor.key, ingest=f"conflict-{conflict.pk}", landed=landed, name="conflict.jsonl", mode="upsert",
        done={"internal": {"settled": True}},
    )  # fmt: skip


def stored_row(dataset: DataSet, key_values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row that is stored as texts that intake reads, so that a mended one is whole; nothing where it is gone.

    Values of the key are texts as the lake writes them.
    """
    from citybrain.base.lake import engine  # with Iceberg: few ask for a stored row
    from citybrain.base.lake.tables import Table

    shape, code = dataset.shape, dataset.code
    try:
        there = engine.columns_of(Table(code).schema())
        texts = ", ".join(
            f"{_text(shape.field(name))} AS {quoted(name)}" for name in shape.names if name in there
        )
        keys = " AND ".join(
            f"CAST({quoted(name)} AS VARCHAR) = {literal(str(value))}" for name, value in key_values.items()
        )
        with engine.session() as link:
            rows = link.execute(f"SELECT {texts} FROM {engine.relation_sql(code)} WHERE {keys}")  # noqa: S608
            found = rows.to_arrow_table().to_pylist()
    except LakeError:
        return {}
    return {name: value for name, value in found[0].items() if value is not None} if found else {}


def _text(field: Field) -> str:
    """Return the SQL of a field as text: a moment with its offset as intake reads it, not as the engine writes it."""
    if field.type.kind == "timestamp":
        return f"strftime({quoted(field.name)} AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%f') || '+00:00'"
    return f"CAST({quoted(field.name)} AS VARCHAR)"
