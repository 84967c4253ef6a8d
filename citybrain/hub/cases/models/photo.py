"""Photos of cases: re-encoded pictures, with the place and time they carried kept apart."""

import uuid

from django.db import models

from citybrain.hub.cases.models.case import Case
from citybrain.hub.cases.states import PhotoKind


class CasePhoto(models.Model):
    """A picture, addressed by what it shows (`digest`); without a case until its report is sent."""

    token = models.UUIDField(default=uuid.uuid4, unique=True)
    case = models.ForeignKey(Case, models.CASCADE, null=True, related_name="photos")
    kind = models.CharField(max_length=10, choices=PhotoKind.choices)
    digest = models.CharField(max_length=64, help_text="SHA-256 of the stored file")
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    size = models.PositiveIntegerField(help_text="bytes")
    uploaded_by = models.ForeignKey("identity.Person", models.PROTECT, null=True, related_name="+")
    uploaded_at = models.DateTimeField()
    seq = models.PositiveIntegerField(default=1, help_text="the event it came with")

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.kind} {self.digest[:12]}"


class CasePhotoPlace(models.Model):
    """Where and when the camera said it was: not in the picture, shown to who handles the case."""

    photo = models.OneToOneField(CasePhoto, models.CASCADE, primary_key=True, related_name="place")
    taken_at = models.DateTimeField(null=True)
    lon = models.FloatField(null=True)
    lat = models.FloatField(null=True)

    def __str__(self) -> str:
        return f"place of photo {self.photo_id}"
