"""How often one caller has done one thing lately. The only thing that this face keeps."""

from django.db import models


class Bucket(models.Model):
    """A token bucket: `tokens` were left at `at`. `key` is a keyed hash, so that no address is kept."""

    key = models.CharField(max_length=64, primary_key=True)
    tokens = models.FloatField()
    at = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=["at"], name="portal_bucket_at"),)

    def __str__(self) -> str:
        return f"{self.tokens:.1f} left at {self.at}"
