"""What a higher level's platform takes over: the published entries as JSON, or in the catalogue's Excel form."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.utils import timezone

from citybrain.base.catalogue.access import APPROVE
from citybrain.base.catalogue.entry import Meta
from citybrain.base.catalogue.models import DataSet, Supply
from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor
from citybrain.base.ledger import record

FORMAT = "citybrain.catalogue"
FORMAT_VERSION = 1


def package(actor: Actor, *, since: datetime | None = None, now: datetime | None = None) -> dict[str, Any]:
    """Return the published entries (since a moment: those changed after it) and the codes withdrawn.

    For those who approve entries. Figures of the data behind, and who provides them; no rows of data, nothing
    of grants. Raises Forbidden.
    """
    require(actor, APPROVE)
    moment = now or timezone.now()
    sets = DataSet.objects.visible_to(actor).select_related("provider__area", "current").order_by("code")
    published = sets.filter(state="published")
    withdrawn = sets.filter(state="withdrawn")
    if since is not None:
        published = published.filter(current__approved_at__gt=since)
        withdrawn = withdrawn.filter(withdrawn_at__gt=since)
    entries = [_entry(row) for row in published]
    told = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "made_at": moment.isoformat(),
        "since": since.isoformat() if since else None,
        "entries": _with_supplies(entries),
        "withdrawn": list(withdrawn.values_list("code", flat=True)),
    }
    record(
        actor.key, "catalogue.export_upwards", "catalogue", {"entries": len(entries), "since": told["since"]}
    )
    return told


def _entry(row: DataSet) -> dict[str, Any]:
    assert row.current is not None  # noqa: S101  (published: a constraint)
    meta = Meta.from_json(row.current.meta).to_json()
    return {
        **meta,
        "revision": row.current.number,
        "grade": row.grade,
        "provider": {"key": row.provider.key, "name": row.provider.name, "area": row.provider.area.code},
        "published_at": row.published_at.isoformat() if row.published_at else None,
        "shape": row.current.shape,
        "data": {
            "version": row.data_version,
            "rows": row.data_rows,
            "at": row.data_at.isoformat() if row.data_at else None,
            "score": str(row.score) if row.score is not None else None,
        },
    }


def _with_supplies(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    codes = [entry["code"] for entry in entries]
    rows: Iterable[Supply] = Supply.objects.filter(dataset__code__in=codes, is_active=True).select_related(
        "dataset", "system"
    )
    by_code: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_code.setdefault(row.dataset.code, []).append(
            {
                "system": row.system.name,
                "mode": row.mode,
                "update_cycle": row.update_cycle,
                "fields": row.fields,
            }
        )
    return [{**entry, "supplies": by_code.get(entry["code"], [])} for entry in entries]
