"""事项: what a case can be about, in versions with effective dates."""

from datetime import date

from django.db import models
from django.db.models import F, Q
from django.utils.translation import get_language


class ItemQuerySet(models.QuerySet["Item"]):
    def in_force(self, on: date) -> "ItemQuerySet":
        """Return the versions in force on a day: at most one a code."""
        return self.filter(Q(valid_until__isnull=True) | Q(valid_until__gt=on), valid_from__lte=on)


class Item(models.Model):
    """One version of an item; `code` is 6 digits: class (2), subclass (2), number (2)."""

    code = models.CharField(max_length=6)
    name_zh = models.CharField(max_length=60)
    name_en = models.CharField(max_length=120)
    class_code = models.CharField(max_length=2)
    class_zh = models.CharField(max_length=40)
    class_en = models.CharField(max_length=80)
    subclass_code = models.CharField(max_length=4)
    subclass_zh = models.CharField(max_length=40)
    subclass_en = models.CharField(max_length=80)
    kind = models.CharField(max_length=10, help_text="事件 or 部件")
    lead_kind = models.CharField(max_length=40, help_text="key of the kind of agency that leads")
    assist_kind = models.CharField(max_length=40, blank=True)
    urgent = models.BooleanField(default=False)
    accept_minutes = models.PositiveIntegerField(help_text="minutes from report to filing")
    disposal_minutes = models.PositiveIntegerField(help_text="minutes from dispatch to feedback")
    working = models.BooleanField(help_text="limits run in working time only, else continuously")
    accept_limit = models.CharField(max_length=20, help_text="as published, for example 2工作时")
    disposal_limit = models.CharField(max_length=20)
    first_level = models.CharField(max_length=10, help_text="level that handles first: 社区, 街镇, 区, 市")
    grid_self_handle = models.BooleanField(default=False)
    whistle_allowed = models.BooleanField(default=False)
    filing_condition = models.CharField(max_length=200, blank=True)
    close_condition = models.CharField(max_length=200, blank=True)
    gb30428_ref = models.CharField(max_length=20, blank=True)
    keywords = models.CharField(max_length=400, blank=True, help_text="other words citizens use, by spaces")
    valid_from = models.DateField()
    valid_until = models.DateField(null=True, blank=True, help_text="first day on which it no longer holds")

    objects = ItemQuerySet.as_manager()

    class Meta:
        ordering = ("code", "-valid_from")
        constraints = (
            models.UniqueConstraint(fields=["code", "valid_from"], name="item_version"),
            models.UniqueConstraint(
                fields=["code"], condition=Q(valid_until__isnull=True), name="item_one_open_version"
            ),
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gt=F("valid_from")),
                name="item_version_not_empty",
            ),
        )

    def __str__(self) -> str:
        return f"{self.code} {self.name_zh}"

    @property
    def name(self) -> str:
        """The name in the reader's language."""
        return self.name_en if (get_language() or "").startswith("en") else self.name_zh
