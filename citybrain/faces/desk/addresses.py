"""The address of a view: filters as they stand in it, with one changed, added or taken away."""

from collections.abc import Mapping
from urllib.parse import urlencode

from django.http import QueryDict

FILTERS = (
    "q", "state", "source", "item", "area", "agency", "since", "until", "urgent", "late", "supervised", "order",
    "hour", "closed_since", "closed_until", "verdict", "solved", "rating", "unplaced",
)  # fmt: skip


def asked(query: QueryDict) -> dict[str, str]:
    """Return the filters of an address; several values of one name (check boxes) become one, with commas."""
    found: dict[str, str] = {}
    for name in FILTERS:
        values = [value.strip() for value in query.getlist(name) if value.strip()]
        if values:
            found[name] = ",".join(dict.fromkeys(values))
    return found


def query(params: Mapping[str, object], **changes: object) -> str:
    """Return ?a=b&c=d of the parameters with changes; None takes one away; an empty text for none at all."""
    kept = {**params, **changes}
    text = urlencode({name: value for name, value in kept.items() if value not in (None, "")}, safe=",")
    return f"?{text}" if text else ""
