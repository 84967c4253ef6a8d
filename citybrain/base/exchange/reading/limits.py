"""How much a file may hold before it is refused."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Our choice; an operator's job, not a supplier's: a file beyond them is refused by name.

    `ratio` (unpacked to packed bytes) counts only beyond `ratio_from` bytes: small files pack well.
    """

    unpacked_bytes: int = 16 << 30
    ratio: int = 300
    ratio_from: int = 64 << 20
    document_bytes: int = 512 << 20
    """A JSON document, HTML page or old workbook that must be held in memory whole."""
    columns: int = 4_000
    cell_characters: int = 1_000_000
    broken_kept: int = 1_000
    """Broken rows kept in the report with their text; beyond it they are only counted."""
