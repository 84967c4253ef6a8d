"""Roles and bodies follow the areas they were given for, when those are merged or split.

A rename or a new code leaves the area's id as it is, and with it every role. A merge or a split ends the area: a
role for it would reach only what was written before. Each is carried over to what comes after, from the day of the
change, and stands on the list of roles to review until somebody who may give it confirms it or takes it back.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.areas import tree as areas
from citybrain.base.areas.models import AreaChange, DecisionKind
from citybrain.base.identity import agencies as directory
from citybrain.base.identity.access import AREA_FIELDS, require
from citybrain.base.identity.actions.grants import describe_grant
from citybrain.base.identity.actor import SYSTEM, Actor
from citybrain.base.identity.delegation import require_grant, standing_grants
from citybrain.base.identity.errors import refuse
from citybrain.base.identity.history import note
from citybrain.base.identity.models import Agency, Person, RoleGrant
from citybrain.base.identity.roles import role_named
from citybrain.base.ledger import record

Span = tuple[date, date | None]  # first and last day, both inside; None: for good
ONE_DAY = timedelta(days=1)


class _Done:
    """At which version of the areas this process moved the bodies last; roles are looked at each time."""

    version = -1


def tick(now: datetime) -> int:
    """Let roles and bodies follow the areas: a loop of the worker."""
    version = areas.current_version()
    done = follow_areas(SYSTEM, now, move=version != _Done.version)
    _Done.version = version
    return done


def follow_areas(actor: Actor, now: datetime | None = None, *, move: bool = True) -> int:
    """Carry roles and bodies over to the areas that came after theirs; return how many. Safe to repeat.

    A merge of a merge is followed step by step, so that each role says by which decision it came. Without `move`
    bodies are left alone: they need it only after a change of areas.
    """
    require(actor, "system.operate")
    moment = now or timezone.now()
    done = 0
    while stranded := _stranded(timezone.localdate(moment)):
        _read_again()
        changes = _changes(area_id for _person, area_id in stranded)
        for person_id in dict.fromkeys(person for person, _area in stranded):
            done += _carry_person(actor, person_id, changes, moment)
    return done + (_move_agencies(actor, moment) if move else 0)


def _read_again() -> None:
    """Drop a tree that is older than the database: another process may have ended the areas a moment ago."""
    if areas.tree().version != areas.current_version():
        areas.forget()


def _stranded(day: date) -> list[tuple[int, int]]:
    """Return (person, area) of the roles that stand for an area with successors."""
    found = RoleGrant.objects.filter(
        Q(valid_until=None) | Q(valid_until__gte=day),
        revoked_at=None,
        area__valid_until__isnull=False,
        area__changes__successor__isnull=False,
    )
    return list(found.order_by("person_id", "area_id").values_list("person_id", "area_id").distinct())


def _changes(area_ids: Iterable[int]) -> dict[int, list[AreaChange]]:
    """Return what became of each area, one change per successor."""
    found: dict[int, list[AreaChange]] = defaultdict(list)
    rows = AreaChange.objects.filter(area_id__in=list(area_ids), successor__isnull=False)
    for change in rows.order_by("to_code", "id"):
        found[change.area_id].append(change)
    return found


def _carry_person(
    actor: Actor, person_id: int, changes: dict[int, list[AreaChange]], moment: datetime
) -> int:
    """Carry over everything stranded that one person holds, in one transaction; return how many roles."""
    with transaction.atomic():
        person = Person.objects.select_for_update(of=("self",)).get(pk=person_id)
        held = standing_grants(person, timezone.localdate(moment))
        stranded = [grant for grant in held if grant.area_id in changes]
        for old in stranded:
            last = old.valid_until
            _end(actor, old, changes[old.area_id], moment)
            for change in changes[old.area_id]:
                held.extend(_renew(actor, old, last, change, held, moment))
    return len(stranded)


def _named(change: AreaChange) -> dict[str, str | int]:
    """Return a change of areas as history and ledger keep it."""
    return {
        "decision": change.decision_id,
        "kind": change.kind,
        "at": change.at.isoformat(),
        "from": f"{change.from_code} {change.from_name}",
        "to": f"{change.to_code} {change.to_name}",
    }


def _end(actor: Actor, old: RoleGrant, became: Sequence[AreaChange], moment: datetime) -> None:
    """Let a role end on the day before its area did; one that would only have begun later is taken back."""
    described = describe_grant(old)
    at = became[0].at
    names = "、".join(change.to_name for change in became)
    if old.valid_from < at:
        old.valid_until = at - ONE_DAY
    else:
        old.revoked_at = moment
        old.revoke_reason = (_("区域已变更，由%(names)s承接") % {"names": names})[:200]
    old.save(update_fields=["valid_until", "revoked_at", "revoke_reason"])
    note(
        actor,
        "end_grant",
        old.person,
        moment,
        {**described, "changes": [_named(change) for change in became]},
    )


def _renew(
    actor: Actor,
    old: RoleGrant,
    last: date | None,
    change: AreaChange,
    held: Sequence[RoleGrant],
    moment: datetime,
) -> list[RoleGrant]:
    """Give the same role for the successor up to `last`, on the days on which the person lacks it."""
    area_id = change.successor_id
    if area_id is None:
        return []
    asked = (old.role, area_id, old.agency_id)
    same = [
        (one.valid_from, one.valid_until)
        for one in held
        if (one.role, one.area_id, one.agency_id) == asked and one.revoked_at is None
    ]
    made = []
    for first, end in gaps(max(old.valid_from, change.at), last, same):
        grant = RoleGrant(
            person=old.person,
            role=old.role,
            area_id=area_id,
            agency=old.agency,
            valid_from=first,
            valid_until=end,
            granted_by_id=actor.person_id,
            granted_at=moment,
            continues=old,
            decision_id=change.decision_id,
        )
        grant.save(force_insert=True)
        details = {**describe_grant(grant), "continues": old.pk, "change": _named(change)}
        note(actor, "carry_grant", old.person, moment, details)
        made.append(grant)
    return made


def gaps(first: date, last: date | None, held: Iterable[Span]) -> list[Span]:
    """Return the spans of days from first to last that none of those held covers, in their order."""
    found: list[Span] = []
    start = first
    for begins, ends in sorted(held, key=lambda span: span[0]):
        if last is not None and begins > last:
            break
        if begins > start:
            found.append((start, begins - ONE_DAY))
        if ends is None:
            return found
        start = max(start, ends + ONE_DAY)
    if last is None or start <= last:
        found.append((start, last))
    return found


def _move_agencies(actor: Actor, moment: datetime) -> int:
    """Move the bodies of merged areas, and correct what lies above each body; return how many were moved.

    The body of a split area stays where it is: it serves all parts until one of its kind stands there
    (see `agencies`).
    """
    merged = dict(
        AreaChange.objects.filter(kind=DecisionKind.MERGE, successor__isnull=False).values_list(
            "area_id", "successor_id"
        )
    )
    _read_again()
    known = areas.tree()
    moved, hung = [], []
    with transaction.atomic():
        for agency in Agency.objects.select_for_update(of=("self",)).order_by("id"):
            home = agency.area_id
            while home in merged:
                home = merged[home]
            lineage = dict(zip(AREA_FIELDS, known.get(home).lineage, strict=True))
            if home != agency.area_id:
                moved.append((agency, agency.area_id))
            elif all(getattr(agency, name) == above for name, above in lineage.items()):
                continue
            agency.area_id = home
            for name, above in lineage.items():
                setattr(agency, name, above)
            hung.append(agency)
        if hung:
            Agency.objects.bulk_update(hung, ["area", *AREA_FIELDS], batch_size=500)
            _record_moves(actor, moved, [agency.key for agency in hung], moment)
            directory.bump()
    return len(moved)


def _record_moves(
    actor: Actor, moved: Sequence[tuple[Agency, int]], keys: Sequence[str], moment: datetime
) -> None:
    known = areas.tree()
    for agency, before in moved:
        body = {"area": [known.get(before).code, known.get(agency.area_id).code], "key": agency.key}
        record(actor.key, "identity.move_agency", f"agency:{agency.pk}", body, at=moment)
    hung = {"agencies": len(keys), "first": list(keys[:100])}
    record(actor.key, "identity.hang_agencies", "agencies", hung, at=moment)


def confirm_grant(actor: Actor, grant: RoleGrant, now: datetime | None = None) -> None:
    """Let a role that was carried over stand. Raises Forbidden; Refused when there is nothing to confirm."""
    hat = require_grant(actor, grant.person, role_named(grant.role), grant.area_id)
    moment = now or timezone.now()
    with transaction.atomic():
        grant = (
            RoleGrant.objects.select_for_update(of=("self",))
            .select_related("person", "agency")
            .get(pk=grant.pk)
        )
        if grant.decision_id is None or grant.revoked_at is not None:
            raise refuse("grant", _("这项角色无需复核。"))
        if grant.reviewed_at is not None:
            raise refuse("grant", _("这项角色已复核。"))
        grant.reviewed_at = moment
        grant.reviewed_by_id = actor.person_id
        grant.save(update_fields=["reviewed_at", "reviewed_by"])
        note(actor, "confirm_grant", grant.person, moment, describe_grant(grant), hat)
