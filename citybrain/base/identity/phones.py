"""Mobile numbers as they are kept: 11 digits for the mainland, +… for any other."""

import re
import unicodedata

MAINLAND = re.compile(r"1[3-9]\d{9}")
ABROAD = re.compile(r"\+\d{8,15}")


def normalise_phone(text: str) -> str | None:
    """Return a mobile number without blanks, dashes, full-width digits and +86; None when it is none."""
    bare = re.sub(r"[\s\-()]", "", unicodedata.normalize("NFKC", text))
    for prefix in ("+86", "0086"):
        if bare.startswith(prefix):
            bare = bare.removeprefix(prefix)
    if MAINLAND.fullmatch(bare) or (ABROAD.fullmatch(bare) and bare.isascii()):
        return bare if bare.isascii() else None
    return None


def masked(phone: str) -> str:
    """Return the number with its middle hidden: 138****5678."""
    return f"{phone[:3]}****{phone[-4:]}" if len(phone) >= 8 else "****"
