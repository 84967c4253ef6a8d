"""工单: what one person told the city once, from the call to the archive."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import F, Q

from citybrain.hub.hotline.access import TicketQuerySet
from citybrain.hub.hotline.states import Channel, Kind, Reached, State, Step, UnitRole, Urgency

PERSON, AGENCY = "identity.Person", "identity.Agency"
SETTLED = Q(state__in=(State.CONCLUDED, State.ARCHIVED))
PLACED = ("agency", "city", "district", "street")
# What the shipped rates ask of a ticket, by the moment that they go by: their index answers without the wide rows.
RATED_RECEIVED = ("is_valid", "replied_at", "answer_due", "on_time", "sign_on_time", "dispatches", *PLACED)
RATED_VISITED = ("is_valid", "contacted", "solved", "rating", *PLACED)


def area_key() -> models.ForeignKey:  # type: ignore[type-arg]
    """Return a column that names an area; the row is checked at intake, not by the database."""
    return models.ForeignKey(
        "areas.Area", models.DO_NOTHING, null=True, db_constraint=False, db_index=False, related_name="+"
    )


def plain_key(to: str) -> models.ForeignKey:  # type: ignore[type-arg]
    """Return a column that names a row kept for good; what is asked by it has an index in Meta."""
    return models.ForeignKey(to, models.PROTECT, null=True, db_index=False, related_name="+")


class Ticket(models.Model):
    """One ticket. `version` counts its history rows; who saw an older one is told who was faster.

    `text` is the whole message as it came. `plain` is the same without markup, numbers and names of persons:
    the only text that lists, search, units and cases get. `is_open` follows `state`.
    """

    number = models.CharField(max_length=20)
    query_code = models.CharField(max_length=8, help_text="lets a caller without an account follow it")
    submission_key = models.UUIDField(null=True)
    external_ref = models.CharField(max_length=120, null=True)  # noqa: DJ001 (unique, so NULL)
    version = models.PositiveIntegerField(default=1)

    state = models.SmallIntegerField(choices=State.choices)
    is_open = models.BooleanField(default=True)
    channel = models.CharField(max_length=10, choices=Channel.choices)
    kind = models.CharField(max_length=1, choices=Kind.choices, blank=True, help_text="empty: not known yet")
    urgency = models.CharField(max_length=10, choices=Urgency.choices, default=Urgency.GENERAL)
    rank = models.SmallIntegerField(default=2, help_text="of the urgency, 0 the most urgent: orders lists")
    sentiment = models.CharField(max_length=20, blank=True)
    class_label = models.CharField(max_length=60, blank=True, help_text="in the scheme the city reads by")
    item_code = models.CharField(max_length=6, blank=True)
    is_complex = models.BooleanField(default=False)

    title = models.CharField(max_length=200, blank=True)
    text = models.TextField()
    plain = models.TextField()
    words = SearchVectorField(null=True, editable=False)
    place_text = models.CharField(max_length=300, blank=True)
    lon = models.FloatField(null=True, help_text="WGS-84 degrees")
    lat = models.FloatField(null=True, help_text="WGS-84 degrees")
    city = area_key()
    district = area_key()
    street = area_key()
    community = area_key()
    grid = area_key()

    reporter = plain_key(PERSON)
    created_by = plain_key(PERSON)
    caller = models.ForeignKey(
        "hotline.Caller", models.SET_NULL, null=True, db_index=False, related_name="tickets"
    )
    topic = models.ForeignKey("hotline.Topic", models.SET_NULL, null=True, db_index=False, related_name="+")
    caller_shared = models.BooleanField(default=False, help_text="the caller lets the unit call them")
    is_secret = models.BooleanField(default=False, help_text="the caller wants to stay unknown to the unit")
    contact_needed = models.BooleanField(default=False, help_text="the hotline let the unit call the caller")

    agency = plain_key(AGENCY)
    co_agencies = ArrayField(models.BigIntegerField(), default=list)
    suggested_agency = plain_key(AGENCY)
    handler = plain_key(PERSON)
    outside = models.CharField(max_length=120, blank=True, help_text="the line or police it was handed to")
    case = plain_key("cases.Case")
    case_seq = models.PositiveIntegerField(default=0, help_text="the case's last event taken over")
    duplicate_of = models.ForeignKey(
        "self", models.PROTECT, null=True, db_index=False, related_name="duplicates"
    )
    dispatches = models.PositiveSmallIntegerField(default=0)
    designated = models.BooleanField(default=False)
    return_count = models.PositiveSmallIntegerField(default=0)
    redo_count = models.PositiveSmallIntegerField(default=0)
    extension_count = models.PositiveSmallIntegerField(default=0)
    urge_count = models.PositiveSmallIntegerField(default=0)
    call_count = models.PositiveSmallIntegerField(default=0)

    received_at = models.DateTimeField()
    filed_at = models.DateTimeField(null=True)
    dispatched_at = models.DateTimeField(null=True)
    accepted_at = models.DateTimeField(null=True)
    replied_at = models.DateTimeField(null=True)
    concluded_at = models.DateTimeField(null=True)
    changed_at = models.DateTimeField()

    reply = models.TextField(blank=True, help_text="the answer that stands")
    replied_by = plain_key(AGENCY)
    sign_on_time = models.BooleanField(null=True, help_text="verdict on signing")
    on_time = models.BooleanField(null=True, help_text="verdict on the answer")
    contacted = models.BooleanField(null=True, help_text="the caller says that the unit spoke to them")
    solved = models.BooleanField(null=True, help_text="the caller's word")
    rating = models.SmallIntegerField(null=True)
    visited_at = models.DateTimeField(null=True, help_text="when the caller was reached and asked")
    is_valid = models.BooleanField(default=True, help_text="counts in the rates")

    step = models.SmallIntegerField(choices=Step.choices, null=True, help_text="whose clock lists show")
    due_at = models.DateTimeField(null=True, help_text="of that step; null: none, paused or no calendar")
    remind_at = models.DateTimeField(null=True)
    escalation = models.SmallIntegerField(default=0, help_text="0 none, 1 reminded, 2 late, 3 long late")
    answer_due = models.DateTimeField(null=True, help_text="when the unit's answer is, or was, due")
    return_until = models.DateTimeField(null=True, help_text="last moment for a return")
    call_after = models.DateTimeField(null=True, help_text="when the next call to the caller may be tried")

    needs_person = models.BooleanField(default=False, help_text="reading wasn't sure enough, or failed")
    person_reason = models.CharField(max_length=300, blank=True)
    read_at = models.DateTimeField(null=True)
    read_tries = models.PositiveSmallIntegerField(default=0)
    flags = ArrayField(models.CharField(max_length=20), default=list)
    extra = models.JSONField(default=dict, blank=True)

    objects = TicketQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["number"], name="ticket_number"),
            models.UniqueConstraint(
                fields=["submission_key"], name="ticket_submission", condition=Q(submission_key__isnull=False)
            ),
            models.UniqueConstraint(
                fields=["channel", "external_ref"],
                name="ticket_external",
                condition=Q(external_ref__isnull=False),
            ),
        )
        indexes = (
            models.Index(fields=["received_at", "id"], name="ticket_received"),
            models.Index(fields=["district", "received_at"], name="ticket_district"),
            models.Index(fields=["street", "received_at"], name="ticket_street"),
            models.Index(fields=["agency", "received_at"], name="ticket_agency"),
            models.Index(
                fields=["reporter", "received_at"],
                name="ticket_reporter",
                condition=Q(reporter__isnull=False),
            ),
            models.Index(
                fields=["created_by", "received_at"],
                name="ticket_created_by",
                condition=Q(created_by__isnull=False),
            ),
            models.Index(fields=["item_code", "received_at"], name="ticket_item"),
            models.Index(
                fields=["class_label", "received_at"], name="ticket_settled_class", condition=SETTLED
            ),
            models.Index(
                fields=["caller", "received_at"],
                name="ticket_caller",
                condition=Q(caller__isnull=False),
            ),
            models.Index(fields=["topic"], name="ticket_topic", condition=Q(topic__isnull=False)),
            models.Index(fields=["case"], name="ticket_case", condition=Q(case__isnull=False)),
            models.Index(
                fields=["case"], name="ticket_open_case", condition=Q(case__isnull=False, is_open=True)
            ),
            models.Index(
                fields=["concluded_at"], name="ticket_to_archive", condition=Q(state=State.CONCLUDED)
            ),
            models.Index(
                fields=["duplicate_of"], name="ticket_duplicate", condition=Q(duplicate_of__isnull=False)
            ),
            models.Index(fields=["state", "due_at"], name="ticket_open_state", condition=Q(is_open=True)),
            models.Index(fields=["agency", "state"], name="ticket_open_agency", condition=Q(is_open=True)),
            models.Index(
                fields=["district", "state"], name="ticket_open_district", condition=Q(is_open=True)
            ),
            models.Index(
                F("rank").asc(),
                F("due_at").asc(),
                F("id").asc(),
                name="ticket_open_order",
                condition=Q(is_open=True),
            ),
            models.Index(fields=["received_at"], name="ticket_open_received", condition=Q(is_open=True)),
            models.Index(
                fields=["received_at"],
                include=["caller"],
                name="ticket_came_again",
                condition=Q(caller__isnull=False),
            ),
            models.Index(fields=["received_at"], include=RATED_RECEIVED, name="ticket_rated_received"),
            models.Index(fields=["id"], name="ticket_unread", condition=Q(read_at__isnull=True)),
            models.Index(fields=["remind_at"], name="ticket_remind", condition=Q(remind_at__isnull=False)),
            models.Index(
                fields=["concluded_at"], name="ticket_concluded", condition=Q(concluded_at__isnull=False)
            ),
            models.Index(
                fields=["visited_at"],
                include=RATED_VISITED,
                name="ticket_visited",
                condition=Q(visited_at__isnull=False),
            ),
            models.Index(fields=["replied_at"], name="ticket_replied", condition=Q(replied_at__isnull=False)),
            models.Index(fields=["changed_at", "id"], name="ticket_changed"),
            models.Index(fields=["received_at"], name="ticket_flagged", condition=~Q(flags=[])),
            models.Index(
                fields=["urgency", "received_at"], name="ticket_urgent", condition=~Q(urgency=Urgency.GENERAL)
            ),
            GinIndex(fields=["co_agencies"], name="ticket_co"),
            GinIndex(fields=["words"], name="ticket_words"),
        )

    def __str__(self) -> str:
        return self.number

    def guard_lineage(self) -> tuple[int | None, int | None, int | None, int | None, int | None]:
        return (self.city_id, self.district_id, self.street_id, self.community_id, self.grid_id)

    def guard_agency_ids(self) -> frozenset[int]:
        lead = () if self.agency_id is None else (self.agency_id,)
        return frozenset((*lead, *self.co_agencies))

    def guard_owner_id(self) -> int | None:
        return self.reporter_id


class TicketUnit(models.Model):
    """One unit's part in one ticket; what a unit gave back keeps its row (`ended_at`)."""

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="units", db_index=False)
    agency = models.ForeignKey(AGENCY, models.PROTECT, related_name="+", db_index=False)
    role = models.CharField(max_length=4, choices=UnitRole.choices)
    sent_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    replied_at = models.DateTimeField(null=True)
    reply = models.TextField(blank=True)
    ended_at = models.DateTimeField(null=True)
    end_cause = models.CharField(max_length=20, blank=True)
    due_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                fields=["ticket", "agency"], condition=Q(ended_at__isnull=True), name="ticket_unit_once"
            ),
        )
        indexes = (
            models.Index(fields=["ticket", "id"], name="ticket_unit_ticket"),
            models.Index(fields=["agency", "sent_at"], name="ticket_unit_agency"),
        )

    def __str__(self) -> str:
        return f"{self.ticket_id} {self.role} {self.agency_id}"


class TicketEvent(models.Model):
    """One step of one ticket: who did what, when, why, and what the clocks did (`data["clocks"]`)."""

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="events", db_index=False)
    seq = models.PositiveIntegerField(help_text="the ticket's version after this event")
    action = models.CharField(max_length=30)
    from_state = models.SmallIntegerField(choices=State.choices, null=True)
    to_state = models.SmallIntegerField(choices=State.choices)
    at = models.DateTimeField()
    actor = plain_key(PERSON)
    actor_name = models.CharField(max_length=60)
    actor_role = models.CharField(max_length=30, blank=True)
    actor_agency = plain_key(AGENCY)
    on_behalf_of = plain_key(PERSON)
    reason = models.TextField(blank=True)
    data = models.JSONField(default=dict)

    class Meta:
        ordering = ("ticket", "seq")
        constraints = (models.UniqueConstraint(fields=["ticket", "seq"], name="ticket_event_seq"),)
        indexes = (models.Index(fields=["at", "id"], name="ticket_event_at"),)

    def __str__(self) -> str:
        return f"{self.ticket_id}#{self.seq} {self.action}"


class TicketClock(models.Model):
    """One limit of one step. `pauses` is [[from, until-or-null, why], …] in ISO times."""

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="clocks", db_index=False)
    step = models.SmallIntegerField(choices=Step.choices)
    agency = plain_key(AGENCY)
    started_at = models.DateTimeField()
    limit_minutes = models.PositiveIntegerField()
    working = models.BooleanField()
    due_at = models.DateTimeField(null=True)
    stopped_at = models.DateTimeField(null=True)
    pauses = models.JSONField(default=list)
    extensions = models.JSONField(default=list, help_text="[[when, minutes, why], …]")
    on_time = models.BooleanField(null=True)
    rule = models.CharField(max_length=160, help_text="where the limit comes from")

    class Meta:
        indexes = (
            models.Index(fields=["ticket", "id"], name="ticket_clock_ticket"),
            models.Index(
                fields=["ticket"],
                name="ticket_clock_undue",
                condition=Q(stopped_at__isnull=True, due_at__isnull=True),
            ),
        )
        constraints = (
            models.UniqueConstraint(
                fields=["ticket", "step"],
                condition=Q(stopped_at__isnull=True),
                name="ticket_one_running_clock",
            ),
        )

    def __str__(self) -> str:
        return f"ticket {self.ticket_id} {Step(self.step).name} due {self.due_at}"


class TicketContact(models.Model):
    """Who spoke: kept apart, shown only where it is needed and then in the ledger."""

    ticket = models.OneToOneField(Ticket, models.CASCADE, primary_key=True, related_name="contact")
    name = models.CharField(max_length=60, blank=True)
    phone = models.CharField(max_length=30, blank=True)

    def __str__(self) -> str:
        return f"contact of ticket {self.ticket_id}"


class CallBack(models.Model):
    """One call back to the caller, reached or not; `counts` marks the one that the rates go by."""

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="calls")
    at = models.DateTimeField()
    by = plain_key(PERSON)
    reached = models.CharField(max_length=14, choices=Reached.choices)
    contacted = models.BooleanField(null=True)
    solved = models.BooleanField(null=True)
    rating = models.SmallIntegerField(null=True)
    said = models.TextField(blank=True)
    agency = plain_key(AGENCY)
    counts = models.BooleanField(default=False)

    class Meta:
        ordering = ("id",)
        indexes = (models.Index(fields=["at"], name="ticket_call_at"),)

    def __str__(self) -> str:
        return f"{self.ticket_id} {self.reached}"


class QualityCheck(models.Model):
    """An answer looked at by a person: drawn by the sample, with what the rules said and what they found."""

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="checks")
    reply = models.TextField(help_text="the answer as it was when it was drawn")
    agency = plain_key(AGENCY)
    drawn_at = models.DateTimeField()
    why = models.CharField(max_length=20, help_text="random, low or asked")
    score = models.SmallIntegerField(help_text="of the rules, 0 to 100")
    faults = ArrayField(models.CharField(max_length=30), default=list)
    checked_at = models.DateTimeField(null=True)
    checked_by = plain_key(PERSON)
    verdict = models.CharField(max_length=10, blank=True, help_text="good, poor or empty")
    note = models.TextField(blank=True)

    class Meta:
        ordering = ("id",)
        indexes = (
            models.Index(fields=["drawn_at"], name="ticket_check_open", condition=Q(checked_at__isnull=True)),
            models.Index(fields=["agency", "checked_at"], name="ticket_check_agency"),
        )

    def __str__(self) -> str:
        return f"{self.ticket_id} {self.verdict or '?'}"
