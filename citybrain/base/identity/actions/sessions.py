"""Sessions ended by their owner, or by who manages the account."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from citybrain.base.identity.actor import Actor, Hat
from citybrain.base.identity.delegation import SESSIONS, require_over
from citybrain.base.identity.history import note
from citybrain.base.identity.models import Person, Session


def _require(actor: Actor, person: Person, moment: datetime) -> Hat | None:
    if actor.person_id == person.pk:
        return None
    return require_over(actor, SESSIONS, person, timezone.localdate(moment))


def sessions_of(actor: Actor, person: Person, now: datetime | None = None) -> list[Session]:
    """Return the sessions of an account that stand, last used first. Raises Forbidden."""
    moment = now or timezone.now()
    _require(actor, person, moment)
    return list(Session.objects.standing(moment).filter(person=person))


def revoke_session(actor: Actor, session: Session, now: datetime | None = None) -> None:
    """End one session; its browser is signed out at its next request. Raises Forbidden."""
    person = session.person
    if person is None:
        return
    moment = now or timezone.now()
    hat = _require(actor, person, moment)
    with transaction.atomic():
        Session.objects.filter(pk=session.pk).delete()
        note(actor, "revoke_session", person, moment, {"session": session.pk, "ip": session.ip}, hat)


def revoke_all_sessions(
    actor: Actor, person: Person, *, keep_session: int | None = None, now: datetime | None = None
) -> int:
    """End all sessions of an account but the one to keep, and return how many. Raises Forbidden."""
    moment = now or timezone.now()
    hat = _require(actor, person, moment)
    with transaction.atomic():
        ended, _kinds = Session.objects.filter(person=person).exclude(pk=keep_session or 0).delete()
        note(actor, "revoke_all_sessions", person, moment, {"count": ended}, hat)
    return ended
