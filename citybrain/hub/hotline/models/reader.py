"""Models that read, what they read of each ticket, what officers put right, and which classes may be sent unasked."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

PERSON, TICKET = "identity.Person", "hotline.Ticket"
CLASS_SCHEME = "class"


class ModelState(models.TextChoices):
    IN_USE = "in_use", _("使用中")
    KEPT = "kept", _("留存")
    REFUSED = "refused", _("无法使用")


class ModelInUse(models.Model):
    """One version of a scheme's model. The one in use reads; earlier ones are kept to go back to.

    `content` is the model's file. `promise` is the precision that automatic dispatch promises and `threshold` the
    least confidence from which it holds, null where none does. `about` tells what it learnt from, how it did out of
    fold, how it compared with the one before, and (`profile`) what its messages looked like. `trouble` says why a
    model can't be read.
    """

    scheme = models.CharField(max_length=30, default=CLASS_SCHEME)
    version = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=ModelState.choices, default=ModelState.KEPT)
    content = models.BinaryField()
    digest = models.CharField(max_length=64)
    labels = models.JSONField(default=list)
    promise = models.FloatField()
    threshold = models.FloatField(null=True)
    about = models.JSONField(default=dict)
    seen = models.BinaryField(
        default=bytes, help_text="8 bytes of a hash of each message it learnt from, sorted"
    )
    trouble = models.TextField(blank=True)
    trained_at = models.DateTimeField()
    trained_by = models.CharField(max_length=80)
    used_since = models.DateTimeField(null=True)
    used_by = models.CharField(max_length=80, blank=True)

    class Meta:
        ordering = ("scheme", "-version")
        constraints = (
            models.UniqueConstraint(fields=["scheme", "version"], name="reader_model_version"),
            models.UniqueConstraint(fields=["scheme"], condition=Q(state="in_use"), name="reader_one_in_use"),
        )

    def __str__(self) -> str:
        return f"{self.scheme} {self.version}"


class TicketReading(models.Model):
    """What was read of a ticket, by which model, and what was decided on it.

    `model` null: by the models out of the box, or by none. `reasons` are the keys of `deciding.REASONS` that sent it
    to a person; empty where it was dispatched by itself (`automatic`).
    """

    ticket = models.OneToOneField(TICKET, models.CASCADE, primary_key=True, related_name="reading")
    at = models.DateTimeField()
    model = models.ForeignKey(ModelInUse, models.PROTECT, null=True, related_name="+", db_index=False)
    label = models.CharField(max_length=60, blank=True)
    confidence = models.FloatField(default=0)
    threshold = models.FloatField(null=True)
    item_code = models.CharField(max_length=6, blank=True)
    item_confidence = models.FloatField(default=0)
    unknown = models.FloatField(default=0, help_text="share of its characters that the model never saw")
    whole = models.JSONField(default=dict, help_text="WholeReading.to_json()")
    agencies = models.JSONField(default=list, help_text="[[agency id, why], …], likeliest first")
    bands = ArrayField(
        models.BigIntegerField(), default=list, help_text="likeness.bands(): alike messages share one of them"
    )
    automatic = models.BooleanField(default=False)
    reasons = models.JSONField(default=list)

    class Meta:
        indexes = (
            models.Index(fields=["at"], name="reader_reading_at"),
            GinIndex(fields=["bands"], name="reader_reading_bands"),
            models.Index(fields=["label", "at"], name="reader_automatic", condition=Q(automatic=True)),
        )

    def __str__(self) -> str:
        return f"{self.ticket_id} {self.label}"


class Correction(models.Model):
    """What an officer put right: the class or item that was read, or a dispatch that was given back as not theirs."""

    class Kind(models.TextChoices):
        CLASS = "class", _("分类")
        ITEM = "item", _("事项")
        UNIT = "unit", _("承办单位")

    ticket = models.ForeignKey(TICKET, models.CASCADE, related_name="corrections")
    event = models.ForeignKey("hotline.TicketEvent", models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=5, choices=Kind.choices)
    label = models.CharField(max_length=60, help_text="the class that was read")
    was = models.CharField(max_length=60)
    now = models.CharField(max_length=60)
    automatic = models.BooleanField(help_text="the ticket had been dispatched by itself")
    at = models.DateTimeField()
    by = models.ForeignKey(PERSON, models.PROTECT, null=True, related_name="+", db_index=False)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["event", "kind"], name="reader_correction_once"),)
        indexes = (
            models.Index(fields=["label", "at"], name="reader_correction_label"),
            models.Index(fields=["at"], name="reader_correction_at"),
        )

    def __str__(self) -> str:
        return f"{self.ticket_id} {self.kind} {self.was} → {self.now}"


class Watch(models.Model):
    """Whether a class may be dispatched unasked, and how that did lately.

    Of the last `sent` automatic dispatches that can be judged `right` were; `high` is the exact one-sided upper bound
    of that share. Below the promise the class is switched off; a person switches it on again, and from then
    (`since`) counts anew.
    """

    scheme = models.CharField(max_length=30, default=CLASS_SCHEME)
    label = models.CharField(max_length=60)
    on = models.BooleanField(default=True)
    since = models.DateTimeField()
    sent = models.PositiveIntegerField(default=0)
    right = models.PositiveIntegerField(default=0)
    high = models.FloatField(default=1)
    looked_at = models.DateTimeField(null=True)
    changed_at = models.DateTimeField()
    changed_by = models.CharField(max_length=80)
    why = models.TextField(blank=True)

    class Meta:
        ordering = ("scheme", "label")
        constraints = (models.UniqueConstraint(fields=["scheme", "label"], name="reader_watch_label"),)

    def __str__(self) -> str:
        return f"{self.label} {'on' if self.on else 'off'}"


class ShiftNotice(models.Model):
    """Messages no longer look like those a model learnt from: its confidence doesn't mean what it promised.

    While it stands (`seen_at` null) nothing is dispatched by itself.
    """

    scheme = models.CharField(max_length=30, default=CLASS_SCHEME)
    model = models.ForeignKey(ModelInUse, models.CASCADE, related_name="shifts")
    at = models.DateTimeField()
    first = models.DateTimeField(help_text="of the first message that was looked at")
    messages = models.PositiveIntegerField()
    measures = models.JSONField(default=dict, help_text="shift.Shift.to_json()")
    seen_at = models.DateTimeField(null=True)
    seen_by = models.CharField(max_length=80, blank=True)
    note = models.TextField(blank=True)

    class Meta:
        ordering = ("-at",)
        constraints = (
            models.UniqueConstraint(
                fields=["model"], condition=Q(seen_at__isnull=True), name="reader_one_standing_shift"
            ),
        )

    def __str__(self) -> str:
        return f"shift {self.model_id} {self.at:%F}"


class ReaderEvent(models.Model):
    """What became of automatic dispatch: a class off or on again, a shift noticed or set aside, another model.

    `by` is a key as in the ledger, "system" where it came by itself. While `waits`, the hotline's managers have it
    before them as something to decide on.
    """

    class Kind(models.TextChoices):
        CLASS_OFF = "class_off", _("自动派单停用")
        CLASS_ON = "class_on", _("自动派单恢复")
        SHIFT = "shift", _("来件变了，自动派单暂停")
        SHIFT_SEEN = "shift_seen", _("已核查，自动派单恢复")
        MODEL = "model", _("更换识别模型")

    scheme = models.CharField(max_length=30, default=CLASS_SCHEME)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    label = models.CharField(max_length=60, blank=True, help_text="the class; empty: all of them")
    at = models.DateTimeField()
    by = models.CharField(max_length=80)
    why = models.TextField(blank=True)
    waits = models.BooleanField(default=False)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=80, blank=True)
    note = models.TextField(blank=True)

    class Meta:
        ordering = ("-at", "-id")
        indexes = (
            models.Index(fields=["at"], name="reader_event_at"),
            models.Index(fields=["id"], name="reader_event_waits", condition=Q(waits=True)),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.label} {self.at:%F}"


class ReaderLook(models.Model):
    """Until when what officers did was looked through for corrections."""

    name = models.CharField(max_length=30, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} {self.at}"
