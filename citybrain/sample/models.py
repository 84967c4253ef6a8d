"""That this is a made-up city, and the truth behind its reports. A real city has no row of either."""

from django.db import models
from django.db.models import Q

from citybrain.hub.cases.models import Case


class SampleCity(models.Model):
    """The one row that says the city was made up, and how: enough to make the same city again."""

    name = models.CharField(max_length=40)
    seed = models.BigIntegerField()
    districts = models.PositiveIntegerField()
    streets = models.PositiveIntegerField()
    communities = models.PositiveIntegerField()
    grids = models.PositiveIntegerField()
    made_at = models.DateTimeField()
    matters = models.PositiveIntegerField(default=0, help_text="matters told so far; the stream counts on")

    class Meta:
        constraints = (models.CheckConstraint(condition=Q(id=1), name="sample_city_one_row"),)

    def __str__(self) -> str:
        return self.name


class ReportTruth(models.Model):
    """What a sample report really was about. `matter` is shared by the reports of one matter."""

    case = models.OneToOneField(Case, models.CASCADE, primary_key=True, related_name="+")
    matter = models.PositiveIntegerField(db_index=True)
    again = models.PositiveSmallIntegerField(help_text="0 for the first report of the matter")
    item_code = models.CharField(max_length=6)
    grid_code = models.CharField(max_length=15)
    agency_key = models.CharField(max_length=80)
    lon = models.FloatField(help_text="of the matter itself, WGS-84 degrees")
    lat = models.FloatField(help_text="of the matter itself, WGS-84 degrees")

    def __str__(self) -> str:
        return f"matter {self.matter} behind case {self.case_id}"
