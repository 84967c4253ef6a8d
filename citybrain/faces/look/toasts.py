"""A short word after an action, with a way back where there is one."""

import json
from typing import Final

from django.http import HttpResponse

TONES: Final = frozenset({"done", "info", "failed"})


def toast(response: HttpResponse, text: str, *, tone: str = "done", undo_url: str = "") -> HttpResponse:
    """Add a toast to the answer of an htmx request (HX-Trigger); `undo_url` is posted to by its button.

    For a whole page use `django.contrib.messages`; put the undo address into `extra_tags`.
    Raises ValueError for an unknown tone.
    """
    if tone not in TONES:
        raise ValueError(f"toast: tone {tone!r} is none of {sorted(TONES)}")
    found = json.loads(response.headers.get("HX-Trigger", "{}"))
    found["look:toast"] = {"text": text, "tone": tone, "undo": undo_url, "target": "body"}
    response["HX-Trigger"] = json.dumps(found)  # ASCII: header values can't hold Chinese
    return response
