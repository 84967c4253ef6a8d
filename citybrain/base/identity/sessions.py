"""Sessions kept in our own table, so that they can be listed and revoked; and the middleware that knows them.

The table holds a hash of the key: who reads the database can't take over a session. Revoking deletes the row
and takes effect at the next request. An idle session ends after settings.SESSION_IDLE_MINUTES.
"""

import hashlib
import ipaddress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions import middleware
from django.contrib.sessions.backends.base import CreateError, SessionBase, UpdateError
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils import timezone

if TYPE_CHECKING:
    from citybrain.base.identity.models import Session

SEEN_EVERY = timedelta(minutes=1)  # how exact "last seen" is; keeps most requests free of a write


def hash_key(session_key: str) -> str:
    """Return what the table knows a session's key by."""
    return hashlib.sha256(session_key.encode()).hexdigest()


def client_ip(request: HttpRequest) -> str | None:
    """Return the caller's address; that told by a proxy only where settings.TRUSTED_PROXIES says how many."""
    trusted: int = getattr(settings, "TRUSTED_PROXIES", 0)
    told = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()]
    raw = told[-trusted] if trusted and len(told) >= trusted else request.META.get("REMOTE_ADDR", "")
    try:
        return str(ipaddress.ip_address(raw))
    except ValueError:
        return None


class SessionStore(SessionBase):
    """Django's session interface over `identity_session`."""

    def __init__(
        self, session_key: str | None = None, *, ip: str | None = None, user_agent: str = "", device: str = ""
    ) -> None:
        super().__init__(session_key)
        self.ip = ip
        self.user_agent = user_agent[:300]
        self.device = device
        self.row: Session | None = None

    @classmethod
    def get_model_class(cls) -> "type[Session]":
        from citybrain.base.identity.models import Session

        return Session

    def _find(self, session_key: str) -> "Session | None":
        found = self.get_model_class().objects.standing(timezone.now())
        return found.filter(key_hash=hash_key(session_key)).first()

    def load(self) -> dict[str, Any]:
        """Return the session's data; empty, and the key forgotten, when it is unknown, revoked or idle."""
        self.row = self._find(self.session_key) if self.session_key else None
        if self.row is None:
            self._session_key = None
            return {}
        data: dict[str, Any] = self.decode(self.row.data)
        return data

    def exists(self, session_key: str) -> bool:
        return self.get_model_class().objects.filter(key_hash=hash_key(session_key)).exists()

    def create(self) -> None:
        while True:
            self._session_key = self._get_new_session_key()  # type: ignore[attr-defined]
            try:
                self.save(must_create=True)
            except CreateError:
                continue
            self.modified = True
            return

    def save(self, must_create: bool = False) -> None:
        if self.session_key is None:
            return self.create()
        data = self._get_session(no_load=must_create)  # type: ignore[attr-defined]
        values = self._values(data)
        model = self.get_model_class()
        if must_create:
            now = timezone.now()
            try:
                with transaction.atomic():
                    self.row = model.objects.create(
                        key_hash=hash_key(self.session_key), created_at=now, last_seen_at=now, **values
                    )
            except IntegrityError as clash:
                raise CreateError from clash
        elif not model.objects.filter(key_hash=hash_key(self.session_key)).update(**values):
            raise UpdateError
        return None

    def _values(self, data: dict[str, Any]) -> dict[str, Any]:
        values: dict[str, Any] = {
            "data": self.encode(data),
            "person_id": int(data[SESSION_KEY]) if data.get(SESSION_KEY) else None,
            "expires_at": self.get_expiry_date(),
        }
        if self.ip:
            values["ip"] = self.ip
        if self.user_agent:
            values["user_agent"] = self.user_agent
        if self.device:
            values["device"] = self.device
        return values

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key:
            self.get_model_class().objects.filter(key_hash=hash_key(key)).delete()

    def touch(self, now: datetime) -> None:
        """Note that the session was used, at most once a minute."""
        if self.row is None or now - self.row.last_seen_at < SEEN_EVERY:
            return
        self.get_model_class().objects.filter(pk=self.row.pk).update(
            last_seen_at=now, ip=self.ip or self.row.ip, user_agent=self.user_agent or self.row.user_agent
        )
        self.row.last_seen_at = now

    @property
    def session_id(self) -> int | None:
        """The row's id, by which a session is listed and revoked; None before anything is kept."""
        if self.row is None and self.session_key:
            self.row = self._find(self.session_key)
        return self.row.pk if self.row else None

    @classmethod
    def clear_expired(cls) -> None:
        """Delete what has expired or stood idle for too long."""
        sweep(timezone.now())


class SessionMiddleware(middleware.SessionMiddleware):
    """Opens the session with the caller's address and device, and notes when it was last used."""

    def process_request(self, request: HttpRequest) -> None:
        request.session = SessionStore(
            request.COOKIES.get(settings.SESSION_COOKIE_NAME),
            ip=client_ip(request),
            user_agent=request.headers.get("User-Agent", ""),
        )

    def process_response(self, request: HttpRequest, response: Any) -> Any:
        session = request.session
        if isinstance(session, SessionStore) and session.accessed and not session.modified:
            session.touch(timezone.now())
        return super().process_response(request, response)


def is_alive(session_id: int, at: datetime | None = None) -> bool:
    """Return whether a session still stands: neither revoked, nor expired, nor idle for too long."""
    return (
        SessionStore.get_model_class().objects.standing(at or timezone.now()).filter(pk=session_id).exists()
    )


def sweep(now: datetime) -> int:
    """Delete sessions that have ended by themselves, and return how many; a loop of the worker."""
    model = SessionStore.get_model_class()
    standing = model.objects.standing(now).values("pk")
    return model.objects.exclude(pk__in=standing).delete()[0]
