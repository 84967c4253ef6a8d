"""What systems pushed: one row a call, the receipt that the system keeps."""

from django.db import models
from django.db.models.functions import Now

from citybrain.base.exchange.models.intake import IntakeQuerySet, Run, Source


class PushQuerySet(IntakeQuerySet):
    provider = "source__dataset__provider"


class Push(models.Model):
    """A call that was accepted. The same `submission_key` again is the same push, if its `digest` is the same too.

    `first_row` is the run's number of its first row (0 while no run has taken it), `left_out` are the places, from
    0, of rows that a later row of the same key replaced before they were stored.
    """

    source = models.ForeignKey(Source, models.PROTECT, related_name="pushes")
    submission_key = models.CharField(max_length=80)
    digest = models.CharField(max_length=64)
    rows = models.PositiveIntegerField()
    ended = models.BooleanField(default=False, help_text="its rows end, they aren't stored")
    run = models.ForeignKey(Run, models.PROTECT, null=True, related_name="pushes")
    first_row = models.BigIntegerField(default=0)
    left_out = models.JSONField(default=list)
    by = models.CharField(max_length=80)
    at = models.DateTimeField(db_default=Now())

    objects = PushQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(fields=["source", "submission_key"], name="exchange_push_once"),
        )

    def __str__(self) -> str:
        return str(self.pk)
