"""land and read: the file is here and known, its columns are agreed on."""

import shutil
from typing import Any

from citybrain.base.exchange import landing
from citybrain.base.exchange.mapping import drift, match
from citybrain.base.exchange.models import Landed, Run
from citybrain.base.exchange.reading import Options, Unreadable, read
from citybrain.base.exchange.sources import fetch
from citybrain.base.exchange.steps.job import Job, Stopped


def land(job: Job) -> dict[str, Any]:
    """Fetch what the source has and keep it as it came; nothing new ends the run."""
    run = job.run
    if run.landed is None:
        got = fetch(job.source, job.folder / "fetched")
        if got is None:
            return {"skip": "nothing_new"}
        run.landed = landing.land_file(got.path)
        run.name = got.name[:255]
        run.save(update_fields=["landed", "name"])
        got.path.unlink(missing_ok=True)
        if got.ended:
            run.done["internal"] = {"ended": True}
        return {"digest": run.landed.digest, "cursor": got.cursor}
    if not run.done.get("internal") and _came_before(run, run.landed):
        return {"skip": "same_file", "digest": run.landed.digest}
    return {"digest": run.landed.digest}


def _came_before(run: Run, landed: Landed) -> bool:
    """Whether this very file changes nothing: appended before, or the last that came for the data set."""
    done = Run.objects.filter(dataset=run.dataset, state="done").exclude(pk=run.pk)
    same = done.filter(landed=landed, source=run.source, mode=run.mode)
    if run.mode == "append":
        return same.exists()
    last = done.order_by("-finished_at", "-pk").first()
    return last is not None and last.landed_id == landed.pk and last.source_id == run.source_id


def read_file(job: Job) -> dict[str, Any]:
    """Find out what the file is; agree on its columns, or stop for a person to look at what changed."""
    run = job.run
    if run.landed is None:
        raise Stopped("refused", "nothing_new")
    folder = job.folder / "read"
    shutil.rmtree(folder, ignore_errors=True)
    told = job.source.settings
    options = Options(
        encoding=told.get("encoding", ""),
        delimiter=told.get("delimiter", ""),
        sheet=told.get("sheet", ""),
        header_row=told.get("header_row"),
        fill=tuple(told.get("fill", ())),
    )
    try:
        found = read(landing.path_of(run.landed), folder, name=run.name, options=options)
    except Unreadable as bad:
        raise Stopped("refused", f"unreadable:{bad.key}", **bad.params) from bad
    mapping = match(found.names, job.shape, job.source.mapping)
    _agree(job, found.columns, mapping)
    return {"reading": found.to_json(), "mapping": mapping}


def _agree(job: Job, columns: Any, mapping: dict[str, str]) -> None:
    """Raise Stopped where columns went that were used, or where keys aren't there; keep what changed."""
    run, source = job.run, job.source
    found = drift(dict(source.columns), columns) if not run.done.get("internal") else drift({}, columns)
    run.drift = found.to_json() if found else {}
    run.save(update_fields=["drift"])
    needed = [one for one in job.shape.fields if one.key or (one.required and not job.ended)]
    lacking = [one.zh for one in needed if one.name not in mapping]
    used = {*match([name for name, _ in source.columns], job.shape, source.mapping).values()}
    gone = [name for name in found.missing if name in used]
    if lacking:
        raise Stopped("waiting", "fields_missing", fields="、".join(lacking))
    if not mapping:
        raise Stopped("refused", "no_fields")
    if gone and source.on_drift == "stop" and not run.drift_accepted:
        raise Stopped("waiting", "columns_gone", columns="、".join(gone))
