"""热点: what many different people speak of now, the tickets that tell of it, and what people decided about it."""

from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext_lazy as _

from citybrain.base.areas.models import Level
from citybrain.base.identity.access import scope_q
from citybrain.base.identity.actor import Actor
from citybrain.hub.hotline.models.ticket import Ticket
from citybrain.hub.hotline.states import State as TicketState

if TYPE_CHECKING:
    from django.db.models import Q

RIGHT = "hotline.topics"


class TopicState(models.TextChoices):
    ACTIVE = "active", _("进行中")
    QUIET = "quiet", _("已平息")
    DISMISSED = "dismissed", _("非热点")
    MERGED = "merged", _("已并入")


class Severity(models.IntegerChoices):
    """How loud a warning is, as warnings to the public are coloured (reference/codes.yaml `warning`)."""

    NONE = 0, _("无")
    BLUE = 1, _("蓝色")
    YELLOW = 2, _("黄色")
    ORANGE = 3, _("橙色")
    RED = 4, _("红色")


def reach_q(actor: Actor) -> "Q":
    """Return the condition for the tickets whose topics an actor may see: within the areas of `hotline.topics`."""
    return scope_q(actor, RIGHT, agency_fields=(), owner_field=None)


def told_to(actor: Actor) -> "models.QuerySet[Ticket]":
    """Return the tickets that count in a topic as an actor sees it: within their areas, and not voided."""
    return Ticket.objects.filter(reach_q(actor)).exclude(state=TicketState.VOIDED)


class TopicQuerySet(models.QuerySet["Topic"]):
    def visible_to(self, actor: Actor) -> "TopicQuerySet":
        """Return the topics that at least one ticket within the actor's areas tells of."""
        return self.filter(Exists(told_to(actor).filter(topic_id=OuterRef("pk"))))


class Topic(models.Model):
    """One topic. Its figures count every ticket: show those of `topics.lists`, which count what the reader may see.

    `name` is made of what the messages share until a person gives one (`named`). `held` topics have a case or a
    person's decision: no rule makes them part of another. Areas are those that hold all its tickets with a place.
    """

    state = models.CharField(max_length=10, choices=TopicState.choices, default=TopicState.ACTIVE)
    name = models.CharField(max_length=120)
    place = models.CharField(max_length=60, blank=True)
    matter = models.CharField(max_length=60, blank=True)
    words = ArrayField(models.CharField(max_length=40), default=list)
    named = models.BooleanField(default=False)
    held = models.BooleanField(default=False)
    into = models.ForeignKey("self", models.PROTECT, null=True, related_name="+", help_text="merged into")
    case = models.ForeignKey("cases.Case", models.PROTECT, null=True, related_name="+")

    people = models.PositiveIntegerField(default=0)
    messages = models.PositiveIntegerField(default=0)
    recent = models.PositiveIntegerField(default=0, help_text="people who came in the last days")
    growth = models.FloatField(default=0.5, help_text="0 to 1; 0.5 steady")
    clarity = models.FloatField(default=0.0, help_text="mean likeness of two of its people")
    heat = models.FloatField(default=0.0)
    severity = models.SmallIntegerField(choices=Severity.choices, default=Severity.NONE)
    city_id = models.BigIntegerField(null=True)
    district_id = models.BigIntegerField(null=True)
    street_id = models.BigIntegerField(null=True)
    community_id = models.BigIntegerField(null=True)
    grid_id = models.BigIntegerField(null=True)

    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    objects = TopicQuerySet.as_manager()

    class Meta:
        ordering = ("-heat", "-id")
        indexes = (
            models.Index(fields=["-heat"], name="topic_hot", condition=models.Q(state="active")),
            models.Index(fields=["state", "last_at"], name="topic_last"),
        )

    def __str__(self) -> str:
        return f"{self.pk} {self.name}"


class TopicTicket(models.Model):
    """One ticket's place in a topic. `person` tells apart who spoke, and says nothing else of them."""

    topic = models.ForeignKey(Topic, models.CASCADE, related_name="ties", db_index=False)
    ticket = models.OneToOneField(Ticket, models.CASCADE, related_name="tie")
    person = models.CharField(max_length=40)
    at = models.DateTimeField()
    by_person = models.BooleanField(default=False, help_text="put there by a person")

    class Meta:
        indexes = (models.Index(fields=["topic", "at"], name="topic_ticket_topic"),)

    def __str__(self) -> str:
        return f"{self.topic_id} {self.ticket_id}"


class TopicApart(models.Model):
    """Two topics that a person parted: no rule makes them one again."""

    one = models.ForeignKey(Topic, models.CASCADE, related_name="+")
    other = models.ForeignKey(Topic, models.CASCADE, related_name="+")

    class Meta:
        constraints = (models.UniqueConstraint(fields=["one", "other"], name="topic_apart_once"),)

    def __str__(self) -> str:
        return f"{self.one_id} | {self.other_id}"


class TopicEvent(models.Model):
    """One thing that was done to a topic, by a person or by the loop (no actor)."""

    topic = models.ForeignKey(Topic, models.CASCADE, related_name="events", db_index=False)
    at = models.DateTimeField()
    action = models.CharField(max_length=20)
    actor = models.ForeignKey("identity.Person", models.PROTECT, null=True, related_name="+", db_index=False)
    actor_name = models.CharField(max_length=60, blank=True)
    reason = models.TextField(blank=True)
    data = models.JSONField(default=dict)

    class Meta:
        ordering = ("id",)
        indexes = (models.Index(fields=["topic", "id"], name="topic_event_topic"),)

    def __str__(self) -> str:
        return f"{self.topic_id} {self.action}"


class WarningQuerySet(models.QuerySet["TopicWarning"]):
    def visible_to(self, actor: Actor) -> "WarningQuerySet":
        """Return the warnings on areas within the actor's reach: whoever has a part of the area only gets none."""
        return self.filter(reach_q(actor))


class TopicWarning(models.Model):
    """An early warning to the people of one area; its figures count that area's tickets alone."""

    topic = models.ForeignKey(Topic, models.CASCADE, related_name="warnings")
    at = models.DateTimeField()
    severity = models.SmallIntegerField(choices=Severity.choices)
    level = models.SmallIntegerField(choices=Level.choices)
    city_id = models.BigIntegerField(null=True)
    district_id = models.BigIntegerField(null=True)
    street_id = models.BigIntegerField(null=True)
    community_id = models.BigIntegerField(null=True)
    grid_id = models.BigIntegerField(null=True)
    name = models.CharField(max_length=120)
    rule = models.CharField(max_length=40)
    people = models.PositiveIntegerField()
    recent = models.PositiveIntegerField()
    danger = models.PositiveIntegerField(help_text="people who speak of danger to life")
    seen_at = models.DateTimeField(null=True)
    seen_by = models.ForeignKey(
        "identity.Person", models.PROTECT, null=True, related_name="+", db_index=False
    )
    said = models.TextField(blank=True)

    objects = WarningQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        indexes = (
            models.Index(
                fields=["-severity", "at"], name="topic_warning_open", condition=models.Q(seen_at=None)
            ),
        )

    def __str__(self) -> str:
        return f"{self.topic_id} {self.severity}"

    def guard_lineage(self) -> tuple[int | None, int | None, int | None, int | None, int | None]:
        return (self.city_id, self.district_id, self.street_id, self.community_id, self.grid_id)

    def guard_agency_ids(self) -> frozenset[int]:
        return frozenset()

    def guard_owner_id(self) -> int | None:
        return None
