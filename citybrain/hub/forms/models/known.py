"""What was answered once and is known from then on; what was disputed; who was visited."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from citybrain.base.areas.models import Area
from citybrain.base.catalogue.models import DataSet
from citybrain.base.identity.models import Agency, Person
from citybrain.hub.forms.access import PlacedQuerySet


class InArea(models.Model):
    """Lies in an area, and in all areas above it."""

    area = models.ForeignKey(Area, models.PROTECT, related_name="+")
    city = models.ForeignKey(Area, models.PROTECT, null=True, related_name="+", db_index=False)
    district = models.ForeignKey(Area, models.PROTECT, null=True, related_name="+", db_index=False)
    street = models.ForeignKey(Area, models.PROTECT, null=True, related_name="+", db_index=False)
    community = models.ForeignKey(Area, models.PROTECT, null=True, related_name="+", db_index=False)
    grid = models.ForeignKey(Area, models.PROTECT, null=True, related_name="+", db_index=False)

    objects = PlacedQuerySet.as_manager()

    class Meta:
        abstract = True

    def guard_lineage(self) -> tuple[int | None, ...]:
        return (self.city_id, self.district_id, self.street_id, self.community_id, self.grid_id)

    def guard_agency_ids(self) -> frozenset[int]:
        return frozenset()

    def guard_owner_id(self) -> int | None:
        return None


class Answered(InArea):
    """A cell that no data set knew, answered by a person; the next form that asks the same is filled with it.

    `subject` is the person's keyed token, or empty for a figure of the area itself; `meaning` is the normal form of
    the column's names, or "dataset.field" where the answer fills a field the data set left empty.
    """

    subject = models.CharField(max_length=64, blank=True)
    meaning = models.CharField(max_length=300)
    value = models.TextField()
    personal = models.CharField(max_length=10, default="none")
    as_of = models.DateField()
    sheet = models.ForeignKey("Sheet", models.SET_NULL, null=True, related_name="+")
    office = models.ForeignKey(Agency, models.PROTECT, null=True, related_name="+")
    by = models.CharField(max_length=80)
    name = models.CharField(max_length=60, blank=True)
    at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["area", "meaning", "subject"], name="forms_answered_once"),
        )
        indexes = (models.Index(fields=["subject", "meaning"], name="forms_answered_subject"),)

    def __str__(self) -> str:
        return self.meaning


class DisputeState(models.TextChoices):
    OPEN = "open", _("待核实")
    STANDS = "stands", _("经核实原值无误")
    MENDED = "mended", _("已更正")
    WITHDRAWN = "withdrawn", _("已撤回")


class Dispute(InArea):
    """A value that a filler says is wrong, sent to the data set's provider with a clock.

    `key` is the row's key in the data set, sealed (it may be somebody's number): needed to mend it. `held` is the value
    as the filler saw it, `claimed` what it should be.
    """

    dataset = models.ForeignKey(DataSet, models.PROTECT, related_name="+")
    field = models.CharField(max_length=63)
    key = models.JSONField()
    subject = models.CharField(max_length=64, blank=True)
    held = models.TextField(blank=True)
    claimed = models.TextField(blank=True)
    note = models.CharField(max_length=500, blank=True)
    sheet = models.ForeignKey("Sheet", models.SET_NULL, null=True, related_name="+")
    row_key = models.CharField(max_length=80, blank=True)
    state = models.CharField(max_length=10, choices=DisputeState.choices, default="open")
    clock = models.JSONField(null=True)
    due_at = models.DateTimeField(null=True)
    by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    by_name = models.CharField(max_length=60, blank=True)
    at = models.DateTimeField()
    answer = models.CharField(max_length=500, blank=True)
    answered_by = models.CharField(max_length=80, blank=True)
    answered_name = models.CharField(max_length=60, blank=True)
    answered_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("due_at", "id")
        indexes = (
            models.Index(fields=["dataset", "state"], name="forms_dispute_dataset"),
            models.Index(fields=["sheet"], name="forms_dispute_sheet"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=["subject", "dataset", "field"],
                condition=models.Q(state="open"),
                name="forms_dispute_open_once",
            ),
        )

    def __str__(self) -> str:
        return f"dispute {self.pk}"


class SavedView(models.Model):
    """A roster as somebody likes to look at it: filters, columns, order."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="+")
    roster = models.CharField(max_length=40)
    name = models.CharField(max_length=60)
    asked = models.JSONField(default=dict)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (models.UniqueConstraint(fields=["person", "roster", "name"], name="forms_view_name"),)

    def __str__(self) -> str:
        return self.name


class Visit(InArea):
    """Somebody of a roster was visited, called or thought of; `subject` is the person's keyed token."""

    class Kind(models.TextChoices):
        VISIT = "visit", _("上门走访")
        CALL = "call", _("电话联系")
        NOTE = "note", _("备注")

    roster = models.CharField(max_length=40)
    subject = models.CharField(max_length=64)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    text = models.CharField(max_length=1000)
    next_on = models.DateField(null=True)
    by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    name = models.CharField(max_length=60, blank=True)
    at = models.DateTimeField()

    class Meta:
        ordering = ("-at", "-id")
        indexes = (models.Index(fields=["subject", "-at"], name="forms_visit_subject"),)

    def __str__(self) -> str:
        return f"visit {self.pk}"


class Looked(models.Model):
    """When a person last looked at a roster of an area, and what it then held (see rosters.changes)."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="+")
    roster = models.CharField(max_length=40)
    area = models.ForeignKey(Area, models.CASCADE, related_name="+")
    at = models.DateTimeField()
    held = models.BinaryField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["person", "roster", "area"], name="forms_looked_once"),
        )

    def __str__(self) -> str:
        return f"{self.person_id} {self.roster}"
