"""What the lake keeps in PostgreSQL beside Iceberg's own tables (schema `iceberg`)."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now


class Commit(models.Model):
    """One version of one table. Iceberg's snapshots say the same while they are kept; this row stays.

    Written after the snapshot, so the last ones may be missing here after a crash (`Table.catch_up`).
    `removed_keys` is the file, under the table's folder, with the keys the version took out ("" for none).
    """

    code = models.TextField()
    number = models.BigIntegerField()
    ingest = models.TextField()
    snapshot_id = models.BigIntegerField()
    mode = models.TextField()
    at = models.DateTimeField()
    rows = models.BigIntegerField()
    inserted = models.BigIntegerField()
    updated = models.BigIntegerField()
    unchanged = models.BigIntegerField()
    removed = models.BigIntegerField()
    removed_keys = models.TextField(default="", blank=True)
    run = models.BigIntegerField(default=0)
    supply = models.BigIntegerField(default=0)

    class Meta:
        db_table = "lake_commit"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["code", "number"], name="lake_commit_number"),
            models.UniqueConstraint(fields=["code", "ingest"], name="lake_commit_ingest"),
        ]

    def __str__(self) -> str:
        return f"{self.code} v{self.number}"


class Orphan(models.Model):
    """A file that no snapshot needs any more, since when: readers that have its name get time to end."""

    path = models.TextField(primary_key=True)
    code = models.TextField(db_index=True)
    since = models.DateTimeField()

    class Meta:
        db_table = "lake_orphan"

    def __str__(self) -> str:
        return self.path


class Staged(models.Model):
    """Rows of one small write: durable, not in the lake yet. `batch` is given once, before they are worked on."""

    code = models.TextField()
    supply = models.BigIntegerField(default=0)
    rows = models.JSONField()
    note = models.JSONField(default=dict)
    at = models.DateTimeField(db_default=Now())
    batch = models.UUIDField(null=True)

    class Meta:
        db_table = "lake_staged"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["batch", "id"], name="lake_staged_batch")
        ]

    def __str__(self) -> str:
        return f"{self.code} #{self.pk}"


class Serving(models.Model):
    """The copy of a data set in PostgreSQL (schema `serving`) for look-ups by key and filter.

    `relation` is the table that serves now; "" asks for the copy to be made anew. `placed` tells how its rows lie
    (`residences.Placed`; empty: as they came).
    """

    code = models.TextField(primary_key=True)
    relation = models.TextField(default="", blank=True)
    version = models.BigIntegerField(default=0)
    rows = models.BigIntegerField(default=0)
    at = models.DateTimeField(db_default=Now())
    shape = models.JSONField(default=dict)
    placed = models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()), blank=True)

    class Meta:
        db_table = "lake_serving"

    def __str__(self) -> str:
        return f"{self.code} v{self.version} in {self.relation}"
