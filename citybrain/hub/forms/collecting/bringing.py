"""A sheet that was filled as a workbook comes back: what it would change is shown first, then saved like typing.

Rows are found by what the filler may see, so a workbook can't be used to ask what is hidden. Each edit bears an id
made from the file and the cell: the same file twice changes nothing.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import uuid5

from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.identity.actor import Actor
from citybrain.base.identity.errors import refuse
from citybrain.base.ledger import record
from citybrain.hub.forms import book
from citybrain.hub.forms.collecting.comparing import IDS, Comparing, Fate, Plan
from citybrain.hub.forms.collecting.editing import ADD, EDITS_MOST, edit
from citybrain.hub.forms.collecting.sight import seen, sight, why_not_edit
from citybrain.hub.forms.collecting.values import CellEdit, Did, EditDone
from citybrain.hub.forms.making.workbooks import path_of
from citybrain.hub.forms.models import Sheet

MOST_BYTES: Final = 64 << 20


@dataclass(frozen=True, slots=True)
class Brought:
    """What came of a workbook: the plan that was carried out, cells and rows saved, what was not."""

    plan: Plan
    saved: int
    rows: int
    conflicts: tuple[EditDone, ...] = ()
    refused: tuple[EditDone, ...] = ()


def plan(
    actor: Actor, sheet: Sheet, path: Path, *, base: int | None = None, now: datetime | None = None
) -> Plan:
    """Return what the workbook at `path` would change; nothing is written.

    `base` is the sheet's stamp when the workbook was taken out, None where that isn't known: then whatever somebody
    else typed stays. Raises Forbidden; Refused, NotTaken, Unreadable telling why it can't be taken.
    """
    sheet = seen(actor, sheet)
    reason = why_not_edit(actor, sheet)
    if reason:
        raise refuse("sheet", reason)
    version = sheet.round.version
    if path.stat().st_size > MOST_BYTES:
        raise refuse("file", _("文件超过 %(most)d MB。") % {"most": MOST_BYTES >> 20})
    if version.workbook is None:
        raise refuse("file", _("这张报表没有 Excel 原表，请在页面上填写。"))
    table = book.Table(
        path_of(version.workbook), version.sheet, version.header_first, version.header_last, version.begins,
        version.shape, version.workbook.kind,
    )  # fmt: skip
    taken = book.read_rows(table, path)
    held = sight(actor, sheet, now or timezone.now())
    return Comparing(actor, sheet, held, taken, _digest(path), base, version.begins).made()


def bring(
    actor: Actor,
    sheet: Sheet,
    path: Path,
    *,
    base: int | None = None,
    shown: int | None = None,
    over: Iterable[str] = (),
    now: datetime | None = None,
) -> Brought:
    """Save what the workbook changes. `over`: spots of conflicts where the workbook's value is to stand after all,
    as they were shown at the sheet's stamp `shown`.

    Many cells go in several batches, each whole or not at all; the same file again goes on where it ended.
    """
    made = plan(actor, sheet, path, base=base, now=now)
    chosen = set(over)
    results: list[EditDone] = []
    for batch in _batches(made, chosen, shown):
        results += edit(actor, sheet, batch, now=now).results
    added = {one.client for one in made.new}
    saved = [one for one in results if one.did == Did.SAVED]
    done = Brought(
        made,
        sum(one.client not in added for one in saved),
        sum(one.client in added for one in saved),
        tuple(one for one in results if one.did == Did.CONFLICT),
        tuple(one for one in results if one.did == Did.REFUSED),
    )
    if saved:
        body = {
            "file": made.digest,
            "cells": done.saved,
            "rows": done.rows,
            "conflicts": len(done.conflicts),
        }
        record(actor.key, "forms.bring_sheet", f"sheet:{sheet.pk}", body, at=now or timezone.now())
    return done


def _batches(made: Plan, chosen: set[str], shown: int | None) -> Iterator[list[CellEdit]]:
    """Yield the edits, a row's together, as many at once as may be."""
    groups: dict[str, list[CellEdit]] = {}
    for row in made.new:
        groups[row.key] = [CellEdit(row.key, "", ADD, made.stamp, row.client)]
    for one in made.moves:
        if one.fate not in {Fate.CHANGE, Fate.CONFLICT}:
            continue
        base, client = one.base, one.client
        if one.fate == Fate.CONFLICT and one.spot in chosen:
            base = min(shown or 0, made.stamp)
            client = uuid5(IDS, f"{client}:over:{base}")
        groups.setdefault(one.key, []).append(CellEdit(one.key, one.letter, one.after, base, client))
    batch: list[CellEdit] = []
    for group in groups.values():
        if batch and len(batch) + len(group) > EDITS_MOST:
            yield batch
            batch = []
        batch += group
    if batch:
        yield batch


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
