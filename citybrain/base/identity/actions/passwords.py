"""Passwords: one's own changed, another's replaced by a one-time one."""

import secrets
from datetime import datetime, timedelta

from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.identity.access import Forbidden
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.delegation import MANAGE, check_not_oneself, require_over
from citybrain.base.identity.errors import Problem, Refused, refuse
from citybrain.base.identity.history import note
from citybrain.base.identity.models import Person
from citybrain.base.identity.throttle import forgive

ONE_TIME_DAYS = 14
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # without characters that are mistaken for each other
LETTERS = 12  # 59 bits
ONE_TIME_ROUNDS = 1_000  # enough for a random text; a chosen password gets the site's own hasher


def one_time_password() -> str:
    """Return a random password in three groups of four, easy to read out: k3hm-wq7p-x2ze."""
    letters = [secrets.choice(ALPHABET) for _place in range(LETTERS)]
    return "-".join("".join(letters[start : start + 4]) for start in range(0, LETTERS, 4))


def give_one_time_password(person: Person, now: datetime) -> str:
    """Set a one-time password on an account that the caller has locked and saves; return it.

    It is hashed with few rounds: being random it needs no more, and an import of a thousand takes seconds.
    """
    password = one_time_password()
    hasher = PBKDF2PasswordHasher()
    person.password = hasher.encode(password, hasher.salt(), ONE_TIME_ROUNDS)
    person.must_change_password = True
    person.one_time_until = now + timedelta(days=ONE_TIME_DAYS)
    return password


def reset_password(actor: Actor, person: Person, now: datetime | None = None) -> str:
    """Return a one-time password to hand over; it must be changed at its first use and lives 14 days.

    Ends all sessions of the account, and forgives what failed before. Raises Forbidden.
    """
    moment = now or timezone.now()
    check_not_oneself(actor, person, _("不能重置自己的密码，请用“修改密码”。"))
    hat = require_over(actor, MANAGE, person, timezone.localdate(moment))
    with transaction.atomic():
        person = Person.objects.select_for_update(of=("self",)).get(pk=person.pk)
        if person.kind != "officer":
            raise refuse("person", _("市民账号用手机验证码登录，没有密码。"))
        password = give_one_time_password(person, moment)
        person.save(update_fields=["password", "must_change_password", "one_time_until"])
        person.sessions.all().delete()
        forgive(person)
        note(actor, "reset_password", person, moment, {}, hat)
    return password


def change_password(
    actor: Actor,
    person: Person,
    old: str,
    new: str,
    *,
    keep_session: int | None = None,
    now: datetime | None = None,
) -> None:
    """Change one's own password. Ends every other session of the account.

    Raises Forbidden for another's account, Refused with what is wrong with the old or the new password.
    """
    if actor.person_id != person.pk:
        raise Forbidden(_("只能修改自己的密码。"))
    moment = now or timezone.now()
    if not person.check_password(old):
        raise refuse("old", _("原密码不对。"))
    if old == new:
        raise refuse("new", _("新密码不能与原密码相同。"))
    try:
        validate_password(new, person)
    except ValidationError as wrong:
        raise Refused(*(Problem("new", message) for message in wrong.messages)) from wrong
    with transaction.atomic():
        kept = Person.objects.select_for_update(of=("self",)).get(pk=person.pk)
        person.set_password(new)
        kept.password = person.password
        kept.must_change_password = person.must_change_password = False
        kept.one_time_until = person.one_time_until = None
        kept.save(update_fields=["password", "must_change_password", "one_time_until"])
        kept.sessions.exclude(pk=keep_session or 0).delete()
        note(actor, "change_password", kept, moment, {})
