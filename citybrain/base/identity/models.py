"""Agencies, people, the roles given to them, and what proves who they are.

Shape and invariants only: changes go through `actions`, guarded reading through `objects.visible_to(actor)`.
Bulk writers (COPY) may leave out every column that has a database default.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar, Self

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from citybrain.base.areas.models import Area, AreaDecision
from citybrain.base.identity.access import scope_any, scope_q

if TYPE_CHECKING:
    from citybrain.base.identity.actor import Actor

UNUSABLE = "!"  # no password of this account can ever match
IDLE_MINUTES: int = getattr(settings, "SESSION_IDLE_MINUTES", 120)


class AuthLevel(models.TextChoices):
    """The two identity levels above a mere phone number (the "2" of 2+4+N)."""

    UNPROVEN = "L1", _("未实名")
    REAL_NAME = "L2", _("实名")
    REAL_PERSON = "L3", _("实人")


class PersonKind(models.TextChoices):
    OFFICER = "officer", _("工作人员")
    CITIZEN = "citizen", _("市民")


def _named(zh: str, en: str) -> str:
    return en if en and (get_language() or "").startswith("en") else zh


class AgencyKind(models.Model):
    """A kind of body that leads or handles: 城管, 街镇, 物业 … An item names a kind, an area has the body."""

    key = models.CharField(max_length=40, primary_key=True)
    name_zh = models.CharField(max_length=60, unique=True)
    name_en = models.CharField(max_length=100)
    sector = models.CharField(max_length=40, db_default="", blank=True)
    levels = models.JSONField(default=list, help_text="levels of area at which such bodies stand")
    sort = models.PositiveSmallIntegerField(db_default=0)

    class Meta:
        ordering = ("sort", "key")

    def __str__(self) -> str:
        return _named(self.name_zh, self.name_en)


class AgencyQuerySet(models.QuerySet["Agency"]):
    def visible_to(self, actor: "Actor") -> Self:
        """Return the agencies whose people the actor manages."""
        return self.filter(scope_q(actor, "people.manage", agency_fields=("id",), owner_field=None))

    def in_force(self, at: datetime | None = None) -> Self:
        """Return the bodies that work on the day of `at`."""
        day = timezone.localdate(at)
        return self.filter(Q(valid_until=None) | Q(valid_until__gt=day), is_active=True, valid_from__lte=day)


class Agency(models.Model):
    """A body (单位) bound to an area. The five area columns are the lineage of `area`."""

    key = models.CharField(max_length=80, unique=True)
    name = models.CharField(max_length=120)
    name_en = models.CharField(max_length=200, blank=True, db_default="")
    pinyin = models.CharField(
        max_length=500, blank=True, db_default="", help_text="full pinyin, a space, initials"
    )
    kind = models.ForeignKey(AgencyKind, models.PROTECT, related_name="agencies")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+")
    city_id = models.BigIntegerField(null=True)
    district_id = models.BigIntegerField(null=True)
    street_id = models.BigIntegerField(null=True)
    community_id = models.BigIntegerField(null=True)
    grid_id = models.BigIntegerField(null=True)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    phone = models.CharField(max_length=20, blank=True, db_default="")
    is_active = models.BooleanField(default=True, db_default=True)
    valid_from = models.DateField(db_default=models.Value("2000-01-01"))
    valid_until = models.DateField(null=True, blank=True, help_text="the first day it no longer works")

    objects = AgencyQuerySet.as_manager()

    class Meta:
        ordering = ("id",)
        indexes = (
            models.Index(fields=["kind", "area"], name="identity_agency_kind_area"),
            models.Index(fields=["district_id"], name="identity_agency_district"),
            models.Index(fields=["street_id"], name="identity_agency_street"),
        )

    def __str__(self) -> str:
        return _named(self.name, self.name_en)


class PersonQuerySet(models.QuerySet["Person"]):
    def visible_to(self, actor: "Actor") -> Self:
        """Return the officers whose accounts the actor manages, by the area of their agency."""
        return self.filter(
            scope_any(
                actor,
                ("people.manage", "people.grant", "people.sessions"),
                area_fields=tuple(f"agency__{level}_id" for level in AREA_COLUMNS),
                agency_fields=("agency_id",),
                owner_field=None,
            ),
            kind=PersonKind.OFFICER,
        )


AREA_COLUMNS = ("city", "district", "street", "community", "grid")


class PersonManager(BaseUserManager["Person"]):
    """Reads and creates people; `create_person` is for actions and tests, which hash a password if given."""

    def get_queryset(self) -> PersonQuerySet:
        return PersonQuerySet(self.model, using=self._db)

    def visible_to(self, actor: "Actor") -> PersonQuerySet:
        return self.get_queryset().visible_to(actor)


class Person(AbstractBaseUser):
    """An officer (with a login) or a citizen (with a phone number)."""

    kind = models.CharField(max_length=8, choices=PersonKind.choices, default="officer", db_default="officer")
    login = models.CharField(max_length=40, unique=True, null=True, blank=True)
    phone = models.CharField(max_length=20, blank=True, default="", db_default="")
    name = models.CharField(max_length=60)
    pinyin = models.CharField(max_length=300, blank=True, default="", db_default="")
    agency = models.ForeignKey(Agency, models.PROTECT, null=True, blank=True, related_name="people")
    password = models.CharField(max_length=128, default=UNUSABLE, db_default=UNUSABLE)
    auth_level = models.CharField(max_length=2, choices=AuthLevel.choices, default="L1", db_default="L1")
    is_active = models.BooleanField(default=True, db_default=True)
    must_change_password = models.BooleanField(default=False, db_default=False)
    one_time_until = models.DateTimeField(null=True, blank=True, help_text="end of a one-time password")
    preferences = models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()), blank=True)
    created_at = models.DateTimeField(db_default=Now())
    version = models.PositiveIntegerField(default=1, db_default=1)

    objects: ClassVar[PersonManager] = PersonManager()

    USERNAME_FIELD = "login"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        ordering = ("id",)
        indexes = (
            models.Index(fields=["agency", "pinyin"], name="identity_person_agency"),
            models.Index(fields=["pinyin", "id"], name="identity_person_pinyin", condition=Q(kind="officer")),
            models.Index(fields=["phone"], name="identity_person_phone", condition=~Q(phone="")),
        )
        constraints = (
            models.UniqueConstraint(
                fields=["phone"], condition=Q(kind="citizen"), name="identity_person_citizen_phone_once"
            ),
            models.CheckConstraint(
                condition=Q(kind="officer", login__isnull=False) | (Q(kind="citizen") & ~Q(phone="")),
                name="identity_person_can_be_named",
            ),
        )

    def __str__(self) -> str:
        return self.name

    def guard_lineage(self) -> tuple[int | None, ...]:
        """The areas that the person belongs to: those of the agency."""
        if self.agency is None:
            return (None,) * 5
        return tuple(getattr(self.agency, f"{level}_id") for level in AREA_COLUMNS)

    def guard_agency_ids(self) -> frozenset[int]:
        return frozenset() if self.agency_id is None else frozenset({self.agency_id})

    def guard_owner_id(self) -> int | None:
        return self.pk


class AuthProof(models.Model):
    """How and when an identity level was proven. The highest still valid one is copied to the person."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="proofs")
    level = models.CharField(max_length=2, choices=AuthLevel.choices)
    method = models.CharField(max_length=40, help_text="key of the checker that was used")
    reference = models.CharField(
        max_length=120, blank=True, help_text="the checker's receipt; no personal data"
    )
    verified_by = models.CharField(max_length=80, help_text="actor key")
    verified_at = models.DateTimeField()
    valid_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-verified_at", "-id")

    def __str__(self) -> str:
        return f"{self.person_id} {self.level} by {self.method}"


class RoleGrant(models.Model):
    """A role for an area (and an agency) from one day to another, both inside; `decision`: what carried it over."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="grants")
    role = models.CharField(max_length=40)
    area = models.ForeignKey(Area, models.PROTECT, related_name="+")
    agency = models.ForeignKey(Agency, models.PROTECT, null=True, blank=True, related_name="grants")
    valid_from = models.DateField()
    valid_until = models.DateField(null=True, blank=True, help_text="the last day; empty: until revoked")
    granted_by = models.ForeignKey(Person, models.PROTECT, null=True, blank=True, related_name="+")
    granted_at = models.DateTimeField(db_default=Now())
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.ForeignKey(Person, models.PROTECT, null=True, blank=True, related_name="+")
    revoke_reason = models.CharField(max_length=200, blank=True, db_default="")
    continues = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="+")
    decision = models.ForeignKey(AreaDecision, models.PROTECT, null=True, blank=True, related_name="+")
    reviewed_at = models.DateTimeField(null=True, blank=True, help_text="when a carried role was confirmed")
    reviewed_by = models.ForeignKey(Person, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ("id",)
        indexes = (
            models.Index(fields=["person"], condition=Q(revoked_at=None), name="identity_grant_standing"),
            models.Index(
                fields=["decision"],
                condition=Q(reviewed_at=None) & ~Q(decision=None),
                name="identity_grant_review",
            ),
            models.Index(
                fields=["role", "area"], condition=Q(revoked_at=None), name="identity_grant_role_area"
            ),
        )
        constraints = (
            models.CheckConstraint(
                condition=Q(valid_until=None) | Q(valid_until__gte=F("valid_from")),
                name="identity_grant_ends_after_it_begins",
            ),
        )

    def __str__(self) -> str:
        return f"{self.role} of {self.person_id} in {self.area_id}"


class Cover(models.Model):
    """One officer stands in for another (代办): the deputy acts with the absentee's roles, and says so."""

    absentee = models.ForeignKey(Person, models.CASCADE, related_name="covers")
    deputy = models.ForeignKey(Person, models.CASCADE, related_name="covering")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    reason = models.CharField(max_length=200, blank=True, db_default="")
    created_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-starts_at", "-id")
        indexes = (models.Index(fields=["deputy"], condition=Q(ended_at=None), name="identity_cover_deputy"),)
        constraints = (
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="identity_cover_has_length"),
            models.CheckConstraint(condition=~Q(deputy=F("absentee")), name="identity_cover_by_another"),
        )

    def __str__(self) -> str:
        return f"{self.deputy_id} for {self.absentee_id}"


class PersonEvent(models.Model):
    """What was done to an account: who, when, on whose behalf, and the details."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="events")
    at = models.DateTimeField()
    action = models.CharField(max_length=40)
    actor = models.CharField(max_length=80)
    actor_name = models.CharField(max_length=60, blank=True, db_default="")
    on_behalf_of = models.CharField(max_length=80, blank=True, db_default="")
    details = models.JSONField(default=dict)

    class Meta:
        ordering = ("-at", "-id")
        indexes = (models.Index(fields=["person", "-at"], name="identity_event_person"),)

    def __str__(self) -> str:
        return f"{self.action} {self.person_id}"


class SessionQuerySet(models.QuerySet["Session"]):
    def standing(self, now: datetime) -> Self:
        """Return the sessions that neither expired nor stood idle for too long."""
        return self.filter(expires_at__gt=now, last_seen_at__gt=now - timedelta(minutes=IDLE_MINUTES))


class Session(models.Model):
    """One signed-in (or merely visited) browser. The key itself is never stored, only its hash."""

    key_hash = models.CharField(max_length=64, unique=True)
    person = models.ForeignKey(Person, models.CASCADE, null=True, related_name="sessions")
    data = models.TextField()
    device = models.CharField(
        max_length=64, blank=True, db_default="", help_text="hash of the device's cookie"
    )
    ip = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=300, blank=True, db_default="")
    created_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    objects = SessionQuerySet.as_manager()

    class Meta:
        ordering = ("-last_seen_at",)
        indexes = (
            models.Index(fields=["person", "-last_seen_at"], name="identity_session_person"),
            models.Index(fields=["expires_at"], name="identity_session_expires"),
        )

    def __str__(self) -> str:
        return f"session {self.pk} of {self.person_id}"


class SignInFailure(models.Model):
    """How often sign-in failed in one bucket (see `throttle`), and until when the bucket is shut."""

    bucket = models.CharField(max_length=120, primary_key=True)
    failures = models.PositiveIntegerField()
    last_at = models.DateTimeField()
    shut_until = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=["last_at"], name="identity_failure_last"),)

    def __str__(self) -> str:
        return self.bucket


class PhoneCode(models.Model):
    """A code sent to a phone. Only its keyed hash is kept."""

    phone = models.CharField(max_length=20)
    ticket_hash = models.CharField(max_length=64, unique=True, help_text="of the browser that asked")
    code_hash = models.CharField(max_length=64)
    device = models.CharField(max_length=64, db_default="", help_text="hash of a device known for this phone")
    ip = models.GenericIPAddressField(null=True)
    sent_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(db_default=0)
    used_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (
            models.Index(fields=["phone", "-sent_at"], name="identity_code_phone"),
            models.Index(fields=["ip", "-sent_at"], name="identity_code_ip"),
        )

    def __str__(self) -> str:
        return f"code for {self.phone[-4:]}"


class PeopleImport(models.Model):
    """One import of people, with its receipt: a line per row of the file. Never holds a password."""

    person = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+", help_text="who imported")
    at = models.DateTimeField()
    file_name = models.CharField(max_length=200)
    digest = models.CharField(max_length=64, help_text="SM3 of the file")
    counts = models.JSONField(default=dict, help_text="rows by outcome")
    receipt = models.JSONField(default=list)

    class Meta:
        ordering = ("-at", "-id")

    def __str__(self) -> str:
        return f"{self.file_name} at {self.at:%Y-%m-%d %H:%M}"


class DirectoryVersion(models.Model):
    """One row whose number changes whenever an agency does (microseconds since 1970, never twice)."""

    version = models.BigIntegerField()

    class Meta:
        constraints = (models.CheckConstraint(condition=Q(id=1), name="identity_directory_one_row"),)

    def __str__(self) -> str:
        return str(self.version)
