"""Forms (报表), their versions and the workbooks they came as."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from citybrain.base.identity.models import Agency, Person
from citybrain.hub.forms.access import FormQuerySet
from citybrain.hub.forms.columns import Column, columns_of


class FormState(models.TextChoices):
    """A form may be issued only when it is admitted (报表准入)."""

    DRAFT = "draft", _("草稿")
    ASKING = "asking", _("待准入")
    ADMITTED = "admitted", _("已准入")
    REFUSED = "refused", _("不予准入")
    RETIRED = "retired", _("已废止")


class Cycle(models.TextChoices):
    ONCE = "once", _("一次性")
    DAY = "day", _("日报")
    WEEK = "week", _("周报")
    MONTH = "month", _("月报")
    QUARTER = "quarter", _("季报")
    YEAR = "year", _("年报")


class Shaped(models.TextChoices):
    """What a row of the form is about."""

    ROSTER = "roster", _("名册（一人一行）")
    FIGURES = "figures", _("统计表（一地一行）")
    FREE = "free", _("自由填写")


class Workbook(models.Model):
    """A workbook as it came, kept once under its digest (SHA-256) and never changed."""

    digest = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=255)
    kind = models.CharField(max_length=5, help_text="xlsx, xlsm or xls")
    size = models.BigIntegerField()
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.name


class Form(models.Model):
    """A form that an office wants filled. `office` asks for it; `fillers` is the level of area that fills it.

    `assessed` is what was shown when admission was asked for: the share the city knows, forms that ask the same.
    """

    number = models.CharField(max_length=30, unique=True, null=True)  # noqa: DJ001 (unique, so NULL)
    title = models.CharField(max_length=200)
    office = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    purpose = models.CharField(max_length=500, blank=True)
    basis = models.CharField(max_length=500, blank=True)
    cycle = models.CharField(max_length=10, choices=Cycle.choices, default="once")
    fillers = models.PositiveSmallIntegerField(default=4, help_text="areas.Level")
    shaped = models.CharField(max_length=10, choices=Shaped.choices, default="roster")
    roster = models.CharField(max_length=40, blank=True, help_text="key of the live roster its rows are")
    state = models.CharField(max_length=10, choices=FormState.choices, default="draft")
    current = models.ForeignKey("Version", models.PROTECT, null=True, related_name="+")
    assessed = models.JSONField(null=True)
    clock = models.JSONField(null=True)
    asked_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=80, blank=True)
    decider_name = models.CharField(max_length=60, blank=True)
    reason = models.CharField(max_length=500, blank=True)
    created_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    objects = FormQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at", "-id")
        indexes = (models.Index(fields=["office", "state"], name="forms_form_office"),)

    def __str__(self) -> str:
        return self.title


class Version(models.Model):
    """A form's table as it stood: its workbook, where header and rows are, and its columns."""

    form = models.ForeignKey(Form, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    workbook = models.ForeignKey(Workbook, models.PROTECT, null=True, related_name="+")
    sheet = models.CharField(max_length=100, blank=True)
    header_first = models.PositiveIntegerField(default=1)
    header_last = models.PositiveIntegerField(default=1)
    begins = models.PositiveIntegerField(default=2, help_text="first row to be filled, from 1")
    columns = models.JSONField(default=list)
    changed_by = models.CharField(max_length=80)
    changed_at = models.DateTimeField(db_default=Now())
    note = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["form", "number"], name="forms_version_number"),)

    def __str__(self) -> str:
        return f"{self.form_id} v{self.number}"

    @property
    def shape(self) -> tuple[Column, ...]:
        """The columns in their order."""
        return columns_of(self.columns)


class Remembered(models.Model):
    """What a person said a heading means; "" for an answer that no data set has. The latest word counts."""

    heading = models.CharField(max_length=300)
    office_kind = models.CharField(
        max_length=40, blank=True, help_text="key of the agency's kind; empty: any"
    )
    meaning = models.CharField(max_length=120, blank=True, help_text="dataset.field, or empty")
    times = models.PositiveIntegerField(default=1)
    by = models.CharField(max_length=80)
    at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["heading", "office_kind"], name="forms_remembered_heading"),
        )

    def __str__(self) -> str:
        return self.heading


class FormEvent(models.Model):
    """One change of a form or of a round of it: who, when, on whose behalf, and the details."""

    form = models.ForeignKey(Form, models.CASCADE, related_name="events")
    round = models.ForeignKey("Round", models.CASCADE, null=True, related_name="events")
    at = models.DateTimeField()
    action = models.CharField(max_length=40)
    actor = models.CharField(max_length=80)
    actor_name = models.CharField(max_length=60, blank=True)
    on_behalf_of = models.CharField(max_length=80, blank=True)
    details = models.JSONField(default=dict)

    class Meta:
        ordering = ("-at", "-id")
        indexes = (models.Index(fields=["form", "-at"], name="forms_event_form"),)

    def __str__(self) -> str:
        return f"{self.action} {self.form_id}"
