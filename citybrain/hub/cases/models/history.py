"""What happened to a case, and what its clocks did."""

from django.db import models
from django.db.models import Q

from citybrain.hub.cases.models.case import Case
from citybrain.hub.cases.states import State, Step


class CaseEvent(models.Model):
    """One step of one case: who did what, when, why, and what the clock did (`data["clock"]`)."""

    case = models.ForeignKey(Case, models.CASCADE, related_name="events", db_index=False)
    seq = models.PositiveIntegerField(help_text="the case's version after this event")
    action = models.CharField(max_length=30)
    from_state = models.SmallIntegerField(choices=State.choices, null=True)
    to_state = models.SmallIntegerField(choices=State.choices)
    at = models.DateTimeField()
    actor = models.ForeignKey("identity.Person", models.PROTECT, null=True, db_index=False, related_name="+")
    actor_name = models.CharField(max_length=60)
    actor_role = models.CharField(max_length=30, blank=True)
    actor_agency = models.ForeignKey(
        "identity.Agency", models.PROTECT, null=True, db_index=False, related_name="+"
    )
    on_behalf_of = models.ForeignKey(
        "identity.Person", models.PROTECT, null=True, db_index=False, related_name="+"
    )
    reason = models.TextField(blank=True)
    data = models.JSONField(default=dict)

    class Meta:
        ordering = ("case", "seq")
        constraints = (models.UniqueConstraint(fields=["case", "seq"], name="case_event_seq"),)

    def __str__(self) -> str:
        return f"{self.case_id}#{self.seq} {self.action}"


class CaseClock(models.Model):
    """One deadline of one step. `pauses` is [[from, until-or-null, why], …] in ISO times."""

    case = models.ForeignKey(Case, models.CASCADE, related_name="clocks", db_index=False)
    step = models.SmallIntegerField(choices=Step.choices)
    agency = models.ForeignKey("identity.Agency", models.PROTECT, null=True, db_index=False, related_name="+")
    started_at = models.DateTimeField()
    limit_minutes = models.PositiveIntegerField()
    working = models.BooleanField()
    due_at = models.DateTimeField(null=True)
    stopped_at = models.DateTimeField(null=True)
    pauses = models.JSONField(default=list)
    extensions = models.JSONField(default=list, help_text="[[when, minutes, why], …]")
    on_time = models.BooleanField(null=True)
    rule = models.CharField(max_length=120, help_text="where the limit comes from")

    class Meta:
        indexes = (models.Index(fields=["case", "id"], name="case_clock_case"),)
        constraints = (
            models.UniqueConstraint(
                fields=["case"], condition=Q(stopped_at__isnull=True), name="case_one_running_clock"
            ),
        )

    def __str__(self) -> str:
        return f"case {self.case_id} {Step(self.step).name} due {self.due_at}"
