"""案件: something in the world that people must handle, from report to evaluation."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import F, Q

from citybrain.hub.cases.access import CaseQuerySet
from citybrain.hub.cases.models.item import Item
from citybrain.hub.cases.states import STAGE_OF, Source, Stage, State, Step


def area_key(level: str) -> models.ForeignKey:  # type: ignore[type-arg]
    """Return a column that names an area; the row is checked at intake, not by the database."""
    return models.ForeignKey(
        "areas.Area", models.DO_NOTHING, null=True, db_constraint=False, db_index=False, related_name="+"
    )


class Case(models.Model):
    """One case. `version` counts its history rows; who saw an older one is told who was faster.

    Solved, satisfied and closed are three facts: `solved` is what the check found, `rating` is the
    reporter's word, `closed_at` is when the file was shut. `is_open` follows `state`.
    """

    number = models.CharField(max_length=20)
    query_code = models.CharField(max_length=8, help_text="lets an anonymous reporter follow the case")
    submission_key = models.UUIDField(null=True)
    external_ref = models.CharField(max_length=80, null=True)  # noqa: DJ001 (unique, so NULL)
    version = models.PositiveIntegerField(default=1)

    state = models.SmallIntegerField(choices=State.choices)
    is_open = models.BooleanField(default=True)
    source = models.CharField(max_length=2, choices=Source.choices)
    item = models.ForeignKey(Item, models.PROTECT, null=True, db_index=False, related_name="+")
    urgent = models.BooleanField(default=False)
    description = models.TextField()
    address = models.CharField(max_length=200, blank=True)
    lon = models.FloatField(null=True, help_text="WGS-84 degrees")
    lat = models.FloatField(null=True, help_text="WGS-84 degrees")
    cell = models.BigIntegerField(null=True, help_text="H3 cell, resolution 9")
    city = area_key("city")
    district = area_key("district")
    street = area_key("street")
    community = area_key("community")
    grid = area_key("grid")

    reporter = models.ForeignKey(
        "identity.Person", models.PROTECT, null=True, db_index=False, related_name="+"
    )
    agency = models.ForeignKey("identity.Agency", models.PROTECT, null=True, db_index=False, related_name="+")
    handler = models.ForeignKey(
        "identity.Person", models.PROTECT, null=True, db_index=False, related_name="+"
    )
    suggested_agency = models.ForeignKey(
        "identity.Agency", models.PROTECT, null=True, db_index=False, related_name="+"
    )
    duplicate_of = models.ForeignKey(
        "self", models.PROTECT, null=True, db_index=False, related_name="duplicates"
    )

    reported_at = models.DateTimeField()
    filed_at = models.DateTimeField(null=True)
    dispatched_at = models.DateTimeField(null=True)
    accepted_at = models.DateTimeField(null=True)
    handled_at = models.DateTimeField(null=True)
    checked_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    changed_at = models.DateTimeField()

    step = models.SmallIntegerField(choices=Step.choices, null=True, help_text="whose clock runs")
    due_at = models.DateTimeField(
        null=True, help_text="of the running step; null: none, paused or no calendar"
    )
    remind_at = models.DateTimeField(null=True, help_text="when the next reminder or escalation is due")
    escalation = models.SmallIntegerField(default=0, help_text="0 none, 1 reminded, 2 late, 3 long late")
    suspended_until = models.DateTimeField(null=True)
    on_time = models.BooleanField(null=True, help_text="verdict on the handling, set when it ends")

    solved = models.BooleanField(null=True)
    rating = models.SmallIntegerField(null=True)
    rated_at = models.DateTimeField(null=True)
    return_count = models.PositiveSmallIntegerField(default=0)
    rework_count = models.PositiveSmallIntegerField(default=0)
    urge_count = models.PositiveSmallIntegerField(default=0)
    report_count = models.PositiveIntegerField(
        default=1, help_text="reports of the same matter, itself included"
    )
    supervised = models.BooleanField(default=False)
    extra = models.JSONField(default=dict, blank=True)
    # Made by a trigger (bigrams.py) unless a bulk import brings them along.
    words = SearchVectorField(null=True, editable=False)

    objects = CaseQuerySet.as_manager()

    class Meta:
        # What most cases don't have is left out of an index, and nothing has one for LIKE that nobody asks.
        constraints = (
            models.UniqueConstraint(fields=["number"], name="case_number"),
            models.UniqueConstraint(
                fields=["submission_key"], name="case_submission", condition=Q(submission_key__isnull=False)
            ),
            models.UniqueConstraint(
                fields=["external_ref"], name="case_external", condition=Q(external_ref__isnull=False)
            ),
        )
        indexes = (
            models.Index(
                fields=["duplicate_of"], name="case_duplicate", condition=Q(duplicate_of__isnull=False)
            ),
            models.Index(fields=["reported_at"], name="case_reported"),
            models.Index(fields=["street", "reported_at"], name="case_street"),
            models.Index(fields=["district", "reported_at"], name="case_district"),
            models.Index(fields=["community", "reported_at"], name="case_community"),
            models.Index(fields=["grid", "reported_at"], name="case_grid"),
            models.Index(fields=["agency", "reported_at"], name="case_agency"),
            models.Index(
                fields=["reporter", "reported_at"],
                name="case_reporter",
                condition=Q(reporter__isnull=False),
            ),
            models.Index(fields=["cell", "reported_at"], name="case_cell"),
            models.Index(fields=["state", "due_at"], name="case_open_state", condition=Q(is_open=True)),
            models.Index(fields=["street", "state"], name="case_open_street", condition=Q(is_open=True)),
            models.Index(fields=["agency", "state"], name="case_open_agency", condition=Q(is_open=True)),
            models.Index(
                F("urgent").desc(),
                F("due_at").asc(),
                F("id").asc(),
                name="case_open_order",
                condition=Q(is_open=True),
            ),
            models.Index(fields=["changed_at", "id"], name="case_changed"),
            models.Index(fields=["remind_at"], name="case_remind", condition=Q(remind_at__isnull=False)),
            models.Index(fields=["closed_at"], name="case_closed", condition=Q(closed_at__isnull=False)),
            GinIndex(fields=["words"], name="case_words"),
        )

    def __str__(self) -> str:
        return self.number

    @property
    def stage(self) -> Stage:
        return STAGE_OF[State(self.state)]

    def guard_lineage(self) -> tuple[int | None, int | None, int | None, int | None, int | None]:
        return (self.city_id, self.district_id, self.street_id, self.community_id, self.grid_id)

    def guard_agency_ids(self) -> frozenset[int]:
        return frozenset({self.agency_id} - {None})  # type: ignore[arg-type]

    def guard_owner_id(self) -> int | None:
        return self.reporter_id


class CaseContact(models.Model):
    """Who may be called back about it: kept apart, shown only where it is needed and then in the ledger."""

    case = models.OneToOneField(Case, models.CASCADE, primary_key=True, related_name="contact")
    name = models.CharField(max_length=60, blank=True)
    phone = models.CharField(max_length=20, blank=True)
    shared = models.BooleanField(default=False, help_text="the reporter lets the handler call")

    def __str__(self) -> str:
        return f"contact of case {self.case_id}"


class Outbox(models.Model):
    """What changed and is yet to be told to open pages: ids only."""

    topic = models.CharField(max_length=60)
    at = models.DateTimeField(db_default=models.functions.Now())

    def __str__(self) -> str:
        return self.topic
