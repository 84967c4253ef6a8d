"""What was done to an entry, what came of an import, and what was measured of its data."""

from django.db import models

from citybrain.base.catalogue.models.dataset import DataSet
from citybrain.base.catalogue.models.lending import Grant, Request
from citybrain.base.identity.models import Person


class Event(models.Model):
    """One change of an entry, request or grant: who, when, on whose behalf, and the details."""

    dataset = models.ForeignKey(DataSet, models.CASCADE, related_name="events")
    request = models.ForeignKey(Request, models.CASCADE, null=True, related_name="events")
    grant = models.ForeignKey(Grant, models.CASCADE, null=True, related_name="events")
    at = models.DateTimeField()
    action = models.CharField(max_length=40)
    actor = models.CharField(max_length=80)
    actor_name = models.CharField(max_length=60, blank=True)
    on_behalf_of = models.CharField(max_length=80, blank=True)
    details = models.JSONField(default=dict)

    class Meta:
        ordering = ("-at", "-id")
        indexes = (models.Index(fields=["dataset", "-at"], name="catalogue_event_dataset"),)

    def __str__(self) -> str:
        return f"{self.action} {self.dataset_id}"


class CatalogueImport(models.Model):
    """One import of entries, with its receipt: a line per row of the file."""

    person = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()
    file_name = models.CharField(max_length=200)
    digest = models.CharField(max_length=64, help_text="SM3 of the file")
    counts = models.JSONField(default=dict)
    receipt = models.JSONField(default=list)

    class Meta:
        ordering = ("-at", "-id")

    def __str__(self) -> str:
        return f"{self.file_name} at {self.at:%Y-%m-%d %H:%M}"


class Measure(models.Model):
    """What one intake found: rows received and bad, bad ones by kind of problem, and the score then.

    `problems`: {kind: rows}, kinds as in `quality.KINDS`. `version` is the data version it led to.
    """

    dataset = models.ForeignKey(DataSet, models.CASCADE, related_name="measures")
    at = models.DateTimeField()
    version = models.BigIntegerField()
    rows = models.BigIntegerField(help_text="rows received")
    bad = models.BigIntegerField(help_text="of these put into quarantine")
    total = models.BigIntegerField(help_text="rows in the set afterwards")
    problems = models.JSONField(default=dict)
    empty = models.JSONField(default=dict, help_text="{field: rows without a value}")
    supply_id = models.BigIntegerField(null=True)
    run = models.CharField(max_length=80, blank=True, help_text="key of the run, which is measured once")
    score = models.DecimalField(max_digits=5, decimal_places=2)
    scores = models.JSONField(default=dict, help_text="by dimension, 0 to 1")

    class Meta:
        ordering = ("-at", "-id")
        indexes = (models.Index(fields=["dataset", "-at"], name="catalogue_measure_dataset"),)
        constraints = (
            models.UniqueConstraint(
                fields=["dataset", "run"], condition=~models.Q(run=""), name="catalogue_measure_run_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.dataset_id} v{self.version}: {self.score}"
