"""Machines that may knock: each acts as one account, with a key of which only the hash is kept."""

from django.db import models
from django.db.models.functions import Now


class ApiClient(models.Model):
    """A key of a machine. What it may do is what its account may do; whoever is switched off opens nothing."""

    person = models.ForeignKey("identity.Person", models.CASCADE, related_name="api_clients")
    name = models.CharField(max_length=80, help_text="which system this is")
    key_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.CharField(max_length=80, help_text="actor key")
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, help_text="to the hour")

    def __str__(self) -> str:
        return self.name
