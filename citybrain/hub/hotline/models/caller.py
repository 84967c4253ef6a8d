"""来电人: who called before, known by a keyed hash of the number; and what of theirs was folded into one ticket."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class Caller(models.Model):
    """One number. The number itself is kept with each ticket's contact; here only its keyed hash and its ends."""

    number_hash = models.CharField(max_length=64, unique=True)
    shown = models.CharField(max_length=20, help_text="the number with its middle hidden")
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    messages = models.PositiveIntegerField(default=0, help_text="tickets and folded messages")
    calls = models.PositiveIntegerField(default=0)
    care = models.CharField(
        max_length=200, blank=True, help_text="what an operator should mind: hard of hearing …"
    )

    class Meta:
        indexes = (models.Index(fields=["-last_at"], name="hotline_caller_last"),)

    def __str__(self) -> str:
        return self.shown


class MarkState(models.TextChoices):
    """Where a mark stands; one in force ends by itself at `ends_at`."""

    PROPOSED = "proposed"
    IN_FORCE = "in_force"
    DECLINED = "declined"
    ENDED = "ended"


class CallerMark(models.Model):
    """骚扰来电: a person's decision about a caller, with a reason and an end. It never touches an emergency."""

    caller = models.ForeignKey(Caller, models.CASCADE, related_name="marks")
    state = models.CharField(max_length=10, choices=MarkState.choices)
    reason = models.CharField(max_length=500)
    proposed_by = models.CharField(max_length=80, help_text="actor key")
    proposed_name = models.CharField(max_length=60)
    proposed_at = models.DateTimeField()
    decided_by = models.CharField(max_length=80, blank=True)
    decided_name = models.CharField(max_length=60, blank=True)
    decided_at = models.DateTimeField(null=True)
    decision = models.CharField(max_length=500, blank=True, help_text="why so, or why it ended early")
    ends_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["caller"],
                condition=Q(state__in=["proposed", "in_force"]),
                name="hotline_mark_one",
            ),
        )

    def __str__(self) -> str:
        return f"{self.caller} {self.state}"


class Storm(models.Model):
    """How often one number, one text, or one text of one number came lately, and the ticket it led to."""

    key = models.CharField(max_length=64, primary_key=True, help_text="keyed hash of what is counted")
    began_at = models.DateTimeField()
    last_at = models.DateTimeField()
    count = models.PositiveIntegerField()
    ticket = models.ForeignKey("hotline.Ticket", models.CASCADE, null=True, db_index=False, related_name="+")

    class Meta:
        indexes = (models.Index(fields=["last_at"], name="hotline_storm_last"),)

    def __str__(self) -> str:
        return f"{self.count} since {self.began_at}"


class FoldedMessage(models.Model):
    """A message that came in a flood: whole, on the ticket that stands for it. `contact` is sealed."""

    ticket = models.ForeignKey("hotline.Ticket", models.CASCADE, related_name="folded")
    caller = models.ForeignKey(Caller, models.SET_NULL, null=True, related_name="folded")
    query_code = models.CharField(
        max_length=8, help_text="its sender's own: opens how far the ticket is, no more"
    )
    why = models.CharField(max_length=8, help_text="repeat, number or text")
    channel = models.CharField(max_length=10)
    title = models.TextField(blank=True)
    text = models.TextField()
    place_text = models.CharField(max_length=300, blank=True)
    contact = models.BinaryField(default=b"", help_text="name and number, sealed with the site's secret")
    submission_key = models.UUIDField(null=True)
    external_ref = models.CharField(max_length=120, null=True)  # noqa: DJ001 (unique, so NULL)
    received_at = models.DateTimeField()
    stored_at = models.DateTimeField(db_default=Now())
    extra = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["submission_key"],
                condition=Q(submission_key__isnull=False),
                name="hotline_folded_submission",
            ),
            models.UniqueConstraint(
                fields=["channel", "external_ref"],
                condition=Q(external_ref__isnull=False),
                name="hotline_folded_external",
            ),
        )

    def __str__(self) -> str:
        return f"folded into {self.ticket_id}"
