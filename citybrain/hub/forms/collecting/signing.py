"""What is signed when a sheet is handed in: SM3 over its canonical content, with who and when; each signing is kept.

What may not be shown isn't handed over, so it isn't part of the content.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from citybrain.base.ledger.append import canonical
from citybrain.base.ledger.chain import sm3
from citybrain.hub.forms.collecting import rows
from citybrain.hub.forms.collecting.filling import lines_of
from citybrain.hub.forms.collecting.rows import Line
from citybrain.hub.forms.collecting.values import CellState, Signing
from citybrain.hub.forms.columns import Column
from citybrain.hub.forms.models import Sheet


def handed_over(line: Line, columns: Iterable[Column]) -> dict[str, str]:
    """Return a row's values by letter as they are handed over: what may not be shown is left out."""
    found = {}
    for column in columns:
        value = line.values.get(column.letter)
        if value and rows.editable(column) and line.cell(column.letter).state != CellState.NO_RIGHT:
            found[column.letter] = value
    return found


def digest(sheet: Sheet, lines: Sequence[Line], columns: Sequence[Column]) -> str:
    """Return the SM3 of a sheet's content, in hexadecimal digits."""
    content = {
        "round": sheet.round_id,
        "area": sheet.area_id,
        "version": sheet.round.version_id,
        "rows": [[line.key, handed_over(line, columns)] for line in lines if not line.removed],
    }
    return sm3(canonical(content).encode()).hex()


def signings(sheet: Sheet) -> list[Signing]:
    """Return the signatures under a sheet, oldest first."""
    return [
        Signing(
            one["digest"], one["by"], one["name"], datetime.fromisoformat(one["at"]), one["stamp"],
            tuple(one.get("withheld", ())),
        )
        for one in sheet.signature or ()
    ]  # fmt: skip


def told(signing: Signing) -> dict[str, Any]:
    """Return a signature as it is kept."""
    return {
        "alg": "SM3", "digest": signing.digest, "by": signing.by, "name": signing.name,
        "at": signing.at.isoformat(), "stamp": signing.stamp, "withheld": list(signing.withheld),
    }  # fmt: skip


def verify_signature(sheet: Sheet) -> bool:
    """Return whether the sheet's content is still what was signed last."""
    signed = signings(sheet)
    return bool(signed) and signed[-1].digest == digest(sheet, lines_of(sheet), sheet.round.version.shape)
