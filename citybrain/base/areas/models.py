"""Areas (区划) in force and ended, their shapes, and the decisions that changed them.

Here stand shape and invariants only: changes go through `actions`, reading at volume through `tree` and
`index`. An area is never deleted: it ends (`valid_until`), so that old rows that name it keep their meaning.
"""

from datetime import date
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

CODE_LENGTHS = (2, 4, 6, 9, 12, 15)


class Level(models.IntegerChoices):
    """How far down the tree an area stands; 1 is the top."""

    CITY = 1, _("市")
    DISTRICT = 2, _("区县")
    STREET = 3, _("街镇")
    COMMUNITY = 4, _("社区村")
    GRID = 5, _("网格")


class Kind(models.TextChoices):
    """What sort of area it is by law; several kinds share a level."""

    MUNICIPALITY = "municipality", _("直辖市")
    PREFECTURE = "prefecture", _("地级市")
    COUNTY_CITY = "county_city", _("县级市")
    DISTRICT = "district", _("市辖区")
    COUNTY = "county", _("县")
    BANNER = "banner", _("旗")
    ZONE = "zone", _("功能区")
    SUBDISTRICT = "subdistrict", _("街道")
    TOWN = "town", _("镇")
    TOWNSHIP = "township", _("乡")
    COMMUNITY = "community", _("社区")
    VILLAGE = "village", _("村")
    GRID = "grid", _("网格")


class AreaQuerySet(models.QuerySet["Area"]):
    def in_force(self, on: date | None = None) -> Self:
        """Return the areas in force on a day (today in the city's time where none is given)."""
        day = on or timezone.localdate()
        return self.filter(Q(valid_from=None) | Q(valid_from__lte=day)).filter(
            Q(valid_until=None) | Q(valid_until__gt=day)
        )

    def inside(self, area: "Area") -> Self:
        """Return the area and everything that hangs below it."""
        return self.filter(path__startswith=area.path)


class Area(models.Model):
    """A node of the tree.

    `code` has 2 or 4 digits for a city (6 for a county-level city directly under its province), then 6, 9, 12
    and 15. A city without districts (东莞) holds its towns directly. `path` is the ids from the city down to
    this area, each followed by a dot: "1.17.240.".
    """

    code = models.CharField(max_length=15)
    name = models.CharField(max_length=100)
    name_en = models.CharField(max_length=160, blank=True)
    pinyin = models.CharField(max_length=500, blank=True, help_text="full pinyin, a space, initials")
    level = models.PositiveSmallIntegerField(choices=Level.choices)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    path = models.CharField(max_length=120)
    valid_from = models.DateField(null=True, blank=True, help_text="empty: since before our records")
    valid_until = models.DateField(null=True, blank=True, help_text="the first day no longer in force")

    objects = AreaQuerySet.as_manager()

    class Meta:
        ordering = ("code", "id")
        indexes = (
            models.Index(fields=["path"], name="areas_area_path", opclasses=["text_pattern_ops"]),
            models.Index(fields=["code"], name="areas_area_code"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=["code"], condition=Q(valid_until=None), name="areas_area_code_in_force_once"
            ),
            models.CheckConstraint(
                condition=Q(code__regex=r"^[1-9][0-9]+$"), name="areas_area_code_is_digits"
            ),
            models.CheckConstraint(condition=Q(level__gte=1, level__lte=5), name="areas_area_level_known"),
            models.CheckConstraint(
                condition=Q(valid_from=None)
                | Q(valid_until=None)
                | Q(valid_until__gte=models.F("valid_from")),
                name="areas_area_ends_after_it_begins",
            ),
        )

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class AreaShape(models.Model):
    """The outline of an area, in full detail: a valid MultiPolygon, WGS-84, as WKB.

    `derived` shapes are the union of the shapes below and are drawn again when those change. The label point
    lies inside the shape.
    """

    area = models.OneToOneField(Area, models.CASCADE, primary_key=True, related_name="shape")
    wkb = models.BinaryField()
    west = models.FloatField()
    south = models.FloatField()
    east = models.FloatField()
    north = models.FloatField()
    label_lon = models.FloatField()
    label_lat = models.FloatField()
    km2 = models.FloatField(help_text="surface, square kilometres")
    derived = models.BooleanField(default=False)
    changed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"shape of {self.area_id}"


class DecisionKind(models.TextChoices):
    RENAME = "rename", _("更名")
    RECODE = "recode", _("代码变更")
    SPLIT = "split", _("拆分")
    MERGE = "merge", _("合并")


class DecisionState(models.TextChoices):
    PENDING = "pending", _("待生效")
    APPLIED = "applied", _("已生效")
    FAILED = "failed", _("未能生效")
    WITHDRAWN = "withdrawn", _("已撤回")


class AreaDecision(models.Model):
    """What was decided about areas, by whom, and the day from which it holds (which may lie ahead)."""

    kind = models.CharField(max_length=8, choices=DecisionKind.choices)
    at = models.DateField(help_text="the first day it holds")
    plan = models.JSONField(help_text="all that is needed to carry it out, areas by id")
    actor = models.CharField(max_length=80)
    document = models.CharField(max_length=200, blank=True, help_text="number of the official paper")
    recorded_at = models.DateTimeField()
    state = models.CharField(max_length=9, choices=DecisionState.choices)
    failure = models.TextField(blank=True)

    class Meta:
        ordering = ("at", "id")
        indexes = (models.Index(fields=["at"], condition=Q(state="pending"), name="areas_decision_pending"),)

    def __str__(self) -> str:
        return f"{self.kind} from {self.at}"


class AreaChange(models.Model):
    """One effect of a decision on one area: what it was called before and after, or what follows it.

    For split and merge `successor` holds what came after; a split area has one row per successor. Recoding an
    area writes a row for each area below it whose code changed too.
    """

    decision = models.ForeignKey(AreaDecision, models.CASCADE, related_name="changes")
    kind = models.CharField(max_length=8, choices=DecisionKind.choices)
    area = models.ForeignKey(Area, models.CASCADE, related_name="changes")
    successor = models.ForeignKey(Area, models.CASCADE, null=True, blank=True, related_name="origins")
    at = models.DateField()
    from_code = models.CharField(max_length=15)
    to_code = models.CharField(max_length=15)
    from_name = models.CharField(max_length=100)
    to_name = models.CharField(max_length=100)

    class Meta:
        ordering = ("at", "id")

    def __str__(self) -> str:
        return f"{self.from_code} → {self.to_code} ({self.kind}, {self.at})"


class AreaVersion(models.Model):
    """One row whose number changes whenever anything here does; never the same number twice."""

    version = models.BigIntegerField()

    class Meta:
        constraints = (models.CheckConstraint(condition=Q(id=1), name="areas_version_one_row"),)

    def __str__(self) -> str:
        return str(self.version)
