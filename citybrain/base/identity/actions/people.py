"""Accounts of officers: opened, changed, closed, reopened; identity levels proven."""

import re
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.identity.access import refusal, require
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.delegation import MANAGE, check_not_oneself, require_over
from citybrain.base.identity.errors import Problem, Refused, refuse
from citybrain.base.identity.history import describe_changes, note
from citybrain.base.identity.models import Agency, AuthLevel, Person, PersonKind
from citybrain.base.identity.names import normalise_name, pinyin_key
from citybrain.base.identity.phones import normalise_phone
from citybrain.base.identity.proofs import Checker, checker_for

LOGIN = re.compile(r"[a-z][a-z0-9._-]{2,39}")
PREFERENCES = frozenset({"language", "theme", "large_type", "columns", "density"})


def check_account(login: str, name: str, phone: str) -> tuple[str, str, str]:
    """Return login, name and phone as they are kept. Raises Refused with everything that is wrong."""
    problems = []
    login, name = login.strip().lower(), normalise_name(name)
    if not LOGIN.fullmatch(login):
        problems.append(
            Problem(
                "login",
                _("登录名“%(login)s”不合要求：以字母开头，3 至 40 位小写字母、数字、点、横线或下划线。")
                % {"login": login},
            )
        )
    if not name or len(name) > 60:
        problems.append(Problem("name", _("请填写姓名（不超过 60 字）。")))
    kept_phone = normalise_phone(phone) if phone.strip() else ""
    if kept_phone is None:
        problems.append(Problem("phone", _("“%(phone)s”不是手机号码。") % {"phone": phone.strip()}))
    if problems:
        raise Refused(*problems)
    return login, name, kept_phone or ""


def create_person(
    actor: Actor, *, login: str, name: str, agency: Agency, phone: str = "", now: datetime | None = None
) -> Person:
    """Open an officer's account without a password (see `reset_password`).

    Raises Forbidden, and Refused for a login in use, a name or a phone that can't be.
    """
    person = Person(kind=PersonKind.OFFICER, agency=agency)
    hat = require(actor, MANAGE, person)
    moment = now or timezone.now()
    person.login, person.name, person.phone = check_account(login, name, phone)
    person.pinyin = pinyin_key(person.name)
    person.set_unusable_password()
    person.created_at = moment
    with transaction.atomic():
        if Person.objects.filter(login=person.login).exists():
            raise refuse("login", _("登录名“%(login)s”已被使用。") % {"login": person.login})
        person.save(force_insert=True)
        note(actor, "create_person", person, moment, _snapshot(person), hat)
    return person


def update_person(
    actor: Actor,
    person: Person,
    *,
    expected_version: int | None = None,
    now: datetime | None = None,
    **changes: Any,
) -> Person:
    """Change login, name, phone or agency. Moving to another agency needs both to be in the actor's area.

    Raises Forbidden, and Refused when the input can't be or somebody else changed the account meanwhile.
    """
    moment = now or timezone.now()
    hat = require_over(actor, MANAGE, person, timezone.localdate(moment))
    with transaction.atomic():
        person = _locked(person)
        if expected_version not in (None, person.version):
            raise refuse("version", _("该人员信息刚被他人修改，请刷新后再改。"))
        before = _snapshot(person)
        login, name, phone = check_account(
            changes.pop("login", person.login),
            changes.pop("name", person.name),
            changes.pop("phone", person.phone),
        )
        if login != person.login and Person.objects.filter(login=login).exists():
            raise refuse("login", _("登录名“%(login)s”已被使用。") % {"login": login})
        person.login, person.name, person.phone, person.pinyin = login, name, phone, pinyin_key(name)
        agency = changes.pop("agency", person.agency)
        if changes:
            raise TypeError(f"update_person: can't change {', '.join(sorted(changes))}")
        if agency != person.agency:
            person.agency = agency
            require(actor, MANAGE, person)
        changed = describe_changes(before, _snapshot(person))
        if changed:
            person.version += 1
            person.save()
            note(actor, "update_person", person, moment, changed, hat)
    return person


def deactivate_person(actor: Actor, person: Person, reason: str, now: datetime | None = None) -> None:
    """Close an account: it can't sign in, its sessions end, its roles rest until it is opened again."""
    moment = now or timezone.now()
    check_not_oneself(actor, person, _("不能停用自己的账号。"))
    hat = require_over(actor, MANAGE, person, timezone.localdate(moment))
    _need_reason(reason)
    with transaction.atomic():
        person = _locked(person)
        if not person.is_active:
            raise refuse("person", _("该账号已经停用。"))
        person.is_active = False
        person.version += 1
        person.save(update_fields=["is_active", "version"])
        person.sessions.all().delete()
        note(actor, "deactivate_person", person, moment, {"reason": reason.strip()}, hat)


def reactivate_person(actor: Actor, person: Person, reason: str, now: datetime | None = None) -> None:
    """Open a closed account again, with the roles that still hold."""
    moment = now or timezone.now()
    check_not_oneself(actor, person, _("不能启用自己的账号。"))
    hat = require_over(actor, MANAGE, person, timezone.localdate(moment))
    _need_reason(reason)
    with transaction.atomic():
        person = _locked(person)
        if person.is_active:
            raise refuse("person", _("该账号正在使用。"))
        person.is_active = True
        person.version += 1
        person.save(update_fields=["is_active", "version"])
        note(actor, "reactivate_person", person, moment, {"reason": reason.strip()}, hat)


def prove_level(
    actor: Actor,
    person: Person,
    level: AuthLevel,
    shown: dict[str, str],
    now: datetime | None = None,
    *,
    checker: Checker | None = None,
) -> AuthLevel:
    """Let the city's checker prove an identity level from what is shown, and return the level now reached.

    `checker`: another one than the city's for this level. Where it is an officer's eyes, it takes an officer with
    people.manage (for a citizen: anywhere).
    Raises Forbidden, and Refused when what was shown proves nothing.
    """
    moment = now or timezone.now()
    checker = checker or checker_for(level)
    hat = None
    if checker.by_officer or actor.person_id != person.pk:
        check_not_oneself(actor, person, _("身份核验须由工作人员当面办理。"))
        if person.kind == PersonKind.CITIZEN:
            hat = require(actor, MANAGE)
        else:
            hat = require_over(actor, MANAGE, person, timezone.localdate(moment))
    proof = checker.check(person, shown)
    if proof is None:
        raise refuse("shown", _("所提供的材料未能通过核验。"))
    with transaction.atomic():
        person = _locked(person)
        person.proofs.create(
            level=proof.level,
            method=proof.method,
            reference=proof.reference,
            verified_by=actor.key,
            verified_at=moment,
            valid_until=proof.valid_until,
        )
        person.auth_level = max(person.auth_level, proof.level)
        person.save(update_fields=["auth_level"])
        note(actor, "prove_level", person, moment, {"level": str(proof.level), "method": proof.method}, hat)
    return AuthLevel(person.auth_level)


def set_preference(actor: Actor, name: str, value: Any) -> None:
    """Keep one of the person's own settings of the screens. Raises Refused for one that isn't known."""
    if actor.person_id is None:
        raise refusal(actor, "people.self")
    if name not in PREFERENCES:
        raise refuse("preference", _("没有“%(name)s”这项设置。") % {"name": name})
    with transaction.atomic():
        person = Person.objects.select_for_update(of=("self",)).get(pk=actor.person_id)
        person.preferences = {**person.preferences, name: value}
        person.save(update_fields=["preferences"])


def _locked(person: Person) -> Person:
    return Person.objects.select_for_update(of=("self",)).select_related("agency").get(pk=person.pk)


def _need_reason(reason: str) -> None:
    if not reason.strip():
        raise refuse("reason", _("请写明原因。"))


def _snapshot(person: Person) -> dict[str, Any]:
    return {
        "login": person.login,
        "name": person.name,
        "phone": person.phone,
        "agency": person.agency.key if person.agency else None,
    }
