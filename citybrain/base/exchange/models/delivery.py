"""What delivery keeps: keys, what was used today, receipts with their sets of keys, and files to be fetched.

Receipts outlive grants, data sets and keys, so they name them by number and never point at their rows.
"""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from citybrain.base.catalogue.models import Grant
from citybrain.base.identity.models import Person


class ApiKey(models.Model):
    """A key of a machine under one grant. Only its hash is kept; what it opens is what the grant allows now."""

    grant = models.ForeignKey(Grant, models.CASCADE, related_name="keys")
    label = models.CharField(max_length=80, help_text="which system this is")
    prefix = models.CharField(max_length=16, help_text="how the key begins, to tell keys apart")
    key_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.CharField(max_length=80, help_text="actor key")
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.CharField(max_length=80, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, help_text="known within a minute")

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.label} ({self.prefix}…)"


class Usage(models.Model):
    """What a grant used on a day, and in its last second: both limits are counted here, for all processes."""

    grant_id = models.BigIntegerField()
    day = models.DateField()
    rows = models.BigIntegerField(default=0)
    calls = models.BigIntegerField(default=0)
    second = models.BigIntegerField(default=0, help_text="seconds since 1970")
    calls_in_second = models.IntegerField(default=0)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["grant_id", "day"], name="exchange_usage_once"),)

    def __str__(self) -> str:
        return f"{self.grant_id} {self.day}: {self.rows}"


class CallGroup(models.Model):
    """Calls of one grant that were committed together, before any of them was answered. Folded into receipts."""

    at = models.DateTimeField(db_default=Now())
    grant_id = models.BigIntegerField()
    calls = models.IntegerField()
    rows = models.BigIntegerField()
    body = models.BinaryField(help_text="the calls as calls.pack writes them")

    class Meta:
        indexes = (models.Index(fields=["grant_id", "at"], name="exchange_callgroup_grant"),)

    def __str__(self) -> str:
        return f"{self.grant_id}: {self.calls}"


class SetKind(models.TextChoices):
    """What the numbers of a key set are."""

    SUBJECT = "subject", _("人")  # ordinals of `Subject`
    KEY = "key", _("主键")  # the high 64 bits of the keyed hash of a row's key
    NONE = "none", _("无主键")  # a set without keys


class Receipt(models.Model):
    """Proof of deliveries: one file, or the calls of one grant in some minutes. Never changed, never removed."""

    grant_id = models.BigIntegerField()
    grant_number = models.CharField(max_length=30, blank=True)
    agency_id = models.BigIntegerField(help_text="who received")
    dataset = models.CharField(max_length=60, help_text="code of the data set")
    version = models.BigIntegerField(help_text="of the data")
    since = models.BigIntegerField(null=True, help_text="changes: the version they count from")
    mode = models.CharField(max_length=10)
    fields = models.JSONField(help_text="names, in their order")
    conditions = models.JSONField(default=list, help_text="the rows asked for, beside the grant's own limits")
    key_ids = models.JSONField(default=list, help_text="keys used")
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    calls = models.BigIntegerField(default=1)
    rows = models.BigIntegerField()
    kind = models.CharField(max_length=10, choices=SetKind.choices)
    keys = models.BigIntegerField(help_text="in the set")
    digest = models.CharField(max_length=64, unique=True, help_text="SM3 of head, set and calls")
    folded = models.BigIntegerField(null=True, help_text="the segment it was folded into")

    class Meta:
        ordering = ("-id",)
        indexes = (
            models.Index(fields=["dataset", "-last_at"], name="exchange_receipt_dataset"),
            models.Index(fields=["agency_id", "-last_at"], name="exchange_receipt_agency"),
            models.Index(fields=["grant_id", "-last_at"], name="exchange_receipt_grant"),
            models.Index(fields=["id"], condition=Q(folded=None), name="exchange_receipt_unfolded"),
        )

    def __str__(self) -> str:
        return f"{self.dataset} {self.version} {self.mode} {self.rows}"


class KeySet(models.Model):
    """The keys of a receipt, and for calls what each of them was; apart, so that receipts stay slim."""

    receipt = models.OneToOneField(Receipt, models.PROTECT, primary_key=True, related_name="key_set")
    members = models.BinaryField(help_text="coding.pack_sorted")
    calls = models.BinaryField(default=b"", help_text="receipts.pack_calls, empty for a file")

    def __str__(self) -> str:
        return f"receipt {self.receipt_id}"


class Subject(models.Model):
    """A person as receipts know them: a keyed hash of the identity number, and a small number instead of it."""

    token = models.UUIDField(primary_key=True)
    ordinal = models.BigIntegerField(unique=True, help_text="1, 2, 3 … without gaps")

    def __str__(self) -> str:
        return str(self.ordinal)


class SubjectOf(models.Model):
    """Whose readings an account may see: bound when the person's document was checked, never by a claim alone."""

    person = models.OneToOneField(Person, models.CASCADE, primary_key=True, related_name="+")
    token = models.UUIDField()
    bound_by = models.CharField(max_length=80)
    bound_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"person {self.person_id}"


class Segment(models.Model):
    """A file under HOME/receipts/ that tells, per bucket of people, which receipts of a day hold whom."""

    day = models.DateField(db_index=True)
    path = models.CharField(max_length=200, unique=True)
    receipts = models.IntegerField()
    entries = models.BigIntegerField()
    size = models.BigIntegerField(help_text="bytes")
    digest = models.CharField(max_length=64, help_text="SHA-256 of the file")
    closed = models.BooleanField(default=False, help_text="the one file of a day that is over")
    at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.path


class ReadingLook(models.Model):
    """Somebody looked at who read a person's data: the person themself, or an auditor with a reason."""

    at = models.DateTimeField(db_default=Now(), db_index=True)
    actor = models.CharField(max_length=80)
    ordinal = models.BigIntegerField(help_text="of the person looked at; 0: never read by anybody")
    reason = models.CharField(max_length=500, blank=True)

    def __str__(self) -> str:
        return f"{self.actor} {self.at}"


class DeliveryState(models.TextChoices):
    ASKED = "asked", _("等待生成")
    RUNNING = "running", _("生成中")
    READY = "ready", _("可下载")
    REFUSED = "refused", _("已拒绝")
    FAILED = "failed", _("失败")
    EXPIRED = "expired", _("已过期")


class Delivery(models.Model):
    """A file asked for under a grant: rows of a version, or what changed since one."""

    number = models.CharField(max_length=30, unique=True)
    grant = models.ForeignKey(Grant, models.PROTECT, related_name="deliveries")
    api_key = models.ForeignKey(ApiKey, models.SET_NULL, null=True, related_name="+")
    asked_by = models.CharField(max_length=80)
    asked_at = models.DateTimeField(db_default=Now())
    form = models.CharField(max_length=10)
    asked = models.JSONField(help_text="fields, where, sort, since as compile.Asked keeps them")
    state = models.CharField(max_length=10, choices=DeliveryState.choices, default="asked")
    lease_until = models.DateTimeField(null=True)
    attempt = models.PositiveSmallIntegerField(default=0)
    why = models.CharField(max_length=500, blank=True)
    ready_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True, help_text="until when it can be fetched")
    manifest = models.JSONField(null=True)
    fetched = models.IntegerField(default=0)

    class Meta:
        ordering = ("-id",)
        indexes = (
            models.Index(
                fields=["id"], condition=Q(state__in=("asked", "running")), name="exchange_dlv_waits"
            ),
            models.Index(fields=["grant", "-asked_at"], name="exchange_dlv_grant"),
        )

    def __str__(self) -> str:
        return self.number
