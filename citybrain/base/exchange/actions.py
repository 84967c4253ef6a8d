"""Changes of intake: sources, runs, mending. Each asks for the right and writes the ledger in one transaction."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.catalogue.access import Side
from citybrain.base.catalogue.models import DataSet, Supply
from citybrain.base.exchange import landing, mending, runs, telling
from citybrain.base.exchange.disputes import settle_conflict
from citybrain.base.exchange.models import (
    Kind,
    Landed,
    MergeMode,
    OnDrift,
    Quarantined,
    Run,
    Source,
)
from citybrain.base.exchange.models.intake import MEND, RUN, SOURCES
from citybrain.base.exchange.sealing import sealed
from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.errors import refuse
from citybrain.base.identity.models import Agency
from citybrain.base.ledger import record

if TYPE_CHECKING:
    from citybrain.base.exchange.checks import Problem

__all__ = [
    "accept_drift", "add_source", "change_source", "dismiss", "mend_row", "receive_file", "replay",
    "retry", "run_source", "settle_conflict",
]  # fmt: skip
SETTABLE: Final = (
    "name", "mode", "settings", "mapping", "on_drift", "bad_percent", "every_minutes", "is_active",
)  # fmt: skip


@transaction.atomic
def add_source(
    actor: Actor,
    dataset: DataSet,
    agency: Agency,
    *,
    name: str,
    kind: str = "upload",
    supply: Supply | None = None,
    secret: str = "",
    **values: Any,
) -> Source:
    """Write down where rows of a published data set come from. Raises Forbidden, Refused."""
    require(actor, SOURCES, Side(agency, dataset.provider))
    if kind not in Kind.values or not name.strip():
        raise refuse("kind", _("请选择来源种类并填写名称。"))
    if dataset.current is None:
        raise refuse("dataset", _("数据资源“%(name)s”还没有发布，不能接收数据。") % {"name": dataset.name})
    if supply is not None and supply.dataset_id != dataset.pk:
        raise refuse("supply", _("供给清单里的这一项属于别的数据资源。"))
    if agency.pk != dataset.provider_id and (supply is None or supply.system.agency_id != agency.pk):
        raise refuse("agency", _("只有提供单位和供给清单所列的单位可以送来数据。"))
    if Source.objects.filter(dataset=dataset, name=name.strip()).exists():
        raise refuse("name", _("已有同名的来源。"))
    if "settings" in values:
        telling.verify(kind, values["settings"])
    values.setdefault("mode", "upsert" if dataset.shape.keys else "append")
    source = Source(
        dataset=dataset,
        agency=agency,
        supply=supply,
        kind=kind,
        name=name.strip()[:120],
        created_by=actor.key,
    )
    _set(source, values)
    source.secret = sealed(secret)
    source.save()
    record(
        actor.key,
        "exchange.add_source",
        f"source:{source.pk}",
        {"dataset": dataset.code, "kind": kind, "name": name},
    )
    return source


def _set(source: Source, values: Mapping[str, Any]) -> None:
    unknown = set(values) - set(SETTABLE)
    if unknown:
        raise TypeError(f"a source has no {sorted(unknown)}")
    for name, value in values.items():
        setattr(source, name, value)
    if source.mode not in MergeMode.values or source.on_drift not in OnDrift.values:
        raise refuse("mode", _("入库方式或列变化的处理方式不对。"))
    if source.mode == "upsert" and not source.dataset.shape.keys:
        raise refuse("mode", _("数据资源没有主键，不能按主键更新；请选择追加或全量替换。"))
    if source.every_minutes and source.is_active and source.kind not in {"upload", "push"}:
        source.next_due = source.next_due or timezone.now()
    else:
        source.next_due = None


@transaction.atomic
def change_source(actor: Actor, source: Source, *, secret: str | None = None, **values: Any) -> Source:
    """Change a source. Without `secret` the one kept stays, unless it would go elsewhere. Raises Forbidden, Refused."""
    source = (
        Source.objects.select_for_update(of=("self",))
        .select_related("dataset__provider", "agency")
        .get(pk=source.pk)
    )
    require(actor, SOURCES, source.guard())
    name = str(values.get("name", source.name)).strip()
    if not name or Source.objects.filter(dataset=source.dataset, name=name).exclude(pk=source.pk).exists():
        raise refuse("name", _("已有同名的来源。") if name else _("请填写名称。"))
    if "settings" in values:
        telling.verify(source.kind, values["settings"])
        if secret is None and source.secret:
            telling.verify_kept(source.kind, source.settings, values["settings"])
    _set(source, values)
    if secret is not None:
        source.secret = sealed(secret)
    source.save()
    told = {name: value for name, value in values.items() if name != "settings"}
    record(
        actor.key, "exchange.change_source", f"source:{source.pk}", {"changed": sorted(values), **_json(told)}
    )
    return source


def _json(values: Mapping[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = orjson.loads(orjson.dumps(values))
    return told


def receive_file(
    actor: Actor, source: Source, file: Path | Iterable[bytes], name: str, *, ended: bool = False
) -> Run:
    """Keep a file as it came and queue its intake; with `ended` its rows end. Raises Forbidden, Refused."""
    require(actor, RUN, source.guard())
    if not source.is_active:
        raise refuse("source", _("此来源已停用。"))
    if ended and not source.dataset.shape.keys:
        raise refuse("ended", _("数据资源没有主键，不能按主键结束。"))
    landed = landing.land_file(file) if isinstance(file, Path) else landing.land(file)
    return _queued(actor, source, landed, name, {"internal": {"ended": True}} if ended else {})


@transaction.atomic
def _queued(actor: Actor, source: Source, landed: Landed, name: str, done: dict[str, Any]) -> Run:
    run = runs.queue(source, actor.key, landed=landed, name=name[:255], done=done)
    told = {"run": run.pk, "file": name, "digest": landed.digest, "size": landed.size, "ended": bool(done)}
    record(actor.key, "exchange.receive_file", f"source:{source.pk}", told)
    return run


@transaction.atomic
def run_source(actor: Actor, source: Source) -> Run:
    """Queue a run that fetches what the source has now. Raises Forbidden, Refused."""
    require(actor, RUN, source.guard())
    if source.kind in {"upload", "push"}:
        raise refuse("source", _("此来源由提供方送来数据，不能主动抓取。"))
    run = runs.queue(source, actor.key)
    record(actor.key, "exchange.run_source", f"source:{source.pk}", {"run": run.pk})
    return run


@transaction.atomic
def accept_drift(actor: Actor, run: Run, mapping: Mapping[str, str] | None = None) -> Run:
    """Let a waiting run go on, with columns mapped anew where given (column → field). Raises Forbidden, Refused."""
    run = (
        Run.objects.select_for_update(of=("self",))
        .select_related("source__dataset__provider", "source__agency")
        .get(pk=run.pk)
    )
    require(actor, RUN, run.source.guard())
    if run.state != "waiting":
        raise refuse("run", _("这次入库没有在等待确认。"))
    if mapping is not None:
        run.source.mapping = {**run.source.mapping, **mapping}
        run.source.save(update_fields=["mapping"])
    run.state, run.drift_accepted, run.error, run.attempt = "queued", True, {}, 0
    run.done = {name: run.done[name] for name in ("internal", "land") if name in run.done}
    run.next_try_at = timezone.now()
    run.save()
    record(
        actor.key,
        "exchange.accept_drift",
        f"run:{run.pk}",
        {"drift": run.drift, "mapping": dict(mapping or {})},
    )
    return run


@transaction.atomic
def retry(actor: Actor, run: Run) -> Run:
    """Try a failed run again, from the step at which it failed. Raises Forbidden, Refused."""
    run = (
        Run.objects.select_for_update(of=("self",))
        .select_related("source__dataset__provider", "source__agency")
        .get(pk=run.pk)
    )
    require(actor, RUN, run.source.guard())
    if run.state != "failed":
        raise refuse("run", _("只有失败的入库可以重试。"))
    run.state, run.attempt, run.next_try_at, run.error = "queued", 0, timezone.now(), {}
    run.save()
    record(actor.key, "exchange.retry", f"run:{run.pk}", {})
    return run


def mend_row(actor: Actor, row: Quarantined, values: Mapping[str, str | None]) -> "list[Problem]":
    """Keep new values for a row put aside; return what is still wrong with it (empty: it can be replayed).

    Raises Forbidden, Refused.
    """
    require(actor, MEND, row.run.source.guard())
    shape = row.dataset.shape
    unknown = [name for name in values if not shape.has(name)]
    if unknown:
        raise refuse("values", _("没有信息项“%(name)s”。") % {"name": unknown[0]})
    with transaction.atomic():
        row = (
            Quarantined.objects.select_for_update(of=("self",))
            .select_related("dataset__current", "run")
            .get(pk=row.pk)
        )
        if row.state not in {"open", "mended"}:
            raise refuse("row", _("这一行已处理。"))
        mended = {**{name: value for name, value in row.raw.items() if name}, **(row.mended or {}), **values}
        problems = mending.still_wrong(shape, mended)
        row.mended, row.mended_by, row.mended_at = mended, actor.key, timezone.now()
        row.state = "open" if problems else "mended"
        row.save(update_fields=["mended", "mended_by", "mended_at", "state"])
        record(
            actor.key,
            "exchange.mend_row",
            f"quarantined:{row.pk}",
            {"fields": sorted(values), "left": len(problems)},
        )
    return problems


def replay(actor: Actor, source: Source) -> Run | None:
    """Queue the mended rows of a source to be stored; None where there are none. Each goes once. Raises Forbidden."""
    require(actor, MEND, source.guard())
    with transaction.atomic():
        rows = list(
            Quarantined.objects.select_for_update(skip_locked=True)
            .filter(run__source=source, state="mended")
            .order_by("id")
        )
        if not rows:
            return None
        landed = landing.land(mending.as_lines(rows))
        mode = "upsert" if source.dataset.shape.keys else "append"
        name = f"replay-{rows[0].pk}-{rows[-1].pk}.jsonl"
        run = runs.queue(
            source, actor.key, landed=landed, name=name, mode=mode, done={"internal": {"replay": True}}
        )
        Quarantined.objects.filter(pk__in=[row.pk for row in rows]).update(state="replaying", replay=run)
        record(actor.key, "exchange.replay", f"source:{source.pk}", {"run": run.pk, "rows": len(rows)})
    return run


@transaction.atomic
def dismiss(actor: Actor, row: Quarantined, note: str) -> None:
    """Settle a row put aside without storing it, with the reason. Raises Forbidden, Refused."""
    require(actor, MEND, row.run.source.guard())
    if not note.strip():
        raise refuse("note", _("请写明不予处理的原因。"))
    changed = Quarantined.objects.filter(pk=row.pk, state__in=("open", "mended")).update(
        state="dismissed", note=note.strip()[:500], mended_by=actor.key, mended_at=timezone.now()
    )
    if not changed:
        raise refuse("row", _("这一行已处理。"))
    record(actor.key, "exchange.dismiss", f"quarantined:{row.pk}", {"note": note.strip()[:500]})
