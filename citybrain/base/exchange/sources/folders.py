"""A watched folder: each file that has stopped growing is taken once, oldest first; none is moved or deleted."""

import fnmatch
import shutil
import time
from pathlib import Path
from typing import Final

from citybrain.base.exchange.models import Source
from citybrain.base.exchange.sources.fetching import Fetched, SourceError

QUIET_SECONDS: Final = 5.0
KNOWN_MOST: Final = 5_000


def fetch(source: Source, folder: Path) -> Fetched | None:
    """Return a copy of the oldest file not taken yet. Settings: folder, pattern (such as *.csv)."""
    watched = Path(str(source.settings.get("folder", "")))
    if not watched.is_dir():
        raise SourceError(f"source {source.name}: folder {watched} isn't there; make it or change the source")
    pattern = str(source.settings.get("pattern") or "*")
    quiet = float(source.settings.get("quiet_seconds", QUIET_SECONDS))
    taken: dict[str, list[float]] = dict(source.cursor.get("taken", {}))
    waiting: list[tuple[float, Path, list[float]]] = []
    for path in watched.iterdir():
        if not path.is_file() or path.is_symlink() or path.name.startswith((".", "~$")):
            continue
        state = path.stat()
        mark = [state.st_mtime, state.st_size]
        if (
            fnmatch.fnmatch(path.name, pattern)
            and taken.get(path.name) != mark
            and time.time() - state.st_mtime >= quiet
        ):
            waiting.append((state.st_mtime, path, mark))
    if not waiting:
        return None
    _, path, mark = min(waiting)
    copy = folder / "file"
    shutil.copyfile(path, copy)
    kept = dict(list({**taken, path.name: mark}.items())[-KNOWN_MOST:])
    return Fetched(copy, path.name, {"taken": kept})
