"""The three lists (事项清单, 需求清单, 供给清单) and the systems (信息系统) that supplies come from."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from citybrain.base.catalogue.access import DemandQuerySet, ListQuerySet, SupplyQuerySet
from citybrain.base.catalogue.models.dataset import DataSet, UpdateCycle
from citybrain.base.identity.models import Agency


class SupplyMode(models.TextChoices):
    TABLE = "table", _("库表")
    FILE = "file", _("文件")
    API = "api", _("接口")
    MESSAGE = "message", _("消息")


class System(models.Model):
    """An information system of an agency."""

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    key = models.CharField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    name_en = models.CharField(max_length=200, blank=True)
    contact = models.CharField(max_length=120, blank=True, help_text="who looks after it")
    note = models.CharField(max_length=500, blank=True)
    is_active = models.BooleanField(default=True)

    objects = ListQuerySet.as_manager()

    class Meta:
        ordering = ("name", "id")

    def __str__(self) -> str:
        return self.name


class TaskItem(models.Model):
    """What needs doing (事项): a scene or a duty of an agency that needs data."""

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    key = models.CharField(max_length=60, unique=True)
    name_zh = models.CharField(max_length=120)
    name_en = models.CharField(max_length=200, blank=True)
    basis = models.CharField(max_length=500, blank=True, help_text="the rule that makes it a duty")
    is_active = models.BooleanField(default=True)

    objects = ListQuerySet.as_manager()

    class Meta:
        ordering = ("name_zh", "id")

    def __str__(self) -> str:
        return self.name_zh


class Demand(models.Model):
    """What data an item needs: fields with types, from which set (if that is known), how fresh, in which way.

    `fields`: [{"name", "zh", "type"}]; name or zh may be empty, type may be.
    """

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    item = models.ForeignKey(TaskItem, models.PROTECT, related_name="demands")
    dataset = models.ForeignKey(DataSet, models.PROTECT, null=True, blank=True, related_name="demands")
    title = models.CharField(max_length=120)
    purpose = models.CharField(max_length=500)
    fields = models.JSONField()
    update_cycle = models.PositiveSmallIntegerField(choices=UpdateCycle.choices)
    mode = models.CharField(
        max_length=10, choices=SupplyMode.choices, blank=True, help_text="empty: any way will do"
    )
    asked_of = models.ForeignKey(
        Agency, models.PROTECT, null=True, blank=True, related_name="+", help_text="who is thought to have it"
    )
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now())

    objects = DemandQuerySet.as_manager()

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return self.title


class Supply(models.Model):
    """Which system gives which fields of a data set, how, and how fresh it promises to be."""

    dataset = models.ForeignKey(DataSet, models.PROTECT, related_name="supplies")
    system = models.ForeignKey(System, models.PROTECT, related_name="supplies")
    fields = models.JSONField(default=list, help_text="names of fields; empty: all of them")
    mode = models.CharField(max_length=10, choices=SupplyMode.choices)
    update_cycle = models.PositiveSmallIntegerField(choices=UpdateCycle.choices)
    rank = models.PositiveSmallIntegerField(default=1, help_text="1 counts before 2 where suppliers differ")
    note = models.CharField(max_length=500, blank=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now())

    objects = SupplyQuerySet.as_manager()

    class Meta:
        ordering = ("dataset", "rank", "id")
        constraints = (
            models.UniqueConstraint(fields=["dataset", "system"], name="catalogue_supply_once_per_system"),
        )

    def __str__(self) -> str:
        return f"{self.dataset_id} from {self.system_id}"
