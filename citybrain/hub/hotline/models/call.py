"""电话: what the telephone system tells of a call, and at which extension an operator sits."""

from django.db import models
from django.db.models import Q

from citybrain.hub.hotline.models.caller import Caller


class OperatorLine(models.Model):
    """坐席: the extension of an operator, by which a ringing call finds their screen."""

    person = models.OneToOneField("identity.Person", models.CASCADE, related_name="+")
    extension = models.CharField(max_length=32, unique=True)
    set_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.extension


class CallState(models.TextChoices):
    RINGING = "ringing"
    ANSWERED = "answered"
    MISSED = "missed"
    ENDED = "ended"


class Call(models.Model):
    """One call as its events tell it, in whatever order they come. The number is sealed."""

    partner = models.ForeignKey(
        "hotline.Partner", models.PROTECT, related_name="+", help_text="the telephone system"
    )
    call_id = models.CharField(max_length=80, help_text="the system's own")
    outgoing = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=CallState.choices)
    caller = models.ForeignKey(Caller, models.SET_NULL, null=True, related_name="history")
    number = models.BinaryField(default=b"", help_text="the number, sealed with the site's secret")
    extension = models.CharField(max_length=32, blank=True)
    operator = models.ForeignKey(
        "identity.Person", models.SET_NULL, null=True, db_index=False, related_name="+"
    )
    rang_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    changed_at = models.DateTimeField()
    recording = models.CharField(max_length=300, blank=True, help_text="the telephone system's reference")
    ticket = models.ForeignKey("hotline.Ticket", models.SET_NULL, null=True, related_name="phone_calls")
    events = models.JSONField(default=list)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["partner", "call_id"], name="hotline_call_once"),)
        indexes = (
            models.Index(
                fields=["operator", "-changed_at"],
                name="hotline_call_operator",
                condition=Q(operator__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return self.call_id
