"""Pushed rows: durable when accepted, checked and stored together within seconds, answerable row by row.

A row stands for itself: a field that it doesn't name is empty (of a supply, among the fields of that supply), so that
what is stored never depends on which calls happened to be worked on together. Of one key the last row counts.
"""

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from citybrain.base.catalogue.shape import Shape
from citybrain.base.exchange import landing, runs
from citybrain.base.exchange.models import Push, Quarantined, Source
from citybrain.base.exchange.models.intake import RUN
from citybrain.base.exchange.reading.documents import shown
from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.errors import Problem as Wrong
from citybrain.base.identity.errors import Refused, refuse
from citybrain.base.lake import staging
from citybrain.base.lake.models import Staged
from citybrain.base.lake.staging import Batch
from citybrain.base.ledger import record

ROWS_MOST: Final = 10_000
WAITING_MOST: Final = 20_000
"""Writes to one data set that may wait; beyond it the worker stands still and callers are asked to wait."""
TOLD_MOST: Final = 100
KEY_MOST: Final = 80
CELL_MOST: Final = 1_000_000


class Busy(Exception):
    """Too much waits already; nothing was accepted. Try again later."""


class Changed(Exception):
    """The submission key was used for other rows; `push` are those."""

    def __init__(self, push: Push) -> None:
        super().__init__(push.submission_key)
        self.push = push


@dataclass(frozen=True)
class Accepted:
    """The receipt; `created` is False where the same call was accepted before."""

    push: Push
    created: bool


def fields_of(source: Source) -> tuple[str, ...]:
    """Return the fields that a source may push: those of its supply with the keys, or all."""
    shape = source.dataset.shape
    told = set(source.supply.fields) if source.supply else set()
    return tuple(name for name in shape.names if not told or name in told or name in shape.keys)


def accept_rows(
    actor: Actor,
    source: Source,
    rows: Sequence[Mapping[str, Any]],
    submission_key: str = "",
    *,
    ended: bool = False,
) -> Accepted:
    """Keep rows that a system pushes, durable when this returns. With `ended` the rows of these keys end.

    Raises Forbidden; Refused naming rows and fields that can't be; Changed; Busy.
    """
    require(actor, RUN, source.guard())
    if source.kind != "push" or not source.is_active:
        raise refuse("source", _("此来源不接收推送。"))
    if not 1 <= len(rows) <= ROWS_MOST:
        raise refuse("rows", _("一次推送 1 至 %(most)s 行。") % {"most": ROWS_MOST})
    if len(submission_key) > KEY_MOST:
        raise refuse("submission_key", _("提交编号最多 %(most)s 个字符。") % {"most": KEY_MOST})
    texts = _texts(source, rows, ended=ended)
    digest = hashlib.sha256(orjson.dumps([ended, texts], option=orjson.OPT_SORT_KEYS)).hexdigest()
    with transaction.atomic():
        return _kept(actor, source, texts, submission_key, digest, ended=ended)


def _kept(
    actor: Actor, source: Source, texts: list[dict[str, str | None]], key: str, digest: str, *, ended: bool
) -> Accepted:
    """Write the push once: of two calls at the same time with one key the second one waits for the first."""
    values = {"digest": digest, "rows": len(texts), "ended": ended, "by": actor.key}
    try:
        with transaction.atomic():
            push = Push.objects.create(source=source, submission_key=key or f"-{uuid.uuid4().hex}", **values)
    except IntegrityError:
        known = Push.objects.get(source=source, submission_key=key)
        if known.digest != digest:
            raise Changed(known) from None
        return Accepted(known, False)
    code = source.dataset.code
    if Staged.objects.filter(code=code)[WAITING_MOST : WAITING_MOST + 1].exists():
        raise Busy
    note = {"source": source.pk, "by": actor.key, "push": push.pk, "ended": ended}
    number = staging.stage(code, texts, supply=source.supply_id or 0, note=note)
    told = {"rows": len(texts), "write": number, "push": push.pk, "ended": ended}
    record(actor.key, "exchange.push", f"source:{source.pk}", told)
    return Accepted(push, True)


def _texts(source: Source, rows: Sequence[Mapping[str, Any]], *, ended: bool) -> list[dict[str, str | None]]:
    """Return the rows as texts by field. Raises Refused naming what can't be kept at all; the rest is checked later."""
    shape = source.dataset.shape
    if ended and not shape.keys:
        raise refuse("ended", _("数据资源没有主键，不能按主键结束。"))
    known = frozenset(shape.keys if ended else fields_of(source))
    wrong: list[Wrong] = []
    texts: list[dict[str, str | None]] = []
    for number, row in enumerate(rows):
        told: dict[str, str | None] = {}
        for name, value in row.items():
            text = None if value is None else shown(value)
            told[name] = text or None
            reason = _cannot(name, text, known)
            if reason and len(wrong) < TOLD_MOST:
                wrong.append(Wrong(f"rows.{number}.{name}", reason))
        texts.append(told)
    if wrong:
        raise Refused(*wrong)
    return texts


def _cannot(name: str, text: str | None, known: frozenset[str]) -> str:
    """Return why a cell can't be kept, empty where it can."""
    if name not in known:
        return _("没有信息项“%(name)s”，或此来源不提供它。") % {"name": name[:60]}
    if text is None:
        return ""
    if len(text) > CELL_MOST:
        return _("内容过长，最多 %(most)s 个字符。") % {"most": CELL_MOST}
    if "\0" in text or any("\ud800" <= sign <= "\udfff" for sign in text):
        return _("含有不能保存的字符。")
    return ""


def take_pushed(batch: Batch) -> None:
    """Take a batch of pushed rows in, in its order: a run for as many calls as are of one source, ended rows apart."""
    groups: list[tuple[tuple[int, bool], list[Staged]]] = []
    for write in batch.writes:
        group = int(write.note.get("source") or 0), bool(write.note.get("ended"))
        if not groups or groups[-1][0] != group:
            groups.append((group, []))
        groups[-1][1].append(write)
    known = Source.objects.select_related("dataset__current", "supply")
    sources = known.in_bulk([number for (number, _), _ in groups])
    for place, ((number, ended), writes) in enumerate(groups):
        source = sources.get(number)
        if source is None:
            raise LookupError(f"push to {batch.code}: its source is gone")
        _take(source, writes, f"{batch.ingest}-{place}", ended=ended)


def _take(source: Source, writes: Sequence[Staged], ingest: str, *, ended: bool) -> None:
    """Queue one run; of one key the last row is stored, and each push knows where its rows are in the run."""
    keys = source.dataset.shape.keys
    names = keys if ended else fields_of(source)
    rows = [row for write in writes for row in write.rows]
    last = {tuple(row.get(key) for key in keys): place for place, row in enumerate(rows)} if keys else {}
    stays = [not keys or last[tuple(row.get(key) for key in keys)] == place for place, row in enumerate(rows)]
    lines = (
        orjson.dumps({name: row.get(name) for name in names}) + b"\n"
        for row, stay in zip(rows, stays, strict=True)
        if stay
    )
    landed = landing.land(lines)
    with transaction.atomic():
        run = runs.queue(
            source, str(writes[0].note.get("by", "system")), ingest=ingest, landed=landed, name="push.jsonl",
            drift_accepted=True, done={"internal": {"push": True, "ended": ended}},
        )  # fmt: skip
        place, first = 0, 1
        for write in writes:
            mine = stays[place : place + len(write.rows)]
            left_out = [number for number, stay in enumerate(mine) if not stay]
            Push.objects.filter(pk=write.note.get("push")).update(run=run, first_row=first, left_out=left_out)
            place, first = place + len(mine), first + len(mine) - len(left_out)


@dataclass(frozen=True)
class RefusedRow:
    """A row that isn't stored: its place in the call from 0, and why. `state`: whether somebody mended it since."""

    row: int
    state: str
    problems: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Told:
    """What became of a push. `state`: accepted, checking, held (a person must look), refused, failed, done."""

    push: Push
    state: str
    version: int | None = None
    stored: int = 0
    refused: int = 0
    replaced: int = 0
    rows: tuple[RefusedRow, ...] = ()


STATES: Final = {
    "queued": "checking", "running": "checking", "waiting": "held", "failed": "failed", "refused": "refused",
    "done": "done",
}  # fmt: skip


def told(actor: Actor, number: int) -> Told:
    """Return what became of a push. Raises Push.DoesNotExist for what isn't the actor's to see."""
    push = Push.objects.visible_to(actor).select_related("run", "source__dataset__current").get(pk=number)
    if push.run is None:
        return Told(push, "accepted")
    state = STATES[push.run.state]
    replaced = len(push.left_out)
    kept = push.rows - replaced
    aside = Quarantined.objects.filter(run=push.run, row__gte=push.first_row, row__lt=push.first_row + kept)
    refused = aside.count()
    places = [place for place in range(push.rows) if place not in set(push.left_out)]
    shape = push.source.dataset.shape
    rows = tuple(
        RefusedRow(places[one.row - push.first_row], one.state, _explained(one, shape))
        for one in aside.order_by("row")[:TOLD_MOST]
    )
    stored = kept - refused if state == "done" else 0
    return Told(push, state, push.run.version if state == "done" else None, stored, refused, replaced, rows)


def _explained(row: Quarantined, shape: Shape) -> tuple[tuple[str, str, str], ...]:
    from citybrain.base.exchange.checks import Problem, explain  # with the engine that checks

    problems = [Problem.from_json(one) for one in row.problems]
    return tuple((one.field, one.reason, explain(one, shape)) for one in problems)
