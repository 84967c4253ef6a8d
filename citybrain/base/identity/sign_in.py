"""Signing in with a password, and out. Who signs in is told what to do next, never whether a login exists."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth import login as start_session
from django.contrib.auth import logout as end_session
from django.contrib.auth.hashers import make_password
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.identity import devices, throttle
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.history import note
from citybrain.base.identity.models import Person
from citybrain.base.identity.sessions import SessionStore, client_ip
from citybrain.base.ledger import record

BACKEND = "django.contrib.auth.backends.ModelBackend"


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of an attempt: a person, or why not and until when to wait."""

    person: Person | None
    message: str = ""
    wait_until: datetime | None = None


def check_password_sign_in(
    login: str, password: str, *, ip: str | None, device_of: "DeviceOf", now: datetime
) -> Attempt:
    """Return whose password it is. `device_of` tells, for a person's id, the known device's key or "".

    An unknown login takes as long as a wrong password and gets the same answer; so does a shut account.
    """
    login = _bare_login(login)
    person = Person.objects.filter(login=login, kind="officer").select_related("agency").first()
    device = device_of(person.pk) if person else ""
    buckets = throttle.buckets_for(login, ip, device)
    until = throttle.shut_until(buckets, now)
    if until is not None:
        return Attempt(None, _wait_message(until, now), until)
    throttle.count_attempt(buckets, now)
    if not _matches(person, password) or person is None or not person.is_active:
        return Attempt(None, _("登录名或密码不对。忘记密码请联系本单位人员管理员。"))
    throttle.take_back(buckets)
    if person.must_change_password and person.one_time_until is not None and person.one_time_until <= now:
        return Attempt(None, _("一次性密码已过期，请联系本单位人员管理员重新设置。"))
    return Attempt(person)


def _bare_login(login: str) -> str:
    """Return a login as it is compared; PostgreSQL holds no NUL, and none is longer than 40 characters."""
    return login.replace("\x00", "").strip().lower()[:40]


class DeviceOf:
    """Looks up the browser's key for an account; of no browser at all: always unknown."""

    def __init__(self, request: HttpRequest | None = None) -> None:
        self.request = request

    def __call__(self, person_id: int) -> str:
        return devices.device_of(self.request, person_id) if self.request is not None else ""


def _matches(person: Person | None, password: str) -> bool:
    if person is None or not person.has_usable_password():
        make_password(password)  # as slow as a real check
        return False
    return person.check_password(password)


def _wait_message(until: datetime, now: datetime) -> str:
    minutes = max(1, -(-int((until - now).total_seconds()) // 60))
    return _("尝试次数过多，请 %(minutes)d 分钟后再试，或联系本单位人员管理员。") % {"minutes": minutes}


def _bare(person: Person) -> Actor:
    """Return who signs in or out; for that they need no hat."""
    return Actor(
        person.pk, person.name, "citizen" if person.kind == "citizen" else "officer", person.agency_id
    )


def open_session(request: HttpRequest, person: Person, how: str, now: datetime | None = None) -> None:
    """Sign a person in on this browser under a new session key, and write it down."""
    moment = now or timezone.now()
    if isinstance(request.session, SessionStore):
        request.session.device = devices.device_of(request, person.pk)
    start_session(request, person, backend=BACKEND)
    actor = Actor(
        person.pk, person.name, "citizen" if person.kind == "citizen" else "officer", person.agency_id
    )
    note(actor, "sign_in", person, moment, {"how": how, "ip": client_ip(request)})


def sign_in(request: HttpRequest, login: str, password: str, now: datetime | None = None) -> Attempt:
    """Check a password and open the session; the caller puts `devices.remember_device` on the response."""
    moment = now or timezone.now()
    attempt = check_password_sign_in(
        login, password, ip=client_ip(request), device_of=DeviceOf(request), now=moment
    )
    if attempt.person is None:
        record(
            "anonymous",
            "identity.sign_in_failed",
            f"login:{_bare_login(login) or '-'}",
            {"ip": client_ip(request), "shut": attempt.wait_until is not None},
            at=moment,
        )
        return attempt
    open_session(request, attempt.person, "password", moment)
    return attempt


def sign_out(request: HttpRequest) -> None:
    """End this browser's session. The browser stays known for the account."""
    person = request.user
    if isinstance(person, Person):
        note(_bare(person), "sign_out", person, timezone.now(), {"ip": client_ip(request)})
    end_session(request)
