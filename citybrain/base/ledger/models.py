"""The three tables of the ledger. Rows are written by `append` and `sealer` alone, never by these models."""

from typing import ClassVar

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models.functions import Now

GENESIS = bytes(32)  # the hash "before" the first seal: 32 zero bytes


class Entry(models.Model):
    """One thing done. The database refuses to change or remove it (migration 0001, `ledger_refuse`).

    `id` is given by the database alone (GENERATED ALWAYS): the sealer relies on ids growing with time.
    `body` is canonical JSON text, so that its bytes are the same for everyone who hashes them.
    """

    at = models.DateTimeField(db_default=Now())
    actor = models.TextField()
    on_behalf_of = models.TextField(default="", db_default="", blank=True)
    action = models.TextField()
    subject = models.TextField()
    body = models.TextField(default="{}", db_default="{}")

    class Meta:
        db_table = "ledger_entry"
        ordering: ClassVar[list[str]] = ["id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["subject", "id"], name="ledger_entry_subject"),
            models.Index(fields=["actor", "id"], name="ledger_entry_actor"),
            BrinIndex(fields=["at"], name="ledger_entry_at"),
        ]

    def __str__(self) -> str:
        return f"{self.pk} {self.actor} {self.action} {self.subject}"


class Seal(models.Model):
    """The link of one entry: hash = SM3(hash of seq - 1 ‖ canonical bytes of the entry).

    There is no foreign key in the database: checking it would write each entry a second time, and
    `verify` finds a missing entry anyway.
    """

    seq = models.BigIntegerField(primary_key=True)
    entry = models.OneToOneField(Entry, on_delete=models.DO_NOTHING, db_constraint=False, related_name="seal")
    hash = models.BinaryField(max_length=32)

    class Meta:
        db_table = "ledger_seal"
        ordering: ClassVar[list[str]] = ["seq"]

    def __str__(self) -> str:
        return f"{self.seq}:{bytes(self.hash).hex()}"


class Mark(models.Model):
    """One row: how far the sealer is. `sealer` says what the three numbers promise."""

    id = models.SmallIntegerField(primary_key=True)
    floor = models.BigIntegerField(default=0)
    ceiling = models.BigIntegerField(default=0)
    waiting = models.TextField(default="")
    seq = models.BigIntegerField(default=0)

    class Meta:
        db_table = "ledger_mark"

    def __str__(self) -> str:
        return f"sealed to {self.seq}, no id up to {self.floor} can still appear"
