"""A form sent down the tree: its round, a sheet for each area, the sheets' rows, every edit of a cell."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from citybrain.base.areas.models import Area
from citybrain.base.identity.models import Agency, Person
from citybrain.hub.forms.access import RoundQuerySet, SheetQuerySet
from citybrain.hub.forms.models.form import Form, Version


class RoundState(models.TextChoices):
    OPEN = "open", _("收集中")
    CLOSED = "closed", _("已结束")
    CALLED_OFF = "called_off", _("已撤回")


class SheetState(models.TextChoices):
    """A sheet goes from the filler to the street, from there to the office; each may send it back."""

    WAITING = "waiting", _("未填报")
    FILLING = "filling", _("填报中")
    SUBMITTED = "submitted", _("待审核")
    RETURNED = "returned", _("已退回")
    REVIEWED = "reviewed", _("已审核")
    ACCEPTED = "accepted", _("已接收")


class Round(models.Model):
    """A form issued once: which version, for which period, to all areas of a level below one area, until when."""

    number = models.CharField(max_length=30, unique=True, null=True)  # noqa: DJ001 (unique, so NULL)
    form = models.ForeignKey(Form, models.PROTECT, related_name="rounds")
    version = models.ForeignKey(Version, models.PROTECT, related_name="+")
    office = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    root = models.ForeignKey(Area, models.PROTECT, related_name="+")
    level = models.PositiveSmallIntegerField(help_text="areas.Level of those who fill")
    period = models.CharField(max_length=40, blank=True)
    note = models.CharField(max_length=500, blank=True)
    state = models.CharField(max_length=10, choices=RoundState.choices, default="open")
    issued_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    issued_at = models.DateTimeField()
    due_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    key_seed = models.BinaryField(help_text="makes the rows' keys of this round its own")
    reminded = models.PositiveSmallIntegerField(
        default=0, help_text="by the clock: 0 not yet, 1 before it is due, 2 when it was late"
    )

    objects = RoundQuerySet.as_manager()

    class Meta:
        ordering = ("-issued_at", "-id")

    def __str__(self) -> str:
        return self.number or f"round {self.pk}"


class Sheet(models.Model):
    """One area's sheet of a round. `stamp` counts its edits; cells are counted whenever it is saved."""

    round = models.ForeignKey(Round, models.CASCADE, related_name="sheets")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+")
    city = models.ForeignKey(Area, models.PROTECT, null=True, related_name="+", db_index=False)
    district = models.ForeignKey(Area, models.PROTECT, null=True, related_name="+", db_index=False)
    street = models.ForeignKey(Area, models.PROTECT, null=True, related_name="+", db_index=False)
    community = models.ForeignKey(Area, models.PROTECT, null=True, related_name="+", db_index=False)
    grid = models.ForeignKey(Area, models.PROTECT, null=True, related_name="+", db_index=False)
    state = models.CharField(max_length=10, choices=SheetState.choices, default="waiting")
    stamp = models.BigIntegerField(default=0)
    rows_count = models.PositiveIntegerField(default=0)
    cells = models.PositiveIntegerField(default=0, help_text="cells asked for, all rows")
    cells_known = models.PositiveIntegerField(default=0, help_text="of them filled by data and left so")
    cells_missing = models.PositiveIntegerField(default=0, help_text="required ones that are empty")
    filled_from = models.JSONField(default=dict, help_text="data set: version and moment of the last filling")
    opened_at = models.DateTimeField(null=True)
    submitted_at = models.DateTimeField(null=True)
    submitted_by = models.CharField(max_length=80, blank=True)
    submitter_name = models.CharField(max_length=60, blank=True)
    reviewed_at = models.DateTimeField(null=True)
    reviewed_by = models.CharField(max_length=80, blank=True)
    returned_at = models.DateTimeField(null=True)
    returned_why = models.CharField(max_length=500, blank=True)
    accepted_at = models.DateTimeField(null=True)
    signature = models.JSONField(
        null=True, help_text="SM3 of what was submitted, by whom, when; each signing kept"
    )
    totals = models.JSONField(
        null=True, help_text="letter: [cells with a value, sum, least, most, people]; as submitted"
    )
    reminders = models.PositiveIntegerField(default=0)
    reminded_at = models.DateTimeField(null=True)

    objects = SheetQuerySet.as_manager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["round", "area"], name="forms_sheet_area"),)
        indexes = (
            models.Index(fields=["round", "state"], name="forms_sheet_state"),
            models.Index(fields=["street", "round"], name="forms_sheet_street"),
            models.Index(fields=["community", "round"], name="forms_sheet_community"),
            models.Index(fields=["district", "round"], name="forms_sheet_district"),
        )

    def __str__(self) -> str:
        return f"sheet {self.pk}"

    def guard_lineage(self) -> tuple[int | None, ...]:
        return (self.city_id, self.district_id, self.street_id, self.community_id, self.grid_id)

    def guard_agency_ids(self) -> frozenset[int]:
        return frozenset({self.round.office_id})

    def guard_owner_id(self) -> int | None:
        return None


class SheetEvent(models.Model):
    """What became of a sheet: one row a step."""

    sheet = models.ForeignKey(Sheet, models.CASCADE, related_name="events")
    at = models.DateTimeField()
    action = models.CharField(max_length=40)
    actor = models.CharField(max_length=80)
    actor_name = models.CharField(max_length=60, blank=True)
    on_behalf_of = models.CharField(max_length=80, blank=True)
    details = models.JSONField(default=dict)

    class Meta:
        ordering = ("at", "id")

    def __str__(self) -> str:
        return f"{self.action} {self.sheet_id}"


class Row(models.Model):
    """A row of a sheet. `key` tells rows apart (a person's token, or a new row's id); `values` are {letter: text}.

    `marks` are {letter: [source, date, state, stamp]}: a data set's code or "answer", the day its value is of, one of
    known, stale, conflict, disputed, answered, edited, missing, down, and the sheet's stamp when the cell last changed.
    A cell kept from before its grant ended stays with its mark; whoever looks is told that it may not be shown.
    """

    sheet = models.ForeignKey(Sheet, models.CASCADE, related_name="rows")
    key = models.CharField(max_length=80)
    position = models.PositiveIntegerField()
    values = models.JSONField(default=dict)
    marks = models.JSONField(default=dict)
    removed = models.BooleanField(default=False)

    class Meta:
        ordering = ("position", "id")
        constraints = (models.UniqueConstraint(fields=["sheet", "key"], name="forms_row_key"),)

    def __str__(self) -> str:
        return f"row {self.pk}"


class Edit(models.Model):
    """A cell changed by a person. `client` is the device's own id of the edit: sent twice, it counts once.

    `base` is the stamp the person saw; an edit of a cell that changed after it is kept with `applied` false, and the
    person chooses.
    """

    sheet = models.ForeignKey(Sheet, models.CASCADE, related_name="edits")
    row_key = models.CharField(max_length=80)
    letter = models.CharField(
        max_length=8, blank=True, help_text="empty: the row itself was added or removed"
    )
    before = models.TextField(blank=True)
    after = models.TextField(blank=True)
    base = models.BigIntegerField()
    stamp = models.BigIntegerField(null=True)
    applied = models.BooleanField(default=True)
    client = models.UUIDField()
    by = models.CharField(max_length=80)
    name = models.CharField(max_length=60, blank=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["sheet", "client"], name="forms_edit_client"),
            models.CheckConstraint(
                condition=Q(stamp=None) | Q(stamp__gt=F("base")) | Q(stamp=F("base")), name="forms_edit_after"
            ),
        )
        indexes = (models.Index(fields=["sheet", "stamp"], name="forms_edit_stamp"),)

    def __str__(self) -> str:
        return f"edit {self.pk}"


class Reminder(models.Model):
    """A reminder (催报) of a round: to how many sheets, by whom, or by the clock."""

    round = models.ForeignKey(Round, models.CASCADE, related_name="reminders")
    sheets = models.PositiveIntegerField()
    scope = models.ForeignKey(Area, models.PROTECT, null=True, related_name="+")
    text = models.CharField(max_length=300, blank=True)
    by = models.CharField(max_length=80)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ("-at",)

    def __str__(self) -> str:
        return f"reminder {self.pk}"
