"""Standing in for one another (代办): arranged by the one who leaves, or by who manages both."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.identity.access import Forbidden
from citybrain.base.identity.actor import Actor, Hat
from citybrain.base.identity.delegation import MANAGE, holds_admin_role, require_over, standing_grants
from citybrain.base.identity.errors import refuse
from citybrain.base.identity.history import note
from citybrain.base.identity.models import Cover, Person

LONGEST = timedelta(days=92)  # our choice: longer than that is a change of post, not leave


def arrange_cover(
    actor: Actor,
    absentee: Person,
    deputy: Person,
    starts_at: datetime,
    ends_at: datetime,
    reason: str = "",
    now: datetime | None = None,
) -> Cover:
    """Let the deputy act with the absentee's roles for a time; whoever leaves may do so for themselves.

    One may stand in for several, and be stood in for by several; what one holds by standing in is not passed
    on. Roles of the three administrators never go over, neither to nor through a deputy.
    Raises Forbidden and Refused.
    """
    moment = now or timezone.now()
    hat = _require_arrange(actor, absentee, deputy, moment)
    _check_time(starts_at, ends_at, moment)
    if absentee.pk == deputy.pk:
        raise refuse("deputy", _("代办人不能是本人。"))
    if not deputy.is_active or deputy.kind != "officer":
        raise refuse("deputy", _("%(name)s的账号已停用，不能代办。") % {"name": deputy.name})
    _check_roles(absentee, deputy, moment)
    with transaction.atomic():
        Person.objects.select_for_update(of=("self",)).get(pk=absentee.pk)
        again = Cover.objects.filter(
            absentee=absentee, deputy=deputy, ended_at=None, starts_at__lt=ends_at, ends_at__gt=starts_at
        )
        if again.exists():
            raise refuse("deputy", _("%(name)s在此期间已为您代办。") % {"name": deputy.name})
        cover = Cover.objects.create(
            absentee=absentee,
            deputy=deputy,
            starts_at=starts_at,
            ends_at=ends_at,
            reason=reason.strip()[:200],
            created_by_id=actor.person_id,
            created_at=moment,
        )
        details = {
            "cover": cover.pk,
            "absentee": absentee.pk,
            "deputy": deputy.pk,
            "starts_at": starts_at.isoformat(),
            "ends_at": ends_at.isoformat(),
            "reason": cover.reason,
        }
        note(actor, "arrange_cover", absentee, moment, details, hat)
    return cover


def _require_arrange(actor: Actor, absentee: Person, deputy: Person, moment: datetime) -> Hat | None:
    """Return the manager's hat, None for the absentee themselves. Raises Forbidden."""
    if actor.person_id == absentee.pk and actor.kind == "officer":
        if absentee.agency_id is None or absentee.agency_id != deputy.agency_id:
            raise Forbidden(_("本人只能请本单位同事代办。"), _("跨单位代办请由人员管理员安排。"))
        return None
    today = timezone.localdate(moment)
    hat = require_over(actor, MANAGE, absentee, today)
    require_over(actor, MANAGE, deputy, today)
    return hat


def _check_time(starts_at: datetime, ends_at: datetime, moment: datetime) -> None:
    if ends_at <= starts_at:
        raise refuse("ends_at", _("结束时间须晚于开始时间。"))
    if ends_at <= moment:
        raise refuse("ends_at", _("结束时间已过。"))
    if ends_at - starts_at > LONGEST:
        raise refuse("ends_at", _("代办最长 %(days)d 天。") % {"days": LONGEST.days})


def _check_roles(absentee: Person, deputy: Person, moment: datetime) -> None:
    today = timezone.localdate(moment)
    if holds_admin_role(standing_grants(absentee, today)):
        raise refuse("absentee", _("系统、安全、审计管理员的职责不能代办。"))
    if holds_admin_role(standing_grants(deputy, today)):
        raise refuse("deputy", _("%(name)s是系统、安全或审计管理员，不能代办业务。") % {"name": deputy.name})


def end_cover(actor: Actor, cover: Cover, now: datetime | None = None) -> None:
    """End a cover at once (back from leave early). Raises Forbidden; Refused when it has ended."""
    moment = now or timezone.now()
    absentee = cover.absentee
    hat = None
    if actor.person_id != absentee.pk or actor.kind != "officer":
        hat = require_over(actor, MANAGE, absentee, timezone.localdate(moment))
    with transaction.atomic():
        cover = Cover.objects.select_for_update(of=("self",)).get(pk=cover.pk)
        if cover.ended_at is not None or cover.ends_at <= moment:
            raise refuse("cover", _("该代办已经结束。"))
        cover.ended_at = moment
        cover.save(update_fields=["ended_at"])
        note(actor, "end_cover", absentee, moment, {"cover": cover.pk, "deputy": cover.deputy_id}, hat)
