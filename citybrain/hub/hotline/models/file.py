"""What came with a message: photos, letters, recordings. The files lie outside the database, addressed by content."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class FileKind(models.TextChoices):
    PICTURE = "picture", _("照片")
    LETTER = "letter", _("文件")
    SOUND = "sound", _("录音")
    VIDEO = "video", _("视频")


class TicketFile(models.Model):
    """One file of a ticket; without a ticket until the form it was put on is sent.

    A picture is stored as we encoded it again; anything else byte for byte as it came, and only ever downloaded.
    `released`: the hotline's word on whether the unit may have it; null: by rule (`files.may_open`).
    """

    token = models.UUIDField(default=uuid.uuid4, unique=True)
    ticket = models.ForeignKey(
        "hotline.Ticket", models.CASCADE, null=True, db_index=False, related_name="files"
    )
    folded = models.ForeignKey(
        "hotline.FoldedMessage", models.SET_NULL, null=True, db_index=False, related_name="+"
    )
    kind = models.CharField(max_length=10, choices=FileKind.choices)
    name = models.CharField(max_length=120, help_text="as its sender named it; may hold a person's name")
    ending = models.CharField(max_length=8, help_text="by what it holds, not by its name")
    digest = models.CharField(max_length=64, help_text="SHA-256 of the stored file")
    size = models.PositiveIntegerField(help_text="bytes, as stored")
    released = models.BooleanField(null=True)
    uploaded_by = models.ForeignKey(
        "identity.Person", models.PROTECT, null=True, db_index=False, related_name="+"
    )
    uploaded_at = models.DateTimeField()

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                fields=["ticket", "digest"], name="ticket_file_once", condition=Q(ticket__isnull=False)
            ),
        )
        indexes = (
            models.Index(fields=["digest"], name="ticket_file_digest"),
            models.Index(fields=["uploaded_at"], name="ticket_file_unsent", condition=Q(ticket__isnull=True)),
            models.Index(fields=["folded"], name="ticket_file_folded", condition=Q(folded__isnull=False)),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.digest[:12]}"


class FileToFetch(models.Model):
    """A file that a pushed message refers to, until it was fetched from its sender or given up."""

    partner = models.ForeignKey("hotline.Partner", models.CASCADE, db_index=False, related_name="+")
    ticket = models.ForeignKey("hotline.Ticket", models.CASCADE, related_name="files_to_fetch")
    folded = models.ForeignKey(
        "hotline.FoldedMessage", models.SET_NULL, null=True, db_index=False, related_name="+"
    )
    reference = models.CharField(max_length=1000, help_text="a path below the partner's address")
    name = models.CharField(max_length=120, help_text="as its sender named it")
    created_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(db_index=True)
    error = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return self.name
