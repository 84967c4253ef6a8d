"""Citizens sign in by a code sent to their phone; the first time opens their account.

A code belongs to the browser that asked for it (its ticket): a stranger's wrong tries use up the stranger's
code only. How many codes a phone gets is limited for unknown browsers and, apart from that, for each browser
known at that number, so that nobody can use up the owner's share.
"""

import hashlib
import hmac
import math
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from citybrain.base.identity.actor import Actor
from citybrain.base.identity.errors import refuse
from citybrain.base.identity.history import note
from citybrain.base.identity.models import Person, PersonKind, PhoneCode
from citybrain.base.identity.phones import masked, normalise_phone
from citybrain.base.identity.senders import CouldNotSend, Sender

LIVES = timedelta(minutes=5)
TRIES = 5
PAUSE = timedelta(seconds=60)  # between two codes to one phone
PER_PHONE = ((timedelta(hours=1), 5), (timedelta(days=1), 10))
PER_IP = ((timedelta(hours=1), 20), (timedelta(days=1), 60))
KEPT = timedelta(days=2)  # rows are kept for the limits, then swept


@dataclass(frozen=True, slots=True)
class Sent:
    """A code is on its way. `ticket` goes back with it, `phone` shows the number with its middle hidden."""

    ticket: str
    phone: str
    expires_at: datetime


def _keyed(text: str) -> str:
    return hmac.new(settings.SECRET_KEY.encode(), text.encode(), hashlib.sha256).hexdigest()


def send_code(phone: str, *, ip: str | None, device: str, sender: Sender, now: datetime) -> Sent:
    """Send a code of six digits to a phone. `device`: the key of a browser known at this number, or "".

    Raises Refused for what is no mobile number, too many codes, or a gateway that doesn't answer.
    """
    number = normalise_phone(phone)
    if number is None:
        raise refuse("phone", _("请输入正确的手机号码。"))
    _check_limits(number, ip, device, now)
    code, ticket = f"{secrets.randbelow(1_000_000):06d}", secrets.token_urlsafe(24)
    row = PhoneCode.objects.create(
        phone=number,
        ticket_hash=_keyed(ticket),
        code_hash=_keyed(f"{ticket}:{code}"),
        device=device,
        ip=ip,
        sent_at=now,
        expires_at=now + LIVES,
        tries=0,
    )
    try:
        sender.send(number, _("验证码 %(code)s，5 分钟内有效。请勿告诉他人。") % {"code": code})
    except CouldNotSend as failure:
        row.delete()
        raise refuse("phone", _("短信暂时发不出去，请稍后再试，或拨打 12345。")) from failure
    return Sent(ticket, masked(number), row.expires_at)


def _check_limits(number: str, ip: str | None, device: str, now: datetime) -> None:
    mine = PhoneCode.objects.filter(phone=number, device=device)
    last = mine.filter(sent_at__gt=now - PAUSE).order_by("-sent_at").first()
    if last is not None:
        seconds = math.ceil((last.sent_at + PAUSE - now).total_seconds())
        raise refuse("phone", _("验证码刚刚发出，请 %(seconds)d 秒后再试。") % {"seconds": seconds})
    for span, most in PER_PHONE:
        if mine.filter(sent_at__gt=now - span).count() >= most:
            raise refuse("phone", _("这个号码今天获取验证码的次数过多，请稍后再试，或拨打 12345。"))
    if ip is None or device:
        return
    for span, most in PER_IP:
        if PhoneCode.objects.filter(ip=ip, device="", sent_at__gt=now - span).count() >= most:
            raise refuse("phone", _("您所在的网络获取验证码过于频繁，请稍后再试。"))


def confirm_code(ticket: str, code: str, now: datetime) -> Person:
    """Return the citizen whose phone got the code, opening an account the first time.

    Raises Refused for a wrong, old or used code; after five wrong tries the code is dead.
    """
    row = _count_try(ticket, now)
    if row is None:
        raise refuse("code", _("验证码已失效，请重新获取。"))
    if not hmac.compare_digest(row.code_hash, _keyed(f"{ticket}:{code.strip()}")):
        left = TRIES - row.tries
        raise refuse(
            "code",
            _("验证码不对，还可以试 %(left)d 次。") % {"left": left}
            if left
            else _("验证码不对，请重新获取。"),
        )
    with transaction.atomic():
        if not PhoneCode.objects.filter(pk=row.pk, used_at=None).update(used_at=now):
            raise refuse("code", _("验证码已失效，请重新获取。"))
        person, new = Person.objects.get_or_create(
            kind=PersonKind.CITIZEN, phone=row.phone, defaults={"name": _("市民"), "created_at": now}
        )
        if new:
            note(Actor(person.pk, person.name, "citizen"), "create_citizen", person, now, {})
    if not person.is_active:
        raise refuse("phone", _("该账号已停用，请拨打 12345。"))
    return person


def _count_try(ticket: str, now: datetime) -> PhoneCode | None:
    """Count a try at a live code in one statement, before it is compared; return the code, None when dead."""
    live = PhoneCode.objects.filter(
        ticket_hash=_keyed(ticket), expires_at__gt=now, used_at=None, tries__lt=TRIES
    )
    if not live.update(tries=F("tries") + 1):
        return None
    return PhoneCode.objects.get(ticket_hash=_keyed(ticket))


def device_for_phone(known_person_ids: list[int], phone: str) -> int | None:
    """Return which of the people known on a browser has this phone, None when none has."""
    number = normalise_phone(phone)
    if number is None or not known_person_ids:
        return None
    found = Person.objects.filter(kind=PersonKind.CITIZEN, phone=number, pk__in=known_person_ids)
    return found.values_list("pk", flat=True).first()


def sweep(now: datetime) -> int:
    """Delete codes too old to count for a limit, and return how many; a loop of the worker."""
    return PhoneCode.objects.filter(sent_at__lt=now - KEPT).delete()[0]
