"""What the running processes tell each other: one row per subject."""

from typing import Any

from django.db import models
from django.utils import timezone


class State(models.Model):
    """The last word on one subject: `worker.<loop>`, `push`, `data`, `city`."""

    key = models.CharField(max_length=60, primary_key=True)
    at = models.DateTimeField()
    value = models.JSONField(default=dict)

    def __str__(self) -> str:
        return self.key


def tell(key: str, **value: Any) -> None:
    """Write the last word on a subject, now."""
    now = timezone.now()
    State.objects.bulk_create(
        [State(key=key, at=now, value=value)],
        update_conflicts=True,
        unique_fields=["key"],
        update_fields=["at", "value"],
    )
