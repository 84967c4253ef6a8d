"""What became of past dispatches: a returned route sinks in the ranking."""

from django.db import models


class RouteRecord(models.Model):
    """Dispatches and returns of one item in one district to one agency."""

    item_code = models.CharField(max_length=6)
    district = models.ForeignKey(
        "areas.Area", models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    agency = models.ForeignKey("identity.Agency", models.PROTECT, related_name="+")
    dispatched = models.PositiveIntegerField(default=0)
    returned = models.PositiveIntegerField(default=0)
    changed_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["item_code", "district", "agency"], name="route_record_once"),
        )

    def __str__(self) -> str:
        return f"{self.item_code} → {self.agency_id}: {self.returned}/{self.dispatched} returned"
