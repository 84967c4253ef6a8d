"""日报、周报: what was made of the hotline's figures for a day or a week, kept as it was given out."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from citybrain.base.areas.tree import tree
from citybrain.base.identity.access import scope_q
from citybrain.base.identity.actor import Actor

RIGHT = "hotline.reports"


class ReportKind(models.TextChoices):
    DAILY = "daily", _("日报")
    WEEKLY = "weekly", _("周报")


class ReportQuerySet(models.QuerySet["HotlineReport"]):
    def visible_to(self, actor: Actor) -> "ReportQuerySet":
        """Return the reports on areas that lie within the actor's reach: a street's reader sees no city's report."""
        return self.filter(scope_q(actor, RIGHT, agency_fields=(), owner_field=None))


class HotlineReport(models.Model):
    """One report on one area. Made anew it gets the next `version`; what was given out stays."""

    kind = models.CharField(max_length=6, choices=ReportKind.choices)
    starts_on = models.DateField()
    ends_on = models.DateField(help_text="last day")
    area = models.ForeignKey("areas.Area", models.PROTECT, related_name="+", db_index=False)
    city_id = models.BigIntegerField()
    district_id = models.BigIntegerField(null=True)
    street_id = models.BigIntegerField(null=True)
    community_id = models.BigIntegerField(null=True)
    grid_id = models.BigIntegerField(null=True)
    version = models.PositiveIntegerField()
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(
        "identity.Person", models.PROTECT, null=True, related_name="+", db_index=False
    )
    figures = models.JSONField()
    document = models.BinaryField(help_text=".docx")
    sheet = models.BinaryField(help_text=".xlsx")

    objects = ReportQuerySet.as_manager()

    class Meta:
        ordering = ("-starts_on", "-version")
        constraints = (
            models.UniqueConstraint(fields=["kind", "starts_on", "area", "version"], name="report_version"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.starts_on} {self.area_id} v{self.version}"

    def guard_lineage(self) -> tuple[int | None, int | None, int | None, int | None, int | None]:
        return tree().get(self.area_id).lineage

    def guard_agency_ids(self) -> frozenset[int]:
        return frozenset()

    def guard_owner_id(self) -> int | None:
        return None
