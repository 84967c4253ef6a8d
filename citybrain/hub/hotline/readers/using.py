"""The reader that is in use: the city's own model of classes, or the one out of the box, with items and places.

A model that can't be read is refused by name and the city goes on with the one out of the box; where that can't be
made either, tickets still get place, urgency and words, and go to a person.
"""

import logging
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.areas.tree import AreaTree, tree
from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor
from citybrain.base.ledger.append import record
from citybrain.hub.cases import items
from citybrain.hub.hotline.errors import BadInput
from citybrain.hub.hotline.models.reader import CLASS_SCHEME, ModelInUse, ModelState, ShiftNotice, Watch
from citybrain.hub.hotline.readers import news
from citybrain.hub.hotline.reading import modelfile, shipped
from citybrain.hub.hotline.reading.errors import ReadingRefused
from citybrain.hub.hotline.reading.model import Model
from citybrain.hub.hotline.reading.place_names import Gazetteer, KnownArea
from citybrain.hub.hotline.reading.whole import Models, Reader

logger = logging.getLogger(__name__)
MANAGE = news.MANAGE
RECHECK_SECONDS = 2.0


@dataclass(frozen=True)
class InUse:
    """What reads now. `row` is the city's own model without its content, None out of the box.

    `classes` is None where no model of classes can be had; `trouble` says why the one in use isn't used.
    """

    reader: Reader
    row: ModelInUse | None
    classes: Model | None
    trouble: str = ""

    @property
    def threshold(self) -> float | None:
        """Return the confidence from which a class is dispatched by itself; None: never."""
        return self.row.threshold if self.row is not None else None


class _Kept:
    made: InUse | None = None
    key: tuple[Any, ...] = ()
    checked_at = 0.0


_lock = threading.Lock()


def forget() -> None:
    """Look again at the next call (for tests, and after a change in this process)."""
    _Kept.made, _Kept.key, _Kept.checked_at = None, (), 0.0


def models_of(scheme: str = CLASS_SCHEME) -> list[ModelInUse]:
    """Return the versions of a scheme, newest first, without their content."""
    return list(ModelInUse.objects.filter(scheme=scheme).defer("content", "seen").order_by("-version"))


def in_use(scheme: str = CLASS_SCHEME) -> ModelInUse | None:
    """Return the version that reads, without its content; None: the one out of the box."""
    rows = ModelInUse.objects.filter(scheme=scheme, state=ModelState.IN_USE)
    return rows.defer("content", "seen").first()


def current() -> InUse:
    """Return the reader in use, at most `RECHECK_SECONDS` old. Never fails for want of a model."""
    made = _Kept.made
    if made is not None and time.monotonic() - _Kept.checked_at < RECHECK_SECONDS:
        return made
    with _lock:
        row, index, areas = in_use(), items.index(), tree()
        key = (row.pk if row else None, index.stamp, index.on, areas.version)
        if _Kept.made is None or _Kept.key != key:
            _Kept.made = _make(row, areas)
            _Kept.key = key
        _Kept.checked_at = time.monotonic()
        return _Kept.made


def warm() -> None:
    """Make the reader and let it read once, so that the first who types doesn't wait for it."""
    current().reader.read("路灯不亮，请派人来修。")


def _make(row: ModelInUse | None, areas: AreaTree) -> InUse:
    trouble = ""
    classes: Model | None = None
    if row is not None:
        try:
            classes = load_content(row)
        except ReadingRefused as refused:
            trouble = str(refused)
            logger.error("the hotline's model in use is refused: %s", trouble)
            ModelInUse.objects.filter(pk=row.pk).exclude(trouble=trouble).update(trouble=trouble)
            row = None
    try:
        shipped_items = shipped.items()
        classes = classes or shipped.classes()
    except (ReadingRefused, OSError) as refused:
        trouble = trouble or str(refused)
        shipped_items = None
        logger.error("the hotline's models out of the box can't be made: %s", refused)
    leads = {code: item.lead_kind for code, item in items.index().by_code.items() if item.lead_kind}
    return InUse(Reader(Models(classes, shipped_items, gazetteer(areas), leads)), row, classes, trouble)


def load_content(row: ModelInUse) -> Model:
    """Return the model of a version. Raises ReadingRefused naming the version."""
    content = ModelInUse.objects.values_list("content", flat=True).get(pk=row.pk)
    return modelfile.parse(bytes(content), f"model {row.scheme} version {row.version}")


def gazetteer(areas: AreaTree) -> Gazetteer:
    """Return the names of all areas in force, with those they had before."""
    return Gazetteer(KnownArea(node.id, node.name, node.level, node.lineage) for node in areas.in_force())


def use_version(
    actor: Actor, version: int, *, scheme: str = CLASS_SCHEME, now: datetime | None = None
) -> ModelInUse:
    """Return the version that reads from now on; the one before is kept. Its watches begin anew.

    Raises Forbidden, BadInput for a version that there isn't or that can't be read (named).
    """
    require(actor, MANAGE)
    moment = now or timezone.now()
    row = ModelInUse.objects.filter(scheme=scheme, version=version).defer("content", "seen").first()
    if row is None:
        raise BadInput(_("没有第 %(version)d 版模型。") % {"version": version}, "version")
    try:
        load_content(row)
    except ReadingRefused as refused:
        ModelInUse.objects.filter(pk=row.pk).update(trouble=str(refused))
        raise BadInput(
            _("第 %(version)d 版模型无法使用：%(why)s") % {"version": version, "why": refused}
        ) from refused
    with transaction.atomic():
        take_into_use(row, actor.key, moment)
    forget()
    return row


def take_into_use(row: ModelInUse, who: str, now: datetime) -> None:
    """Let a version read from now on, in the current transaction; watches and notices of the one before end."""
    ModelInUse.objects.filter(scheme=row.scheme, state=ModelState.IN_USE).exclude(pk=row.pk).update(
        state=ModelState.KEPT
    )
    row.state, row.used_since, row.used_by, row.trouble = ModelState.IN_USE, now, who, ""
    row.save(update_fields=["state", "used_since", "used_by", "trouble"])
    Watch.objects.filter(scheme=row.scheme).delete()
    doubtful = set(row.about.get("doubtful", ()))
    Watch.objects.bulk_create(
        Watch(
            scheme=row.scheme,
            label=label,
            on=row.threshold is not None and label not in doubtful,
            since=now,
            changed_at=now,
            changed_by=who,
            why=_("训练时该分类达不到承诺的准确率") if label in doubtful else "",
        )
        for label in row.labels
    )
    ShiftNotice.objects.filter(scheme=row.scheme, seen_at=None).update(
        seen_at=now, seen_by=who, note=_("已更换模型")
    )
    record(who, "hotline.model_used", f"model:{row.scheme}:{row.version}", {"digest": row.digest}, at=now)
    _tell_of(row.scheme, row.version, sorted(doubtful), who, now)
    transaction.on_commit(forget)


def _tell_of(scheme: str, version: int, doubtful: list[str], who: str, now: datetime) -> None:
    """Tell the managers that another model reads; what was said of the one before waits for nobody any more."""
    words = _("第 %(n)d 版") % {"n": version} if version else _("自带模型，不自动派单")
    if doubtful:
        labels = _("、").join(doubtful)
        words = _("%(words)s；达不到承诺、不自动派单的分类：%(labels)s") % {"words": words, "labels": labels}
    news.settle([news.Kind.CLASS_OFF, news.Kind.SHIFT], who, _("已更换模型"), now, scheme=scheme)
    news.tell(news.Kind.MODEL, who, words, now, scheme=scheme)


def out_of_the_box(actor: Actor, *, scheme: str = CLASS_SCHEME, now: datetime | None = None) -> None:
    """Go back to the model out of the box: nothing is dispatched by itself any more. Raises Forbidden."""
    require(actor, MANAGE)
    moment = now or timezone.now()
    with transaction.atomic():
        ModelInUse.objects.filter(scheme=scheme, state=ModelState.IN_USE).update(state=ModelState.KEPT)
        Watch.objects.filter(scheme=scheme).delete()
        ShiftNotice.objects.filter(scheme=scheme, seen_at=None).update(
            seen_at=moment, seen_by=actor.key, note=_("已更换模型")
        )
        record(actor.key, "hotline.model_used", f"model:{scheme}:0", {}, at=moment)
        _tell_of(scheme, 0, [], actor.key, moment)
    forget()
