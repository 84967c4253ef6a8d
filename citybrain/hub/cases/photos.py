"""Photos: checked, re-encoded, stripped; their place and time kept apart.

Only what was decoded and encoded again by us is ever stored or served, so that nothing hides in a file.
"""

import hashlib
import io
import os
import tempfile
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from citybrain.hub.cases.errors import BadInput
from citybrain.hub.cases.models import CasePhoto, CasePhotoPlace
from citybrain.hub.cases.states import PhotoKind

MOST_BYTES = 15 * 1024 * 1024
MOST_PIXELS = 60_000_000
LONGEST_SIDE = 2048
THUMB_SIDE = 400
Image.init()  # WebP is known only then; MPO needs no name, the reader of JPEG opens it
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
UNSENT_FOR = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Picture:
    """A re-encoded picture: JPEG bytes, its size in pixels, and what the camera said."""

    jpeg: bytes
    thumb: bytes
    width: int
    height: int
    taken_at: datetime | None
    lon: float | None
    lat: float | None


def clean(raw: bytes) -> Picture:
    """Return a picture safe to keep. Raises BadInput for what is too large, no picture, or a bomb."""
    if len(raw) > MOST_BYTES:
        raise BadInput(
            _("照片过大（%(mb).0f MB），最多 %(most)d MB。")
            % {"mb": len(raw) / 1e6, "most": MOST_BYTES // 2**20},
            "photo",
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(raw), formats=FORMATS)
            if image.width * image.height > MOST_PIXELS:
                raise BadInput(_("照片像素过多，请用手机原图或截图。"), "photo")
            taken_at, lon, lat = _camera_facts(image)
            image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, ArithmeticError, EOFError) as error:
        raise BadInput(_("这不是可以识别的照片，请上传 JPG、PNG 或 WebP。"), "photo") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise BadInput(_("照片像素过多，请用手机原图或截图。"), "photo") from error
    upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    small = upright.copy()
    small.thumbnail((THUMB_SIDE, THUMB_SIDE))
    return Picture(_jpeg(upright, 85), _jpeg(small, 78), upright.width, upright.height, taken_at, lon, lat)


def _jpeg(image: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality, optimize=True)
    return out.getvalue()


def _camera_facts(image: Image.Image) -> tuple[datetime | None, float | None, float | None]:
    """Return when and where the camera says the picture was taken (WGS-84), None where it doesn't or can't be."""
    try:
        exif = image.getexif()
        taken = _taken(exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.DateTimeOriginal))
        gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
        lon = _degrees(gps.get(ExifTags.GPS.GPSLongitude), gps.get(ExifTags.GPS.GPSLongitudeRef), 180)
        lat = _degrees(gps.get(ExifTags.GPS.GPSLatitude), gps.get(ExifTags.GPS.GPSLatitudeRef), 90)
    except (ValueError, TypeError, KeyError, OSError, SyntaxError, ArithmeticError):
        return None, None, None
    if lon is None or lat is None:
        lon = lat = None
    return taken, lon, lat


def _taken(value: object) -> datetime | None:
    try:
        naive = datetime.strptime(str(value), "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007 (cameras say local time)
    except ValueError:
        return None
    moment = timezone.make_aware(naive)
    return moment if datetime(2000, 1, 1, tzinfo=UTC) < moment <= timezone.now() else None


def _degrees(parts: object, reference: object, most: int) -> float | None:
    if not isinstance(parts, tuple) or len(parts) != 3:
        return None
    degrees = float(parts[0]) + float(parts[1]) / 60 + float(parts[2]) / 3600
    if str(reference).strip().upper() in {"W", "S"}:
        degrees = -degrees
    return round(degrees, 7) if degrees == degrees and -most <= degrees <= most else None


def file_of(digest: str, *, thumb: bool = False) -> Path:
    """Return where a stored picture lies."""
    return Path(settings.MEDIA_ROOT) / digest[:2] / f"{digest}{'.thumb' if thumb else ''}.jpg"


def keep(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, down to the disk."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    Path(out.name).chmod(0o644)
    Path(out.name).replace(path)


def upload(raw: bytes, kind: str, person_id: int | None, now: datetime | None = None) -> CasePhoto:
    """Return a stored photo, not yet on any case: its `token` goes with the report or the step.

    Raises BadInput. The file is on the disk before the row is in the database.
    """
    if kind not in PhotoKind.values:
        raise BadInput(_("不认识的照片类型：%(kind)s") % {"kind": kind}, "kind")
    picture = clean(raw)
    digest = hashlib.sha256(picture.jpeg).hexdigest()
    keep(file_of(digest), picture.jpeg)
    keep(file_of(digest, thumb=True), picture.thumb)
    photo = CasePhoto.objects.create(
        kind=kind,
        digest=digest,
        width=picture.width,
        height=picture.height,
        size=len(picture.jpeg),
        uploaded_by_id=person_id,
        uploaded_at=now or timezone.now(),
    )
    if picture.taken_at or picture.lon is not None:
        CasePhotoPlace.objects.create(
            photo=photo, taken_at=picture.taken_at, lon=picture.lon, lat=picture.lat
        )
    return photo


def sweep(now: datetime) -> int:
    """Remove photos that no report or step took within three days; return how many.

    A file goes with the last photo that shows it.
    """
    old = CasePhoto.objects.filter(case=None, uploaded_at__lt=now - UNSENT_FOR)
    digests = set(old.values_list("digest", flat=True))
    removed, _kinds = old.delete()
    kept = set(CasePhoto.objects.filter(digest__in=digests).values_list("digest", flat=True))
    for digest in digests - kept:
        file_of(digest).unlink(missing_ok=True)
        file_of(digest, thumb=True).unlink(missing_ok=True)
    return removed
