"""The home folder: made on first need, with the site's secret in it. And the locks of who works in it."""

import contextlib
import fcntl
import json
import os
import secrets
import sys
from pathlib import Path
from typing import IO, Any

from citybrain.site import env
from citybrain.site.postgres import write_secret


class HomeError(RuntimeError):
    """The home folder can't be used; the message says what to do."""


def prepare(home: Path | None = None) -> Path:
    """Make the home folder with its secret where they are missing; return it.

    As root it may be passed by others (the database's user must), and its secrets are readable by us alone.
    """
    folder = home or env.home()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o755 if os.geteuid() == 0 else 0o700)
        secret = folder / "secret_key"
        if not secret.is_file():
            write_secret(secret, secrets.token_urlsafe(48))
        (folder / "photos").mkdir(exist_ok=True, mode=0o700)
    except OSError as error:
        raise HomeError(
            f"{folder} can't be written ({error.strerror}): it belongs to somebody else or the disk is read-only; "
            "set CITYBRAIN_HOME to a folder of your own"
        ) from error
    return folder


class Lock:
    """A lock that lives in a file and dies with its holder; the file says who holds it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.stream: IO[str] | None = None

    def take(self, *, shared: bool = False, wait: bool = False) -> bool:
        """Take the lock; return False when somebody else has it and we don't wait."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        stream = self.stream or self.path.open("a+", encoding="utf-8")
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        try:
            fcntl.flock(stream, kind | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            if stream is not self.stream:
                stream.close()
            return False
        self.stream = stream
        return True

    def note(self, **facts: Any) -> None:
        """Write who holds the lock, beside it, for whoever finds it taken."""
        command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:3]])
        text = json.dumps({"pid": os.getpid(), "command": command, **facts}, ensure_ascii=False)
        self.path.with_suffix(".json").write_text(text, encoding="utf-8")

    def holder(self) -> dict[str, Any]:
        """Return what the holder noted; empty when that can't be read."""
        with contextlib.suppress(OSError, ValueError):
            found: dict[str, Any] = json.loads(self.path.with_suffix(".json").read_text(encoding="utf-8"))
            return found
        return {}

    def release(self) -> None:
        """Give the lock back."""
        if self.stream is not None:
            self.stream.close()
            self.stream = None
