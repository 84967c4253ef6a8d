"""An account and a citizen's identity number: by the citizen's own step (实名), or by an officer who saw the document.

No number is kept, only the keyed hash that receipts know people by. A number belongs to one account. To who guesses,
every refusal is the same in words and time, whether the number exists, belongs to another name, or is bound already.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from citybrain.base.catalogue import digits
from citybrain.base.exchange.delivery import subjects
from citybrain.base.exchange.models import SubjectOf
from citybrain.base.identity import throttle
from citybrain.base.identity.access import require
from citybrain.base.identity.actions import prove_level
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.errors import Refused, refuse
from citybrain.base.identity.models import AuthLevel, Person, PersonKind
from citybrain.base.identity.proofs import CannotCheck, Checker, DocumentSeen
from citybrain.base.identity.throttle import Buckets, Rule
from citybrain.base.ledger import record

log = logging.getLogger("citybrain.exchange")
MANAGE: Final = "people.manage"
FLOOR_SECONDS: Final = 0.5
NAME_MOST: Final = 60
DOCUMENTS: Final = ("居民身份证", "临时居民身份证", "居民户口簿", "电子身份证（当面核验）")
# Source: our choice. A person mistypes once or twice; a family does it on one phone line; nobody tries ten numbers.
ACCOUNT: Final = Rule("naming-account", 4, timedelta(minutes=10), timedelta(hours=12))
NUMBER: Final = Rule("naming-number", 8, timedelta(minutes=10), timedelta(hours=2))
NETWORK: Final = Rule("naming-network", 40, timedelta(minutes=10), timedelta(hours=2))


@dataclass(frozen=True, slots=True)
class Given:
    """What a citizen says of themself. `network`: where they ask from, as limits count it."""

    name: str
    id_no: str
    agreed: bool
    network: str


def is_bound(person: Person) -> bool:
    """Return whether the account has a proven name and a number bound to it."""
    proven = person.auth_level in {AuthLevel.REAL_NAME, AuthLevel.REAL_PERSON}
    return proven and SubjectOf.objects.filter(person=person).exists()


def prove_oneself(
    actor: Actor,
    person: Person,
    given: Given,
    checker: Checker,
    now: datetime,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Bind the number of a citizen who asks it for themself. Raises Refused; Forbidden for anybody else."""
    if actor.person_id != person.pk or person.kind != PersonKind.CITIZEN or checker.by_officer:
        require(actor, MANAGE, person)
        raise refuse("person", _("请由本人办理，或到政务服务大厅办理。"))
    name, id_no = _formed(given)
    buckets = _buckets(person, id_no, given.network)
    until = throttle.shut_until(buckets, now)
    if until is not None:
        minutes = max(1, -int((now - until).total_seconds() // 60))
        raise refuse(
            "id_no", _("核验的次数过多，请过 %(n)d 分钟再试，或到政务服务大厅办理。") % {"n": minutes}
        )
    throttle.count_attempt(buckets, now)
    began = time.monotonic()
    try:
        _proven(actor, person, {"name": name, "id_no": id_no}, checker, now)
    except Refused:
        record(actor.key, "exchange.naming_refused", f"person:{person.pk}", {})
        sleep(max(0.0, FLOOR_SECONDS - (time.monotonic() - began)))
        raise refuse(
            "id_no", _("姓名与公民身份号码没有核对上。请检查后再试，或带身份证件到政务服务大厅办理。")
        ) from None
    except CannotCheck as failure:
        log.error("real names can't be checked: %s", failure)
        throttle.take_back(buckets)
        raise refuse("", _("现在不能在线核验，请稍后再试，或带身份证件到政务服务大厅办理。")) from failure
    throttle.take_back(buckets)


def _formed(given: Given) -> tuple[str, str]:
    """Return name and number as they are compared. Raises Refused for what can't be either; that tells nothing."""
    if not given.agreed:
        raise refuse("agreed", _("请先勾选同意，才能核对。"))
    name, id_no = given.name.strip(), subjects.normal(given.id_no.replace(" ", ""))
    if not 1 < len(name) <= NAME_MOST or not any(letter.isalpha() for letter in name):
        raise refuse("name", _("请填写身份证上的姓名。"))
    if not digits.valid("gb11643", id_no):
        raise refuse("id_no", _("公民身份号码不对，请对照身份证检查。"))
    return name, id_no


def _buckets(person: Person, id_no: str, network: str) -> Buckets:
    return (
        (f"{ACCOUNT.prefix}:{person.pk}", ACCOUNT),
        (f"{NUMBER.prefix}:{subjects.token_of(id_no)}", NUMBER),
        (f"{NETWORK.prefix}:{network}"[:120], NETWORK),
    )


@transaction.atomic
def _proven(actor: Actor, person: Person, shown: dict[str, str], checker: Checker, now: datetime) -> None:
    """Prove and bind, or nothing. Another account's number stays there: only an officer moves it."""
    prove_level(actor, person, AuthLevel.REAL_NAME, shown, now, checker=checker)
    token = subjects.token_of(shown["id_no"])
    mine = SubjectOf.objects.select_for_update().filter(person=person).first()
    if SubjectOf.objects.filter(token=token).exclude(person=person).exists() or (
        mine and mine.token != token
    ):
        raise refuse("id_no", "bound")
    _bind(actor, person, shown["id_no"])


def _bind(actor: Actor, person: Person, id_no: str) -> None:
    token = subjects.token_of(id_no)
    SubjectOf.objects.update_or_create(person=person, defaults={"token": token, "bound_by": actor.key})
    record(actor.key, "exchange.bind_subject", f"person:{person.pk}", {"token": str(token)})


def citizen_with(actor: Actor, phone: str) -> Person:
    """Return the citizen whose phone this is, for an officer at a counter. Raises Forbidden, Refused."""
    from citybrain.base.identity.phones import normalise_phone

    require(actor, MANAGE)
    number = normalise_phone(phone)
    if number is None:
        raise refuse("phone", _("请输入正确的手机号码。"))
    person = Person.objects.filter(kind=PersonKind.CITIZEN, phone=number, is_active=True).first()
    if person is None:
        raise refuse("phone", _("这个手机号还没有在市民端登录过，请本人先用手机号登录一次。"))
    return person


def bind_at_counter(
    actor: Actor, person: Person, id_no: str, document: str, *, seen: bool, now: datetime
) -> None:
    """Bind a citizen's number after an officer saw document and person; it moves here from any other account.

    Raises Forbidden, Refused.
    """
    require(actor, MANAGE)
    if person.kind != PersonKind.CITIZEN:
        raise refuse("phone", _("只能为市民账号办理。"))
    if not seen:
        raise refuse("seen", _("请确认已当面核对本人与证件。"))
    if document not in DOCUMENTS:
        raise refuse("document", _("请选择查验的证件。"))
    number = subjects.normal(id_no.replace(" ", ""))
    if not digits.valid("gb11643", number):
        raise refuse("id_no", _("公民身份号码不对，请对照证件检查。"))
    with transaction.atomic():
        prove_level(actor, person, AuthLevel.REAL_NAME, {"document": document}, now,
                    checker=DocumentSeen(AuthLevel.REAL_NAME))  # fmt: skip
        others = SubjectOf.objects.filter(token=subjects.token_of(number)).exclude(person=person)
        for other in others:
            record(
                actor.key,
                "exchange.unbind_subject",
                f"person:{other.person_id}",
                {"to": f"person:{person.pk}"},
            )
        others.delete()
        _bind(actor, person, number)
    throttle.take_back(_buckets(person, number, ""))
