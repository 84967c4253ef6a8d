"""Files as they came: kept once under their digest, never changed."""

import hashlib
import os
import shutil
import uuid
from collections.abc import Iterable
from pathlib import Path

from citybrain.base.exchange.models import Landed
from citybrain.base.lake import names

PIECE = 1 << 20


def folder() -> Path:
    """Return where files are kept."""
    return names.home() / "landed"


def path_of(landed: Landed) -> Path:
    """Return where a file lies."""
    return folder() / landed.digest[:2] / landed.digest


def work_folder(run_id: int) -> Path:
    """Return a run's own folder for what it makes on the way."""
    return names.home() / "work" / f"run-{run_id}"


def land(pieces: Iterable[bytes]) -> Landed:
    """Keep a file, durable before it is named; the same bytes again are the same file."""
    arriving = folder() / "arriving" / uuid.uuid4().hex
    arriving.parent.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    try:
        with arriving.open("wb") as out:
            for piece in pieces:
                digest.update(piece)
                out.write(piece)
                size += len(piece)
            out.flush()
            os.fsync(out.fileno())
        target = folder() / digest.hexdigest()[:2] / digest.hexdigest()
        target.parent.mkdir(exist_ok=True)
        if target.exists() and target.stat().st_size == size:
            arriving.unlink()
        else:
            arriving.replace(target)
    finally:
        arriving.unlink(missing_ok=True)
    return Landed.objects.get_or_create(digest=digest.hexdigest(), defaults={"size": size})[0]


def land_file(path: Path) -> Landed:
    """Keep a copy of a file."""

    def pieces() -> Iterable[bytes]:
        with path.open("rb") as file:
            while piece := file.read(PIECE):
                yield piece

    return land(pieces())


def clear_work(run_id: int) -> None:
    """Remove what a run made on the way."""
    shutil.rmtree(work_folder(run_id), ignore_errors=True)
