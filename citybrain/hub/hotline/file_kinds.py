"""What a file is, by what it holds: its sender's name and type are never believed."""

import io
import zipfile
from typing import Final

from django.utils.translation import gettext as _

from citybrain.hub.hotline.errors import BadInput
from citybrain.hub.hotline.models.file import FileKind

MOST_BYTES: Final = 20 * 1024 * 1024
MACROS: Final = "_VBA_PROJECT".encode("utf-16-le")
_OFFICE: Final = {"word/": "docx", "xl/": "xlsx", "ppt/": "pptx"}
_PICTURES: Final = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"BM")
_SOUNDS: Final = ((b"ID3", "mp3"), (b"#!AMR", "amr"), (b"OggS", "ogg"))
_BRANDS: Final = {b"M4A ": (FileKind.SOUND, "m4a"), b"qt  ": (FileKind.VIDEO, "mov")}


def kind_of(raw: bytes) -> tuple[FileKind, str]:
    """Return what kind of file it is and its ending. Raises BadInput for what isn't taken, saying what is."""
    found = _picture(raw) or _letter(raw) or _sound(raw) or _text(raw)
    if found is None:
        raise BadInput(
            _("不能接收这种文件。可以是照片、PDF、Word、Excel、PPT、OFD、文本、录音或视频，不含宏和压缩包。"),
            "file",
        )
    return found


def _picture(raw: bytes) -> tuple[FileKind, str] | None:
    is_webp = raw[:4] == b"RIFF" and raw[8:12] == b"WEBP"
    return (FileKind.PICTURE, "jpg") if is_webp or raw.startswith(_PICTURES) else None


def _letter(raw: bytes) -> tuple[FileKind, str] | None:
    if raw.startswith(b"%PDF-"):
        return FileKind.LETTER, "pdf"
    if raw.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return None if MACROS in raw else (FileKind.LETTER, _old_office(raw))
    if raw.startswith(b"PK\x03\x04"):
        ending = _packed(raw)
        return (FileKind.LETTER, ending) if ending else None
    return None


def _old_office(raw: bytes) -> str:
    if "WordDocument".encode("utf-16-le") in raw:
        return "doc"
    return "xls" if "Workbook".encode("utf-16-le") in raw else "ppt"


def _packed(raw: bytes) -> str:
    """Return the ending of an office file or OFD without macros; empty for any other archive."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        return ""
    if any("vbaproject" in name.lower() for name in names):
        return ""
    if "OFD.xml" in names:
        return "ofd"
    if "[Content_Types].xml" not in names:
        return ""
    return next(
        (ending for start, ending in _OFFICE.items() if any(name.startswith(start) for name in names)), ""
    )


def _sound(raw: bytes) -> tuple[FileKind, str] | None:
    if raw[:4] == b"RIFF" and raw[8:12] == b"WAVE":
        return FileKind.SOUND, "wav"
    for start, ending in _SOUNDS:
        if raw.startswith(start):
            return FileKind.SOUND, ending
    if len(raw) > 2 and raw[0] == 0xFF and raw[1] in {0xFB, 0xFA, 0xF3, 0xF2}:
        return FileKind.SOUND, "mp3"
    if raw[4:8] == b"ftyp":
        return _BRANDS.get(raw[8:12], (FileKind.VIDEO, "mp4"))
    return None


def _text(raw: bytes) -> tuple[FileKind, str] | None:
    if not raw.strip() or b"\x00" in raw or raw[:512].lstrip().startswith(b"<"):
        return None
    for charset in ("utf-8", "gb18030"):
        try:
            told = raw.decode(charset)
        except UnicodeDecodeError:
            continue
        return (
            None
            if any(letter < " " and letter not in "\t\r\n\f" for letter in told)
            else (FileKind.LETTER, "txt")
        )
    return None
