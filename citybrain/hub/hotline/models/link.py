"""联动: other systems that we speak with, and tickets handed over to them or received, each with its trail."""

import uuid

from django.db import models
from django.db.models import Q


class PartnerKind(models.TextChoices):
    """What a partner is: another city's hotline, the police's 110, a web hook's sender, a telephone system."""

    HOTLINE = "hotline"
    POLICE = "police"
    HOOK = "hook"
    PHONE = "phone"


class Partner(models.Model):
    """A system with a shared secret in each direction. Both are kept sealed; theirs to us is shown once."""

    key = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=8, choices=PartnerKind.choices)
    area_code = models.CharField(max_length=12, blank=True, help_text="the city it serves")
    phone = models.CharField(max_length=30, blank=True, help_text="whom to ring when it is urgent or down")
    address = models.CharField(max_length=300, blank=True, help_text="https://… of its API, without the path")
    our_key = models.SlugField(max_length=40, blank=True, help_text="what they call us")
    secret_in = models.BinaryField(default=b"", help_text="signs what they send, sealed")
    secret_before = models.BinaryField(default=b"", help_text="the one before, good until `before_until`")
    before_until = models.DateTimeField(null=True)
    secret_out = models.BinaryField(default=b"", help_text="signs what we send, sealed")
    digest = models.CharField(max_length=8, default="sha256", help_text="sha256 or sm3")
    fields = models.JSONField(
        default=dict, blank=True, help_text="a hook's own names: our field → path in theirs"
    )
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=80)
    heard_at = models.DateTimeField(null=True, help_text="when they last sent something good, to the minute")
    reached_at = models.DateTimeField(null=True, help_text="when something of ours last got there")
    failing_since = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return self.name


class Nonce(models.Model):
    """A signed call that was seen: the same one again is a replay. Swept when its time has passed."""

    partner = models.ForeignKey(Partner, models.CASCADE, db_index=False, related_name="+")
    nonce = models.CharField(max_length=64)
    at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["partner", "nonce"], name="hotline_nonce_once"),)

    def __str__(self) -> str:
        return self.nonce


class HandOverState(models.TextChoices):
    """WAITING on its way; RECEIVED there; then what they do with it. REFUSED and RETURNED give it back to us."""

    WAITING = "waiting"
    RECEIVED = "received"
    IN_HAND = "in_hand"
    REPLIED = "replied"
    CONCLUDED = "concluded"
    RETURNED = "returned"
    REFUSED = "refused"
    RECALLED = "recalled"


class HandOver(models.Model):
    """One ticket handed over, out or in. `key` is the same on both sides and makes a repeat harmless.

    Two hotlines may live on one instance (a district's and its city's): then both sides lie here.
    """

    key = models.UUIDField(default=uuid.uuid4)
    partner = models.ForeignKey(Partner, models.PROTECT, related_name="hand_overs")
    outgoing = models.BooleanField()
    ticket = models.ForeignKey("hotline.Ticket", models.PROTECT, related_name="hand_overs")
    state = models.CharField(max_length=10, choices=HandOverState.choices)
    urgent = models.BooleanField(default=False)
    reason = models.CharField(max_length=500)
    shares_contact = models.BooleanField(default=False)
    phoned_to = models.CharField(max_length=80, blank=True, help_text="who took it by phone, before the data")
    phoned_at = models.DateTimeField(null=True)
    their_number = models.CharField(max_length=40, blank=True)
    told = models.PositiveIntegerField(
        default=0, help_text="incoming: the ticket's version last told to them"
    )
    told_as = models.CharField(max_length=64, blank=True, help_text="digest of what they were told last")
    heard = models.BigIntegerField(default=0, help_text="number of the last thing heard from them")
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=80)
    changed_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["key", "outgoing"], name="hotline_hand_over_key"),
            models.UniqueConstraint(
                fields=["ticket"],
                condition=Q(outgoing=True, ended_at=None),
                name="hotline_hand_over_one",
            ),
        )
        indexes = (
            models.Index(
                fields=["partner", "state"], name="hotline_hand_over_open", condition=Q(ended_at=None)
            ),
        )

    def __str__(self) -> str:
        return str(self.key)


class HandOverEvent(models.Model):
    """One line of the trail: who did what, when, with which words."""

    hand_over = models.ForeignKey(HandOver, models.CASCADE, related_name="trail")
    at = models.DateTimeField()
    what = models.CharField(max_length=20)
    who = models.CharField(max_length=80)
    words = models.TextField(blank=True)
    data = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return self.what


class LinkMessage(models.Model):
    """Something to be told to a partner, until it got there: the same bytes at each try, in order per hand-over."""

    partner = models.ForeignKey(Partner, models.PROTECT, db_index=False, related_name="+")
    hand_over = models.ForeignKey(HandOver, models.CASCADE, related_name="messages")
    path = models.CharField(max_length=200)
    body = models.BinaryField(help_text="JSON, sealed with the site's secret: it may hold a caller's number")
    created_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True, help_text="null: done, or given up")
    sent_at = models.DateTimeField(null=True)
    status = models.PositiveSmallIntegerField(null=True, help_text="HTTP status of the last try")
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes = (
            models.Index(
                fields=["next_try_at"],
                name="hotline_link_due",
                condition=Q(next_try_at__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return self.path
