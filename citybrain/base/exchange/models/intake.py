"""What intake keeps: sources, landed files, runs (the queue), rows put aside, suppliers that disagree."""

from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from citybrain.base.catalogue.access import Side, reach
from citybrain.base.catalogue.models import DataSet, Supply
from citybrain.base.identity.models import Agency

if TYPE_CHECKING:
    from citybrain.base.identity.actor import Actor

SOURCES, RUN, MEND = "exchange.sources", "exchange.run", "exchange.mend"
SEEING = (SOURCES, RUN, MEND)


class IntakeQuerySet(models.QuerySet[Any]):
    """Rows of intake; a data officer sees those of the agencies within reach, as supplier or as provider."""

    agency, provider = "source__agency", "dataset__provider"

    def visible_to(self, actor: "Actor") -> Self:
        return self.filter(reach(actor, SEEING, self.agency) | reach(actor, SEEING, self.provider))


class SourceQuerySet(IntakeQuerySet):
    agency = "agency"


class QuarantineQuerySet(IntakeQuerySet):
    agency = "run__source__agency"


class ConflictQuerySet(models.QuerySet[Any]):
    def visible_to(self, actor: "Actor") -> Self:
        """Return the conflicts of the actor's data sets, and those in which their agency is one side."""
        sides = reach(actor, SEEING, "held_by__system__agency") | reach(
            actor, SEEING, "offered_by__system__agency"
        )
        return self.filter(sides | reach(actor, SEEING, "dataset__provider"))


class Kind(models.TextChoices):
    UPLOAD = "upload", _("上传文件")
    FOLDER = "folder", _("监视文件夹")
    SQL = "sql", _("数据库")
    HTTP = "http", _("接口")
    PUSH = "push", _("推送")


class MergeMode(models.TextChoices):
    FULL = "full", _("全量替换")
    UPSERT = "upsert", _("按主键更新")
    APPEND = "append", _("追加")


class OnDrift(models.TextChoices):
    STOP = "stop", _("停下等待确认")
    GO_ON = "go_on", _("按已知列继续")


class Source(models.Model):
    """Where rows of a data set come from. `mapping`: column of the file → field, where names don't tell.

    `secret` is sealed with the site's key. `columns`: those of the last accepted file in their order, as
    [name, kind]. `cursor` is where an incremental source goes on.
    """

    dataset = models.ForeignKey(DataSet, models.PROTECT, related_name="sources")
    supply = models.ForeignKey(Supply, models.PROTECT, null=True, blank=True, related_name="sources")
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+", help_text="who supplies")
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    mode = models.CharField(max_length=10, choices=MergeMode.choices, default="upsert")
    settings = models.JSONField(default=dict)
    secret = models.BinaryField(default=b"", editable=False)
    mapping = models.JSONField(default=dict)
    columns = models.JSONField(default=list)
    on_drift = models.CharField(max_length=10, choices=OnDrift.choices, default="stop")
    bad_percent = models.PositiveSmallIntegerField(default=50, help_text="more bad rows than this stop a run")
    every_minutes = models.PositiveIntegerField(null=True, blank=True, help_text="empty: only when asked")
    next_due = models.DateTimeField(null=True, blank=True)
    cursor = models.JSONField(default=dict)
    is_active = models.BooleanField(default=True)
    created_by = models.CharField(max_length=80)
    created_at = models.DateTimeField(db_default=Now())

    objects = SourceQuerySet.as_manager()

    class Meta:
        ordering = ("name", "id")
        constraints = (
            models.UniqueConstraint(fields=["dataset", "name"], name="exchange_source_named_once"),
        )
        indexes = (
            models.Index(fields=["next_due"], name="exchange_source_due", condition=Q(is_active=True)),
        )

    def __str__(self) -> str:
        return self.name

    def guard(self) -> Side:
        """Return the subject of `require`: the supplier and the data set's provider."""
        return Side(self.agency, self.dataset.provider)


class Landed(models.Model):
    """A file as it came, kept once under its digest (SHA-256)."""

    digest = models.CharField(max_length=64, unique=True)
    size = models.BigIntegerField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.digest[:12]


class RunState(models.TextChoices):
    QUEUED = "queued", _("排队")
    RUNNING = "running", _("进行中")
    WAITING = "waiting", _("待确认")
    DONE = "done", _("完成")
    FAILED = "failed", _("失败")
    REFUSED = "refused", _("已拒收")


class Run(models.Model):
    """One intake, and its place in the queue. `done`: step → what it gave; a step in it isn't done again.

    A run whose lease ran out belongs to whoever claims it next. `ingest` names it to the lake, once and for all.
    """

    source = models.ForeignKey(Source, models.PROTECT, related_name="runs")
    dataset = models.ForeignKey(DataSet, models.PROTECT, related_name="runs")
    landed = models.ForeignKey(Landed, models.PROTECT, null=True, related_name="runs")
    name = models.CharField(max_length=255, blank=True, help_text="what the supplier called the file")
    ingest = models.CharField(max_length=80, unique=True)
    mode = models.CharField(max_length=10, choices=MergeMode.choices)
    state = models.CharField(max_length=10, choices=RunState.choices, default="queued")
    step = models.CharField(max_length=10, blank=True)
    done = models.JSONField(default=dict)
    attempt = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(db_default=Now())
    lease_until = models.DateTimeField(null=True)
    figures = models.JSONField(default=dict)
    drift = models.JSONField(default=dict)
    drift_accepted = models.BooleanField(default=False)
    error = models.JSONField(default=dict)
    version = models.BigIntegerField(null=True)
    asked_by = models.CharField(max_length=80)
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    objects = IntakeQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        indexes = (
            models.Index(
                fields=["next_try_at", "id"],
                name="exchange_run_waiting",
                condition=Q(state__in=("queued", "running")),
            ),
            models.Index(fields=["dataset", "-id"], name="exchange_run_dataset"),
        )

    def __str__(self) -> str:
        return self.ingest


class QuarantineState(models.TextChoices):
    OPEN = "open", _("待修正")
    MENDED = "mended", _("已修正")
    REPLAYING = "replaying", _("重新入库中")
    REPLAYED = "replayed", _("已入库")
    DISMISSED = "dismissed", _("不予处理")


class Quarantined(models.Model):
    """A row put aside: `raw` are its cells by field as they came, `problems` what is wrong (checks.Problem).

    A row that couldn't even be read has its text under the empty field name.
    """

    run = models.ForeignKey(Run, models.PROTECT, related_name="quarantined")
    dataset = models.ForeignKey(DataSet, models.PROTECT, related_name="quarantined")
    row = models.BigIntegerField()
    raw = models.JSONField()
    problems = models.JSONField()
    state = models.CharField(max_length=10, choices=QuarantineState.choices, default="open")
    mended = models.JSONField(null=True)
    mended_by = models.CharField(max_length=80, blank=True)
    mended_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=500, blank=True)
    replay = models.ForeignKey(Run, models.PROTECT, null=True, related_name="replayed")

    objects = QuarantineQuerySet.as_manager()

    class Meta:
        ordering = ("id",)
        indexes = (
            models.Index(
                fields=["dataset", "id"],
                name="exchange_quarantine_open",
                condition=Q(state__in=("open", "mended")),
            ),
        )

    def __str__(self) -> str:
        return f"{self.run_id}:{self.row}"


class ConflictState(models.TextChoices):
    SENT = "sent", _("已退回核实")
    ANSWERED = "answered", _("已答复，待裁定")
    SETTLED = "settled", _("已裁定")
    AGREED = "agreed", _("已一致")


OPEN_CONFLICT = ("sent", "answered")


class Conflict(models.Model):
    """Two suppliers say different things of one key. `fields`: {field: {"held": …, "offered": …}}.

    The supply with the smaller rank counts until it is settled; the other one is asked to look again (`asked`), within
    the time of `clock` (worktime's), until `due_at`.
    """

    dataset = models.ForeignKey(DataSet, models.PROTECT, related_name="conflicts")
    key = models.TextField()
    key_values = models.JSONField()
    fields = models.JSONField()
    held_by = models.ForeignKey(Supply, models.PROTECT, related_name="+")
    offered_by = models.ForeignKey(Supply, models.PROTECT, related_name="+")
    asked = models.ForeignKey(Supply, models.PROTECT, related_name="+")
    state = models.CharField(max_length=10, choices=ConflictState.choices, default="sent")
    clock = models.JSONField(null=True)
    due_at = models.DateTimeField(null=True, help_text="when the supplier asked must have answered")
    run = models.ForeignKey(Run, models.PROTECT, related_name="conflicts")
    settled_by = models.CharField(max_length=80, blank=True)
    settled_at = models.DateTimeField(null=True)
    settled_for = models.ForeignKey(Supply, models.PROTECT, null=True, related_name="+")
    note = models.CharField(max_length=500, blank=True)
    at = models.DateTimeField(db_default=Now())

    objects = ConflictQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        indexes = (
            models.Index(
                fields=["dataset", "due_at"],
                name="exchange_conflict_waits",
                condition=Q(state__in=OPEN_CONFLICT),
            ),
            models.Index(fields=["dataset", "key"], name="exchange_conflict_key"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=["dataset", "key", "held_by", "offered_by"],
                condition=Q(state__in=OPEN_CONFLICT),
                name="exchange_conflict_open_once",
            ),
        )

    def __str__(self) -> str:
        return self.key


class ConflictEvent(models.Model):
    """One step of a conflict: sent back, answered, settled, agreed; who, when, and what was said."""

    conflict = models.ForeignKey(Conflict, models.CASCADE, related_name="events")
    at = models.DateTimeField()
    action = models.CharField(max_length=20)
    actor = models.CharField(max_length=80)
    actor_name = models.CharField(max_length=60, blank=True)
    supply = models.ForeignKey(Supply, models.PROTECT, null=True, related_name="+")
    note = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.action} {self.conflict_id}"
