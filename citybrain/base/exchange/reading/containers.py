"""What a file is by its first bytes, whatever its name says, and what lies inside a gz or zip.

Unpacking stops at a size and at a ratio, before the disk fills.
"""

import gzip
import lzma
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, cast

from citybrain.base.exchange.reading.limits import Limits
from citybrain.base.exchange.reading.parts import TYPES, Parts
from citybrain.base.exchange.reading.report import Unreadable

PIECE = 1 << 20
DEEPEST = 2
FOREIGN = (
    (b"%PDF", "PDF"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!", "RAR"),
    (b"\x28\xb5\x2f\xfd", "Zstandard"),
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF8", "GIF"),
    (b"SQLite format 3\0", "SQLite"),
    (b"ORC", "ORC"),
    (b"Obj\x01", "Avro"),
    (b"\x7fELF", "ELF"),
    (b"MZ\x90", "EXE"),
)
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
OFFICE = {
    "wordprocessingml": "Word",
    "ms-word": "Word",
    "presentationml": "PowerPoint",
    "powerpoint": "PowerPoint",
}
IGNORED = ("__MACOSX/", ".DS_Store", "Thumbs.db")
SUFFIXES = {
    "xlsx": {".xlsx", ".xlsm", ".xltx", ".et"},
    "xls": {".xls", ".et", ".xlt"},
    "xlsb": {".xlsb"},
    "ods": {".ods"},
    "parquet": {".parquet", ".pq"},
    "csv": {".csv", ".txt", ".tsv", ".dat", ".tab", ".psv", ".asc", ".data", ".log", ""},
    "json": {".json", ".geojson", ".jsonld", ".ndjson", ".jsonl", ".txt", ""},
    "jsonl": {".jsonl", ".ndjson", ".json", ".txt", ".log", ""},
    "html": {".html", ".htm"},
}
KNOWN = frozenset().union(*SUFFIXES.values()) - {""}


@dataclass(frozen=True)
class Unpacked:
    """The file that holds the table. `container` is "gz", "zip", "gz in zip" … or empty."""

    path: Path
    name: str
    kind: str
    container: str = ""


def identify(path: Path) -> str:
    """Return gz, xz, zip, xlsx, xlsb, ods, xls, parquet, html, json or text. Raises Unreadable for other things."""
    with path.open("rb") as file:
        head = file.read(4096)
    if not head:
        raise Unreadable("empty")
    foreign = next((name for mark, name in FOREIGN if head.startswith(mark)), None)
    if foreign is not None:
        raise Unreadable("kind", kind=foreign)
    return _packed(path, head) or _text_kind(head)


def _packed(path: Path, head: bytes) -> str:
    if head.startswith(b"\x1f\x8b"):
        return "gz"
    if head.startswith(b"\xfd7zXZ\0"):
        return "xz"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip_kind(path)
    if head.startswith(OLE):
        return _ole_kind(path)
    if head.startswith(b"PAR1"):
        with path.open("rb") as file:
            file.seek(-4, 2)
            if file.read() != b"PAR1":
                raise Unreadable("damaged", detail="Parquet")
        return "parquet"
    return ""


def _zip_kind(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            office = _office(Parts(archive)) if TYPES in names else ""
    except (zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError, zlib.error) as bad:
        raise Unreadable("damaged", detail=f"zip: {bad}") from bad
    if office in {"xlsx", "xlsb"}:
        return office
    if "xl/workbook.bin" in names:
        return "xlsb"
    if any(name.lower() == "xl/workbook.xml" for name in names):
        return "xlsx"
    if office or "word/document.xml" in names or "ppt/presentation.xml" in names:
        raise Unreadable("kind", kind="Word/PowerPoint")
    return "ods" if "content.xml" in names and "mimetype" in names else "zip"


def _office(parts: Parts) -> str:
    """Return xlsx, xlsb or another program's name by the type of what the package is about; empty for no such one."""
    told = parts.types().get(parts.main(), "").lower()
    if "sheet.binary" in told or "excel" in told or "spreadsheetml" in told:
        return "xlsb" if "sheet.binary" in told else "xlsx"
    return next((name for word, name in OFFICE.items() if word in told), "")


def _ole_kind(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(1 << 20)
    if ENCRYPTED in start:
        raise Unreadable("encrypted")
    if "WordDocument".encode("utf-16-le") in start and "Workbook".encode("utf-16-le") not in start:
        raise Unreadable("kind", kind="Word")
    return "xls"


def _text_kind(head: bytes) -> str:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    lowered = start[:1024].lower()
    if lowered.startswith(b"<?xml") and b"urn:schemas-microsoft-com:office:spreadsheet" in lowered:
        raise Unreadable("kind", kind="Excel 2003 XML")
    if start.startswith(b"<") and (b"<table" in head.lower() or b"<html" in lowered):
        return "html"
    if lowered.startswith(b"<?xml"):
        raise Unreadable("kind", kind="XML")
    if start[:1] == b"{" or (start[:1] == b"[" and start[1:].lstrip()[:1] in {b"{", b"[", b"]", b""}):
        return "json"
    return "text"


def unpack(path: Path, name: str, work: Path, limits: Limits) -> Unpacked:
    """Return the file with the table, unpacked into `work` where it was packed; one file a container."""
    containers: list[str] = []
    kind = identify(path)
    while kind in {"gz", "xz", "zip"}:
        if len(containers) == DEEPEST:
            raise Unreadable("archive_deep")
        target = work / f"unpacked-{len(containers)}"
        name = _unpack_one(path, name, kind, target, limits)
        containers.insert(0, kind)
        path, kind = target, identify(target)
    return Unpacked(path, name, kind, " in ".join(containers))


def _unpack_one(path: Path, name: str, kind: str, target: Path, limits: Limits) -> str:
    packed = path.stat().st_size
    try:
        if kind == "zip":
            return _unzip(path, target, limits)
        with cast(IO[bytes], gzip.open(path) if kind == "gz" else lzma.open(path)) as inner:
            copy_limited(inner, target, packed, limits)
    except (zipfile.BadZipFile, EOFError, zlib.error, OSError, lzma.LZMAError, NotImplementedError) as bad:
        raise Unreadable("damaged", detail=f"{kind}: {bad}") from bad
    return name[: -len(kind) - 1] if name.lower().endswith(f".{kind}") else name


def _unzip(path: Path, target: Path, limits: Limits) -> str:
    with zipfile.ZipFile(path) as archive:
        members = [one for one in archive.infolist() if _is_data(one)]
        if not members:
            raise Unreadable("archive_none")
        if len(members) > 1:
            names = "、".join(member_name(one) for one in members[:5])
            raise Unreadable("archive_many", count=len(members), names=names)
        member = members[0]
        if member.flag_bits & 1:
            raise Unreadable("encrypted")
        with archive.open(member) as inner:
            copy_limited(inner, target, member.compress_size, limits)
        return PurePosixPath(member_name(member)).name


def _is_data(member: zipfile.ZipInfo) -> bool:
    name = member.filename
    return not member.is_dir() and not any(part in name for part in IGNORED)


def member_name(member: zipfile.ZipInfo) -> str:
    """Return the name of a packed file; old Windows tools write it in GBK without saying so."""
    if member.flag_bits & 0x800:
        return member.filename
    try:
        return member.filename.encode("cp437").decode("gb18030")
    except UnicodeError:
        return member.filename


def copy_limited(inner: IO[bytes], target: Path, packed: int, limits: Limits) -> None:
    """Write what comes out of a container to `target`. Raises Unreadable for a bomb."""
    done = 0
    with target.open("wb") as out:
        while piece := inner.read(PIECE):
            done += len(piece)
            if done > limits.unpacked_bytes or (
                done > limits.ratio_from and done > limits.ratio * max(packed, 1)
            ):
                out.close()
                target.unlink()
                raise Unreadable("bomb", unpacked=done, packed=packed)
            out.write(piece)


def misnamed(name: str, kind: str) -> str:
    """Return the suffix of a name that promises something else than `kind`, or an empty text."""
    suffix = PurePosixPath(name).suffix.lower()
    return suffix if suffix in KNOWN and suffix not in SUFFIXES.get(kind, {suffix}) else ""
