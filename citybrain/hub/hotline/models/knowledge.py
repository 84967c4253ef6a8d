"""知识: what the city answers from. An entry is kept by one department; each of its versions is kept for good."""

from datetime import date

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from citybrain.base.identity.actor import Actor

KEEP, PUBLISH = "hotline.knowledge", "hotline.publish"
READ = ("hotline.drafts", "hotline.view", KEEP, PUBLISH)


class KnowledgeState(models.TextChoices):
    DRAFT = "draft", _("草稿")
    REVIEW = "review", _("待审核")
    PUBLISHED = "published", _("已发布")
    WITHDRAWN = "withdrawn", _("已撤回")


class KnowledgeQuerySet(models.QuerySet["KnowledgeEntry"]):
    def visible_to(self, actor: Actor) -> "KnowledgeQuerySet":
        """Return what an actor may see: all of it for who keeps or publishes, else what is published."""
        if actor.is_system or actor.may(KEEP) or actor.may(PUBLISH):
            return self
        if any(actor.may(one) for one in READ):
            return self.filter(published__isnull=False)
        return self.none()

    def usable(self, on: date) -> "KnowledgeQuerySet":
        """Return what may be answered from on a day: published, in force, not expired."""
        return self.filter(
            Q(valid_until__isnull=True) | Q(valid_until__gte=on), published__isnull=False, valid_from__lte=on
        )


class KnowledgeEntry(models.Model):
    """One entry. `title` and the dates are the published version's, the newest's while none is published.

    `published` stays in use while a newer version is a draft or in review.
    """

    state = models.CharField(
        max_length=10,
        choices=KnowledgeState.choices,
        default=KnowledgeState.DRAFT,
        help_text="of the newest version",
    )
    version = models.PositiveIntegerField(default=1, help_text="the newest version's number")
    published = models.ForeignKey(
        "hotline.KnowledgeVersion", models.PROTECT, null=True, related_name="+", db_index=False
    )
    agency = models.ForeignKey("identity.Agency", models.PROTECT, related_name="+", help_text="who keeps it")
    title = models.CharField(max_length=200)
    items = ArrayField(models.CharField(max_length=6), default=list)
    valid_from = models.DateField()
    valid_until = models.DateField(null=True, help_text="last day; null: until withdrawn")
    review_on = models.DateField(help_text="when the department looks at it again")
    reminded_on = models.DateField(null=True)
    words = SearchVectorField(null=True, editable=False, help_text="of the published version; null: none is")
    changed_at = models.DateTimeField()

    objects = KnowledgeQuerySet.as_manager()

    class Meta:
        indexes = (
            GinIndex(fields=["words"], name="knowledge_words", fastupdate=False),
            models.Index(fields=["review_on"], name="knowledge_review", condition=Q(published__isnull=False)),
            models.Index(fields=["state", "changed_at"], name="knowledge_state"),
        )

    def __str__(self) -> str:
        return f"{self.pk} {self.title}"


class KnowledgeVersion(models.Model):
    """What an entry said at one time, from which document, who wrote it and who published it."""

    entry = models.ForeignKey(KnowledgeEntry, models.CASCADE, related_name="versions", db_index=False)
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=200)
    question = models.TextField(blank=True, help_text="how citizens ask")
    body = models.TextField(help_text="the answer, sentence by sentence")
    source = models.CharField(max_length=200, help_text="the document it comes from")
    source_number = models.CharField(max_length=100, blank=True, help_text="文号")
    source_date = models.DateField()
    items = ArrayField(models.CharField(max_length=6), default=list)
    valid_from = models.DateField()
    valid_until = models.DateField(null=True)
    review_on = models.DateField()
    written_by = models.ForeignKey(
        "identity.Person", models.PROTECT, null=True, related_name="+", db_index=False
    )
    written_at = models.DateTimeField()
    published_by = models.ForeignKey(
        "identity.Person", models.PROTECT, null=True, related_name="+", db_index=False
    )
    published_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("entry", "number")
        constraints = (models.UniqueConstraint(fields=["entry", "number"], name="knowledge_version"),)

    def __str__(self) -> str:
        return f"{self.entry_id} v{self.number}"


class KnowledgeEvent(models.Model):
    """One step of one entry: who did what, when, why."""

    entry = models.ForeignKey(KnowledgeEntry, models.CASCADE, related_name="events", db_index=False)
    seq = models.PositiveIntegerField()
    action = models.CharField(max_length=20)
    version = models.PositiveIntegerField()
    at = models.DateTimeField()
    actor = models.ForeignKey("identity.Person", models.PROTECT, null=True, related_name="+", db_index=False)
    actor_name = models.CharField(max_length=60)
    reason = models.TextField(blank=True)

    class Meta:
        ordering = ("entry", "seq")
        constraints = (models.UniqueConstraint(fields=["entry", "seq"], name="knowledge_event_seq"),)

    def __str__(self) -> str:
        return f"{self.entry_id}#{self.seq} {self.action}"


class KnowledgePair(models.Model):
    """How many published entries hold a pair of letters: search begins with the rare ones (loop `knowledge`)."""

    pair = models.CharField(max_length=4, primary_key=True)
    entries = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.pair} {self.entries}"
