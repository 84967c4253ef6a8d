"""What the data are worth: a score from what intakes found, and whether they come as often as promised.

Source of the dimensions: GB/T 36344-2018 (completeness, conformity, accuracy, consistency, timeliness; uniqueness
is ours beside them). Weights: our choice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from django.db import transaction
from django.utils import timezone

from citybrain.base.catalogue.models import DataSet, Measure, UpdateCycle

KINDS: Final = ("type", "length", "code", "check", "range", "pattern", "required", "key", "rule", "conflict")
DIMENSIONS: Final[Mapping[str, tuple[int, tuple[str, ...]]]] = {
    # dimension: (weight, kinds of problem that count against it)
    "completeness": (20, ("required",)),
    "conformity": (20, ("type", "length", "code", "pattern")),
    "accuracy": (20, ("check", "range")),
    "consistency": (15, ("rule", "conflict")),
    "uniqueness": (10, ("key",)),
    "timeliness": (15, ()),
}
# How long data may stay away under each cycle, a little more than the cycle itself; None: nothing is promised.
PROMISED: Final[Mapping[int, timedelta | None]] = {
    UpdateCycle.REAL_TIME: timedelta(hours=1),
    UpdateCycle.DAILY: timedelta(hours=36),
    UpdateCycle.WEEKLY: timedelta(days=8),
    UpdateCycle.MONTHLY: timedelta(days=35),
    UpdateCycle.QUARTERLY: timedelta(days=100),
    UpdateCycle.HALF_YEARLY: timedelta(days=195),
    UpdateCycle.YEARLY: timedelta(days=380),
    UpdateCycle.IRREGULAR: None,
    UpdateCycle.NEVER: None,
}
CYCLES_LOOKED_AT: Final = 12
MEASURES_MOST: Final = 2_000


@dataclass(frozen=True, slots=True)
class Freshness:
    """What is promised and kept. `kept`: share of the time looked at during which data were as fresh as promised.

    `due_at`: when data must have come; None where nothing is promised or none ever came. `late_by` is not
    negative.
    """

    promised: timedelta | None
    last_at: datetime | None
    due_at: datetime | None
    late: bool
    late_by: timedelta
    kept: float | None


def measured(
    dataset_code: str,
    version: int,
    rows: int,
    bad: int,
    at: datetime,
    *,
    total: int | None = None,
    problems: Mapping[str, int] | None = None,
    empty: Mapping[str, int] | None = None,
    supply_id: int | None = None,
    run: str = "",
) -> Measure:
    """Keep what one intake found, and put score, version and number of rows on the data set.

    `rows` were received, `bad` of these put aside; `problems` are rows by KINDS; `total` rows lie in the set
    afterwards. The same `run` again changes nothing. Raises KeyError for a set that isn't known, ValueError for
    figures that can't be.
    """
    found = dict(problems or {})
    unknown = set(found) - set(KINDS)
    if unknown or rows < 0 or not 0 <= bad <= rows:
        raise ValueError(
            f"measure of {dataset_code}: rows {rows}, bad {bad}, unknown kinds {sorted(unknown)}"
        )
    with transaction.atomic():
        dataset = DataSet.objects.select_for_update().filter(code=dataset_code).first()
        if dataset is None:
            raise KeyError(dataset_code)
        before = Measure.objects.filter(dataset=dataset, run=run).first() if run else None
        if before is not None:
            return before
        scores = _scores(rows, found, 1.0)
        measure = Measure.objects.create(
            dataset=dataset,
            at=at,
            version=version,
            rows=rows,
            bad=bad,
            total=dataset.data_rows if total is None else total,
            problems=found,
            empty=dict(empty or {}),
            supply_id=supply_id,
            run=run,
            score=_score(scores),
            scores=scores,
        )
        dataset.data_version = max(dataset.data_version, version)
        dataset.data_rows = measure.total
        dataset.data_at = max(at, dataset.data_at or at)
        dataset.score = measure.score
        dataset.save(update_fields=["data_version", "data_rows", "data_at", "score"])
    return measure


def _scores(rows: int, problems: Mapping[str, int], timeliness: float) -> dict[str, float]:
    found = {"timeliness": round(timeliness, 4)}
    for name, (_weight, kinds) in DIMENSIONS.items():
        if kinds:
            wrong = sum(problems.get(kind, 0) for kind in kinds)
            found[name] = round(1 - min(wrong, rows) / rows, 4) if rows else 1.0
    return found


def _score(scores: Mapping[str, float]) -> Decimal:
    total = sum(weight * scores[name] for name, (weight, _kinds) in DIMENSIONS.items())
    return Decimal(str(total)).quantize(Decimal("0.01"))


def score_now(dataset: DataSet, now: datetime | None = None) -> tuple[Decimal, dict[str, float]] | None:
    """Return score and dimensions with the timeliness of now; None for a set without data. Two queries."""
    last = Measure.objects.filter(dataset=dataset).order_by("-at", "-id").first()
    if last is None:
        return None
    fresh = freshness(dataset, now)
    scores = {**last.scores, "timeliness": 1.0 if fresh.kept is None else round(fresh.kept, 4)}
    return _score(scores), scores


def freshness(dataset: DataSet, now: datetime | None = None) -> Freshness:
    """Return what is promised and kept over the last twelve cycles, or since the first data. One query at most."""
    moment = now or timezone.now()
    promised = PROMISED[dataset.update_cycle]
    last = dataset.data_at
    if promised is None or last is None:
        return Freshness(promised, last, None, promised is not None, timedelta(), None)
    due = last + promised
    since = moment - promised * CYCLES_LOOKED_AT
    times = Measure.objects.filter(dataset=dataset, at__gt=since - promised, at__lte=moment)
    came = sorted(times.order_by("-at").values_list("at", flat=True)[:MEASURES_MOST])
    return Freshness(
        promised,
        last,
        due,
        moment > due,
        max(moment - due, timedelta()),
        _kept(came, promised, since, moment),
    )


def _kept(came: list[datetime], promised: timedelta, since: datetime, now: datetime) -> float:
    """Return the share of the time from `since` (or the first data after it) to now that was covered."""
    if not came:
        return 0.0
    start = max(since, came[0])
    whole = now - start
    if whole <= timedelta():
        return 1.0
    stale = timedelta()
    for one, following in zip(came, [*came[1:], now], strict=True):
        stale += max(timedelta(), min(following, now) - max(one + promised, start))
    return max(0.0, 1 - stale / whole)


def late_sets(now: datetime | None = None) -> list[tuple[DataSet, timedelta]]:
    """Return the published sets with data that are staler than promised, the latest first. One query."""
    moment = now or timezone.now()
    rows = DataSet.objects.filter(state="published", data_at__isnull=False).select_related("provider")
    found = []
    for dataset in rows:
        promised = PROMISED[dataset.update_cycle]
        if promised is not None and moment > dataset.data_at + promised:
            found.append((dataset, moment - dataset.data_at - promised))
    return sorted(found, key=lambda one: one[1], reverse=True)
