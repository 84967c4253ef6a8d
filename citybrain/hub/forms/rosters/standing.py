"""Who stands on a roster now."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from django.utils import timezone

from citybrain.base.catalogue.conditions import Condition
from citybrain.base.identity.actor import Actor
from citybrain.hub.forms.access import FILL, REVIEW, ROSTERS
from citybrain.hub.forms.knowing.homes import homes
from citybrain.hub.forms.knowing.people import REGION_LENGTH, People, codes_within, residents
from citybrain.hub.forms.knowing.reading import Reading, Want
from citybrain.hub.forms.knowing.rights import HasId, Right, node_of, rights_of
from citybrain.hub.forms.rosters.kinds import Member, roster


def members(
    actor: Actor,
    key: str,
    area: HasId | int,
    *,
    permissions: Sequence[str] = (ROSTERS, FILL, REVIEW),
    now: datetime | None = None,
    purpose: str = "",
) -> People:
    """Return who of an area stands on a roster now. Raises Forbidden, KeyError, Refused for an area above a street.

    `not_asked` of the answer names the sets that could have told of more people.
    """
    kind, moment = roster(key), now or timezone.now()
    told = purpose or f"forms.roster.{key}"
    people = residents(actor, area, permissions=permissions, now=moment, purpose=told)
    if not len(people):
        return people
    rights = rights_of(area, [one.dataset for one in kind.members], moment)
    not_asked, wants = dict(people.not_asked), []
    for one in kind.members:
        conditions = standing(one, people.area_id, moment)
        right = usable(rights.get(one.dataset, ()), [each.field for each in conditions])
        if right is None:
            not_asked[one.dataset] = "no_right"
            continue
        wants.append(want_of(right, conditions, people))
    found: set[str] = set()
    for read in Reading(actor, told).read(wants).values():
        found.update(read.rows)
        if read.down:
            not_asked[read.code] = "down"
    return replace(people.with_numbers(found), not_asked=not_asked)


def standing(member: Member, area: HasId | int, now: datetime) -> tuple[Condition, ...]:
    """Return what makes a row's person stand on a roster of an area now."""
    conditions = member.conditions(timezone.localdate(now))
    home = next((one for one in homes() if one.dataset == member.dataset), None) if member.here else None
    if home is None:
        return conditions
    node = node_of(area)
    place, codes = home.place(node.level), codes_within(node)
    if place == home.region:  # no row bears a grid's code there, and a street has hundreds of grids
        codes = [one for one in codes if len(one) <= REGION_LENGTH]
    return (*conditions, Condition(place, "in", tuple(codes)))


def want_of(right: Right, conditions: Sequence[Condition], people: People, *fields: str) -> Want:
    """Return the reading of a member's rows, and of some fields of them."""
    names = tuple(dict.fromkeys((*fields, *(each.field for each in conditions)))) or (right.policy.fields[0],)
    return Want(right, names, right.shape.subject or "", people.numbers, tuple(conditions), here=people.here)


def usable(rights: Sequence[Right], fields: Iterable[str]) -> Right | None:
    """Return a right under which membership can be told: what it depends on is granted, unmasked."""
    names = tuple(fields)
    return next(
        (
            one
            for one in rights
            if one.policy.fields and one.shape.subject and all(one.plain(name) for name in names)
        ),
        None,
    )
