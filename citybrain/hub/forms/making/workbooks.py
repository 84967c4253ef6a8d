"""Workbooks as they came: kept once under their digest below HOME, never changed."""

import hashlib
import os
import shutil
import uuid
from pathlib import Path
from typing import Final

from django.conf import settings
from django.utils.translation import gettext as _

from citybrain.base.identity.errors import refuse
from citybrain.hub.forms.models import Workbook

PIECE: Final = 1 << 20
MOST: Final = 64 << 20  # bytes of a file, our choice


def folder() -> Path:
    """Return where workbooks are kept."""
    return Path(settings.HOME) / "forms"


def path_of(workbook: Workbook) -> Path:
    """Return where a workbook lies."""
    return folder() / workbook.digest[:2] / workbook.digest


def keep(path: Path, name: str, kind: str) -> Workbook:
    """Keep a copy of a file of a kind (xlsx, xlsm, xls), durable before it is named. Raises Refused.

    The same bytes again are the same workbook.
    """
    size = path.stat().st_size
    if size > MOST:
        raise refuse("file", _("文件过大，最大 %(most)d MB。") % {"most": MOST >> 20})
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    target = folder() / digest[:2] / digest
    if not (target.exists() and target.stat().st_size == size):
        _copy(path, target)
    values = {"name": Path(name or path.name).name[:255], "kind": kind, "size": size}
    return Workbook.objects.get_or_create(digest=digest, defaults=values)[0]


def _copy(path: Path, target: Path) -> None:
    arriving = Path(settings.HOME) / "arriving" / uuid.uuid4().hex
    arriving.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with path.open("rb") as file, arriving.open("wb") as out:
            shutil.copyfileobj(file, out, PIECE)
            out.flush()
            os.fsync(out.fileno())
        arriving.replace(target)
    finally:
        arriving.unlink(missing_ok=True)
