"""Import of people: good rows land, bad ones are told; the same file twice changes nothing."""

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.areas.codes import BadCode
from citybrain.base.areas.tree import AmbiguousCode, UnknownCode, tree
from citybrain.base.identity.access import Forbidden, require
from citybrain.base.identity.actions.grants import grant_role
from citybrain.base.identity.actions.passwords import give_one_time_password
from citybrain.base.identity.actions.people import create_person, update_person
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.agencies import serves_area
from citybrain.base.identity.errors import Refused, refuse
from citybrain.base.identity.models import Agency, PeopleImport, Person
from citybrain.base.identity.names import normalise_name
from citybrain.base.identity.roles import grantable_roles
from citybrain.base.identity.roster import RosterRow, parse_day, read_roster
from citybrain.base.ledger import record

Line = dict[str, Any]


@dataclass(slots=True)
class Imported:
    """What came of a file. `passwords` (login → one-time password) are nowhere kept: hand them over now."""

    id: int
    counts: dict[str, int]
    receipt: list[Line]
    passwords: dict[str, str] = field(default_factory=dict)


def import_people(
    actor: Actor,
    content: bytes,
    file_name: str,
    *,
    give_passwords: bool = False,
    progress: Callable[[int, int], None] | None = None,
    now: datetime | None = None,
) -> Imported:
    """Import a roster; each row is one transaction, held to the importer's own rights.

    Outcomes by row: created, updated, granted, unchanged, refused (with field and reason). Raises Forbidden
    for who manages nobody, Refused for a file that can't be read.
    """
    require(actor, "people.manage")
    moment = now or timezone.now()
    rows = read_roster(content, file_name)
    book = _Lookup(moment)
    receipt: list[Line] = []
    passwords: dict[str, str] = {}
    for done, row in enumerate(rows, start=1):
        receipt.append(_import_row(actor, row, book, passwords if give_passwords else None))
        if progress is not None:
            progress(done, len(rows))
    counts = dict(Counter(line["outcome"] for line in receipt))
    return Imported(_keep(actor, moment, file_name, content, counts, receipt), counts, receipt, passwords)


def _keep(
    actor: Actor,
    moment: datetime,
    file_name: str,
    content: bytes,
    counts: dict[str, int],
    receipt: list[Line],
) -> int:
    digest = hashlib.new("sm3", content).hexdigest()
    with transaction.atomic():
        kept = PeopleImport.objects.create(
            person_id=actor.person_id,
            at=moment,
            file_name=file_name[-200:],
            digest=digest,
            counts=counts,
            receipt=receipt,
        )
        body = {"file": file_name[-200:], "digest": digest, "counts": counts}
        record(actor.key, "identity.import_people", f"people_import:{kept.pk}", body, at=moment)
    return kept.pk


class _Lookup:
    """What many rows ask for: agencies by key or name, roles by name, areas by code."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment
        self._roles = {
            name: role for role in grantable_roles() for name in (role.zh, role.en.lower(), role.key)
        }
        self._agencies: dict[str, Agency] = {}

    def agency(self, text: str) -> Agency:
        if not text:
            raise refuse("agency", _("请填写单位。"))
        if text not in self._agencies:
            in_force = Agency.objects.in_force(self.moment)
            found = list(in_force.filter(key=text)) or list(in_force.filter(name=normalise_name(text))[:2])
            if not found:
                raise refuse("agency", _("系统中没有单位“%(agency)s”。") % {"agency": text})
            if len(found) > 1:
                raise refuse("agency", _("有多个单位名为“%(agency)s”，请填写单位标识。") % {"agency": text})
            self._agencies[text] = found[0]
        return self._agencies[text]

    def role(self, text: str) -> str:
        role = self._roles.get(text) or self._roles.get(text.lower())
        if role is None:
            raise refuse("role", _("没有“%(role)s”这个角色。") % {"role": text})
        return role.key

    def area(self, text: str, agency: Agency) -> int:
        if not text:
            return agency.area_id
        try:
            return tree().by_code(text).id
        except AmbiguousCode as split:
            names = "、".join(f"{node.code} {node.name}" for node in split.successors)
            raise refuse(
                "area", _("区域 %(code)s 已拆分，请改填：%(names)s。") % {"code": text, "names": names}
            ) from split
        except (UnknownCode, BadCode) as unknown:
            raise refuse("area", _("没有代码为“%(code)s”的区域。") % {"code": text}) from unknown


def _import_row(actor: Actor, row: RosterRow, book: _Lookup, passwords: dict[str, str] | None) -> Line:
    line: Line = {"row": row.number, "login": row.login.lower(), "name": row.name, "field": "", "reason": ""}
    try:
        with transaction.atomic():
            line["outcome"], given = _land(actor, row, book, passwords is not None)
    except Refused as refused:
        first = refused.problems[0]
        return {**line, "outcome": "refused", "field": first.field, "reason": str(refused)}
    except Forbidden as forbidden:
        reason = f"{forbidden.reason_zh}{forbidden.whom_to_ask}"
        return {**line, "outcome": "refused", "field": "", "reason": reason}
    if given and passwords is not None:
        passwords[line["login"]] = given
    return line


def _land(actor: Actor, row: RosterRow, book: _Lookup, give_password: bool) -> tuple[str, str]:
    """Return what the row did, and the one-time password when it opened an account with one."""
    agency = book.agency(row.agency)
    dates = {
        "valid_from": parse_day(row.valid_from, "valid_from"),
        "valid_until": parse_day(row.valid_until, "valid_until"),
    }
    role = book.role(row.role) if row.role else None
    area_id = book.area(row.area, agency)
    person, outcome, password = _account(actor, row, agency, give_password, book.moment)
    if role is None:
        return outcome, password
    with_agency = agency if serves_area(agency, area_id) else None
    standing = person.grants.filter(role=role, area_id=area_id, agency=with_agency, revoked_at=None)
    if any(_same_span(grant.valid_from, grant.valid_until, dates, book.moment) for grant in standing):
        return outcome, password
    grant_role(actor, person, role, area_id, agency=with_agency, now=book.moment, **dates)
    return ("granted" if outcome == "unchanged" else outcome), password


def _same_span(first: date, last: date | None, dates: dict[str, date | None], moment: datetime) -> bool:
    """Whether a grant is what the row asks for; a row without a first day means "holds today"."""
    asked = dates["valid_from"]
    begins = first == asked if asked is not None else first <= timezone.localdate(moment)
    return begins and last == dates["valid_until"]


def _account(
    actor: Actor, row: RosterRow, agency: Agency, give_password: bool, moment: datetime
) -> tuple[Person, str, str]:
    person = Person.objects.select_related("agency").filter(login=row.login.lower()).first()
    if person is None:
        person = create_person(
            actor, login=row.login, name=row.name, agency=agency, phone=row.phone, now=moment
        )
        password = ""
        if give_password:
            password = give_one_time_password(person, moment)
            person.save(update_fields=["password", "must_change_password", "one_time_until"])
        return person, "created", password
    if person.name != normalise_name(row.name):
        raise refuse("login", _("登录名“%(login)s”已属于另一人。") % {"login": person.login})
    before = person.version
    changes: dict[str, Any] = {"phone": row.phone} if row.phone else {}
    if agency.pk != person.agency_id:
        changes["agency"] = agency
    person = update_person(actor, person, now=moment, **changes)
    return person, ("updated" if person.version != before else "unchanged"), ""
