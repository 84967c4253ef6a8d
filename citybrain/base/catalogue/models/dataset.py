"""Data sets (数据资源) and the versions of their entries; the columns of a set are those of its published version."""

from functools import cached_property

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from citybrain.base.catalogue.access import LEVELS, DataSetQuerySet, RevisionQuerySet
from citybrain.base.catalogue.shape import Shape
from citybrain.base.identity.models import Agency


class DataSetState(models.TextChoices):
    DRAFT = "draft", _("草稿")
    APPROVING = "approving", _("待审批")
    PUBLISHED = "published", _("已发布")
    WITHDRAWN = "withdrawn", _("已撤销")


class RevisionState(models.TextChoices):
    DRAFT = "draft", _("草稿")
    APPROVING = "approving", _("待审批")
    PUBLISHED = "published", _("已发布")
    REPLACED = "replaced", _("已被新版本代替")


class ShareType(models.IntegerChoices):
    UNCONDITIONAL = 1, _("无条件共享")
    CONDITIONAL = 2, _("有条件共享")
    REFUSED = 3, _("不予共享")


class OpenType(models.IntegerChoices):
    UNCONDITIONAL = 1, _("无条件开放")
    CONDITIONAL = 2, _("有条件开放")
    REFUSED = 3, _("不予开放")


class UpdateCycle(models.IntegerChoices):
    REAL_TIME = 1, _("实时")
    DAILY = 2, _("每日")
    WEEKLY = 3, _("每周")
    MONTHLY = 4, _("每月")
    QUARTERLY = 5, _("每季度")
    HALF_YEARLY = 6, _("每半年")
    YEARLY = 7, _("每年")
    IRREGULAR = 8, _("不定期")
    NEVER = 9, _("不更新")


class DataSet(models.Model):
    """One entry of the catalogue.

    Until it is first published its columns are those of its draft. `data_*` and `score` say what lies behind
    it; they are written by `quality.measured`. `version` counts changes of the entry.
    """

    code = models.CharField(max_length=60, unique=True)
    resource_code = models.CharField(max_length=60, blank=True, db_index=True)
    provider = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    name_zh = models.CharField(max_length=120)
    name_en = models.CharField(max_length=200, blank=True)
    pinyin = models.CharField(max_length=600, blank=True)
    category = models.CharField(max_length=60, blank=True)
    summary = models.TextField(blank=True)
    state = models.CharField(max_length=10, choices=DataSetState.choices, default="draft")
    share_type = models.PositiveSmallIntegerField(choices=ShareType.choices)
    share_condition = models.CharField(max_length=500, blank=True)
    open_type = models.PositiveSmallIntegerField(choices=OpenType.choices)
    open_condition = models.CharField(max_length=500, blank=True)
    update_cycle = models.PositiveSmallIntegerField(choices=UpdateCycle.choices)
    grade = models.PositiveSmallIntegerField(default=1)
    personal = models.CharField(max_length=10, default="none", help_text="of its most sensitive field")
    current = models.ForeignKey("Revision", models.PROTECT, null=True, related_name="+")
    version = models.PositiveIntegerField(default=1)
    published_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_why = models.CharField(max_length=500, blank=True)
    data_version = models.BigIntegerField(default=0, help_text="0: there is no data behind the entry")
    data_rows = models.BigIntegerField(default=0)
    data_at = models.DateTimeField(null=True, help_text="when data last came")
    score = models.DecimalField(max_digits=5, decimal_places=2, null=True, help_text="0 to 100")
    created_at = models.DateTimeField(db_default=Now())
    words = SearchVectorField(null=True, editable=False)
    words_text = models.TextField(blank=True, editable=False)

    objects = DataSetQuerySet.as_manager()

    class Meta:
        ordering = ("pinyin", "id")
        indexes = (
            models.Index(fields=["state", "pinyin", "id"], name="catalogue_ds_state"),
            GinIndex(fields=["words"], name="catalogue_ds_words"),
        )
        constraints = (
            models.CheckConstraint(
                condition=~Q(state="published") | Q(current__isnull=False),
                name="catalogue_published_has_version",
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """Its name in the language of the reader."""
        return self.name_en if self.name_en and (get_language() or "").startswith("en") else self.name_zh

    @cached_property
    def shape(self) -> Shape:
        """The published shape. Raises ValueError for a set that was never published."""
        if self.current is None:
            raise ValueError(f"data set {self.code} has no published version")
        return self.current.shaped

    def guard_lineage(self) -> tuple[int | None, ...]:
        return tuple(getattr(self.provider, f"{level}_id") for level in LEVELS)

    def guard_agency_ids(self) -> frozenset[int]:
        return frozenset({self.provider_id})

    def guard_owner_id(self) -> int | None:
        return None


class Revision(models.Model):
    """One version of an entry: shape and metadata as they were. Only one of a set can be open at a time."""

    dataset = models.ForeignKey(DataSet, models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    shape = models.JSONField()
    meta = models.JSONField(help_text="the metadata, as entry.Meta keeps them")
    state = models.CharField(max_length=10, choices=RevisionState.choices, default="draft")
    created_by = models.CharField(max_length=80)
    created_at = models.DateTimeField(db_default=Now())
    submitted_by = models.CharField(max_length=80, blank=True)
    submitted_at = models.DateTimeField(null=True)
    approved_by = models.CharField(max_length=80, blank=True)
    approved_at = models.DateTimeField(null=True)
    returned_why = models.CharField(max_length=500, blank=True)

    objects = RevisionQuerySet.as_manager()

    class Meta:
        ordering = ("dataset", "-number")
        indexes = (
            models.Index(fields=["submitted_at"], condition=Q(state="approving"), name="catalogue_rev_waits"),
        )
        constraints = (
            models.UniqueConstraint(fields=["dataset", "number"], name="catalogue_revision_number"),
            models.UniqueConstraint(
                fields=["dataset"],
                condition=Q(state__in=("draft", "approving")),
                name="catalogue_one_open_revision",
            ),
        )

    def __str__(self) -> str:
        return f"{self.dataset_id} v{self.number}"

    @cached_property
    def shaped(self) -> Shape:
        """The shape as a value."""
        return Shape.from_json(self.shape)
