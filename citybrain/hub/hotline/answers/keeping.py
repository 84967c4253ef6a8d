"""Keeping the policy base: departments write, another person publishes, and a loop reminds of reviews."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.identity.access import Forbidden, refusal, require
from citybrain.base.identity.actor import SYSTEM, Actor
from citybrain.base.identity.models import Agency
from citybrain.base.ledger import record
from citybrain.base.words import tokens
from citybrain.hub.hotline.errors import BadInput, NotFound, NotNow
from citybrain.hub.hotline.models.knowledge import (
    KEEP,
    PUBLISH,
    KnowledgeEntry,
    KnowledgeEvent,
    KnowledgePair,
    KnowledgeState,
    KnowledgeVersion,
)

REMIND_DAYS: Final = 14  # before the review; our choice
REMIND_AGAIN_DAYS: Final = 7
COMMON: Final = 20  # entries from which a pair is counted
MOST_BODY: Final = 20_000  # characters
_ITEM = re.compile(r"[0-9]{6}")
_INDEX: Final = """
UPDATE hotline_knowledgeentry SET words = cases_bigrams(%s) WHERE id = %s
"""
_COUNT: Final = """
INSERT INTO hotline_knowledgepair (pair, entries)
SELECT word, ndoc FROM ts_stat('SELECT words FROM hotline_knowledgeentry WHERE words IS NOT NULL')
WHERE ndoc >= %s AND length(word) <= 4
"""


@dataclass(frozen=True, slots=True)
class Given:
    """What a version says. `valid_until` None: until it is withdrawn."""

    title: str
    body: str
    source: str
    source_date: date
    review_on: date
    valid_from: date
    valid_until: date | None = None
    question: str = ""
    source_number: str = ""
    items: tuple[str, ...] = field(default=())


def write_entry(actor: Actor, agency_id: int, given: Given, *, now: datetime | None = None) -> KnowledgeEntry:
    """Return a new entry of a department, as a draft. Raises Forbidden, BadInput."""
    require(actor, KEEP)
    moment = now or timezone.now()
    if not Agency.objects.filter(pk=agency_id).exists():
        raise BadInput(_("没有这个单位。"), "agency")
    _require_keeper(actor, agency_id)
    values = _checked(given)
    with transaction.atomic():
        entry = KnowledgeEntry.objects.create(
            agency_id=agency_id, changed_at=moment, **{key: values[key] for key in _SHOWN}
        )
        _write(entry, actor, values, moment)
        _note(entry, actor, "write", moment)
    return entry


_SHOWN: Final = ("title", "items", "valid_from", "valid_until", "review_on")


def revise_entry(
    actor: Actor, entry_id: int, given: Given, *, seen_version: int, now: datetime | None = None
) -> KnowledgeEntry:
    """Return the entry with a new version as a draft, or the draft changed; what is published stays in use meanwhile.

    Raises Forbidden, NotFound, BadInput, NotNow (somebody was faster, or it is being reviewed).
    """
    moment = now or timezone.now()
    with transaction.atomic():
        entry = _held(actor, entry_id, KEEP)
        values = _checked(given)
        if entry.version != seen_version or entry.state == KnowledgeState.REVIEW:
            raise NotNow(_("该条目已被他人修改或正在审核，请刷新后再操作。"))
        if entry.state == KnowledgeState.DRAFT and entry.published_id is None:
            entry.versions.filter(number=entry.version).delete()
        elif entry.state == KnowledgeState.DRAFT:
            entry.versions.filter(number=entry.version, published_at__isnull=True).delete()
        else:
            entry.version += 1
        entry.state = KnowledgeState.DRAFT
        if entry.published_id is None:
            for key in _SHOWN:
                setattr(entry, key, values[key])
        _write(entry, actor, values, moment)
        _keep(entry, actor, "revise", moment)
    return entry


def submit_entry(actor: Actor, entry_id: int, *, now: datetime | None = None) -> KnowledgeEntry:
    """Return the entry, its draft now waiting for review. Raises Forbidden, NotFound, NotNow."""
    with transaction.atomic():
        entry = _held(actor, entry_id, KEEP)
        _in_state(entry, KnowledgeState.DRAFT)
        entry.state = KnowledgeState.REVIEW
        _keep(entry, actor, "submit", now or timezone.now())
    return entry


def publish_entry(actor: Actor, entry_id: int, *, now: datetime | None = None) -> KnowledgeEntry:
    """Return the entry, its reviewed version now in use; nobody publishes what they wrote themselves.

    Raises Forbidden, NotFound, NotNow.
    """
    moment = now or timezone.now()
    with transaction.atomic():
        entry = _held(actor, entry_id, PUBLISH)
        _in_state(entry, KnowledgeState.REVIEW)
        version = entry.versions.get(number=entry.version)
        if not actor.is_system and version.written_by_id == actor.person_id:
            raise Forbidden(_("本人撰写的条目须由他人审核发布。"))
        version.published_by_id, version.published_at = actor.person_id, moment
        version.save(update_fields=["published_by", "published_at"])
        for key in _SHOWN:
            setattr(entry, key, getattr(version, key))
        entry.published, entry.state, entry.reminded_on = version, KnowledgeState.PUBLISHED, None
        _keep(entry, actor, "publish", moment)
        with connection.cursor() as cursor:
            cursor.execute(_INDEX, [f"{version.title} {version.question} {version.body}", entry.pk])
    return entry


def send_back_entry(
    actor: Actor, entry_id: int, reason: str, *, now: datetime | None = None
) -> KnowledgeEntry:
    """Return the entry, its version a draft again, with what is to be put right. Raises as publish_entry, BadInput."""
    with transaction.atomic():
        entry = _held(actor, entry_id, PUBLISH)
        _in_state(entry, KnowledgeState.REVIEW)
        entry.state = KnowledgeState.DRAFT
        _keep(entry, actor, "send_back", now or timezone.now(), _reason(reason))
    return entry


def withdraw_entry(
    actor: Actor, entry_id: int, reason: str, *, now: datetime | None = None
) -> KnowledgeEntry:
    """Return the entry, out of use from now on. Raises Forbidden, NotFound, BadInput, NotNow."""
    with transaction.atomic():
        entry = _held(actor, entry_id, KEEP)
        if entry.published_id is None:
            raise NotNow(_("该条目未在使用中。"))
        entry.published, entry.state = None, KnowledgeState.WITHDRAWN
        _keep(entry, actor, "withdraw", now or timezone.now(), _reason(reason))
        KnowledgeEntry.objects.filter(pk=entry.pk).update(words=None)
    return entry


def confirm_entry(
    actor: Actor, entry_id: int, review_on: date, *, now: datetime | None = None
) -> KnowledgeEntry:
    """Return the entry, looked at and still right, with its next review. Raises Forbidden, NotFound, BadInput."""
    moment = now or timezone.now()
    if review_on <= timezone.localdate(moment):
        raise BadInput(_("下次复核日期应在今天之后。"), "review_on")
    with transaction.atomic():
        entry = _held(actor, entry_id, KEEP)
        if entry.published_id is None:
            raise NotNow(_("该条目未在使用中。"))
        entry.review_on, entry.reminded_on = review_on, None
        _keep(entry, actor, "confirm", moment)
    return entry


def due_for_review(actor: Actor, on: date | None = None) -> list[KnowledgeEntry]:
    """Return the published entries whose review is near or over, the longest due first; a keeper's own department's."""
    last = (on or timezone.localdate()) + timedelta(days=REMIND_DAYS)
    found = KnowledgeEntry.objects.visible_to(actor).filter(published__isnull=False, review_on__lte=last)
    if not actor.is_system and not actor.may(PUBLISH):
        found = found.filter(agency_id__in=_agencies(actor))
    return list(found.select_related("agency").order_by("review_on", "id")[:500])


def tick(now: datetime) -> int:
    """Remind of reviews (once a week each), count pairs anew; return how many entries were reminded of."""
    today = timezone.localdate(now)
    with transaction.atomic():
        due = KnowledgeEntry.objects.select_for_update(skip_locked=True).filter(
            published__isnull=False, review_on__lte=today + timedelta(days=REMIND_DAYS)
        )
        asked = due.exclude(reminded_on__gt=today - timedelta(days=REMIND_AGAIN_DAYS)).order_by("id")[:500]
        entries = list(asked)
        for entry in entries:
            entry.reminded_on = today
            _keep(entry, SYSTEM, "remind", now, f"{entry.review_on:%Y-%m-%d}")
    _count_pairs()
    return len(entries)


def _count_pairs() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        KnowledgePair.objects.all().delete()
        cursor.execute(_COUNT, [COMMON])


def _held(actor: Actor, entry_id: int, permission: str) -> KnowledgeEntry:
    require(actor, permission)
    entry = KnowledgeEntry.objects.visible_to(actor).select_for_update().filter(pk=entry_id).first()
    if entry is None:
        raise NotFound
    if permission == KEEP:
        _require_keeper(actor, entry.agency_id)
    return entry


def _agencies(actor: Actor) -> set[int]:
    return {hat.agency_id for hat in actor.hats_with(KEEP) if hat.agency_id is not None}


def _require_keeper(actor: Actor, agency_id: int) -> None:
    """Let a department's keeper at its own entries, who publishes at all of them."""
    if not actor.is_system and not actor.may(PUBLISH) and agency_id not in _agencies(actor):
        raise refusal(actor, KEEP)


def _in_state(entry: KnowledgeEntry, state: KnowledgeState) -> None:
    if entry.state != state:
        now = KnowledgeState(entry.state).label
        raise NotNow(_("该条目目前是“%(state)s”，不能进行此操作。") % {"state": now})


def _reason(reason: str) -> str:
    if not reason.strip():
        raise BadInput(_("请填写原因。"), "reason")
    return reason.strip()[:1000]


def _checked(given: Given) -> dict[str, Any]:
    """Return a version's columns. Raises BadInput naming the field."""
    if not given.title.strip() or len(given.title) > 200:
        raise BadInput(_("标题应为 1 至 200 字。"), "title")
    if not tokens(given.body) or len(given.body) > MOST_BODY:
        raise BadInput(_("内容应为 1 至 20000 字。"), "body")
    if not given.source.strip() or len(given.source) > 200:
        raise BadInput(_("请写明来源文件，至多 200 字。"), "source")
    if len(given.source_number) > 100:
        raise BadInput(_("文号至多 100 字。"), "source_number")
    if given.valid_until is not None and given.valid_until < given.valid_from:
        raise BadInput(_("失效日期早于生效日期。"), "valid_until")
    bad = [one for one in given.items if not _ITEM.fullmatch(one)]
    if bad:
        raise BadInput(_("事项编码“%(code)s”不是 6 位数字。") % {"code": bad[0][:20]}, "items")
    return {
        "title": given.title.strip(), "question": given.question.strip(), "body": given.body.strip(),
        "source": given.source.strip(), "source_number": given.source_number.strip(),
        "source_date": given.source_date, "items": sorted(set(given.items)), "valid_from": given.valid_from,
        "valid_until": given.valid_until, "review_on": given.review_on,
    }  # fmt: skip


def _write(entry: KnowledgeEntry, actor: Actor, values: Mapping[str, Any], now: datetime) -> None:
    KnowledgeVersion.objects.create(
        entry=entry, number=entry.version, written_by_id=actor.person_id, written_at=now, **values
    )


def _keep(entry: KnowledgeEntry, actor: Actor, action: str, now: datetime, reason: str = "") -> None:
    entry.changed_at = now
    entry.save(update_fields=[*_SHOWN, "state", "version", "published", "reminded_on", "changed_at"])
    _note(entry, actor, action, now, reason)


def _note(entry: KnowledgeEntry, actor: Actor, action: str, now: datetime, reason: str = "") -> None:
    last = entry.events.order_by("-seq").values_list("seq", flat=True).first() or 0
    KnowledgeEvent.objects.create(
        entry=entry, seq=last + 1, action=action, version=entry.version, at=now, actor_id=actor.person_id,
        actor_name=actor.name[:60] or actor.key, reason=reason,
    )  # fmt: skip
    record(
        actor.key, f"hotline.knowledge_{action}", f"knowledge:{entry.pk}",
        {"version": entry.version, "reason": reason}, at=now,
    )  # fmt: skip
