"""Requests for data, and the grants (授权) given upon them."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from citybrain.base.catalogue.access import GrantQuerySet, RequestQuerySet
from citybrain.base.catalogue.models.dataset import DataSet
from citybrain.base.identity.models import Agency, Person


class RequestState(models.TextChoices):
    ASKED = "asked", _("待审核")
    GRANTED = "granted", _("已授权")
    REFUSED = "refused", _("已拒绝")
    WITHDRAWN = "withdrawn", _("已撤回")


class DeliveryMode(models.TextChoices):
    """How rows are taken: one by key, many by filter, whole files, what changed since."""

    KEY = "key", _("按主键查询")
    FILTER = "filter", _("按条件查询")
    BATCH = "batch", _("批量文件")
    CHANGES = "changes", _("增量变更")


class Request(models.Model):
    """What an agency asks of a data set. `clock` is worktime's; `due_at` when the supplier must have answered."""

    number = models.CharField(max_length=30, unique=True, null=True)  # noqa: DJ001 (unique, so NULL)
    dataset = models.ForeignKey(DataSet, models.PROTECT, related_name="requests")
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    person = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    item = models.ForeignKey("TaskItem", models.PROTECT, null=True, blank=True, related_name="+")
    purpose = models.CharField(max_length=500)
    basis = models.CharField(max_length=500, blank=True)
    scene = models.CharField(max_length=60, blank=True)
    fields = models.JSONField()
    conditions = models.JSONField(default=list)
    modes = models.JSONField()
    plain = models.JSONField(default=list, help_text="fields asked for without their mask")
    until = models.DateField(null=True, help_text="the last day")
    daily_limit = models.BigIntegerField(null=True, help_text="rows a day")
    state = models.CharField(max_length=10, choices=RequestState.choices, default="asked")
    clock = models.JSONField(null=True)
    asked_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=80, blank=True)
    decider_name = models.CharField(max_length=60, blank=True)
    reason = models.CharField(max_length=500, blank=True)

    objects = RequestQuerySet.as_manager()

    class Meta:
        ordering = ("-asked_at", "-id")
        indexes = (
            models.Index(
                fields=["dataset", "due_at"], condition=Q(state="asked"), name="catalogue_req_waits"
            ),
            models.Index(fields=["agency", "-asked_at"], name="catalogue_req_agency"),
        )

    def __str__(self) -> str:
        return self.number or f"request {self.pk}"


class Grant(models.Model):
    """What an agency may take: these fields, under these masks and conditions, in these ways, until then.

    `masks` are {field: mask}. `valid_until` is the first moment it no longer holds; empty: until revoked.
    """

    number = models.CharField(max_length=30, unique=True, null=True)  # noqa: DJ001 (unique, so NULL)
    request = models.ForeignKey(Request, models.PROTECT, null=True, related_name="grants")
    dataset = models.ForeignKey(DataSet, models.PROTECT, related_name="grants")
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    purpose = models.CharField(max_length=500, blank=True)
    fields = models.JSONField()
    masks = models.JSONField(default=dict)
    conditions = models.JSONField(default=list)
    modes = models.JSONField()
    valid_from = models.DateTimeField()
    valid_until = models.DateTimeField(null=True)
    rate_per_second = models.PositiveIntegerField(default=100, help_text="calls a second")
    daily_rows = models.BigIntegerField(default=1_000_000)
    granted_by = models.CharField(max_length=80)
    created_at = models.DateTimeField(db_default=Now())
    revoked_at = models.DateTimeField(null=True)
    revoked_by = models.CharField(max_length=80, blank=True)
    revoked_why = models.CharField(max_length=500, blank=True)

    objects = GrantQuerySet.as_manager()

    class Meta:
        ordering = ("-valid_from", "-id")
        indexes = (
            models.Index(fields=["dataset"], condition=Q(revoked_at=None), name="catalogue_grant_dataset"),
            models.Index(fields=["agency"], condition=Q(revoked_at=None), name="catalogue_grant_agency"),
        )
        constraints = (
            models.CheckConstraint(
                condition=Q(valid_until=None) | Q(valid_until__gt=F("valid_from")),
                name="catalogue_grant_has_length",
            ),
        )

    def __str__(self) -> str:
        return self.number or f"grant {self.pk}"
