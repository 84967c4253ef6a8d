"""骚扰来电, with care: an operator proposes with a reason, the manager decides with an end, it ends by itself.

A mark shuts nobody out. Messages of a marked caller are taken as any other; they are not sent on by themselves,
the telephone system may play its announcement first, and what tells of danger goes its way as always.
"""

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor
from citybrain.base.ledger.append import record
from citybrain.hub.hotline.callers.seeing import seen_callers
from citybrain.hub.hotline.channels.texts import words
from citybrain.hub.hotline.errors import BadInput, NotFound, NotNow
from citybrain.hub.hotline.models.caller import CallerMark, MarkState

PROPOSE: Final = "hotline.take"
DECIDE: Final = "hotline.callers"
LONGEST: Final = timedelta(days=90)  # source: our choice; longer needs another decision
REASON_LEAST: Final = 6
OPEN: Final = (MarkState.PROPOSED, MarkState.IN_FORCE)


def propose_mark(actor: Actor, caller_id: int, reason: str, now: datetime | None = None) -> CallerMark:
    """Return a mark for the manager to decide on; until then nothing changes.

    Raises Forbidden, NotFound for a caller that the actor may not know of, BadInput, NotNow.
    """
    require(actor, PROPOSE)
    moment = now or timezone.now()
    why = _reason(reason, "reason")
    with transaction.atomic():
        caller = seen_callers(actor).select_for_update(of=("self",)).filter(pk=caller_id).first()
        if caller is None:
            raise NotFound
        settle(caller_id, moment)
        if caller.marks.filter(state__in=OPEN).exists():
            raise NotNow(_("该来电人已有待审或生效中的标记。"))
        mark = CallerMark.objects.create(
            caller=caller, state=MarkState.PROPOSED, reason=why, proposed_by=actor.key,
            proposed_name=actor.name[:60], proposed_at=moment,
        )  # fmt: skip
        record(actor.key, "hotline.propose_mark", f"caller:{caller_id}", {"reason": why}, at=moment)
    return mark


def decide_mark(
    actor: Actor, mark_id: int, *, agree: bool, reason: str, ends_at: datetime | None = None,
    now: datetime | None = None,
) -> CallerMark:  # fmt: skip
    """Return the mark as decided: in force until `ends_at`, or declined; the decider isn't who proposed it.

    Raises Forbidden, NotFound, NotNow, BadInput.
    """
    require(actor, DECIDE)
    moment = now or timezone.now()
    why = _reason(reason, "reason")
    with transaction.atomic():
        mark = _locked(actor, mark_id)
        if mark.state != MarkState.PROPOSED:
            raise NotNow(_("该标记已有决定。"))
        if mark.proposed_by == actor.key:
            raise NotNow(_("提出标记的人不能自己审核，请由另一位主管决定。"))
        if agree and (ends_at is None or not moment < ends_at <= moment + LONGEST):
            raise BadInput(_("请写明截止时间，最长 %(days)d 天。") % {"days": LONGEST.days}, "ends_at")
        mark.state = MarkState.IN_FORCE if agree else MarkState.DECLINED
        mark.ends_at = ends_at if agree else None
        mark.decided_by, mark.decided_name = actor.key, actor.name[:60]
        mark.decided_at, mark.decision = moment, why
        mark.save()
        told = {"agree": agree, "reason": why, "until": mark.ends_at}
        record(actor.key, "hotline.decide_mark", f"caller:{mark.caller_id}", told, at=moment)
    return mark


def end_mark(actor: Actor, mark_id: int, reason: str, now: datetime | None = None) -> CallerMark:
    """Return the mark, ended before its time. Raises Forbidden, NotFound, NotNow, BadInput."""
    require(actor, DECIDE)
    moment = now or timezone.now()
    why = _reason(reason, "reason")
    with transaction.atomic():
        mark = _locked(actor, mark_id)
        if not in_force(mark, moment):
            raise NotNow(_("该标记未在生效。"))
        mark.state, mark.ends_at, mark.decision = MarkState.ENDED, moment, why
        mark.save(update_fields=["state", "ends_at", "decision"])
        record(actor.key, "hotline.end_mark", f"caller:{mark.caller_id}", {"reason": why}, at=moment)
    return mark


def set_care(actor: Actor, caller_id: int, care: str, now: datetime | None = None) -> None:
    """Keep what an operator should mind with a caller: hard of hearing, speaks dialect.

    Raises Forbidden, NotFound for a caller that the actor may not know of, BadInput.
    """
    require(actor, PROPOSE)
    kept = words(care, "care", 200)
    with transaction.atomic():
        if not seen_callers(actor).filter(pk=caller_id).update(care=kept):
            raise NotFound
        record(actor.key, "hotline.set_care", f"caller:{caller_id}", {"care": kept}, at=now or timezone.now())


def in_force(mark: CallerMark, now: datetime) -> bool:
    return mark.state == MarkState.IN_FORCE and mark.ends_at is not None and mark.ends_at > now


def mark_of(caller_id: int | None, now: datetime) -> CallerMark | None:
    """Return the mark that is in force for a caller."""
    if caller_id is None:
        return None
    return CallerMark.objects.filter(caller_id=caller_id, state=MarkState.IN_FORCE, ends_at__gt=now).first()


def settle(caller_id: int, now: datetime) -> None:
    """Write down that a mark has ended by itself, so that a new one may be proposed."""
    CallerMark.objects.filter(caller_id=caller_id, state=MarkState.IN_FORCE, ends_at__lte=now).update(
        state=MarkState.ENDED
    )


def sweep(now: datetime) -> int:
    """Write down which marks have ended by themselves."""
    return CallerMark.objects.filter(state=MarkState.IN_FORCE, ends_at__lte=now).update(state=MarkState.ENDED)


def _locked(actor: Actor, mark_id: int) -> CallerMark:
    marks = CallerMark.objects.select_for_update(of=("self",))
    mark = marks.filter(pk=mark_id, caller__in=seen_callers(actor)).first()
    if mark is None:
        raise NotFound
    return mark


def _reason(text: str, field: str) -> str:
    kept = words(text, field, 500)
    if len(kept) < REASON_LEAST:
        raise BadInput(_("请写明理由，至少 %(least)d 字。") % {"least": REASON_LEAST}, field)
    return kept
