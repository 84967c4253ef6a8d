"""The drawn photos on disk: each drawing is stored once, cases share it by its digest."""

import uuid
from datetime import datetime
from typing import Any, ClassVar

from citybrain.hub.cases import photos
from citybrain.hub.cases.models import CasePhoto
from citybrain.sample.drawings import Drawing, draw, drawing_for


class Album:
    """Drawings stored as uploaded photos are, by the same code; each when it is first needed."""

    COLUMNS: ClassVar[tuple[str, ...]] = (
        "token", "case_id", "kind", "digest", "width", "height", "size", "uploaded_by_id", "uploaded_at", "seq",
    )  # fmt: skip

    def __init__(self) -> None:
        self._stored: dict[Drawing, CasePhoto] = {}

    def _print(self, drawing: Drawing, kind: str) -> CasePhoto:
        found = self._stored.get(drawing)
        if found is None:
            found = self._stored[drawing] = photos.upload(draw(drawing), kind, None)
            CasePhoto.objects.filter(pk=found.pk).delete()  # its file stays; each case gets a row of its own
        return found

    def row(
        self, item: str, kind: str, case_id: int, person: int | None, at: datetime, seq: int
    ) -> tuple[Any, ...]:
        """Return the row of a photo of an item, in the order of COLUMNS."""
        stored = self._print(drawing_for(item, kind), kind)
        token = uuid.uuid5(uuid.NAMESPACE_OID, f"{case_id}/{seq}/{kind}")
        return (
            token, case_id, kind, stored.digest, stored.width, stored.height, stored.size, person, at, seq,
        )  # fmt: skip
