"""A watched folder: each file that has stopped growing is taken once, oldest first; none is moved or deleted."""

import fnmatch
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from citybrain.base.exchange.models import Source
from citybrain.base.exchange.sources.fetched import Fetched, SourceError
from citybrain.base.exchange.sources.outward import Shut, checked_path

QUIET_SECONDS: Final = 5.0
KNOWN_MOST: Final = 5_000


def fetch(source: Source, folder: Path) -> Fetched | None:
    """Return a copy of the oldest file not taken yet. Settings: folder, pattern (such as *.csv).

    With `ended_pattern` files of that pattern hold rows that ended. Raises SourceError.
    """
    ended = str(source.settings.get("ended_pattern") or "")
    quiet = float(source.settings.get("quiet_seconds", QUIET_SECONDS))
    taken: dict[str, list[float]] = dict(source.cursor.get("taken", {}))
    waiting: list[tuple[float, Path, list[float]]] = []
    for path in fitting(source):
        state = path.stat()
        mark = [state.st_mtime, state.st_size]
        if taken.get(path.name) != mark and time.time() - state.st_mtime >= quiet:
            waiting.append((state.st_mtime, path, mark))
    if not waiting:
        return None
    _, path, mark = min(waiting)
    copy = folder / "file"
    shutil.copyfile(path, copy, follow_symlinks=False)
    kept = dict(list({**taken, path.name: mark}.items())[-KNOWN_MOST:])
    return Fetched(copy, path.name, {"taken": kept}, ended=bool(ended) and fnmatch.fnmatch(path.name, ended))


def fitting(source: Source) -> Iterator[Path]:
    """Yield the folder's files that are meant. Raises SourceError for a folder that isn't there or isn't open."""
    told = source.settings
    watched = Path(str(told.get("folder", "")))
    try:
        real = checked_path(watched)
    except Shut as shut:
        raise SourceError(f"source {source.name}: {shut}") from shut
    if not real.is_dir():
        raise SourceError(f"source {source.name}: folder {watched} isn't there; make it or change the source")
    patterns = [str(told.get("pattern") or "*"), *filter(None, [str(told.get("ended_pattern") or "")])]
    for path in real.iterdir():
        if path.is_symlink() or not path.is_file() or path.name.startswith((".", "~$")):
            continue
        if any(fnmatch.fnmatch(path.name, pattern) for pattern in patterns):
            yield path
