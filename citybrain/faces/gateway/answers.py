"""Rows and pages as JSON, straight from the hub's values."""

from typing import Any

import orjson
from django.http import HttpResponse

from citybrain.hub.cases.detail import CasePage, EventView
from citybrain.hub.cases.lifecycle import Need
from citybrain.hub.cases.rows import CaseRow
from citybrain.hub.cases.steps import NextStep


def answer(value: Any, status: int = 200) -> HttpResponse:
    """Return a JSON answer without another pass of validation."""
    return HttpResponse(orjson.dumps(value, default=str), content_type="application/json", status=status)


def case_row(row: CaseRow) -> dict[str, Any]:
    return {
        "number": row.number,
        "version": row.version,
        "state": f"{row.state:02d}",
        "state_label": row.state_label,
        "source": row.source.value,
        "item": row.item_code,
        "item_name": row.item_name,
        "urgent": row.urgent,
        "description": row.description,
        "address": row.address,
        "lon": row.lon,
        "lat": row.lat,
        "areas": row.area_names,
        "agency": row.agency_name,
        "reported_at": row.reported_at,
        "changed_at": row.changed_at,
        "due_at": row.due_at,
        "closed_at": row.closed_at,
        "on_time": row.on_time,
        "solved": row.solved,
        "rating": row.rating,
    }


def need(one: Need) -> dict[str, Any]:
    return {
        "name": one.name,
        "kind": one.kind.value,
        "label": str(one.label),
        "required": one.required,
        "choices": [(key, str(label)) for key, label in one.choices],
        "photos": [kind.value for kind in one.photos],
    }


def step(one: NextStep) -> dict[str, Any]:
    needs = [need(each) for each in one.transition.needs]
    return {"key": one.key, "label": one.label, "expected": one.expected, "needs": needs}


def event(one: EventView) -> dict[str, Any]:
    return {
        "seq": one.seq,
        "action": one.action,
        "label": one.label,
        "state": f"{one.state:02d}",
        "at": one.at,
        "who": one.who,
        "agency": one.agency,
        "reason": one.reason,
        "clock": one.clock,
    }


def case_page(page: CasePage) -> dict[str, Any]:
    return {
        "case": case_row(page.row),
        "due_because": list(page.running.lines) if page.running else [],
        "steps": [step(one) for one in page.steps],
        "blocked": page.blocked,
        "events": [event(one) for one in page.events],
        "photos": [photo.token for photo in page.photos],
    }
