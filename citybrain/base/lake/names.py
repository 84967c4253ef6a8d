"""What things are called in the lake: codes, folders, the columns of its own."""

import re
from pathlib import Path
from typing import Final

from django.conf import settings

NAMESPACE: Final = "city"
VERSION: Final = "_version"  # the version that wrote the row last
RUN: Final = "_run"  # the intake run that brought it
SUPPLY: Final = "_supply"  # which supply it came from, 0 when unknown
SYSTEM_COLUMNS: Final = (VERSION, RUN, SUPPLY)
_CODE: Final = re.compile(r"[a-z0-9][a-z0-9_\-]{0,99}")


class LakeError(Exception):
    """Something can't be done in the lake; the message says what and to which data set."""


class BadCode(LakeError):
    """The code can't name a table."""


def checked(code: str) -> str:
    """Return the code. Raises BadCode unless it is small Latin letters, digits, _ and -, at most 100."""
    if not _CODE.fullmatch(code):
        raise BadCode(f"lake: {code!r} can't name a table: small Latin letters, digits, _ and -, at most 100")
    return code


def home() -> Path:
    """Return the lake's folder: `tables/` (the warehouse) and `tmp/` (what DuckDB spills)."""
    return Path(settings.LAKE_HOME).absolute()


def warehouse() -> Path:
    """Return the folder that holds a folder for each table."""
    return home() / "tables"


def folder(code: str) -> Path:
    """Return the folder of one table: `data/`, `metadata/` and `removed/`."""
    return warehouse() / code


def uri(path: Path | str) -> str:
    """Return the address Iceberg keeps for a file or folder of this machine."""
    return f"file://{path}"


def path_of(address: str) -> str:
    """Return the path of a file:// address; a path stays one."""
    return address.removeprefix("file://")


def literal(text: str) -> str:
    """Return the text as an SQL literal, for DuckDB and PostgreSQL."""
    return "'" + text.replace("'", "''") + "'"


def quoted(name: str) -> str:
    """Return a column's or table's name, quoted."""
    return '"' + name.replace('"', '""') + '"'
