"""Small pictures made for tests."""

import io

from PIL import Image


def picture(seed: int = 0, size: tuple[int, int] = (64, 48), kind: str = "JPEG", **options: object) -> bytes:
    """Return an encoded picture; another seed gives another picture."""
    image = Image.new("RGB", size, ((seed * 37) % 256, (seed * 91 + 40) % 256, 120))
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()
