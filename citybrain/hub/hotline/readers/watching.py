"""The promise of automatic dispatch, watched class by class: broken, it switches itself off and says so.

A dispatch counts as wrong where an officer put its class right or the unit gave it back as not theirs; as right
where the unit took it on, or nobody objected for three days. Younger ones are not judged yet.
"""

import logging
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor
from citybrain.base.ledger.append import record
from citybrain.hub.hotline.errors import BadInput
from citybrain.hub.hotline.models.reader import CLASS_SCHEME, Correction, ModelInUse, TicketReading, Watch
from citybrain.hub.hotline.readers import corrections, news, shifting, using
from citybrain.hub.hotline.reading.promise import upper_bound

logger = logging.getLogger(__name__)
RECENT: Final = 200  # automatic dispatches of a class that are judged, the newest; our choice
LEVEL: Final = (
    0.99  # of the bound: it is looked at again and again, and chance shall not switch a good class off
)
JUDGED_AFTER: Final = timedelta(days=3)
WRONG: Final = (Correction.Kind.CLASS, Correction.Kind.UNIT)


def tick(now: datetime | None = None) -> int:
    """Return how much was found: corrections, classes switched off, notices of a shift. Runs every minute."""
    moment = now or timezone.now()
    return corrections.look(moment) + look(moment) + shifting.look(moment)


def look(now: datetime) -> int:
    """Return how many classes were switched off because their promise is broken."""
    row = using.in_use()
    if row is None:
        return 0
    return sum(
        _look_at(watch, row, now) for watch in Watch.objects.filter(scheme=row.scheme, label__in=row.labels)
    )


def judged(watch: Watch, now: datetime) -> tuple[int, int]:
    """Return how many of the recent automatic dispatches of a class can be judged, and how many were right."""
    wrong = Correction.objects.filter(ticket_id=OuterRef("ticket_id"), kind__in=WRONG, automatic=True)
    rows = (
        TicketReading.objects.filter(automatic=True, label=watch.label, at__gte=watch.since)
        .annotate(is_wrong=Exists(wrong))
        .filter(Q(is_wrong=True) | Q(ticket__accepted_at__isnull=False) | Q(at__lt=now - JUDGED_AFTER))
        .order_by("-at")
        .values_list("is_wrong", flat=True)[:RECENT]
    )
    told = list(rows)
    return len(told), told.count(False)


def _look_at(watch: Watch, row: ModelInUse, now: datetime) -> int:
    sent, right = judged(watch, now)
    watch.sent, watch.right, watch.looked_at = sent, right, now
    watch.high = upper_bound(right, sent, LEVEL) if sent else 1.0
    broken = watch.on and watch.high < row.promise
    with transaction.atomic():
        if broken:
            why = _("近 %(sent)d 件自动派单中 %(right)d 件正确，低于承诺的 %(promise)s") % {
                "sent": sent, "right": right, "promise": f"{row.promise:.0%}",
            }  # fmt: skip
            _set(watch, False, "system", why, now)
            logger.warning(
                "automatic dispatch of %r is switched off: %d of %d right", watch.label, right, sent
            )
        watch.save()
    return int(broken)


def _set(watch: Watch, on: bool, who: str, why: str, now: datetime) -> None:
    """Switch a class, with its ledger row; what switched off by itself waits for a manager's word."""
    watch.on, watch.why, watch.changed_at, watch.changed_by = on, why, now, who
    if on:
        watch.since, watch.sent, watch.right, watch.high = now, 0, 0, 1.0
    body = {"on": on, "why": why, "sent": watch.sent, "right": watch.right}
    record(who, "hotline.auto_dispatch", f"class:{watch.scheme}:{watch.label}", body, at=now)
    news.settle([news.Kind.CLASS_OFF], who, why, now, label=watch.label, scheme=watch.scheme)
    kind = news.Kind.CLASS_ON if on else news.Kind.CLASS_OFF
    news.tell(kind, who, why, now, label=watch.label, scheme=watch.scheme, waits=who == "system" and not on)


def switch(
    actor: Actor,
    label: str,
    on: bool,
    why: str,
    *,
    scheme: str = CLASS_SCHEME,
    now: datetime | None = None,
) -> Watch:
    """Return the watch of a class switched on or off by a person; on, it counts anew.

    Raises Forbidden, BadInput for an unknown class, no reason, or a model that promises nothing.
    """
    require(actor, using.MANAGE)
    moment = now or timezone.now()
    if not why.strip():
        raise BadInput(_("请写明理由。"), "why")
    with transaction.atomic():
        watch = Watch.objects.select_for_update().filter(scheme=scheme, label=label).first()
        if watch is None:
            raise BadInput(_("使用中的模型没有“%(label)s”这个分类。") % {"label": label}, "label")
        row = using.in_use(scheme)
        if on and (row is None or row.threshold is None):
            raise BadInput(_("使用中的模型达不到承诺的准确率，不能开启自动派单。"), "on")
        _set(watch, on, actor.key, why.strip()[:500], moment)
        watch.save()
    return watch


def switched_off() -> list[Watch]:
    """Return the classes that the watch switched off by itself, for the manager to see."""
    return list(Watch.objects.filter(on=False, changed_by="system"))
